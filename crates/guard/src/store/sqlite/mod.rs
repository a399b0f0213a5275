//! The store in SQLite. Several processes share one file (WAL); the SQL stays
//! in this folder.

mod approvals;
mod dial_plans;
mod facts;
mod journal;
mod migrations;
mod runs;
mod setup;

use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use super::StateFolder;
use skyswitch_domain::error::{Error, Result};

const FILE: &str = "state.db";

/// The open store.
#[derive(Debug)]
pub struct Store {
    pool: SqlitePool,
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
        // SQLite gives its side files the mode of the main file, which must be private first.
        let path = folder.private_file(FILE)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // What is committed must survive a power failure: a change is sent right after.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        // Migrations know no lock between processes on SQLite; the file lock is ours.
        let _lock = folder.lock("state.lock").await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(failed)?;
        migrations::migrator()
            .run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(Store { pool })
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
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let written = transaction(&mut connection, work).await;
        if written.is_err() {
            // SQLite may have rolled back by itself, which sqlx does not notice: the
            // connection would refuse every later transaction.
            let _ = connection.close().await;
        }
        written
    }
}

/// The lock is taken at the start, so that nobody writes between what `work`
/// reads and what it writes.
async fn transaction<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(failed)?;
    let outcome = work(&mut transaction).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(outcome)
}

fn failed(error: sqlx::Error) -> Error {
    Error::internal(
        format!("the state store cannot be used: {error}"),
        "Check the state folder and the space on its disk (`skyswitch doctor`); without the store nothing can be confirmed or written down.",
    )
}
