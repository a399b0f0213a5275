//! Previews of VIP rules: caller, domain, what rings today and what will ring
//! afterwards.

use std::collections::BTreeMap;

use super::{Effect, Fact, FactKind, Preview, Row, fact, notes};
use crate::{Doubt, RouteChange, RoutePlan, TypedValue};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Route};

/// Longer than any destination that is accepted, so that two never look alike
/// for want of room.
const DESTINATION_LIMIT: usize = 300;

/// Additions of a plan that are shown one by one. Those that a person has to
/// look at are shown in any case.
const ADDITIONS_SHOWN: usize = 50;

impl Preview {
    /// One route, before and after.
    pub(crate) fn of_route(change: &RouteChange) -> Preview {
        let key = change.key();
        let caller = key.ani.to_string();
        let domain = shown(&key.domain, 100);
        let verb = match (change.before(), change.after()) {
            (_, None) => "Remove VIP",
            (None, Some(_)) => "Add VIP",
            (Some(_), Some(_)) => "Replace VIP",
        };
        let stored = shown(key.ani.as_str(), 64);
        let called = match key.dnis.is_any() {
            true => "any number of the customer".to_owned(),
            false => key.dnis.to_string(),
        };
        let mut preview = Preview::new(
            format!("{verb} {caller} in {domain}"),
            TypedValue::Caller(key.ani.clone()),
        );
        preview.facts = vec![
            account(change.account()),
            fact(
                FactKind::Caller,
                format!("{caller} (stored as \"{stored}\")"),
            ),
            fact(FactKind::CalledNumber, called),
            fact(FactKind::Today, answer(change, change.before())),
            fact(FactKind::Afterwards, answer(change, change.after())),
        ];
        preview.facts.extend(at_risk(change.at_risk()));
        preview.facts.extend(notes(change.notes()));
        preview
    }

    /// A whole plan: line by line what is lost, whose calls are taken away, and
    /// which destinations look wrong; where there are many more additions, how
    /// many ring where. Nothing that is agreed to stays hidden, however long
    /// that makes it.
    pub(crate) fn of_plan(plan: &RoutePlan) -> Preview {
        let changes = plan.changes();
        let domain = shown(plan.domain().as_str(), 100);
        let of_kind = |before: bool, after: bool| -> Vec<&RouteChange> {
            let kind =
                |c: &&RouteChange| c.before().is_some() == before && c.after().is_some() == after;
            changes.iter().filter(kind).collect()
        };
        let (added, replaced, removed) = (
            of_kind(false, true),
            of_kind(true, true),
            of_kind(true, false),
        );
        let counts = format!(
            "Add {}, replace {}, remove {}; {} stay as they are",
            added.len(),
            replaced.len(),
            removed.len(),
            plan.kept(),
        );
        let mut preview = Preview::new(
            format!("Change {} VIP rules in {domain}", changes.len()),
            TypedValue::Changes(changes.len()),
        );
        preview.facts = vec![account(plan.account()), fact(FactKind::Counts, counts)];
        preview.facts.extend(notes(plan.notes()));
        let (notable, plain): (Vec<_>, Vec<_>) = added.into_iter().partition(is_notable);
        let (shown, counted) = plain.split_at(plain.len().min(ADDITIONS_SHOWN));
        preview.rows.extend(rows(Effect::Remove, &removed));
        preview.rows.extend(rows(Effect::Replace, &replaced));
        preview.rows.extend(rows(Effect::Add, &notable));
        preview.rows.extend(rows(Effect::Add, shown));
        preview.rows.extend(count(counted));
        preview
    }
}

pub(super) fn account(account: &AccountId) -> Fact {
    fact(FactKind::Account, shown(account.as_str(), 128))
}

/// One row for each change.
fn rows(effect: Effect, changes: &[&RouteChange]) -> impl Iterator<Item = Row> {
    changes.iter().map(move |change| row(effect, change))
}

