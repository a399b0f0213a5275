//! `route_number`: sends a customer's number to one of the customer's users,
//! queues or attendants, above all away from a Route by ANI user that drops callers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::ani_users::goes_to_any;
use crate::ops::onboarding::dial_plan::DOMAIN_USER;
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread};
use crate::ops::onboarding::forwards::{Behind, Site};
use crate::ops::onboarding::plan_number::{no_way_back, not_of_domain, refuse_foreign};
use crate::ops::vips::destinations::nearest_users;
use crate::ops::vips::people::People;
use crate::ops::write::agree::{Asked, Attempt, Confirmation, Facts, asks_a_person};
use crate::ops::write::locks::Turn;
use crate::ops::write::send::{JudgeRoute, Sent};
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{
    AccountId, Application, Argument, CustomerKey, Destination, DestinationKey, DidRoute,
    Extension, Operation, PbxDomain, PhoneNumber, RouteTarget,
};
use skyswitch_guard::{Channel, MayRoute, Plan};

/// The operation's name in the journal.
const TOOL: &str = "route_number";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RouteOutcome {
    /// How it ended.
    pub status: RouteStatus,
    /// The customer's PBX domain.
    pub domain: String,
    /// The number.
    pub did: String,
    /// Where it went until now, in plain words; left out where it went nowhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_setting: Option<String>,
    /// Where it is to go, in plain words.
    pub setting: String,
    /// The change in the journal, which can be undone, e.g. `43`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change_id: Option<String>,
    /// Why `undo_change` would not put it back, where it would not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_undo: Option<String>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
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

/// A number that is to go to a user, queue or attendant.
struct Sending<'a> {
    app: &'a App,
    customer: &'a Customer,
    did: &'a PhoneNumber,
    to: &'a Extension,
}

/// Where the number goes and shall go, and what is to be said of it.
struct Found {
    before: Option<DidRoute>,
    after: DidRoute,
    notes: Vec<String>,
    no_undo: Option<String>,
}

impl Facts for Found {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }
}

