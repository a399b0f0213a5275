//! A person's statement that a setup step is done which no API shows.

use jiff::Timestamp;

use super::change::digest;
use super::{Clearance, CustomerNames, Guard, Preview, Proposal};
use crate::store::NewAttestation;
use crate::{Author, Limits};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain, SetupStep};

/// What a person is about to attest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestStep {
    /// The account.
    pub account: AccountId,
    /// The customer's domain.
    pub domain: PbxDomain,
    /// The step.
    pub step: SetupStep,
    /// The person, as named.
    pub attested_by: String,
    /// What proved it: the ticket that was answered, a test call.
    pub note: String,
    /// Grows whenever the step is attested or withdrawn: what was confirmed
    /// before that does not count any more.
    pub version: i64,
    /// What people call the customer.
    pub names: CustomerNames,
}

impl Proposal for AttestStep {
    fn customer(&self) -> Option<(&AccountId, &PbxDomain)> {
        Some((&self.account, &self.domain))
    }

    fn named(self, names: CustomerNames) -> AttestStep {
        AttestStep { names, ..self }
    }

    fn preview(&self) -> Preview {
        Preview::of_attestation(self)
    }

    fn needs_consent(&self, _: &Limits, _: Author) -> bool {
        true
    }

    /// Neither a token nor a flag replaces the person who has checked.
    fn asks_a_person(&self) -> bool {
        true
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        limits.refuse_place(&self.account, self.domain.as_str())
    }

    /// Nothing changes at the service.
    fn count(&self, _: &Limits) -> usize {
        0
    }

    fn fingerprint(&self) -> String {
        // Nothing else is known of a step that no API shows.
        digest(&("attestation", self.version))
    }

    fn binding(&self) -> String {
        digest(&(
            "attest",
            self.account.as_str(),
            self.domain.as_str(),
            self.step,
            &self.attested_by,
            &self.note,
        ))
    }

    fn effect(&self) -> String {
        let (account, domain) = (self.account.as_str(), self.domain.as_str());
        digest(&("attest", account, domain, self.step))
    }
}

impl Guard {
    /// Records what a person attested.
    ///
    /// # Errors
    /// `internal` when the store cannot be used.
    pub async fn attest(&self, clearance: Clearance<AttestStep>, asked_by: &str) -> Result<i64> {
        let attested = clearance.change();
        let new = NewAttestation {
            realm: &self.realm,
            account: attested.account.as_str(),
            domain: attested.domain.as_str(),
            step: attested.step,
            attested_by: &attested.attested_by,
            note: &attested.note,
            asked_by,
            now: Timestamp::now().as_millisecond(),
        };
        self.store().await?.attest(&new).await
    }
}
