//! The alarm: a customer's number goes to the Route by ANI user, and nobody knows that
//! callers without a VIP rule are sent anywhere.

use crate::ops::onboarding::steps::numbers_go;
use skyswitch_domain::{Operation, PhoneNumber};
use skyswitch_guard::FallbackReading;

/// What is wrong, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alarm {
    /// Whether the dial plan was read and shows that callers are dropped.
    pub is_certain: bool,
    pub words: String,
}

impl Alarm {
    /// Numbers on a Route by ANI user without a fallback that anybody knows of.
    pub fn of(dial_plan: &FallbackReading, numbers: &[PhoneNumber]) -> Alarm {
        let go = numbers_go(numbers);
        let words = match dial_plan {
            FallbackReading::Failed(why) => {
                format!(
                    "{go} the Route by ANI user, and whether the dial translation rule exists is not known just now: \
                     {why}. Look again in a moment."
                )
            }
            FallbackReading::Missing(why) => {
                format!(
                    "ALARM: {go} the Route by ANI user, and there is no dial translation rule ({why}). Callers who are \
                     not VIPs are being dropped right now. Point the number back ({}, or in the portal) until \
                     SkySwitch has added the rule.",
                    Operation::UndoChange
                )
            }
            _ => {
                format!(
                    "ALARM: {go} the Route by ANI user, and nobody has verified or attested the dial translation rule. \
                     If it is missing, callers who are not VIPs are being dropped right now: have a person call {} \
                     from a number that is not a VIP. Point the number back ({}, or in the portal) if \
                     nobody is reached.",
                    if numbers.len() == 1 { "it" } else { "them" },
                    Operation::UndoChange
                )
            }
        };
        Alarm {
            is_certain: matches!(dial_plan, FallbackReading::Missing(_)),
            words,
        }
    }
}
