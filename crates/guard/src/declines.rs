//! What people decline: who says no is not asked the same again at once.

use jiff::Timestamp;

use super::{Answer, Guard, Proposal, Verdict};
use skyswitch_domain::error::Result;

/// How long a tool may not ask again what a person has declined, in seconds.
const PAUSE: i64 = 60;

impl Guard {
    /// What comes of an answer that is no consent. Who says no is not asked
    /// the same again by a tool for a while.
    ///
    /// # Errors
    /// `internal` when the store cannot be used.
    pub async fn without_consent<P: Proposal>(
        &self,
        shown: &P,
        answer: &Answer,
    ) -> Result<Verdict<P>> {
        match answer {
            Answer::NoAnswer | Answer::NotShown { .. } => return Ok(Verdict::NoAnswer),
            Answer::Declined => self.note_decline(&self.binding(shown)).await?,
            Answer::Typed(_) => {}
        }
        Ok(Verdict::Declined)
    }

    /// Notes that a person said no.
    pub(super) async fn note_decline(&self, binding: &str) -> Result<()> {
        let now = Timestamp::now().as_second();
        let store = self.store().await?;
        store.keep_decline(binding, now + PAUSE, now).await
    }

    /// Whether a person said no to the same a moment ago.
    pub(super) async fn was_declined(&self, change: &impl Proposal) -> Result<bool> {
        let Some(store) = self.store.if_exists().await? else {
            return Ok(false);
        };
        let now = Timestamp::now().as_second();
        store.is_declined(&self.binding(change), now).await
    }
}
