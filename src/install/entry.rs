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
/// this program's is not, or is another program, as also one is whose command is
/// no text: it is not ours to change.
pub(super) fn refuse_another(
    entry: &Entry,
    has: impl Fn(&str) -> bool,
    command: Option<&str>,
) -> Result<(), String> {
    let name = &entry.name;
    if ["url", "serverUrl", "httpUrl"].into_iter().any(&has) {
        return Err(format!(
            "its server `{name}` is another one, which is reached at an address"
        ));
    }
    let is_ours = match command {
        Some(command) => entry.is_started_by(command),
        None => !has("command"),
    };
    match is_ours {
        true => Ok(()),
        // The command itself is not repeated: it may be a line with secrets in it.
        false => Err(format!(
            "its server `{name}` is another one, which starts another program"
        )),
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

    /// The same for one profile.
    pub fn with_profile(mut self, profile: Option<&str>) -> Entry {
        if let Some(profile) = profile {
            self.arguments.push("--profile".to_owned());
            self.arguments.push(profile.to_owned());
        }
        self
    }

    /// Whether a command starts this program, here or at another place. A file may
    /// come from another system, so both kinds of slashes part a path.
    fn is_started_by(&self, command: &str) -> bool {
        let file = command.rsplit(['/', '\\']).next().unwrap_or_default();
        command == self.command
            || ["skyswitch", "skyswitch.exe"]
                .iter()
                .any(|name| file.eq_ignore_ascii_case(name))
    }

    /// The arguments to write over those of an entry that there is; `None` where
    /// its own stay, which a person may have made narrower with `--read-only`.
    pub(super) fn arguments_instead_of(
        &self,
        said: Option<&[Option<&str>]>,
    ) -> Option<Vec<String>> {
        let Some(said) = said.filter(|said| said.contains(&Some("mcp"))) else {
            return Some(self.arguments.clone());
        };
        // Without this one the sandbox's entry would work on the real service.
        let needs_sandbox = self.arguments.iter().any(|one| one == "--sandbox");
        let has_sandbox = said
            .iter()
            .flatten()
            .any(|one| one.starts_with("--sandbox"));
        if !needs_sandbox || has_sandbox {
            return None;
        }
        let kept = said.iter().flatten().map(|one| (*one).to_owned());
        Some(kept.chain(["--sandbox".to_owned()]).collect())
    }

    /// Whether a value in a file may be shown: this program wrote it, or it is a flag.
    pub(super) fn says(&self, value: &str) -> bool {
        let program = |name: &str| value.ends_with(name);
        // What follows `=` may be the secret of another server, unless the flag is ours.
        let flag = value.strip_prefix("--");
        let is_name = |flag: &str| flag.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let is_ours = |flag: &str| {
            ["sandbox=", "config=", "profile=", "tools=", "confirm="]
                .into_iter()
                .any(|start| flag.starts_with(start))
        };
        if flag.is_some_and(|flag| is_name(flag) || is_ours(flag)) {
            return true;
        }
        value == self.command
            || value == self.name
            || self.arguments.iter().any(|argument| argument == value)
            || ["mcp", "--sandbox", "stdio", "custom"].contains(&value)
            || ["/skyswitch", "\\skyswitch.exe"].into_iter().any(program)
    }

    /// The fields that say how the server is started.
    fn start(&self) -> [(&'static str, Value); 2] {
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
        (Language::Json, Wanted::Absent) => json::without(text, &row, entry),
        (Language::Toml, Wanted::Present) => toml::with(text, &row, entry),
        (Language::Toml, Wanted::Absent) => toml::without(text, &row, entry),
    }
}

/// The arguments of our entry in the text of a client's file.
pub(super) fn arguments(text: &str, client: Client, entry: &Entry) -> Option<Vec<String>> {
    let row = client.row();
    match row.language {
        Language::Json => json::arguments(text, &row, &entry.name),
        Language::Toml => toml::arguments(text, &row, &entry.name),
    }
}
