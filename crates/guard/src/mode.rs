//! How the operator wants destructive changes to be agreed to.

use std::str::FromStr;

use serde::Deserialize;
use skyswitch_domain::Refused;

/// How a destructive change is agreed to. Only the operator sets this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmMode {
    /// A person types the value: in the client's form, or with `skyswitch approve`
    #[default]
    Human,
    /// Weaker, for unattended work: a client without forms gets a token to send back
    Token,
    /// Nothing destructive is done
    Block,
}

impl ConfirmMode {
    /// Every mode with its word, in the order of the documents.
    pub const WORDS: [(&'static str, ConfirmMode); 3] = [
        ("human", ConfirmMode::Human),
        ("token", ConfirmMode::Token),
        ("block", ConfirmMode::Block),
    ];
}

impl FromStr for ConfirmMode {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let word = text.trim();
        let known = Self::WORDS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, mode)| *mode).ok_or_else(|| {
            Refused::new(
                text,
                "is not a confirmation mode",
                "give `human`, `token` or `block`",
            )
        })
    }
}
