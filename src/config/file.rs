//! The config file: JSON with known fields; unknown ones are left alone and named,
//! unless one is meant to keep something from being changed.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::{ConfirmMode, DoubtfulDestinations, PbxGeneration, TrustDialPlan};
use crate::nearest::likeness;
use skyswitch_domain::DestinationForm;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;

/// The fields that keep something from being done. One that is misspelt would
/// keep nothing.
const SAFETY: [&str; 11] = [
    "allow_dial_plan_changes",
    "allow_domain_creation",
    "allowed_accounts",
    "allowed_domains",
    "approval_page",
    "confirm",
    "doubtful_destinations",
    "max_changes_per_hour",
    "protected",
    "read_only",
    "trust_dial_plan",
];
/// How alike a misspelt field is to what was meant, from 0 to 1.
const ALIKE: f64 = 0.75;

/// What the file may say. Every field is optional.
#[derive(Default, Deserialize)]
pub(super) struct ConfigFile {
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub default_account_id: Option<String>,
    pub base_url: Option<String>,
    pub scope: Option<String>,
    pub confirm: Option<ConfirmMode>,
    pub read_only: Option<bool>,
    pub rate_limit: Option<f64>,
    pub destination_form: Option<DestinationForm>,
    pub empty_object_is_empty_list: Option<bool>,
    pub approval_page: Option<bool>,
    pub protected: Option<Vec<String>>,
    pub allowed_domains: Option<Vec<String>>,
    pub allowed_accounts: Option<Vec<String>>,
    pub max_changes_per_hour: Option<MaxChanges>,
    pub doubtful_destinations: Option<DoubtfulDestinations>,
    pub allow_domain_creation: Option<bool>,
    pub allow_dial_plan_changes: Option<bool>,
    pub check_destinations: Option<bool>,
    pub trust_dial_plan: Option<TrustDialPlan>,
    pub pbx_base_url: Option<String>,
    pub pbx_api: Option<PbxGeneration>,
    pub pbx_client_id: Option<String>,
    pub pbx_client_secret: Option<String>,
    pub pbx_username: Option<String>,
    pub pbx_password: Option<String>,
    pub pbx_api_key: Option<String>,
    pub pbx_rate_limit: Option<f64>,
    #[serde(flatten)]
    unknown: serde_json::Map<String, serde_json::Value>,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// How many changes an hour may have.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum MaxChanges {
    Number(i64),
    Word(String),
}

impl ConfigFile {
    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<ConfigFile>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(unreadable(path, &error.kind().to_string()));
            }
        };
        let mut file: ConfigFile = serde_json::from_str(text.trim_start_matches('\u{FEFF}'))
            .map_err(|error| {
                // serde_json quotes the offending value, which may be a password: say only where.
                let place = format!("line {}, column {}", error.line(), error.column());
                let problem = if error.is_data() {
                    "a field has the wrong type"
                } else {
                    "it is not valid JSON"
                };
                unreadable(path, &format!("{problem} ({place})"))
            })?;
        for field in file.unknown.keys() {
            if let Some(meant) = safety_field(field) {
                return Err(Error::new(
                    Code::NotConfigured,
                    format!("config file: field `{}` is not known, and may be meant to keep something from being changed", shown(field, 40)),
                    format!("Did you mean `{meant}`? Correct the field, or take it out."),
                )
                .with_field(meant));
            }
            file.warnings.push(format!(
                "config file: field `{}` is not known and has no effect",
                shown(field, 40)
            ));
        }
        if is_readable_by_others(path) {
            file.warnings.push(format!(
                "config file {} can be read by other users; run: chmod 600 {}",
                path.display(),
                path.display()
            ));
        }
        Ok(Some(file))
    }
}

/// The safety field that an unknown one may mean: spelt like it, with its
/// beginning, or with a word that says what it is for.
fn safety_field(unknown: &str) -> Option<&'static str> {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.collect::<String>().to_lowercase()
    };
    let unknown = letters(unknown);
    let score = |field: &&'static str| likeness(&letters(field), &unknown);
    let nearest = SAFETY
        .into_iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    let begins = |field: &&'static str| {
        let field = letters(field);
        unknown.starts_with(&field) || (unknown.len() > 2 && field.starts_with(&unknown))
    };
    let says = [
        "allow", "block", "confirm", "deny", "forbid", "protect", "readonly",
    ];
    let by_word = says.iter().any(|word| unknown.contains(word));
    let by_beginning = SAFETY.into_iter().find(begins);
    by_beginning.or((by_word || score(&nearest) >= ALIKE).then_some(nearest))
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(
        Code::NotConfigured,
        format!("the config file {} cannot be used: {why}", path.display()),
        "Correct the file, or point SKYSWITCH_CONFIG (or --config) at another one.",
    )
    .with_field("config")
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}
