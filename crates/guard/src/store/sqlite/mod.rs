//! The store in SQLite. Several processes share one file (WAL); the SQL stays
//! in this folder.

mod approvals;
mod dial_plans;
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
mod upkeep;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use super::StateFolder;
use super::trust::{Identity, Kind};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Refused, Result};

const FILE: &str = "state.db";
/// What SQLite keeps beside it.
const SIDE_FILES: [&str; 2] = ["state.db-wal", "state.db-shm"];

/// The open store.
#[derive(Debug)]
pub struct Store {
    pool: SqlitePool,
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
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // Migrations, too; each write says for itself what it has to survive.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // While the file is open, no other one can have its inode.
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(failed)?;
        let migrated = migrations::migrator().run(&pool).await;
        migrated.map_err(|error| match error {
            MigrateError::VersionMissing(version) => from_the_future(version),
            error => failed(error.into()),
        })?;
        let installation = sqlx::query_scalar("SELECT id FROM installation")
            .fetch_one(&pool)
            .await
            .map_err(failed)?;
        Ok(Store {
            identity: folder.identity(FILE),
            pool,
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

    /// The one way anything is written: all of it, or nothing and an error.
    ///
    /// A statement that runs by itself gives its rows before it is committed,
    /// and on a full disk the failure of the commit is never seen. Here nothing
    /// counts before the commit has succeeded.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
    ) -> Result<T> {
        self.write_for(Lasting::OnDisk, work).await
    }

    /// The same for what may be lost in a power failure, because it is found out
    /// again or a person is asked again: the disk is not waited for. It is there
    /// with the next write that waits for it.
    async fn write_soon<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
    ) -> Result<T> {
        self.write_for(Lasting::Soon, work).await
    }

    async fn write_for<T>(
        &self,
        lasting: Lasting,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        if lasting == Lasting::OnDisk {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
        let written = transaction(&mut connection, lasting, work).await;
        if written.is_err() {
            // SQLite may have rolled back by itself, which sqlx does not notice: the
            // connection would refuse every later transaction.
            let _ = connection.close().await;
        }
        written
    }
}

/// What a write survives once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasting {
    /// A power failure: something is sent, or clears something to be sent, right after.
    OnDisk,
    /// The end of the process, however it ends.
    Soon,
}

impl Lasting {
    /// Every transaction says so for itself, whatever became of the one before.
    fn beginning(self) -> &'static str {
        match self {
            Lasting::OnDisk => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
            Lasting::Soon => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        }
    }
}

/// The lock is taken at the start, so that nobody writes between what `work`
/// reads and what it writes.
async fn transaction<T>(
    connection: &mut SqliteConnection,
    lasting: Lasting,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    let begun = connection.begin_with(lasting.beginning()).await;
    let mut transaction = begun.map_err(failed)?;
    let outcome = work(&mut transaction).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(outcome)
}

/// A newer version may have given the entries another meaning.
fn from_the_future(version: i64) -> Error {
    Error::internal(
        format!(
            "the state store was written by a newer version of this program (schema {version}), so nothing was read or sent"
        ),
        "Use that version, or set SKYSWITCH_STATE_DIR to another folder.",
    )
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

/// What was read of a text that the store keeps, as a column of a row.
fn decoded<T>(read: Result<T, Refused>) -> sqlx::Result<T> {
    read.map_err(|refused| sqlx::Error::Decode(Box::new(refused)))
}

fn failed(error: sqlx::Error) -> Error {
    Error::internal(
        format!("the state store cannot be used: {error}"),
        format!(
            "Check the state folder and the space on its disk ({}); without the store nothing can be confirmed or written down.",
            command_line("doctor")
        ),
    )
}
