//! Data that outlive the process: one file that several sandboxes may share.
//!
//! Only what customers hold is kept. Habits, faults, tokens and lags belong to a process.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::tenant::Tenant;
use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::stored::{StoredDomain, StoredRoute};

const FILE: &str = "data.json";
const LOCK: &str = "data.lock";

/// What is written of a tenant.
#[derive(Serialize, Deserialize)]
struct Data<'a> {
    domains: Cow<'a, [StoredDomain]>,
    routes: Cow<'a, [StoredRoute]>,
    subscribers: Cow<'a, [StoredSubscriber]>,
    numbers: Cow<'a, [StoredNumber]>,
    dial_rules: Cow<'a, [StoredDialRule]>,
    retired_domains: Cow<'a, [String]>,
}

impl Data<'_> {
    fn of(tenant: &Tenant) -> Data<'_> {
        Data {
            domains: Cow::from(&tenant.domains),
            routes: Cow::from(&tenant.routes),
            subscribers: Cow::from(&tenant.subscribers),
            numbers: Cow::from(&tenant.numbers),
            dial_rules: Cow::from(&tenant.dial_rules),
            retired_domains: Cow::from(&tenant.retired_domains),
        }
    }

    fn put_into(self, tenant: &mut Tenant) {
        tenant.domains = self.domains.into_owned();
        tenant.routes = self.routes.into_owned();
        tenant.subscribers = self.subscribers.into_owned();
        tenant.numbers = self.numbers.into_owned();
        tenant.dial_rules = self.dial_rules.into_owned();
        tenant.retired_domains = self.retired_domains.into_owned();
    }
}

/// The file, and what it held when it was last looked at.
pub(crate) struct Kept {
    folder: PathBuf,
    /// Held for a whole change, so that no process overwrites what another has just written.
    lock: File,
    seen: Vec<u8>,
    trouble: Option<io::Error>,
}

impl Kept {
    /// Opens the file of an existing folder, or makes it of `tenant`, which is given the data.
    /// Says where a damaged file was put.
    pub fn open(folder: &Path, tenant: &mut Tenant) -> io::Result<(Kept, Option<PathBuf>)> {
        let mut kept = Kept {
            folder: folder.to_owned(),
            lock: private().truncate(false).open(folder.join(LOCK))?,
            seen: Vec::new(),
            trouble: None,
        };
        kept.lock.lock()?;
        let opened = kept.load_or_make(tenant);
        kept.lock.unlock()?;
        Ok((kept, opened?))
    }

    fn load_or_make(&mut self, tenant: &mut Tenant) -> io::Result<Option<PathBuf>> {
        let file = self.folder.join(FILE);
        let damaged = match std::fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
            Ok(bytes) => match serde_json::from_slice::<Data>(&bytes) {
                Ok(data) => {
                    data.put_into(tenant);
                    self.seen = bytes;
                    return Ok(None);
                }
                Err(_) => {
                    let aside = self.unused_name();
                    std::fs::rename(&file, &aside)?;
                    Some(aside)
                }
            },
        };
        self.write(tenant)?;
        Ok(damaged)
    }

    /// A name beside the file that nothing has yet.
    fn unused_name(&self) -> PathBuf {
        let names = (1_u32..).map(|number| self.folder.join(format!("{FILE}.damaged-{number}")));
        let mut unused = names.filter(|name| !name.exists());
        unused.next().unwrap_or_else(|| self.folder.join("damaged"))
    }

    /// Gives `tenant` what another process has written meanwhile; true where there was something.
    pub fn refresh(&mut self, tenant: &mut Tenant) -> bool {
        let Ok(bytes) = std::fs::read(self.folder.join(FILE)) else {
            return false;
        };
        if bytes == self.seen {
            return false;
        }
        // What cannot be read is replaced by the next change.
        let Ok(data) = serde_json::from_slice::<Data>(&bytes) else {
            return false;
        };
        data.put_into(tenant);
        self.seen = bytes;
        true
    }

    /// Keeps other processes out until [`Kept::end_change`].
    pub fn begin_change(&mut self) {
        let locked = self.lock.lock();
        self.note(locked);
    }

    /// Writes what there is now, and lets other processes in.
    pub fn end_change(&mut self, tenant: &Tenant) {
        let written = self.write(tenant);
        self.note(written);
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
    fn write(&mut self, tenant: &Tenant) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Data::of(tenant))?;
        if bytes == self.seen {
            return Ok(());
        }
        let new = self.folder.join("data.json.new");
        private().truncate(true).open(&new)?.write_all(&bytes)?;
        std::fs::rename(&new, self.folder.join(FILE))?;
        self.seen = bytes;
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
