//! Where calls to a customer's number go.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extension, PbxDomain};
use crate::redact::shown;

/// Settings of a route that are not about where it goes, and so stay when it
/// is pointed elsewhere: PUT replaces the whole route.
const CARRIED_OVER: [&str; 4] = [
    "spam_call_action",
    "caller_id_prefix",
    "notes",
    "recording_notice",
];

/// The route of a DID (SkySwitch API reference, Phone Numbers, Route).
///
/// Kept whole and as the service wrote it, so that it can be put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DidRoute {
    /// `pbx`, `forward`, `gateway`, …
    #[serde(rename = "type")]
    kind: String,
    /// Its settings.
    route: Map<String, Value>,
}

impl DidRoute {
    /// Takes what the service answered; `None` where that is not a routing.
    pub fn from_stored(value: &Value) -> Option<DidRoute> {
        let kind = value.get("type")?.as_str()?.to_owned();
        // PHP writes an empty map as an empty list.
        let route = match value.get("route")? {
            Value::Object(route) => route.clone(),
            Value::Array(list) if list.is_empty() => Map::new(),
            _ => return None,
        };
        Some(DidRoute { kind, route })
    }

    /// A route to a user of a domain, with the settings of the old one that are
    /// not about where it goes.
    pub fn to_user(extension: &Extension, domain: &PbxDomain, old: Option<&DidRoute>) -> DidRoute {
        let mut route = Map::new();
        for (name, value) in [
            ("treatment", "user".to_owned()),
            ("subscriber", format!("{extension}@{domain}")),
            ("enable", "yes".to_owned()),
            ("valid_from", "*".to_owned()),
            ("valid_to", "*".to_owned()),
        ] {
            route.insert(name.to_owned(), Value::String(value));
        }
        let carried = old.into_iter().flat_map(|old| &old.route);
        for (name, value) in carried.filter(|(name, _)| CARRIED_OVER.contains(&name.as_str())) {
            route.insert(name.clone(), value.clone());
        }
        DidRoute {
            kind: "pbx".to_owned(),
            route,
        }
    }

    /// The user it goes to, as `(user, domain)`, where it goes to one.
    pub fn user(&self) -> Option<(&str, &str)> {
        if !self.kind.eq_ignore_ascii_case("pbx") {
            return None;
        }
        self.text("subscriber")?.split_once('@')
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
        self.user()
            .is_some_and(|(name, host)| name.eq_ignore_ascii_case(user) && domain.is(host))
    }

    /// Whether it is switched off.
    pub fn is_off(&self) -> bool {
        self.route
            .get("enable")
            .is_some_and(|word| matches!(plain(word).as_str(), "no" | "off"))
    }

    /// Whether this is what was wanted: everything that was sent is stored, though
    /// the service may have added settings of its own.
    pub fn fulfils(&self, wanted: &DidRoute) -> bool {
        self.kind.eq_ignore_ascii_case(&wanted.kind)
            && wanted.route.iter().all(|(name, value)| {
                let present = self.route.get(name).unwrap_or(&Value::Null);
                plain(present) == plain(value)
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
                        .all(|(_, old, new)| plain(old) == plain(new))
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
                    .find_map(|name| self.text(name));
                format!("{treatment} {}", target.unwrap_or_default())
            }
            (None, None) => {
                let settings = self.route.iter().filter(|(name, _)| {
                    !CARRIED_OVER.contains(&name.as_str()) && name.as_str() != "enable"
                });
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
            .filter(|(_, old, new)| plain(old) == plain(new) && !plain(new).is_empty())
            .map(|(name, _, value)| format!("{name}: {}", as_stored(value)))
            .collect()
    }

    /// The settings beside where it goes that become others, for people.
    pub fn settings_changed(&self, before: Option<&DidRoute>) -> Vec<String> {
        self.settings(before)
            .filter(|(_, old, new)| plain(old) != plain(new))
            .map(|(name, old, new)| format!("{name}: {} -> {}", as_stored(old), as_stored(new)))
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
            .map(move |name| (name, value(before, name), value(Some(self), name)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.route.get(name)?.as_str()
    }
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
fn plain(value: &Value) -> String {
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
