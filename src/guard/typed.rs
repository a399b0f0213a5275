//! The value that a person types to agree, and what counts as typing it.

use crate::domain::Ani;

/// What has to be typed. A bare yes is never enough: clients are known to send
/// one by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypedValue {
    /// The caller's number, in any writing, or as the service stores it.
    Caller(Ani),
    /// How many changes a plan makes.
    Changes(usize),
}

impl TypedValue {
    /// Whether a typed text is this value.
    pub fn is_typed_as(&self, text: &str) -> bool {
        match self {
            TypedValue::Caller(ani) => ani.is_typed_as(text),
            TypedValue::Changes(count) => text.trim() == count.to_string(),
        }
    }

    /// What it is, for questions and messages: "the caller's number".
    pub fn name(&self) -> &'static str {
        match self {
            TypedValue::Caller(_) => "the caller's number",
            TypedValue::Changes(_) => "the number of changes",
        }
    }

    /// The value itself.
    pub fn text(&self) -> String {
        match self {
            TypedValue::Caller(ani) => ani.as_str().to_owned(),
            TypedValue::Changes(count) => count.to_string(),
        }
    }

    /// The word for its kind in the store.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            TypedValue::Caller(_) => "caller",
            TypedValue::Changes(_) => "changes",
        }
    }

    /// Reads what the store holds; `None` for a kind this program does not
    /// know, which nothing that is typed can match.
    pub(super) fn from_stored(kind: &str, text: &str) -> Option<TypedValue> {
        match kind {
            "caller" => Some(TypedValue::Caller(Ani::from_stored(text))),
            "changes" => text.parse().ok().map(TypedValue::Changes),
            _ => None,
        }
    }
}
