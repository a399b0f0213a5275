//! Imports as the store holds them, free of any database.

use super::RoutePair;
use skyswitch_domain::Route;

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
    /// Whether every change of it was tried.
    pub finished: bool,
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
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// One change of an import's plan.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Position in the plan, from 0.
    pub row: i64,
    /// Line of the list it comes from; `None` where it was not on the list.
    pub line: Option<i64>,
    /// As it stood and as it is wanted.
    pub routes: RoutePair,
    /// Rules of the same caller that the service may remove along with it.
    pub at_risk: Vec<Route>,
}
