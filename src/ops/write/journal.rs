//! The journal: a change is written down before it is sent, and closed when
//! its outcome is known.
//!
//! Each process holds a lock file while it lives. An open entry whose process
//! is gone was cut off; the next work closes it by what is there
//! (`reconcile.rs`).

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::app::App;
use crate::config::Limits;
use crate::ops::write::outcomes::Work;
use crate::ops::write::together::Queue;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Operation, Route};
use skyswitch_guard::store::{
    After, Begun, ChangeStatus, Closing, FileLock, JournalPosition, SharedStore, StateFolder, Store,
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
    pub(super) work: Work,
    pub(super) queue: Queue,
}

impl Journal {
    /// Touches no disk yet.
    pub fn new(store: SharedStore, realm: String, limits: Limits) -> Journal {
        Journal {
            store,
            realm,
            limits,
            owner: OnceCell::new(),
            work: Work::default(),
            queue: Queue::default(),
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
        Ok(&self.known_as().await?.name)
    }

    async fn known_as(&self) -> Result<&Owner> {
        self.owner
            .get_or_try_init(|| async {
                let store = self.store.get().await?;
                self.store.hold_work();
                Owner::of_this_process(self.store.folder(), store)
            })
            .await
    }

    /// The store to read changes from, if there is one yet.
    ///
    /// # Errors
    /// `internal` where it was removed or replaced since: a journal that is not
    /// there any more must not look empty.
    pub(in crate::ops) async fn store_to_read(&self) -> Result<Option<Arc<Store>>> {
        if self.owner.get().is_some() {
            return self.store_to_write().await.map(Some);
        }
        match self.store.if_exists().await? {
            None if self.store.was_removed().await => Err(self.store.replaced()),
            store => Ok(store),
        }
    }

    /// The store to write to: that in which this process is known.
    ///
    /// # Errors
    /// `internal` where folder or database was removed or replaced since this
    /// process first worked in it: what it has read there is worth nothing, and
    /// nobody would see that it works on something.
    pub(in crate::ops) async fn store_to_write(&self) -> Result<Arc<Store>> {
        let owner = self.known_as().await?;
        let store = self.store.get().await?;
        match store.is_the_same_as(&owner.store) {
            true => Ok(store),
            false => Err(self.store.replaced()),
        }
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
        let begun = self.write_down(app, change, origin, limit).await;
        let begun = begun.map_err(not_written_down)?;
        self.begun(begun, app.author())
    }

    /// Where the journal is now; to be asked before the read that a change is
    /// decided on. Looking creates no store.
    ///
    /// # Errors
    /// `internal` when the store cannot be used: nothing can be sent then.
    pub async fn position(&self) -> Result<JournalPosition> {
        match self.store.if_exists().await? {
            Some(store) => store.journal_position().await,
            None => Ok(JournalPosition::default()),
        }
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

    /// Writes down what happened without our doing: that the service removed a
    /// rule along with another, or made it what it is now.
    pub async fn note_unasked(
        &self,
        app: &App,
        change: &Change,
        now_is: Option<&Route>,
        origin: &Origin,
    ) -> Result<i64> {
        let begun = self.write_down(app, change, origin, None).await?;
        let id = self.begun(begun, app.author())?;
        let closing = Closing {
            status: ChangeStatus::Done,
            after: After::VipRule {
                now: now_is,
                was_read: true,
                as_wanted: true,
            },
            problem: Some(match now_is {
                None => "the service removed this rule along with another, or somebody else did",
                Some(_) => "the service changed this rule along with another, or somebody else did",
            }),
            request_id: None,
            closed_by: None,
            now: now(),
        };
        let closed = match self.store_to_write().await {
            Ok(store) => store.close_change(id, &closing).await,
            Err(error) => Err(error),
        };
        // Where it could not be closed, a read closes it later.
        self.work.lock().await.let_go(id, closed.is_ok());
        closed.map(|_| id)
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
    /// The store that the folder had then.
    store: Arc<Store>,
    _lock: FileLock,
}

impl Owner {
    fn of_this_process(folder: &StateFolder, store: Arc<Store>) -> Result<Owner> {
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
            store,
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
