//! `setup_checklist`: what a domain needs before a VIP list works, in the
//! order that keeps every caller's line open.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::evidence::{Customer, Evidence};
use crate::ops::onboarding::remembered::tell_of_ticket;
use crate::ops::onboarding::steps::{Step, Steps};
use crate::ops::onboarding::ticket::Ticket;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, CustomerKey, DestinationKey, PhoneNumber, SetupStep};
use skyswitch_guard::Author;

/// Which domain to look at, and what to put into the ticket.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct SetupChecklist {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The customer's own phone number (DID) that callers dial, e.g. `6165550100`
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Where callers who are not VIPs go, for the support ticket, e.g. `100`, `Front Desk`
    #[arg(long)]
    pub fallback_destination: Option<DestinationKey>,
}

/// The state of a domain's setup.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Checklist {
    /// The domain it is about.
    pub domain: String,
    /// Whether every step before `manage_vips` is verified or attested.
    pub ready: bool,
    /// The steps in the order in which they must be done.
    pub steps: Vec<Step>,
    /// Name of the first step that is not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_step: Option<SetupStep>,
    /// The ticket that asks SkySwitch for the dial translation rule, as long as
    /// the rule is neither verified nor attested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_ticket: Option<Ticket>,
    /// Whose name the fallback destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// What goes wrong if the order is not kept, or is going wrong right now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What is doubtful about the fallback destination that was given, and what
    /// could not be looked at.
    pub warnings: Vec<String>,
}

const DROPPED_CALLERS: &str = "Without the dial translation rule only VIP callers get through: every other \
     caller is dropped. Never point the customer's number (DID) at the Route by ANI user before \
     SkySwitch has confirmed the rule in writing, and make a test call from a number that is not a VIP right after.";

/// Reads what the APIs show of a domain's setup, and what was attested.
///
/// # Errors
/// `not_found` for a short name of no customer; `not_configured`; the service's
/// errors.
pub async fn setup_checklist(app: &App, args: &SetupChecklist) -> Result<Checklist> {
    // Who has set nothing at all is told of the credentials first.
    app.client()?;
    let account = app.account(args.account_id.as_ref())?;
    let customer = Customer {
        domain: app.domain_of(&account, &args.domain).await?,
        account,
        did: args.did.clone(),
        extension: None,
    };
    let evidence = app.evidence(&customer).await?;
    let (account, domain) = (&customer.account, &customer.domain);
    let given = args.fallback_destination.as_ref();
    let taken = app.fallback_named(account, domain, given).await?;
    let given = taken.as_ref().map(|taken| &taken.destination);
    if app.author() == Author::Person {
        app.remember_fallback(account, domain, given).await;
    }
    let fallback = app.fallback_for(account, domain, given).await;
    let mut steps = Steps::of(&customer, &evidence);
    let memory = app.remembered(account, domain).await;
    tell_of_ticket(&mut steps.0, memory.as_ref());
    Ok(Checklist {
        domain: customer.domain.to_string(),
        ready: steps.is_ready(),
        next_step: steps.next(),
        support_ticket: (steps.needs_ticket() && evidence.domain_exists())
            .then(|| Ticket::of(&customer, fallback.as_ref(), evidence.numbers_too_early())),
        warning: warning(&steps, &evidence),
        warnings: evidence
            .notes()
            .chain(
                fallback
                    .iter()
                    .filter_map(|fallback| evidence.doubt_of(&customer.domain, fallback)),
            )
            .collect(),
        steps: steps.0,
        named: taken.and_then(|taken| taken.named),
    })
}

/// The alarm where callers may be being dropped, else the reminder of the order.
fn warning(steps: &Steps, evidence: &Evidence) -> Option<String> {
    let alarm = evidence.alarm().map(|alarm| alarm.words);
    alarm.or_else(|| (!steps.is_ready()).then(|| DROPPED_CALLERS.to_owned()))
}
