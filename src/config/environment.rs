//! Settings that a variable gives, or else a field of the config file: that of
//! `rate_limit` is `SKYSWITCH_RATE_LIMIT`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{not_known, safety_field};
use super::{Credentials, Lookup, refuse_unexpanded, unusable};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::{Secret, shown};

/// Seconds that a call waits for a person; what is left of a minute is for the change.
const DEFAULT_WAIT: f64 = 45.0;
/// Seconds that it waits at most.
const LONGEST_WAIT: f64 = 55.0;

/// The one part of a login that may be set to nothing.
const MAY_BE_EMPTY: &str = "pbx_client_secret";

/// The variables of the process; a blank one counts as not set.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a>(pub Lookup<'a>);

impl Environment<'_> {
    /// Whether a field can be set by a variable.
    pub fn knows(field: &str) -> bool {
        KNOWN.contains(&field)
    }

    pub fn variable(self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// A text, with `${...}` refused.
    pub fn text(self, field: &str, stored: &Option<String>) -> Result<Option<String>> {
        let name = variable_of(field);
        let stored = || stored.clone().filter(|text| !text.trim().is_empty());
        let text = self.variable(&name).or_else(stored);
        refuse_unexpanded(text.as_deref().unwrap_or_default(), &name)?;
        Ok(text)
    }

    /// A switch, off where neither says anything.
    pub fn switch(self, field: &str, stored: Option<bool>) -> Result<bool> {
        let name = variable_of(field);
        let Some(word) = self.variable(&name) else {
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
        let (setting, rate) = match self.variable(&variable_of(field)) {
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
        let (setting, seconds) = match self.variable(&variable_of(field)) {
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

    /// Client id, client secret, username and password, each with its field; or
    /// the names of those that are missing.
    pub fn login(self, texts: [(&str, &Option<String>); 4]) -> Result<Result<Credentials, String>> {
        let mut missing = Vec::new();
        let mut given = Vec::new();
        for (field, stored) in texts {
            let text = self.text(field, stored)?;
            match text.or_else(|| self.expressly_empty(field, stored)) {
                Some(text) => given.push(text),
                None => missing.push(format!("`{field}` ({})", variable_of(field))),
            }
        }
        let Ok([client_id, client_secret, username, password]) = <[String; 4]>::try_from(given)
        else {
            return Ok(Err(missing.join(", ")));
        };
        Ok(Ok(Credentials {
            client_id,
            client_secret: Secret::new(client_secret),
            username,
            password: Secret::new(password),
        }))
    }

    /// The empty text, where it is what a setting says that may be empty: a PBX
    /// client may have no secret.
    fn expressly_empty(self, field: &str, stored: &Option<String>) -> Option<String> {
        let is_said = stored.is_some() || (self.0)(&variable_of(field)).is_some();
        (field == MAY_BE_EMPTY && is_said).then(String::new)
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
        let base = match (self.0)(base).filter(|path| Path::new(path).is_absolute()) {
            Some(base) => PathBuf::from(base),
            None => PathBuf::from((self.0)("HOME").filter(|home| !home.is_empty())?).join(default),
        };
        Some(base.join("skyswitch"))
    }
}

/// What the names of our variables begin with.
const PREFIX: &str = "SKYSWITCH_";

/// What follows in them, in small letters.
const KNOWN: [&str; 25] = [
    "account_id",
    "allow_yes",
    "approval_wait",
    "base_url",
    "client_id",
    "client_secret",
    "config",
    "confirm",
    "empty_object_is_empty_list",
    "list_files",
    "log",
    "password",
    "pbx_api",
    "pbx_api_key",
    "pbx_base_url",
    "pbx_client_id",
    "pbx_client_secret",
    "pbx_password",
    "pbx_rate_limit",
    "pbx_username",
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
