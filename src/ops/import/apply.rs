//! Sending a plan that was agreed to: many rows at a time, each written down
//! before it is sent.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ops::import::outcome::{Action, RowState};
use crate::ops::import::report::Report;
use crate::ops::import::row::Row;
use crate::ops::import::{Source, SyncOutcome, SyncSession, SyncStatus, Task, resume};
use crate::ops::progress::Progress;
use crate::ops::write::agree::Cleared;
use crate::ops::write::journal::{Origin, now};
use crate::ops::write::locks::{Held, of_caller};
use crate::ops::write::send::Sent;
use skyswitch_client::{Allowance, Evidence, NotWritten, Written};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, Ani, PbxDomain, PhoneNumber, Route, RouteKey};
use skyswitch_guard::store::{JournalPosition, NewRun, RunBasis};
use skyswitch_guard::{Change, Clearance, Plan, RuleChange};

/// Callers worked on at the same time.
const AT_ONCE: usize = 32;
/// So many failures in a row, none of them the row's own fault, end the run.
const PATIENCE: usize = 10;

/// A run that was written down and may be applied.
pub(super) struct Run {
    id: String,
    pub domain: PbxDomain,
}

impl Run {
    /// Writes a new run down, or goes on with one that is.
    pub async fn begin(app: &App, task: &Task, report: &Report) -> Result<Run> {
        let store = app.journal().store().get().await?;
        let domain = task.domain.clone();
        let list = match &task.source {
            Source::List(list) => list,
            Source::Run(resumed) => {
                store.reopen_run(&resumed.id).await?;
                let id = resumed.id.clone();
                return Ok(Run { id, domain });
            }
        };
        let id = format!("r-{:012x}", rand::random::<u64>() >> 16);
        let met = report.rows.iter().filter_map(|row| row.previous.clone());
        let basis = RunBasis {
            list: resume::to_text(&list.without(&report.invalid_lines().collect()))?,
            seen: met.collect(),
        };
        let new = NewRun {
            id: &id,
            realm: app.journal().realm(),
            account: task.account.as_str(),
            domain: task.domain.as_str(),
            mode: task.mode.word(),
            request: &task.request,
            basis: &basis,
            rules_before: &report.rules_before,
            asked_by: &app.asked_by,
            now: now(),
        };
        store.add_run(&new).await?;
        Ok(Run { id, domain })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes down that nothing of it is left. What was made is told whatever becomes of
    /// the store.
    pub async fn finish(&self, app: &App, warnings: &mut Vec<String>) {
        let finished = async {
            let store = app.journal().store().get().await?;
            store.finish_run(&self.id).await
        };
        let finished: Result<()> = finished.await;
        if let Err(error) = finished {
            warnings.push(format!(
                "the end of the import could not be recorded: {error}"
            ));
        }
    }

    /// Sends the plan. What is under way when it is stopped is seen through;
    /// nothing else is begun. The run's id is told before the first row is
    /// sent, so that the run can be found whatever becomes of the answer.
    pub async fn apply(
        &self,
        app: &App,
        mut report: Report,
        cleared: Cleared<Plan>,
        session: &SyncSession<'_>,
    ) -> Result<SyncOutcome> {
        report.run_id = Some(self.id.clone());
        let account = cleared.clearance.change().account().clone();
        let mut planned: HashSet<RouteKey> = HashSet::new();
        let mut places = Vec::new();
        for (index, row) in report.rows.iter_mut().enumerate() {
            if let Some(change) = row.change.take() {
                planned.insert(change.key().clone());
                let lost = row.lost.clone().map(Box::new);
                places.push(Place {
                    index,
                    change,
                    lost,
                });
            } else if row.action == Action::Remove {
                planned.extend(row.key().cloned());
            }
        }
        let total = places.len();
        report_progress(session.progress, 0, total, &self.id);
        let sender = Sender {
            app,
            run: self,
            seen: cleared.seen,
            hold: cleared.turn,
            halt: session.stop.child_token(),
            failures: AtomicUsize::new(0),
            stopped_by: Mutex::new(None),
        };
        let callers = by_caller(places.into_iter().zip(cleared.clearance.divide()).collect());
        let mut made = Vec::new();
        let mut done = 0;
        let mut unrecorded = None;
        // A rule for many callers may take theirs along: it goes before they are put.
        let is_wide = |(place, _): &Placed| place.change.ani().is_pattern();
        let (wide, others): (Vec<_>, Vec<_>) = callers
            .into_iter()
            .partition(|rows| rows.iter().any(is_wide));
        let mut sending = stream::iter(wide)
            .then(|rows| sender.send_all_of(rows))
            .chain(
                stream::iter(others)
                    .map(|rows| sender.send_all_of(rows))
                    .buffer_unordered(AT_ONCE),
            )
            .boxed();
        while let Some(sent) = sending.next().await {
            for (place, sent) in sent {
                done += usize::from(sent.is_some());
                unrecorded = unrecorded.or(sent.as_ref().and_then(|sent| sent.unrecorded.clone()));
                let is_made = sent.as_ref().is_some_and(|sent| sent.outcome.is_ok());
                if sent.as_ref().is_some_and(is_answered) {
                    // What goes on does not hang.
                    Allowance::current().iter().for_each(Allowance::goes_on);
                }
                if let Some(row) = report.rows.get_mut(place.index) {
                    note(row, sent);
                }
                if is_made {
                    made.push(place);
                }
            }
            report_progress(session.progress, done, total, &self.id);
        }
        drop(sending);
        // One tells for all: a disk that is full is full for every row.
        report.warnings.extend(unrecorded);
        let is_complete = match made.is_empty() {
            true => true,
            false => {
                sender
                    .read_back(&account, &made, &planned, &mut report)
                    .await
            }
        };
        let left = report.done();
        // What could not be put back is left for resuming the run.
        if is_complete && left.not_sent + left.unknown == 0 {
            self.finish(app, &mut report.warnings).await;
        }
        let stopped_by = sender.stopped_by();
        let mut outcome = report.applied(session.stop.is_cancelled(), stopped_by.as_ref());
        if outcome.status == SyncStatus::Applied && !is_complete {
            outcome.status = SyncStatus::Incomplete;
        }
        Ok(outcome)
    }
}

/// Whether the service itself answered a row, and no time ran out.
fn is_answered(sent: &Sent) -> bool {
    match &sent.outcome {
        Ok(written) => written.evidence == Evidence::Acknowledged,
        Err(failure) => failure.is_known && !is_of_the_moment(failure.error.code()),
    }
}

/// Whether the next rows may well fail the same way.
fn is_of_the_moment(code: Code) -> bool {
    matches!(
        code,
        Code::UpstreamUnavailable | Code::Timeout | Code::RateLimited
    )
}

fn report_progress(progress: &dyn Progress, done: usize, total: usize, run: &str) {
    progress.report(
        done,
        total,
        &format!("{done} of {total} changes of import {run}"),
    );
}

/// Where a change belongs.
pub(super) struct Place {
    /// Its row in the report.
    pub index: usize,
    pub change: Arc<RuleChange>,
    /// The rule as it was before the service removed it along with another.
    lost: Option<Box<Route>>,
}

/// A change with its place and the permission for it.
type Placed = (Place, Clearance<Change>);

/// What all writings of one caller have in common.
pub(super) fn caller(ani: &Ani) -> String {
    PhoneNumber::from_stored(ani.as_str()).map_or_else(
        || ani.as_str().to_owned(),
        |number| number.as_str().to_owned(),
    )
}

/// Rows of one caller go one after the other, removals first: whether a
/// removal takes other rules of the caller along is not documented.
fn by_caller(rows: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut places = HashMap::<String, usize>::new();
    let mut callers: Vec<Vec<Placed>> = Vec::new();
    for row in rows {
        let name = caller(row.0.change.ani());
        let place = *places.entry(name).or_insert(callers.len());
        match callers.get_mut(place) {
            Some(caller) => caller.push(row),
            None => callers.push(vec![row]),
        }
    }
    for caller in &mut callers {
        caller.sort_by_key(|(place, _)| place.change.after().is_some());
    }
    callers
}

/// Enters what became of a row.
fn note(row: &mut Row, sent: Option<Sent>) {
    let Some(Sent {
        change_id,
        outcome,
        unrecorded,
    }) = sent
    else {
        row.state = Some(RowState::NotSent);
        return;
    };
    row.change_id = change_id;
    row.state = Some(match (&outcome, change_id) {
        (Ok(_), _) => RowState::Made,
        (Err(failure), _) if !failure.is_known => RowState::Unknown,
        (Err(_), Some(_)) => RowState::Failed,
        // It was refused before anything was written down or sent.
        (Err(_), None) => RowState::NotSent,
    });
    let why = outcome.err().map(|failure| failure.error);
    row.reason = why
        .map(|error| format!("{error}. {}", error.hint()))
        .or(unrecorded)
        .or(row.reason.take());
}

pub(super) struct Sender<'a> {
    pub app: &'a App,
    pub run: &'a Run,
    /// Where the journal was when the rules were read that the plan was made on.
    seen: JournalPosition,
    /// Keeps other imports out of the domain until the last row is settled.
    pub hold: Held,
    halt: CancellationToken,
    failures: AtomicUsize,
    stopped_by: Mutex<Option<Error>>,
}

