//! `list_destinations`, and the look whether a VIP's destination exists.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::App;
use super::page::{PageSize, page};
use crate::domain::{AccountId, Application, PbxDomain, Route};
use crate::error::Result;
use crate::redact::shown;
use crate::skyswitch::Subscriber;

/// A list of users that is this old is read again.
const FRESH: Duration = Duration::from_secs(60);
/// Names offered in place of one that does not exist.
const NEAREST: usize = 3;
/// How alike two names have to be, from 0 to 1.
const ALIKE: f64 = 0.5;

/// Whose destinations to list.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListDestinations {
    /// The customer's PBX domain, e.g. `acme.12345.service`
    #[arg(long, short)]
    pub domain: PbxDomain,
    /// Only destinations whose id or name contains this text, e.g. `front desk`
    #[arg(long, short)]
    pub query: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Rows a page, 1 to 500, e.g. `50`
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::integer")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(skip)]
    pub cursor: Option<String>,
}

/// Somewhere a VIP can ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DestinationRow {
    /// What to give as `destination`, for example `101`.
    pub destination: String,
    /// What to give as `application`: `user` or `device`.
    pub application: String,
    /// The name shown, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// `person`, `device`, or the service's word for what is neither, for example `system-queue`.
    pub kind: String,
}

/// The destinations found, users before devices, each ordered by id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DestinationList {
    /// The account that was asked.
    pub account_id: String,
    /// The domain.
    pub domain: String,
    /// The destinations of this page.
    pub destinations: Vec<DestinationRow>,
    /// Destinations on this page.
    pub count: usize,
    /// Destinations that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
    /// What is not shown, such as devices without the PBX API.
    pub warnings: Vec<String>,
}

/// Lists where VIPs of a domain can ring: its users, and its devices where the
/// PBX API shows them.
///
/// # Errors
/// `invalid_argument` for a foreign cursor; `not_configured`; the service's errors.
pub async fn list_destinations(
    app: &App,
    args: &ListDestinations,
    size: PageSize,
) -> Result<DestinationList> {
    let account = app.account(args.account_id.as_ref())?;
    let client = app.client()?;
    let users = client
        .subscribers(&account, &args.domain, Duration::ZERO)
        .await?;
    let mut warnings = Vec::new();
    let mut rows: Vec<DestinationRow> = users
        .iter()
        .filter(|user| !user.is_ani_user() && !user.is_system_user())
        .map(of_user)
        .collect();
    match client.pbx() {
        Ok(pbx) => match pbx.domain_devices(&args.domain).await {
            Ok(devices) => rows.extend(devices.iter().map(|device| of_device(device))),
            Err(error) => warnings.push(format!("the domain's devices are not shown: {error}")),
        },
        Err(_) => warnings.push("devices are not listed: the PBX API is not configured".to_owned()),
    }
    let query = args.query.as_deref().unwrap_or("").trim().to_lowercase();
    let contains = |text: &str| text.to_lowercase().contains(&query);
    rows.retain(|row| contains(&row.destination) || row.name.as_deref().is_some_and(contains));
    // The cursor compares in this order: users before devices.
    rows.sort_by_key(position);
    let page = page(&rows, size, args.cursor.as_deref(), position)?;
    Ok(DestinationList {
        account_id: account.to_string(),
        domain: args.domain.to_string(),
        count: page.rows.len(),
        total: rows.len(),
        destinations: page.rows,
        next_cursor: page.next_cursor,
        warnings,
    })
}

fn position(row: &DestinationRow) -> Vec<String> {
    let rank = if row.application == "user" { "0" } else { "1" };
    vec![rank.to_owned(), row.destination.clone()]
}

fn of_user(user: &Subscriber) -> DestinationRow {
    DestinationRow {
        destination: user.user.clone(),
        application: "user".to_owned(),
        name: user.name.as_deref().map(|name| shown(name, 100)),
        kind: user
            .service_code
            .as_deref()
            .map_or("person".to_owned(), |code| shown(code, 40)),
    }
}

fn of_device(device: &str) -> DestinationRow {
    DestinationRow {
        destination: device_name(device).to_owned(),
        application: "device".to_owned(),
        name: None,
        kind: "device".to_owned(),
    }
}

impl App {
    /// A warning where a rule's destination does not exist in its domain, with
    /// the names that come near. One list of users serves a minute.
    ///
    /// A list that cannot be read gives no warning: the look is a courtesy,
    /// and does not stand in the way of the change.
    pub(super) async fn destination_warning(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        wanted: &Route,
    ) -> Option<String> {
        let wanted = [wanted];
        let warnings = self.destination_warnings(account, domain, &wanted).await;
        warnings.into_iter().next().map(|(_, warning)| warning)
    }

