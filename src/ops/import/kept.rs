//! What is kept here of the rules of a plan, notes and last days: what the list says
//! of them, or what is kept already.

use std::sync::Arc;

use crate::ops::import::made_lists::MOVE;
use crate::ops::import::report::Report;
use crate::ops::import::row::Row;
use crate::ops::import::{RowState, Source, Task};
use crate::ops::vips::notes::{Notes, end_of};
use crate::ops::write::present::PresentRules;
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::Note;

impl Report {
    /// Enters what each change keeps of its rule, and what it ends. A row whose last
    /// day is over is not made.
    pub fn keep(&mut self, task: &Task, present: &PresentRules, notes: &Notes) {
        let rules = present.rules.iter();
        self.rules_before = rules.map(|rule| notes.vip(rule)).collect();
        for row in &mut self.rows {
            let Some(change) = row.change.take() else {
                continue;
            };
            match task.note_of(row, notes) {
                Ok(note) => {
                    let kept = row.previous.as_ref().and_then(|rule| notes.to_keep(rule));
                    let late = present.late_reads(change.key());
                    let change = Arc::unwrap_or_clone(change).read_late_as(late);
                    row.change = Some(Arc::new(change.ending(kept).noting(note)));
                }
                Err(over) => *row = task.refused(row, &over),
            }
        }
    }
}

impl Task {
    /// Whether a note that is there may become another one: where a person agrees to
    /// a plan, or asks for what was there before.
    pub fn may_overwrite_notes(&self, has_changes: bool) -> bool {
        has_changes || !self.list().noted.is_empty()
    }

    /// What is to be kept of the rule of a row: what the list says; of one that is
    /// only sent elsewhere, what is kept already.
    ///
    /// # Errors
    /// `invalid_argument` where its last day is over: the rule would stay for good.
    fn note_of(&self, row: &Row, notes: &Notes) -> Result<Option<Note>> {
        if row.wanted.is_none() {
            return Ok(None);
        }
        if let (Some(before), MOVE) = (&row.previous, self.tool) {
            return Ok(notes.to_keep(before));
        }
        let until = row.until.as_deref().and_then(|day| day.parse().ok());
        let note = Note {
            text: row.note.clone(),
            until: until.map(end_of).transpose()?,
        };
        Ok((note != Note::default()).then_some(note))
    }

    /// A row that must not be made. In a run that was agreed to before, the other
    /// rows go on without it.
    fn refused(&self, row: &Row, why: &Error) -> Row {
        let state = match &self.source {
            Source::List(_) => row.state,
            Source::Run(_) => Some(RowState::Failed),
        };
        Row {
            state,
            ..row.clone().invalid(why.to_string())
        }
    }
}
