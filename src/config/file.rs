//! The config file: JSON with known fields; unknown ones are left alone and named,
//! unless one is meant to keep something from being changed.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::environment::Environment;
use super::secret::{CommandLine, Forms};
use super::variable_of;
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

/// The config file: every field is optional. What is said of a field here is
/// what `skyswitch config` says of it.
macro_rules! config_file {
    ($($(#[doc = $about:literal])+ $name:ident: $kind:ty,)+) => {
        /// What the file may say. Every field is optional.
        #[derive(Default, Deserialize)]
        pub(super) struct ConfigFile {
            $($(#[doc = $about])+ pub $name: Option<$kind>,)+
            #[serde(flatten)]
            unknown: serde_json::Map<String, Value>,
            #[serde(skip)]
            pub warnings: Vec<String>,
        }

        /// The names of the fields, each with its meaning.
        pub(super) const FIELDS: &[(&str, &str)] =
            &[$((stringify!($name), concat!($($about),+))),+];
    };
}

config_file! {
    /// OAuth client id, given out by SkySwitch
    client_id: String,
    /// its secret
    client_secret: String,
    /// a file that holds the client secret
    client_secret_file: String,
    /// a command that prints the client secret
    client_secret_command: CommandLine,
    /// SkySwitch user
    username: String,
    /// that user's password
    password: String,
    /// a file that holds the password
    password_file: String,
    /// a command that prints the password
    password_command: CommandLine,
    /// account used when none is named (a UUID)
    default_account_id: String,
    /// root of the SkySwitch API
    base_url: String,
    /// scopes asked for at login, separated by spaces
    scope: String,
    /// how a person agrees to changes: human, token or block
    confirm: ConfirmMode,
    /// true: no tool that changes anything
    read_only: bool,
    /// requests a second; 0 for no limit
    rate_limit: f64,
    /// how destinations are sent: as_given, bare or prefixed
    destination_form: DestinationForm,
    /// true: the answer `{}` is an empty list
    empty_object_is_empty_list: bool,
    /// true: the answer 404 is an empty list
    not_found_is_empty_list: bool,
    /// false: the trace of a call is not sent on to SkySwitch
    send_traceparent: bool,
    /// false: no approval page
    approval_page: bool,
    /// seconds that a call waits for a person, 0 to 55
    approval_wait: f64,
    /// false: `--yes` agrees to nothing
    allow_yes: bool,
    /// the folder in which tools may read VIP lists
    list_files: String,
    /// numbers whose rules and routing are never replaced or removed
    protected: Vec<String>,
    /// the only PBX domains in which anything is changed
    allowed_domains: Vec<String>,
    /// the only accounts in which anything is changed
    allowed_accounts: Vec<String>,
    /// changes in any sixty minutes, or none for no limit
    max_changes_per_hour: MaxChanges,
    /// what becomes of a rule with a doubtful destination: ask, allow or refuse
    doubtful_destinations: DoubtfulDestinations,
    /// true: `onboard` may create PBX domains
    allow_domain_creation: bool,
    /// true: `onboard` may create dial translation rules
    allow_dial_plan_changes: bool,
    /// false: destinations are not looked up
    check_destinations: bool,
    /// what a dial plan proves: auto, true or false
    trust_dial_plan: TrustDialPlan,
    /// root of the PBX API
    pbx_base_url: String,
    /// generation of the PBX API: v1 or v2
    pbx_api: PbxGeneration,
    /// OAuth client of the PBX login
    pbx_client_id: String,
    /// its secret
    pbx_client_secret: String,
    /// a file that holds the secret of the PBX client
    pbx_client_secret_file: String,
    /// a command that prints the secret of the PBX client
    pbx_client_secret_command: CommandLine,
    /// PBX user
    pbx_username: String,
    /// that user's password
    pbx_password: String,
    /// a file that holds the PBX password
    pbx_password_file: String,
    /// a command that prints the PBX password
    pbx_password_command: CommandLine,
    /// API key of the PBX API, v2 only
    pbx_api_key: String,
    /// a file that holds the API key
    pbx_api_key_file: String,
    /// a command that prints the API key
    pbx_api_key_command: CommandLine,
    /// requests a second to the PBX API
    pbx_rate_limit: f64,
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
        let mut file = ConfigFile::parse(path, &text)?;
        if is_readable_by_others(path) {
            file.warnings.push(format!(
                "config file {} can be read by other users; run: chmod 600 {}",
                path.display(),
                path.display()
            ));
        }
        Ok(Some(file))
    }

    /// Understands the text of the file.
    pub fn parse(path: &Path, text: &str) -> Result<ConfigFile> {
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
        Ok(file)
    }

    /// Client id, client secret, username and password of the SkySwitch login.
    pub fn login(&self) -> [Forms<'_>; 4] {
        [
            Forms::plain("client_id", &self.client_id),
            Forms {
                field: "client_secret",
                value: &self.client_secret,
                file: &self.client_secret_file,
                command: &self.client_secret_command,
                is_secret: true,
            },
            Forms::plain("username", &self.username),
            Forms {
                field: "password",
                value: &self.password,
                file: &self.password_file,
                command: &self.password_command,
                is_secret: true,
            },
        ]
    }

    /// The same of the PBX login.
    pub fn pbx_login(&self) -> [Forms<'_>; 4] {
        [
            Forms::plain("pbx_client_id", &self.pbx_client_id),
            Forms {
                field: "pbx_client_secret",
                value: &self.pbx_client_secret,
                file: &self.pbx_client_secret_file,
                command: &self.pbx_client_secret_command,
                is_secret: true,
            },
            Forms::plain("pbx_username", &self.pbx_username),
            Forms {
                field: "pbx_password",
                value: &self.pbx_password,
                file: &self.pbx_password_file,
                command: &self.pbx_password_command,
                is_secret: true,
            },
        ]
    }

    /// The API key of the PBX API.
    pub fn pbx_key(&self) -> Forms<'_> {
        Forms {
            field: "pbx_api_key",
            value: &self.pbx_api_key,
            file: &self.pbx_api_key_file,
            command: &self.pbx_api_key_command,
            is_secret: true,
        }
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

pub(super) fn unreadable(path: &Path, why: &str) -> Error {
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
