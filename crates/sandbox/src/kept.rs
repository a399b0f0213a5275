//! Data that outlive the process: one file that several sandboxes may share.
//!
//! Only what customers hold is kept. Habits, faults, tokens and lags belong to a process.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::tenant::customers::Customers;

const FILE: &str = "data.json";
const LOCK: &str = "data.lock";

/// The file, and what it held when it was last looked at.
pub(crate) struct Kept {
    folder: PathBuf,
    /// Held for a whole change, so that no process overwrites what another has just written.
    lock: File,
    seen: Vec<u8>,
    /// How often something had been changed then.
    seen_at: u64,
    trouble: Option<io::Error>,
}

impl Kept {
    /// Opens the file of an existing folder and gives the data that it holds, or makes it of
    /// `new`. Says where a damaged file was put.
    pub fn open(folder: &Path, new: Customers) -> io::Result<(Kept, Customers, Option<PathBuf>)> {
        let mut kept = Kept {
            folder: folder.to_owned(),
            lock: private().truncate(false).open(folder.join(LOCK))?,
            seen: Vec::new(),
            seen_at: 0,
            trouble: None,
        };
        kept.lock.lock()?;
        let opened = kept.load_or_make(new);
        kept.lock.unlock()?;
        let (customers, damaged) = opened?;
        Ok((kept, customers, damaged))
    }

    fn load_or_make(&mut self, new: Customers) -> io::Result<(Customers, Option<PathBuf>)> {
        let file = self.folder.join(FILE);
        let damaged = match std::fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
            Ok(bytes) => match serde_json::from_slice::<Customers>(&bytes) {
                Ok(customers) => {
                    self.remember(bytes, &customers);
                    return Ok((customers, None));
                }
                Err(_) => {
                    let aside = self.unused_name();
                    std::fs::rename(&file, &aside)?;
                    Some(aside)
                }
            },
        };
        self.write(&new)?;
        Ok((new, damaged))
    }

    /// A name beside the file that nothing has yet.
    fn unused_name(&self) -> PathBuf {
        let names = (1_u32..).map(|number| self.folder.join(format!("{FILE}.damaged-{number}")));
        let mut unused = names.filter(|name| !name.exists());
        unused.next().unwrap_or_else(|| self.folder.join("damaged"))
    }

    /// What another process has written meanwhile, where there is something.
    pub fn refresh(&mut self) -> Option<Customers> {
        let bytes = std::fs::read(self.folder.join(FILE)).ok()?;
        if bytes == self.seen {
            return None;
        }
        // What cannot be read is replaced by the next change.
        let customers = serde_json::from_slice(&bytes).ok()?;
        self.remember(bytes, &customers);
        Some(customers)
    }

    fn remember(&mut self, bytes: Vec<u8>, customers: &Customers) {
        self.seen = bytes;
        self.seen_at = customers.changes();
    }

    /// Keeps other processes out until [`Kept::end_change`].
    pub fn begin_change(&mut self) {
        let locked = self.lock.lock();
        self.note(locked);
    }

    /// Writes what there is now, unless nothing was changed, and lets other processes in.
    pub fn end_change(&mut self, customers: &Customers) {
        if customers.changes() != self.seen_at {
            let written = self.write(customers);
            self.note(written);
        }
        let unlocked = self.lock.unlock();
        self.note(unlocked);
    }

    /// Why data could not be kept, the first time that happened.
    pub fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    fn note(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.trouble.get_or_insert(error);
        }
    }

    /// Replaces the file in one step, so that a reader needs no lock.
    fn write(&mut self, customers: &Customers) -> io::Result<()> {
        let bytes = serde_json::to_vec(customers)?;
        let new = self.folder.join("data.json.new");
        private().truncate(true).open(&new)?.write_all(&bytes)?;
        std::fs::rename(&new, self.folder.join(FILE))?;
        self.remember(bytes, customers);
        Ok(())
    }
}

/// Opens files for their owner only, and makes those that do not exist.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
