//! The SkySwitch client: one connection pool, one login, typed endpoints.
//!
//! It knows neither MCP nor the command line. Its writing methods take a
//! [`Clearance`](skyswitch_guard::Clearance), so they cannot be called unguarded.

mod announced;
mod answer;
mod auth;
mod call;
mod domains;
mod flight;
mod homes;
mod http;
mod list;
mod numbers;
mod page;
mod paging;
mod pbx;
mod retry;
mod routes;
mod scalar;
mod setup;
mod subscribers;
mod token_cache;
mod upstream;
mod write;

use std::sync::Arc;

use url::Url;

pub use auth::TokenInfo;
pub use domains::Domain;
pub use pbx::{AnsweringRule, DialRule, DialRuleTarget, Pbx, PbxUser};
pub use setup::PieceStanding;
pub use subscribers::Subscriber;
pub use token_cache::TokenCache;
pub use write::{Evidence, NotWritten, ReadyToWrite, Written};

use crate::settings::{Credentials, PbxSettings};
use skyswitch_domain::{AccountId, Route};
use skyswitch_domain::error::Result;
use answer::Api;
use auth::{Auth, Login};
use call::Call;
use flight::Flights;
use homes::KnownDomains;
use http::{Answer, Http, Pace};
use subscribers::SubscriberCache;
use upstream::Upstream;

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Root of the API.
    pub base_url: Url,
    /// The login.
    pub credentials: Credentials,
    /// Scopes asked for, separated by spaces.
    pub scope: String,
    /// Scopes asked for where numbers are read or routed. A login of its own,
    /// since asking for a scope that is not granted can fail the whole login.
    pub number_scope: String,
    /// The PBX API, where it is configured.
    pub pbx: Option<Result<PbxSettings>>,
    /// Requests a second; 0 for no limit.
    pub rate_limit: f64,
    /// Whether `{}` is known to be how the service writes an empty list.
    pub empty_object_is_list: bool,
    /// Where the token is kept between calls and processes.
    pub token_cache: TokenCache,
}

/// A client of one SkySwitch login. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    telco: Upstream,
    /// The same API with the scopes for numbers and their routes.
    numbers: Upstream,
    pbx: Option<Result<Pbx>>,
    route_lists: Flights<Arc<Vec<Route>>>,
    domain_lists: Flights<Arc<Vec<Domain>>>,
    known_domains: KnownDomains,
    empty_object_is_list: bool,
    subscribers: SubscriberCache,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Builds the connection pool. Nothing is sent before the first call.
    ///
    /// # Errors
    /// `internal` when TLS cannot be set up on this machine.
    pub fn new(options: ClientOptions) -> Result<Client> {
        let pace = Pace::of(options.rate_limit);
        let http = Arc::new(Http::new(Api::Telco, options.base_url.clone(), pace)?);
        let with_scope = |scope: &str| {
            Upstream::new(
                Arc::clone(&http),
                Auth::login(&Login {
                    base_url: &options.base_url,
                    path: &["oauth", "token"],
                    credentials: &options.credentials,
                    scope: Some(scope),
                    token_cache: &options.token_cache,
                }),
            )
        };
        let telco = with_scope(&options.scope);
        let numbers = match options.number_scope == options.scope {
            true => telco.clone(),
            false => with_scope(&options.number_scope),
        };
        let pbx = options.pbx.as_ref().map(|settings| {
            let settings = settings.as_ref().map_err(Clone::clone)?;
            Pbx::new(settings, &options.token_cache)
        });
        Ok(Client {
            inner: Arc::new(Inner {
                telco,
                numbers,
                pbx,
                route_lists: Flights::default(),
                domain_lists: Flights::default(),
                known_domains: KnownDomains::default(),
                empty_object_is_list: options.empty_object_is_list,
                subscribers: SubscriberCache::default(),
            }),
        })
    }

    /// What the service says of the present token: user, scopes, expiry
    /// (SkySwitch API reference, `GET /oauth/token`).
    pub async fn token_info(&self) -> Result<TokenInfo> {
        let call = Call::get(["oauth", "token"]);
        let answer = match self.read(call.clone()).await {
            // This endpoint alone answers 400 to a token that is no longer good.
            Err(error) if error.detail().status == Some(400) => {
                self.token(true).await?;
                self.read(call).await?
            }
            answer => answer?,
        };
        answer.json("the token description")
    }

    /// A token that is good now, logging in if need be.
    ///
    /// # Errors
    /// `unauthorized` when the service refuses the login.
    pub async fn token(&self, renew: bool) -> Result<auth::Token> {
        self.inner.telco.token(renew).await
    }

    async fn read(&self, call: Call) -> Result<Answer> {
        self.inner.telco.read(call).await
    }
}

/// Path below an account.
fn account_path<const N: usize>(account: &AccountId, rest: [&str; N]) -> Vec<String> {
    ["accounts", account.as_str()]
        .into_iter()
        .chain(rest)
        .map(str::to_owned)
        .collect()
}
