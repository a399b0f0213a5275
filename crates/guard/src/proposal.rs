//! What the guard decides about: a plan, or an attestation.

use super::{CustomerNames, Preview};
use crate::{Author, Limits};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};

/// Something that is agreed to, or not, as a whole.
pub trait Proposal: Clone + Send + Sync {
    /// The account and the domain whose names it is shown with, if with any.
    fn customer(&self) -> Option<(&AccountId, &PbxDomain)> {
        None
    }

    /// The same, shown with the names that people know.
    #[must_use]
    fn named(self, _: CustomerNames) -> Self {
        self
    }

    /// What a person is shown.
    fn preview(&self) -> Preview;

    /// Whether a person has to agree to what somebody asks for.
    fn needs_consent(&self, limits: &Limits, author: Author) -> bool;

    /// Whether only a person may agree: no token and no flag does it for them.
    fn asks_a_person(&self) -> bool {
        false
    }

    /// Refuses what the operator has put out of reach, whoever agrees to it.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    fn refuse_beyond(&self, limits: &Limits) -> Result<()>;

    /// As how many changes it counts in an hour.
    fn count(&self, limits: &Limits) -> usize;

    /// Whether all it does is to end a loss of calls. That is not held back by
    /// how much else was asked or done.
    fn ends_a_loss(&self) -> bool {
        false
    }

    /// Digest of the state that was seen.
    fn fingerprint(&self) -> String;

    /// Digest of what was asked for, independent of the state it met.
    fn binding(&self) -> String;

    /// Digest of what there would be afterwards, in whatever writing and by
    /// whatever operation it was asked for.
    fn effect(&self) -> String;
}
