//! Writing this program into the settings of MCP clients, and taking it out
//! again. Only our entry is touched; everything else in a client's file stays as
//! it is, to the byte where its form allows it.

mod clients;
mod diff;
mod entry;
mod file;
mod json;
mod toml;

use std::path::PathBuf;

use crate::config::Lookup;
pub use clients::{Client, Platform};
pub use entry::{Entry, edited};
use skyswitch_domain::error::{Code, Error, Result};

/// Where files are looked for.
pub struct Surroundings<'a> {
    /// The system.
    pub platform: Platform,
    /// The person's home folder.
    pub home: PathBuf,
    /// Variables with which a client's folder is moved elsewhere.
    pub variables: Lookup<'a>,
}

/// What is to become of our entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It starts this program.
    Present,
    /// It is gone.
    Absent,
}

/// What would be written into a client's file.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The client.
    pub client: Client,
    /// Its file.
    pub file: PathBuf,
    /// The file as it was read; `None` where there is none.
    before: Option<String>,
    after: String,
    entry: Entry,
}

impl Plan {
    /// Reads a client's file and plans the one edit.
    ///
    /// # Errors
    /// `invalid_argument` for a file that cannot be read or understood, or in
    /// which somebody else's server has our name; it is not touched.
    pub fn new(
        client: Client,
        entry: Entry,
        wanted: Wanted,
        surroundings: &Surroundings,
    ) -> Result<Plan> {
        let file = client.file(surroundings);
        let before = file::read(&file)?;
        let refused = |reason: String| {
            Error::invalid(
                "client",
                format!("{} cannot be edited: {reason}", file.display()),
                "Nothing was changed. Repair the file, or run the command with `--print` and paste the entry yourself.",
            )
        };
        let text = before.clone().unwrap_or_default();
        let after = edited(&text, client, &entry, wanted).map_err(refused)?;
        let again = edited(&after, client, &entry, wanted);
        if again.as_ref() != Ok(&after) {
            return Err(Error::internal(
                format!(
                    "the edit of {} does not give the same again",
                    file.display()
                ),
                "Nothing was changed. Please report this as a bug, and paste the entry from `--print` yourself.",
            ));
        }
        Ok(Plan {
            client,
            file,
            before,
            after,
            entry,
        })
    }

    /// Whether the file is as wanted already.
    pub fn is_done(&self) -> bool {
        self.before.as_deref().unwrap_or_default() == self.after
    }

    /// Whether the file would be created.
    pub fn creates_file(&self) -> bool {
        self.before.is_none()
    }

    /// Whether our entry has other arguments than a new one would, which stay.
    pub fn keeps_arguments(&self) -> bool {
        let said = entry::arguments(&self.after, self.client, &self.entry);
        said.is_some_and(|said| said != self.entry.arguments)
    }

    /// The lines that change. Values that are not ours are left out, since they
    /// may be the secrets of other servers.
    pub fn diff(&self) -> String {
        let before = self.before.as_deref().unwrap_or_default();
        diff::of(before, &self.after, &|value| self.entry.says(value))
    }

    /// Writes the file in one step and keeps the one before beside it.
    ///
    /// # Errors
    /// `confirmation_stale` where the file changed since it was read,
    /// `invalid_argument` where it cannot be written.
    pub fn carry_out(&self) -> Result<Option<PathBuf>> {
        if file::read(&self.file)? != self.before {
            return Err(Error::new(
                Code::ConfirmationStale,
                format!(
                    "{} changed after it was read, so nothing was written",
                    self.file.display()
                ),
                format!(
                    "Close {} and run the command again.",
                    self.client.row().title
                ),
            ));
        }
        file::replace(&self.file, self.before.as_deref(), &self.after)
    }
}

/// What a client's file says of our entry, in one word.
pub fn state(client: Client, entry: &Entry, surroundings: &Surroundings) -> &'static str {
    let plan = |wanted| Plan::new(client, entry.clone(), wanted, surroundings);
    match (plan(Wanted::Absent), plan(Wanted::Present)) {
        (Ok(absent), Ok(_)) if absent.creates_file() => "no_file",
        (Ok(absent), Ok(_)) if absent.is_done() => "not_installed",
        (Ok(_), Ok(present)) if present.is_done() => "installed",
        (Ok(_), Ok(_)) => "outdated",
        _ => "unusable",
    }
}

/// What a person pastes into a client's file where this program does not write it.
pub fn snippet(client: Client, entry: &Entry) -> String {
    edited("", client, entry, Wanted::Present).unwrap_or_default()
}
