//! How any change is sent: until it is known whether it was made.

use super::call::Call;
use super::http::{Failure, Place};
use super::netsapiens::Pbx;
use super::retry::{self, Budget};
use super::skeleton::Skeleton;
use super::upstream::Upstream;
use super::written::{Evidence, Found, Matches, NotWritten, Reading, Written};
use super::{Client, allowance, answer, routes};
use skyswitch_domain::Operation;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::{Change, Clearance, Target};

/// A permit to send one change at once: the login is done, and the rate limit
/// and the limit on requests in flight have let it through. It goes to
/// [`Client::write`]; dropped, it is given back.
#[derive(Debug)]
pub struct ReadyToWrite(pub(super) Place);

impl Client {
    /// Waits until a change can be sent at once: for the login, the rate limit
    /// and the limit on requests in flight. Dropping the returned future
    /// cancels nothing but the wait.
    ///
    /// # Errors
    /// Those of the login; `not_configured` where the change needs the PBX API
    /// and that is not configured.
    pub async fn ready_to_write(&self, change: &Change) -> Result<ReadyToWrite> {
        self.upstream_of(change)?.ready().await.map(ReadyToWrite)
    }

    /// Makes one change, as the guard has cleared it.
    ///
    /// A clearance that rests on a read of some seconds ago, and every
    /// repetition, is preceded by a read. Where the answer is lost, or is not
    /// the documented one, what was to be changed is read, and that decides
    /// the outcome. A change to a VIP rule or to a number's routing that was
    /// acknowledged is read once more, unless many were agreed to as a whole:
    /// an acknowledgement does not prove what is stored. Dropping the returned
    /// future leaves the outcome unknown: code that may be cancelled runs it in
    /// a task of its own.
    ///
    /// # Errors
    /// `confirmation_stale` when somebody else has changed the same, and the
    /// transport's errors; [`NotWritten::is_known`] says whether it is known
    /// that nothing was changed.
    pub async fn write(
        &self,
        clearance: Clearance<Change>,
        ready: ReadyToWrite,
    ) -> Result<Written, NotWritten> {
        let mut answer = None;
        let sending = self.write_until_known(&clearance, ready, &mut answer);
        let outcome = sending.await;
        // Reads that began before the change must not answer those who ask after it.
        self.inner.route_lists.leave_alone();
        let mut written = outcome?;
        written.answer = answer;
        let change = clearance.change();
        let is_shown = match change.target() {
            Target::VipRule(_) => true,
            Target::Piece(piece) => piece.did().is_some(),
        };
        if written.reading.is_none() && is_shown && !clearance.is_of_an_import() {
            written.reading = Some(self.reading(change).await);
        }
        Ok(written)
    }

    /// The API that a change is made through.
    fn upstream_of(&self, change: &Change) -> Result<&Upstream> {
        match change.target() {
            Target::VipRule(_) => Ok(&self.inner.telco),
            Target::Piece(piece) if piece.did().is_some() => Ok(&self.inner.numbers),
            Target::Piece(_) => self.pbx().map(Pbx::upstream),
        }
    }

    /// The request that makes a change.
    async fn call_of(&self, change: &Change) -> Result<Call> {
        match change.target() {
            Target::VipRule(rule) => Ok(routes::write_call(change.account(), rule)),
            Target::Piece(piece) => {
                self.piece_call(change.account(), change.domain(), piece.piece())
                    .await
            }
        }
    }

