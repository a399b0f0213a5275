//! What the PBX API tells, in whichever generation's words.

use serde_json::{Map, Value};

use super::super::answer;
use super::super::http::Answer;
use crate::domain::{Extension, PbxDomain, ROUTE_BY_ANI};
use crate::error::{Code, Error, Result};
use crate::redact::shown;

/// A user of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxUser {
    /// Its id.
    pub user: String,
    /// Whether voicemail is on; `None` where the API does not say.
    pub voicemail: Option<bool>,
}

/// One of a user's answering rules.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AnsweringRule {
    /// When it holds; `*` for all times.
    pub time_frame: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Where it forwards always, if it does.
    pub forwards_to: Vec<String>,
}

impl AnsweringRule {
    /// Whether it holds at all times.
    pub fn is_for_all_times(&self) -> bool {
        matches!(self.time_frame.trim(), "" | "*")
    }

    /// Whether it does what Route by ANI needs.
    pub fn forwards_to_route_by_ani(&self) -> bool {
        let [only] = self.forwards_to.as_slice() else {
            return false;
        };
        self.enabled && user_part(only).eq_ignore_ascii_case(ROUTE_BY_ANI)
    }
}

/// A rule of a dial plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialRule {
    /// The dialled address it is for.
    pub matches_to: String,
    /// The callers it is for; `*` for all.
    pub matches_from: String,
    /// What it does, for example `to-user` or `sip:start@to-user`.
    pub application: String,
    /// Who rings.
    pub to_user: String,
    /// In which domain.
    pub to_host: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it holds at certain times only.
    pub is_limited: bool,
}

impl DialRule {
    /// Whether it is for calls that come from the ANI user.
    pub fn is_for_route_by_ani(&self) -> bool {
        user_part(&self.matches_to).eq_ignore_ascii_case(ROUTE_BY_ANI)
    }

    /// Whether it is for every caller, at any time.
    pub fn is_for_everybody(&self) -> bool {
        !self.is_limited && matches!(user_part(&self.matches_from), "" | "*")
    }

    /// The user of that domain that it rings; `None` where it rings something
    /// else, such as a queue.
    pub fn rings_user_of(&self, domain: &PbxDomain) -> Option<&str> {
        let host = self.to_host.trim();
        let in_domain = matches!(host, "" | "*" | "[*]") || domain.is(host);
        let to_user = self.action().is_empty() || self.action().starts_with("to-user");
        (in_domain && to_user).then_some(user_part(&self.to_user))
    }

    /// Whether calls end here without anything ringing.
    pub fn ends_calls(&self) -> bool {
        let goes_nowhere = self.to_user.trim().is_empty();
        goes_nowhere || ["hangup", "available-number", "AvailableDID"].contains(&self.action())
    }

    /// What it does, for people.
    pub fn words(&self) -> String {
        format!(
            "a dial rule for {} sends everybody to {} {}",
            shown(&self.matches_to, 60),
            shown(self.action(), 40),
            shown(&self.to_user, 60)
        )
    }

    /// `to-user` in `sip:start@to-user`.
    fn action(&self) -> &str {
        self.application
            .rsplit('@')
            .next()
            .unwrap_or_default()
            .trim()
    }
}

/// `route_by_ani` in `sip:route_by_ani@*`.
fn user_part(address: &str) -> &str {
    let rest = address.strip_prefix("sip:").unwrap_or(address);
    rest.split('@').next().unwrap_or(rest).trim()
}

/// The records of an answer: a list, a single record, or nothing. A record
/// alone may stand without a list around it.
pub(super) fn records(answer: &Answer, what: &str) -> Result<Vec<Map<String, Value>>> {
    let refuse = |found: &str| {
        Err(Error::new(
            Code::UpstreamRejected,
            format!("the PBX API answered {what} with {found}"),
            "Check `pbx_base_url` and `pbx_api`; if they are right, this may be a fault: try again later.",
        )
        .with_answer(answer.status, answer.request_id.clone()))
    };
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let value: Value = answer.json(what)?;
    if answer.is_contradicted() {
        let words = answer::words_in(&value).unwrap_or_default();
        return refuse(&format!("an error: \"{}\"", shown(&words, 300)));
    }
    let list = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("data") {
            Some(Value::Array(list)) => list,
            Some(Value::Object(one)) => vec![Value::Object(one)],
            _ if object.is_empty() => Vec::new(),
            _ => vec![Value::Object(object)],
        },
        _ => return refuse("something that is no record"),
    };
    let mut records = Vec::with_capacity(list.len());
    for record in list {
        match record {
            Value::Object(record) => records.push(record),
            _ => return refuse("something that is no record"),
        }
    }
    Ok(records)
}

/// The first of the named fields that is there, as text.
pub(super) fn text(record: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match record.get(*name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// The first of the named fields that is there, as a switch: `yes`, `1`, `e`, true.
pub(super) fn switch(record: &Map<String, Value>, names: &[&str]) -> Option<bool> {
    let word = text(record, names)?.trim().to_ascii_lowercase();
    match word.as_str() {
        "yes" | "1" | "e" | "true" | "on" | "enabled" => Some(true),
        "no" | "0" | "d" | "n" | "" | "false" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

/// The first of the named fields that is there, as a list of texts.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let split = |text: &str| -> Vec<String> {
        let parts = text.split([',', ' ', '\n']).map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match value {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|entry| match entry {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        Some(Value::String(text)) => split(text),
        Some(Value::Number(number)) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// Whether a record is about that user.
pub(super) fn is_about(record: &Map<String, Value>, names: &[&str], user: &Extension) -> bool {
    text(record, names).is_none_or(|found| user.is(&found))
}
