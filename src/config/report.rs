//! What is set and where it comes from; never the value of a secret.

use serde::Serialize;
use serde_json::{Map, Value};

use super::edit::{fields_of, known};
use super::environment::Environment;
use super::file::ConfigFile;
use super::origin::Origin;
use super::place::{Place, as_shown, names_in, profiles_beside};
use super::secret::{Forms, SecretAt};
use super::stored_secrets::SECRETS;
use super::{Flags, PbxLogin, ProfileName, Settings, process_environment, reader, variable_of};
use skyswitch_client::{KeptToken, TokenCache};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::store::StateFolder;

/// A setting of `skyswitch config list`.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Its field in the config file.
    pub setting: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Its value; left out for secrets, and where nobody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// All settings, or the one of that name.
///
/// # Errors
/// `invalid_argument` for an unknown name; `not_configured` where the file cannot be used.
pub fn settings(flags: &Flags, name: Option<&str>) -> Result<Vec<Setting>> {
    let (place, reader) = reader(flags, &process_environment)?;
    let found = reader.file()?.is_some();
    place.refuse_missing(found)?;
    let fields = fields_of(&place.path)?;
    let environment = reader.environment();
    let setting = |(field, about): (&'static str, &'static str)| {
        let (value, origin) = value_of(field, flags, &fields, environment);
        Setting {
            setting: field,
            about: about.trim(),
            value,
            origin,
        }
    };
    Ok(match name {
        Some(name) => vec![setting(known(name)?)],
        None => super::file::FIELDS.iter().copied().map(setting).collect(),
    })
}

fn value_of(
    field: &str,
    flags: &Flags,
    fields: &Map<String, Value>,
    environment: Environment<'_>,
) -> (Option<String>, Origin) {
    let is_account = field == "default_account_id";
    if let Some(account) = flags.account.as_ref().filter(|_| is_account) {
        return (Some(account.to_string()), Origin::flag("--account"));
    }
    let stored = fields.get(field).filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    });
    let named = if is_account { "account_id" } else { field };
    let exported = environment
        .exported(named, stored.is_some())
        .filter(|_| Environment::knows(named));
    let (value, origin) = match (exported, stored) {
        (Some(text), _) => (Value::from(text), Origin::variable(&variable_of(named))),
        (None, Some(value)) => (value.clone(), environment.in_file(field)),
        (None, None) => return (None, Origin::nowhere()),
    };
    let text = match &value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let value = if SECRETS.contains(&field) {
        None
    } else if field.ends_with("_command") {
        // Its arguments may hold a secret.
        Some(program_of(&value))
    } else {
        Some(as_shown(&text))
    };
    (value, origin)
}

fn program_of(command: &Value) -> String {
    let word = match command {
        Value::Array(words) => words.first().and_then(Value::as_str),
        value => value
            .as_str()
            .and_then(|text| text.split_whitespace().next()),
    };
    format!("{} …", as_shown(word.unwrap_or_default()))
}

/// What a login is made of, and which tokens are kept.
#[derive(Debug, Clone, Serialize)]
pub struct SignIn {
    /// Whether nothing is missing.
    pub ok: bool,
    /// The profile that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The config file.
    pub file: String,
    /// Whether it exists.
    pub file_found: bool,
    /// The root of the API.
    pub base_url: String,
    /// The values, in order.
    pub values: Vec<SignInValue>,
    /// The tokens in the state folder that this login would use.
    pub tokens: Vec<TokenKept>,
}

/// One value of a login.
#[derive(Debug, Clone, Serialize)]
pub struct SignInValue {
    /// Its name.
    pub setting: &'static str,
    /// `value`, `file`, `command` or `keychain`; left out where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<&'static str>,
    /// The value, unless it is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A token in the state folder.
#[derive(Debug, Clone, Serialize)]
pub struct TokenKept {
    /// `skyswitch` or `pbx`.
    pub api: &'static str,
    /// The scopes that it was asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it ends, RFC 3339, UTC.
    pub expires_at: String,
    /// Whether it has ended.
    pub has_expired: bool,
}

/// Looks at every value of the login. Files are read and commands run; nothing
/// is sent.
///
/// # Errors
/// `not_configured` where the settings cannot be used at all.
pub async fn sign_in(flags: &Flags) -> Result<SignIn> {
    let (_, reader) = reader(flags, &process_environment)?;
    let settings = Settings::of_process(flags)?;
    let file = reader.file()?.unwrap_or_default();
    let environment = reader.environment();
    let mut values = Vec::new();
    for form in file.login() {
        values.push(looked_at(form, environment).await);
    }
    if settings.pbx.is_some() {
        for form in pbx_forms(&file, environment) {
            values.push(looked_at(form, environment).await);
        }
    }
    values.push(account(flags, &settings, &file, environment));
    Ok(SignIn {
        ok: values.iter().all(|value| value.problem.is_none()),
        profile: settings.profile.as_ref().map(ProfileName::to_string),
        file: as_shown(&settings.config_path.display().to_string()),
        file_found: settings.config_found,
        base_url: settings.base_url.to_string(),
        tokens: tokens(&settings).await,
        values,
    })
}

/// An API key where one is given, else the four values of the PBX login.
fn pbx_forms<'a>(file: &'a ConfigFile, environment: Environment<'_>) -> Vec<Forms<'a>> {
    match file.pbx_key().find(environment) {
        Ok(None) => file.pbx_login().into(),
        _ => vec![file.pbx_key()],
    }
}

async fn looked_at(form: Forms<'_>, environment: Environment<'_>) -> SignInValue {
    let value = SignInValue {
        setting: form.field,
        form: None,
        value: None,
        origin: None,
        problem: None,
    };
    let (at, origin) = match form.find(environment) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return SignInValue {
                problem: Some("missing".to_owned()),
                ..value
            };
        }
        Err(error) => {
            return SignInValue {
                problem: Some(error.to_string()),
                ..value
            };
        }
    };
    let read = at.read(form.field, &origin.name).await;
    SignInValue {
        form: Some(match (&at, at.keychain()) {
            (_, Some(_)) => "keychain",
            (SecretAt::Given(_), None) => "value",
            (SecretAt::File(_), None) => "file",
            (SecretAt::Command(_), None) => "command",
        }),
        value: match &read {
            Ok(text) if !form.is_secret => Some(as_shown(text.expose())),
            _ => None,
        },
        problem: read.err().map(|error| error.to_string()),
        origin: Some(origin),
        ..value
    }
}

