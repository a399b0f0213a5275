//! A sync while it is worked on: its rows, from what they ask for to what
//! became of them.

use std::sync::Arc;

use crate::config::Limits;
use crate::ops::import::outcome::{
    Action, Counts, Done, RowState, SyncOutcome, SyncRow, SyncStatus,
};
use crate::ops::import::{Confirmation, SyncMode, Task, files};
use crate::ops::vips::notes::{LIMIT, Notes, in_one_line};
use crate::ops::write::agree::Facts;
use skyswitch_domain::error::Error;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{Route, RouteKey, Vip};
use skyswitch_guard::RuleChange;

/// Rows named in one sentence.
const NAMED: usize = 20;

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
    /// The last day, where the list says so.
    pub until: Option<String>,
    /// What is still to be sent.
    pub change: Option<RuleChange>,
    pub state: Option<RowState>,
    pub reason: Option<String>,
    pub change_id: Option<i64>,
    /// The rule as it was before the service removed it along with another.
    pub lost: Option<Route>,
}

impl Row {
    /// A row of the list, before it is known what it asks for.
    pub fn of_line(wanted: &files::Row) -> Row {
        Row {
            line: Some(wanted.line),
            action: Action::Keep,
            ani: wanted.ani.as_given().to_owned(),
            dnis: wanted.dnis.as_ref().map(|dnis| dnis.as_given().to_owned()),
            previous: None,
            wanted: None,
            note: wanted
                .note
                .as_deref()
                .map(in_one_line)
                .filter(|note| !note.is_empty())
                .map(|note| shown(&note, LIMIT)),
            until: wanted.until.clone(),
            change: None,
            state: None,
            reason: None,
            change_id: None,
            lost: None,
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
            change: Some(change),
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
                self.change = Some(change);
                self
            }
            Err(refused) => self.invalid(refused.to_string()),
        }
    }

    pub fn invalid(mut self, reason: String) -> Row {
        self.action = Action::Invalid;
        self.reason = Some(reason);
        self.change = None;
        self
    }

    /// Whether it is not simply made: it says why.
    fn needs_a_look(&self) -> bool {
        let is_open = self.state.is_some_and(|state| state != RowState::Made);
        self.action == Action::Invalid || is_open || self.reason.is_some()
    }

    /// Place in the result; `None` where the row is only counted.
    fn rank(&self) -> Option<u8> {
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

impl Facts for Report {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.warnings
    }
}

/// Everything that is known of a sync so far.
#[derive(Debug, Clone)]
pub(super) struct Report {
    account_id: String,
    domain: String,
    mode: SyncMode,
    skip_invalid: bool,
    pub run_id: Option<String>,
    /// All rules of the domain as the plan met them.
    pub rules_before: Vec<Vip>,
    pub rows: Vec<Row>,
    pub warnings: Vec<String>,
    /// What is going to be noted of rules that stay as they are.
    pub will_be_noted: Vec<String>,
    /// All rules as they were listed before.
    pub listed: Arc<Vec<Route>>,
}

impl Report {
    pub fn new(task: &Task) -> Report {
        Report {
            account_id: task.account.to_string(),
            domain: task.domain.to_string(),
            mode: task.mode,
            skip_invalid: task.skip_invalid,
            run_id: None,
            rules_before: Vec::new(),
            rows: Vec::new(),
            warnings: Vec::new(),
            will_be_noted: Vec::new(),
            listed: Arc::default(),
        }
    }

    /// What the list notes of rules that stay as they are.
    pub fn noted(&self) -> Vec<(Route, Option<String>)> {
        let kept = self.rows.iter().filter(|row| row.action == Action::Keep);
        let noted = kept.filter_map(|row| Some((row.previous.clone()?, Some(row.note.clone()?))));
        noted.collect()
    }

    /// What to say of rules that stay as they are and of which the list names
    /// another last day.
    pub fn other_last_days(&self, notes: &Notes) -> Option<String> {
        let kept = self.rows.iter().filter(|row| row.action == Action::Keep);
        let others = kept.filter_map(|row| {
            let (rule, wanted) = (row.previous.as_ref()?, row.until.as_ref()?);
            let until = notes.vip(rule).until;
            (until.as_ref() != Some(wanted)).then(|| format!("{} ({wanted})", rule.key.ani))
        });
        let others: Vec<String> = others.collect();
        (!others.is_empty()).then(|| {
            format!(
                "only a rule that is added or replaced gets a last day; these exist already and keep theirs, or none: {}",
                first_few(NAMED, others)
            )
        })
    }

