//! Waiting for the disk, asleep. SQLite writes what is committed into its
//! write-ahead log and goes on; a thread that may wait as long as the disk does
//! makes the log last, and carries what is in it over into the file itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rusqlite::{Connection, Row, TransactionBehavior};
use tokio::task::{JoinError, spawn_blocking};

use super::database::{Outcome, connect};

use super::statements::value;
use skyswitch_domain::command_line;
use skyswitch_domain::error::Error;

/// Commits after which the log is carried over: they leave about as much in it as
/// SQLite lets it grow by itself.
const COMMITS: u32 = 64;
/// Pages of the log after which SQLite carries it over by itself: what so many
/// commits never come to, unless one of them is huge.
const PAGES: u32 = 20_000;
/// So long those who read or write at the moment are waited for.
const FOR_OTHERS: Duration = Duration::from_secs(1);
/// So long the end of a program waits for the disk, after whatever else it waits for.
const AT_THE_END: Duration = Duration::from_millis(500);

/// The log of a database, as the disk has it.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Files>);

#[derive(Debug)]
struct Files {
    database: PathBuf,
    log: PathBuf,
    /// The log, open for as long as the database is: the system tells each who has it
    /// open once that it could not be written.
    file: io::Result<File>,
    /// Whether the folder is known to name the log, also after a power failure.
    is_named: AtomicBool,
    /// Whether this process has begun it.
    is_begun: AtomicBool,
    /// Whether the disk has once failed to take it.
    is_broken: AtomicBool,
    /// Commits since it was carried over.
    commits: AtomicU32,
}

/// Lets a database keep a log, and leaves waiting for the disk to us. Where the file
/// system has no room for one, SQLite waits for the disk itself: says so.
pub(super) fn keep_log(database: &Connection) -> Outcome<bool> {
    let mode = |row: &Row<'_>| row.get::<_, String>(0);
    let mode = database.pragma_update_and_check(None, "journal_mode", "wal", mode)?;
    let has_log = mode.eq_ignore_ascii_case("wal");
    let waiting = if has_log { "NORMAL" } else { "FULL" };
    database.pragma_update(None, "synchronous", waiting)?;
    let pages = |row: &Row<'_>| row.get::<_, i64>(0);
    database.pragma_update_and_check(None, "wal_autocheckpoint", PAGES, pages)?;
    Ok(has_log)
}

impl Log {
    /// That of a database which was read, so that it is there.
    pub fn of(database: &Path) -> Log {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        Log(Arc::new(Files {
            database: database.to_owned(),
            file: OpenOptions::new().read(true).write(true).open(&log),
            log,
            is_named: AtomicBool::new(false),
            is_begun: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            commits: AtomicU32::new(0),
        }))
    }

    /// Begins the log before anything else is written into it: SQLite waits for the
    /// disk with the first of all commits.
    ///
    /// # Errors
    /// `internal` where the disk has failed to take something.
    pub async fn begin(&self) -> Outcome<()> {
        if self.0.is_broken.load(Ordering::Relaxed) {
            return Err(broken().into());
        }
        if !self.0.is_begun.swap(true, Ordering::Relaxed) {
            let files = Arc::clone(&self.0);
            let begun = spawn_blocking(move || files.begin()).await;
            return self.unless_broken(begun);
        }
        Ok(())
    }

    /// Waits until the disk has what was committed.
    ///
    /// # Errors
    /// `internal`: it may be lost with the power, so nothing may rest on it.
    pub async fn reach_disk(&self) -> Outcome<()> {
        let files = Arc::clone(&self.0);
        let synced = spawn_blocking(move || files.sync()).await;
        self.unless_broken(synced)
    }

    /// What the disk did not take, the system holds for written: it would be a gap in a
    /// log that goes on.
    fn unless_broken(&self, done: Result<io::Result<()>, JoinError>) -> Outcome<()> {
        let Ok(done) = done else {
            return Err(interrupted().into());
        };
        done.map_err(|error| {
            self.0.is_broken.store(true, Ordering::Relaxed);
            Error::internal(
                format!("what was written may not have reached the disk: {error}"),
                broken().hint(),
            )
            .into()
        })
    }

    /// Whether others find it where it was.
    pub fn is_in_place(&self) -> bool {
        self.0.in_place().is_ok()
    }

    /// Counts a commit, and carries the log over after some of them.
    pub fn count_commit(&self) {
        if self.0.commits.fetch_add(1, Ordering::Relaxed) < COMMITS {
            return;
        }
        self.0.commits.store(0, Ordering::Relaxed);
        let files = Arc::clone(&self.0);
        // Where it does not succeed, the log is longer until the next time.
        drop(spawn_blocking(move || files.carry_over()));
    }
}

impl Files {
    fn sync(&self) -> io::Result<()> {
        self.in_place()?.sync_data()?;
        if !self.is_named.load(Ordering::Relaxed) {
            self.sync_folder()?;
            self.is_named.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The log, where it is still what others find. While the database is open, nobody
    /// has a reason to remove it: what SQLite goes on writing would be lost, and another
    /// connection would write into a log that it does not know.
    fn in_place(&self) -> io::Result<&File> {
        let file = match &self.file {
            Ok(file) => file,
            Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
        };
        if is_at(file, &self.log)? {
            return Ok(file);
        }
        Err(io::Error::other(format!(
            "{} was removed or replaced while this program ran",
            self.log.display()
        )))
    }

    #[cfg(unix)]
    fn sync_folder(&self) -> io::Result<()> {
        match self.log.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn carry_over(&self) -> Outcome<()> {
        if self.in_place().is_err() {
            return Ok(());
        }
        let database = connect(&self.database, FOR_OTHERS)?;
        // Nearly all of it while others go on; and the rest while they wait, asleep: where
        // the log grew meanwhile, it could not be begun anew.
        for how in ["PASSIVE", "RESTART"] {
            let sql = format!("PRAGMA wal_checkpoint({how})");
            let _: i64 = database.query_row(&sql, [], |row| row.get(0))?;
        }
        drop(database);
        self.write_nothing()
    }

    fn begin(&self) -> io::Result<()> {
        self.in_place()?;
        // What keeps it from that, the commit itself tells.
        let _ = self.write_nothing();
        Ok(())
    }

    /// Writes something that changes nothing.
    fn write_nothing(&self) -> Outcome<()> {
        let mut database = connect(&self.database, FOR_OTHERS)?;
        let write = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = value(&write, "PRAGMA user_version", [])?;
        write.pragma_update(None, "user_version", version)?;
        Ok(write.commit()?)
    }
}

/// Whether that name leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (file, there) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((file.dev(), file.ino()) == (there.dev(), there.ino()))
}

/// Whether that name leads to a file: it cannot be removed while it is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    Ok(path.exists())
}

pub(super) fn interrupted() -> Error {
    Error::internal(
        "a thread that works on the state store broke off",
        "Start the program again; if it persists, please report this as a bug.",
    )
}

fn broken() -> Error {
    Error::internal(
        "something that was written did not reach the disk, so nothing more is written",
        format!(
            "Check the state folder and its disk ({}), and start the program again.",
            command_line("doctor")
        ),
    )
}

/// Closes a connection. The last one to a file carries the log over, which takes
/// as long as the disk does: the program does not wait for that for ever. What is
/// in the log is there all the same.
pub(super) fn close(connection: Connection) {
    let (closed, is_closed) = mpsc::channel();
    let closing = std::thread::Builder::new().spawn(move || {
        drop(connection);
        let _ = closed.send(());
    });
    if closing.is_ok() {
        let _ = is_closed.recv_timeout(AT_THE_END);
    }
}