fn account(
    flags: &Flags,
    settings: &Settings,
    file: &ConfigFile,
    environment: Environment<'_>,
) -> SignInValue {
    let is_stored = file.default_account_id.is_some();
    let origin = match flags.account {
        Some(_) => Origin::flag("--account"),
        None if environment.exported("account_id", is_stored).is_some() => {
            Origin::variable("SKYSWITCH_ACCOUNT_ID")
        }
        None => environment.in_file("default_account_id"),
    };
    let account = settings.default_account.as_ref();
    SignInValue {
        setting: "default_account_id",
        form: account.map(|_| "value"),
        value: account.map(ToString::to_string),
        origin: account.map(|_| origin),
        problem: match account {
            Some(_) => None,
            None => Some("missing".to_owned()),
        },
    }
}

async fn tokens(settings: &Settings) -> Vec<TokenKept> {
    let cache = TokenCache::Shared(StateFolder::new(&settings.state_dir));
    let mut tokens = Vec::new();
    if let Ok(source) = &settings.credentials
        && let Ok(login) = source.read().await
    {
        for scope in [&settings.scope, &settings.number_scope] {
            let kept = cache.kept(&settings.base_url, &login, Some(scope));
            tokens.extend(kept.ok().flatten().map(|kept| {
                let scope = Some(as_shown(scope));
                TokenKept::new("skyswitch", scope, kept)
            }));
        }
    }
    if let Some(Ok(pbx)) = &settings.pbx
        && let PbxLogin::Password(source) = &pbx.login
        && let Ok(login) = source.read().await
    {
        let kept = cache.kept(&pbx.base_url, &login, None).ok().flatten();
        tokens.extend(kept.map(|kept| TokenKept::new("pbx", None, kept)));
    }
    tokens
}

impl TokenKept {
    fn new(api: &'static str, scope: Option<String>, kept: KeptToken) -> TokenKept {
        let end = kept.expires_at;
        TokenKept {
            api,
            scope,
            expires_at: end.round(jiff::Unit::Second).unwrap_or(end).to_string(),
            has_expired: end < jiff::Timestamp::now(),
        }
    }
}

impl SignIn {
    /// What is missing, as the error that every other command would give.
    pub fn refusal(&self) -> Option<Error> {
        let missing = self.values.iter().filter(|value| value.problem.is_some());
        let names: Vec<&str> = missing.map(|value| value.setting).collect();
        (!names.is_empty()).then(|| {
            Error::new(
                Code::NotConfigured,
                format!("not signed in: {} cannot be used", names.join(", ")),
                format!("Run {} in a terminal.", command_line("login")),
            )
        })
    }
}

/// A profile of `skyswitch profiles`.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Its name; left out for the usual config file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Its file.
    pub file: String,
    /// Whether it is the one that is used.
    pub in_use: bool,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The usual config file and all profiles.
///
/// # Errors
/// `not_configured` where flags or variables name no profile.
pub fn profiles(flags: &Flags) -> Result<Vec<Profile>> {
    let (place, reader) = reader(flags, &process_environment)?;
    let usual = Place::usual(reader.environment());
    let folder = profiles_beside(&usual.path);
    let named = names_in(&folder).into_iter().map(|name| {
        let path = folder.join(format!("{name}.json"));
        (Some(name), path)
    });
    let usual = usual.path.exists().then_some((None, usual.path));
    let listed = usual.into_iter().chain(named).map(|(name, path)| {
        let file = ConfigFile::read(&path);
        Profile {
            profile: name.as_ref().map(ProfileName::to_string),
            file: as_shown(&path.display().to_string()),
            in_use: path == place.path,
            account_id: match &file {
                Ok(Some(file)) => file.default_account_id.as_deref().map(as_shown),
                _ => None,
            },
            problem: file.err().map(|error| error.to_string()),
        }
    });
    Ok(listed.collect())
}