    /// What to say of notes and last days that end with their rules.
    pub fn no_longer_applies(&self) -> Option<String> {
        let changes = self.rows.iter().filter_map(|row| row.change.as_ref());
        let lost: Vec<String> = changes
            .filter_map(|change| Some(format!("{}: {}", change.ani(), change.no_longer_applies()?)))
            .collect();
        (!lost.is_empty()).then(|| {
            format!(
                "what is kept of {} that this plan replaces or removes ends with them: {}",
                counted(lost.len(), "rule"),
                first_few(NAMED, lost)
            )
        })
    }

    /// What is still to be sent, in the order of the rows.
    pub fn changes(&self) -> Vec<RuleChange> {
        self.rows
            .iter()
            .filter_map(|row| row.change.clone())
            .collect()
    }

    /// What to say of rules that are put back.
    pub fn put_back(&self) -> Option<String> {
        let lost = self.rows.iter().filter(|row| row.lost.is_some()).count();
        (lost > 0).then(|| {
            format!(
                "SkySwitch deleted {lost} of the rules to be made together with other rules of the same callers that this import removed"
            )
        })
    }

    /// Whether rows that cannot be used prevent the import. In a list that was
    /// agreed to before, such a row concerns nothing but itself.
    pub fn has_invalid_rows(&self) -> bool {
        let is_invalid = |row: &Row| row.action == Action::Invalid && row.state.is_none();
        !self.skip_invalid && self.rows.iter().any(is_invalid)
    }

    /// What to say, before anybody agrees, of rows that are left out.
    pub fn left_out(&self) -> Option<String> {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.action == Action::Invalid && row.state.is_none());
        let told: Vec<String> = rows
            .map(|row| {
                let line = row.line.unwrap_or_default();
                format!("line {line}: {}", row.reason.as_deref().unwrap_or_default())
            })
            .collect();
        (self.skip_invalid && !told.is_empty()).then(|| {
            format!(
                "{} cannot be used and would be left out ({})",
                counted(told.len(), "row"),
                first_few(NAMED, told)
            )
        })
    }

    /// The lines that cannot be used.
    pub fn invalid_lines(&self) -> impl Iterator<Item = usize> + '_ {
        let invalid = self.rows.iter().filter(|row| row.action == Action::Invalid);
        invalid.filter_map(|row| row.line)
    }

    pub fn counts(&self) -> Counts {
        let of = |action| self.rows.iter().filter(|row| row.action == action).count();
        Counts {
            add: of(Action::Add),
            replace: of(Action::Replace),
            remove: of(Action::Remove),
            keep: of(Action::Keep),
            invalid: of(Action::Invalid),
        }
    }

    pub fn done(&self) -> Done {
        let of = |state| {
            self.rows
                .iter()
                .filter(|row| row.state == Some(state))
                .count()
        };
        Done {
            made: of(RowState::Made),
            failed: of(RowState::Failed),
            unknown: of(RowState::Unknown),
            not_sent: of(RowState::NotSent),
        }
    }

    /// The outcome where nothing is to be sent.
    pub fn without_changes(self) -> SyncOutcome {
        let done = self.done();
        let status = match self.has_invalid_rows() {
            true => SyncStatus::Invalid,
            false if done.failed > 0 => SyncStatus::Incomplete,
            // Of a run that is continued, everything was made before.
            false if self.run_id.is_some() => SyncStatus::Applied,
            false => SyncStatus::Unchanged,
        };
        self.report(status)
    }

    /// The outcome after changes were sent.
    pub fn applied(self, cancelled: bool, stopped_by: Option<&Error>) -> SyncOutcome {
        let done = self.done();
        let status = match done.failed + done.unknown + done.not_sent {
            0 => SyncStatus::Applied,
            _ if cancelled => SyncStatus::Cancelled,
            _ => SyncStatus::Incomplete,
        };
        let mut outcome = self.report(status);
        outcome.stopped_by = stopped_by.map(|error| format!("{error}. {}", error.hint()));
        outcome
    }

    pub fn report(self, status: SyncStatus) -> SyncOutcome {
        let (plan, done) = (self.counts(), self.done());
        let was_sent = done != Done::default();
        let mut ranked: Vec<(u8, &Row)> = self
            .rows
            .iter()
            .filter(|row| !was_sent || row.needs_a_look())
            .filter_map(|row| Some((row.rank()?, row)))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        SyncOutcome {
            status,
            rows: ranked.into_iter().map(|(_, row)| row.into()).collect(),
            account_id: self.account_id,
            domain: self.domain,
            mode: self.mode,
            run_id: self.run_id,
            plan_id: None,
            plan,
            skips_invalid: self.skip_invalid,
            done: was_sent.then_some(done),
            rows_left_out: 0,
            stopped_by: None,
            warnings: self.warnings,
            confirmation: Confirmation::default(),
        }
    }
}
