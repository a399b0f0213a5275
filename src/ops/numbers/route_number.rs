//! `route_number`: sends a customer's number to one of the customer's users,
//! queues or attendants, above all away from a Route by ANI user that drops callers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::numbers::route_plan::Sending;
use crate::ops::onboarding::evidence::Customer;
use crate::ops::vips::people::People;
use crate::ops::write::agree::{Asked, Attempt, Confirmation, asks_a_person};
use crate::ops::write::locks::Turn;
use crate::ops::write::send::Sent;
use skyswitch_domain::error::{Error, Refused, Result};
use skyswitch_domain::{
    AccountId, Application, Argument, CustomerKey, Destination, DestinationKey, DidRoute,
    Extension, PbxDomain, PhoneNumber,
};
use skyswitch_guard::Channel;

/// Which number goes where.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct RouteNumber {
    /// The customer's own phone number (DID), e.g. `6165550100`
    #[arg(long)]
    pub did: PhoneNumber,
    /// The user, queue or attendant that its calls go to, by extension or name, e.g. `100`, `Front Desk`
    #[arg(long, value_name = "USER")]
    pub to: DestinationKey,
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`; found by where the number goes now when left out
    #[arg(long, short)]
    pub domain: Option<CustomerKey>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The confirmation token from the previous result, unchanged, e.g. `rs1.eyJ…`
    #[arg(skip)]
    pub confirmation: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RouteStatus {
    /// The number goes there now.
    Routed,
    /// It went there already; nothing was sent.
    Unchanged,
    /// Nothing was sent; a person must agree first.
    ConfirmationRequired,
    /// The person declined; nothing was sent.
    Declined,
    /// The person did not type the value asked for; nothing was sent.
    WrongValue,
    /// The question expired before anybody answered it; nothing was sent.
    Lapsed,
    /// The question was closed without an answer; nothing was sent.
    NoAnswer,
}

asks_a_person!(RouteStatus);

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct RouteOutcome {
    /// How it ended.
    pub status: RouteStatus,
    /// The customer's PBX domain.
    pub domain: String,
    /// The number.
    pub did: String,
    /// Where it went until now, in plain words; left out where it went nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_setting: Option<String>,
    /// Where it is to go, in plain words.
    pub setting: String,
    /// The change in the journal, which can be undone, e.g. `43`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// Why `undo_change` would not put it back, where it would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_undo: Option<String>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
    /// Whose name the destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

/// Sends a number to a user, queue or attendant of its domain, with a person's
/// consent. Toward a Route by ANI user the hard block applies.
///
/// # Errors
/// `invalid_argument` for a number or user that is not the customer's;
/// `not_found`; `blocked`; the guard's and the service's errors.
pub async fn route_number(
    app: &App,
    args: &RouteNumber,
    channel: &Channel<'_>,
) -> Result<Asked<RouteOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    // What may be an id may be a name as well, so it is looked up.
    let is_id = args.to.as_given().parse::<Extension>().is_ok();
    let as_user = is_id.then_some(&Application::User);
    if let Some(exact) = args.to.unless_name(as_user).map_err(not_a_user)? {
        extension(&exact)?;
    }
    let domain = match &args.domain {
        Some(customer) => app.domain_to_change(&account, customer).await?,
        None => app.domain_of_number(&account, &args.did).await?,
    };
    let people = People::of(app, &account, &domain);
    let taken = match is_id {
        true => people.take_user("to", &args.to).await?,
        false => people.take("to", &args.to, None).await?,
    };
    let to = &extension(&taken.destination)?;
    let customer = &Customer {
        account,
        domain,
        did: Some(args.did.clone()),
        extension: None,
    };
    let sending = &Sending {
        app,
        customer,
        did: &args.did,
        to,
    };
    let turn = Turn::Setup(&customer.account, &customer.domain);
    let attempt = Attempt::new(app, channel, turn);
    let asked = attempt.carry_out(None, sending, || sending.plan()).await?;
    let (found, agreement) = match asked {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let sent = agreement.reached();
    let change_id = sent.and_then(Sent::id);
    let mut warnings = found.notes;
    warnings.extend(sent.and_then(Sent::warning));
    let (status, confirmation) = agreement.status(RouteStatus::Unchanged, RouteStatus::Routed);
    let names = app.names(Some(&customer.account));
    let words = |route: &DidRoute| names.routing(route, Some(&customer.domain));
    Ok(Asked::Done(RouteOutcome {
        status,
        domain: customer.domain.to_string(),
        did: args.did.as_str().to_owned(),
        previous_setting: found.before.as_ref().map(words),
        setting: words(&found.after),
        change_id,
        no_undo: found.no_undo,
        warnings,
        named: taken.named,
        confirmation,
    }))
}

/// The user that a destination is: no device, and nothing outside.
fn extension(destination: &Destination) -> Result<Extension> {
    let user = destination.application(Some(Application::User));
    user.map_err(not_a_user)?;
    destination.bare().parse().map_err(not_a_user)
}

fn not_a_user(refused: Refused) -> Error {
    refused.into_error("to")
}

impl App {
    /// The domain that a number goes to now.
    async fn domain_of_number(&self, account: &AccountId, did: &PhoneNumber) -> Result<PbxDomain> {
        let route = self.present_route(account, did).await?.route;
        let route = route.as_ref();
        let user_host = route.and_then(DidRoute::user).map(|(_, host)| host);
        let host = user_host.or_else(|| route.and_then(DidRoute::domain));
        host.and_then(|host| host.parse().ok()).ok_or_else(|| {
            Error::invalid(
                "domain",
                format!(
                    "the customer of {did} is not known: its present routing names no PBX domain"
                ),
                format!("Give {}, the customer's PBX domain.", Argument("domain")),
            )
        })
    }
}
