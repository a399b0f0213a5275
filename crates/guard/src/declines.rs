//! What people do not agree to: who says no, or types a wrong value again and
//! again, is not asked the same again at once.

use jiff::Timestamp;

use super::{Answer, Guard, Proposal};
use crate::store::ends_later;
use skyswitch_domain::error::Result;

/// How long a tool may not ask again what a person has declined, in seconds.
const PAUSE: i64 = 60;

/// Why nobody agreed to what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAgreed {
    /// A person said no.
    Declined,
    /// A person typed something else than the value, as often as they were asked.
    WrongValue,
    /// Nobody answered before the question expired.
    Expired,
    /// The question was closed without an answer, or nobody was there.
    NoAnswer,
}

impl NotAgreed {
    /// What an answer is that is no consent.
    fn by(answer: &Answer) -> NotAgreed {
        match answer {
            Answer::Typed(_) | Answer::WithPin { .. } | Answer::WrongPin => NotAgreed::WrongValue,
            Answer::Declined => NotAgreed::Declined,
            Answer::Expired => NotAgreed::Expired,
            Answer::NoAnswer | Answer::NotShown { .. } => NotAgreed::NoAnswer,
        }
    }
}

impl Guard {
    /// What comes of an answer that is no consent. Who says no, or has typed a
    /// wrong value for the last time, is not asked the same again by a tool for
    /// a while.
    ///
    /// # Errors
    /// `internal` when the store cannot be used.
    pub async fn without_consent(
        &self,
        shown: &impl Proposal,
        answer: &Answer,
    ) -> Result<NotAgreed> {
        let why = NotAgreed::by(answer);
        self.note(&self.effect(shown), why).await?;
        Ok(why)
    }

    /// Notes that a person did not agree, where that is worth a pause.
    pub(super) async fn note(&self, effect: &str, why: NotAgreed) -> Result<()> {
        let is_wrong_value = match why {
            NotAgreed::Declined => false,
            NotAgreed::WrongValue => true,
            NotAgreed::Expired | NotAgreed::NoAnswer => return Ok(()),
        };
        let now = Timestamp::now().as_second();
        let store = self.store().await?;
        store
            .keep_decline(effect, is_wrong_value, now + PAUSE, &ends_later(now, PAUSE))
            .await
    }

    /// Why a person did not agree to the same a moment ago, in whatever writing
    /// it was asked for then.
    pub(super) async fn declined_lately(
        &self,
        change: &impl Proposal,
    ) -> Result<Option<NotAgreed>> {
        let Some(store) = self.store.if_exists().await? else {
            return Ok(None);
        };
        let now = Timestamp::now().as_second();
        let ends = ends_later(now, PAUSE);
        let declined = store.declined(&self.effect(change), &ends).await?;
        Ok(declined.map(|is_wrong_value| match is_wrong_value {
            true => NotAgreed::WrongValue,
            false => NotAgreed::Declined,
        }))
    }
}
