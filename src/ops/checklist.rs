//! `setup_checklist`: what a domain needs before a VIP list works, in the
//! order that keeps every caller's line open.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::App;
use crate::domain::{AccountId, Destination, PbxDomain, PhoneNumber};
use crate::error::Result;
use crate::redact::shown;

/// Which domain to look at, and what to put into the ticket.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct SetupChecklist {
    /// The customer's PBX domain, e.g. `acme.12345.service`
    #[arg(long, short)]
    pub domain: PbxDomain,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The customer's own phone number (DID) that callers dial, e.g. `6165550100`
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Where callers who are not VIPs shall go, e.g. `100`; goes into the support ticket
    #[arg(long)]
    pub fallback_destination: Option<Destination>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StepState {
    /// The service shows that it is done.
    Done,
    /// The service shows that it is not done.
    Todo,
    /// An earlier step has to come first.
    Blocked,
    /// The service shows neither; a person has to look.
    Unknown,
}

/// One step of the set-up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Step {
    /// The step's name, for example `dial_translation_rule`.
    pub id: String,
    /// The step in a few words.
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// What the service showed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evidence: Option<String>,
    /// What to do, unless it is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    /// Whether doing later steps without this one drops callers.
    pub blocker: bool,
}

/// A support ticket, ready to be sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Ticket {
    /// Its subject line.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// The state of a domain's set-up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Checklist {
    /// The domain it is about.
    pub domain: String,
    /// Whether every step before `manage_vips` is known to be done.
    pub ready: bool,
    /// The steps in the order in which they must be done.
    pub steps: Vec<Step>,
    /// Name of the first step that is not done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_step: Option<String>,
    /// The ticket that asks SkySwitch for the dial translation rule.
    pub support_ticket: Ticket,
    /// What goes wrong if the order is not kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warning: Option<String>,
}

const DROPPED_CALLERS: &str = "Without the dial translation rule only VIP callers get through: every other \
     caller is dropped. Never point the customer's number (DID) at the route_by_ani user before \
     SkySwitch has confirmed the rule and a test call from a number that is not a VIP has rung.";

/// Reads what the service can show of a domain's set-up.
///
/// # Errors
/// `not_configured`; the service's errors.
pub async fn setup_checklist(app: &App, args: &SetupChecklist) -> Result<Checklist> {
    let client = app.client()?;
    let account = app.account(args.account_id.as_ref())?;
    let is_listed = async |refresh: bool| -> Result<bool> {
        let domains = client.domains(&account, refresh).await?;
        Ok(domains.iter().any(|domain| args.domain.is(&domain.name)))
    };
    // The service's list is cached: a domain created a moment ago shows only on demand.
    let exists = is_listed(false).await? || is_listed(true).await?;
    let vips = match exists {
        true => client.routes(&account, Some(&args.domain)).await?.len(),
        false => 0,
    };
    let steps = steps(args, exists, vips);
    let before_vips = &steps[..steps.len() - 1];
    let ready = before_vips.iter().all(|step| step.state == StepState::Done);
    Ok(Checklist {
        domain: args.domain.to_string(),
        ready,
        next_step: steps
            .iter()
            .find(|step| step.state != StepState::Done)
            .map(|step| step.id.clone()),
        support_ticket: ticket(args),
        warning: (!ready).then(|| DROPPED_CALLERS.to_owned()),
        steps,
    })
}

fn steps(args: &SetupChecklist, exists: bool, vips: usize) -> Vec<Step> {
    let domain = &args.domain;
    let did = args
        .did
        .as_ref()
        .map_or("the customer's number (DID)".to_owned(), |did| {
            did.to_string()
        });
    let unseen = |what: &str| match exists {
        true => (
            StepState::Unknown,
            format!("The API read here does not show {what}."),
        ),
        false => (
            StepState::Blocked,
            format!("The domain {domain} does not exist yet."),
        ),
    };
    let step =
        |id: &str, title: &str, (state, evidence): (StepState, String), action: String| Step {
            id: id.to_owned(),
            title: title.to_owned(),
            state,
            evidence: Some(evidence),
            action: (state != StepState::Done).then_some(action),
            blocker: id == "dial_translation_rule",
        };
    vec![
        step(
            "create_domain",
            "Create the PBX domain",
            match exists {
                true => (StepState::Done, format!("{domain} is among the account's PBX domains.")),
                false => (StepState::Todo, format!("{domain} is not among the account's PBX domains, newly read.")),
            },
            "Create the PBX domain in the SkySwitch portal. Check the name twice: it cannot be changed, and the \
             name of a deleted domain can never be used again. list_domains shows the domains that exist."
                .to_owned(),
        ),
        step(
            "dial_translation_rule",
            "Have SkySwitch add the dial translation rule for callers who are not VIPs",
            unseen("dial translation rules"),
            "Send the support ticket below and wait for SkySwitch's answer (allow one business day). Then call in \
             from a number that is not a VIP: it must ring the fallback destination. Do nothing to the DID before that."
                .to_owned(),
        ),
        step(
            "route_by_ani_user",
            "Create the route_by_ani user",
            unseen("the user's devices, voicemail and answering rules"),
            format!(
                "In the portal, in {domain}: add a user named \"Route By ANI\" with no device; voicemail off; one \
                 answering rule for all times: Forward Always to `route_by_ani`."
            ),
        ),
        step(
            "route_did",
            "Point the customer's number at the route_by_ani user",
            unseen("where the DID is routed"),
            format!(
                "Only after the dial translation rule is confirmed: in the portal, route {did} to the route_by_ani \
                 user of {domain} (treatment: user). Note the old route first, so that it can be put back."
            ),
        ),
        step(
            "manage_vips",
            "Keep the VIP list",
            match (exists, vips) {
                (false, _) => (StepState::Blocked, format!("The domain {domain} does not exist yet.")),
                (true, 0) => (StepState::Todo, "No VIP rules stand.".to_owned()),
                (true, 1) => (StepState::Done, "1 VIP rule stands.".to_owned()),
                (true, n) => (StepState::Done, format!("{n} VIP rules stand.")),
            },
            "Add VIPs with add_vip (`skyswitch vip add`). They take effect once the steps above are done.".to_owned(),
        ),
    ]
}

fn ticket(args: &SetupChecklist) -> Ticket {
    let domain = &args.domain;
    let fallback = args.fallback_destination.as_ref().map_or(
        "[extension, queue or attendant for callers who are not VIPs]".to_owned(),
        |destination| shown(destination.as_str(), 100),
    );
    let did = args.did.as_ref().map_or(String::new(), |did| {
        format!("Customer's number (DID): {did}\n")
    });
    Ticket {
        subject: format!("Dial translation rule for unmatched ANIs (Route by ANI) in {domain}"),
        body: format!(
            "Hello SkySwitch support,\n\n\
             we are setting up Route by ANI in this PBX domain:\n\n\
             Domain: {domain}\n\
             Fallback destination: {fallback}\n\
             {did}\n\
             Please add a dial translation rule that sends callers whose ANI matches no route-by-ANI rule to the \
             fallback destination above. Without it, every caller without a rule is dropped.\n\n\
             We will point the DID at the route_by_ani user only after you have confirmed the rule. We understand \
             that this takes about one business day.\n\n\
             Thank you."
        ),
    }
}
