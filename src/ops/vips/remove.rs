//! `remove_vip`: takes a caller off the VIP list.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::doctor::DeleteReach;
use crate::ops::vips::notes::Notes;
use crate::ops::vips::siblings::{at_risk, beside};
use crate::ops::write::agree::{
    self, Agreement, Asked, Attempt, Confirmation, Status, asks_a_person,
};
use crate::ops::write::locks::Turn;
use crate::ops::write::present::PresentRules;
use crate::ops::write::send::{RoutesNoNumber, Sent};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{
    AccountId, Ani, Argument, CallerKey, CustomerKey, DnisKey, PbxDomain, Route, RouteKey, Vip,
    answering_without,
};
use skyswitch_guard::{Channel, Plan, RuleChange};

/// Rules named in one sentence; the others are counted.
const NAMED: usize = 5;

/// Whom to take off the list.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct RemoveVip {
    /// The caller's number in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: CallerKey,
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Which rule, if the caller has several: the dialled number, e.g. `6165550100`, or `*` for the rule for any number
    #[arg(long)]
    pub dnis: Option<DnisKey>,
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
pub enum RemoveVipStatus {
    /// The rule is gone.
    Removed,
    /// There was no such rule; nothing was sent.
    NotFound,
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

asks_a_person!(RemoveVipStatus);

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct RemoveVipOutcome {
    /// How it ended.
    pub status: RemoveVipStatus,
    /// The rule that it is about, as it was; left out where nobody agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip: Option<Vip>,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The change in the journal, for `undo_change`, e.g. `42`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

struct Facts {
    removed: Option<Route>,
    /// The same as the result carries it.
    vip: Option<Vip>,
    /// Rules of the same caller, and others put at risk, that are to stay.
    others: Vec<Route>,
    /// All rules as they were listed before.
    listed: Arc<Vec<Route>>,
    warnings: Vec<String>,
}

/// Removes one rule of a caller, with a person's consent.
///
/// Sends at most three requests: it reads, writes and reads again. One more
/// where a person is asked during the call.
///
/// # Errors
/// `invalid_argument` where the caller has several rules and the arguments do
/// not say which; the guard's and the service's errors.
pub async fn remove_vip(
    app: &App,
    args: &RemoveVip,
    channel: &Channel<'_>,
) -> Result<Asked<RemoveVipOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let domain = app.domain_to_change(&account, &args.domain).await?;
    let (account, domain) = (&account, &domain);
    let plan = || async move {
        let (present, reach) = tokio::join!(
            app.present_rules(account, domain, |_| false),
            app.delete_reach(),
        );
        let present = present?;
        present.refuse_under_way(|key| args.ani.matches(&key.ani))?;
        let warning = match present.rules.is_empty() {
            true => app.refuse_unknown(account, domain).await?,
            false => None,
        };
        let notes = app.notes(account, Some(domain)).await?;
        let (plan, mut facts) = plan(account, domain, args, &present, reach, &notes)?;
        facts.warnings.extend(warning);
        Ok((plan, facts))
    };
    let attempt = Attempt::new(app, channel, Turn::Caller(domain, args.ani.number()));
    let asked = attempt.carry_out(None, &RoutesNoNumber, plan).await?;
    let (mut facts, agreement) = match asked {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let sent = agreement.reached();
    facts.warnings.extend(sent.and_then(Sent::warning));
    if let Some(removed) = &facts.removed {
        let told = app.about_siblings(account, domain, removed, &facts.others, sent);
        facts.warnings.extend(told.await);
        if let Some(now) = sent.and_then(Sent::rules_after) {
            // Of those beside it is told already.
            let beside = |key: &RouteKey| facts.others.iter().any(|other| other.key == *key);
            let told = app.about_others(account, domain, (facts.listed.as_slice(), now), |key| {
                key.is_same_rule(&removed.key) || beside(key)
            });
            let told = told.await;
            facts.warnings.extend(told);
        }
    }
    Ok(Asked::Done(outcome(facts, agreement)))
}

fn plan(
    account: &AccountId,
    domain: &PbxDomain,
    args: &RemoveVip,
    present: &PresentRules,
    reach: DeleteReach,
    kept: &Notes,
) -> Result<(Option<Plan>, Facts)> {
    let routes = present.rules.as_slice();
    let of_caller: Vec<&Route> = routes
        .iter()
        .filter(|route| args.ani.matches(&route.key.ani))
        .collect();
    // What was given exactly as listed names that rule, whatever else is the same number.
    let exact = of_caller
        .iter()
        .any(|route| args.ani.is_exactly(&route.key.ani));
    let chosen: Vec<&Route> = of_caller
        .iter()
        .copied()
        .filter(|route| !exact || args.ani.is_exactly(&route.key.ani))
        .filter(|route| {
            args.dnis
                .as_ref()
                .is_none_or(|dnis| dnis.matches(&route.key.dnis))
        })
        .collect();
    let removed = match chosen.as_slice() {
        [] => {
            let caller = Ani::from_stored(args.ani.as_given());
            let notes = present.notes_on(&caller);
            let warnings = not_a_number(args).into_iter();
            let warnings = warnings.chain(may_be_theirs(args, routes)).chain(notes);
            let warnings = warnings.collect();
            let facts = Facts {
                removed: None,
                vip: None,
                others: Vec::new(),
                listed: Arc::default(),
                warnings,
            };
            return Ok((None, facts));
        }
        [one] => (*one).clone(),
        several => return Err(ambiguous(args, several)),
    };
    let change = RuleChange::remove(removed.clone(), at_risk(reach, &removed, routes))
        .answered_without_by(answering_without(&removed.key, routes.iter()))
        .read_late_as(present.late_reads(&removed.key))
        .ending(kept.to_keep(&removed));
    let notes: Vec<String> = present.notes_on(&removed.key.ani).collect();
    let facts = Facts {
        warnings: notes.clone(),
        others: beside(&removed, routes),
        listed: Arc::clone(&present.listed),
        vip: Some(kept.vip(&removed)),
        removed: Some(removed),
    };
    let plan = Plan::of(account, domain, "remove_vip", [change]);
    Ok((plan.map(|plan| plan.with_notes(notes)), facts))
}

impl agree::Facts for Facts {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.warnings
    }
}

fn not_a_number(args: &RemoveVip) -> Option<String> {
    args.ani.number().is_none().then(|| {
        format!(
            "\"{}\" is not a phone number, and no rule of {} is stored exactly like that",
            shown(args.ani.as_given(), 64),
            args.domain
        )
    })
}

/// Rules that may be the caller's, too: only who names them exactly means them.
fn may_be_theirs(args: &RemoveVip, routes: &[Route]) -> Option<String> {
    let may_be =
        |route: &&Route| args.ani.may_match(&route.key.ani) && !args.ani.matches(&route.key.ani);
    let stored = |route: &Route| format!("\"{}\"", shown(route.key.ani.as_str(), 64));
    let named: Vec<String> = routes.iter().filter(may_be).map(stored).collect();
    (!named.is_empty()).then(|| {
        format!(
            "the service may take a rule for this caller's that is stored otherwise: {}; to remove it, give {} exactly so",
            first_few(NAMED, named),
            Argument("ani")
        )
    })
}

fn ambiguous(args: &RemoveVip, rules: &[&Route]) -> Error {
    let list: Vec<String> = rules
        .iter()
        .map(|route| {
            format!(
                "ani \"{}\", dnis \"{}\" -> {}",
                shown(route.key.ani.as_str(), 64),
                if route.key.dnis.is_any() {
                    "*"
                } else {
                    route.key.dnis.as_str()
                },
                route.goes_to()
            )
        })
        .collect();
    let one_dnis = rules
        .windows(2)
        .all(|pair| pair[0].key.dnis.same_as(&pair[1].key.dnis));
    let (field, hint) = match one_dnis {
        false => (
            "dnis",
            format!(
                "Say which rule: give {} as listed here (`*` names the rule for any dialled number).",
                Argument("dnis")
            ),
        ),
        true => (
            "ani",
            format!(
                "Say which rule: give {} exactly as listed here.",
                Argument("ani")
            ),
        ),
    };
    Error::invalid(
        field,
        format!(
            "this caller has {} rules in {}, so nothing was changed: {}",
            rules.len(),
            args.domain,
            list.join("; ")
        ),
        hint,
    )
}

fn outcome(facts: Facts, agreement: Agreement<Sent>) -> RemoveVipOutcome {
    let change_id = agreement.reached().and_then(Sent::id);
    let (status, confirmation) =
        agreement.status(RemoveVipStatus::NotFound, RemoveVipStatus::Removed);
    let is_not_agreed = Status::is_not_agreed(&status);
    RemoveVipOutcome {
        status,
        // Of what nobody agreed to, the answer need not repeat what was asked for.
        vip: facts.vip.filter(|_| !is_not_agreed),
        warnings: facts.warnings,
        change_id,
        confirmation,
    }
}
