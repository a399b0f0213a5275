//! Where a VIP's call goes: a destination and the application that reaches it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::parsed_from_text;
use crate::error::Refused;

/// What kind of thing a destination names (SkySwitch API reference,
/// Route-by-ANI: "user, device, or literal").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Application {
    /// A subscriber of the domain: all of its devices and rules apply.
    User,
    /// One device of the domain.
    Device,
    /// A SIP URI or an outside number, dialled as it is.
    Literal,
    /// A word the service stored that the reference does not name.
    Other(String),
}

impl Application {
    /// The service's word.
    pub fn as_str(&self) -> &str {
        match self {
            Application::User => "user",
            Application::Device => "device",
            Application::Literal => "literal",
            Application::Other(word) => word,
        }
    }

    /// Reads what the service stored; words it does not document are kept.
    pub fn from_stored(word: &str) -> Application {
        match word.parse() {
            Ok(application) => application,
            Err(_) => Application::Other(word.to_owned()),
        }
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Application {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.trim().to_ascii_lowercase().as_str() {
            "user" => Ok(Application::User),
            "device" => Ok(Application::Device),
            "literal" => Ok(Application::Literal),
            _ => Err(Refused::new(
                text,
                "is not an application",
                "give `user`, `device` or `literal`",
            )),
        }
    }
}

/// Where a call goes, as the text that the service stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination(Box<str>);

/// How `user:` and `device:` prefixes are sent; SkySwitch does not document
/// which form its PBX expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationForm {
    /// Exactly what was given.
    #[default]
    AsGiven,
    /// Without the prefix: `john`.
    Bare,
    /// With the prefix: `user:john`.
    Prefixed,
}

impl Destination {
    /// Takes what the service stored, unchanged.
    pub fn from_stored(text: &str) -> Destination {
        Destination(text.into())
    }

    /// The text as it is sent or stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The application that this text alone implies.
    pub fn implied_application(&self) -> Option<Application> {
        match self.scheme()?.to_ascii_lowercase().as_str() {
            "user" => Some(Application::User),
            "device" => Some(Application::Device),
            "sip" | "sips" | "tel" => Some(Application::Literal),
            _ => None,
        }
    }

    /// The application to send: the one given, else the implied one, else `user`.
    ///
    /// # Errors
    /// Refuses a text and an application that contradict each other.
    pub fn application(&self, given: Option<Application>) -> Result<Application, Refused> {
        let implied = self.implied_application();
        let literal = [given.as_ref(), implied.as_ref()].contains(&Some(&Application::Literal));
        if literal && self.0.contains(' ') {
            return Err(Refused::new(
                self.as_str(),
                "holds spaces, which nothing that is dialled does",
                "give a SIP URI such as `sip:+16165559999@carrier.net` or a number",
            ));
        }
        match (given, implied) {
            (None, implied) => Ok(implied.unwrap_or(Application::User)),
            // A device may be named by its SIP address: `sip:101a@acme.12345.service`.
            (Some(Application::Device), Some(Application::Literal)) => Ok(Application::Device),
            (Some(given), Some(implied)) if given != implied => Err(Refused::new(
                self.as_str(),
                &format!("means application `{implied}`, but `{given}` was given"),
                "give one of the two, or make them agree",
            )),
            (Some(Application::Literal), None) if !self.is_dialable() => Err(Refused::new(
                self.as_str(),
                "cannot be dialled as a literal",
                "give a SIP URI such as `sip:+16165559999@carrier.net` or a number, or use application `user` or `device`",
            )),
            (Some(given), _) => Ok(given),
        }
    }

    /// The same destination in the form the setting asks for.
    pub fn in_form(&self, form: DestinationForm, application: &Application) -> Destination {
        let internal = matches!(application, Application::User | Application::Device);
        match form {
            DestinationForm::Bare if internal => Destination(self.bare().into()),
            DestinationForm::Prefixed if internal && self.scheme().is_none() => {
                Destination(format!("{application}:{}", self.0).into())
            }
            _ => self.clone(),
        }
    }

    /// The text without a `user:` or `device:` prefix.
    pub fn bare(&self) -> &str {
        match self.implied_application() {
            Some(Application::User | Application::Device) => {
                self.0.split_once(':').map_or(&*self.0, |(_, rest)| rest)
            }
            _ => &self.0,
        }
    }

    /// The text without a prefix that only repeats the application, for comparing.
    pub fn bare_for(&self, application: &Application) -> &str {
        match self.implied_application() {
            Some(implied) if implied == *application => self.bare(),
            _ => &self.0,
        }
    }

    /// User or device and host, where one is named: `101a` and
    /// `acme.12345.service` in `sip:101a@acme.12345.service`.
    pub fn address(&self, application: &Application) -> (&str, Option<&str>) {
        let bare = self.bare_for(application);
        let bare = ["sip:", "sips:"]
            .iter()
            .find_map(|scheme| {
                let (start, rest) = bare.split_at_checked(scheme.len())?;
                start.eq_ignore_ascii_case(scheme).then_some(rest)
            })
            .unwrap_or(bare);
        match bare.split_once('@') {
            Some((name, host)) => (name, Some(host)),
            None => (bare, None),
        }
    }

    /// Whether the text carries a `user:` or `device:` prefix.
    pub fn is_prefixed(&self) -> bool {
        self.bare().len() != self.0.len()
    }

    fn scheme(&self) -> Option<&str> {
        self.0.split_once(':').map(|(scheme, _)| scheme)
    }

    fn is_dialable(&self) -> bool {
        let digits = self.0.strip_prefix('+').unwrap_or(&self.0);
        let is_address = |(user, host): (&str, &str)| !user.is_empty() && !host.is_empty();
        digits.split_once('@').is_some_and(is_address)
            || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }
}

impl FromStr for Destination {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let refused = |problem: &str| {
            Err(Refused::new(
                text,
                problem,
                "give an extension or user such as `101` or `user:john`, a device such as `device:johns-cell`, or a SIP URI",
            ))
        };
        let destination = text.trim();
        if destination.is_empty() {
            return refused("is not a destination");
        }
        if destination.len() > 255 {
            return refused("is too long for a destination");
        }
        // The person who confirms reads this text in quotes: nothing that ends
        // them early, looks like another letter, or cannot be seen.
        let plain = |b: u8| (b.is_ascii_graphic() || b == b' ') && b != b'"';
        if !destination.bytes().all(plain) {
            return refused("holds quotes or characters beyond plain ASCII");
        }
        if destination
            .split_once(':')
            .is_some_and(|(scheme, rest)| scheme.is_empty() || rest.trim().is_empty())
        {
            return refused("names nothing after its prefix");
        }
        Ok(Destination(destination.into()))
    }
}

parsed_from_text!(Destination, "Where the caller's calls go");

impl<'de> Deserialize<'de> for Application {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Application {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Application".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "enum": ["user", "device", "literal"]})
    }
}