impl Sending<'_> {
    async fn plan(&self) -> Result<(Option<Plan>, Found)> {
        let (account, domain) = self.customer.at();
        let did = self.did;
        let evidence = self.app.evidence(self.customer).await?;
        self.refuse_unknown(&evidence)?;
        let present = match &evidence.did_route {
            Some(Ok(present)) => present,
            Some(Err(why)) => return Err(not_read(did, why)),
            None => return Err(not_read(did, &Unread::NotAsked)),
        };
        let before = present.route.as_ref();
        refuse_foreign(did, before, domain)?;
        let after = DidRoute::to(self.target(&evidence), self.to, domain, before);
        present.refuse_under_way(&after)?;
        let mut notes: Vec<String> = evidence.notes().collect();
        if let Err(why) = &evidence.numbers {
            let unknown = format!("whether {did} is a number of {domain} is not shown ({why})");
            notes.push(unknown);
        }
        let mut found = Found {
            before: before.cloned(),
            after: after.clone(),
            notes,
            no_undo: None,
        };
        let was_on_list = goes_to_ani_user(&evidence, domain);
        if before.is_some_and(|before| before.is_like(&after)) {
            let alarm = was_on_list.then(|| evidence.alarm_on(std::slice::from_ref(did), &[]));
            let alarm = alarm.flatten().map(|alarm| alarm.words);
            found.notes.extend(alarm);
            return Ok((None, found));
        }
        let (ani_users, note) = self.ani_users(&evidence).await?;
        found.notes.extend(note);
        found.notes.extend(self.to_nobody());
        let to_ani_user = goes_to_any(&after, &ani_users, domain);
        let may_route = self.judge(&evidence, &after, &ani_users)?;
        if was_on_list && !to_ani_user {
            let customer = self.app.names(Some(account)).customer(domain.as_str());
            found.notes.push(format!(
                "the VIP list of {customer} no longer applies to calls to {did}"
            ));
        }
        let fallback = evidence.fallback.as_ref();
        found.no_undo = no_way_back(before, |before| {
            let known = evidence.known_ani_users();
            MayRoute::judge(before, domain, known, fallback).is_ok()
        });
        let app = self.app;
        let change = app.number_change((account, domain), did, present, after, may_route);
        let change = change.to_ani_user(to_ani_user).from_ani_user(was_on_list);
        let plan = Plan::of(account, domain, TOOL, [change]);
        let plan = plan.map(|plan| plan.with_notes(found.notes.clone()));
        Ok((plan, found))
    }

    /// What the destination is, by the list of users; one that is not shown is
    /// taken for a user.
    fn target(&self, evidence: &Evidence) -> RouteTarget {
        let users = evidence.users.iter().flat_map(|users| users.iter());
        let mut it = users.filter(|user| self.to.is(&user.user));
        match it.next() {
            Some(user) if user.is_queue() => RouteTarget::Queue,
            Some(user) if user.is_attendant() => RouteTarget::Attendant,
            _ => RouteTarget::User,
        }
    }

    fn refuse_unknown(&self, evidence: &Evidence) -> Result<()> {
        let Customer { domain, .. } = self.customer;
        if let Some(unknown) = &evidence.unknown {
            return Err(unknown.clone().into());
        }
        if let Ok(numbers) = &evidence.numbers
            && !numbers.contains(self.did)
        {
            return Err(not_of_domain(self.did, domain));
        }
        if let Ok(users) = &evidence.users
            && !evidence.has_user(self.to.as_str())
        {
            let near = nearest_users(users, self.to.as_str()).join(", ");
            return Err(Error::invalid(
                "to",
                format!("{} does not exist in {domain}", self.to),
                match near.is_empty() {
                    true => format!("{} shows those that do.", Operation::ListDestinations),
                    false => format!("Nearest: {near}."),
                },
            ));
        }
        Ok(())
    }

    /// The Route by ANI users, among them the one that the number shall go to,
    /// whatever its name, where its answering rule shows it to hand calls on.
    /// Where that cannot be read, only a number that goes to a Route by ANI user
    /// now is sent there: it must get away, whatever cannot be read.
    ///
    /// A note says where it hands on some calls only.
    async fn ani_users(&self, evidence: &Evidence) -> Result<(Vec<Extension>, Option<String>)> {
        let (account, domain) = self.customer.at();
        let mut ani_users = evidence.ani_users.clone();
        let mut note = None;
        let site = Site {
            account,
            domain,
            users: evidence.users.as_deref().map_or(&[][..], Vec::as_slice),
            known: &evidence.ani_users,
        };
        // Queues and attendants are users, too, and may forward their calls.
        match self.app.ani_user_behind(site, self.to).await {
            Ok(Some(Behind { only: None, .. })) => ani_users.push(self.to.clone()),
            Ok(Some(Behind {
                only: Some(which), ..
            })) => {
                let rule = match evidence.fallback {
                    Some(_) => "",
                    None => {
                        ", and nobody has verified or attested the dial translation rule for those who are not on it"
                    }
                };
                note = Some(format!(
                    "some calls to {} come to the VIP list: {which}{rule}",
                    self.to
                ));
            }
            Err(why) if evidence.fallback.is_none() && !goes_to_ani_user(evidence, domain) => {
                return Err(Error::new(
                    Code::UpstreamUnavailable,
                    format!(
                        "whether user {} hands its calls to the VIP list cannot be read ({why}), and no dial translation \
                         rule is known for callers who are not on it; nothing was changed",
                        self.to
                    ),
                    "Try again once the PBX API answers, or point the number in the portal.",
                )
                .with_field("to"));
            }
            _ => {}
        }
        Ok((ani_users, note))
    }

    /// A warning of a user where nobody answers.
    fn to_nobody(&self) -> Option<String> {
        self.to.is(DOMAIN_USER).then(|| {
            format!(
                "user {} holds the domain's defaults, and nobody answers there: calls to {} would reach nobody",
                self.to, self.did
            )
        })
    }

    fn judge(
        &self,
        evidence: &Evidence,
        route: &DidRoute,
        ani_users: &[Extension],
    ) -> Result<MayRoute> {
        // Where the users are not shown, any may be one.
        let known = evidence.users.as_ref().ok().map(|_| ani_users);
        let domain = &self.customer.domain;
        MayRoute::judge(route, domain, known, evidence.fallback.as_ref())
    }
}

/// Whether the number goes to a Route by ANI user now.
fn goes_to_ani_user(evidence: &Evidence, domain: &PbxDomain) -> bool {
    let now = evidence.did_goes_to();
    now.is_some_and(|now| goes_to_any(now, &evidence.ani_users, domain))
}

/// What it would replace has to be known, so that it can be put back.
fn not_read(did: &PhoneNumber, why: &Unread) -> Error {
    Error::new(
        Code::UpstreamRejected,
        format!("where {did} goes cannot be read ({why}), so it could not be put back"),
        "Nothing was changed. Point the number in the portal.",
    )
    .with_field("did")
}

impl JudgeRoute for Sending<'_> {
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let evidence = self.app.evidence(self.customer).await?;
        let (ani_users, _) = self.ani_users(&evidence).await?;
        self.judge(&evidence, route, &ani_users)
    }
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
