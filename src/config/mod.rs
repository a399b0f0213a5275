//! Settings: flag, environment, file, default, in that order; a file or profile
//! that is named by itself goes before the environment.
//!
//! This is the only place that knows the names of variables and config fields.

mod check;
#[cfg(feature = "otlp")]
mod collector;
mod edit;
mod environment;
mod file;
mod keychain;
mod limits;
mod login;
mod origin;
mod pbx;
mod place;
mod program;
mod report;
mod secret;
mod stored_secrets;
mod trust;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

#[cfg(feature = "otlp")]
pub use collector::{Collecting, collector};
pub use edit::ConfigEdit;
use environment::{Environment, Variables, variable_of};
use file::ConfigFile;
pub use keychain::Keychain;
use login::{Reader, Stored};
pub use origin::{Origin, OriginKind};
use place::Place;
pub use place::ProfileName;
pub use report::{Profile, Setting, SignIn, SignInValue, profiles, settings, sign_in};
pub use skyswitch_client::{
    Credentials, DEFAULT_BASE_URL, DEFAULT_RATE_LIMIT, DEFAULT_SCOPE, NUMBER_SCOPES, PbxGeneration,
    PbxLogin, PbxSettings, Source,
};
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{AccountId, DestinationForm};
pub use skyswitch_guard::{ConfirmMode, DoubtfulDestinations, Limits};
pub use stored_secrets::Store;
pub use trust::TrustDialPlan;

/// Everything the program can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Root of the API.
    pub base_url: Url,
    /// Where credentials are read from, or the names of those that are missing.
    pub credentials: Result<Source<Credentials>>,
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
    /// translation rule.
    pub trust_dial_plan: TrustDialPlan,
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
    /// Otherwise it is not understood: taken for an empty list, it would let a
    /// change overwrite unseen what is there.
    pub empty_object_is_empty_list: bool,
    /// Whether 404 is known to be how the service answers an empty list of a
    /// customer who exists.
    pub not_found_is_empty_list: bool,
    /// What the operator puts out of reach.
    pub limits: Limits,
    /// Whether the service is told the client's trace with each request.
    pub send_traceparent: bool,
    /// Whether changes that wait may be approved on a local web page.
    pub approval_page: bool,
    /// How long a call waits for a person who decides on that page or at a
    /// terminal; zero for not at all.
    pub approval_wait: Duration,
    /// Whether `--yes` agrees for a person.
    pub allow_yes: bool,
    /// The folder below which tools may read VIP lists; `None` for no files.
    pub list_files: Option<PathBuf>,
    /// Where tokens, the confirmation key and pending approvals live.
    pub state_dir: PathBuf,
    /// Where the config file is looked for.
    pub config_path: PathBuf,
    /// The profile that was chosen, if one was.
    pub profile: Option<ProfileName>,
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
    /// `--profile`
    pub profile: Option<ProfileName>,
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

/// The person's home folder, as the system names it in `HOME`, or on Windows in
/// `USERPROFILE`.
pub fn home(lookup: Lookup) -> Option<PathBuf> {
    let named = |name| lookup(name).filter(|home| !home.is_empty());
    let windows = || named("USERPROFILE").filter(|_| cfg!(windows));
    named("HOME").or_else(windows).map(PathBuf::from)
}

/// The names of this process's variables that say something.
fn variables_of_process() -> impl Iterator<Item = String> {
    let is_blank = |value: &std::ffi::OsString| value.to_string_lossy().trim().is_empty();
    let variables = std::env::vars_os().filter(move |(_, value)| !is_blank(value));
    variables.filter_map(|(name, _)| name.into_string().ok())
}

impl Settings {
    /// Gathers the settings of this process.
    ///
    /// # Errors
    /// Those of [`Settings::load`], and `not_configured` for a variable that may
    /// be a misspelt safety setting.
    pub fn of_process(flags: &Flags) -> Result<Settings> {
        let warnings = environment::refuse_unknown(variables_of_process())?;
        let mut settings = Settings::load(flags, &process_environment)?;
        settings.warnings.extend(warnings);
        Ok(settings)
    }

    /// Gathers the settings.
    ///
    /// # Errors
    /// `not_configured` when a value is unusable or the file cannot be read.
    /// Missing credentials are no error here: they are reported by the first
    /// call that needs them.
    pub fn load(flags: &Flags, environment: Lookup<'_>) -> Result<Settings> {
        let (place, reader) = reader(flags, environment)?;
        let file = reader.file()?;
        place.refuse_missing(file.is_some())?;
        Settings::assemble(flags, &reader, place.profile, file)
    }

