//! What became of the changes that this process works on. An outcome that
//! cannot be written down is kept and written with the next work, so that no
//! entry stays open while its process lives on and knows better.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use crate::app::App;
use crate::ops::write::journal::{Journal, now};
use skyswitch_client::{Found, Matches, NotWritten, Written};
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::Change;
use skyswitch_guard::store::{After, Begun, ChangeStatus, Closing};

/// How long to wait before trying again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The changes that this process works on.
#[derive(Debug, Default)]
pub(super) struct Work {
    state: Mutex<State>,
    /// Whether somebody goes on trying to write down what is kept.
    is_tended: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Those that are written down and not closed.
    under_way: BTreeSet<i64>,
    /// What could not be written down yet.
    kept: Vec<Outcome>,
    /// Whether the journal may hold an entry that nobody knows of: a write
    /// that failed at its very end may have been made all the same.
    has_strays: bool,
}

/// What became of a change.
#[derive(Debug)]
struct Outcome {
    id: i64,
    change: Change,
    outcome: Result<Written, NotWritten>,
    ended_at: i64,
}

impl Work {
    /// Held from before an entry is written until its id is known.
    pub async fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().await
    }
}

impl State {
    /// A change was written down, or was refused.
    pub fn note(&mut self, begun: Begun) {
        if let Begun::Written(id) = begun {
            self.under_way.insert(id);
        }
    }

    /// A write failed that may have been made all the same.
    pub fn expect_strays(&mut self) {
        self.has_strays = true;
    }

    /// The work on a change has ended; one that is not closed is left to a read.
    pub fn let_go(&mut self, id: i64, is_closed: bool) {
        self.under_way.remove(&id);
        self.has_strays |= !is_closed;
    }
}

/// Said of a change that was planned on what the journal told, where the service
/// may have stored something else.
const BEFORE_UNREAD: &str =
    "no read had shown what was there before, which SkySwitch had accepted a moment earlier";

impl Journal {
    /// Closes a change by what became of it.
    ///
    /// # Errors
    /// `internal` when that cannot be written down; it is kept.
    pub(super) async fn close(
        &self,
        id: i64,
        change: &Change,
        outcome: &Result<Written, NotWritten>,
    ) -> Result<()> {
        let ended_at = now();
        let written = self.write_outcome(id, change, outcome, ended_at).await;
        let mut state = self.work.lock().await;
        match &written {
            Ok(()) => _ = state.under_way.remove(&id),
            Err(_) => state.kept.push(Outcome {
                id,
                change: change.clone(),
                outcome: outcome.clone(),
                ended_at,
            }),
        }
        written
    }

    /// Writes down what could not be written before; says whether nothing is left.
    pub(crate) async fn catch_up(&self) -> bool {
        let mut state = self.work.lock().await;
        match self.write_kept(&mut state).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the journal could not be brought up to date yet");
                false
            }
        }
    }

    /// The same, while nobody else begins or ends a change.
    ///
    /// # Errors
    /// The store's errors. What is not written is kept.
    pub(super) async fn write_kept(&self, state: &mut State) -> Result<()> {
        while let Some(Outcome {
            id,
            change,
            outcome,
            ended_at,
        }) = state.kept.last()
        {
            self.write_outcome(*id, change, outcome, *ended_at).await?;
            let id = *id;
            state.under_way.remove(&id);
            state.kept.pop();
        }
        if state.has_strays {
            let (store, owner) = (self.store_to_write().await?, self.owner().await?);
            store.abandon_changes_but(owner, &state.under_way).await?;
            state.has_strays = false;
        }
        Ok(())
    }

    async fn write_outcome(
        &self,
        id: i64,
        change: &Change,
        outcome: &Result<Written, NotWritten>,
        ended_at: i64,
    ) -> Result<()> {
        let store = self.store_to_write().await?;
        let problem = problem(change, outcome);
        let problem = problem.as_deref();
        let (status, request_id) = match outcome {
            Ok(written) => (ChangeStatus::Done, written.request_id.as_deref()),
            Err(failure) if !failure.is_known => {
                return store.abandon_change(id, problem, ended_at).await;
            }
            Err(failure) => {
                let detail = failure.error.detail();
                (ChangeStatus::Failed, detail.request_id.as_deref())
            }
        };
        let closing = Closing {
            status,
            after: after(change, outcome),
            problem,
            request_id,
            closed_by: None,
            now: ended_at,
        };
        store.close_change(id, &closing).await.map(drop)
    }
}

impl App {
    /// Goes on trying to write down what could not be written, until it is.
    pub(super) fn catch_up_later(&self) {
        let app = self.clone();
        if app.journal().work.is_tended.swap(true, Ordering::SeqCst) {
            return;
        }
        tokio::spawn(async move {
            let (mut pause, longest) = PAUSES;
            tokio::time::sleep(pause).await;
            while !app.journal().catch_up().await {
                pause = (pause * 2).min(longest);
                tokio::time::sleep(pause).await;
            }
            app.journal().work.is_tended.store(false, Ordering::SeqCst);
            // Something may have failed again just before nobody was trying any more.
            if !app.journal().catch_up().await {
                app.catch_up_later();
            }
        });
    }
}

/// What is said of a change whose outcome is not in the journal yet.
pub(super) fn not_recorded(id: i64, error: &Error) -> String {
    format!(
        "What became of change {id} could not be written into the journal yet ({error}); it is kept and written with the \
         next change. If the program ends before that, it is found out by reading"
    )
}

/// Why a change was not made, and what nobody knows of it.
fn problem(change: &Change, outcome: &Result<Written, NotWritten>) -> Option<String> {
    let why = outcome.as_ref().err().map(|failure| &failure.error);
    let why = why.map(|error| error.detail().message.clone());
    let unread = change.is_before_unread().then(|| BEFORE_UNREAD.to_owned());
    let all: Vec<String> = why.into_iter().chain(unread).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What there is after a change: as it was read, unless what was acknowledged is
/// not to be seen yet.
fn after<'a>(change: &'a Change, outcome: &'a Result<Written, NotWritten>) -> After<'a> {
    let Ok(written) = outcome else {
        return After::of(change, false);
    };
    match &written.reading {
        Some(Ok(reading)) if reading.matches != Matches::Before => match &reading.found {
            Found::VipRule { now, .. } => After::VipRule {
                now: now.as_ref(),
                was_read: true,
                as_wanted: reading.matches == Matches::Wanted,
            },
            Found::Piece(now) => After::Piece {
                now: now.clone(),
                as_wanted: reading.matches == Matches::Wanted,
            },
        },
        reading => {
            let mut after = After::of(change, true);
            if let After::Piece { as_wanted, .. } = &mut after {
                *as_wanted = reading.is_none();
            }
            after
        }
    }
}
