//! `skyswitch doctor`: goes through everything a request needs, step by step;
//! `sample.rs` and `write_probe.rs` find out how the service itself behaves.

mod facts;
mod left;
mod sample;
mod trial;
mod write_probe;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::ops::customer::is_reseller_admin;
use skyswitch_client::{Client, Domain, TokenInfo};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, PbxDomain};

pub(in crate::ops) use facts::DeleteReach;
pub use facts::Fact;
pub use sample::{Sample, sample};
pub use write_probe::{WriteProbe, WriteProbeOutcome, WriteProbeStatus, write_probe};

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
    /// What was checked, for example `login`.
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

/// Every check, in order.
const CHECKS: [&str; 11] = [
    "config",
    "credentials",
    "login",
    "scopes",
    "account",
    "domains",
    "vip_rules",
    "numbers",
    "pbx_api",
    "learned",
    "state_folder",
];

/// What was seen; the check that saw it is named when it is added.
fn ok(detail: impl Into<String>) -> Check {
    Check {
        id: "",
        state: CheckState::Ok,
        detail: detail.into(),
        fix: None,
    }
}

fn skipped(detail: impl Into<String>) -> Check {
    Check {
        state: CheckState::Skipped,
        ..ok(detail)
    }
}

fn warning(detail: impl Into<String>, fix: impl Into<String>) -> Check {
    Check {
        state: CheckState::Warning,
        fix: Some(fix.into()),
        ..ok(detail)
    }
}

impl Diagnosis {
    /// Nothing is tried yet.
    fn new() -> Diagnosis {
        let not_tried = |id| Check {
            id,
            ..skipped("not tried")
        };
        Diagnosis {
            ok: true,
            checks: CHECKS.map(not_tried).into(),
            first_failure: None,
        }
    }

    /// Records what a check found, and says whether it did not fail.
    fn add(&mut self, id: &str, result: Result<Check>) -> bool {
        let is_ok = result.is_ok();
        let seen = result.unwrap_or_else(|error| {
            self.ok = false;
            self.first_failure.get_or_insert(error.code());
            Check {
                state: CheckState::Failed,
                ..warning(error.to_string(), error.hint())
            }
        });
        if let Some(check) = self.checks.iter_mut().find(|check| check.id == id) {
            *check = Check {
                id: check.id,
                ..seen
            };
        }
        is_ok
    }
}

/// The diagnosis where the settings themselves cannot be used.
pub fn doctor_without_settings(error: &Error) -> Diagnosis {
    let mut diagnosis = Diagnosis::new();
    diagnosis.add("config", Err(error.clone()));
    diagnosis
}

/// Checks configuration, login, scopes, account, domains, VIP rules, numbers,
/// PBX API and state folder, and tells what write probes have learned, and what an
/// interrupted one has left. What
/// builds on a check that failed is not tried.
/// Never fails itself: failures are its result.
pub async fn doctor(app: &App) -> Diagnosis {
    let mut diagnosis = Diagnosis::new();
    diagnosis.add("config", Ok(config(app)));
    if diagnosis.add("credentials", credentials(app).await) {
        match app.client() {
            Ok(client) => service(app, client, &mut diagnosis).await,
            Err(error) => _ = diagnosis.add("login", Err(error)),
        }
    }
    diagnosis.add("learned", learned(app).await);
    diagnosis.add("state_folder", state_folder(app).await);
    diagnosis
}

async fn service(app: &App, client: &Client, diagnosis: &mut Diagnosis) {
    if !diagnosis.add("login", login(app, client).await) {
        return;
    }
    diagnosis.add("scopes", scopes(client).await);
    let domains = match domains(app, client).await {
        Ok((account, domains)) => {
            diagnosis.add("account", Ok(ok(format!("{account} answers"))));
            diagnosis.add("domains", Ok(visible(&domains)));
            diagnosis.add("vip_rules", vip_rules(app, &account, &domains).await);
            let left = left::left_by_probes(app, &account).await;
            diagnosis.checks.extend(left);
            domains
        }
        Err(error) => {
            diagnosis.add("account", Err(error));
            Arc::default()
        }
    };
    diagnosis.add("numbers", Ok(numbers(client).await));
    diagnosis.add("pbx_api", pbx_api(client, &domains).await);
}

fn config(app: &App) -> Check {
    let settings = app.settings();
    let path = settings.config_path.display();
    match settings.warnings.as_slice() {
        _ if settings.sandbox => ok("the embedded sandbox needs none"),
        [] if settings.config_found => ok(format!("{path} is used")),
        [] => ok(format!(
            "{path} does not exist; the environment alone is used"
        )),
        warnings => warning(
            warnings.join("; "),
            "Keep the file private and its field names as docs/guides/settings.md lists them.",
        ),
    }
}

async fn credentials(app: &App) -> Result<Check> {
    let source = app.settings().credentials.as_ref();
    source.map_err(Error::clone)?.read().await?;
    Ok(ok(
        "client_id, client_secret, username and password are set",
    ))
}

async fn login(app: &App, client: &Client) -> Result<Check> {
    client.token(false).await?;
    Ok(ok(format!("accepted by {}", app.settings().base_url)))
}

fn granted(info: &TokenInfo) -> String {
    shown(&info.scopes.join(" "), 300)
}

fn not_granted(scope: &str, info: &TokenInfo) -> String {
    let granted = granted(info);
    format!("the scope `{scope}` is not among those granted: {granted}")
}

