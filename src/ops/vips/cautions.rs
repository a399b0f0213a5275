//! What is worth a second look in a rule that is to be written, by the rules beside it.

use skyswitch_domain::redact::shown;
use skyswitch_domain::{Application, Route};
use skyswitch_guard::RuleChange;

/// A warning where a new rule takes calls away from another one.
pub(super) fn taken_calls(change: &RuleChange) -> Option<String> {
    let today = change.answering_without().first()?;
    change.takes_calls().then(|| {
        let called = match change.key().dnis.is_any() {
            true => "calls".to_owned(),
            false => format!("calls to {}", change.key().dnis),
        };
        format!(
            "this rule takes {called} away from another one (stored as \"{}\", dialled number {}), which goes to {}",
            shown(today.key.ani.as_str(), 64),
            today.key.dnis,
            today.goes_to()
        )
    })
}

/// A warning where the domain's present rules write destinations the other
/// way: which form the PBX wants is not documented, so the neighbours are the
/// best evidence.
pub(in crate::ops) fn other_destination_form(wanted: &Route, routes: &[Route]) -> Option<String> {
    let has_two_forms =
        |route: &&Route| matches!(route.application, Application::User | Application::Device);
    if !has_two_forms(&wanted) {
        return None;
    }
    let mut neighbours = routes.iter().filter(has_two_forms).peekable();
    let example = *neighbours.peek()?;
    let prefixed = wanted.destination.is_prefixed();
    neighbours
        .all(|route| route.destination.is_prefixed() != prefixed)
        .then(|| {
            format!(
                "the customer's other rules write destinations the other way, for example \"{}\"; \
                 \"{}\" was used as given",
                shown(example.destination.as_str(), 80),
                shown(wanted.destination.as_str(), 80)
            )
        })
}
