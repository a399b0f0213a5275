//! Settings: flag, environment, file, default, in that order.
//!
//! This is the only place that knows the names of variables and config fields.

mod file;
mod limits;
mod pbx;

use std::path::{Path, PathBuf};

use url::Url;

use file::ConfigFile;
pub use skyswitch_client::{
    Credentials, DEFAULT_BASE_URL, DEFAULT_RATE_LIMIT, DEFAULT_SCOPE, NUMBER_SCOPES, PbxGeneration,
    PbxLogin, PbxSettings,
};
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::Secret;
use skyswitch_domain::{AccountId, DestinationForm};
pub use skyswitch_guard::{ConfirmMode, Limits};

/// Everything the program can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Root of the API.
    pub base_url: Url,
    /// Credentials, or the names of those that are missing.
    pub credentials: Result<Credentials>,
    /// Scopes asked for at login.
    pub scope: String,
    /// Scopes asked for where numbers are read or routed.
    pub number_scope: String,
    /// The NetSapiens PBX API: `None` where it is not configured, an error
    /// where it is configured unusably.
    pub pbx: Option<Result<PbxSettings>>,
    /// Whether PBX domains may be created, whose names can never be used again.
    pub allow_domain_creation: bool,
    /// Whether dial translation rules may be created.
    pub allow_dial_plan_changes: bool,
    /// Whether destinations are looked up among the domain's users.
    pub check_destinations: bool,
    /// Whether a dial plan that can be read proves or disproves the dial
    /// translation rule. Where SkySwitch keeps that rule is not documented.
    pub trust_dial_plan: bool,
    /// Account used when a call names none.
    pub default_account: Option<AccountId>,
    /// How destructive changes are agreed to.
    pub confirm: ConfirmMode,
    /// Whether the writing tools are switched off.
    pub read_only: bool,
    /// Requests a second; 0 turns the limit off.
    pub rate_limit: f64,
    /// How destinations are sent.
    pub destination_form: DestinationForm,
    /// Whether `{}` is known to be how the service writes an empty list.
    /// Otherwise it is no answer: taken for an empty list, it would let a
    /// change overwrite unseen what is there.
    pub empty_object_is_empty_list: bool,
    /// What the operator puts out of reach.
    pub limits: Limits,
    /// Whether changes that wait may be approved on a local web page.
    pub approval_page: bool,
    /// Where tokens, the confirmation key and pending approvals live.
    pub state_dir: PathBuf,
    /// Where the config file is looked for.
    pub config_path: PathBuf,
    /// Whether the config file exists.
    pub config_found: bool,
    /// Whether the upstream is the embedded sandbox.
    pub sandbox: bool,
    /// Things worth telling the operator, such as unknown fields.
    pub warnings: Vec<String>,
}

/// Values given by flags; they win over everything.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--account`
    pub account: Option<AccountId>,
    /// `--confirm`
    pub confirm: Option<ConfirmMode>,
    /// `--read-only`
    pub read_only: bool,
}

