//! One API with its login: what every call to it goes through.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::auth::Auth;
use super::call::Call;
use super::http::{Answer, Failure, Http, Place};
use super::retry::{self, Budget};
use super::token::{Token, TokenInfo};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::Secret;

/// A connection pool and a login. Cheap to clone; clones share both.
#[derive(Clone)]
pub(super) struct Upstream {
    http: Arc<Http>,
    auth: Arc<Auth>,
    not_allowed: Arc<NotAllowed>,
}

/// A token that was accepted this long ago is not expired or revoked.
const JUST_NOW: Duration = Duration::from_secs(60);

/// What the login may not read. Refusals for want of rights come as 401, too
/// (NetSapiens API v2), and no further login helps against them.
#[derive(Default)]
struct NotAllowed {
    /// When each was refused although the token was new, and which token that was.
    refused: Mutex<HashMap<String, (Secret, Instant)>>,
    /// The token that was accepted last, and when.
    accepted: Mutex<Option<(Secret, Instant)>>,
}

impl NotAllowed {
    /// Whether a refusal says nothing of the token: it was refused the same
    /// before, when it was new, and has just been accepted elsewhere.
    fn knows(&self, call: &Call, token: &Token) -> bool {
        let refused = lock(&self.refused).get(&call.resource()).cloned();
        let accepted = lock(&self.accepted).clone();
        let is_current = |(known, _): &(Secret, Instant)| known == token.access();
        match (refused.filter(is_current), accepted.filter(is_current)) {
            (Some((_, refused)), Some((_, accepted))) => {
                accepted > refused && accepted.elapsed() < JUST_NOW
            }
            _ => false,
        }
    }

    fn note_refusal(&self, call: &Call, token: &Token) {
        let now = (token.access().clone(), Instant::now());
        lock(&self.refused).insert(call.resource(), now);
    }

    fn note_success(&self, token: &Token) {
        *lock(&self.accepted) = Some((token.access().clone(), Instant::now()));
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Upstream {
    pub fn new(http: Arc<Http>, auth: Auth) -> Upstream {
        Upstream {
            http,
            auth: Arc::new(auth),
            not_allowed: Arc::default(),
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

    /// Waits for login, a place in flight and the rate limit.
    pub async fn ready(&self) -> Result<Place> {
        self.auth.token(&self.http).await?;
        self.admit().await
    }

    /// Waits for a place in flight and the rate limit.
    pub async fn admit(&self) -> Result<Place> {
        self.http.admit().await.map_err(Failure::into_error)
    }

    /// What the service says of the present token; `None` where it has no such
    /// request.
    pub async fn token_info(&self) -> Result<Option<TokenInfo>> {
        let call = Call::get(["oauth", "token"]);
        let answer = match self.read(call.clone()).await {
            // This endpoint alone answers 400 to a token that is no longer good.
            Err(error) if error.detail().status == Some(400) => {
                self.token(true).await?;
                self.read(call).await
            }
            answer => answer,
        };
        match answer {
            Err(error) if matches!(error.detail().status, Some(404 | 405)) => Ok(None),
            answer => answer?.json("the token description").map(Some),
        }
    }

    /// Sends a read, with login, one repeat after a 401, and retries.
    ///
    /// Boxed, because everything above it is made of futures within futures.
    pub fn read(&self, call: Call) -> BoxFuture<'_, Result<Answer>> {
        // The rate limit may hold a request back for long; its time begins when it may go out.
        Box::pin(async move { self.read_at(call, self.admit().await?).await })
    }

    /// The same with a place in hand.
    pub fn read_at(&self, call: Call, place: Place) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async move {
            let mut place = Some(place);
            let budget = Budget::default();
            retry::read(&budget, || self.once(&call, &budget, place.take()))
                .await
                .map_err(Failure::into_error)
        })
    }

    /// Sends a read once; after a 401, once more with a renewed token, unless it
    /// is known that the login may not read this.
    async fn once(
        &self,
        call: &Call,
        budget: &Budget,
        place: Option<Place>,
    ) -> Result<Answer, Failure> {
        let token = self.token(false).await.map_err(Failure::Final)?;
        let outcome = self.attempt(call, &token, budget, place).await;
        if !matches!(outcome, Err(Failure::Answered { status: 401, .. }))
            || self.not_allowed.knows(call, &token)
        {
            return outcome;
        }
        let renewed = self.renewed(&token).await.map_err(Failure::Final)?;
        let outcome = self.attempt(call, &renewed, budget, None).await;
        if matches!(outcome, Err(Failure::Answered { status: 401, .. })) {
            self.not_allowed.note_refusal(call, &renewed);
        }
        outcome
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
        let outcome = self.http.send(call, bearer, budget, place).await;
        if outcome.is_ok() {
            self.not_allowed.note_success(token);
        }
        outcome
    }
}
