//! What the PBX API tells, read from the words of either generation.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::super::answer;
use super::super::http::Answer;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{PbxDomain, ROUTE_BY_ANI};

/// A user of a domain, as the PBX API knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxUser {
    /// Its id.
    pub user: String,
    /// Whether voicemail is on; `None` where the API does not say.
    pub voicemail: Option<bool>,
    /// The dial plan in which the calls that it makes or forwards are looked up
    /// first; `None` where the API does not say.
    pub dial_plan: Option<String>,
}

/// A rule of a dial plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DialRule {
    /// The dialled address it is for.
    pub matches_to: String,
    /// The callers it is for; `*` for all.
    pub matches_from: String,
    /// What it does, for example `to-user` or `sip:start@to-user`.
    pub application: String,
    /// The user that calls go to.
    pub to_user: String,
    /// The domain of that user.
    pub to_host: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it applies at certain times only. A first day that has passed
    /// limits nothing.
    pub is_limited: bool,
}

/// Where a dial rule sends the calls that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialRuleTarget {
    /// A user, queue or attendant of the rule's own domain.
    User(String),
    /// Nobody: the call ends.
    Nobody,
    /// Somewhere that cannot be looked up from here.
    Elsewhere,
}

impl DialRule {
    /// Whether it is for calls that the Route by ANI user passes on.
    pub fn is_for_route_by_ani(&self) -> bool {
        user_part(&self.matches_to).eq_ignore_ascii_case(ROUTE_BY_ANI)
    }

    /// Whether it is for every caller who reaches the domain, though perhaps at
    /// certain times only. An address with a host of its own is for the calls of
    /// that host only.
    pub fn is_for_everybody(&self, domain: &PbxDomain) -> bool {
        let any = |part: &str| matches!(part, "" | "*");
        let to_host = host_part(&self.matches_to);
        any(user_part(&self.matches_from))
            && any(host_part(&self.matches_from))
            && (any(to_host) || domain.is(to_host) || to_host == OWN_DOMAIN)
    }

    /// Whether it matches every call that no other rule matches.
    pub fn is_chain(&self) -> bool {
        user_part(&self.matches_to) == "*"
    }

    /// The dial plan that such a rule passes calls on to: `Default` in `<Default>`.
    pub fn chains_to(&self) -> Option<&str> {
        let plan = self.application.trim().strip_prefix('<')?.strip_suffix('>');
        plan.filter(|_| self.enabled && self.is_chain())
    }

    /// Whether the record said in a way that is known what the rule is for.
    pub fn is_understood(&self) -> bool {
        !self.matches_to.trim().is_empty()
    }

    /// Where it sends its calls. Only an action that is known to reach a user
    /// counts as one: actions and hosts that are not known are
    /// [`DialRuleTarget::Elsewhere`].
    pub fn target(&self, domain: &PbxDomain) -> DialRuleTarget {
        const ENDING: [&str; 3] = ["hangup", "available-number", "availabledid"];
        let action = self.action().to_ascii_lowercase();
        let user = user_part(&self.to_user);
        let host = self.to_host.trim();
        let is_here = is_any_host(host) || domain.is(host);
        if ENDING.contains(&action.as_str()) {
            return DialRuleTarget::Nobody;
        }
        match place(&action).is_some() {
            true if user.is_empty() => DialRuleTarget::Nobody,
            true if is_here && !user.contains(['*', '[', '?']) => {
                DialRuleTarget::User(user.to_owned())
            }
            _ => DialRuleTarget::Elsewhere,
        }
    }

    /// What it does, as a sentence for people.
    pub fn words(&self) -> String {
        let host = match self.to_host.trim() {
            host if is_any_host(host) => String::new(),
            host => format!("@{}", shown(host, 100)),
        };
        let user = shown(user_part(&self.to_user), 60);
        let place = match place(&self.action().to_ascii_lowercase()) {
            Some(place) => format!("{place} {user}{host}"),
            None => format!("{} {user}{host}", shown(self.action(), 40)),
        };
        format!(
            "a dial translation rule for {} sends every caller to {}",
            shown(&self.matches_to, 60),
            place.trim()
        )
    }

    /// `to-user` in `sip:start@to-user`.
    fn action(&self) -> &str {
        let action = self.application.rsplit('@').next().unwrap_or_default();
        action.trim()
    }
}

/// How a rule writes the domain that it belongs to.
const OWN_DOMAIN: &str = "<OwnDomain>";

/// Whether a destination's host is that of the call or of the rule's own domain.
pub(super) fn is_any_host(host: &str) -> bool {
    matches!(host, "" | "*" | "[*]") || host.eq_ignore_ascii_case(OWN_DOMAIN)
}