const NOT_SHOWN: &str = "this service does not show which scopes are granted";

async fn scopes(client: &Client) -> Result<Check> {
    let Some(info) = client.token_info().await? else {
        return Ok(skipped(NOT_SHOWN));
    };
    match info.grants("pbx") {
        true => Ok(ok(format!("granted: {}", granted(&info)))),
        false => Err(Error::new(
            Code::Forbidden,
            not_granted("pbx", &info),
            "Ask SkySwitch for the scope `pbx` for this client, and keep it in `scope` (SKYSWITCH_SCOPE).",
        )),
    }
}

/// The domains of the account, which exists where they can be read.
async fn domains(app: &App, client: &Client) -> Result<(AccountId, Arc<Vec<Domain>>)> {
    let account = app.account(None)?;
    match client.domains(&account, true).await {
        Ok(domains) => Ok((account, domains)),
        Err(error) if account.looks_like_reseller_number() => Err(Error::new(
            error.code(),
            format!("{account} looks like a reseller number, not an account id: {error}"),
            "Give the account's UUID (SKYSWITCH_ACCOUNT_ID or `default_account_id`).",
        )),
        Err(error) => Err(error),
    }
}

fn visible(domains: &[Domain]) -> Check {
    match domains.len() {
        0 => warning(
            "the account has no PBX domains",
            "Check that the account id is the one that holds the customers' domains.",
        ),
        _ => {
            let own = |domain: &&Domain| is_reseller_admin(&domain.name);
            let own = domains.iter().filter(own).count();
            let beside = match own {
                0 => String::new(),
                own => format!(", and {} of the reseller's own", counted(own, "domain")),
            };
            let customers = counted(domains.len() - own, "customer");
            ok(format!("{customers} visible{beside}"))
        }
    }
}

fn first_of(domains: &[Domain]) -> Option<PbxDomain> {
    domains.iter().find_map(|domain| domain.name.parse().ok())
}

/// Customers whose VIP rules are tried, until one has some.
const TRIED: usize = 3;

/// Whether the VIP rules of a customer can be read. Nothing works without.
async fn vip_rules(app: &App, account: &AccountId, domains: &[Domain]) -> Result<Check> {
    // A customer without rules proves little: an empty list can be read in any form.
    let all = app.listed_rules(account, None).await;
    let with_rules = all
        .iter()
        .flat_map(|rules| rules.iter())
        .find_map(|rule| rule.key.domain.parse().ok());
    let customers = domains.iter().filter_map(|domain| domain.name.parse().ok());
    let customers = customers.filter(|domain: &PbxDomain| !is_reseller_admin(domain.as_str()));
    let tried: Vec<PbxDomain> = with_rules.into_iter().chain(customers).collect();
    let mut empty = None;
    for domain in tried.into_iter().take(TRIED) {
        let rules = app.listed_rules(account, Some(&domain)).await?;
        match rules.len() {
            0 => empty = empty.or(Some(domain)),
            rules => {
                return Ok(ok(format!(
                    "VIP rules of {domain} that can be read: {rules}"
                )));
            }
        }
    }
    Ok(match empty {
        Some(domain) => ok(format!(
            "the list of {domain} can be read; no VIP rule was found"
        )),
        None => skipped("there is no customer to read them of"),
    })
}

/// What numbers and onboarding need beyond VIP lists: a warning at most.
async fn numbers(client: &Client) -> Check {
    let problem = match client.number_scopes().await {
        Ok(None) => return skipped(NOT_SHOWN),
        Ok(Some(info)) if info.grants("routing") => return ok("numbers can be read and routed"),
        Ok(Some(info)) => not_granted("routing", &info),
        Err(error) => error.to_string(),
    };
    warning(
        problem,
        "VIP lists work without; numbers, their routing and onboarding do not. Ask SkySwitch for the scopes `routing` and \
         `phone_number`, and the role Routing Manager.",
    )
}

/// Tries the PBX API, and whether it shows dial plans.
async fn pbx_api(client: &Client, domains: &[Domain]) -> Result<Check> {
    if !client.has_pbx() {
        return Ok(skipped("not configured"));
    }
    let pbx = client.pbx()?;
    let Some(domain) = first_of(domains) else {
        return Ok(skipped("there is no domain to try it on"));
    };
    if let Err(error) = pbx.has_domain(&domain).await {
        return Ok(warning(error.to_string(), error.hint()));
    }
    Ok(match pbx.dial_rules(&domain, domain.as_str()).await {
        Ok(_) => ok("it answers; dial plans can be read"),
        Err(error) => ok(format!(
            "it answers; dial plans are not shown ({error}), so a person attests the dial translation rule"
        )),
    })
}

/// What is known of how the service writes VIP rules.
async fn learned(app: &App) -> Result<Check> {
    let facts = app.learned().await?;
    let words: Vec<String> = facts.iter().map(Fact::words).collect();
    Ok(match words.is_empty() {
        true => skipped(format!(
            "nothing yet; {} tries how rules are stored",
            command_line("doctor --write-probe")
        )),
        false => ok(words.join("; ")),
    })
}

async fn state_folder(app: &App) -> Result<Check> {
    let store = app.journal().store();
    store.folder().probe()?;
    let path = store.folder().path().display();
    Ok(ok(match store.if_exists().await? {
        Some(_) => format!("{path} is private and writable, and the journal can be read"),
        None => format!("{path} is private and writable"),
    }))
}
