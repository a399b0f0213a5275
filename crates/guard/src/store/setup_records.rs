//! What the store holds of customers' setups, free of any database.

use skyswitch_domain::SetupStep;

/// A person's statement that a setup step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Grows with time.
    pub id: i64,
    /// The PBX domain, in lower case.
    pub domain: String,
    /// The step, for example `dial_translation_rule`.
    pub step: String,
    /// The person, as named.
    pub attested_by: String,
    /// What proved it.
    pub note: String,
    /// Milliseconds since 1970, UTC.
    pub attested_at: i64,
}

impl Attestation {
    /// Whether it is about that step.
    pub fn is_about(&self, step: SetupStep) -> bool {
        self.step == step.as_str()
    }
}

/// What is remembered of a customer's setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupMemory {
    /// The PBX domain, in lower case.
    pub domain: String,
    /// Where callers who are not VIPs shall go, as it was given.
    pub fallback: Option<String>,
    /// The number of the support ticket, and when it was recorded as sent:
    /// milliseconds since 1970, UTC.
    pub ticket: Option<(String, i64)>,
}

/// An attestation about to be recorded.
#[derive(Debug)]
pub struct NewAttestation<'a> {
    /// Which upstream.
    pub realm: &'a str,
    /// The account.
    pub account: &'a str,
    /// The PBX domain, in lower case.
    pub domain: &'a str,
    /// The step.
    pub step: SetupStep,
    /// The person, as named.
    pub attested_by: &'a str,
    /// What proved it.
    pub note: &'a str,
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}
