//! What the store holds of customers' set-ups, free of any database.

use serde_json::Value;

use super::{ChangeStatus, JournalPosition};
use skyswitch_domain::{SetupPiece, SetupStep};

/// A change to a customer's set-up, in the journal.
#[derive(Debug, Clone)]
pub struct SetupEntry {
    /// Grows with time; unique in this store, VIP rules included.
    pub id: i64,
    /// The account it was made in.
    pub account: String,
    /// The operation, for example `onboard_domain`.
    pub operation: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// The PBX domain.
    pub domain: String,
    /// What was to be made.
    pub piece: SetupPiece,
    /// What stood in its place before, in the piece's own form.
    pub before: Option<Value>,
    /// How far it is.
    pub status: ChangeStatus,
    /// What stood in its place afterwards, as far as it is known.
    pub after: Option<Value>,
    /// Why it was not made.
    pub problem: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// The change that this one undid.
    pub undoes: Option<i64>,
    /// The process that works on it; empty once nobody does.
    pub owner: String,
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
    /// Milliseconds since 1970, UTC.
    pub ended_at: Option<i64>,
    /// When its request may have been sent for the last time, as far as that is
    /// known: its start, or when its outcome was given up.
    pub last_tried_at: i64,
    /// Whether a change that was cut off came to stand.
    pub stands: bool,
}

impl SetupEntry {
    /// Whether what was wanted came to stand.
    pub fn was_made(&self) -> bool {
        match self.status {
            ChangeStatus::Done => true,
            ChangeStatus::Open | ChangeStatus::Failed => false,
            ChangeStatus::Reconciled => self.stands,
        }
    }
}

/// A change to a set-up about to be made.
#[derive(Debug)]
pub struct NewSetupEntry<'a> {
    /// Which upstream.
    pub realm: &'a str,
    /// The account.
    pub account: &'a str,
    /// The operation.
    pub operation: &'a str,
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// The PBX domain.
    pub domain: &'a str,
    /// What is to be made.
    pub piece: &'a SetupPiece,
    /// What stands in its place.
    pub before: Option<&'a Value>,
    /// The change that this one undoes.
    pub undoes: Option<i64>,
    /// The process that works on it.
    pub owner: &'a str,
    /// Where the journal was when the set-up was looked at that it was decided on.
    pub seen: Option<JournalPosition>,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// How a change to a set-up ended.
#[derive(Debug)]
pub struct SetupClosing<'a> {
    /// `done`, `failed` or `reconciled`.
    pub status: ChangeStatus,
    /// What stands now.
    pub after: Option<&'a Value>,
    /// Whether that is what was wanted.
    pub stands: bool,
    /// Why it was not made.
    pub problem: Option<&'a str>,
    /// The service's id of the request.
    pub request_id: Option<&'a str>,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// A step that a person has looked at.
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

/// An attestation about to be written down.
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

/// A dial plan that showed the dial translation rule, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDialPlan {
    /// The PBX domain, in lower case.
    pub domain: String,
    /// JSON of the rules for calls from the ANI user.
    pub rules: String,
    /// Milliseconds since 1970, UTC.
    pub read_at: i64,
}