/// What an action in small letters reaches, where it is known to reach a user of
/// the domain. The first generation has names of its own.
fn place(action: &str) -> Option<&'static str> {
    match action {
        "to-user" | "to-user-resi" | "to-user-residential" => Some("user"),
        "call-queuing" => Some("call queue"),
        "to-voicemail" | "to-voicemail-residential" | "residential vmail" => {
            Some("the voicemail of")
        }
        _ if action.starts_with("to-callqueue") => Some("call queue"),
        _ => None,
    }
}

/// `user@host` of an address in any of its writings: `sip:101@*`, `user:101`,
/// `<SIP:101;x=1>`.
fn bare(address: &str) -> &str {
    let address = address.trim().trim_start_matches('<');
    let address = address.split(['>', ';']).next().unwrap_or(address);
    match address.split_once(':') {
        Some((scheme, rest))
            if SCHEMES
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known)) =>
        {
            rest
        }
        _ => address,
    }
}

/// What addresses of users may begin with.
const SCHEMES: [&str; 4] = ["sip", "sips", "tel", "user"];

/// `101` of `sip:101@*`.
pub(super) fn user_part(address: &str) -> &str {
    let address = bare(address);
    address.split('@').next().unwrap_or(address).trim()
}

/// `*` in `sip:route_by_ani@*`; empty where there is none.
pub(super) fn host_part(address: &str) -> &str {
    bare(address)
        .split_once('@')
        .map_or("", |(_, host)| host)
        .trim()
}

/// The records of an answer: a list, or a single record without a list around
/// it. Nothing is there only where the answer says so in a documented form,
/// `[]` or an empty `<xml/>`: an alarm may rest on it.
pub(super) fn records(answer: &Answer, what: &str) -> Result<Vec<Map<String, Value>>> {
    let refuse = |found: &str| {
        Err(answer.not_understood(Error::new(
            Code::UpstreamRejected,
            format!("the PBX API answered {what} with {found}"),
            "Check `pbx_base_url` and `pbx_api`; if they are right, this may be a fault: try again later.",
        )))
    };
    if answer.status != 200 {
        return refuse(&format!("HTTP {}", answer.status));
    }
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return refuse("an empty body");
    }
    if is_empty_xml(&answer.body) {
        return Ok(Vec::new());
    }
    let value: Value = answer.json(what)?;
    // `{"code":403,"message":"Forbidden"}` with a success status.
    let is_message = value.get("code").is_some() && value.get("message").is_some();
    let is_error = |key: &&str| value.get(key).is_some_and(|error| !error.is_null());
    if is_message || ["error", "errors"].iter().any(is_error) {
        let words = answer::words_in(&value).unwrap_or_default();
        return refuse(&format!("an error: \"{}\"", answer::quoted(&words)));
    }
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("data") {
            Some(Value::Array(list)) => list,
            Some(Value::Object(one)) if !one.is_empty() => vec![Value::Object(one)],
            None if !object.is_empty() => vec![Value::Object(object)],
            _ => return refuse("an object without a record"),
        },
        _ => return refuse("something that is not a record"),
    };
    let mut records = Vec::with_capacity(list.len());
    for record in list {
        match record {
            Value::Object(record) => records.push(record),
            _ => return refuse("something that is not a record"),
        }
    }
    Ok(records)
}

/// The first generation answers so for what is absent, whatever form was asked for.
fn is_empty_xml(body: &[u8]) -> bool {
    let text: String = String::from_utf8_lossy(&body[..body.len().min(200)])
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let root = match text.split_once("?>") {
        Some((_, root)) => root,
        None => &text,
    };
    body.len() <= 200 && matches!(root, "<xml/>" | "<xml></xml>")
}

/// Whether the first of the named fields that is there switches something on;
/// true where none is there. A word that is not known does not count as a yes.
pub(super) fn is_enabled(record: &Map<String, Value>, names: &[&str]) -> bool {
    match names.iter().find_map(|name| record.get(*name)) {
        None | Some(Value::Null) => true,
        Some(_) => switch(record, names) == Some(true),
    }
}

/// Whether a field limits a rule: anything but nothing and `*`.
pub(super) fn is_limit(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !matches!(text.trim(), "" | "*"),
        Value::Array(list) => list.iter().any(is_limit),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether the first day of a rule has passed, in every time zone that a rule
/// may mean: such a day limits nothing any more.
pub(super) fn has_begun(value: &Value) -> bool {
    let day = value.as_str().and_then(|text| text.trim().get(..10));
    let day = day.and_then(|day| day.parse::<Date>().ok());
    day.is_some_and(|day| day < Timestamp::now().to_zoned(TimeZone::UTC).date())
}

/// The names of a user's field with its dial plan, in either generation.
pub(super) const DIAL_PLAN: &[&str] = &["dial_plan", "dial-plan"];

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

/// Whether a record is about that user, domain or plan; one that does not say
/// is what was asked for.
pub(super) fn is_about(record: &Map<String, Value>, names: &[&str], wanted: &str) -> bool {
    text(record, names).is_none_or(|found| found.trim().eq_ignore_ascii_case(wanted))
}
