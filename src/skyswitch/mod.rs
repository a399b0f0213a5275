//! The SkySwitch client: one connection pool, one login, typed endpoints.
//!
//! It knows neither MCP nor the command line. Its writing methods take a
//! [`Clearance`](crate::guard::Clearance), so they cannot be called unguarded.

mod answer;
mod auth;
mod domains;
mod flight;
mod http;
mod list;
mod retry;
mod routes;
mod token_cache;

use std::sync::Arc;

use url::Url;

pub use auth::TokenInfo;
pub use domains::Domain;
pub use routes::{Evidence, NotWritten, ReadyToWrite, Written};
pub use token_cache::TokenCache;

use crate::config::Credentials;
use crate::domain::{AccountId, Route};
use crate::error::Result;
use auth::Auth;
use flight::Flights;
use http::{Answer, Call, Failure, Http, Place};
use retry::Budget;

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Root of the API.
    pub base_url: Url,
    /// The login.
    pub credentials: Credentials,
    /// Scopes asked for, separated by spaces.
    pub scope: String,
    /// Requests a second; 0 for no limit.
    pub rate_limit: f64,
    /// Where the token is kept between calls and processes.
    pub token_cache: TokenCache,
}

/// A client of one SkySwitch login. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    auth: Auth,
    route_lists: Flights<Arc<Vec<Route>>>,
    domain_lists: Flights<Arc<Vec<Domain>>>,
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
        Ok(Client {
            inner: Arc::new(Inner {
                http: Http::new(options.base_url.clone(), options.rate_limit)?,
                auth: Auth::new(&options),
                route_lists: Flights::default(),
                domain_lists: Flights::default(),
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
        let token = self.inner.auth.token(&self.inner.http).await?;
        if renew {
            return self.inner.auth.renewed(&self.inner.http, &token).await;
        }
        Ok(token)
    }

    /// Sends a read, with login, one repeat after a 401, and retries.
    async fn read(&self, call: Call) -> Result<Answer> {
        let budget = Budget::default();
        retry::read(&budget, || self.once(&call, &budget))
            .await
            .map_err(Failure::into_error)
    }

    /// Sends a read once; after a 401, once more with a renewed token.
    async fn once(&self, call: &Call, budget: &Budget) -> Result<Answer, Failure> {
        let Inner { http, auth, .. } = &*self.inner;
        let token = auth.token(http).await.map_err(Failure::Final)?;
        match self.attempt(call, &token, budget, None).await {
            Err(Failure::Answered { status: 401, .. }) => {
                let renewed = auth.renewed(http, &token).await.map_err(Failure::Final)?;
                self.attempt(call, &renewed, budget, None).await
            }
            outcome => outcome,
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        token: &auth::Token,
        budget: &Budget,
        place: Option<Place>,
    ) -> Result<Answer, Failure> {
        let bearer = Some(token.access());
        self.inner.http.send(call, bearer, budget, place).await
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
