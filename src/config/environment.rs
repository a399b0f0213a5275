//! Settings that a variable gives, or else a field of the config file: that of
//! `rate_limit` is `SKYSWITCH_RATE_LIMIT`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{not_known, safety_field};
use super::origin::{Origin, OriginKind};
use super::place::as_shown;
use super::{Lookup, refuse_unexpanded, unusable};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;

/// Seconds that a call waits for a person; what is left of a minute is for the change.
const DEFAULT_WAIT: f64 = 45.0;
/// Seconds that it waits at most.
const LONGEST_WAIT: f64 = 55.0;

/// The variables that say something to this program. They stay the same for as
/// long as it runs, unlike the config file.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads those that are known.
    pub fn read(lookup: Lookup<'_>) -> Variables {
        let others =
            ["HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME"].map(str::to_owned);
        let names = KNOWN.iter().map(|field| variable_of(field)).chain(others);
        Variables(
            names
                .filter_map(|name| Some((lookup(&name)?, name)))
                .map(|(value, name)| (name, value))
                .collect(),
        )
    }
}

/// The variables of the process, beside a config file; a blank one counts as not set.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub variables: &'a Variables,
    /// Whether the fields of the file go before the variables.
    pub file_goes_first: bool,
    /// The config file, for saying where a value comes from.
    pub file: &'a Path,
}

impl Environment<'_> {
    /// Whether a field can be set by a variable.
    pub fn knows(field: &str) -> bool {
        KNOWN.contains(&field)
    }

    pub fn variable(self, name: &str) -> Option<String> {
        let value = self.variables.0.get(name).cloned();
        value.filter(|value| !value.trim().is_empty())
    }

    /// Whether a variable is there, be it empty.
    pub fn is_named(self, name: &str) -> bool {
        self.variables.0.contains_key(name)
    }

    /// The origin of a field of the file.
    pub fn in_file(self, field: &str) -> Origin {
        Origin {
            from: OriginKind::ConfigFile,
            name: field.to_owned(),
            file: Some(as_shown(&self.file.display().to_string())),
        }
    }

    /// The variable of a field, unless the file goes before it.
    pub fn exported(self, field: &str, is_stored: bool) -> Option<String> {
        let is_hidden = self.file_goes_first && is_stored;
        self.variable(&variable_of(field)).filter(|_| !is_hidden)
    }

    /// A text, with `${...}` refused.
    pub fn text(self, field: &str, stored: &Option<String>) -> Result<Option<String>> {
        let stored = stored.clone().filter(|text| !text.trim().is_empty());
        let text = self.exported(field, stored.is_some()).or(stored);
        refuse_unexpanded(text.as_deref().unwrap_or_default(), &variable_of(field))?;
        Ok(text)
    }

    /// A switch, off where neither says anything.
    pub fn switch(self, field: &str, stored: Option<bool>) -> Result<bool> {
        let name = variable_of(field);
        let Some(word) = self.exported(field, stored.is_some()) else {
            return Ok(stored.unwrap_or(false));
        };
        match word.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(unusable(
                &name,
                "is neither true nor false",
                "Give `1` or `0`.",
            )),
        }
    }

    /// Requests a second.
    pub fn rate(self, field: &str, stored: Option<f64>, default: f64) -> Result<f64> {
        let (setting, rate) = match self.exported(field, stored.is_some()) {
            Some(text) => (variable_of(field), text.trim().parse().ok()),
            None => (field.to_owned(), Some(stored.unwrap_or(default))),
        };
        match rate {
            Some(rate) if rate == 0.0 || (0.01..=10_000.0).contains(&rate) => Ok(rate),
            _ => Err(unusable(
                &setting,
                "is not a rate",
                "Give requests a second between 0.01 and 10000, or 0 for no limit.",
            )),
        }
    }

    /// How long a call waits for a person.
    pub fn wait(self, field: &str, stored: Option<f64>) -> Result<Duration> {
        let (setting, seconds) = match self.exported(field, stored.is_some()) {
            Some(text) => (variable_of(field), text.trim().parse().ok()),
            None => (field.to_owned(), Some(stored.unwrap_or(DEFAULT_WAIT))),
        };
        match seconds {
            Some(seconds) if (0.0..=LONGEST_WAIT).contains(&seconds) => {
                Ok(Duration::from_secs_f64(seconds))
            }
            _ => Err(unusable(
                &setting,
                "is not a time to wait",
                "Give seconds from 0, which means not to wait, to 55: the usual client gives a call up after 60.",
            )),
        }
    }

    /// The state folder; empty or relative, and then refused where it is needed,
    /// where no place of its own is named.
    pub fn state_dir(self) -> PathBuf {
        let named = |name: &str| self.variable(name).map(PathBuf::from);
        let base = named("XDG_STATE_HOME").map(|base| base.join("skyswitch"));
        named("SKYSWITCH_STATE_DIR")
            .or(base)
            .or_else(|| self.xdg("XDG_STATE_HOME", ".local/state"))
            .unwrap_or_default()
    }

    /// Our folder below an XDG base folder, or below its default in HOME.
    pub fn xdg(self, base: &str, default: &str) -> Option<PathBuf> {
        let base = match self
            .variable(base)
            .filter(|path| Path::new(path).is_absolute())
        {
            Some(base) => PathBuf::from(base),
            None => super::home(&|name| self.variable(name))?.join(default),
        };
        Some(base.join("skyswitch"))
    }
}

/// What the names of our variables begin with.
const PREFIX: &str = "SKYSWITCH_";

/// What follows in them, in small letters.
const KNOWN: &[&str] = &[
    "account_id",
    "allow_yes",
    "approval_wait",
    "base_url",
    "client_id",
    "client_secret",
    "client_secret_command",
    "client_secret_file",
    "config",
    "confirm",
    "empty_object_is_empty_list",
    "list_files",
    "log",
    "not_found_is_empty_list",
    "password",
    "password_command",
    "password_file",
    "pbx_api",
    "pbx_api_key",
    "pbx_api_key_command",
    "pbx_api_key_file",
    "pbx_base_url",
    "pbx_client_id",
    "pbx_client_secret",
    "pbx_client_secret_command",
    "pbx_client_secret_file",
    "pbx_password",
    "pbx_password_command",
    "pbx_password_file",
    "pbx_rate_limit",
    "pbx_username",
    "profile",
    "rate_limit",
    "read_only",
    "scope",
    "state_dir",
    "username",
];

/// The variable of a field.
pub(super) fn variable_of(field: &str) -> String {
    format!("{PREFIX}{}", field.to_ascii_uppercase())
}

/// Warnings of variables that look like ours and are not known.
///
/// # Errors
/// `not_configured` for one that may be meant to keep something from being changed.
pub(super) fn refuse_unknown(variables: impl Iterator<Item = String>) -> Result<Vec<String>> {
    let ours = variables.filter(|name| name.starts_with(PREFIX));
    let unknown = ours.filter(|name| !KNOWN.iter().any(|known| *name == variable_of(known)));
    let warning = |name: String| match safety_field(&name[PREFIX.len()..]) {
        Some(meant) => Err(not_known(
            &format!("the variable {}", shown(&name, 60)),
            meant,
        )),
        None => Ok(format!(
            "the variable {} is not known and has no effect",
            shown(&name, 60)
        )),
    };
    unknown.map(warning).collect()
}
