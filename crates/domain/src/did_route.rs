//! Where calls to a customer's number go.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extension, PbxDomain};
use crate::redact::shown;

/// Settings of a route that are not about where it goes, and so stay when it
/// is pointed elsewhere: PUT replaces the whole route. With what they are, for people.
const CARRIED_OVER: [(&str, &str); 4] = [
    ("spam_call_action", "calls taken for spam"),
    (PREFIX, "caller id prefix"),
    ("notes", "notes"),
    ("recording_notice", "recording notice"),
];

fn is_carried_over(name: &str) -> bool {
    CARRIED_OVER.iter().any(|(known, _)| *known == name)
}

/// The setting that is put before the caller's number.
const PREFIX: &str = "caller_id_prefix";
/// How the service shows that nothing is.
const NO_PREFIX: &str = "[*]";

/// The route of a DID (SkySwitch API reference, Phone Numbers, Route).
///
/// Kept whole and as the service wrote it, so that it can be put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DidRoute {
    /// `pbx`, `forward`, `gateway`, …
    #[serde(rename = "type")]
    kind: String,
    /// Its settings; for a fax number a list of those who receive it.
    route: Value,
}

/// What a number can be sent to in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteTarget {
    /// A user.
    User,
    /// A call queue.
    Queue,
    /// An auto attendant.
    Attendant,
}

impl RouteTarget {
    /// The treatment, and the setting that says where it goes.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            RouteTarget::User => ("user", "subscriber"),
            RouteTarget::Queue => ("callqueue", "call_queue"),
            RouteTarget::Attendant => ("attendant", "attendant"),
        }
    }
}

/// Kinds beside `pbx` of which it is known that they reach no user of a phone
/// system, and so no Route by ANI user.
const OTHER_KINDS: [&str; 6] = [
    "ifax",
    "gateway",
    "forward",
    "fax-ata",
    "conference",
    "contact-center",
];

/// Treatments that reach no user, each with the setting that says where it goes
/// and whether the service takes it in the form in which it shows it.
const OTHER_TREATMENTS: [(&str, &str, bool); 6] = [
    ("domain", "domain", true),
    ("reseller", "reseller", true),
    ("callqueue", "call_queue", true),
    ("attendant", "attendant", true),
    ("trunk", "sip_trunk", false),
    ("conference", "to_user", false),
];

impl DidRoute {
    /// Takes what the service answered; `None` where that is not a routing.
    pub fn from_stored(value: &Value) -> Option<DidRoute> {
        let kind = value.get("type")?.as_str()?.to_owned();
        // PHP writes an empty map as an empty list.
        let route = match value.get("route")? {
            Value::Array(list) if list.is_empty() => Value::Object(Map::new()),
            route @ (Value::Object(_) | Value::Array(_)) => route.clone(),
            _ => return None,
        };
        Some(DidRoute { kind, route })
    }

    /// The same as it is to be written: what is shown as "no prefix" is not a
    /// prefix to set.
    #[must_use]
    pub fn to_write(&self) -> DidRoute {
        let mut written = self.clone();
        if let Some(route) = written.route.as_object_mut() {
            route.retain(|name, value| name != PREFIX || *value != NO_PREFIX);
        }
        written
    }

    /// Whether the service takes it in the form in which it shows it, as the
    /// reference has it for users, domains, resellers, queues and attendants.
    /// Conferences, faxes and trunks are shown otherwise than they are written.
    pub fn can_be_put_back(&self) -> bool {
        self.is_pbx() && (self.user().is_some() || self.other_treatment() == Some(true))
    }

    /// Whether it may go to a user although none can be read from it.
    pub fn may_go_to_unknown_user(&self) -> bool {
        let is_other = |kind: &&str| self.kind.trim().eq_ignore_ascii_case(kind);
        match self.is_pbx() {
            true => self.user().is_none() && self.other_treatment().is_none(),
            false => !OTHER_KINDS.iter().any(is_other),
        }
    }

