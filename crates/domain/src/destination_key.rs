//! A destination as somebody names it, before anybody has looked whose name that is.

use std::fmt;
use std::str::FromStr;

use super::parsed_from_text;
use crate::destination::{Application, Destination};
use crate::error::Refused;
use crate::redact::shown;
use crate::setup::names_ani_user;

/// Longest name of a person, queue or attendant, in bytes.
const NAME_LIMIT: usize = 255;

/// Where calls go: an extension, a user, a device or a SIP address as it is sent,
/// or the name of a person, queue or attendant, which has to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationKey(String);

impl DestinationKey {
    /// The destination where the text cannot be anybody's name: it has no letters, a
    /// prefix or a host, is one word with a digit, such as `101a`, means the Route by ANI
    /// user, or is said to be a device or to be dialled.
    ///
    /// # Errors
    /// Refuses what is then no destination.
    pub fn unless_name(
        &self,
        application: Option<&Application>,
    ) -> Result<Option<Destination>, Refused> {
        let may_be_user = application.is_none_or(|given| *given == Application::User);
        match may_be_user && may_be_name(&self.0) {
            true => Ok(None),
            false => self.0.parse().map(Some),
        }
    }

    /// The text as a destination, whether or not it is also a name.
    pub fn as_written(&self) -> Option<Destination> {
        self.0.parse().ok()
    }

    /// The text as it was given.
    pub fn as_given(&self) -> &str {
        &self.0
    }
}

fn may_be_name(text: &str) -> bool {
    let is_unlike_name = |c: char| matches!(c, ':' | '@' | '"') || c.is_control();
    let is_id = !text.contains(char::is_whitespace) && text.contains(|c: char| c.is_ascii_digit());
    text.contains(char::is_alphabetic)
        && !is_id
        && !names_ani_user(text)
        && !text.contains(is_unlike_name)
        && text.len() <= NAME_LIMIT
}

impl From<Destination> for DestinationKey {
    fn from(destination: Destination) -> Self {
        DestinationKey(destination.as_str().to_owned())
    }
}

impl fmt::Display for DestinationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0, 80))
    }
}

impl FromStr for DestinationKey {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let named = text.trim();
        if !may_be_name(named) {
            named.parse::<Destination>()?;
        }
        Ok(DestinationKey(named.to_owned()))
    }
}

parsed_from_text!(
    DestinationKey,
    "Where the calls go: a destination, or somebody's name"
);
