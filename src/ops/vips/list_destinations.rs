//! `list_destinations`: where the calls of a customer's VIPs can go.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::dial_plan::DOMAIN_USER;
use crate::ops::page::{PageSize, Query, page};
use crate::ops::vips::destinations::device_name;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, CustomerKey};

/// Whose destinations to list.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListDestinations {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Only destinations whose id or name contains this text, e.g. `front desk`
    #[arg(long, short)]
    pub query: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Rows a page, 1 to 500, e.g. `50`
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(skip)]
    pub cursor: Option<String>,
}

/// Somewhere a VIP's calls can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DestinationRow {
    /// What to give as `destination`, for example `101`.
    pub destination: String,
    /// What to give as `application`: `user` or `device`.
    pub application: String,
    /// The name shown, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `person`, `queue`, `attendant`, `device`, `system user`, or the service's word for another kind.
    pub kind: String,
}

/// The destinations found, users before devices, each ordered by id.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What is not shown, such as devices without the PBX API.
    pub warnings: Vec<String>,
}

/// Lists where the calls of a domain's VIPs can go: its people, queues, attendants and
/// system users, and its devices where the PBX API shows them. The Route by ANI user and
/// the one that holds the domain's defaults are left out.
///
/// # Errors
/// `not_found` for an unknown customer; `invalid_argument` for a foreign cursor;
/// `not_configured`; the service's errors.
pub async fn list_destinations(
    app: &App,
    args: &ListDestinations,
    size: PageSize,
) -> Result<DestinationList> {
    let account = app.account(args.account_id.as_ref())?;
    let client = app.client()?;
    let domain = app.domain_of(&account, &args.domain).await?;
    let users = client
        .subscribers(&account, &domain, Duration::ZERO)
        .await?;
    let mut warnings = Vec::new();
    if users.is_empty() {
        warnings.extend(app.refuse_unknown(&account, &domain).await?);
    }
    let mut rows: Vec<DestinationRow> = users
        .iter()
        .filter(|user| !user.is_ani_user() && !user.user.eq_ignore_ascii_case(DOMAIN_USER))
        .map(of_user)
        .collect();
    match client.pbx() {
        Ok(pbx) => match pbx.domain_devices(&domain).await {
            Ok(devices) => rows.extend(devices.iter().map(String::as_str).map(of_device)),
            Err(error) => warnings.push(format!("the domain's devices are not shown: {error}")),
        },
        Err(_) => warnings.push("devices are not listed: the PBX API is not configured".to_owned()),
    }
    let query = Query::of(args.query.as_deref());
    rows.retain(|row| query.is_in(&row.destination, row.name.as_deref()));
    // The cursor compares in this order: users before devices.
    rows.sort_by_key(position);
    let cursor = args.cursor.as_deref();
    let page = page(
        "list_destinations",
        &rows,
        size,
        cursor,
        position,
        DestinationRow::clone,
    )?;
    Ok(DestinationList {
        account_id: account.to_string(),
        domain: domain.to_string(),
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
        kind: kind(user.service_code.as_deref().unwrap_or_default()),
    }
}

/// A service code in plain words. A system user may be somebody's ordinary
/// extension that is hidden in the portal.
fn kind(service_code: &str) -> String {
    match service_code.trim() {
        "" => "person".to_owned(),
        "system-queue" => "queue".to_owned(),
        "system-aa" => "attendant".to_owned(),
        "system-user" => "system user".to_owned(),
        other => shown(other.strip_prefix("system-").unwrap_or(other), 40),
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
