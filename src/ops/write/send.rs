//! The one way a change is sent: agree, write down, send, close, tell.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use crate::app::App;
use crate::ops::write::agree::{Agreement, Asked, Attempt, Cleared, Facts, failed_after};
use crate::ops::write::journal::Origin;
use crate::ops::write::outcomes::not_recorded;
use tracing::Instrument;

use skyswitch_client::{
    Allowance, Evidence, Found, Matches, NotWritten, Reading, ReadyToWrite, Written,
};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{DidRoute, Operation, Route, SetupPiece};
use skyswitch_guard::{Change, Clearance, MayRoute, Plan, Target};

/// What allows a number to be routed and was looked at longer ago is looked at again.
const RECENT: Duration = Duration::from_secs(1);
/// How often that is done before giving up.
const LOOKS: usize = 5;

/// What became of a change.
#[derive(Debug)]
pub(in crate::ops) struct Sent {
    /// Its id in the journal, where it got that far.
    pub change_id: Option<i64>,
    pub outcome: Result<Written, NotWritten>,
    /// What is to be said where the journal does not hold the outcome yet.
    pub unrecorded: Option<String>,
}

impl Sent {
    /// It was refused before anything was written down or sent.
    pub fn not_begun(error: Error) -> Sent {
        Sent {
            change_id: None,
            outcome: Err(error.into()),
            unrecorded: None,
        }
    }

    /// Its id as results carry it.
    pub fn id(&self) -> Option<String> {
        self.change_id.map(|id| id.to_string())
    }

    /// A warning where the answer alone does not tell what there is now, or the
    /// journal does not hold it yet.
    pub fn warning(&self) -> Option<String> {
        match (self.doubt(), &self.unrecorded) {
            (Some(doubt), Some(unrecorded)) => Some(format!("{doubt}. {unrecorded}")),
            (doubt, unrecorded) => doubt.or(unrecorded.clone()),
        }
    }

    fn doubt(&self) -> Option<String> {
        let written = self.outcome.as_ref().ok()?;
        if written.evidence == Evidence::ReadBack {
            return Some(
                "SkySwitch did not acknowledge the change; a read showed that it was made"
                    .to_owned(),
            );
        }
        let reading = match written.reading.as_ref()? {
            Ok(reading) => reading,
            Err(error) => {
                return Some(format!(
                    "SkySwitch accepted the change, and it could not be read back: {error}"
                ));
            }
        };
        match reading.matches {
            Matches::Wanted => None,
            Matches::Before => Some(NOT_VISIBLE.to_owned()),
            Matches::Neither => Some(format!(
                "SkySwitch accepted the change, but a read right after it shows something else: {}",
                words(&reading.found)
            )),
        }
    }

    /// What a read showed of it afterwards, where one was made.
    pub fn reading(&self) -> Option<&Reading> {
        self.outcome.as_ref().ok()?.reading.as_ref()?.as_ref().ok()
    }
}

/// Said of a change that was acknowledged and that a read does not show.
const NOT_VISIBLE: &str = "SkySwitch accepted the change, and a read still shows it as it was before: \
                           it is not visible yet. Look again in a minute";

/// What a read found, for people.
fn words(found: &Found) -> String {
    match found {
        Found::VipRule { now, .. } => words_of_rule(now.as_ref()),
        Found::Piece(now) => words_of_number(now.as_ref().and_then(DidRoute::from_stored).as_ref()),
    }
}

/// Where a number goes now, for people.
pub(super) fn words_of_number(now: Option<&DidRoute>) -> String {
    match now {
        Some(route) => format!("the number goes to {}", route.goes_to()),
        None => "the number has no routing".to_owned(),
    }
}

/// How a rule reads now, for people.
pub(in crate::ops) fn words_of_rule(now: Option<&Route>) -> String {
    match now {
        Some(now) => format!(
            "the rule (stored as \"{}\", dialled number {}) goes to {}",
            shown(now.key.ani.as_str(), 64),
            now.key.dnis,
            now.goes_to()
        ),
        None => "the rule does not exist".to_owned(),
    }
}

/// Who judges, by what is read right now, whether a number may be pointed where
/// a change points it.
pub(in crate::ops) trait JudgeRoute: Sync {
    /// Judges again.
    fn may_route(&self, route: &DidRoute) -> impl Future<Output = Result<MayRoute>> + Send;
}

/// For changes to VIP rules, which route no number.
pub(in crate::ops) struct RoutesNoNumber;

impl JudgeRoute for RoutesNoNumber {
    async fn may_route(&self, _: &DidRoute) -> Result<MayRoute> {
        Err(Error::internal(
            "a number was about to be routed by an operation that routes none",
            "Please report this as a bug; nothing was sent.",
        ))
    }
}

impl Attempt<'_> {
    /// Plans, asks, and makes what was agreed to, which is one change.
    ///
    /// # Errors
    /// Those of [`Attempt::agree`], and why the change was not made.
    pub async fn carry_out<T, F>(
        &self,
        undoes: Option<i64>,
        judge: &impl JudgeRoute,
        plan: impl Fn() -> F + Send + Sync,
    ) -> Result<Asked<(T, Agreement<Sent>)>>
    where
        T: Facts,
        F: Future<Output = Result<(Option<Plan>, T)>> + Send,
    {
        let (facts, agreement) = match self.agree(plan).await? {
            Asked::Question(question) => return Ok(Asked::Question(question)),
            Asked::Done(done) => done,
        };
        let make = async |mut cleared: Cleared<Plan>| {
            let done_before = std::mem::take(&mut cleared.done_before);
            let mut sent = self.app.send_in_order(cleared, undoes, judge).await;
            let sent = sent.pop().unwrap_or_else(|| Sent::not_begun(interrupted()));
            match sent.outcome {
                Ok(_) => Ok(sent),
                Err(failure) => Err(failed_after(&done_before, failure.error)),
            }
        };
        Ok(Asked::Done((facts, agreement.then(make).await?)))
    }
}

