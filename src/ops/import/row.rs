//! A row of a sync while it is worked on, from what it asks for to what became of it.

use std::sync::Arc;

use crate::config::Limits;
use crate::ops::import::files;
use crate::ops::import::outcome::{Action, RowState, SyncRow};
use crate::ops::vips::notes::{LIMIT, in_one_line};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Route, RouteKey};
use skyswitch_guard::RuleChange;

/// A row while it is worked on.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub line: Option<usize>,
    pub action: Action,
    pub ani: String,
    pub dnis: Option<String>,
    pub previous: Option<Route>,
    pub wanted: Option<Route>,
    pub note: Option<String>,
    /// Whether what is noted of the rule goes where the list says nothing.
    pub clears_note: bool,
    /// The last day, where the list says so.
    pub until: Option<String>,
    /// What is still to be sent.
    pub change: Option<Arc<RuleChange>>,
    pub state: Option<RowState>,
    pub reason: Option<String>,
    pub change_id: Option<i64>,
    /// The rule as it was before the service removed it along with another.
    pub lost: Option<Route>,
}

impl Row {
    /// A row of the list, before it is known what it asks for.
    pub fn of_line(wanted: &files::Row) -> Row {
        let note = wanted.note.as_deref().map(in_one_line);
        Row {
            line: Some(wanted.line),
            ani: wanted.ani.as_given().to_owned(),
            dnis: wanted.dnis.as_ref().map(|dnis| dnis.as_given().to_owned()),
            note: note
                .filter(|note| !note.is_empty())
                .map(|note| shown(&note, LIMIT)),
            until: wanted.until.clone(),
            ..Row::of_rule(None, None)
        }
    }

    /// A line that could not even be read.
    pub fn unreadable(bad: &files::BadRow) -> Row {
        Row {
            line: Some(bad.line),
            action: Action::Invalid,
            ani: bad.given.clone(),
            reason: Some(bad.reason.clone()),
            ..Row::of_rule(None, None)
        }
    }

    /// A rule, from what it is to what the list wants.
    pub fn of_rule(previous: Option<&Route>, wanted: Option<&Route>) -> Row {
        let key = previous.or(wanted).map(|route| &route.key);
        Row {
            line: None,
            action: match (previous, wanted) {
                (None, Some(_)) => Action::Add,
                (Some(_), Some(_)) => Action::Replace,
                (Some(_), None) => Action::Remove,
                (None, None) => Action::Keep,
            },
            ani: key.map_or_else(String::new, |key| key.ani.as_str().to_owned()),
            dnis: key.and_then(|key| key.dnis.to_send().map(str::to_owned)),
            previous: previous.cloned(),
            wanted: wanted.cloned(),
            note: None,
            clears_note: false,
            until: None,
            change: None,
            state: None,
            reason: None,
            change_id: None,
            lost: None,
        }
    }

    pub fn removal(route: &Route, change: RuleChange) -> Row {
        Row {
            change: Some(Arc::new(change)),
            ..Row::of_rule(Some(route), None)
        }
    }

    /// A rule that stays as it is, of which this is to be noted, or nothing.
    pub fn noted(route: &Route, note: Option<String>) -> Row {
        Row {
            action: Action::Keep,
            clears_note: note.is_none(),
            note,
            ..Row::of_rule(Some(route), None)
        }
    }

    pub fn protected(route: &Route) -> Row {
        Row {
            action: Action::Keep,
            reason: Some("the operator protects this caller (`protected`)".to_owned()),
            ..Row::of_rule(Some(route), None)
        }
    }

    /// The rule that it is about, in so far as it can be told.
    pub fn key(&self) -> Option<&RouteKey> {
        let rule = self.previous.as_ref().or(self.wanted.as_ref());
        rule.map(|rule| &rule.key)
    }

    /// The row with what it changes, unless the operator has put that out of reach.
    pub fn with_change(mut self, change: RuleChange, limits: &Limits) -> Row {
        match change.refuse_beyond(limits) {
            Ok(()) => {
                self.change = Some(Arc::new(change));
                self
            }
            Err(refused) => self.invalid(refused.to_string()),
        }
    }

    /// The row where an earlier one is about the same rule: it repeats that one, or
    /// both are invalid, because which of them is meant cannot be told.
    pub fn beside(self, earlier: &mut Row, there: &Route, here: &Route) -> Row {
        let line = |row: &Row| row.line.unwrap_or_default();
        let goes_to = |rule: &Route, row: &Row| match &row.until {
            Some(day) => format!("{} until {}", rule.goes_to(), shown(day, 20)),
            None => rule.goes_to(),
        };
        if there.same_destination(here) && earlier.until == self.until {
            let reason = format!("repeats line {}; take one of them out", line(earlier));
            return self.invalid(reason);
        }
        let contradicts = |line: usize, there: &str, here: &str| {
            format!(
                "contradicts line {line}: there the same caller's calls go to {there}, here to {here}; remove one of the two"
            )
        };
        let (there, here) = (goes_to(there, earlier), goes_to(here, &self));
        if earlier.action != Action::Invalid {
            let reason = contradicts(line(&self), &here, &there);
            let (previous, wanted) = (None, None);
            *earlier = Row {
                previous,
                wanted,
                ..earlier.clone().invalid(reason)
            };
        }
        let reason = contradicts(line(earlier), &there, &here);
        self.invalid(reason)
    }

    pub fn invalid(mut self, reason: String) -> Row {
        self.action = Action::Invalid;
        self.reason = Some(reason);
        self.change = None;
        self
    }

    /// Whether it is not simply made: it says why.
    pub fn needs_a_look(&self) -> bool {
        let is_open = self.state.is_some_and(|state| state != RowState::Made);
        self.action == Action::Invalid || is_open || self.reason.is_some()
    }

    /// Place in the result; `None` where the row is only counted.
    pub fn rank(&self) -> Option<u8> {
        match self.action {
            Action::Keep if self.reason.is_some() => Some(4),
            _ if self.needs_a_look() => Some(0),
            Action::Remove => Some(1),
            Action::Replace => Some(2),
            Action::Add => Some(3),
            Action::Keep | Action::Invalid => None,
        }
    }
}

impl From<&Row> for SyncRow {
    fn from(row: &Row) -> Self {
        SyncRow {
            line: row.line,
            action: row.action,
            ani: row.ani.clone(),
            dnis: row.dnis.clone(),
            before: row.previous.as_ref().map(Route::goes_to),
            wanted: row.wanted.as_ref().map(Route::goes_to),
            note: row.note.clone(),
            state: row.state,
            reason: row.reason.clone(),
            change_id: row.change_id.map(|id| id.to_string()),
            rules: [row.previous.clone(), row.wanted.clone()],
        }
    }
}
