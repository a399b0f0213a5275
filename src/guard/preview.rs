//! What a person is shown before a change: caller, domain, what rings today
//! and what will ring afterwards.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{RouteChange, RoutePlan, TypedValue};
use crate::domain::{Application, Route};
use crate::redact::shown;

/// Longer than any destination that is accepted, so that two never look alike
/// for want of room.
const DESTINATION_LIMIT: usize = 300;

/// Additions of a plan that are shown one by one. What leads out of the domain
/// is shown in any case.
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
            today = rings(change.before()),
            afterwards = rings(change.after()),
            at_risk = at_risk(change.at_risk()),
        );
        Preview::new(summary, &body, TypedValue::Caller(key.ani.clone()))
    }

    /// A whole plan: line by line what is lost and what will ring outside;
    /// where there are many more additions, how many ring where. Nothing that
    /// is agreed to stays hidden, however long that makes it.
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
        let (outside, inside): (Vec<_>, Vec<_>) = added.into_iter().partition(rings_outside);
        let (shown, counted) = inside.split_at(inside.len().min(ADDITIONS_SHOWN));
        list(&mut body, "Add", &outside);
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

/// Whether what is added is anything but a user or device of the domain.
fn rings_outside(change: &&RouteChange) -> bool {
    let application = change.after().map(|route| &route.application);
    !matches!(application, Some(Application::User | Application::Device))
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
    format!(
        "{} (\"{}\"){called}: {rings}{along}",
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
            rings(Some(rule))
        )
    });
    lines.collect()
}

fn rings(route: Option<&Route>) -> String {
    match route {
        Some(route) => format!("rings {}", place(route)),
        None => "no VIP rule for this caller: the domain's fallback decides, \
                 and without a fallback rule the call is dropped"
            .to_owned(),
    }
}
