//! The support ticket that asks SkySwitch for the dial translation rule.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::onboarding::evidence::Customer;
use crate::ops::onboarding::steps::NAMED;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Destination, PhoneNumber};

/// A support ticket, ready to be sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Ticket {
    /// Its subject line.
    pub subject: String,
    /// Its text.
    pub body: String,
}

impl Ticket {
    /// Asks for the rule that sends callers who are not VIPs to `fallback`.
    /// `early` are numbers that go to the Route by ANI user already.
    pub(super) fn of(
        customer: &Customer,
        fallback: Option<&Destination>,
        early: &[PhoneNumber],
    ) -> Ticket {
        let domain = &customer.domain;
        let fallback = fallback.map_or(
            "[extension, queue or attendant for callers who are not VIPs]".to_owned(),
            |destination| shown(destination.as_str(), 100),
        );
        let did = customer.did.as_ref().map_or(String::new(), |did| {
            format!("Customer's number (DID): {did}\n")
        });
        let (urgency, plan) = match early {
            [] => (
                "",
                "We will point the DID at the Route by ANI user only after you have confirmed the rule."
                    .to_owned(),
            ),
            early => (
                "URGENT: ",
                format!(
                    "This is urgent: {} already goes to the Route by ANI user, so callers without a rule may be dropped now.",
                    first_few(NAMED, early)
                ),
            ),
        };
        Ticket {
            subject: format!(
                "{urgency}Dial translation rule for unmatched ANIs (Route by ANI) in {domain}"
            ),
            body: format!(
                "Hello SkySwitch support,\n\n\
                 for Route by ANI in this PBX domain, please add a dial translation rule that sends callers whose ANI \
                 matches no route-by-ANI rule to the fallback destination. Without it, they are all dropped.\n\n\
                 Domain: {domain}\n\
                 Fallback destination: {fallback}\n\
                 {did}\n\
                 {plan}\n\n\
                 Thank you."
            ),
        }
    }
}
