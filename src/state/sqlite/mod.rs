//! The store in SQLite. Several processes share one file (WAL); the SQL stays
//! in this folder.

mod approvals;
mod dial_plans;
mod journal;
mod runs;
mod setup;

use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::StateFolder;
use crate::error::{Error, Result};

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
        sqlx::migrate!("src/state/sqlite/migrations")
            .run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(Store { pool })
    }
}

fn failed(error: sqlx::Error) -> Error {
    Error::internal(
        format!("the state store cannot be used: {error}"),
        "Check the state folder (`skyswitch doctor`); without the store nothing can be confirmed or written down, and nothing was sent.",
    )
}
