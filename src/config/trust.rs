//! How far a dial plan is trusted.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// What a dial plan that can be read says of the dial translation rule. Where
/// SkySwitch keeps that rule is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrustDialPlan {
    /// A rule that is seen proves it. That none is seen counts only where one
    /// was once seen on the same PBX host.
    #[default]
    Auto,
    /// A rule that is seen proves it, and that none is seen disproves it.
    Always,
    /// It says nothing.
    Never,
}

impl<'de> Deserialize<'de> for TrustDialPlan {
    /// `auto`, or a switch.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Switch(bool),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Switch(true) => Ok(TrustDialPlan::Always),
            Written::Switch(false) => Ok(TrustDialPlan::Never),
            Written::Word(word) => match word.trim().to_ascii_lowercase().as_str() {
                "auto" => Ok(TrustDialPlan::Auto),
                "true" => Ok(TrustDialPlan::Always),
                "false" => Ok(TrustDialPlan::Never),
                _ => Err(D::Error::custom("expected auto, true or false")),
            },
        }
    }
}