    /// The statuses by which its API's reference says that a change was made.
    /// Every other answer but a plain refusal is settled by a read.
    fn acknowledged_by(&self, change: &Change) -> Result<&'static [u16]> {
        match change.target() {
            // SkySwitch API reference, Route-by-ANI.
            Target::VipRule(rule) if rule.after().is_some() => Ok(&[201]),
            Target::VipRule(_) => Ok(&[204]),
            // SkySwitch API reference, Phone Numbers, Route.
            Target::Piece(piece) if piece.did().is_some() => Ok(&[200]),
            Target::Piece(_) => self.pbx().map(Pbx::acknowledgements),
        }
    }

    /// What a read says of a change.
    async fn reading(&self, change: &Change) -> Result<Reading> {
        let (account, domain) = (change.account(), change.domain());
        Ok(match change.target() {
            Target::VipRule(rule) => {
                let rules = self.routes_now(account, Some(domain)).await?;
                let now = match rule.before() {
                    Some(_) => rule.key().find_in(&rules),
                    None => rule.key().find_in_any_writing(&rules),
                };
                Reading {
                    matches: Matches::of_rule(rule, now),
                    found: Found::VipRule {
                        now: now.cloned(),
                        rules,
                    },
                }
            }
            Target::Piece(piece) => {
                let now = self.piece_now(account, domain, piece.piece()).await?;
                Reading {
                    matches: now.for_change(piece),
                    found: Found::Piece(now.now),
                }
            }
        })
    }

    /// Sends a change, repeats it where that is safe, and settles by reading
    /// what no answer tells.
    async fn write_until_known(
        &self,
        clearance: &Clearance<Change>,
        ready: ReadyToWrite,
        answered: &mut Option<Skeleton>,
    ) -> Result<Written, NotWritten> {
        let change = clearance.change();
        let upstream = self.upstream_of(change)?;
        let documented = self.acknowledged_by(change)?;
        let call = self.call_of(change).await?;
        let budget = Budget::of_change();
        let mut waits = retry::backoff();
        let mut place = Some(ready.0);
        let mut seen_now = clearance.is_recent();
        let mut in_doubt = false;
        let mut may_arrive = false;
        let mut renewed = false;
        loop {
            if !seen_now {
                match self.reading(change).await {
                    Ok(reading) => match reading.matches {
                        Matches::Before => {}
                        Matches::Wanted => return Ok(Written::read_back(reading)),
                        Matches::Neither => return Err(changed_by_others(change, in_doubt)),
                    },
                    Err(error) if in_doubt => return Err(outcome_unknown(change, &error)),
                    Err(error) => return Err(error.into()),
                }
            }
            seen_now = false;
            let token = match upstream.token(false).await {
                Ok(token) => token,
                Err(error) if in_doubt => return self.settle(change, error, may_arrive).await,
                Err(error) => return Err(error.into()),
            };
            if budget.left().is_zero() {
                let error = allowance::used_up();
                return match in_doubt {
                    true => self.settle(change, error, may_arrive).await,
                    false => Err(error.into()),
                };
            }
            let outcome = upstream.attempt(&call, &token, &budget, place.take()).await;
            *answered = outcome.as_ref().ok().map(Skeleton::of);
            let failure = match outcome {
                Ok(answer) if answer.acknowledges(&call, documented) => {
                    return Ok(Written {
                        evidence: Evidence::Acknowledged,
                        request_id: answer.request_id,
                        reading: None,
                        answer: None,
                    });
                }
                Ok(answer) => Failure::Lost(answer::no_answer(&answer)),
                Err(failure) => failure,
            };
            may_arrive |= may_still_arrive(&failure);
            let status = failure.status();
            if status == Some(401) && !renewed {
                renewed = true;
                match upstream.renewed(&token).await {
                    Err(error) if in_doubt => return self.settle(change, error, may_arrive).await,
                    Err(error) => return Err(error.into()),
                    Ok(_) => continue,
                }
            }
            in_doubt |= may_have_acted(&failure);
            let wait = waits.next().and_then(|wait| budget.wait(&failure, wait));
            match wait {
                Some(wait) if retry::is_passing(&failure) => tokio::time::sleep(wait).await,
                _ if in_doubt => {
                    return self.settle(change, failure.into_error(), may_arrive).await;
                }
                _ => return Err(failure.into_error().into()),
            }
        }
    }

    /// Decides the outcome of a change that is not tried again, by reading it.
    /// What the service may still be at work on is not known to have failed.
    async fn settle(
        &self,
        change: &Change,
        error: Error,
        may_arrive: bool,
    ) -> Result<Written, NotWritten> {
        let Ok(reading) = self.reading(change).await else {
            return Err(outcome_unknown(change, &error));
        };
        match reading.matches {
            Matches::Wanted => Ok(Written::read_back(reading)),
            Matches::Before if may_arrive => Err(not_seen_yet(change, &error)),
            Matches::Before => Err(error.into()),
            Matches::Neither => Err(changed_by_others(change, true)),
        }
    }
}

fn may_have_acted(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(_) | Failure::TooLarge(_) => true,
        // 409: it is there already, perhaps by our own lost attempt. 404: for a
        // removal, gone already. Neither that nor a redirect proves that the
        // service did nothing before it answered so.
        Failure::Answered { status, .. } => {
            matches!(status, 300..=399 | 404 | 408 | 409 | 500..=599)
        }
        Failure::NotSent(_) | Failure::Final(_) => false,
    }
}

/// Whether the service may act on the request later than its failure came, or
/// show only later that it did.
fn may_still_arrive(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(_) | Failure::TooLarge(_) => true,
        // An answer that says no proves nothing: where the service acted all the
        // same, a list that is late does not show it yet.
        Failure::Answered { status, .. } => {
            matches!(status, 300..=399 | 404 | 408 | 409 | 500..=599)
        }
        Failure::NotSent(_) | Failure::Final(_) => false,
    }
}

/// Where to look, for hints.
fn look(change: &Change) -> Operation {
    match change.target() {
        Target::VipRule(_) => Operation::ListVips,
        Target::Piece(_) => Operation::SetupChecklist,
    }
}

fn changed_by_others(change: &Change, in_doubt: bool) -> NotWritten {
    let hint = format!("Look with {} and decide again.", look(change));
    if in_doubt {
        return NotWritten::in_doubt(Error::new(
            Code::UpstreamUnavailable,
            "outcome unknown: SkySwitch's answer was lost, and it is now neither as it was nor as requested",
            hint,
        ));
    }
    let error = Error::new(
        Code::ConfirmationStale,
        "somebody else changed it before the change could be sent, so nothing was done",
        hint,
    );
    error.into()
}

fn not_seen_yet(change: &Change, error: &Error) -> NotWritten {
    let detail = error.detail();
    let mut told = Error::new(
        error.code(),
        format!(
            "{error}; a read does not show the change yet, and it is not known whether SkySwitch will still make it"
        ),
        format!(
            "Look with {} in a minute, before trying again.",
            look(change)
        ),
    );
    if let Some(status) = detail.status {
        told = told.with_answer(status, detail.request_id.clone());
    }
    NotWritten::in_doubt(told)
}

fn outcome_unknown(change: &Change, error: &Error) -> NotWritten {
    NotWritten::in_doubt(Error::new(
        Code::UpstreamUnavailable,
        format!(
            "outcome unknown: {error}, and it could not be read afterwards whether the change was made"
        ),
        format!("Look with {} before trying again.", look(change)),
    ))
}
