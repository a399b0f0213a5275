//! What the steps are called, and what is to be done about them.

use crate::ops::onboarding::evidence::{Customer, Evidence};
use crate::ops::onboarding::steps::NAMED;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Argument, Operation, PhoneNumber, SetupStep};
use skyswitch_guard::FallbackReading;

/// The step in a few words.
pub(crate) fn title(id: SetupStep) -> &'static str {
    match id {
        SetupStep::CreateDomain => "Create the PBX domain",
        SetupStep::DialTranslationRule => {
            "Have SkySwitch add the dial translation rule for callers who are not VIPs"
        }
        SetupStep::RouteByAniUser => "Create the Route by ANI user",
        SetupStep::RouteDid => "Point the customer's number at the Route by ANI user",
        SetupStep::ManageVips => "Keep the VIP list",
    }
}

/// What to do about a step that is not settled, and whether all before it are.
pub(super) fn action(
    id: SetupStep,
    customer: &Customer,
    evidence: &Evidence,
    is_next: bool,
) -> String {
    let domain = &customer.domain;
    let did = customer.did.as_ref().map_or(
        "the customer's number (DID)".to_owned(),
        PhoneNumber::to_string,
    );
    match id {
        SetupStep::CreateDomain => format!(
            "Create the PBX domain in the SkySwitch portal (or with {}, where the operator allows it). Check the name \
             twice: it cannot be changed, and the name of a deleted domain can never be used again. {} shows the \
             domains that exist.",
            Operation::Onboard,
            Operation::ListDomains
        ),
        SetupStep::DialTranslationRule => {
            let waiting = match evidence.numbers_too_early() {
                [] => {
                    "Send the support ticket and wait for SkySwitch's written answer (about one business day). A test \
                     call proves nothing yet. Do nothing to the DID before the rule is verified or attested."
                        .to_owned()
                }
                early => format!(
                    "First send {} to a user who answers, with {}. Then send the support ticket and wait for SkySwitch's \
                     written answer (allow one business day).",
                    first_few(NAMED, early),
                    Operation::RouteNumber
                ),
            };
            match evidence.dial_plan {
                FallbackReading::Missing(_) => format!(
                    "{waiting} Once SkySwitch has added the rule, the dial plan shows it. Where SkySwitch says that \
                     it keeps the rule elsewhere, the operator sets `trust_dial_plan` to false, and a person attests it."
                ),
                FallbackReading::Failed(_) => {
                    "Look again in a moment: the dial plan could not be read just now, and may show the rule.".to_owned()
                }
                _ => format!(
                    "{waiting} Whoever has the answer attests the step with {}.",
                    Operation::AttestStep
                ),
            }
        }
        SetupStep::RouteByAniUser => format!(
            "With {} where the PBX API is configured; else in the portal, in {domain}: add a user named \
             \"Route By ANI\" with no device; voicemail off; one answering rule for all times: Forward Always to \
             `route_by_ani`. Then attest it with {}.",
            Operation::Onboard,
            Operation::AttestStep
        ),
        SetupStep::RouteDid => format!(
            "Only after the dial translation rule is verified or attested: {} with {} points {did} at the \
             Route by ANI user of {domain} and keeps the old routing for {}.",
            Operation::Onboard,
            Argument("did"),
            Operation::UndoChange
        ),
        SetupStep::ManageVips => {
            let then = match is_next {
                true => "",
                false => " They take effect once the steps above are done.",
            };
            format!(
                "Add VIP callers with {} or {}.{then}",
                Operation::AddVip,
                Operation::ImportVips
            )
        }
    }
}
