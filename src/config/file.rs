//! The config file: JSON with known fields; unknown ones are left alone and named,
//! unless one is meant to keep something from being changed.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::environment::{Environment, variable_of};
use super::{ConfirmMode, DoubtfulDestinations, PbxGeneration, TrustDialPlan};
use crate::nearest::likeness;
use skyswitch_domain::DestinationForm;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;

/// The fields that keep something from being done. One that is misspelt would
/// keep nothing.
const SAFETY: [&str; 12] = [
    "allow_dial_plan_changes",
    "allow_domain_creation",
    "allow_yes",
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
    pub not_found_is_empty_list: Option<bool>,
    pub approval_page: Option<bool>,
    pub approval_wait: Option<f64>,
    pub allow_yes: Option<bool>,
    pub list_files: Option<String>,
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
    unknown: serde_json::Map<String, Value>,
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
        let json = &mut serde_json::Deserializer::from_str(text.trim_start_matches('\u{FEFF}'));
        let mut file: ConfigFile = serde_path_to_error::deserialize(&mut *json)
            .map_err(|error| not_understood(path, &error))?;
        json.end().map_err(|error| {
            unreadable(path, &format!("it is not valid JSON ({})", place(&error)))
        })?;
        for (field, value) in &file.unknown {
            if let Some(meant) = safety_field(field) {
                return Err(not_known(
                    &format!("config file: field `{}`", shown(field, 40)),
                    meant,
                ));
            }
            if let Some((within, meant)) = safety_within(value) {
                return Err(Error::new(
                    Code::NotConfigured,
                    format!(
                        "config file: field `{}` lies within `{}`, where it keeps nothing from being changed",
                        shown(within, 40),
                        shown(field, 40)
                    ),
                    format!("Write `{meant}` at the top of the file, beside the other fields."),
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

/// Why the file cannot be read. serde_json quotes the offending value, which may
/// be a password: say only where it is.
fn not_understood(path: &Path, error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let (field, place) = (error.path().to_string(), place(error.inner()));
    if !error.inner().is_data() {
        return unreadable(path, &format!("it is not valid JSON ({place})"));
    }
    let name = field.split(['.', '[']).next().unwrap_or_default();
    let problem = format!(
        "the value of `{}` is not one that it can have ({place})",
        shown(&field, 60)
    );
    match name.is_empty() {
        true => unreadable(
            path,
            &format!("it is not one object that has each field once ({place})"),
        ),
        false => unreadable(path, &problem).with_field(name),
    }
}

fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// The first safety field, or one that may be meant for one, below a value.
fn safety_within(value: &Value) -> Option<(&str, &'static str)> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(field, value)| {
            let meant = safety_field(field).map(|meant| (field.as_str(), meant));
            meant.or_else(|| safety_within(value))
        }),
        Value::Array(values) => values.iter().find_map(safety_within),
        _ => None,
    }
}

/// The refusal of a setting that nobody knows and that may be meant for one of safety.
pub(super) fn not_known(setting: &str, meant: &str) -> Error {
    Error::new(
        Code::NotConfigured,
        format!("{setting} is not known, and may be meant to keep something from being changed"),
        format!(
            "Did you mean {}? Correct it, or take it out.",
            written(meant)
        ),
    )
    .with_field(meant)
}

/// How a safety field is set.
fn written(field: &str) -> String {
    match Environment::knows(field) {
        true => format!("`{field}` in the config file, or {}", variable_of(field)),
        false => format!("`{field}` in the config file"),
    }
}

/// The safety field that an unknown one may mean: spelt like it, with its
/// beginning, or with a word that says what it is for.
pub(super) fn safety_field(unknown: &str) -> Option<&'static str> {
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
