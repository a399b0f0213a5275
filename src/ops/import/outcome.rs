//! What a sync says of itself: the plan, and what became of it, row by row.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::import::{Confirmation, SyncMode};
use crate::ops::page::{self, RESULT_BUDGET};
use skyswitch_domain::Route;

/// Where a list comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// It was given with the call, which can be made again in another way.
    #[default]
    Given,
    /// The mode makes it, as to take everybody off.
    Made,
    /// It is that of another customer, or of an earlier plan or import.
    Kept,
}

/// What a row of the list asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Action {
    /// A new rule.
    Add,
    /// A rule that exists gets another destination.
    Replace,
    /// A rule that is not on the list goes away.
    Remove,
    /// The rule exists already, or stays for the reason that is given.
    Keep,
    /// The row cannot be used; `reason` says why.
    Invalid,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RowState {
    /// Made.
    Made,
    /// Not made; `reason` says why.
    Failed,
    /// Sent, and it is not known whether it was made.
    Unknown,
    /// Not sent.
    NotSent,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SyncStatus {
    /// Only planned, as asked; nothing was sent.
    Planned,
    /// Nothing differs from the list; nothing was sent.
    Unchanged,
    /// The list has rows that cannot be used; nothing was sent.
    Invalid,
    /// Nothing was sent; a person must agree to the plan first.
    ConfirmationRequired,
    /// The person declined; nothing was sent.
    Declined,
    /// The person did not type the value asked for; nothing was sent.
    WrongValue,
    /// The question expired before anybody answered it; nothing was sent.
    Lapsed,
    /// The question was closed without an answer; nothing was sent.
    NoAnswer,
    /// Every change was made.
    Applied,
    /// Some changes were not made; the rows say which and why.
    Incomplete,
    /// Stopped on request; the rows say what was not sent.
    Cancelled,
}

/// How many rows ask for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Counts {
    /// New rules.
    pub add: usize,
    /// Rules with another destination.
    pub replace: usize,
    /// Rules that go away.
    pub remove: usize,
    /// Rules that stay.
    pub keep: usize,
    /// Rows that cannot be used.
    pub invalid: usize,
}

/// What became of the changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Done {
    /// Made, by this request or by the run that it resumes.
    pub made: usize,
    /// Not made.
    pub failed: usize,
    /// Sent, and not known whether made.
    pub unknown: usize,
    /// Not sent.
    pub not_sent: usize,
}

/// A row as results carry it. Rules that stay are counted, not listed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SyncRow {
    /// Line of the list; left out for a rule that is not on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What it asks for.
    pub action: Action,
    /// The caller as stored, or as given where the row cannot be used.
    pub ani: String,
    /// The called number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnis: Option<String>,
    /// Where the caller's calls go by the present rule, for example `user 101`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Where they are to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The list's note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RowState>,
    /// Why it cannot be used, stays, or was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change in the journal, for `undo_change`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// The rules that `before` and `wanted` tell of, for whoever can name their destinations.
    #[serde(skip)]
    pub rules: [Option<Route>; 2],
}

/// What became of a sync.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SyncOutcome {
    /// How it ended.
    pub status: SyncStatus,
    /// The account.
    pub account_id: String,
    /// The domain.
    pub domain: String,
    /// What is done with rules that are not on the list.
    #[schemars(with = "String")]
    pub mode: SyncMode,
    /// The run, for `resume` and for list_changes; left out where none was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The plan that was shown, to be applied as `plan` without the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// What the rows ask for.
    pub plan: Counts,
    /// Whether rows that cannot be used are in the way of the others.
    #[serde(skip)]
    pub has_rows_in_the_way: bool,
    /// Whose list it is.
    #[serde(skip)]
    pub origin: Origin,
    /// What became of the changes, once any were to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// The rows: first those that need a look, then removals, replacements and
    /// new rules. Once changes were sent, only those that need a look.
    pub rows: Vec<SyncRow>,
    /// Rows that are left out here for want of room.
    pub rows_left_out: usize,
    /// Why the rest was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Whose names destinations were: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

impl SyncOutcome {
    /// Whether rows that cannot be used can be left out, if that is asked for.
    pub fn can_skip_invalid(&self) -> bool {
        self.origin == Origin::Given && self.mode == SyncMode::Merge
    }

    /// The run to resume, where something of it is left.
    pub fn run_to_resume(&self) -> Option<&str> {
        let left = self
            .done
            .is_some_and(|done| done.not_sent + done.unknown + done.failed > 0);
        self.run_id.as_deref().filter(|_| left)
    }

    /// The same with as many rows as the budget of a result allows; the rest
    /// is counted. Those that need a look come first.
    #[must_use]
    pub fn within_budget(mut self) -> SyncOutcome {
        let mut rows = std::mem::take(&mut self.rows);
        let rest = page::length(&self);
        let fitting = page::within((RESULT_BUDGET / 2).saturating_sub(rest), &rows);
        self.rows_left_out = rows.len() - fitting;
        rows.truncate(fitting);
        self.rows = rows;
        self
    }
}
