//! What a person is shown before a change: caller, domain, what rings today
//! and what will ring afterwards.

use super::RouteChange;
use crate::domain::Route;
use crate::redact::shown;

/// Longer than any destination that is accepted, so that two never look alike
/// for want of room.
const DESTINATION_LIMIT: usize = 300;

/// The words a person decides by. Everything that comes from the
/// service or from arguments is shown as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    summary: String,
    text: String,
    typed_value: String,
}

impl Preview {
    pub(super) fn of(change: &RouteChange) -> Preview {
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
        let typed_value = key.ani.as_str().to_owned();
        let text = format!(
            "{summary}\n\
             Account: {account}\n\
             Caller: {caller} (stored as \"{stored}\")\n\
             Called number: {called}\n\
             Today: {today}\n\
             Afterwards: {afterwards}\n\
             {at_risk}To agree, type the caller's number: {typed}",
            account = shown(change.account().as_str(), 128),
            stored = shown(key.ani.as_str(), 64),
            today = rings(change.before()),
            afterwards = rings(change.after()),
            at_risk = at_risk(change.at_risk()),
            typed = shown(&typed_value, 64),
        );
        Preview {
            summary,
            text,
            typed_value,
        }
    }

    /// The change in one line, for example `Remove VIP +1 616-555-0123 in acme.12345.service`.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The whole preview, several lines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value that must be typed: the caller as stored.
    pub fn typed_value(&self) -> &str {
        &self.typed_value
    }
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
        Some(route) => format!(
            "rings {} \"{}\"",
            shown(route.application.as_str(), 20),
            shown(route.destination.as_str(), DESTINATION_LIMIT).replace('"', "\\\"")
        ),
        None => "no VIP rule for this caller: the domain's fallback decides, \
                 and without a fallback rule the call is dropped"
            .to_owned(),
    }
}
