//! The user that the customer's number is to go to, and what may be wrong with it.

use std::fmt;

use crate::app::App;
use crate::ops::onboarding::evidence::{Reading, Unread};
use skyswitch_client::AnsweringRule;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Extension, PbxDomain};

/// The user that the customer's number is to go to.
#[derive(Debug)]
pub(in crate::ops) struct AniUser {
    pub extension: Extension,
    pub devices: Reading<Vec<String>>,
    pub voicemail: Reading<bool>,
    pub rules: Reading<Vec<AnsweringRule>>,
    /// The dial plan in which its calls are looked up first, where that is shown.
    pub dial_plan: Option<String>,
}

/// What keeps the user from doing its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) enum Problem {
    /// It has devices, which ring before the call is forwarded.
    HasDevices(Vec<String>),
    VoicemailIsOn,
    /// No answering rule for all times forwards anywhere.
    ForwardsNowhere,
    /// The answering rule for all times forwards to something else.
    ForwardsElsewhere(Vec<String>),
    /// Another answering rule is in force in this time frame.
    ForwardsAtTimes(String),
}

impl Problem {
    /// Whether the answering rule that this program can write solves it.
    pub fn is_solved_by_forwarding(&self) -> bool {
        matches!(
            self,
            Problem::ForwardsNowhere | Problem::ForwardsElsewhere(_)
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::HasDevices(devices) => {
                let names = devices.iter().take(5).map(|name| shown(name, 60));
                let names: Vec<String> = names.collect();
                write!(f, "it has devices ({})", names.join(", "))
            }
            Problem::VoicemailIsOn => f.write_str("its voicemail is on"),
            Problem::ForwardsNowhere => {
                f.write_str("it has no answering rule Forward Always to route_by_ani")
            }
            Problem::ForwardsElsewhere(to) => write!(
                f,
                "its answering rule forwards to {}, not to route_by_ani",
                shown(&to.join(", "), 80)
            ),
            Problem::ForwardsAtTimes(time_frame) => write!(
                f,
                "at certain times (\"{}\") another answering rule applies",
                shown(time_frame, 60)
            ),
        }
    }
}

impl AniUser {
    /// A user of whom nothing more is known, and why.
    pub fn unknown(extension: Extension, why: Unread) -> AniUser {
        AniUser {
            extension,
            devices: Err(why.clone()),
            voicemail: Err(why.clone()),
            rules: Err(why),
            dial_plan: None,
        }
    }

    /// What keeps it from doing its work, as far as that is shown.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Ok(devices) = &self.devices
            && !devices.is_empty()
        {
            problems.push(Problem::HasDevices(devices.clone()));
        }
        if self.voicemail == Ok(true) {
            problems.push(Problem::VoicemailIsOn);
        }
        if let Ok(rules) = &self.rules {
            problems.extend(rule_problem(rules));
        }
        problems
    }

    /// Why something of it is not known, if so.
    pub fn unread(&self) -> Option<&Unread> {
        let devices = self.devices.as_ref().err();
        let voicemail = || self.voicemail.as_ref().err();
        devices
            .or_else(voicemail)
            .or_else(|| self.rules.as_ref().err())
    }

    /// The present answering rule for all times.
    pub fn rule_for_all_times(&self) -> Option<&AnsweringRule> {
        let rules = self.rules.as_ref().ok()?;
        rules.iter().find(|rule| rule.is_for_all_times())
    }
}

fn rule_problem(rules: &[AnsweringRule]) -> Option<Problem> {
    let all_times = rules.iter().find(|rule| rule.is_for_all_times());
    match all_times {
        Some(rule) if rule.forwards_to_route_by_ani() => {}
        Some(rule) if rule.enabled && !rule.forwards_to.is_empty() => {
            return Some(Problem::ForwardsElsewhere(rule.forwards_to.clone()));
        }
        _ => return Some(Problem::ForwardsNowhere),
    }
    let other = rules
        .iter()
        .find(|rule| rule.enabled && !rule.is_for_all_times())?;
    Some(Problem::ForwardsAtTimes(other.time_frame.clone()))
}

impl App {
    /// Reads what the PBX API shows of that user.
    pub(in crate::ops) async fn ani_user(
        &self,
        domain: &PbxDomain,
        extension: Extension,
    ) -> AniUser {
        let pbx = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx,
            Err(error) => return AniUser::unknown(extension, error.into()),
        };
        let (devices, found, rules) = tokio::join!(
            pbx.devices(domain, &extension),
            pbx.user(domain, &extension),
            pbx.answering_rules(domain, &extension),
        );
        let not_shown = |why: &str| Unread::NotShown(why.to_owned());
        let dial_plan = match &found {
            Ok(Some(found)) => found.dial_plan.clone(),
            _ => None,
        };
        let voicemail = match found {
            Ok(Some(found)) => found
                .voicemail
                .ok_or_else(|| not_shown("the PBX API does not say whether voicemail is on")),
            Ok(None) => Err(not_shown("the PBX API does not show the user yet")),
            Err(error) => Err(error.into()),
        };
        AniUser {
            extension,
            devices: devices.map_err(Unread::from),
            voicemail,
            rules: rules.map_err(Unread::from),
            dial_plan,
        }
    }
}
