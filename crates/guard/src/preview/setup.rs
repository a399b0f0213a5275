//! Previews of changes to a customer's setup, and of attestations.

use serde_json::Value;

use super::{Fact, FactKind, Preview, account, fact};
use crate::{AttestStep, PieceChange, TypedValue};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{DidRoute, PhoneNumber, SetupPiece, SetupStep};

impl Preview {
    /// What a person states to be done.
    pub(crate) fn of_attestation(step: &AttestStep) -> Preview {
        let customer = step.names.customer(&step.domain);
        let (claim, agree_only_if) = match step.step {
            SetupStep::DialTranslationRule => (
                "SkySwitch has added the dial translation rule",
                "Agree only if SkySwitch has confirmed the rule for this domain in writing, or a call from a number \
                 that is not a VIP has reached the fallback destination through the Route by ANI user. A call to a number that does \
                 not go there yet proves nothing. If the rule is not there, every caller who is not a VIP is dropped as \
                 soon as the customer's number is routed.",
            ),
            _ => (
                "the Route by ANI user is set up",
                "Agree only if you have seen in the portal that the user has no device, voicemail is off, and its \
                 one answering rule forwards always to route_by_ani.",
            ),
        };
        Preview {
            summary: format!("Attest for {customer}: {claim}"),
            facts: vec![
                account(&step.account),
                fact(FactKind::Domain, customer),
                fact(FactKind::Step, step.step.as_str()),
                fact(FactKind::AttestedBy, shown(&step.attested_by, 100)),
                fact(FactKind::Proof, shown(&step.note, 500)),
                fact(FactKind::AgreeOnlyIf, agree_only_if),
            ],
            rows: Vec::new(),
            asks_for: TypedValue::Domain(step.domain.clone()),
            problem: None,
            story: None,
            wants_pin: false,
        }
    }
}

/// What a person decides a piece by.
pub(super) fn details(change: &PieceChange) -> Vec<Fact> {
    match change.piece() {
        SetupPiece::DidRoute { did, route, .. } => routing(change, did, route),
        SetupPiece::PbxDomain { description } => {
            let description = description.as_deref().map(|text| shown(text, 100));
            let description = description.map(|text| fact(FactKind::Description, text));
            let irreversible = fact(
                FactKind::Irreversible,
                "This cannot be undone: the name of a domain cannot be changed and can never be used again.",
            );
            description.into_iter().chain([irreversible]).collect()
        }
        SetupPiece::ForwardAlways { .. } => {
            let replaced = change.before().map(answering);
            let replaced = replaced.map(|rule| fact(FactKind::ReplacedAnsweringRule, rule));
            replaced.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn routing(change: &PieceChange, did: &PhoneNumber, route: &DidRoute) -> Vec<Fact> {
    let before = change.before().and_then(DidRoute::from_stored);
    let (today, afterwards) = match change.names() {
        Some(names) => (names.today.clone(), names.afterwards.clone()),
        None => (before.as_ref().map(DidRoute::goes_to), route.goes_to()),
    };
    let today = today.map_or("calls go nowhere".to_owned(), |today| {
        format!("calls go to {today}")
    });
    let mut facts = vec![
        fact(FactKind::CustomerNumber, did.to_string()),
        fact(FactKind::Today, today),
        fact(FactKind::Afterwards, format!("calls go to {afterwards}")),
    ];
    if before
        .as_ref()
        .is_some_and(|before| !before.can_be_put_back())
    {
        facts.push(fact(
            FactKind::Irreversible,
            "This cannot be undone here: SkySwitch may not take the present routing in the form in which it shows it. \
             To go back, the number has to be pointed there in the portal.",
        ));
    }
    let mut settings = |kind, settings: Vec<String>| {
        if !settings.is_empty() {
            facts.push(fact(kind, settings.join("; ")));
        }
    };
    settings(FactKind::Kept, route.settings_kept(before.as_ref()));
    settings(
        FactKind::AlsoChanged,
        route.settings_changed(before.as_ref()),
    );
    if let Some(fallback) = change.may_route().and_then(|may| may.fallback()) {
        let kind = match fallback.is_verified() {
            true => FactKind::OthersVerified,
            false => FactKind::OthersAttested,
        };
        facts.push(fact(kind, fallback.words()));
    }
    facts
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
