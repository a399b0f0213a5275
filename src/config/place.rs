//! Which config file is read: the one that is named, that of a profile, or the
//! one in its usual place.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::environment::Environment;
use super::{Flags, refuse_unexpanded, unsuitable};
use crate::nearest::nearest;
use skyswitch_domain::AccountId;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;

/// The name of a profile: another config file beside the usual one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(String);

impl ProfileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProfileName {
    type Err = Refused;

    /// It becomes the name of a file, so it holds nothing that leads elsewhere.
    fn from_str(text: &str) -> Result<ProfileName, Refused> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = text.trim();
        match name.is_empty()
            || name.len() > 64
            || name.starts_with(['.', '-'])
            || !name.chars().all(is_letter)
        {
            true => Err(Refused::new(
                text,
                "is not the name of a profile",
                "give up to 64 letters, digits, `-`, `_` and `.`, such as `acme`",
            )),
            false => Ok(ProfileName(name.to_owned())),
        }
    }
}

/// Where the config file is.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub path: PathBuf,
    pub profile: Option<ProfileName>,
    /// The account that was named beside it.
    account: Option<AccountId>,
    /// Whether somebody named it, so that it must exist.
    is_named: bool,
    /// Whether its fields go before exported variables: those belong to whatever
    /// the shell was used for before, and must not change what was chosen.
    pub goes_first: bool,
}

impl Place {
    /// The place that flags and variables name.
    pub fn find(flags: &Flags, environment: Environment<'_>) -> Result<Place> {
        for name in ["SKYSWITCH_CONFIG", "SKYSWITCH_PROFILE"] {
            refuse_unexpanded(&environment.variable(name).unwrap_or_default(), name)?;
        }
        if let Some(path) = &flags.config {
            return Ok(Place {
                path: path.clone(),
                is_named: true,
                goes_first: true,
                ..Place::default()
            });
        }
        let exported = || {
            let name = environment.variable("SKYSWITCH_PROFILE");
            let name = name.map(|name| name.parse::<ProfileName>());
            name.transpose()
                .map_err(|refused| unsuitable("SKYSWITCH_PROFILE", &refused))
        };
        let usual = Place::usual(environment);
        let profile = match &flags.profile {
            Some(profile) => Some(profile.clone()),
            None => exported()?,
        };
        Ok(match profile {
            Some(profile) => Place {
                path: profiles_beside(&usual.path).join(format!("{profile}.json")),
                profile: Some(profile),
                account: flags.account.clone(),
                is_named: true,
                goes_first: true,
            },
            None => usual,
        })
    }

    /// The place without any profile.
    pub fn usual(environment: Environment<'_>) -> Place {
        let named = environment.variable("SKYSWITCH_CONFIG").map(PathBuf::from);
        let folder = || environment.xdg("XDG_CONFIG_HOME", ".config");
        Place {
            is_named: named.is_some(),
            path: named
                .or_else(|| Some(folder()?.join("config.json")))
                .unwrap_or_default(),
            ..Place::default()
        }
    }

    /// Whoever names a file relies on the limits that it sets.
    ///
    /// # Errors
    /// `not_configured` where a file is named that does not exist.
    pub fn refuse_missing(&self, is_found: bool) -> Result<()> {
        let path = self.path.display();
        match &self.profile {
            _ if is_found || !self.is_named => Ok(()),
            None => Err(Error::new(
                Code::NotConfigured,
                format!("the config file {path} does not exist"),
                "Give an existing file to --config (or SKYSWITCH_CONFIG), or leave it out.",
            )),
            Some(profile) => {
                let known = names_in(self.path.parent().unwrap_or(Path::new("")));
                let near: Vec<String> =
                    nearest(&known, profile.as_str(), |name| vec![name.as_str()])
                        .map(|name| format!("`{name}`"))
                        .collect();
                let meant = match near.is_empty() {
                    true => String::new(),
                    false => format!("Did you mean {}? ", near.join(" or ")),
                };
                let account = self.account.as_ref();
                let account = account.map_or(String::new(), |id| format!(" --account {id}"));
                Err(Error::new(
                    Code::NotConfigured,
                    format!("there is no profile `{profile}`: {path} does not exist"),
                    format!(
                        "{meant}`skyswitch profiles` lists them; `skyswitch --profile {profile}{account} login` makes this one."
                    ),
                )
                .with_field("profile"))
            }
        }
    }
}

/// The folder of profiles that belongs to the usual config file.
pub(super) fn profiles_beside(config: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join("profiles")
}

/// The profiles in a folder, in the order of their names.
pub(super) fn names_in(folder: &Path) -> Vec<ProfileName> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".json")?.parse().ok()
    });
    let mut names: Vec<ProfileName> = names.collect();
    names.sort();
    names
}

/// A text of the environment or of a file, as it may be shown.
pub(super) fn as_shown(text: &str) -> String {
    shown(text, 200)
}
