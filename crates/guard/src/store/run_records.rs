//! Imports as the store holds them, free of any database.

use skyswitch_domain::{Route, Vip};

/// An import that a person agreed to.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The account.
    pub account: String,
    /// The domain.
    pub domain: String,
    /// `merge` or `mirror`.
    pub mode: String,
    /// Digest of the wanted list.
    pub request: String,
    /// What it was begun with; `None` where an earlier version began it, which
    /// kept neither.
    pub basis: Option<RunBasis>,
}

/// What an import is planned on again when it is continued.
#[derive(Debug, Clone)]
pub struct RunBasis {
    /// The wanted list, as JSON in the form of whoever imports.
    pub list: String,
    /// The rules that the plan met, as they were when it was agreed to.
    pub seen: Vec<Route>,
}

/// The rules of a domain as they were before an import.
#[derive(Debug, Clone)]
pub struct RulesBefore {
    /// The domain.
    pub domain: String,
    /// The rules; `None` where they were not kept, or are not kept any more.
    pub rules: Option<Vec<Vip>>,
}

/// An import that changed notes and no rule.
#[derive(Debug, Clone)]
pub struct NotedRun {
    /// Its id.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
    /// How many notes it changed.
    pub notes: usize,
    /// The newest change of the account that was begun before it; 0 where none was.
    pub after: i64,
}

/// An import about to be applied.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// Which upstream.
    pub realm: &'a str,
    /// The account.
    pub account: &'a str,
    /// The domain.
    pub domain: &'a str,
    /// `merge` or `mirror`.
    pub mode: &'a str,
    /// Digest of the wanted list.
    pub request: &'a str,
    /// What it is begun with.
    pub basis: &'a RunBasis,
    /// All rules of the domain as they are.
    pub rules_before: &'a [Vip],
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// The plan of an import that can be applied without its list being sent again.
#[derive(Debug, Clone)]
pub struct KeptPlan {
    /// Its id, or the code of its approval.
    pub id: String,
    /// Which upstream.
    pub realm: String,
    /// The account.
    pub account: String,
    /// The domain.
    pub domain: String,
    /// What is to be imported, in the form of whoever imports.
    pub request: String,
    /// Seconds since 1970, UTC.
    pub expires_at: i64,
}
