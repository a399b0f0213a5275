//! Login and renewal: OAuth password grant, refresh grant, one at a time.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use url::Url;

use super::allowance;
use super::answer::Api;
use super::call::{Body, Call};
use super::http::{Failure, Http};
use super::refused_logins::RefusedLogins;
use super::retry::{self, Budget};
use super::source::Source;
use super::token::{Granted, Token};
use super::token_cache::{TokenCache, TokenSlot};
use crate::settings::Credentials;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::program;
use skyswitch_domain::redact::{Secret, keep_out};

/// Where and as whom to log in.
pub(super) struct Login<'a> {
    /// Root of the API, part of the token's name in the cache.
    pub base_url: &'a Url,
    /// Path of the token endpoint below it.
    pub path: &'static [&'static str],
    pub credentials: &'a Source<Credentials>,
    /// Scopes asked for; the PBX API knows none.
    pub scope: Option<&'a str>,
    pub token_cache: &'a TokenCache,
}

/// Keeps one good token.
pub(super) enum Auth {
    /// That it logs in for.
    Login(Box<LoginAuth>),
    /// That the operator was given (NetSapiens API v2, API keys).
    Key(KeyAuth),
}

impl Auth {
    /// A token that is got by logging in.
    pub fn login(login: &Login<'_>) -> Auth {
        Auth::Login(Box::new(LoginAuth::new(login)))
    }

    /// A key that is good until it is taken back.
    pub fn key(source: &Source<Secret>) -> Auth {
        Auth::Key(KeyAuth {
            source: source.clone(),
            current: Mutex::default(),
        })
    }

    /// A token that is good now.
    pub async fn token(&self, http: &Http) -> Result<Token> {
        match self {
            Auth::Login(login) => login.token(http).await,
            Auth::Key(key) => key.token().await,
        }
    }

    /// A token other than the one that the service has just refused.
    pub async fn renewed(&self, http: &Http, refused: &Token) -> Result<Token> {
        match self {
            Auth::Login(login) => login.renewed(http, refused).await,
            Auth::Key(key) => key.renewed(refused).await,
        }
    }
}

/// Keeps a key.
pub(super) struct KeyAuth {
    source: Source<Secret>,
    current: Mutex<Option<Token>>,
}

impl KeyAuth {
    async fn token(&self) -> Result<Token> {
        let current = self
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match current {
            Some(token) => Ok(token),
            None => self.read().await,
        }
    }

    async fn read(&self) -> Result<Token> {
        let access = self.source.read().await?;
        keep_out(&access);
        let token = Token {
            access,
            refresh: None,
            issued_at: Timestamp::MIN,
            expires_at: Timestamp::MAX,
            api_version: None,
        };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// The key that was put in the place of the refused one, if one was.
    async fn renewed(&self, refused: &Token) -> Result<Token> {
        let token = self.read().await?;
        if token.access == refused.access {
            return Err(Error::new(
                Code::Unauthorized,
                "the PBX API refused the API key, or does not allow it to do that",
                "Check `pbx_api_key` (SKYSWITCH_PBX_API_KEY): its reach, and whether it is read-only or bound to an address.",
            ));
        }
        Ok(token)
    }
}

/// Logs in and renews.
pub(super) struct LoginAuth {
    source: Source<Credentials>,
    base_url: Url,
    path: &'static [&'static str],
    scope: Option<String>,
    token_cache: TokenCache,
    /// The token, with the slot of the login that it was got by.
    current: Mutex<Option<(TokenSlot, Token)>>,
    /// Held while logging in, so that any number of first calls log in once.
    renewing: tokio::sync::Mutex<()>,
    /// When a login last failed and why: for those who waited for it meanwhile.
    last_failure: Mutex<Option<(Instant, Error)>>,
    refused: RefusedLogins,
}

impl LoginAuth {
    fn new(login: &Login<'_>) -> LoginAuth {
        LoginAuth {
            source: login.credentials.clone(),
            base_url: login.base_url.clone(),
            path: login.path,
            scope: login.scope.map(str::to_owned),
            token_cache: login.token_cache.clone(),
            current: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(()),
            last_failure: Mutex::new(None),
            refused: RefusedLogins::default(),
        }
    }

    async fn token(&self, http: &Http) -> Result<Token> {
        if let Some(token) = self.current_fresh() {
            return Ok(token);
        }
        allowance::in_time(self.renew(http, None)).await
    }

    async fn renewed(&self, http: &Http, refused: &Token) -> Result<Token> {
        allowance::in_time(self.renew(http, Some(refused))).await
    }

    async fn renew(&self, http: &Http, refused: Option<&Token>) -> Result<Token> {
        let usable = |token: &Token| {
            token.is_fresh(Timestamp::now())
                && refused.is_none_or(|refused| refused.access != token.access)
        };
        let asked_at = Instant::now();
        let _turn = self.renewing.lock().await;
        if let Some((_, token)) = self.current().filter(|(_, token)| usable(token)) {
            return Ok(token);
        }
        if let Some(error) = self.failed_since(asked_at) {
            return Err(error);
        }
        let credentials = self.credentials().await?;
        let slot = self.slot(&credentials);
        // Without a usable state folder every process logs in for itself; it still works.
        let _lock = slot.lock().await.unwrap_or_else(not_shared);
        let stored = slot.load().unwrap_or_else(not_shared);
        stored.iter().for_each(Token::keep_out);
        if let Some(token) = stored.clone().filter(usable) {
            self.keep(&slot, &token);
            return Ok(token);
        }
        if let Some(error) = self.refused.pause(&slot) {
            return Err(error);
        }
        let own = self.current().filter(|(of, _)| *of == slot);
        let refresh = stored
            .or_else(|| own.map(|(_, token)| token))
            .and_then(|token| token.refresh);
        let token = self
            .grant(http, &credentials, refresh)
            .await
            .inspect_err(|error| self.note_failure(&slot, error))?;
        self.refused.forget();
        self.keep(&slot, &token);
        slot.save(&token).unwrap_or_else(not_shared);
        Ok(token)
    }

