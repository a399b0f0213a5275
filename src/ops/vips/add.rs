//! `add_vip`: makes a caller a VIP, or changes where their calls go.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::app::App;
use crate::ops::vips::cautions::{other_destination_form, taken_calls};
use crate::ops::vips::destinations::Look;
use crate::ops::vips::note_changes::noted_otherwise;
use crate::ops::vips::notes::{Notes, end_of, note_text, vip_with};
use crate::ops::vips::people::People;
use crate::ops::vips::reach::Reach;
use crate::ops::write::agree::{self, Agreement, Asked, Attempt, Confirmation, asks_a_person};
use crate::ops::write::locks::Turn;
use crate::ops::write::present::PresentRules;
use crate::ops::write::send::{RoutesNoNumber, Sent};
use skyswitch_client::Matches;
use skyswitch_domain::error::{Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Ani, Application, Argument, CalledNumber, CustomerKey, Day, DestinationKey,
    Operation, PbxDomain, PhoneNumber, Route, RouteKey, Vip, answering_without,
};
use skyswitch_guard::{Channel, Note, Plan, RuleChange};

/// Whom to let through, and to where.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct AddVip {
    /// The caller's number in any common writing, e.g. `(616) 555-0123`; other countries with `+`
    #[arg(long)]
    pub ani: PhoneNumber,
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Where the calls go: an extension, the name of a person, queue or attendant, a user or device by its id, or a SIP URI, e.g. `101`, `Maya Lindgren`, `user:john`, `device:johns-cell`, `sip:+16165559999@carrier.net`
    #[arg(long)]
    pub destination: DestinationKey,
    /// What the destination is: `user` (the default), `device` or `literal`
    #[arg(long)]
    pub application: Option<Application>,
    /// Only for calls to this number, e.g. `6165550100`; to any number when left out
    #[arg(long)]
    pub dnis: Option<CalledNumber>,
    /// Who the caller is, or another remark of at most 200 characters; kept on this machine and shown with the rule, e.g. `Dr. Ames, referrals`; empty removes it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The last day of the rule, in local time: it is removed after that day without asking again, e.g. `2026-12-25`
    #[arg(long, value_name = "DAY")]
    pub until: Option<Day>,
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
pub enum AddVipStatus {
    /// The caller is a VIP now.
    Created,
    /// The caller was a VIP, and their calls go elsewhere now.
    Replaced,
    /// The same rule existed already; nothing was sent.
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

asks_a_person!(AddVipStatus);

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct AddVipOutcome {
    /// How it ended.
    pub status: AddVipStatus,
    /// The rule as it was asked for.
    pub vip: Vip,
    /// Whose name the destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The rule before, where it had another destination or another note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vip>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
    /// The change in the journal, for `undo_change`, e.g. `42`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// Whether a read right after showed something else than was asked for; a
    /// warning says what.
    #[serde(skip)]
    pub is_otherwise: bool,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

struct Facts {
    vip: Vip,
    previous: Option<Vip>,
    /// The rule that exists already just so, with the notes of its customer.
    unchanged: Option<(Route, Notes)>,
    /// All rules as they were listed before.
    listed: Arc<Vec<Route>>,
    warnings: Vec<String>,
}

/// Makes a caller a VIP. Needs a person's consent where a rule is replaced or
/// calls are taken away from another rule, and, unless a person wrote the
/// destination themselves, where that looks wrong.
///
/// Sends at most three requests: it reads, writes and reads again. One more
/// where a person is asked during the call; and to warn of a destination that
/// does not exist and of a rule without effect, once a minute one for the
/// domain's users, and one or two for its numbers. Where none of these is known
/// to come to the VIP list and the PBX API is configured, it is looked at where
/// up to ten of them go, and what the users there do with calls. Whether the
/// destination forwards its calls back to the VIP list is asked of the PBX API,
/// too.
///
/// # Errors
/// `invalid_argument` where destination and application contradict each
/// other; the guard's and the service's errors.
pub async fn add_vip(
    app: &App,
    args: &AddVip,
    channel: &Channel<'_>,
) -> Result<Asked<AddVipOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let given = args.application.as_ref();
    let refused = |refused: Refused| refused.into_error("destination");
    if let Some(exact) = args.destination.unless_name(given).map_err(refused)? {
        // What contradicts itself is refused before anything is read.
        exact.application(given.cloned()).map_err(refused)?;
    }
    let dnis = args.dnis.as_ref().unwrap_or(&CalledNumber::Any).to_dnis();
    let text = args.note.as_deref().map(|note| note_text("note", note));
    let text = text.transpose()?;
    let until = args.until.map(end_of).transpose()?;
    let domain = app.domain_to_change(&account, &args.domain).await?;
    let people = People::of(app, &account, &domain);
    let taken = people.take("destination", &args.destination, given).await?;
    let application = taken.destination.application(given.cloned());
    let application = application.map_err(refused)?;
    let form = app.settings().destination_form;
    let destination = taken.destination.in_form(form, &application);
    let wanted = Route {
        key: RouteKey {
            domain: domain.as_str().into(),
            ani: Ani::from(&args.ani),
            dnis,
        },
        application,
        application_is_stored: true,
        destination,
    };
    let (account, domain) = (&account, &domain);
    let asked_for = &AskedFor {
        account,
        domain,
        look: app.look_at_destination(account, domain, &wanted).await?,
        caller: &args.ani,
        wanted,
        note: Note {
            text: text.clone().flatten(),
            until,
        },
    };
    let names_dialled = !asked_for.wanted.key.dnis.is_any();
    let (reach, circle) = (&OnceCell::new(), &OnceCell::new());
    let is_doubtful = asked_for.look.is_some();
    let plan = || async move {
        let wanted = &asked_for.wanted;
        let is_again = |made: &Route| {
            made.key.ani.is_same_caller(&wanted.key.ani)
                && made.key.dnis.same_as(&wanted.key.dnis)
                && made.same_destination(wanted)
        };
        let (present, reach, circle) = tokio::join!(
            app.present_rules(account, domain, |change| change
                .wanted_rule()
                .is_some_and(is_again)),
            reach.get_or_init(|| app.reach(account, domain, names_dialled)),
            circle.get_or_init(|| async move {
                match is_doubtful {
                    true => None,
                    false => app.look_for_circle(account, domain, wanted).await,
                }
            }),
        );
        let present = present?;
        present.refuse_under_way(|key| {
            key.ani.is_same_caller(&wanted.key.ani) && key.dnis.same_as(&wanted.key.dnis)
        })?;
        let warning = match present.rules.is_empty() {
            true => app.refuse_unknown(account, domain).await?,
            false => None,
        };
        let look = asked_for.look.as_ref().or(circle.as_ref());
        let kept = app.notes(account, Some(domain)).await?;
        plan(asked_for, look, &present, reach, kept, warning)
    };
    let attempt = Attempt::new(app, channel, Turn::Caller(domain, Some(&args.ani)));
    let asked = attempt.carry_out(None, &RoutesNoNumber, plan).await?;
    let (mut facts, agreement) = match asked {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    if let Some(now) = agreement.reached().and_then(Sent::rules_after) {
        let key = &asked_for.wanted.key;
        let told = app.about_others(account, domain, (facts.listed.as_slice(), now), |other| {
            other.is_same_rule(key)
        });
        facts.warnings.extend(told.await);
    }
    // A rule that exists already is only noted, where something is said of it.
    if let (Agreement::Nothing, Some(text), Some((rule, kept))) =
        (&agreement, text, facts.unchanged.take())
    {
        let changes = kept.changes(vec![(rule, text.clone())]);
        match app.note_rules(account, None, &changes).await {
            Ok(not_noted) => {
                let before = facts.vip.clone();
                facts.vip.note = not_noted.first().map_or(text, |not| not.there.clone());
                let is_changed = not_noted.is_empty() && !changes.is_empty();
                facts.previous = is_changed.then_some(before);
                facts.warnings.extend(noted_otherwise(&not_noted));
            }
            Err(error) => facts.warnings.push(error.to_string()),
        }
    }
    let mut outcome = outcome(facts, agreement);
    outcome.named = taken.named;
    Ok(Asked::Done(outcome))
}

/// What is wanted, and what is known of it before the rules are read.
struct AskedFor<'a> {
    account: &'a AccountId,
    domain: &'a PbxDomain,
    caller: &'a PhoneNumber,
    wanted: Route,
    note: Note,
    look: Option<Look>,
}

fn plan(
    asked_for: &AskedFor<'_>,
    look: Option<&Look>,
    present: &PresentRules,
    reach: &Reach,
    kept: Notes,
    warning: Option<String>,
) -> Result<(Option<Plan>, Facts)> {
    let AskedFor {
        caller,
        wanted,
        note,
        ..
    } = asked_for;
    let routes = present.rules.as_slice();
    let doubt = look.and_then(|look| look.doubt);
    let mut after = wanted.clone();
    let same_rule: Vec<&Route> = routes
        .iter()
        .filter(|route| {
            caller.is_stored_as(route.key.ani.as_str()) && route.key.dnis.same_as(&wanted.key.dnis)
        })
        .collect();
    let before = same_rule
        .iter()
        .find(|route| route.key.ani == wanted.key.ani)
        .or(same_rule.first())
        .copied();
    let mut warnings = Vec::from_iter(warning);
    warnings.extend(look.map(|look| look.warning.clone()));
    warnings.extend(caller.implausibility());
    warnings.extend(other_destination_form(wanted, routes));
    warnings.extend(reach.warning.clone());
    warnings.extend(reach.doubt(&wanted.key.dnis));
    warnings.extend(present.notes_on(&wanted.key.ani));
    if let Some(before) = before {
        // The service keys rules by the text it stored; another writing would be a second rule.
        after.key = before.key.clone();
        let twins = same_rule
            .iter()
            .filter(|route| route.key.ani != before.key.ani);
        warnings.extend(twins.map(|twin| {
            format!(
                "the same caller also has a rule stored as \"{}\" that goes to {}; remove it if it is a leftover",
                shown(twin.key.ani.as_str(), 64),
                twin.goes_to()
            )
        }));
    }
    if let Some(before) = before.filter(|before| before.same_destination(&after)) {
        if note.until.is_some() {
            return Err(exists_without_end());
        }
        let vip = kept.vip(before);
        warnings.extend(vip.until.as_ref().map(|day| {
            format!(
                "the rule exists with a last day and is removed after {day}; to keep it, remove it and add it again"
            )
        }));
        let facts = Facts {
            vip,
            previous: None,
            unchanged: Some((before.clone(), kept)),
            listed: Arc::clone(&present.listed),
            warnings,
        };
        return Ok((None, facts));
    }
    let change = RuleChange::put(before.cloned(), after.clone())
        .answered_without_by(answering_without(&after.key, routes.iter()))
        .read_late_as(present.late_reads(&after.key))
        .doubting(doubt)
        .ending(before.and_then(|before| kept.to_keep(before)))
        .noting((*note != Note::default()).then(|| note.clone()));
    let notes = warnings.clone();
    // The preview shows it as today and afterwards.
    warnings.extend(taken_calls(&change));
    let plan = Plan::of(asked_for.account, asked_for.domain, "add_vip", [change]);
    let plan = plan.map(|plan| plan.with_notes(notes));
    let facts = Facts {
        vip: vip_with(&after, Some(note)),
        previous: before.map(|before| kept.vip(before)),
        unchanged: None,
        listed: Arc::clone(&present.listed),
        warnings,
    };
    Ok((plan, facts))
}

impl agree::Facts for Facts {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.warnings
    }
}

/// To end a rule that is there already takes something away that nobody was
/// asked about.
fn exists_without_end() -> Error {
    Error::invalid(
        "until",
        "the same rule exists already, and only a rule that is added or replaced can be given an end; nothing was changed",
        format!(
            "Remove it with {} and add it again with its last day, or leave out {}.",
            Operation::RemoveVip,
            Argument("until")
        ),
    )
}

fn outcome(facts: Facts, agreement: Agreement<Sent>) -> AddVipOutcome {
    let Facts {
        vip,
        previous,
        mut warnings,
        ..
    } = facts;
    let sent = agreement.reached();
    let change_id = sent.and_then(Sent::id);
    warnings.extend(sent.and_then(Sent::warning));
    let reading = sent.and_then(Sent::reading);
    let is_otherwise = reading.is_some_and(|reading| reading.matches == Matches::Neither);
    let done = match previous {
        Some(_) => AddVipStatus::Replaced,
        None => AddVipStatus::Created,
    };
    let (status, confirmation) = agreement.status(AddVipStatus::Unchanged, done);
    AddVipOutcome {
        status,
        vip,
        named: None,
        previous,
        warnings,
        change_id,
        is_otherwise,
        confirmation,
    }
}