/// Looks up an environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a variable of this process's environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Settings {
    /// Gathers the settings.
    ///
    /// # Errors
    /// `not_configured` when a value is unusable or the file cannot be read.
    /// Missing credentials are no error here: they are reported by the first
    /// call that needs them.
    pub fn load(flags: &Flags, environment: Lookup<'_>) -> Result<Settings> {
        let variable = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        for name in ["SKYSWITCH_CONFIG", "SKYSWITCH_STATE_DIR", "SKYSWITCH_SCOPE"] {
            refuse_unexpanded(&variable(name).unwrap_or_default(), name)?;
        }
        let named = flags.config.is_some() || variable("SKYSWITCH_CONFIG").is_some();
        let config_path = flags
            .config
            .clone()
            .or_else(|| variable("SKYSWITCH_CONFIG").map(PathBuf::from))
            .or_else(|| Some(xdg(environment, "XDG_CONFIG_HOME", ".config")?.join("config.json")))
            .unwrap_or_default();
        let file = ConfigFile::read(&config_path)?;
        let config_found = file.is_some();
        let mut file = file.unwrap_or_default();
        if named && !config_found {
            file.warnings.push(format!(
                "config file {} does not exist; the environment alone is used",
                config_path.display()
            ));
        }

        let base_url = variable("SKYSWITCH_BASE_URL")
            .or(file.base_url.clone())
            .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let account = variable("SKYSWITCH_ACCOUNT_ID").or(file.default_account_id.clone());
        let default_account = match (&flags.account, account) {
            (Some(account), _) => Some(account.clone()),
            (None, None) => None,
            (None, Some(text)) => {
                refuse_unexpanded(&text, "SKYSWITCH_ACCOUNT_ID")?;
                Some(
                    text.parse::<AccountId>()
                        .map_err(|e| unusable("default_account_id", &e.problem, &e.remedy))?,
                )
            }
        };
        let scope = variable("SKYSWITCH_SCOPE").or(file.scope.clone());
        let state_dir = variable("SKYSWITCH_STATE_DIR")
            .map(PathBuf::from)
            .or_else(|| xdg(environment, "XDG_STATE_HOME", ".local/state"))
            .unwrap_or_else(|| PathBuf::from("skyswitch-state"));
        Ok(Settings {
            base_url: parse_base_url(&base_url)?,
            credentials: credentials(&file, &config_path, &variable),
            // Who sets scopes has said everything there is to ask for.
            number_scope: scope
                .clone()
                .unwrap_or_else(|| format!("{DEFAULT_SCOPE} {NUMBER_SCOPES}")),
            scope: scope.unwrap_or_else(|| DEFAULT_SCOPE.to_owned()),
            pbx: pbx::settings(&file, &variable),
            allow_domain_creation: file.allow_domain_creation.unwrap_or(false),
            allow_dial_plan_changes: file.allow_dial_plan_changes.unwrap_or(false),
            check_destinations: file.check_destinations.unwrap_or(true),
            trust_dial_plan: file.trust_dial_plan.unwrap_or(true),
            default_account,
            confirm: match (flags.confirm, variable("SKYSWITCH_CONFIRM")) {
                (Some(mode), _) => mode,
                (None, Some(word)) => parse_mode(&word)?,
                (None, None) => file.confirm.unwrap_or_default(),
            },
            read_only: flags.read_only
                || match variable("SKYSWITCH_READ_ONLY") {
                    Some(word) => parse_switch("SKYSWITCH_READ_ONLY", &word)?,
                    None => file.read_only.unwrap_or(false),
                },
            rate_limit: match variable("SKYSWITCH_RATE_LIMIT") {
                Some(text) => parse_rate("SKYSWITCH_RATE_LIMIT", &text)?,
                None => file.rate_limit.map_or(Ok(DEFAULT_RATE_LIMIT), |rate| {
                    parse_rate("rate_limit", &rate.to_string())
                })?,
            },
            destination_form: file.destination_form.unwrap_or_default(),
            empty_object_is_empty_list: match variable("SKYSWITCH_EMPTY_OBJECT_IS_EMPTY_LIST") {
                Some(word) => parse_switch("SKYSWITCH_EMPTY_OBJECT_IS_EMPTY_LIST", &word)?,
                None => file.empty_object_is_empty_list.unwrap_or(false),
            },
            limits: limits::Written {
                protected: file.protected,
                allowed_domains: file.allowed_domains,
                max_changes_per_hour: file.max_changes_per_hour,
            }
            .understood()?,
            approval_page: file.approval_page.unwrap_or(true),
            state_dir,
            config_path,
            config_found,
            sandbox: false,
            warnings: file.warnings,
        })
    }

    /// Settings for the embedded sandbox: its address and credentials, the
    /// operator's confirmation mode and state folder.
    #[must_use]
    pub fn for_sandbox(
        mut self,
        base_url: Url,
        credentials: Credentials,
        pbx: Option<PbxSettings>,
        account: &str,
    ) -> Self {
        self.base_url = base_url;
        self.credentials = Ok(credentials);
        self.pbx = pbx.map(Ok);
        self.scope = DEFAULT_SCOPE.to_owned();
        self.number_scope = format!("{DEFAULT_SCOPE} {NUMBER_SCOPES}");
        self.default_account = account.parse().ok();
        self.sandbox = true;
        self
    }
}

