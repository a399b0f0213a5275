//! The one connection to the store's file: how it is read and written.
//!
//! Statements run where they are asked for. One takes some microseconds, less
//! than handing it to another thread and being woken by its answer. What may take
//! long is waited for asleep: the disk (`disk.rs`), and other processes.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use super::disk::{Log, close, interrupted, keep_log};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};

/// Others hold the file for a moment only; this is far beyond that, and less than
/// the approval page gives itself for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// First and longest pause before it is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(25)];
/// Prepared statements that are kept: about as many as there are.
const STATEMENTS: usize = 128;

/// Why something was not read or written.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database says so.
    Database(rusqlite::Error),
    /// What is to be written, or was read, says so.
    Otherwise(Error),
}

pub(super) type Outcome<T> = Result<T, Failed>;

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Failed {
        Failed::Database(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Otherwise(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        match failed {
            Failed::Otherwise(error) => error,
            Failed::Database(error) => Error::internal(
                format!("the state store cannot be used: {error}"),
                format!(
                    "Check the state folder and the space on its disk ({}); without the store nothing can be confirmed or written down.",
                    command_line("doctor")
                ),
            ),
        }
    }
}

impl Failed {
    /// Another process has the file at this moment.
    fn is_busy(&self) -> bool {
        let Failed::Database(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }
}

/// What a write survives once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// A power failure: something is sent, or clears something to be sent, right after.
    OnDisk,
    /// The end of the process, however it ends.
    Soon,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Database {
    connection: Mutex<Connection>,
    /// None where SQLite keeps none and waits for the disk itself.
    log: Option<Log>,
}

/// A connection to a file, which must exist. Whoever makes one may wait so long
/// for other processes.
pub(super) fn connect(path: &Path, patience: Duration) -> Outcome<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    Ok(connection)
}

impl Database {
    /// Opens the file, which must exist, and brings it up to date. A thread does so,
    /// which may wait.
    pub async fn open(
        path: &Path,
        update: fn(&mut Connection) -> Outcome<()>,
    ) -> Outcome<Database> {
        let path = path.to_owned();
        let opened = spawn_blocking(move || Database::opened(&path, update)).await;
        opened.unwrap_or_else(|_| Err(interrupted().into()))
    }

    fn opened(path: &Path, update: fn(&mut Connection) -> Outcome<()>) -> Outcome<Database> {
        let mut connection = connect(path, LONGEST_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "foreign_keys", true)?;
        // A statement is planned once, and not again with each value that is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let has_log = keep_log(&connection)?;
        update(&mut connection)?;
        // With the first read, SQLite has its log.
        connection.execute_batch("SELECT 1 FROM sqlite_schema")?;
        // From now on waiting is done here, asleep, and not inside SQLite.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(Database {
            connection: Mutex::new(connection),
            log: has_log.then(|| Log::of(path)),
        })
    }

    /// Reads, again where another process has the file at that moment.
    pub async fn read<T>(&self, mut work: impl FnMut(&Connection) -> Outcome<T>) -> Outcome<T> {
        let mut patience = Patience::default();
        loop {
            let outcome = work(&self.connection());
            match outcome {
                Err(failed) if failed.is_busy() => patience.pause(failed).await?,
                outcome => return outcome,
            }
        }
    }

    /// The one way anything is written: all of it, or nothing and an error.
    pub async fn write<T>(
        &self,
        lasting: Lasting,
        work: impl FnOnce(&Connection) -> Outcome<T>,
    ) -> Outcome<T> {
        let Some(log) = &self.log else {
            return self.commit(work).await;
        };
        log.begin().await?;
        let outcome = self.commit(work).await?;
        log.count_commit();
        if lasting == Lasting::OnDisk {
            log.reach_disk().await?;
        }
        Ok(outcome)
    }

    /// A statement that runs by itself gives its rows before it is committed,
    /// and on a full disk the failure of the commit is never seen. Here nothing
    /// counts before the commit has succeeded. The lock is taken at the start,
    /// so that nobody writes between what `work` reads and what it writes.
    async fn commit<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let mut patience = Patience::default();
        loop {
            let busy = {
                let connection = self.connection();
                let begun = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate);
                match begun.map_err(Failed::from) {
                    Ok(transaction) => {
                        let outcome = work(&transaction)?;
                        transaction.commit()?;
                        return Ok(outcome);
                    }
                    Err(failed) if failed.is_busy() => failed,
                    Err(failed) => return Err(failed),
                }
            };
            patience.pause(busy).await?;
        }
    }

    /// A transaction that a panic cut off was rolled back with it.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(nothing) = Connection::open_in_memory() {
            let connection = self.connection.get_mut();
            let connection = connection.unwrap_or_else(PoisonError::into_inner);
            if self.log.as_ref().is_some_and(|log| !log.is_in_place()) {
                // The last one to close a file carries its log over and removes the one of
                // that name, which is not the same.
                let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
                let _ = connection.set_db_config(keep, true);
            }
            close(std::mem::replace(connection, nothing));
        }
    }
}

/// How long another process was waited for.
#[derive(Default)]
struct Patience {
    pause: Duration,
    waited: Duration,
}

