//! Our entry: how the program is started, and the edit that puts it into a file.

use std::path::Path;

use serde_json::{Value, json};

use super::clients::{Client, Language, Row};
use super::{Wanted, json, toml};

/// A server in a client's file. It holds no credentials: the program reads its
/// own settings when it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The server's name in the client.
    pub name: String,
    /// The program, with its full path: a graphical client may not have the
    /// person's PATH.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Refuses an entry with our name whose server is reached over the network, which
/// this program's is not.
pub(super) fn refuse_another(name: &str, has: impl Fn(&str) -> bool) -> Result<(), String> {
    match ["url", "serverUrl", "httpUrl"].into_iter().any(has) {
        true => Err(format!(
            "its server `{name}` is another one, which is reached at an address"
        )),
        false => Ok(()),
    }
}

impl Entry {
    /// The server of this program on the real service or the embedded sandbox,
    /// with a config file that is not at its usual place.
    pub fn new(command: String, sandbox: bool, config: Option<&Path>) -> Entry {
        // Each of the two has its own name, so that a person can have both.
        let name = if sandbox {
            "skyswitch-sandbox"
        } else {
            "skyswitch"
        };
        let mut arguments = vec!["mcp".to_owned()];
        if sandbox {
            arguments.push("--sandbox".to_owned());
        }
        if let Some(config) = config {
            arguments.push("--config".to_owned());
            arguments.push(config.display().to_string());
        }
        Entry {
            name: name.to_owned(),
            command,
            arguments,
        }
    }

    /// Whether a value in a file is one that this program wrote.
    pub(super) fn says(&self, value: &str) -> bool {
        let program = |name: &str| value.ends_with(name);
        value == self.command
            || value == self.name
            || self.arguments.iter().any(|argument| argument == value)
            || ["mcp", "--sandbox", "stdio", "custom"].contains(&value)
            || ["/skyswitch", "\\skyswitch.exe"].into_iter().any(program)
    }

    /// The fields that say how the server is started.
    pub(super) fn start(&self) -> [(&'static str, Value); 2] {
        [
            ("command", json!(self.command)),
            ("args", json!(self.arguments)),
        ]
    }

    /// All fields of an entry that did not exist before.
    pub(super) fn fields(&self, row: &Row) -> Vec<(&'static str, Value)> {
        let kind = row.kind.map(|(field, kind)| (field, json!(kind)));
        kind.into_iter().chain(self.start()).collect()
    }
}

/// The text of a client's file after the edit.
///
/// # Errors
/// Why the text cannot be edited: it is not understood, or another server has our name.
pub fn edited(text: &str, client: Client, entry: &Entry, wanted: Wanted) -> Result<String, String> {
    let row = client.row();
    match (row.language, wanted) {
        (Language::Json, Wanted::Present) => json::with(text, &row, entry),
        (Language::Json, Wanted::Absent) => json::without(text, &row, &entry.name),
        (Language::Toml, Wanted::Present) => toml::with(text, &row, entry),
        (Language::Toml, Wanted::Absent) => toml::without(text, &row, &entry.name),
    }
}