    /// For a treatment that reaches no user, whether it can be written back.
    fn other_treatment(&self) -> Option<bool> {
        let treatment = self.text("treatment")?.trim();
        let mut known = OTHER_TREATMENTS.iter();
        let known = known.find(|(name, target, _)| {
            treatment.eq_ignore_ascii_case(name) && self.text(target).is_some()
        });
        known.map(|(_, _, can_be_written)| *can_be_written)
    }

    fn is_pbx(&self) -> bool {
        self.kind.trim().eq_ignore_ascii_case("pbx")
    }

    fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.route.as_object().into_iter().flatten()
    }

    /// A route to somewhere in a domain, with the settings of the old one that
    /// are not about where it goes.
    pub fn to(
        target: RouteTarget,
        extension: &Extension,
        domain: &PbxDomain,
        old: Option<&DidRoute>,
    ) -> DidRoute {
        let mut route = Map::new();
        let (treatment, setting) = target.words();
        for (name, value) in [
            ("treatment", treatment.to_owned()),
            (setting, format!("{extension}@{domain}")),
            ("enable", "yes".to_owned()),
            ("valid_from", "*".to_owned()),
            ("valid_to", "*".to_owned()),
        ] {
            route.insert(name.to_owned(), Value::String(value));
        }
        let old = old.map(DidRoute::to_write);
        let carried = old.iter().flat_map(DidRoute::fields);
        for (name, value) in carried.filter(|(name, _)| is_carried_over(name)) {
            route.insert(name.clone(), value.clone());
        }
        DidRoute {
            kind: "pbx".to_owned(),
            route: Value::Object(route),
        }
    }

    /// The user it goes to, as `(user, domain)`, where it goes to one; in any
    /// spelling of an address.
    pub fn user(&self) -> Option<(&str, &str)> {
        if !self.is_pbx() {
            return None;
        }
        let address = self.text("subscriber")?.trim();
        let address = address.trim_start_matches('<').trim_end_matches('>');
        let (user, host) = address.split_once('@')?;
        let user = match user.split_once(':') {
            Some((scheme, user)) if scheme.to_ascii_lowercase().starts_with("sip") => user,
            _ => user,
        };
        let host = host.split([':', ';', '>']).next().unwrap_or_default();
        let (user, host) = (user.trim(), host.trim().trim_end_matches('.'));
        (!user.is_empty() && !host.is_empty()).then_some((user, host))
    }

    /// The user, queue or attendant it goes to, with the domain where it names one.
    pub fn extension(&self) -> Option<(&str, Option<&str>)> {
        if !self.kind.eq_ignore_ascii_case("pbx") {
            return None;
        }
        let names = ["subscriber", "call_queue", "attendant"];
        let target = names.iter().find_map(|name| self.text(name))?;
        Some(match target.split_once('@') {
            Some((id, host)) => (id, Some(host)),
            None => (target, None),
        })
    }

    /// The PBX domain it goes to, where it names one.
    pub fn domain(&self) -> Option<&str> {
        let host = self.extension().and_then(|(_, host)| host);
        host.or_else(|| self.text("domain"))
    }

    /// What happens to calls that are taken for spam, in the service's word;
    /// `None` where the route does not say.
    pub fn spam_handling(&self) -> Option<&str> {
        self.text("spam_call_action")
            .filter(|action| !action.trim().is_empty())
    }

    /// Whether it goes to that user of that domain, switched on or not.
    pub fn goes_to_user(&self, user: &str, domain: &PbxDomain) -> bool {
        let named = self.user().map(|(name, host)| (name, Some(host)));
        named
            .or_else(|| self.extension())
            .is_some_and(|(name, host)| {
                name.eq_ignore_ascii_case(user) && host.is_none_or(|host| domain.is(host))
            })
    }

    /// Whether it is switched off.
    pub fn is_off(&self) -> bool {
        self.route
            .get("enable")
            .is_some_and(|word| matches!(plain("enable", word).as_str(), "no" | "off"))
    }

    /// Whether this is what was wanted: everything that was sent is stored, though
    /// the service may have added settings of its own.
    pub fn fulfils(&self, wanted: &DidRoute) -> bool {
        let is_list = self.route.is_array() || wanted.route.is_array();
        self.kind.eq_ignore_ascii_case(&wanted.kind)
            && (!is_list || self.route == wanted.route)
            && wanted.fields().all(|(name, value)| {
                let present = self.route.get(name).unwrap_or(&Value::Null);
                plain(name, present) == plain(name, value)
            })
    }

    /// Whether both go to the same place with the same settings, in whichever
    /// form the service writes them.
    pub fn is_like(&self, other: &DidRoute) -> bool {
        let lower = |(user, host): (&str, &str)| (user.to_lowercase(), host.to_lowercase());
        match (self.user(), other.user()) {
            (Some(one), Some(two)) => {
                lower(one) == lower(two)
                    && self.is_off() == other.is_off()
                    && self
                        .settings(Some(other))
                        .all(|(name, old, new)| plain(name, old) == plain(name, new))
            }
            (None, None) => self.fulfils(other),
            _ => false,
        }
    }

    /// Where it goes, for people.
    pub fn goes_to(&self) -> String {
        let place = match (self.user(), self.text("treatment")) {
            (Some((user, domain)), _) => format!("user {user} of {domain}"),
            (None, Some(treatment)) => {
                let target = ["call_queue", "attendant", "sip_trunk", "to_user", "domain"]
                    .iter()
                    .find_map(|name| self.text(name))
                    .unwrap_or_default();
                match treatment {
                    "callqueue" => format!("call queue {}", target.replacen('@', " of ", 1)),
                    "attendant" => format!("attendant {}", target.replacen('@', " of ", 1)),
                    other => format!("{other} {target}"),
                }
            }
            (None, None) => {
                let settings = self
                    .fields()
                    .filter(|(name, _)| !is_carried_over(name) && name.as_str() != "enable");
                let settings: Vec<String> = settings
                    .map(|(name, value)| format!("{name} {}", as_stored(value)))
                    .collect();
                format!("{} {}", self.kind, settings.join(", "))
            }
        };
        let off = match self.is_off() {
            true => " (switched off)",
            false => "",
        };
        format!("{}{off}", shown(place.trim(), 160))
    }

    /// The settings beside where it goes that stay as they are, for people.
    pub fn settings_kept(&self, before: Option<&DidRoute>) -> Vec<String> {
        self.settings(before)
            .filter(|(name, old, new)| {
                plain(name, old) == plain(name, new) && !plain(name, new).is_empty()
            })
            .map(|(name, _, value)| format!("{}: {}", in_words(name), as_stored(value)))
            .collect()
    }

    /// The settings beside where it goes that become others, for people.
    pub fn settings_changed(&self, before: Option<&DidRoute>) -> Vec<String> {
        self.settings(before)
            .filter(|(name, old, new)| plain(name, old) != plain(name, new))
            .map(|(name, old, new)| {
                let (old, new) = (as_stored(old), as_stored(new));
                format!("{}: {old} -> {new}", in_words(name))
            })
            .collect()
    }

    /// Name, value before and value now.
    fn settings<'a>(
        &'a self,
        before: Option<&'a DidRoute>,
    ) -> impl Iterator<Item = (&'static str, &'a Value, &'a Value)> {
        let value = |route: Option<&'a DidRoute>, name: &str| {
            let value = route.and_then(|route| route.route.get(name));
            value.unwrap_or(&Value::Null)
        };
        CARRIED_OVER
            .into_iter()
            .map(move |(name, _)| (name, value(before, name), value(Some(self), name)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.route.get(name)?.as_str()
    }
}

/// A setting's name for people.
fn in_words(name: &str) -> &str {
    let known = CARRIED_OVER.iter().find(|(known, _)| *known == name);
    known.map_or(name, |(_, words)| words)
}

/// A value for people, as it is stored.
fn as_stored(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => shown(text, 80),
        other => shown(&other.to_string(), 80),
    }
}

/// A value in one form: the service writes switches as `yes`, `1`, 1 or true,
/// numbers as texts, and nothing as null or an empty text.
fn plain(name: &str, value: &Value) -> String {
    if name == PREFIX && *value == NO_PREFIX {
        return String::new();
    }
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => "yes".to_owned(),
        "false" | "0" | "no" => "no".to_owned(),
        _ => text,
    }
}