impl Patience {
    async fn pause(&mut self, busy: Failed) -> Outcome<()> {
        if self.waited >= LONGEST_WAIT {
            return Err(busy);
        }
        let [first, longest] = PAUSES;
        self.pause = (self.pause * 2).clamp(first, longest);
        self.waited += self.pause;
        tokio::time::sleep(self.pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::statements::{run, value};
    use super::*;

    async fn in_folder(folder: &Path) -> Outcome<(Database, Connection)> {
        let file = folder.join("some.db");
        let other = Connection::open(&file)?;
        other.execute_batch("CREATE TABLE t (n INTEGER); CREATE INDEX some ON t (n)")?;
        Ok((Database::open(&file, |_| Ok(())).await?, other))
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_waits_for_another_process_keeps_nobody_waiting() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let written = async {
            let (database, other) = in_folder(folder.path()).await?;
            let asleep_in_sqlite: i64 = value(&database.connection(), "PRAGMA busy_timeout", [])?;
            assert_eq!(asleep_in_sqlite, 0);
            other.execute_batch("BEGIN IMMEDIATE")?;
            let write = database.write(Lasting::Soon, |database| {
                Ok(run(database, "INSERT INTO t VALUES (1)", [])?)
            });
            // Runs while the write waits.
            let end = async { other.execute_batch("COMMIT") };
            let (written, ended) = tokio::join!(write, end);
            ended?;
            written
        };
        assert!(matches!(written.await, Ok(1)));
        Ok(())
    }

    #[test]
    fn who_waits_for_the_disk_keeps_nobody_waiting() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        // The one thread that may wait for the disk waits for the gate.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_all()
            .build()?;
        let seen = runtime.block_on(async {
            let (database, _) = in_folder(folder.path()).await?;
            let insert = |database: &Connection| Ok(run(database, "INSERT INTO t VALUES (1)", [])?);
            database.write(Lasting::OnDisk, insert).await?;
            let (gate, closed) = std::sync::mpsc::channel::<()>();
            spawn_blocking(move || closed.recv());
            let write = database.write(Lasting::OnDisk, insert);
            let meanwhile = async {
                let count =
                    |database: &Connection| Ok(value(database, "SELECT sum(n) FROM t", [])?);
                let seen: Outcome<i64> = database.read(count).await;
                drop(gate);
                seen
            };
            let (written, seen) = tokio::join!(write, meanwhile);
            written?;
            seen
        });
        assert!(matches!(seen, Ok(2)));
        Ok(())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_may_not_be_on_the_disk_is_an_error() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let written = async {
            let (database, _) = in_folder(folder.path()).await?;
            let insert = |database: &Connection| Ok(run(database, "INSERT INTO t VALUES (1)", [])?);
            database.write(Lasting::OnDisk, insert).await?;
            // Nobody would find again what SQLite goes on writing there.
            let log = folder.path().join("some.db-wal");
            assert!(std::fs::remove_file(&log).is_ok());
            let without = database.write(Lasting::OnDisk, insert).await;
            assert!(std::fs::write(&log, "").is_ok());
            let with_another = database.write(Lasting::OnDisk, insert).await;
            // A gap in the log would lose what comes after it.
            let later = database.write(Lasting::Soon, insert).await;
            Outcome::Ok([without.is_ok(), with_another.is_ok(), later.is_ok()])
        };
        assert!(matches!(written.await, Ok([false, false, false])));
        Ok(())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_log_does_not_grow_with_the_writes() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let length = async {
            let (database, other) = in_folder(folder.path()).await?;
            other.close().map_err(|(_, error)| error)?;
            for _ in 0..600 {
                let insert = |database: &Connection| {
                    Ok(run(database, "INSERT INTO t VALUES (random())", [])?)
                };
                database.write(Lasting::OnDisk, insert).await?;
            }
            let log = std::fs::metadata(folder.path().join("some.db-wal"));
            Outcome::Ok(log.map_or(u64::MAX, |log| log.len()))
        };
        let length = length.await.unwrap_or(u64::MAX);
        // Each write is two pages of 4 KiB or three.
        assert!(length < 2_000_000, "{length}");
        Ok(())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_fails_halfway_is_not_there_and_the_next_write_works() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let counted = async {
            let (database, _) = in_folder(folder.path()).await?;
            let broken = database.write(Lasting::OnDisk, |database| {
                run(database, "INSERT INTO t VALUES (1)", [])?;
                Ok(run(database, "INSERT INTO missing VALUES (1)", [])?)
            });
            assert!(broken.await.is_err());
            let whole = database.write(Lasting::OnDisk, |database| {
                Ok(run(database, "INSERT INTO t VALUES (2)", [])?)
            });
            whole.await?;
            let count = |database: &Connection| Ok(value(database, "SELECT sum(n) FROM t", [])?);
            database.read(count).await
        };
        assert!(matches!(counted.await, Ok(2_i64)));
        Ok(())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_statement_is_planned_once_whatever_is_bound_to_it() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let planned = async {
            let (database, _) = in_folder(folder.path()).await?;
            let connection = database.connection();
            let mut statement =
                connection.prepare("SELECT count(*) FROM (SELECT 1 FROM t WHERE n > ? LIMIT ?)")?;
            for most in 1..5 {
                let _: i64 = statement.query_row([most, most], |row| row.get(0))?;
            }
            Outcome::Ok(statement.get_status(StatementStatus::RePrepare))
        };
        assert!(matches!(planned.await, Ok(0)));
        Ok(())
    }
}
