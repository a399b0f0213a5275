//! A person's statement of what became of a change that no service tells any more.

use jiff::Timestamp;

use super::change::digest;
use super::{Clearance, Guard, Preview, Proposal};
use crate::store::{After, ChangeRecord, ChangeStatus, Closing};
use crate::{Author, Limits};
use skyswitch_domain::error::Result;

/// An open change that a person is about to close by hand.
#[derive(Debug, Clone)]
pub struct CloseEntry {
    /// The change as the journal holds it.
    pub change: ChangeRecord,
    /// The same, for people.
    pub words: Vec<String>,
    /// Whether the person says that it was made.
    pub made: bool,
}

impl Proposal for CloseEntry {
    fn preview(&self) -> Preview {
        Preview::of_closing(self)
    }

    fn needs_consent(&self, _: &Limits, _: Author) -> bool {
        true
    }

    /// Neither a token nor a flag replaces the person who has looked.
    fn asks_a_person(&self) -> bool {
        true
    }

    /// The customer may have left, and be within no limit any more.
    fn refuse_beyond(&self, _: &Limits) -> Result<()> {
        Ok(())
    }

    /// Nothing changes at the service.
    fn count(&self, _: &Limits) -> usize {
        0
    }

    fn fingerprint(&self) -> String {
        digest(&("open", self.change.id, self.change.last_tried_at))
    }

    fn binding(&self) -> String {
        digest(&("close", self.change.id, self.made))
    }

    fn effect(&self) -> String {
        self.binding()
    }
}

impl Guard {
    /// Closes a change as a person says; false where it was closed meanwhile.
    ///
    /// # Errors
    /// `internal` when the store cannot be used.
    pub async fn close_entry(
        &self,
        clearance: Clearance<CloseEntry>,
        closed_by: &str,
    ) -> Result<bool> {
        let CloseEntry { change, made, .. } = clearance.change();
        let closing = Closing {
            status: ChangeStatus::Reconciled,
            after: After::of_record(&change.target, *made),
            problem: change.problem.as_deref(),
            request_id: change.request_id.as_deref(),
            closed_by: Some(closed_by),
            now: Timestamp::now().as_millisecond(),
        };
        let store = self.store().await?;
        store.close_change(change.id, &closing).await
    }
}
