//! The alarm: a customer's number goes to the Route by ANI user, and nobody knows that
//! callers without a VIP rule are sent anywhere.

use crate::ops::onboarding::ani_users::{Perhaps, Reaching};
use crate::ops::onboarding::steps::{NAMED, numbers_go};
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Operation, PhoneNumber};
use skyswitch_guard::FallbackReading;

/// How sure it is that callers are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum AlarmKind {
    /// The dial plan was read and shows it.
    Dropping,
    /// Nobody knows that they are not.
    Possible,
    /// What would tell could not be read just now.
    CannotTell,
}

impl AlarmKind {
    /// Whether it is only that nobody could look.
    pub fn cannot_tell(self) -> bool {
        self == AlarmKind::CannotTell
    }
}

/// What is wrong, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) struct Alarm {
    pub kind: AlarmKind,
    pub words: String,
}

impl Alarm {
    /// Numbers that come to a Route by ANI user, or may, without a fallback that
    /// anybody knows of.
    pub fn on(dial_plan: &FallbackReading, reaching: &Reaching) -> Option<Alarm> {
        let Reaching { numbers, perhaps } = reaching;
        let sure = (!numbers.is_empty()).then(|| Alarm::of(dial_plan, numbers));
        let perhaps = (!perhaps.is_empty()).then(|| Alarm::perhaps(dial_plan, perhaps));
        match (sure, perhaps) {
            (Some(sure), Some(perhaps)) => Some(Alarm {
                words: format!("{} {}", sure.words, perhaps.words),
                ..sure
            }),
            (sure, perhaps) => sure.or(perhaps),
        }
    }

    /// Nobody knows whether the calls come there at all.
    fn perhaps(dial_plan: &FallbackReading, perhaps: &[Perhaps]) -> Alarm {
        let say = |perhaps: &Perhaps| format!("{} ({})", perhaps.number, perhaps.why);
        let named = first_few(NAMED, perhaps.iter().map(say));
        let rule = match dial_plan {
            FallbackReading::Missing(why) => format!("there is no dial translation rule ({why})"),
            FallbackReading::Failed(why) => {
                format!("whether there is a dial translation rule is not known just now ({why})")
            }
            _ => "nobody has verified or attested the dial translation rule".to_owned(),
        };
        let numbers: Vec<PhoneNumber> = perhaps.iter().map(|one| one.number.clone()).collect();
        Alarm {
            kind: AlarmKind::CannotTell,
            words: format!(
                "NOT VERIFIED: calls to {named} may come to the Route by ANI user, and {rule}: callers who are not VIPs \
                 may be being dropped. Look again in two minutes, and have a person call from a number that is not a \
                 VIP. {} if nobody is reached.",
                remedy(&numbers)
            ),
        }
    }

    /// Numbers on a Route by ANI user without a fallback that anybody knows of.
    fn of(dial_plan: &FallbackReading, numbers: &[PhoneNumber]) -> Alarm {
        let go = numbers_go(numbers);
        let (kind, words) = match dial_plan {
            FallbackReading::Failed(why) | FallbackReading::Refused(why) => {
                let words = format!(
                    "NOT VERIFIED: {go} the Route by ANI user, and whether callers who are not VIPs reach anybody \
                     could not be verified: {why}. Look again once the dial plan can be read, or attest the rule; until \
                     then, have a person call from a number that is not a VIP. {} if nobody is reached.",
                    remedy(numbers)
                );
                (AlarmKind::CannotTell, words)
            }
            FallbackReading::Missing(why) => {
                let words = format!(
                    "ALARM: {go} the Route by ANI user, and there is no dial translation rule ({why}). Callers who are \
                     not VIPs are being dropped right now. {} until SkySwitch has added the rule.",
                    remedy(numbers)
                );
                (AlarmKind::Dropping, words)
            }
            _ => {
                let words = format!(
                    "ALARM: {go} the Route by ANI user, and nobody has verified or attested the dial translation rule. \
                     If it is missing, callers who are not VIPs are being dropped right now: have a person call {} \
                     from a number that is not a VIP. {} if nobody is reached.",
                    if numbers.len() == 1 { "it" } else { "them" },
                    remedy(numbers)
                );
                (AlarmKind::Possible, words)
            }
        };
        Alarm { kind, words }
    }
}

/// What stops the loss at once, whoever pointed the number there.
fn remedy(numbers: &[PhoneNumber]) -> String {
    let number = match numbers.len() {
        1 => "the number",
        _ => "each number",
    };
    format!(
        "Send {number} to a user who answers ({}, or the portal)",
        Operation::RouteNumber
    )
}