fn credentials(
    file: &ConfigFile,
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Credentials> {
    let mut missing = Vec::new();
    let mut take = |name: &'static str, field: &'static str, stored: &Option<String>| {
        let value = variable(name).or_else(|| stored.clone().filter(|v| !v.trim().is_empty()));
        match value {
            Some(value) => refuse_unexpanded(&value, name).map(|()| value),
            None => {
                missing.push(format!("`{field}` ({name})"));
                Ok(String::new())
            }
        }
    };
    let client_id = take("SKYSWITCH_CLIENT_ID", "client_id", &file.client_id)?;
    let client_secret = take(
        "SKYSWITCH_CLIENT_SECRET",
        "client_secret",
        &file.client_secret,
    )?;
    let username = take("SKYSWITCH_USERNAME", "username", &file.username)?;
    let password = take("SKYSWITCH_PASSWORD", "password", &file.password)?;
    if !missing.is_empty() {
        return Err(Error::new(
            Code::NotConfigured,
            format!("SkySwitch credentials are missing: {}", missing.join(", ")),
            format!(
                "Set these environment variables, or put the fields into {} (mode 0600); \
                 `skyswitch doctor` checks them. To try everything without an account, start with `--sandbox`.",
                path.display()
            ),
        ));
    }
    Ok(Credentials {
        client_id,
        client_secret: Secret::new(client_secret),
        username,
        password: Secret::new(password),
    })
}

/// A client that does not know a variable passes `${NAME}` on unexpanded;
/// sending that as a password would only earn a puzzling refusal.
fn refuse_unexpanded(value: &str, variable: &str) -> Result<()> {
    if value.contains("${") {
        return Err(Error::new(
            Code::NotConfigured,
            format!("{variable} still reads `${{...}}`: the client did not fill in the variable"),
            format!("Set {variable} in the environment that starts the client, or write the value into its configuration."),
        )
        .with_field(variable));
    }
    Ok(())
}

fn unusable(setting: &str, problem: &str, remedy: &str) -> Error {
    Error::new(Code::NotConfigured, format!("{setting}: {problem}"), remedy).with_field(setting)
}

fn parse_base_url(text: &str) -> Result<Url> {
    refuse_unexpanded(text, "SKYSWITCH_BASE_URL")?;
    parse_api_root(
        text,
        "base_url",
        "Give the API's root such as `https://api.skyswitch.com` (SKYSWITCH_BASE_URL or `base_url`).",
    )
}

fn parse_api_root(text: &str, setting: &str, remedy: &str) -> Result<Url> {
    let refuse = |problem: &str| Err(unusable(setting, problem, remedy));
    let Ok(url) = Url::parse(text.trim()) else {
        return refuse("is not a URL");
    };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return refuse("has no host"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not carry credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not have a query or fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => refuse("plain http is accepted for loopback hosts only"),
        _ => refuse("must start with https://"),
    }
}

fn parse_mode(word: &str) -> Result<ConfirmMode> {
    word.parse().map_err(|refused: Refused| {
        unusable("SKYSWITCH_CONFIRM", &refused.problem, &refused.remedy)
    })
}

fn parse_switch(name: &str, word: &str) -> Result<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(unusable(
            name,
            "is neither true nor false",
            "Give `1` or `0`.",
        )),
    }
}

fn parse_rate(name: &str, text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(rate) if rate == 0.0 || (0.01..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err(unusable(
            name,
            "is not a rate",
            "Give requests a second between 0.01 and 10000, or 0 for no limit.",
        )),
    }
}

/// Our folder below an XDG base folder, or below its default in HOME.
fn xdg(environment: Lookup<'_>, base: &str, default: &str) -> Option<PathBuf> {
    let base = match environment(base).filter(|p| Path::new(p).is_absolute()) {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(environment("HOME").filter(|home| !home.is_empty())?).join(default),
    };
    Some(base.join("skyswitch"))
}
