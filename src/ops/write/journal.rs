//! The journal: a change is written down before it is sent, and closed when
//! its outcome is known.
//!
//! Each process holds a lock file while it lives. An open entry whose process
//! is gone was cut off; the next work closes it by what is there
//! (`reconcile.rs`).

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::app::App;
use crate::config::Limits;
use skyswitch_client::{Found, Matches, NotWritten, Written};
use skyswitch_domain::Operation;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::store::{
    After, Begun, ChangeStatus, Closing, Counted, FileLock, JournalPosition, NewChange,
    SharedStore, StateFolder,
};
use skyswitch_guard::{Author, Change};

/// What a change belongs to beside itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The change that it undoes.
    pub undoes: Option<i64>,
    /// The import that it belongs to.
    pub run: Option<String>,
    /// Where the journal was when what changes was read that the change was
    /// decided on: it is not sent where another change to the same ended later.
    pub seen: Option<JournalPosition>,
}

/// The journal of one upstream, as this process writes it.
#[derive(Debug)]
pub(crate) struct Journal {
    store: SharedStore,
    realm: String,
    limits: Limits,
    owner: OnceCell<Owner>,
}

impl Journal {
    /// Touches no disk yet.
    pub fn new(store: SharedStore, realm: String, limits: Limits) -> Journal {
        Journal {
            store,
            realm,
            limits,
            owner: OnceCell::new(),
        }
    }

    /// The store it is kept in.
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// Which upstream it is for.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The name under which this process works.
    pub async fn owner(&self) -> Result<&str> {
        let owner = self
            .owner
            .get_or_try_init(|| async { Owner::of_this_process(self.store.folder()) })
            .await?;
        Ok(&owner.name)
    }

    /// Writes a change down that was asked for through `app`; it may be sent only after that.
    ///
    /// # Errors
    /// `blocked` when the hour's changes are used up; `confirmation_stale`
    /// when another process changes the same, or has since it was seen;
    /// `internal` when it cannot be written.
    pub(in crate::ops) async fn begin(
        &self,
        app: &App,
        change: &Change,
        origin: &Origin,
    ) -> Result<i64> {
        // Nothing keeps a person from ending a loss of calls.
        let limit = match change.ends_a_loss() {
            true => None,
            false => self.limits.hourly(app.author(), now()),
        };
        let begun = self.write(app, change, origin, limit).await;
        let begun = begun.map_err(not_written_down)?;
        self.begun(begun, app.author())
    }

    /// Where the journal is now; to be asked before the read that a change is
    /// decided on. Looking creates no store.
    ///
    /// # Errors
    /// `internal` when the store cannot be used: nothing can be sent then.
    pub async fn position(&self) -> Result<JournalPosition> {
        if !self.store.exists() {
            return Ok(JournalPosition::default());
        }
        self.store.get().await?.journal_position().await
    }

    fn begun(&self, begun: Begun, author: Author) -> Result<i64> {
        match begun {
            Begun::Written(id) => Ok(id),
            Begun::ChangedMeanwhile(other) => Err(Error::new(
                Code::ConfirmationStale,
                format!(
                    "change {other} to the same rule or setting, made by somebody else, is in progress or newer than what was read. Nothing was changed"
                ),
                format!(
                    "Look with {} or {} and decide again.",
                    Operation::ListVips,
                    Operation::SetupChecklist
                ),
            )),
            // Others have made changes since the guard looked.
            Begun::OverLimit => {
                if let Some((_, most)) = self.limits.hourly(author, now()) {
                    self.limits.refuse_rate(most, most.into(), 1)?;
                }
                Err(Error::internal(
                    "the change could not be written down, so nothing was sent",
                    "Please report this as a bug.",
                ))
            }
        }
    }

    /// Leaves an open change to whoever works next.
    pub async fn abandon(&self, id: i64, problem: &str) -> Result<()> {
        self.store
            .get()
            .await?
            .abandon_change(id, problem, now())
            .await
    }

    /// Writes down what happened without our doing: that the service removed a
    /// rule along with another.
    pub async fn note_loss(&self, app: &App, change: &Change, origin: &Origin) -> Result<i64> {
        let begun = self.write(app, change, origin, None).await?;
        let id = self.begun(begun, app.author())?;
        let closing = Closing {
            status: ChangeStatus::Done,
            after: After::VipRule {
                now: None,
                was_read: true,
            },
            problem: Some("the service removed this rule along with another of the same caller"),
            request_id: None,
            now: now(),
        };
        let store = self.store.get().await?;
        store.close_change(id, &closing).await?;
        Ok(id)
    }

    async fn write(
        &self,
        app: &App,
        change: &Change,
        origin: &Origin,
        limit: Option<(Counted, u32)>,
    ) -> Result<Begun> {
        let new = NewChange {
            realm: &self.realm,
            change,
            asked_by: &app.asked_by,
            author: app.author(),
            undoes: origin.undoes,
            run: origin.run.as_deref(),
            owner: self.owner().await?,
            seen: origin.seen,
            now: now(),
        };
        self.store.get().await?.begin_change(&new, limit).await
    }

    /// Closes a change by what became of it.
    pub(in crate::ops) async fn close(
        &self,
        id: i64,
        change: &Change,
        outcome: &Result<Written, NotWritten>,
    ) -> Result<()> {
        let (status, problem, request_id) = match outcome {
            Ok(written) => (ChangeStatus::Done, None, written.request_id.as_deref()),
            Err(failure) => {
                let detail = failure.error.detail();
                if !failure.is_known {
                    return self.abandon(id, &detail.message).await;
                }
                let problem = Some(detail.message.as_str());
                (ChangeStatus::Failed, problem, detail.request_id.as_deref())
            }
        };
        let closing = Closing {
            status,
            after: after(change, outcome),
            problem,
            request_id,
            now: now(),
        };
        let store = self.store.get().await?;
        store.close_change(id, &closing).await.map(drop)
    }
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

/// What cannot be written down is not sent.
fn not_written_down(error: Error) -> Error {
    Error::internal(
        format!("the change could not be written down, so it was not sent: {error}"),
        error.hint(),
    )
}

/// Milliseconds since 1970, UTC.
pub(in crate::ops) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Tells other processes that this one lives. The lock goes with the process,
/// however it ends.
#[derive(Debug)]
struct Owner {
    name: String,
    folder: StateFolder,
    _lock: FileLock,
}

impl Owner {
    fn of_this_process(folder: &StateFolder) -> Result<Owner> {
        folder.sweep(LOCK_PREFIX);
        let name = format!("{:032x}", rand::random::<u128>());
        let lock = folder.try_lock(&lock_file(&name))?.ok_or_else(|| {
            Error::internal(
                "the journal's lock is held by another process",
                "Try again; if it persists, please report this as a bug.",
            )
        })?;
        Ok(Owner {
            name,
            folder: folder.clone(),
            _lock: lock,
        })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.folder.remove(&lock_file(&self.name));
    }
}

/// Whether the process of that name is gone. Its file is cleared away.
pub(in crate::ops) fn is_gone(folder: &StateFolder, owner: &str) -> Result<bool> {
    let file = lock_file(owner);
    if owner.is_empty() || !folder.has(&file) {
        return Ok(true);
    }
    let lock = folder.try_lock(&file)?;
    if lock.is_some() {
        folder.remove(&file);
    }
    Ok(lock.is_some())
}

const LOCK_PREFIX: &str = "journal-";

fn lock_file(owner: &str) -> String {
    format!("{LOCK_PREFIX}{owner}.lock")
}
