//! The state store: pending approvals and used confirmations, in SQLite.
//!
//! Several processes share one file (WAL). Callers see plain methods; the SQL
//! stays in here, so that another database means another implementation of
//! this file.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{FromRow, Row};

use super::StateFolder;
use crate::error::{Error, Result};

const FILE: &str = "state.db";

/// What became of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided yet.
    Waiting,
    /// A person typed the value.
    Approved,
    /// A person declined.
    Declined,
    /// The change was made, or the decline was reported.
    Used,
}

/// A change that waits for a person.
#[derive(Debug, Clone, FromRow)]
pub struct Approval {
    /// What the person types after `skyswitch approve`.
    pub code: String,
    /// Digest of the state the person is shown.
    pub fingerprint: String,
    /// The value that the person must type.
    pub caller: String,
    /// What the person is shown.
    pub preview: String,
    /// Seconds since 1970, UTC.
    pub expires_at: i64,
    state: String,
}

impl Approval {
    /// What became of it.
    pub fn state(&self) -> ApprovalState {
        match self.state.as_str() {
            "waiting" => ApprovalState::Waiting,
            "approved" => ApprovalState::Approved,
            "declined" => ApprovalState::Declined,
            _ => ApprovalState::Used,
        }
    }
}

/// A change to be put before a person.
#[derive(Debug)]
pub struct NewApproval<'a> {
    /// What the person will type after `skyswitch approve`.
    pub code: &'a str,
    /// Digest of account, tool and arguments.
    pub binding: &'a str,
    /// Digest of the state the person is shown.
    pub fingerprint: &'a str,
    /// The value that the person must type.
    pub caller: &'a str,
    /// What the person is shown.
    pub preview: &'a str,
    /// Seconds since 1970, UTC.
    pub expires_at: i64,
}

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
            .busy_timeout(Duration::from_secs(10));
        // Migrations know no lock between processes on SQLite; the file lock is ours.
        let _lock = folder.lock("state.lock").await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(failed)?;
        sqlx::migrate!("src/state/migrations")
            .run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(Store { pool })
    }

    /// The newest live approval of a change, decided or not.
    pub async fn find_approval(&self, binding: &str, now: i64) -> Result<Option<Approval>> {
        sqlx::query_as(
            "SELECT * FROM approvals WHERE binding = ? AND expires_at > ? AND state <> 'used'
             ORDER BY expires_at DESC LIMIT 1",
        )
        .bind(binding)
        .bind(now)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }

    /// Everything that waits for a person, soonest to expire first.
    pub async fn waiting(&self, now: i64) -> Result<Vec<Approval>> {
        sqlx::query_as(
            "SELECT * FROM approvals WHERE state = 'waiting' AND expires_at > ? ORDER BY expires_at",
        )
        .bind(now)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// Puts a change before a person, replacing what stood for the same change.
    pub async fn add_approval(&self, approval: &NewApproval<'_>, now: i64) -> Result<()> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        sqlx::query("DELETE FROM approvals WHERE expires_at <= ? OR binding = ?")
            .bind(now)
            .bind(approval.binding)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO approvals (code, binding, fingerprint, caller, preview, state, expires_at)
             VALUES (?, ?, ?, ?, ?, 'waiting', ?)",
        )
        .bind(approval.code)
        .bind(approval.binding)
        .bind(approval.fingerprint)
        .bind(approval.caller)
        .bind(approval.preview)
        .bind(approval.expires_at)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Moves an approval from one state to the next; false when somebody else
    /// did so first. This is what makes an approval work once.
    pub async fn advance(
        &self,
        code: &str,
        from: ApprovalState,
        to: ApprovalState,
        now: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE approvals SET state = ? WHERE code = ? AND state = ? AND expires_at > ?",
        )
        .bind(word(to))
        .bind(code)
        .bind(word(from))
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    /// Records that a sealed confirmation was answered; false when it had been before.
    pub async fn use_once(&self, nonce: &str, expires_at: i64, now: i64) -> Result<bool> {
        // One statement each: the insert alone decides, the clean-up only saves space.
        let row = sqlx::query(
            "INSERT INTO used_confirmations (nonce, expires_at) VALUES (?, ?)
             ON CONFLICT DO NOTHING RETURNING 1",
        )
        .bind(nonce)
        .bind(expires_at)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        sqlx::query("DELETE FROM used_confirmations WHERE expires_at < ?")
            .bind(now)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(row.is_some_and(|row| row.try_get::<i64, _>(0).is_ok()))
    }
}

fn word(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Waiting => "waiting",
        ApprovalState::Approved => "approved",
        ApprovalState::Declined => "declined",
        ApprovalState::Used => "used",
    }
}

fn failed(error: sqlx::Error) -> Error {
    Error::internal(
        format!("the state store cannot be used: {error}"),
        "Check the state folder (`skyswitch doctor`); without the store nothing can be confirmed, and nothing was sent.",
    )
}
