//! A client of the SkySwitch (Telco) API and of the NetSapiens PBX API beside
//! it: typed endpoints over one connection pool, with login, rate limits and
//! retries.
//!
//! ```no_run
//! use skyswitch_client::domain::redact::Secret;
//! use skyswitch_client::{Client, ClientOptions, Credentials, DEFAULT_BASE_URL};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials {
//!     client_id: "my-client".to_owned(),
//!     client_secret: Secret::new("its secret"),
//!     username: "robot@example.com".to_owned(),
//!     password: Secret::new("its password"),
//! };
//! let client = Client::new(ClientOptions::new(DEFAULT_BASE_URL.parse()?, credentials))?;
//! let account = "0f8fad5b-d9cb-469f-a165-70867728950e".parse()?;
//! let customer = "acme.12345.service".parse()?;
//! for rule in client.routes(&account, Some(&customer)).await?.iter() {
//!     println!("{} goes to {}", rule.key.ani, rule.goes_to());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The example `list_vip_rules` does the same against the embedded sandbox:
//! `cargo run -p skyswitch-client --example list_vip_rules`.
//!
//! # Reading
//!
//! | What | How |
//! |---|---|
//! | PBX domains, one per customer | [`Client::domains`] |
//! | VIP rules (route-by-ANI rules) | [`Client::routes`], [`Client::routes_now`] |
//! | users of a domain | [`Client::subscribers`] |
//! | customers' numbers and where they go | [`Client::domain_numbers`], [`Client::account_numbers`], [`Client::did_route`] |
//! | users, devices, answering rules and dial plans in the PBX API | [`Client::pbx`], then the methods of [`Pbx`] |
//! | what the login may do | [`Client::token_info`], [`Client::number_scopes`] |
//!
//! A list that is not explicit, complete and understood is an error and never
//! an empty list, so that nothing is decided on half of it.
//!
//! # Changing something
//!
//! A change takes a [`Clearance`](guard::Clearance), which only the
//! [`guard`] gives, after a person has agreed where one has to. Nothing can
//! be changed without it:
//!
//! 1. read what exists, and form a change with it as it is now and as it is to be,
//! 2. let [`Guard::decide`](guard::Guard::decide) clear the [`Plan`](guard::Plan) that it is in,
//! 3. wait for [`Client::ready_to_write`]; until then the change can still be cancelled,
//! 4. [`Client::write`] sends it until it is known whether it was made: an
//!    answer that was lost, or that is not the documented one, is settled by reading.
//!
//! A VIP rule and a part of a customer's setup are both such a
//! [`Change`](guard::Change). There is no request that deletes anything in a
//! PBX domain beside VIP rules, and none that buys or disconnects a number.
//!
//! # What it takes care of
//!
//! - **Login**: one for all requests, renewed before it expires; with
//!   [`TokenCache::Shared`] also for all processes of this machine.
//! - **Rate limit**: see [`ClientOptions::rate_limit`]. A request's time
//!   begins when the limit lets it out.
//! - **Retries**: what may pass (429, failures on the service's side, broken
//!   connections) is tried again for up to 30 seconds, as `Retry-After` says
//!   or with growing pauses. A change is repeated only where that is safe.
//! - **Equal reads** that are in flight at the same time are sent once.
//! - **Bounds**: every request has a time-out, every answer a largest size,
//!   and redirects are not followed. An [`Allowance`] bounds all requests that
//!   a piece of work leads to, together.
//! - **Refused logins**: after one, the same is not tried for a while, and longer
//!   after each, so that a program that asks again and again locks nobody out.
//! - **Changed passwords**: the login is read from its [`Source`] whenever it is
//!   needed, so that a running program never uses an old one.
//!
//! # Errors
//!
//! Every failure holds the one [`Error`](domain::Error): a code, what
//! happened, and what to do next. Secrets are removed from what the service
//! says before it is passed on. The transport's errors, which every method may
//! give, are `unauthorized`, `forbidden`, `not_found`, `rate_limited`,
//! `upstream_rejected`, `upstream_unavailable` and `timeout`.

mod acknowledgement;
mod allowance;
mod announced;
mod answer;
mod auth;
mod call;
#[cfg(feature = "otlp")]
mod collector;
mod domains;
mod flight;
mod glance;
mod homes;
mod http;
mod list;
mod list_words;
mod netsapiens;
mod numbers;
mod pace;
mod page;
mod paging;
mod refused_logins;
mod retry;
mod routes;
mod sample;
mod samples;
mod scalar;
mod settings;
mod setup;
mod skeleton;
mod source;
mod spans;
mod subscribers;
mod switch;
mod token;
mod token_cache;
mod trace;
mod upstream;
mod write;
mod written;

use std::sync::Arc;

use url::Url;

/// The types of the field that requests and answers are made of.
#[doc(no_inline)]
pub use skyswitch_domain as domain;
/// The guard, which clears changes.
#[doc(no_inline)]
pub use skyswitch_guard as guard;

