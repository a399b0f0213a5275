//! The store in SQLite. Several processes share one file (WAL); the SQL stays
//! in this folder.

mod approvals;
mod database;
mod dial_plans;
mod disk;
mod facts;
mod journal;
mod journal_counts;
mod journal_lists;
mod journal_rows;
mod kept_plans;
mod migrations;
mod noted_runs;
mod notes;
mod pin;
mod runs;
mod setup;
mod setup_memory;
mod statements;
mod upkeep;

use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;

use super::StateFolder;
use super::trust::{Identity, Kind};
use database::{Database, Lasting, Outcome};
use skyswitch_domain::error::{Error, Result};
use statements::value;

const FILE: &str = "state.db";
/// What SQLite keeps beside it.
const SIDE_FILES: [&str; 2] = ["state.db-wal", "state.db-shm"];

/// The open store.
#[derive(Debug)]
pub struct Store {
    database: Database,
    /// Of folder and file when it was opened.
    identity: Option<Identity>,
    installation: String,
    /// Writes that waited for the disk.
    waits: AtomicUsize,
}

impl Store {
    /// Whether the store's file lies in the folder.
    pub fn is_in(folder: &StateFolder) -> bool {
        folder.path().join(FILE).exists()
    }

    /// Opens the store, creating it on first use.
    ///
    /// # Errors
    /// `internal` when the folder or file cannot be used. Nothing may be
    /// confirmed then, so callers must treat this as a refusal.
    pub async fn open(folder: &StateFolder) -> Result<Store> {
        // Migrations know no lock between processes on SQLite; the file lock is ours.
        let _lock = folder.lock("state.lock").await?;
        folder.refuse_untrusted(FILE, Kind::File)?;
        let is_new = !folder.has(FILE);
        if !is_new && folder.is_empty_file(FILE) {
            return Err(emptied(folder));
        }
        let _begun = is_new.then(|| Begun(folder));
        Store::open_alone(folder).await
    }

    async fn open_alone(folder: &StateFolder) -> Result<Store> {
        // SQLite gives its side files the mode of the main file, which must be private first.
        let path = folder.private_file(FILE)?;
        for side in SIDE_FILES {
            folder.refuse_untrusted(side, Kind::File)?;
        }
        let database = Database::open(&path, migrations::migrate).await?;
        let installation =
            |database: &Connection| Ok(value(database, "SELECT id FROM installation", [])?);
        let installation = database.read(installation).await?;
        Ok(Store {
            identity: folder.identity(FILE),
            database,
            installation,
            waits: AtomicUsize::new(0),
        })
    }

    /// Whether the folder and the file that it was opened in are still in their
    /// place: what is written to one that was removed nobody else would ever see.
    pub fn is_in_place(&self, folder: &StateFolder) -> bool {
        self.identity.is_some() && self.identity == folder.identity(FILE)
    }

    /// Whether both were opened in the same place.
    pub fn is_the_same_as(&self, other: &Store) -> bool {
        self.identity == other.identity && self.installation == other.installation
    }

    /// What tells this store from one that was made later, in whatever place.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// How often it has waited for the disk so far, which is what most of the time
    /// of a change goes to beside the requests.
    pub fn waits_for_disk(&self) -> usize {
        self.waits.load(Ordering::Relaxed)
    }

    async fn read<T>(&self, work: impl FnMut(&Connection) -> Outcome<T>) -> Result<T> {
        Ok(self.database.read(work).await?)
    }

    /// Writes what has to survive a power failure, see [`Database::write`].
    async fn write<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        Ok(self.database.write(Lasting::OnDisk, work).await?)
    }

    /// The same for what may be lost in a power failure, because it is found out
    /// again or a person is asked again: the disk is not waited for. It is there
    /// with the next write that waits for it.
    async fn write_soon<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        Ok(self.database.write(Lasting::Soon, work).await?)
    }
}

/// A store that is made for the first time. Whatever breaks that off, no empty
/// file stays: it would be taken for one that has lost everything.
struct Begun<'a>(&'a StateFolder);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.0.is_empty_file(FILE) {
            self.0.remove(FILE);
        }
    }
}

/// Every store holds something from its first moment on: an empty file took the
/// place of one, and with it went the journal and what was used up.
fn emptied(folder: &StateFolder) -> Error {
    let path = folder.path().join(FILE);
    Error::internal(
        format!(
            "the state store {} is empty: what it held was lost, so nothing was read or sent",
            path.display()
        ),
        "Put a copy of it back. Without one, remove the file to begin a new journal: earlier changes, attestations and notes are not in it.",
    )
}