    /// The login as it is now: it may have been changed since the last one.
    async fn credentials(&self) -> Result<Credentials> {
        let credentials = self
            .source
            .read()
            .await
            .inspect_err(|error| self.note_for_those_who_wait(error))?;
        keep_out(&credentials.client_secret);
        keep_out(&credentials.password);
        Ok(credentials)
    }

    fn slot(&self, credentials: &Credentials) -> TokenSlot {
        let scope = self.scope.as_deref();
        TokenSlot::new(&self.token_cache, &self.base_url, credentials, scope)
    }

    /// Refresh grant where possible, else password grant.
    async fn grant(
        &self,
        http: &Http,
        credentials: &Credentials,
        refresh: Option<Secret>,
    ) -> Result<Token> {
        if let Some(refresh) = refresh {
            let fields = vec![("refresh_token", refresh.clone())];
            let form = self.form(credentials, "refresh_token", fields);
            // Once only: a refresh token may be used up even though its answer was lost.
            match self.request(http, form, &Budget::default()).await {
                Ok(mut token) => {
                    token.refresh.get_or_insert(refresh);
                    return Ok(token);
                }
                Err(failure) => {
                    tracing::debug!(
                        error.code = failure.into_error().code().as_str(),
                        "refresh refused, logging in with the password"
                    );
                }
            }
        }
        let mut fields = vec![
            ("username", Secret::new(&credentials.username)),
            ("password", credentials.password.clone()),
        ];
        fields.extend(
            self.scope
                .as_ref()
                .map(|scope| ("scope", Secret::new(scope))),
        );
        let form = self.form(credentials, "password", fields);
        let budget = Budget::default();
        retry::read(&budget, || self.request(http, form.clone(), &budget))
            .await
            .map_err(|failure| login_refused(failure, http.api()))
    }

    async fn request(&self, http: &Http, form: Call, budget: &Budget) -> Result<Token, Failure> {
        let place = http.admit_login().await?;
        let answer = http.send(&form, None, budget, Some(place)).await?;
        let granted: Granted = answer.json("the login").map_err(Failure::Final)?;
        let token = granted.into_token().map_err(|error| match error.code() {
            Code::UpstreamRejected => answer.not_understood(error),
            _ => error,
        });
        token.map_err(Failure::Final)
    }

    fn form(
        &self,
        credentials: &Credentials,
        grant_type: &str,
        fields: Vec<(&'static str, Secret)>,
    ) -> Call {
        let mut form = vec![
            ("grant_type", Secret::new(grant_type)),
            ("client_id", Secret::new(&credentials.client_id)),
            ("client_secret", credentials.client_secret.clone()),
        ];
        form.extend(fields);
        Call {
            body: Body::Login(form),
            ..Call::new(reqwest::Method::POST, self.path.iter().copied())
        }
    }

    /// Trying a wrong password once for every caller who waited would lock the user out.
    fn failed_since(&self, moment: Instant) -> Option<Error> {
        let failure = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        failure
            .as_ref()
            .filter(|(at, _)| *at >= moment)
            .map(|(_, error)| error.clone())
    }

    fn note_failure(&self, slot: &TokenSlot, error: &Error) {
        if error.code() == Code::Unauthorized {
            self.refused.note(slot, error);
        }
        self.note_for_those_who_wait(error);
    }

    fn note_for_those_who_wait(&self, error: &Error) {
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    fn current(&self) -> Option<(TokenSlot, Token)> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn current_fresh(&self) -> Option<Token> {
        let (_, token) = self.current()?;
        token.is_fresh(Timestamp::now()).then_some(token)
    }

    fn keep(&self, slot: &TokenSlot, token: &Token) {
        token.keep_out();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some((slot.clone(), token.clone()));
    }
}

fn not_shared<T: Default>(error: Error) -> T {
    tracing::warn!(%error, "the token is not shared with other processes");
    T::default()
}

/// Says of a refused login what the operator can do about it.
fn login_refused(failure: Failure, api: Api) -> Error {
    let (who, hint) = match api {
        Api::Telco => (
            "SkySwitch",
            format!(
                "Check client_id, client_secret, username, password and scope; `{program} login` asks for them again, `{program} doctor` goes through them.",
                program = program()
            ),
        ),
        Api::Pbx => (
            "PBX",
            "Check `pbx_base_url`, `pbx_client_id`, `pbx_client_secret`, `pbx_username` and `pbx_password`.".to_owned(),
        ),
    };
    match failure {
        Failure::Answered {
            status: status @ (400..=403 | 422),
            error,
            ..
        } => Error::new(
            Code::Unauthorized,
            format!("the {who} login failed: {error}"),
            hint,
        )
        .with_answer(status, error.detail().request_id.clone()),
        other => other.into_error(),
    }
}
