//! The journal: a change is written down before it is sent, and closed when
//! its outcome is known.
//!
//! Each process holds a lock file while it lives. An open entry whose process
//! is gone was cut off; the next work closes it by what stands
//! (`reconcile.rs`).

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::config::Limits;
use crate::error::{Error, Result};
use crate::guard::{HOUR, RouteChange};
use crate::skyswitch::{NotWritten, Written};
use crate::state::{ChangeStatus, Closing, FileLock, NewChange, SharedStore, StateFolder};

/// What a change belongs to beside itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The change that it undoes.
    pub undoes: Option<i64>,
    /// The import and its position in the import's plan.
    pub run: Option<(String, i64)>,
}

/// The journal of one upstream, as this process writes it.
#[derive(Debug)]
pub(super) struct Journal {
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

    /// Writes a change down; it may be sent only after that.
    ///
    /// # Errors
    /// `blocked` when the hour's changes are used up; `internal` when it
    /// cannot be written.
    pub async fn begin(
        &self,
        asked_by: &str,
        change: &RouteChange,
        origin: &Origin,
    ) -> Result<i64> {
        let most = self.limits.max_changes_per_hour;
        let limit = most.map(|most| (now() - HOUR, most));
        let begun = self.write(asked_by, change, origin, limit).await?;
        match begun {
            Some(id) => Ok(id),
            // Others have made changes since the guard looked.
            None => {
                self.limits
                    .refuse_rate(most.unwrap_or_default().into(), 1)?;
                Err(Error::internal(
                    "the change could not be written down, so nothing was sent",
                    "Please report this as a bug.",
                ))
            }
        }
    }

    /// Writes down what happened without our doing: that the service removed a
    /// rule along with another.
    pub async fn note_loss(
        &self,
        asked_by: &str,
        change: &RouteChange,
        origin: &Origin,
    ) -> Result<i64> {
        let begun = self.write(asked_by, change, origin, None).await?;
        let id = begun.unwrap_or_default();
        let closing = Closing {
            status: ChangeStatus::Done,
            after: None,
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
        asked_by: &str,
        change: &RouteChange,
        origin: &Origin,
        limit: Option<(i64, u32)>,
    ) -> Result<Option<i64>> {
        let new = NewChange {
            realm: &self.realm,
            account: change.account().as_str(),
            operation: change.tool(),
            asked_by,
            key: change.key(),
            before: change.before(),
            wanted: change.after(),
            undoes: origin.undoes,
            run: origin.run.as_ref().map(|(run, row)| (run.as_str(), *row)),
            owner: self.owner().await?,
            now: now(),
        };
        self.store.get().await?.begin_change(&new, limit).await
    }

    /// Closes a change by what became of it.
    pub async fn close(
        &self,
        id: i64,
        change: &RouteChange,
        outcome: &Result<Written, NotWritten>,
    ) -> Result<()> {
        let store = self.store.get().await?;
        let closing = match outcome {
            Ok(written) => Closing {
                status: ChangeStatus::Done,
                after: change.after(),
                problem: None,
                request_id: written.request_id.as_deref(),
                now: now(),
            },
            Err(failure) if failure.is_known => Closing {
                status: ChangeStatus::Failed,
                after: change.before(),
                problem: Some(&failure.error.detail().message),
                request_id: failure.error.detail().request_id.as_deref(),
                now: now(),
            },
            Err(failure) => {
                return store
                    .abandon_change(id, &failure.error.detail().message)
                    .await;
            }
        };
        store.close_change(id, &closing).await.map(drop)
    }
}

/// Milliseconds since 1970, UTC.
pub(super) fn now() -> i64 {
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
pub(super) fn is_gone(folder: &StateFolder, owner: &str) -> Result<bool> {
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

fn lock_file(owner: &str) -> String {
    format!("journal-{owner}.lock")
}