/// One row for each place that further additions ring, with their number.
fn count(changes: &[&RouteChange]) -> impl Iterator<Item = Row> {
    let mut places = BTreeMap::<String, usize>::new();
    for route in changes.iter().filter_map(|change| change.after()) {
        *places.entry(place(route)).or_default() += 1;
    }
    places.into_iter().map(|(place, callers)| Row {
        effect: Effect::AddSeveral,
        subject: place,
        outcome: Some(callers.to_string()),
        facts: Vec::new(),
    })
}

/// Whether an addition is shown by itself, however many there are.
fn is_notable(change: &&RouteChange) -> bool {
    doubt(change).is_some() || change.takes_calls()
}

/// Why the destination looks wrong. That calls leave the domain is seen from
/// the rule alone.
fn doubt(change: &RouteChange) -> Option<Doubt> {
    let leaves = change.after().is_some_and(Route::leaves_domain);
    change.doubt().or(leaves.then_some(Doubt::Outside))
}

fn row(effect: Effect, change: &RouteChange) -> Row {
    let key = change.key();
    let called = match key.dnis.is_any() {
        true => String::new(),
        false => format!(" when dialling {}", key.dnis),
    };
    let rings = match (change.before(), change.after()) {
        (Some(before), Some(after)) => format!("{} -> {}", place(before), place(after)),
        (Some(route), None) | (None, Some(route)) => place(route),
        (None, None) => String::new(),
    };
    let along = match change.at_risk().len() {
        0 => String::new(),
        1 => " (the service may remove another rule of this caller along with it)".to_owned(),
        n => format!(" (the service may remove {n} other rules of this caller along with it)"),
    };
    let doubt = doubt(change).map_or(String::new(), |doubt| format!(" ({})", doubt.words()));
    let taken = match change.takes_calls() {
        true => format!(" (today: {})", answer(change, None)),
        false => String::new(),
    };
    Row {
        effect,
        subject: format!("{} (\"{}\"){called}", key.ani, shown(key.ani.as_str(), 64)),
        outcome: Some(format!("{rings}{doubt}{taken}{along}")),
        facts: Vec::new(),
    }
}

fn place(route: &Route) -> String {
    format!(
        "{} \"{}\"",
        shown(route.application.as_str(), 20),
        shown(route.destination.as_str(), DESTINATION_LIMIT).replace('"', "\\\"")
    )
}

/// The service does not say whether a delete without called number takes the
/// caller's other rules along.
fn at_risk(rules: &[Route]) -> impl Iterator<Item = Fact> + '_ {
    rules.iter().map(|rule| {
        fact(
            FactKind::MayBeRemoved,
            format!("dialled number {}, {}", rule.key.dnis, rings(rule)),
        )
    })
}

/// Who answers the calls that a change is about: its rule, or where it does
/// not exist, what decides then.
fn answer(change: &RouteChange, rule: Option<&Route>) -> String {
    if let Some(rule) = rule {
        return rings(rule);
    }
    let rules = change.answering_without();
    let Some(first) = rules.first() else {
        return NO_RULE.to_owned();
    };
    let mut different = Vec::<&Route>::new();
    for rule in rules {
        if !different.iter().any(|other| other.rings_like(rule)) {
            different.push(rule);
        }
    }
    let places: Vec<String> = different.into_iter().map(place).collect();
    let called = match first.key.dnis.is_any() {
        true => "any dialled number".to_owned(),
        false => format!("dialled number {}", first.key.dnis),
    };
    if !first.key.ani.is_same_caller(change.ani()) {
        return format!(
            "perhaps goes to {} by the rule stored as \"{}\" for {called} (whether the service \
             matches wildcards is not documented); otherwise {NO_RULE}",
            places.join(" or "),
            shown(first.key.ani.as_str(), 64),
        );
    }
    match places.as_slice() {
        [one] => format!("goes to {one} (this caller's rule for {called})"),
        several => format!(
            "goes to {} (this caller has several rules for {called} in different writings; \
             which one the service takes is not documented)",
            several.join(" or ")
        ),
    }
}

/// What decides where no VIP rule does.
const NO_RULE: &str = "no VIP rule: the call follows the dial translation rule; \
                       if that rule is missing, the call is dropped";

fn rings(route: &Route) -> String {
    format!("goes to {}", place(route))
}
