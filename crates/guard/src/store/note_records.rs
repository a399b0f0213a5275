//! What is kept of VIP rules beside the service, free of any database.

use crate::{Note, Until};
use skyswitch_domain::Route;

/// What is kept of one VIP rule, or was.
#[derive(Debug, Clone)]
pub struct NoteRecord {
    /// Grows with time.
    pub id: i64,
    /// The account.
    pub account: String,
    /// The rule as it was when that was said of it.
    pub rule: Route,
    /// Who the caller is, and the last day.
    pub note: Note,
    /// The change that made the rule, where one did.
    pub change: Option<i64>,
    /// Whether a list has shown the rule gone or otherwise since: one that is there
    /// again may be another one.
    pub is_doubtful: bool,
    /// Whether the row is damaged: caller and dialled number are known, and where the
    /// rule led is not.
    pub is_damaged: bool,
}

impl NoteRecord {
    /// Whether a rule is as it was when that was said of it, in whatever writing.
    pub fn is_of(&self, rule: &Route) -> bool {
        self.rule.key.domain.eq_ignore_ascii_case(&rule.key.domain)
            && self.rule.key.is_same_rule(&rule.key)
            && (self.is_damaged || self.rule.same_destination(rule))
    }

    /// The last day of the rule, such as `2026-12-25`.
    pub fn until(&self) -> Option<&Until> {
        self.note.until.as_ref()
    }
}

/// What is to be noted of a rule that exists already.
#[derive(Debug, Clone)]
pub struct NewText {
    /// What is kept of it so far, by its id: the last day stays.
    pub kept: Option<i64>,
    /// The rule as it is.
    pub rule: Route,
    /// Who the caller is, as it was noted so far.
    pub before: Option<String>,
    /// Who the caller is; `None` for nothing.
    pub text: Option<String>,
}

/// A note that was not written, because something else is noted of the rule by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotNoted {
    /// The rule.
    pub rule: Route,
    /// What is noted of it.
    pub there: Option<String>,
}

/// What an import noted of rules that it left as they were, in that order.
#[derive(Debug, Clone, Default)]
pub struct RunNotes {
    /// Those that can be read.
    pub noted: Vec<NotedByRun>,
    /// How many more there are that are damaged.
    pub damaged: usize,
}

/// What an import noted of a rule that it left as it was.
#[derive(Debug, Clone)]
pub struct NotedByRun {
    /// The rule.
    pub rule: Route,
    /// What was noted of it before.
    pub before: Option<String>,
    /// What the import noted.
    pub after: Option<String>,
}
