//! A client of the SkySwitch (Telco) API and of the NetSapiens PBX API beside
//! it: one connection pool, one login however many requests run at once, rate
//! limits, retries, and typed endpoints.
//!
//! - **Reading** needs nothing but a [`Client`]: [`Client::domains`],
//!   [`Client::routes`], [`Client::subscribers`] and the numbers' routing.
//! - **Writing** takes a [`Clearance`](skyswitch_guard::Clearance), which only
//!   the guard gives, so that nothing is changed past it. A change is sent
//!   until it is known whether it was made: a lost answer is settled by reading.
//! - **What is not understood is an error**, never an empty list.
//!
//! ```no_run
//! use skyswitch_client::{Client, ClientOptions, Credentials};
//! use skyswitch_domain::redact::Secret;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials {
//!     client_id: "my-client".to_owned(),
//!     client_secret: Secret::new("its secret"),
//!     username: "robot@example.com".to_owned(),
//!     password: Secret::new("its password"),
//! };
//! let client = Client::new(ClientOptions::new("https://api.skyswitch.com".parse()?, credentials))?;
//! let account = "0f8fad5b-d9cb-469f-a165-70867728950e".parse()?;
//! let rules = client.routes(&account, Some(&"acme.12345.service".parse()?)).await?;
//! # let _ = rules;
//! # Ok(())
//! # }
//! ```
//!
//! The example `list_vip_rules` does that against the embedded sandbox.

mod announced;
mod answer;
mod auth;
mod call;
mod domains;
mod flight;
mod homes;
mod http;
mod list;
mod netsapiens;
mod numbers;
mod page;
mod paging;
mod retry;
mod routes;
mod scalar;
mod settings;
mod setup;
mod subscribers;
mod token_cache;
mod upstream;
mod write;

use std::sync::Arc;

use url::Url;

pub use auth::TokenInfo;
pub use domains::Domain;
pub use netsapiens::{AnsweringRule, DialRule, DialRuleTarget, Pbx, PbxUser};
pub use settings::{
    Credentials, DEFAULT_BASE_URL, DEFAULT_RATE_LIMIT, DEFAULT_SCOPE, NUMBER_SCOPES, PbxGeneration,
    PbxLogin, PbxSettings,
};
pub use setup::PieceStanding;
pub use subscribers::Subscriber;
pub use token_cache::TokenCache;
pub use write::{Evidence, NotWritten, ReadyToWrite, Written};

use answer::Api;
use auth::{Auth, Login};
use call::Call;
use flight::Flights;
use homes::KnownDomains;
use http::{Answer, Http, Pace};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, Route};
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

impl ClientOptions {
    /// The scopes that VIP rules, numbers and their routing need, the default
    /// rate limit, a token that is kept in this process only, and no PBX API.
    pub fn new(base_url: Url, credentials: Credentials) -> ClientOptions {
        ClientOptions {
            base_url,
            credentials,
            scope: DEFAULT_SCOPE.to_owned(),
            number_scope: format!("{DEFAULT_SCOPE} {NUMBER_SCOPES}"),
            pbx: None,
            rate_limit: DEFAULT_RATE_LIMIT,
            empty_object_is_list: false,
            token_cache: TokenCache::Private,
        }
    }
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