    /// The same for many rules, with the position of each that is warned of.
    pub(super) async fn destination_warnings(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        wanted: &[&Route],
    ) -> Vec<(usize, String)> {
        if !self.settings().check_destinations {
            return Vec::new();
        }
        let of_kind = |application: &Application| {
            wanted.iter().any(|route| route.application == *application)
        };
        let users = match of_kind(&Application::User) {
            true => self.known_users(account, domain).await,
            false => None,
        };
        let devices = match of_kind(&Application::Device) {
            true => self.known_devices(domain).await,
            false => None,
        };
        let mut warnings = Vec::new();
        for (position, route) in wanted.iter().enumerate() {
            let known = match route.application {
                Application::User => users.as_ref(),
                Application::Device => devices.as_ref(),
                _ => None,
            };
            let warning = known.and_then(|known| known.miss(route, domain));
            warnings.extend(warning.map(|warning| (position, warning)));
        }
        warnings
    }

    async fn known_users(&self, account: &AccountId, domain: &PbxDomain) -> Option<Known> {
        let users = self
            .client()
            .ok()?
            .subscribers(account, domain, FRESH)
            .await
            .ok()?;
        let of_user = |user: &Subscriber| (user.user.clone(), user.name.clone());
        let (machinery, people): (Vec<_>, Vec<_>) = users
            .iter()
            .partition(|user| user.is_system_user() || user.is_ani_user());
        Some(Known {
            kind: "user",
            names: people.into_iter().map(of_user).collect(),
            never_offered: machinery
                .into_iter()
                .map(|user| user.user.clone())
                .collect(),
        })
    }

    async fn known_devices(&self, domain: &PbxDomain) -> Option<Known> {
        let pbx = self.client().ok()?.pbx().ok()?;
        let devices = pbx.domain_devices(domain).await.ok()?;
        let names = devices
            .iter()
            .map(|device| (device_name(device).to_owned(), None));
        Some(Known {
            kind: "device",
            names: names.collect(),
            never_offered: Vec::new(),
        })
    }
}

/// What exists in a domain: ids, and names where there are some.
struct Known {
    kind: &'static str,
    names: Vec<(String, Option<String>)>,
    /// Ids that exist, and that nobody means.
    never_offered: Vec<String>,
}

impl Known {
    fn miss(&self, route: &Route, domain: &PbxDomain) -> Option<String> {
        let given = device_name(route.destination.bare_for(&route.application));
        let (id, host) = match given.split_once('@') {
            Some((id, host)) => (id, Some(host)),
            None => (given, None),
        };
        // A user of another domain is not ours to look for.
        if host.is_some_and(|host| !domain.is(host)) {
            return None;
        }
        let names = self.names.iter().map(|(known, _)| known);
        let exists = names
            .chain(&self.never_offered)
            .any(|known| known.eq_ignore_ascii_case(id));
        if exists {
            return None;
        }
        let nearest = nearest(&self.names, id);
        let hint = match nearest.is_empty() {
            true => "list_destinations (`skyswitch destinations`) shows those that do".to_owned(),
            false => format!("nearest: {}", nearest.join(", ")),
        };
        Some(format!(
            "{} \"{}\" does not exist in {domain}, so this caller would ring nowhere; {hint}",
            self.kind,
            shown(id, 80)
        ))
    }
}

/// The users whose id or name comes nearest to what was given.
pub(super) fn nearest_users(users: &[Subscriber], wanted: &str) -> Vec<String> {
    let people = users
        .iter()
        .filter(|user| !user.is_system_user() && !user.is_ani_user());
    let names: Vec<_> = people
        .map(|user| (user.user.clone(), user.name.clone()))
        .collect();
    nearest(&names, wanted)
}

/// The ids whose spelling or name comes nearest.
fn nearest(names: &[(String, Option<String>)], wanted: &str) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let alike = |text: &str| strsim::normalized_damerau_levenshtein(&text.to_lowercase(), &wanted);
    let mut scored: Vec<(f64, &String, Option<&String>)> = names
        .iter()
        .map(|(id, name)| {
            let words = name.iter().flat_map(|name| name.split_whitespace());
            let by_name = words.map(alike).fold(0.0, f64::max);
            (alike(id).max(by_name), id, name.as_ref())
        })
        .filter(|(score, ..)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(NEAREST)
        .map(|(_, id, name)| match name {
            Some(name) => format!("{} ({})", shown(id, 40), shown(name, 60)),
            None => shown(id, 40),
        })
        .collect()
}

/// `101a` in `sip:101a@acme.12345.service`, and a plain name as it is.
fn device_name(device: &str) -> &str {
    match device.strip_prefix("sip:") {
        Some(rest) => rest.split('@').next().unwrap_or(rest),
        None => device,
    }
}
