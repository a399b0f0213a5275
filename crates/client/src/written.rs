//! What became of a change that was sent, and how that is known.

use std::sync::Arc;

use super::skeleton::Skeleton;
use skyswitch_domain::Route;
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::RuleChange;

/// A change that was made.
#[derive(Debug, Clone)]
pub struct Written {
    /// How that is known.
    pub evidence: Evidence,
    /// The service's id of the request, where it gave one.
    pub request_id: Option<String>,
    /// What a read showed afterwards, or why it could not be read. `None` where
    /// nothing was read: many changes that were agreed to as a whole are read
    /// back together, and most pieces of a setup by whoever sets it up.
    pub reading: Option<Result<Reading>>,
    /// The form of what the service answered last, where it answered.
    pub answer: Option<Skeleton>,
}

/// How a write is known to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The service said so.
    Acknowledged,
    /// Its answer was lost, a failure or not the documented one; a read showed the change.
    ReadBack,
}

/// A change that was not made, or whose outcome is not known.
#[derive(Debug, Clone)]
pub struct NotWritten {
    /// What went wrong.
    pub error: Error,
    /// Whether it is known that nothing was changed. Where it is not, read
    /// again before trying again.
    pub is_known: bool,
}

impl From<Error> for NotWritten {
    fn from(error: Error) -> Self {
        NotWritten {
            error,
            is_known: true,
        }
    }
}

impl NotWritten {
    pub(super) fn in_doubt(error: Error) -> Self {
        NotWritten {
            error,
            is_known: false,
        }
    }
}

impl Written {
    pub(super) fn read_back(reading: Reading) -> Written {
        Written {
            evidence: Evidence::ReadBack,
            request_id: None,
            reading: Some(Ok(reading)),
            answer: None,
        }
    }
}

/// What a read shows of a change.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What it says of the change.
    pub matches: Matches,
    /// What there is now.
    pub found: Found,
}

/// What a read found in the place of what was changed.
#[derive(Debug, Clone)]
pub enum Found {
    /// A VIP rule; `None` where it does not exist.
    VipRule {
        /// As it is stored.
        now: Option<Route>,
        /// All rules of its domain.
        rules: Arc<Vec<Route>>,
    },
    /// A piece of a setup, in its own form; `None` where nothing is there.
    Piece(Option<serde_json::Value>),
}

/// What a read says about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// It is as requested.
    Wanted,
    /// It is as it was before the change, or the list does not show the change yet.
    Before,
    /// It is neither.
    Neither,
}

impl Matches {
    /// What the rule that was found says of a change to it.
    pub fn of_rule(change: &RuleChange, now: Option<&Route>) -> Matches {
        if Route::are_alike(now, change.after()) {
            Matches::Wanted
        } else if change.is_before(now) {
            Matches::Before
        } else {
            Matches::Neither
        }
    }
}
