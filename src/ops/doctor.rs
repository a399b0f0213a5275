//! `skyswitch doctor`: goes through everything a call needs, step by step.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use skyswitch_client::Client;
use skyswitch_domain::error::{Code, Error};
use skyswitch_domain::redact::shown;
use skyswitch_guard::store::StateFolder;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Works, but should be looked at.
    Warning,
    /// Does not work.
    Failed,
    /// Not tried, because something before it failed.
    Skipped,
}

/// One check with its remedy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at, for example `login`.
    pub id: &'static str,
    /// How it went.
    pub state: CheckState,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// All checks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Whether nothing failed.
    pub ok: bool,
    /// The checks in order.
    pub checks: Vec<Check>,
    /// Kind of the first failure, for the exit code.
    #[serde(skip)]
    pub first_failure: Option<Code>,
}

impl Check {
    fn new(id: &'static str, state: CheckState, detail: impl Into<String>) -> Check {
        Check {
            id,
            state,
            detail: detail.into(),
            fix: None,
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Check {
        self.fix = Some(fix.into());
        self
    }
}

impl Diagnosis {
    fn new() -> Diagnosis {
        Diagnosis {
            ok: true,
            checks: Vec::new(),
            first_failure: None,
        }
    }

    fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    fn fail(&mut self, id: &'static str, error: &Error) {
        self.ok = false;
        self.first_failure.get_or_insert(error.code());
        self.add(Check::new(id, CheckState::Failed, error.to_string()).fix(error.hint()));
    }

    fn skip(&mut self, ids: &[&'static str]) {
        for &id in ids {
            self.add(Check::new(id, CheckState::Skipped, "not tried"));
        }
    }
}

/// The diagnosis where the settings themselves cannot be used.
pub fn doctor_without_settings(error: &Error) -> Diagnosis {
    let mut diagnosis = Diagnosis::new();
    diagnosis.fail("config", error);
    diagnosis.skip(&[
        "credentials",
        "login",
        "scopes",
        "account",
        "domains",
        "numbers",
        "pbx_api",
        "state_folder",
    ]);
    diagnosis
}

/// Checks configuration, login, scopes, account, domains, numbers, PBX API and
/// state folder.
/// Never fails itself: failures are its result.
pub async fn doctor(app: &App) -> Diagnosis {
    let mut diagnosis = Diagnosis::new();
    config(app, &mut diagnosis);
    match &app.settings().credentials {
        Ok(_) => {
            diagnosis.add(Check::new(
                "credentials",
                CheckState::Ok,
                "client_id, client_secret, username and password are set",
            ));
            login(app, &mut diagnosis).await;
        }
        Err(error) => {
            diagnosis.fail("credentials", error);
            diagnosis.skip(&[
                "login", "scopes", "account", "domains", "numbers", "pbx_api",
            ]);
        }
    }
    state_folder(app, &mut diagnosis);
    diagnosis
}

fn config(app: &App, diagnosis: &mut Diagnosis) {
    let settings = app.settings();
    let path = settings.config_path.display();
    if settings.sandbox {
        diagnosis.add(Check::new(
            "config",
            CheckState::Ok,
            "the embedded sandbox needs none",
        ));
        return;
    }
    let found = match settings.config_found {
        true => Check::new("config", CheckState::Ok, format!("{path} is used")),
        false => Check::new(
            "config",
            CheckState::Ok,
            format!("{path} does not exist; the environment alone is used"),
        ),
    };
    let found = match settings.warnings.as_slice() {
        [] => found,
        warnings => Check {
            state: CheckState::Warning,
            detail: warnings.join("; "),
            ..found
        }
        .fix("Keep the file private and its field names as docs/guides/settings.md lists them."),
    };
    diagnosis.add(found);
}

async fn login(app: &App, diagnosis: &mut Diagnosis) {
    const REST: [&str; 5] = ["scopes", "account", "domains", "numbers", "pbx_api"];
    let client = match app.client() {
        Ok(client) => client,
        Err(error) => {
            diagnosis.fail("login", &error);
            return diagnosis.skip(&REST);
        }
    };
    match client.token(false).await {
        Ok(_) => diagnosis.add(Check::new(
            "login",
            CheckState::Ok,
            format!("accepted by {}", app.settings().base_url),
        )),
        Err(error) => {
            diagnosis.fail("login", &error);
            return diagnosis.skip(&REST);
        }
    }
    match client.token_info().await {
        Ok(info) if info.grants("pbx") => diagnosis.add(Check::new(
            "scopes",
            CheckState::Ok,
            format!("granted: {}", shown(&info.scopes.join(" "), 300)),
        )),
        Ok(info) => diagnosis.fail(
            "scopes",
            &Error::new(
                Code::Forbidden,
                format!(
                    "the scope `pbx` is not among those granted: {}",
                    shown(&info.scopes.join(" "), 300)
                ),
                "Ask SkySwitch for the scope `pbx` for this client, and keep it in `scope` (SKYSWITCH_SCOPE).",
            ),
        ),
        Err(error) => diagnosis.fail("scopes", &error),
    }
    account(app, diagnosis).await;
    numbers(client, diagnosis).await;
    pbx_api(app, client, diagnosis).await;
}

/// What onboarding needs beyond VIP lists: a warning at most.
async fn numbers(client: &Client, diagnosis: &mut Diagnosis) {
    let fix = "Only onboarding needs it: ask SkySwitch for the scopes `routing` and `phone_number`, and the role Routing Manager.";
    diagnosis.add(match client.number_scopes().await {
        Ok(info) if info.grants("routing") => {
            Check::new("numbers", CheckState::Ok, "numbers can be read and routed")
        }
        Ok(info) => Check::new(
            "numbers",
            CheckState::Warning,
            format!(
                "the scope `routing` is not among those granted: {}",
                shown(&info.scopes.join(" "), 300)
            ),
        )
        .fix(fix),
        Err(error) => Check::new("numbers", CheckState::Warning, error.to_string()).fix(fix),
    });
}

/// Tries the PBX API, and whether it shows dial plans.
async fn pbx_api(app: &App, client: &Client, diagnosis: &mut Diagnosis) {
    if !client.has_pbx() {
        return diagnosis.add(Check::new("pbx_api", CheckState::Skipped, "not configured"));
    }
    let pbx = match client.pbx() {
        Ok(pbx) => pbx,
        Err(error) => return diagnosis.fail("pbx_api", &error),
    };
    let domains = match app.account(None) {
        Ok(account) => client.domains(&account, false).await.unwrap_or_default(),
        Err(_) => std::sync::Arc::default(),
    };
    let Some(domain) = domains.iter().find_map(|domain| domain.name.parse().ok()) else {
        return diagnosis.add(Check::new(
            "pbx_api",
            CheckState::Skipped,
            "there is no domain to try it on",
        ));
    };
    match pbx.has_domain(&domain).await {
        Ok(_) => {
            let dial_plans = match pbx.dial_rules(&domain).await {
                Ok(_) => "dial plans can be read".to_owned(),
                Err(error) => format!(
                    "dial plans are not shown ({error}), so a person attests the dial translation rule"
                ),
            };
            diagnosis.add(Check::new(
                "pbx_api",
                CheckState::Ok,
                format!("it answers; {dial_plans}"),
            ));
        }
        Err(error) => {
            let check = Check::new("pbx_api", CheckState::Warning, error.to_string());
            diagnosis.add(check.fix(error.hint()));
        }
    }
}

async fn account(app: &App, diagnosis: &mut Diagnosis) {
    let account = match app.account(None) {
        Ok(account) => account,
        Err(error) => {
            diagnosis.fail("account", &error);
            return diagnosis.skip(&["domains"]);
        }
    };
    let domains = match app.client() {
        Ok(client) => client.domains(&account, false).await,
        Err(error) => Err(error),
    };
    match domains {
        Ok(domains) => {
            diagnosis.add(Check::new(
                "account",
                CheckState::Ok,
                format!("{account} answers"),
            ));
            diagnosis.add(match domains.len() {
                0 => Check::new(
                    "domains",
                    CheckState::Warning,
                    "the account has no PBX domains",
                )
                .fix("Check that the account id is the one that holds the customers' domains."),
                n => Check::new("domains", CheckState::Ok, format!("{n} visible")),
            });
        }
        Err(error) if account.looks_like_reseller_number() => {
            diagnosis.fail(
                "account",
                &Error::new(
                    error.code(),
                    format!("{account} looks like a reseller number, not an account id: {error}"),
                    "Give the account's UUID (SKYSWITCH_ACCOUNT_ID or `default_account_id`).",
                ),
            );
            diagnosis.skip(&["domains"]);
        }
        Err(error) => {
            diagnosis.fail("account", &error);
            diagnosis.skip(&["domains"]);
        }
    }
}

fn state_folder(app: &App, diagnosis: &mut Diagnosis) {
    let folder = StateFolder::new(&app.settings().state_dir);
    match folder.probe() {
        Ok(()) => diagnosis.add(Check::new(
            "state_folder",
            CheckState::Ok,
            format!("{} is private and writable", folder.path().display()),
        )),
        Err(error) => diagnosis.fail("state_folder", &error),
    }
}