pub use allowance::Allowance;
#[cfg(feature = "otlp")]
pub use collector::Collector;
pub use domains::Domain;
pub use list::NOT_FOUND_IS_EMPTY_LIST;
pub use netsapiens::{AnsweringRule, DialRule, DialRuleTarget, Forward, Pbx, PbxUser};
pub use sample::{SampleOutcome, Sampled};
pub use settings::{
    Credentials, DEFAULT_BASE_URL, DEFAULT_RATE_LIMIT, DEFAULT_SCOPE, NUMBER_SCOPES, PbxGeneration,
    PbxLogin, PbxSettings,
};
pub use setup::PieceNow;
pub use skeleton::{Skeleton, class_of};
pub use source::Source;
pub use subscribers::Subscriber;
pub use token::{Token, TokenInfo};
pub use token_cache::{KeptToken, TokenCache};
pub use trace::Trace;
pub use write::ReadyToWrite;
pub use written::{Evidence, Found, Matches, NotWritten, Reading, Written};

use answer::Api;
use auth::{Auth, Login};
use flight::Flights;
use homes::KnownDomains;
use http::Http;
use pace::Pace;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, Route};
use skyswitch_guard::store::{SharedStore, StateFolder};
use subscribers::SubscriberCache;
use upstream::Upstream;

/// What a client is made of. Begin with [`ClientOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Root of the API, usually [`DEFAULT_BASE_URL`]. Plain `http` is meant for
    /// this machine only: it uses neither a proxy nor the system's certificates.
    pub base_url: Url,
    /// The login, read before each login and not kept.
    pub credentials: Source<Credentials>,
    /// Scopes asked for at login, separated by spaces.
    pub scope: String,
    /// Scopes asked for where customers' numbers are read or routed. Where they
    /// differ from `scope`, that is a login of its own, because asking for a
    /// scope that is not granted can fail the whole login.
    pub number_scope: String,
    /// The PBX API; `None` where it is not used. Settings that are unusable
    /// may be given as the error they led to: requests that need the PBX API
    /// then fail with it, and all others work.
    pub pbx: Option<Result<PbxSettings>>,
    /// Requests a second to the SkySwitch API, bursts of twice as many; 0 for no limit.
    pub rate_limit: f64,
    /// Whether the service is told the trace that a request belongs to, in the
    /// header `traceparent`, where the [`Allowance`] names one that is continued.
    pub send_traceparent: bool,
    /// Whether the answer `{}` is taken for an empty list. It is not documented
    /// that it means one, so it is otherwise refused as a list that is not understood.
    pub empty_object_is_list: bool,
    /// Whether "not found" is taken for an empty list where the domain is known
    /// to exist. That is not documented, either; a write probe may have learned it.
    pub not_found_is_list: bool,
    /// Where the token is kept between requests and processes.
    pub token_cache: TokenCache,
    /// What outlives a process: the skeletons of answers in a form that is not
    /// known, which can be reported, and what was learned of the service.
    pub state: Option<SharedStore>,
}

impl ClientOptions {
    /// The scopes that VIP rules, numbers and their routing need, the default
    /// rate limit, a token that is kept in this process only, and no PBX API.
    pub fn new(base_url: Url, credentials: impl Into<Source<Credentials>>) -> ClientOptions {
        ClientOptions {
            base_url,
            credentials: credentials.into(),
            scope: DEFAULT_SCOPE.to_owned(),
            number_scope: format!("{DEFAULT_SCOPE} {NUMBER_SCOPES}"),
            pbx: None,
            rate_limit: DEFAULT_RATE_LIMIT,
            send_traceparent: true,
            empty_object_is_list: false,
            not_found_is_list: false,
            token_cache: TokenCache::Private,
            state: None,
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
    route_lists: Flights<(Arc<Vec<Route>>, std::time::Instant)>,
    domain_lists: Flights<Arc<Vec<Domain>>>,
    known_domains: KnownDomains,
    empty_object_is_list: bool,
    not_found_is_list: bool,
    learned: Option<Learned>,
    subscribers: SubscriberCache,
}

/// What was learned of the service, and under which address.
struct Learned {
    store: SharedStore,
    host: Url,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Builds the connection pool. Nothing is sent before the first request.
    ///
    /// # Errors
    /// `internal` when TLS cannot be set up on this machine.
    pub fn new(options: ClientOptions) -> Result<Client> {
        let pace = Pace::of(options.rate_limit);
        let samples = options.state.as_ref().map(|store| {
            let folder = store.folder().path().join("samples");
            Arc::new(StateFolder::new(folder))
        });
        let address = options.base_url.clone();
        let told_trace = options.send_traceparent;
        let http = Http::new(Api::Telco, address, pace, samples.clone())?;
        let http = Arc::new(http.telling_traces(told_trace));
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
            Pbx::new(settings, &options.token_cache, samples, told_trace)
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
                not_found_is_list: options.not_found_is_list,
                learned: options.state.map(|store| Learned {
                    store,
                    host: options.base_url,
                }),
                subscribers: SubscriberCache::default(),
            }),
        })
    }

    /// What the service says of the present token: user, scopes, expiry
    /// (SkySwitch API reference, `GET /oauth/token`). `None` where it does not
    /// show that.
    ///
    /// # Errors
    /// `unauthorized` when the service refuses the login; the transport's errors.
    pub async fn token_info(&self) -> Result<Option<TokenInfo>> {
        self.inner.telco.token_info().await
    }

    /// A token that can be used now. Logs in where there is none yet, where it
    /// is about to expire, and where a new one is asked for (`renew`).
    ///
    /// # Errors
    /// `unauthorized` when the service refuses the login.
    pub async fn token(&self, renew: bool) -> Result<Token> {
        self.inner.telco.token(renew).await
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