    /// Makes settings of what was read; the file is `None` where there is none.
    fn assemble(
        flags: &Flags,
        reader: &Reader,
        profile: Option<ProfileName>,
        file: Option<ConfigFile>,
    ) -> Result<Settings> {
        let environment = reader.environment();
        let state_dir = environment.variable("SKYSWITCH_STATE_DIR");
        refuse_unexpanded(&state_dir.unwrap_or_default(), "SKYSWITCH_STATE_DIR")?;
        let config_found = file.is_some();
        let file = file.unwrap_or_default();

        let base_url = environment.text("base_url", &file.base_url)?;
        let account = environment.text("account_id", &file.default_account_id)?;
        let default_account = match (&flags.account, account) {
            (None, Some(text)) => {
                let account = text.parse::<AccountId>();
                Some(account.map_err(|refused| unsuitable("default_account_id", &refused))?)
            }
            (flag, _) => flag.clone(),
        };
        let confirm = match (
            flags.confirm,
            environment.exported("confirm", file.confirm.is_some()),
        ) {
            (Some(mode), _) => mode,
            (None, Some(word)) => word
                .parse()
                .map_err(|refused: Refused| unsuitable("SKYSWITCH_CONFIRM", &refused))?,
            (None, None) => file.confirm.unwrap_or_default(),
        };
        let scope = environment.text("scope", &file.scope)?;
        // A variable may be stricter than the file, and not more lenient.
        let allow_yes = environment.switch("allow_yes", file.allow_yes.or(Some(true)))?
            && file.allow_yes != Some(false);
        Ok(Settings {
            base_url: parse_api_root(
                base_url.as_deref().unwrap_or(DEFAULT_BASE_URL),
                "base_url",
                "Give the API's root such as `https://api.skyswitch.com` (SKYSWITCH_BASE_URL or `base_url`).",
            )?,
            credentials: login::skyswitch_login(&file, environment)
                .map(|_| reader.skyswitch_login()),
            // Who sets scopes has said everything there is to ask for.
            number_scope: scope
                .clone()
                .unwrap_or_else(|| format!("{DEFAULT_SCOPE} {NUMBER_SCOPES}")),
            scope: scope.unwrap_or_else(|| DEFAULT_SCOPE.to_owned()),
            pbx: pbx::settings(&file, environment, reader),
            allow_domain_creation: file.allow_domain_creation.unwrap_or(false),
            allow_dial_plan_changes: file.allow_dial_plan_changes.unwrap_or(false),
            check_destinations: file.check_destinations.unwrap_or(true),
            trust_dial_plan: file.trust_dial_plan.unwrap_or_default(),
            default_account,
            confirm,
            read_only: flags.read_only || environment.switch("read_only", file.read_only)?,
            rate_limit: environment.rate("rate_limit", file.rate_limit, DEFAULT_RATE_LIMIT)?,
            destination_form: file.destination_form.unwrap_or_default(),
            empty_object_is_empty_list: environment.switch(
                "empty_object_is_empty_list",
                file.empty_object_is_empty_list,
            )?,
            not_found_is_empty_list: environment
                .switch("not_found_is_empty_list", file.not_found_is_empty_list)?,
            limits: limits::limits(&file, confirm, allow_yes)?,
            send_traceparent: file.send_traceparent.unwrap_or(true),
            approval_page: file.approval_page.unwrap_or(true),
            approval_wait: environment.wait("approval_wait", file.approval_wait)?,
            allow_yes,
            list_files: list_files(environment.text("list_files", &file.list_files)?)?,
            state_dir: environment.state_dir(),
            config_path: reader.path.clone(),
            profile,
            config_found,
            sandbox: false,
            warnings: file.warnings,
        })
    }

    /// The operator's settings with the embedded sandbox as the service.
    #[must_use]
    pub fn for_sandbox(self, sandbox: Settings) -> Self {
        Settings {
            base_url: sandbox.base_url,
            credentials: sandbox.credentials,
            pbx: sandbox.pbx,
            scope: sandbox.scope,
            number_scope: sandbox.number_scope,
            default_account: sandbox.default_account,
            profile: None,
            sandbox: true,
            ..self
        }
    }
}

/// The one part of a login that may be set to nothing.
const MAY_BE_EMPTY: &str = "pbx_client_secret";

/// Where the config file is, and how it is read.
fn reader(flags: &Flags, lookup: Lookup<'_>) -> Result<(Place, Reader)> {
    let variables = Arc::new(Variables::read(lookup));
    let environment = Environment {
        variables: &variables,
        file_goes_first: false,
        file: std::path::Path::new(""),
    };
    let place = Place::find(flags, environment)?;
    let reader = Reader {
        path: place.path.clone(),
        file_goes_first: place.goes_first,
        stored: Stored::OnDisk,
        variables,
    };
    Ok((place, reader))
}

/// A relative folder would be another one wherever the program is started.
fn list_files(folder: Option<String>) -> Result<Option<PathBuf>> {
    match folder.map(PathBuf::from) {
        Some(folder) if !folder.is_absolute() => Err(unusable(
            "list_files",
            "is no absolute path",
            "Give the whole path of a folder, such as `/home/me/vip-lists`.",
        )),
        folder => Ok(folder),
    }
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

fn unsuitable(setting: &str, refused: &Refused) -> Error {
    unusable(setting, &refused.problem, &refused.remedy)
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
