//! What a person is shown before a change: caller, domain, what rings today
//! and what will ring afterwards.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Doubt, RouteChange, RoutePlan, TypedValue};
use skyswitch_domain::Route;
use skyswitch_domain::redact::shown;

/// Longer than any destination that is accepted, so that two never look alike
/// for want of room.
const DESTINATION_LIMIT: usize = 300;

/// Additions of a plan that are shown one by one. Those that a person has to
/// look at are shown in any case.
const ADDITIONS_SHOWN: usize = 50;

/// The words a person decides by. Everything that comes from the
/// service or from arguments is shown as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    summary: String,
    text: String,
    asks_for: TypedValue,
    typed_value: String,
}

impl Preview {
    pub(super) fn new(summary: String, body: &str, asks_for: TypedValue) -> Preview {
        let typed_value = asks_for.text();
        let text = format!(
            "{summary}\n{body}To agree, type {name}: {typed}",
            name = asks_for.name(),
            typed = shown(&typed_value, 64),
        );
        Preview {
            summary,
            text,
            asks_for,
            typed_value,
        }
    }

    /// One route, before and after.
    pub(super) fn of_route(change: &RouteChange) -> Preview {
        let key = change.key();
        let caller = key.ani.to_string();
        let domain = shown(&key.domain, 100);
        let verb = match (change.before(), change.after()) {
            (_, None) => "Remove VIP",
            (None, Some(_)) => "Add VIP",
            (Some(_), Some(_)) => "Replace VIP",
        };
        let summary = format!("{verb} {caller} in {domain}");
        let called = if key.dnis.is_any() {
            "any number of theirs".to_owned()
        } else {
            key.dnis.to_string()
        };
        let body = format!(
            "Account: {account}\n\
             Caller: {caller} (stored as \"{stored}\")\n\
             Called number: {called}\n\
             Today: {today}\n\
             Afterwards: {afterwards}\n\
             {at_risk}{notes}",
            notes = notes(change.notes()),
            account = shown(change.account().as_str(), 128),
            stored = shown(key.ani.as_str(), 64),
            today = answer(change, change.before()),
            afterwards = answer(change, change.after()),
            at_risk = at_risk(change.at_risk()),
        );
        Preview::new(summary, &body, TypedValue::Caller(key.ani.clone()))
    }

    /// A whole plan: line by line what is lost, whose calls are taken away, and
    /// which destinations look wrong; where there are many more additions, how
    /// many ring where. Nothing that is agreed to stays hidden, however long
    /// that makes it.
    pub(super) fn of_plan(plan: &RoutePlan) -> Preview {
        let changes = plan.changes();
        let summary = format!(
            "Change {} VIP rules in {}",
            changes.len(),
            shown(plan.domain().as_str(), 100)
        );
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
        let mut body = format!(
            "Account: {}\nAdd {}, replace {}, remove {}; {} stay as they are\n",
            shown(plan.account().as_str(), 128),
            added.len(),
            replaced.len(),
            removed.len(),
            plan.kept(),
        );
        body.push_str(&notes(plan.notes()));
        list(&mut body, "Remove", &removed);
        list(&mut body, "Replace", &replaced);
        let (notable, plain): (Vec<_>, Vec<_>) = added.into_iter().partition(is_notable);
        let (shown, counted) = plain.split_at(plain.len().min(ADDITIONS_SHOWN));
        list(&mut body, "Add", &notable);
        list(&mut body, "Add", shown);
        count(&mut body, counted);
        Preview::new(summary, &body, TypedValue::Changes(changes.len()))
    }

    /// The change in one line, for example `Remove VIP +1 616-555-0123 in acme.12345.service`.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The whole preview, several lines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must be typed.
    pub fn asks_for(&self) -> &TypedValue {
        &self.asks_for
    }

    /// The value that must be typed, for example the caller as stored.
    pub fn typed_value(&self) -> &str {
        &self.typed_value
    }
}

fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| format!("Note: {note}\n")).collect()
}

/// One line for each change of a kind.
fn list(body: &mut String, verb: &str, changes: &[&RouteChange]) {
    for change in changes {
        let _ = writeln!(body, "{verb} {}", line(change));
    }
}

/// One line for each place that further additions ring, with their number.
fn count(body: &mut String, changes: &[&RouteChange]) {
    let mut places = BTreeMap::<String, usize>::new();
    for route in changes.iter().filter_map(|change| change.after()) {
        *places.entry(place(route)).or_default() += 1;
    }
    for (place, callers) in places {
        let _ = writeln!(body, "Add more callers that ring {place}: {callers}");
    }
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

fn line(change: &RouteChange) -> String {
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
    format!(
        "{} (\"{}\"){called}: {rings}{doubt}{taken}{along}",
        key.ani,
        shown(key.ani.as_str(), 64)
    )
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
fn at_risk(rules: &[Route]) -> String {
    let lines = rules.iter().map(|rule| {
        format!(
            "The service may remove along with it: called number {}, {}\n",
            rule.key.dnis,
            rings(rule)
        )
    });
    lines.collect()
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
        true => "any called number".to_owned(),
        false => format!("called number {}", first.key.dnis),
    };
    if !first.key.ani.is_same_caller(change.ani()) {
        return format!(
            "perhaps rings {} by the rule stored as \"{}\" for {called} (whether the service \
             matches wildcards is not documented); otherwise {NO_RULE}",
            places.join(" or "),
            shown(first.key.ani.as_str(), 64),
        );
    }
    match places.as_slice() {
        [one] => format!("rings {one} (this caller's rule for {called})"),
        several => format!(
            "rings {} (this caller has several rules for {called} in different writings; \
             which one the service takes is not documented)",
            several.join(" or ")
        ),
    }
}

/// What decides where no VIP rule does.
const NO_RULE: &str = "no VIP rule for this call: the domain's fallback decides, \
                       and without a fallback rule the call is dropped";

fn rings(route: &Route) -> String {
    format!("rings {}", place(route))
}
