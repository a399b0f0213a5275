//! One API with its login: what every call to it goes through.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::auth::{Auth, Token};
use super::call::Call;
use super::http::{Answer, Failure, Http, Place};
use super::retry::{self, Budget};
use skyswitch_domain::error::Result;

/// A connection pool and a login. Cheap to clone; clones share both.
#[derive(Clone)]
pub(super) struct Upstream {
    http: Arc<Http>,
    auth: Arc<Auth>,
}

impl Upstream {
    pub fn new(http: Arc<Http>, auth: Auth) -> Upstream {
        Upstream {
            http,
            auth: Arc::new(auth),
        }
    }

    /// A token that is good now, logging in if need be; a new one to `renew`.
    pub async fn token(&self, renew: bool) -> Result<Token> {
        let token = self.auth.token(&self.http).await?;
        if renew {
            return self.renewed(&token).await;
        }
        Ok(token)
    }

    /// A token other than the one that was refused.
    pub async fn renewed(&self, refused: &Token) -> Result<Token> {
        self.auth.renewed(&self.http, refused).await
    }

    /// Waits for login, a place in flight and the pace.
    pub async fn ready(&self) -> Result<Place> {
        self.auth.token(&self.http).await?;
        self.http.admit().await.map_err(Failure::into_error)
    }

    /// Sends a read, with login, one repeat after a 401, and retries.
    ///
    /// Boxed, because everything above it is made of futures within futures.
    pub fn read(&self, call: Call) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async move {
            // The pace may hold a call back for long; its time begins when it may go out.
            let mut place = Some(self.http.admit().await.map_err(Failure::into_error)?);
            let budget = Budget::default();
            retry::read(&budget, || self.once(&call, &budget, place.take()))
                .await
                .map_err(Failure::into_error)
        })
    }

    /// Sends a read once; after a 401, once more with a renewed token.
    async fn once(
        &self,
        call: &Call,
        budget: &Budget,
        place: Option<Place>,
    ) -> Result<Answer, Failure> {
        let token = self.token(false).await.map_err(Failure::Final)?;
        match self.attempt(call, &token, budget, place).await {
            Err(Failure::Answered { status: 401, .. }) => {
                let renewed = self.renewed(&token).await.map_err(Failure::Final)?;
                self.attempt(call, &renewed, budget, None).await
            }
            outcome => outcome,
        }
    }

    /// Sends a call once with that token.
    pub async fn attempt(
        &self,
        call: &Call,
        token: &Token,
        budget: &Budget,
        place: Option<Place>,
    ) -> Result<Answer, Failure> {
        let bearer = Some(token.access());
        self.http.send(call, bearer, budget, place).await
    }
}
