//! What a person is shown before a customer's set-up is changed, or attested.

use std::fmt::Write;

use serde_json::Value;

use super::{AttestStep, Preview, SetupChange, SetupPlan, TypedValue};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::capitalised;
use skyswitch_domain::{DidRoute, SetupPiece, SetupStep};

impl Preview {
    /// Every piece of a plan, with what stands in its place.
    pub(super) fn of_setup(plan: &SetupPlan) -> Preview {
        let domain = plan.domain();
        let changes = plan.changes();
        let summary = match changes {
            [only] => capitalised(&only.piece().summary(domain)),
            several => format!("Set up Route by ANI in {domain}: {} steps", several.len()),
        };
        let mut body = format!(
            "Account: {}\nDomain: {domain}\n",
            shown(plan.account().as_str(), 128)
        );
        for (number, change) in (1..).zip(changes) {
            if changes.len() > 1 {
                let _ = writeln!(
                    body,
                    "{number}. {}",
                    capitalised(&change.piece().summary(domain))
                );
            }
            body.push_str(&details(change));
        }
        for note in plan.notes() {
            let _ = writeln!(body, "Note: {note}");
        }
        Preview::new(summary, &body, plan.asks_for())
    }

    /// What a person gives their word for.
    pub(super) fn of_attestation(step: &AttestStep) -> Preview {
        let domain = &step.domain;
        let (claim, proof) = match step.step {
            SetupStep::DialTranslationRule => (
                "SkySwitch has added the dial translation rule",
                "Agree only if SkySwitch has confirmed the rule for this domain in writing, or a call from a number \
                 that is not a VIP has rung the fallback by way of the route_by_ani user. A call to a number that does \
                 not go there yet proves nothing. If the rule is not there, every caller who is not a VIP is dropped as \
                 soon as the customer's number is routed.",
            ),
            _ => (
                "the Route by ANI user is set up",
                "Agree only if you have seen in the portal that the user has no device, voicemail is off, and its \
                 one answering rule forwards always to route_by_ani.",
            ),
        };
        let body = format!(
            "Account: {account}\nDomain: {domain}\nStep: {step}\nAttested by: {by}\nProof: {note}\n{proof}\n",
            account = shown(step.account.as_str(), 128),
            by = shown(&step.attested_by, 100),
            note = shown(&step.note, 500),
            step = step.step.as_str(),
        );
        Preview::new(
            format!("Attest for {domain}: {claim}"),
            &body,
            TypedValue::Domain(domain.clone()),
        )
    }
}

fn details(change: &SetupChange) -> String {
    let mut lines = String::new();
    match change.piece() {
        SetupPiece::DidRoute { did, route } => {
            let before = change.before().and_then(DidRoute::from_stored);
            let today = before
                .as_ref()
                .map_or("nowhere".to_owned(), DidRoute::goes_to);
            let _ = writeln!(lines, "Customer's number: {did}");
            let _ = writeln!(lines, "Today: calls go to {today}");
            let _ = writeln!(lines, "Afterwards: calls go to {}", route.goes_to());
            let kept = route.settings_kept(before.as_ref());
            if !kept.is_empty() {
                let _ = writeln!(lines, "Kept: {}", kept.join("; "));
            }
            let changed = route.settings_changed(before.as_ref());
            if !changed.is_empty() {
                let _ = writeln!(lines, "Also changed: {}", changed.join("; "));
            }
            if let Some(fallback) = change.may_route().and_then(|may| may.fallback()) {
                let how = match fallback.is_verified() {
                    true => "verified",
                    false => "not verified",
                };
                let _ = writeln!(
                    lines,
                    "Callers who are not VIPs ({how}): {}",
                    fallback.words()
                );
            }
        }
        SetupPiece::PbxDomain { description } => {
            if let Some(description) = description {
                let _ = writeln!(lines, "Description: {}", shown(description, 100));
            }
            lines.push_str(
                "This cannot be taken back: the name of a domain cannot be changed and can never be used again.\n",
            );
        }
        SetupPiece::ForwardAlways { .. } => {
            if let Some(rule) = change.before() {
                let _ = writeln!(
                    lines,
                    "The answering rule for all times that stands is replaced: {}",
                    answering(rule)
                );
            }
        }
        _ => {}
    }
    lines
}

/// An answering rule as it was stored, in plain words.
fn answering(rule: &Value) -> String {
    let targets = rule.get("forwards_to").and_then(Value::as_array);
    let targets: Vec<&str> = targets
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match targets.is_empty() {
        true => "it does not forward".to_owned(),
        false => format!("it forwards to {}", shown(&targets.join(", "), 100)),
    }
}
