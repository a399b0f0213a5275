//! Login and renewal: OAuth password grant, refresh grant, one at a time.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::http::{Call, Failure, Http};
use super::retry::{self, Budget};
use super::token_cache::TokenSlot;
use super::{ClientOptions, list};
use crate::config::Credentials;
use crate::error::{Code, Error, Result};
use crate::redact::{Secret, serialize_exposed};

/// Lifetime of a token whose answer names none (SkySwitch API reference: 21600 s).
const DEFAULT_LIFETIME_S: i64 = 21_600;
/// A token is renewed this long before it ends, or at nine tenths of a short life.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(300);

/// An access token with what is needed to renew it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    #[serde(serialize_with = "serialize_exposed")]
    access: Secret,
    #[serde(default, serialize_with = "serialize_refresh")]
    refresh: Option<Secret>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Token {
    /// The bearer value.
    pub fn access(&self) -> &Secret {
        &self.access
    }

    /// When the service stops accepting it.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        let lifetime = self.expires_at.duration_since(self.issued_at);
        now < self.expires_at - RENEW_EARLY.min(lifetime / 10)
    }
}

fn serialize_refresh<S: serde::Serializer>(
    refresh: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match refresh {
        Some(secret) => serialize_exposed(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// What the service says of a token (SkySwitch API reference, `GET /oauth/token`).
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct TokenInfo {
    /// Login of the user the token acts for.
    #[serde(default)]
    pub username: String,
    /// Scopes granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Expiry, seconds since 1970, UTC.
    #[serde(default, deserialize_with = "list::lenient_integer")]
    pub expires: i64,
}

impl TokenInfo {
    /// Whether a scope was granted. The service's own samples write some
    /// scopes in the plural (`accounts`), so both forms count.
    pub fn grants(&self, scope: &str) -> bool {
        let singular = |name: &str| name.trim_end_matches('s').to_ascii_lowercase();
        self.scopes
            .iter()
            .any(|granted| granted == "*" || singular(granted) == singular(scope))
    }
}

/// Keeps one good token.
pub(super) struct Auth {
    credentials: Credentials,
    scope: String,
    slot: TokenSlot,
    current: Mutex<Option<Token>>,
    /// Held while logging in, so that any number of first calls log in once.
    renewing: tokio::sync::Mutex<()>,
    /// When a login last failed and why: for those who waited for it meanwhile.
    last_failure: Mutex<Option<(Instant, Error)>>,
}

impl Auth {
    pub fn new(options: &ClientOptions) -> Auth {
        let credentials = options.credentials.clone();
        Auth {
            slot: TokenSlot::new(
                &options.token_cache,
                &[
                    options.base_url.as_str(),
                    &credentials.client_id,
                    credentials.client_secret.expose(),
                    &credentials.username,
                    credentials.password.expose(),
                    &options.scope,
                ],
            ),
            credentials,
            scope: options.scope.clone(),
            current: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(()),
            last_failure: Mutex::new(None),
        }
    }

    /// A token that is good now.
    pub async fn token(&self, http: &Http) -> Result<Token> {
        if let Some(token) = self.current_fresh() {
            return Ok(token);
        }
        self.renew(http, None).await
    }

    /// A token other than the one that the service has just refused.
    pub async fn renewed(&self, http: &Http, refused: &Token) -> Result<Token> {
        self.renew(http, Some(refused)).await
    }

    async fn renew(&self, http: &Http, refused: Option<&Token>) -> Result<Token> {
        let usable = |token: &Token| {
            token.is_fresh(Timestamp::now())
                && refused.is_none_or(|refused| refused.access != token.access)
        };
        let asked_at = Instant::now();
        let _turn = self.renewing.lock().await;
        if let Some(token) = self.current().filter(usable) {
            return Ok(token);
        }
        if let Some(error) = self.failed_since(asked_at) {
            return Err(error);
        }
        // Without a usable state folder every process logs in for itself; it still works.
        let _lock = self.slot.lock().await.unwrap_or_else(not_shared);
        let stored = self.slot.load().unwrap_or_else(not_shared);
        if let Some(token) = stored.clone().filter(usable) {
            self.keep(&token);
            return Ok(token);
        }
        let refresh = stored
            .or_else(|| self.current())
            .and_then(|token| token.refresh);
        let token = self
            .grant(http, refresh)
            .await
            .inspect_err(|error| self.note_failure(error))?;
        self.keep(&token);
        self.slot.save(&token).unwrap_or_else(not_shared);
        Ok(token)
    }

    /// Refresh grant where possible, else password grant.
    async fn grant(&self, http: &Http, refresh: Option<Secret>) -> Result<Token> {
        if let Some(refresh) = refresh {
            let form = self.form("refresh_token", vec![("refresh_token", refresh.clone())]);
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
        let form = self.form(
            "password",
            vec![
                ("username", Secret::new(&self.credentials.username)),
                ("password", self.credentials.password.clone()),
                ("scope", Secret::new(&self.scope)),
            ],
        );
        let budget = Budget::default();
        retry::read(&budget, || self.request(http, form.clone(), &budget))
            .await
            .map_err(login_refused)
    }

    async fn request(&self, http: &Http, form: Call, budget: &Budget) -> Result<Token, Failure> {
        let place = http.admit_login().await?;
        let answer = http.send(&form, None, budget, Some(place)).await?;
        let granted: Granted = answer.json("the login").map_err(Failure::Final)?;
        granted.into_token().map_err(Failure::Final)
    }

    fn form(&self, grant_type: &str, fields: Vec<(&'static str, Secret)>) -> Call {
        let mut form = vec![
            ("grant_type", Secret::new(grant_type)),
            ("client_id", Secret::new(&self.credentials.client_id)),
            ("client_secret", self.credentials.client_secret.clone()),
        ];
        form.extend(fields);
        Call {
            form: Some(form),
            ..Call::new(reqwest::Method::POST, ["oauth", "token"])
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

    fn note_failure(&self, error: &Error) {
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    fn current(&self) -> Option<Token> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn current_fresh(&self) -> Option<Token> {
        self.current()
            .filter(|token| token.is_fresh(Timestamp::now()))
    }

    fn keep(&self, token: &Token) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    }
}

/// The token endpoint's answer. `refresh_token` and `expires_in` may be absent.
#[derive(Deserialize)]
struct Granted {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "list::lenient_integer")]
    expires_in: i64,
}

impl Granted {
    fn into_token(self) -> Result<Token> {
        let access = self
            .access_token
            .filter(|token| !token.expose().is_empty())
            .ok_or_else(|| {
                Error::new(
                    Code::UpstreamRejected,
                    "SkySwitch answered the login without a token",
                    "Check the login in the SkySwitch portal (two-factor login may be on for this user).",
                )
            })?;
        let lifetime = match self.expires_in {
            seconds if seconds > 0 => seconds.min(366 * 86_400),
            _ => DEFAULT_LIFETIME_S,
        };
        let issued_at = Timestamp::now();
        Ok(Token {
            access,
            refresh: self.refresh_token,
            issued_at,
            expires_at: issued_at + SignedDuration::from_secs(lifetime),
        })
    }
}

fn not_shared<T: Default>(error: Error) -> T {
    tracing::warn!(%error, "the token is not shared with other processes");
    T::default()
}

/// Says of a refused login what the operator can do about it.
fn login_refused(failure: Failure) -> Error {
    match failure {
        Failure::Answered {
            status: status @ (400..=403 | 422),
            error,
            ..
        } => Error::new(
            Code::Unauthorized,
            format!("the SkySwitch login failed: {error}"),
            "Check client_id, client_secret, username, password and scope; `skyswitch doctor` goes through them.",
        )
        .with_answer(status, error.detail().request_id.clone()),
        other => other.into_error(),
    }
}