impl Sender<'_> {
    /// Sends the rows of one caller; nothing became of those before which the
    /// run was stopped.
    async fn send_all_of(&self, rows: Vec<Placed>) -> Vec<(Place, Option<Sent>)> {
        let number = rows
            .first()
            .and_then(|(place, _)| PhoneNumber::from_stored(place.change.ani().as_str()));
        let name = of_caller(&self.run.domain, number.as_ref());
        let turn = tokio::select! {
            biased;
            () = self.halt.cancelled() => None,
            turn = self.app.turns().take(name) => Some(Arc::new(turn)),
        };
        let mut all = Vec::with_capacity(rows.len());
        for (place, clearance) in rows {
            let sent = match &turn {
                Some(turn) => self.send(clearance, Arc::clone(turn), &place).await,
                None => None,
            };
            all.push((place, sent));
        }
        all
    }

    /// Sends one row; `None` where the run was stopped before.
    async fn send(
        &self,
        clearance: Clearance<Change>,
        turn: impl Send + 'static,
        place: &Place,
    ) -> Option<Sent> {
        if Allowance::current().is_some_and(|current| !current.has_time_for_a_change()) {
            // It would be written down and given up unsent.
            return None;
        }
        let ready = async {
            let client = self.app.client()?;
            client.ready_to_write(clearance.change()).await
        };
        let ready = tokio::select! {
            biased;
            () = self.halt.cancelled() => return None,
            ready = ready => ready,
        };
        let hold = (turn, Arc::clone(&self.hold));
        let sent = async {
            let ready = ready?;
            let origin = self.origin(clearance.change().account(), place).await?;
            Ok(self.app.send_now(clearance, ready, hold, origin).await)
        };
        let sent = sent.await.unwrap_or_else(Sent::not_begun);
        self.judge(&sent.outcome);
        Some(sent)
    }

    /// What the journal says of a change. That a rule was lost is written down
    /// before it is put back.
    async fn origin(&self, account: &AccountId, place: &Place) -> Result<Origin> {
        let (app, domain) = (self.app, &self.run.domain);
        let undoes = match &place.lost {
            Some(rule) => Some(app.write_down_unasked(account, domain, rule, None).await?),
            None => None,
        };
        // What is put back as it was is not on the list's account.
        let is_put_back = undoes.is_some() && place.change.after() == place.lost.as_deref();
        let (undoes, run) = match is_put_back {
            true => (undoes, None),
            false => (None, Some(self.run.id.clone())),
        };
        Ok(Origin {
            undoes,
            run,
            seen: Some(self.seen),
        })
    }

    /// Stops the run where the next rows can only fail the same way.
    fn judge(&self, outcome: &Result<Written, NotWritten>) {
        let Err(failure) = outcome else {
            self.failures.store(0, Ordering::Relaxed);
            return;
        };
        let hopeless = match failure.error.code() {
            Code::Unauthorized
            | Code::Forbidden
            | Code::NotConfigured
            | Code::Blocked
            | Code::Internal => true,
            code if is_of_the_moment(code) => {
                self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE
            }
            _ => false,
        };
        if hopeless {
            let mut stopped_by = self
                .stopped_by
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            stopped_by.get_or_insert_with(|| failure.error.clone());
            self.halt.cancel();
        }
    }

    fn stopped_by(&self) -> Option<Error> {
        self.stopped_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