impl App {
    /// Makes the changes of a plan in their order and ends with the first that
    /// is not made: what comes later builds on it. The turn is held until the
    /// last request that was sent has ended, also where the caller goes away.
    pub(in crate::ops) async fn send_in_order(
        &self,
        cleared: Cleared<Plan>,
        undoes: Option<i64>,
        judge: &impl JudgeRoute,
    ) -> Vec<Sent> {
        let mut all = Vec::new();
        for clearance in cleared.clearance.divide() {
            let origin = Origin {
                undoes,
                run: None,
                // What does not wait for this turn, such as an import, may have changed the same.
                seen: Some(cleared.seen),
            };
            let turn = Arc::clone(&cleared.turn);
            let sent = self.send(clearance, judge, turn, origin).await;
            let is_made = sent.outcome.is_ok();
            all.push(sent);
            if !is_made {
                break;
            }
        }
        all
    }

    /// Sends a cleared change and sees it through.
    ///
    /// Waiting for login and pace can still be called off. After that the
    /// change runs to its end, and what is held is held until then, whatever
    /// becomes of the caller.
    pub(in crate::ops) async fn send(
        &self,
        clearance: Clearance<Change>,
        judge: &impl JudgeRoute,
        hold: impl Send + 'static,
        origin: Origin,
    ) -> Sent {
        match self.ready_to_send(clearance.change(), judge).await {
            Ok(ready) => self.send_now(clearance, ready, hold, origin).await,
            Err(error) => Sent::not_begun(error),
        }
    }

    /// Waits for login, a place in flight and the pace. A number is pointed
    /// somewhere only on a judgement that is no older than a moment, however
    /// long the pace holds the request back.
    async fn ready_to_send(
        &self,
        change: &Change,
        judge: &impl JudgeRoute,
    ) -> Result<ReadyToWrite> {
        let client = self.client()?;
        let Some((route, may_route)) = routed(change) else {
            return client.ready_to_write(change).await;
        };
        for _ in 0..LOOKS {
            // The fallback can be withdrawn or removed at any time.
            if Some(&judge.may_route(route).await?) != may_route {
                return Err(judged_otherwise());
            }
            let looked = Instant::now();
            let ready = client.ready_to_write(change).await?;
            if looked.elapsed() < RECENT {
                return Ok(ready);
            }
        }
        Err(Error::new(
            Code::RateLimited,
            "other requests use up the rate limit, so this was not sent",
            "Try again when they are done.",
        ))
    }

    /// Sends a change with everything that has to be waited for in hand.
    pub(in crate::ops) async fn send_now(
        &self,
        clearance: Clearance<Change>,
        ready: ReadyToWrite,
        hold: impl Send + 'static,
        origin: Origin,
    ) -> Sent {
        let app = self.clone();
        let sending = async move {
            let sent = app.write_down_and_send(clearance, ready, &origin).await;
            drop(hold);
            sent
        };
        let sending = Allowance::within(Allowance::current(), sending);
        let sending = self.settling().spawn(sending.in_current_span());
        sending.await.unwrap_or_else(|_| Sent {
            change_id: None,
            outcome: Err(cut_short()),
            unrecorded: None,
        })
    }

    async fn write_down_and_send(
        &self,
        clearance: Clearance<Change>,
        ready: ReadyToWrite,
        origin: &Origin,
    ) -> Sent {
        let change = clearance.change().clone();
        if let Target::Piece(_) = change.target() {
            self.reached().forget_all();
        }
        let journal = self.journal();
        let id = match journal.begin(self, &change, origin).await {
            Ok(id) => id,
            Err(error) => {
                self.catch_up_later();
                return Sent::not_begun(error);
            }
        };
        let written = async {
            match self.client() {
                Ok(client) => client.write(clearance, ready).await,
                Err(error) => Err(error.into()),
            }
        };
        // However it ends, the entry is closed or left to a read.
        let written = AssertUnwindSafe(written).catch_unwind().await;
        let mut outcome = written.unwrap_or_else(|_| Err(cut_short()));
        let closed = journal.close(id, &change, &outcome).await;
        let unrecorded = closed.err().map(|error| not_recorded(id, &error));
        if let Some(unrecorded) = &unrecorded {
            self.catch_up_later();
            outcome = outcome.map_err(|failure| NotWritten {
                error: failure.error.with_more_hint(&format!("{unrecorded}.")),
                ..failure
            });
        }
        Sent {
            change_id: Some(id),
            outcome,
            unrecorded,
        }
    }
}

/// Where a change points a customer's number, and why it may.
fn routed(change: &Change) -> Option<(&DidRoute, Option<&MayRoute>)> {
    match change.target() {
        Target::Piece(piece) => match piece.piece() {
            SetupPiece::DidRoute { route, .. } => Some((route, piece.may_route())),
            _ => None,
        },
        Target::VipRule(_) => None,
    }
}

fn judged_otherwise() -> Error {
    Error::new(
        Code::ConfirmationStale,
        "what is known of the dial translation rule changed after the person saw it, so nothing was sent",
        skyswitch_domain::ask_again(),
    )
}

/// Nobody knows how far it got.
fn cut_short() -> NotWritten {
    NotWritten {
        error: interrupted(),
        is_known: false,
    }
}

fn interrupted() -> Error {
    Error::internal(
        "the change was interrupted inside this program",
        format!("Look with {} whether it was made.", Operation::ListChanges),
    )
}
