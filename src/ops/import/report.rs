//! A sync while it is worked on: everything that is known of it so far.

use std::sync::Arc;

use crate::ops::import::outcome::{
    Action, Counts, Done, Origin, RowState, SyncOutcome, SyncStatus,
};
use crate::ops::import::row::Row;
use crate::ops::import::{Confirmation, SyncMode, Task};
use crate::ops::vips::note_changes::PlannedNotes;
use crate::ops::vips::notes::Notes;
use crate::ops::write::agree::Facts;
use skyswitch_domain::error::Error;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{Route, Vip};
use skyswitch_guard::RuleChange;

/// Rows named in one sentence.
const NAMED: usize = 20;

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
    origin: Origin,
    pub run_id: Option<String>,
    /// All rules of the domain as the plan met them.
    pub rules_before: Vec<Vip>,
    pub rows: Vec<Row>,
    /// Whose names destinations were.
    pub named: Vec<String>,
    pub warnings: Vec<String>,
    /// Whether it would be refused, so that it can only be looked at.
    pub is_refused: bool,
    /// What is going to be noted of rules that stay as they are.
    pub planned_notes: PlannedNotes,
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
            origin: task.origin,
            run_id: None,
            rules_before: Vec::new(),
            rows: Vec::new(),
            named: task.list().named.clone(),
            warnings: Vec::new(),
            is_refused: false,
            planned_notes: PlannedNotes::default(),
            listed: Arc::default(),
        }
    }

    /// What the list notes of rules that stay as they are.
    pub fn noted(&self) -> Vec<(Route, Option<String>)> {
        let kept = self.rows.iter().filter(|row| row.action == Action::Keep);
        let noted = kept.filter(|row| row.note.is_some() || row.clears_note);
        noted
            .filter_map(|row| Some((row.previous.clone()?, row.note.clone())))
            .collect()
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
    pub fn changes(&self) -> Vec<Arc<RuleChange>> {
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
        let has_rows_in_the_way = self.has_invalid_rows();
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
            has_rows_in_the_way,
            origin: self.origin,
            done: was_sent.then_some(done),
            rows_left_out: 0,
            stopped_by: None,
            named: self.named,
            warnings: self.warnings,
            confirmation: Confirmation::default(),
        }
    }
}
