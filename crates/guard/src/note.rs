//! What is kept here of a VIP rule beside the service.

use serde::Serialize;

/// Who the caller is, and until when the rule is to be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Note {
    /// Who the caller is, or another remark, made harmless to print.
    pub text: Option<String>,
    /// The end of the rule: it is removed then without asking again, because a
    /// person saw it, or nobody had to be asked to add the rule.
    pub until: Option<Until>,
}

/// The last day of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Until {
    /// The day as people write it: `2026-12-25`.
    pub day: String,
    /// Its end: milliseconds since 1970, UTC.
    pub ends_at: i64,
}
