//! `onboarding_status`: all customers of the account in one table, those whose
//! callers are being dropped first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::PageSize;
use crate::ops::customer::Unknown;
use crate::ops::customer::is_reseller_admin;
use crate::ops::onboarding::customer_row::StatusReader;
use crate::ops::onboarding::remembered::waits;
use crate::ops::onboarding::stage::{Stage, StageFilter};
use crate::ops::page::{Query, page};
use crate::ops::progress::Progress;
use crate::ops::write::journal::now;
use skyswitch_client::Domain;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, Extension, PbxDomain, SetupStep};
use skyswitch_guard::store::{Attestation, SetupMemory};

/// Customers read at the same time.
const AT_ONCE: usize = 16;

/// Which customers to show.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct StatusQuery {
    /// Only domains whose name or description contains this text, e.g. `bakery`
    #[arg(long, short)]
    pub query: Option<String>,
    /// Only customers at this stage, e.g. `route_did`: `alarm` (alarms and what could not be verified), `unread`, `create_domain`, `dial_translation_rule`, `route_by_ani_user`, `route_did`, `manage_vips` (the step that they wait for), `live` or `not_started`
    #[arg(long)]
    pub stage: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Read every dial plan again, also those read within the last hour
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub fresh: Option<bool>,
    /// Rows shown, 1 to 500, e.g. `50`; alarms come first
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page
    #[arg(skip)]
    pub cursor: Option<String>,
}

/// A customer and how far the setup is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct CustomerRow {
    /// The customer's PBX domain.
    pub domain: String,
    /// Free text of whoever created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `not_started`, the step that is waited for, `live`, or `unread`.
    #[schemars(with = "String")]
    pub stage: Stage,
    /// Whether numbers go to the Route by ANI user although nobody knows that callers who are not VIPs reach anybody.
    pub alarm: bool,
    /// Whether the dial plan was read and shows that those callers are being dropped right now.
    pub dropping: bool,
    /// Whether that could not be told just now: the PBX login failed, or the customer could not be read.
    pub unverified: bool,
    /// What is known of the step that is waited for, or what is wrong, in plain words.
    pub waits_for: String,
    /// How long the customer waits for SkySwitch to answer the support ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// How many VIP rules the customer has.
    pub vips: usize,
    /// Numbers that go to the Route by ANI user.
    pub dids: Vec<String>,
    /// When the dial plan was read, where that was not for this answer but within the hour before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_plan_read_at: Option<String>,
}

/// How many customers are at a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct StageCount {
    /// The stage.
    #[schemars(with = "String")]
    pub stage: Stage,
    /// Customers at it.
    pub count: usize,
}

/// All customers in one table.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SetupStatus {
    /// The account that was asked.
    pub account_id: String,
    /// Customers whose callers may be being dropped right now: nobody knows that they reach anybody.
    pub alarms: usize,
    /// Customers of these whose dial plan shows that they are.
    pub dropping: usize,
    /// Customers of whom it could not be told just now whether they lose calls.
    pub unverified: usize,
    /// The customers: alarms first, then by stage and name.
    pub customers: Vec<CustomerRow>,
    /// Customers on this page.
    pub count: usize,
    /// Customers that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Customers of these whose dial plan was read within the last hour and not again; `fresh` reads it.
    pub read_earlier: usize,
    /// Customers without VIP rules whose numbers were not followed; `fresh` follows them.
    #[serde(skip)]
    pub not_followed: usize,
    /// Customers that have VIP rules and are not in the account's list of domains.
    #[serde(skip)]
    pub not_listed: usize,
    /// How many customers are at which stage, those of other stages included.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub stages: Vec<StageCount>,
    /// VIP rules that end within a week, or should have ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<String>,
}

