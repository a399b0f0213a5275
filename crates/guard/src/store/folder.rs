//! The state folder (0700) and the private files in it (0600).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::trust::{Identity, Kind, refuse_relative, refuse_untrusted};
use skyswitch_domain::error::{Error, Result};

/// How long another process may hold a lock before we give up on it.
const LOCK_PATIENCE: Duration = Duration::from_secs(40);

/// The folder that holds what must outlive a process. Nothing is created
/// before something is first written.
#[derive(Debug, Clone)]
pub struct StateFolder {
    path: PathBuf,
}

/// An exclusive lock between processes; released when dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "held for its lock")] File);

impl StateFolder {
    /// Names the folder without touching the disk.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        StateFolder { path: path.into() }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder, readable for its owner only.
    ///
    /// # Errors
    /// `internal`, with the path and the cause.
    pub fn create(&self) -> Result<()> {
        refuse_relative(&self.path)?;
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) => refuse_untrusted(&self.path, &found, Kind::Folder)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut builder = DirBuilder::new();
                builder.recursive(true);
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                builder.create(&self.path).map_err(|e| self.failed(&e))?;
            }
            Err(error) => return Err(self.failed(&error)),
        }
        // An existing folder keeps its own mode; ours must not be open to others.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&self.path)
                .map_err(|e| self.failed(&e))?
                .permissions()
                .mode();
            if mode & 0o077 != 0 {
                std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o700))
                    .map_err(|e| self.failed(&e))?;
            }
        }
        Ok(())
    }

    /// Reads a file of the folder; `None` where there is none.
    ///
    /// # Errors
    /// `internal` where it cannot be read, or somebody else could have put it there.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        refuse_relative(&self.path)?;
        self.refuse_untrusted(name, Kind::SmallFile)?;
        match std::fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Replaces a file in one step: other processes see the old content or the
    /// new, never half of it. The file is private from the moment it exists.
    /// It is not forced to disk: after a power failure it may be damaged.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<()> {
        let persist = || -> io::Result<()> {
            // tempfile creates with mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            file.persist(self.path.join(name))?;
            Ok(())
        };
        self.create()?;
        persist().map_err(|e| self.failed(&e))
    }

    /// Writes a file unless it exists; says what it then holds.
    pub fn create_once(&self, name: &str, content: &[u8]) -> Result<Vec<u8>> {
        self.create()?;
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(self.path.join(name)) {
                Ok(_) => Ok(()),
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error.error),
            }
        };
        write().map_err(|e| self.failed(&e))?;
        // Whoever was first decides; both read the same file afterwards.
        self.read(name)?
            .ok_or_else(|| self.failed(&ErrorKind::NotFound.into()))
    }

    /// Makes sure a private, possibly empty file exists, and returns its path.
    pub fn private_file(&self, name: &str) -> Result<PathBuf> {
        self.create()?;
        self.open_private(name)?;
        Ok(self.path.join(name))
    }

    /// Refuses a file of the folder that somebody else could have put there.
    pub(super) fn refuse_untrusted(&self, name: &str, kind: Kind) -> Result<()> {
        let path = self.path.join(name);
        match std::fs::symlink_metadata(&path) {
            Ok(found) => refuse_untrusted(&path, &found, kind),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// What tells the folder and a file in it from others that take their
    /// place; `None` where one of them is not there.
    pub(super) fn identity(&self, name: &str) -> Option<Identity> {
        let folder = std::fs::metadata(&self.path).ok()?;
        let file = std::fs::metadata(self.path.join(name)).ok()?;
        Some(Identity::of(&folder, &file))
    }

    /// Finds out whether private files can be made here.
    ///
    /// # Errors
    /// `internal`, with the path and the cause.
    pub fn probe(&self) -> Result<()> {
        self.create()?;
        // Removed again as soon as it is dropped.
        tempfile::NamedTempFile::new_in(&self.path)
            .map(drop)
            .map_err(|e| self.failed(&e))
    }

    /// Takes the lock of that name if nobody holds it.
    pub fn try_lock(&self, name: &str) -> Result<Option<FileLock>> {
        self.create()?;
        let file = self.open_private(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.failed(&error)),
        }
    }

    /// Whether there is a file of that name.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    /// Whether the file of that name is one, and holds nothing.
    pub(super) fn is_empty_file(&self, name: &str) -> bool {
        let found = std::fs::symlink_metadata(self.path.join(name));
        found.is_ok_and(|found| found.is_file() && found.len() == 0)
    }

    /// Removes lock files that nobody holds: processes that were killed leave
    /// theirs behind. One that was made just now may be about to be locked.
    pub fn sweep(&self, prefix: &str) {
        const SETTLED: Duration = Duration::from_secs(60);
        let Ok(entries) = std::fs::read_dir(&self.path) else {
            return;
        };
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                continue;
            };
            let age = entry.metadata().and_then(|data| data.modified());
            let age = age.ok().and_then(|moment| moment.elapsed().ok());
            if name.starts_with(prefix)
                && name.ends_with(".lock")
                && age.is_some_and(|age| age > SETTLED)
                && let Ok(Some(_lock)) = self.try_lock(name)
            {
                self.remove(name);
            }
        }
    }

    /// Removes the files whose names begin and end so, and says how many there were.
    ///
    /// # Errors
    /// `internal`, with the path and the cause.
    pub fn remove_all(&self, prefix: &str, suffix: &str) -> Result<usize> {
        refuse_relative(&self.path)?;
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(self.failed(&error)),
        };
        let mut removed = 0;
        for entry in entries {
            let name = entry.map_err(|e| self.failed(&e))?.file_name();
            let is_meant = |name: &str| name.starts_with(prefix) && name.ends_with(suffix);
            if name.to_str().is_some_and(is_meant) {
                std::fs::remove_file(self.path.join(&name)).map_err(|e| self.failed(&e))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) {
        // One that stays is swept later.
        let _ = std::fs::remove_file(self.path.join(name));
    }

    /// Takes the lock of that name, waiting for other processes as long as it takes.
    pub async fn lock_in_turn(&self, name: &str) -> Result<FileLock> {
        loop {
            if let Some(lock) = self.try_lock(name)? {
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Takes the lock of that name, waiting for other processes.
    pub async fn lock(&self, name: &str) -> Result<FileLock> {
        self.create()?;
        let file = self.open_private(name)?;
        let started = Instant::now();
        // Polling keeps the wait cancellable; a blocking lock would pin a thread.
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(FileLock(file)),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::internal(
                        format!(
                            "another process has held the lock `{name}` in {} for {} seconds",
                            self.path.display(),
                            LOCK_PATIENCE.as_secs()
                        ),
                        "Stop the other skyswitch process, or set SKYSWITCH_STATE_DIR to another folder.",
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
            }
        }
    }

    fn open_private(&self, name: &str) -> Result<File> {
        self.refuse_untrusted(name, Kind::File)?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(self.path.join(name));
        opened.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::internal(
            format!(
                "the state folder {} cannot be used: {error}",
                self.path.display()
            ),
            "Make the folder writable, or set SKYSWITCH_STATE_DIR to one that is.",
        )
        .with_field("SKYSWITCH_STATE_DIR")
    }
}
