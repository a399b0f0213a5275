//! The value that a person types to agree, and what counts as typing it.

use serde::{Deserialize, Serialize};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Ani, PbxDomain, PhoneNumber};

/// What has to be typed. A bare yes is never enough: clients are known to send
/// one by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypedValue {
    /// The caller's number, in any writing, or as the service stores it.
    Caller(Ani),
    /// How many changes a plan makes.
    Changes(usize),
    /// The customer's PBX domain.
    Domain(PbxDomain),
    /// The customer's own number, in any writing.
    CustomerNumber(PhoneNumber),
    /// The id of a change in the journal.
    ChangeId(i64),
}

impl TypedValue {
    /// Whether a typed text is this value.
    pub fn is_typed_as(&self, text: &str) -> bool {
        match self {
            TypedValue::Caller(ani) => ani.is_typed_as(text),
            TypedValue::Changes(count) => text.trim() == count.to_string(),
            TypedValue::Domain(domain) => domain.is(text.trim()),
            TypedValue::CustomerNumber(did) => {
                text.parse().is_ok_and(|typed: PhoneNumber| typed == *did)
            }
            TypedValue::ChangeId(id) => text.trim() == id.to_string(),
        }
    }

    /// What is wrong with a typed text that is not this value.
    pub(super) fn problem_with(&self, text: &str) -> String {
        match text.trim() {
            "" => format!("Nothing was typed: {} is asked for", self.name()),
            typed => format!("\"{}\" is not {}", shown(typed, 64), self.name()),
        }
    }

    /// What it is, for questions and messages: "the caller's number".
    pub fn name(&self) -> &'static str {
        match self {
            TypedValue::Caller(_) => "the caller's number",
            TypedValue::Changes(_) => "the number of changes",
            TypedValue::Domain(_) => "the domain's name",
            TypedValue::CustomerNumber(_) => "the customer's number",
            TypedValue::ChangeId(_) => "the change's id",
        }
    }

    /// The value itself.
    pub fn text(&self) -> String {
        match self {
            TypedValue::Caller(ani) => ani.as_str().to_owned(),
            TypedValue::Changes(count) => count.to_string(),
            TypedValue::Domain(domain) => domain.to_string(),
            TypedValue::CustomerNumber(did) => did.as_str().to_owned(),
            TypedValue::ChangeId(id) => id.to_string(),
        }
    }
}
