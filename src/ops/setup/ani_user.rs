//! The user that the customer's number is to go to, and what may be wrong with it.

use super::evidence::Shown;
use crate::domain::Extension;
use crate::redact::shown;
use crate::skyswitch::AnsweringRule;

/// The user that the customer's number is to go to.
#[derive(Debug)]
pub(super) struct AniUser {
    pub extension: Extension,
    pub devices: Shown<Vec<String>>,
    pub voicemail: Shown<bool>,
    pub rules: Shown<Vec<AnsweringRule>>,
}

impl AniUser {
    /// What keeps it from doing its work, as far as that is shown.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Ok(devices) = &self.devices
            && !devices.is_empty()
        {
            let names = devices.iter().take(5).map(|name| shown(name, 60));
            problems.push(format!(
                "it has devices ({})",
                names.collect::<Vec<_>>().join(", ")
            ));
        }
        if self.voicemail == Ok(true) {
            problems.push("its voicemail is on".to_owned());
        }
        if let Ok(rules) = &self.rules {
            problems.extend(rule_problem(rules));
        }
        problems
    }

    /// Why something of it is not shown, if so.
    pub fn not_shown(&self) -> Option<&str> {
        let reasons = [
            self.devices.as_ref().err(),
            self.voicemail.as_ref().err(),
            self.rules.as_ref().err(),
        ];
        reasons.into_iter().flatten().next().map(String::as_str)
    }

    /// The answering rule for all times that stands now.
    pub fn rule_for_all_times(&self) -> Option<&AnsweringRule> {
        let rules = self.rules.as_ref().ok()?;
        rules.iter().find(|rule| rule.is_for_all_times())
    }
}

fn rule_problem(rules: &[AnsweringRule]) -> Option<String> {
    let all_times = rules.iter().find(|rule| rule.is_for_all_times());
    match all_times {
        Some(rule) if rule.forwards_to_route_by_ani() => {}
        Some(rule) if rule.enabled && !rule.forwards_to.is_empty() => {
            return Some(format!(
                "its answering rule forwards to {}, not to route_by_ani",
                shown(&rule.forwards_to.join(", "), 80)
            ));
        }
        _ => return Some("it has no answering rule Forward Always to route_by_ani".to_owned()),
    }
    let other = rules
        .iter()
        .find(|rule| rule.enabled && !rule.is_for_all_times())?;
    Some(format!(
        "at certain times (\"{}\") another answering rule holds",
        shown(&other.time_frame, 60)
    ))
}