/// Reads every customer: users, numbers, VIP rules, attestations and, where
/// the PBX API shows it, the dial plan.
///
/// It takes one read for all VIP rules, one or two for each customer, and one
/// of the dial plan for each that has a Route by ANI user. A dial plan that
/// showed the rule within the last hour is not read again unless `fresh` is set.
/// Of the users' devices nothing is read; `setup_checklist` does that. Where the
/// PBX API is configured, the answering rules of a Route by ANI user that numbers
/// go to are read with the dial plan. Where none is known that numbers go to, it
/// is looked for one of another name by where the numbers go: for customers with
/// VIP rules, and for a limited number of others unless `fresh` is set.
///
/// # Errors
/// `not_found` where the query is in no customer's name; `not_configured`; the
/// service's errors where the account itself cannot be read. A customer who cannot be read is a row of its own.
pub async fn onboarding_status(
    app: &App,
    args: &StatusQuery,
    size: PageSize,
    progress: &dyn Progress,
) -> Result<SetupStatus> {
    let account = app.account(args.account_id.as_ref())?;
    let stage = args.stage.as_deref().map(str::parse::<StageFilter>);
    let stage = stage
        .transpose()
        .map_err(|refused| refused.into_error("stage"))?;
    let client = app.client()?;
    let (domains, routes, attestations, login_refused) = tokio::join!(
        // Not the cached list: a customer who was created today may be losing calls, too.
        client.domains(&account, true),
        app.listed_rules(&account, None),
        app.attestations(&account, None),
        app.pbx_refuses_login(),
    );
    let (domains, routes, attestations) = (domains?, routes?, attestations?);
    let mut vips = BTreeMap::<String, usize>::new();
    for route in routes.iter() {
        *vips.entry(route.key.domain.to_lowercase()).or_default() += 1;
    }
    let query = Query::of(args.query.as_deref());
    // Whoever has VIP rules is a customer, also where the list of domains lacks them.
    let listed: HashSet<String> = domains.iter().map(|it| it.name.to_lowercase()).collect();
    let not_listed = vips.keys().filter(|name| !listed.contains(*name));
    let not_listed: Vec<Domain> = not_listed.map(Domain::named).collect();
    let is_asked = |domain: &&Domain| {
        !is_reseller_admin(&domain.name) && query.is_in(&domain.name, domain.description.as_deref())
    };
    let customers: Vec<_> = domains
        .iter()
        .chain(&not_listed)
        .filter(is_asked)
        .cloned()
        .collect();
    // Nothing found must not pass for no alarm.
    if let (true, Some(text)) = (customers.is_empty(), &args.query) {
        let unknown = Error::from(Unknown::among(&domains, text));
        return Err(unknown.with_field("query"));
    }
    let names = customers
        .iter()
        .map(|customer| customer.name.to_lowercase());
    let names: HashSet<String> = names.collect();
    // Looked through for each of the customers, these would be what takes the time.
    let mut attested = HashMap::<String, Vec<Attestation>>::new();
    for entry in attestations {
        let of_domain = attested.entry(entry.domain.to_lowercase()).or_default();
        of_domain.push(entry);
    }
    let mut routed = HashMap::<PbxDomain, Vec<(PbxDomain, Extension)>>::new();
    for (domain, user) in app.routed_users(&account).await? {
        let of_domain = routed.entry(domain.clone()).or_default();
        of_domain.push((domain, user));
    }
    let reader = StatusReader {
        app,
        account: &account,
        vips,
        attestations: attested,
        routed_users: routed,
        fresh: args.fresh == Some(true),
        login_refused,
        plans_not_shown: AtomicUsize::new(0),
        plans_shown: AtomicBool::new(false),
        looked_further: AtomicUsize::new(0),
        not_followed: AtomicUsize::new(0),
    };
    let reader = &reader;
    let total = customers.len();
    progress.report(0, total, "reading the customers");
    let mut reading = stream::iter(customers)
        .map(|domain| reader.read(domain))
        .buffer_unordered(AT_ONCE);
    let mut read = Vec::with_capacity(total);
    while let Some(customer) = reading.next().await {
        read.push(customer);
        progress.report(read.len(), total, "reading the customers");
    }
    let absence_counts = app.absence_counts().await?;
    let memories = app.all_remembered(&account).await;
    let memories = memories.iter().rev();
    let memories: HashMap<String, &SetupMemory> = memories
        .map(|memory| (memory.domain.to_lowercase(), memory))
        .collect();
    let rows = read.into_iter();
    let rows = rows
        .map(|customer| customer.judged(absence_counts))
        .map(|row| with_ticket(row, &memories))
        .collect();
    let table = table(&account, rows, stage, size, args.cursor.as_deref())?;
    Ok(SetupStatus {
        not_followed: reader.not_followed.load(Ordering::Relaxed),
        ends: app
            .ends_soon(&account, &routes, |domain| {
                names.contains(&domain.to_lowercase())
            })
            .await,
        not_listed: not_listed.iter().filter(is_asked).count(),
        ..table
    })
}

/// The row, with how long the customer waits for SkySwitch to answer the ticket.
fn with_ticket(mut row: CustomerRow, memories: &HashMap<String, &SetupMemory>) -> CustomerRow {
    let asks_for_rule = Stage::Waits(SetupStep::DialTranslationRule);
    if [Stage::NotStarted, asks_for_rule].contains(&row.stage) {
        let memory = memories.get(&row.domain.to_lowercase());
        row.ticket = waits(memory.copied(), now());
    }
    row
}

fn table(
    account: &AccountId,
    mut rows: Vec<CustomerRow>,
    stage: Option<StageFilter>,
    size: PageSize,
    cursor: Option<&str>,
) -> Result<SetupStatus> {
    let stages = Stage::ALL.map(|stage| StageCount {
        stage,
        count: rows.iter().filter(|row| row.stage == stage).count(),
    });
    let alarms = rows.iter().filter(|row| row.alarm).count();
    let dropping = rows.iter().filter(|row| row.dropping).count();
    let unverified = rows.iter().filter(|row| row.unverified).count();
    rows.retain(|row| match stage {
        None => true,
        Some(StageFilter::Alarm) => row.alarm || row.unverified,
        Some(StageFilter::At(stage)) => row.stage == stage,
    });
    let position = |row: &CustomerRow| {
        let calm =
            [!row.dropping, !row.alarm, !row.unverified].map(|calm| if calm { "1" } else { "0" });
        let urgency = format!("{}{}", calm.concat(), row.stage.rank());
        vec![urgency, row.domain.clone()]
    };
    rows.sort_by_key(position);
    let total = rows.len();
    let was_earlier = |row: &&CustomerRow| row.dial_plan_read_at.is_some();
    let read_earlier = rows.iter().filter(was_earlier).count();
    let page = page(
        "onboarding_status",
        &rows,
        size,
        cursor,
        position,
        CustomerRow::clone,
    )?;
    Ok(SetupStatus {
        account_id: account.to_string(),
        alarms,
        dropping,
        unverified,
        count: page.rows.len(),
        total,
        next_cursor: page.next_cursor,
        read_earlier,
        not_followed: 0,
        not_listed: 0,
        customers: page.rows,
        stages: stages.into_iter().filter(|at| at.count > 0).collect(),
        ends: Vec::new(),
    })
}
