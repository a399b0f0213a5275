//! Approvals as the store holds them, free of any database.

use std::ops::RangeInclusive;

use super::ends_later;
use crate::{ATTEMPTS, CONFIRMATION_LIFETIME, NotAgreed, Preview};

/// What became of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided yet.
    Waiting,
    /// A person typed the value.
    Approved,
    /// A person declined.
    Declined,
    /// The change was made, or the decline was reported.
    Used,
}

impl ApprovalState {
    pub(super) fn word(self) -> &'static str {
        match self {
            ApprovalState::Waiting => "waiting",
            ApprovalState::Approved => "approved",
            ApprovalState::Declined => "declined",
            ApprovalState::Used => "used",
        }
    }
}

/// For how long after its expiry it is remembered what became of an approval, in seconds.
pub(super) const REMEMBERED: i64 = 600;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A person typed the value.
    Approved,
    /// A person said no.
    Declined,
    /// A person typed something else than the value, as often as they were asked.
    WrongValue,
    /// Nobody decided in time.
    Expired,
}

/// A change that waits for a person.
#[derive(Debug, Clone)]
pub struct Approval {
    /// What the person types after `skyswitch approve`.
    pub code: String,
    /// Of which upstream it is.
    pub(crate) realm: String,
    /// Digest of what it comes to, in whatever writing it was asked for.
    pub(crate) effect: String,
    /// Digest of the state the person is shown.
    pub fingerprint: String,
    /// What the person is shown, and has to type.
    pub preview: Preview,
    /// Seconds since 1970, UTC.
    pub expires_at: i64,
    /// Client and tool, or command, that asked for it; empty where an earlier version kept it.
    pub asked_by: String,
    /// When it was asked for, in seconds since 1970, UTC.
    pub asked_at: i64,
    /// When a person decided.
    pub decided_at: Option<i64>,
    /// When the decision was made use of.
    pub used_at: Option<i64>,
    /// What the person decided.
    pub(super) decision: Option<String>,
    /// How often something else was typed than the value.
    pub(super) misses: u8,
    pub(super) state: String,
}

impl Approval {
    /// Why a declined one was declined.
    pub(crate) fn why_not_agreed(&self) -> NotAgreed {
        match self.misses < ATTEMPTS {
            true => NotAgreed::Declined,
            false => NotAgreed::WrongValue,
        }
    }

    /// When approvals expire that have not expired now.
    pub(super) fn ends_later(now: i64) -> RangeInclusive<i64> {
        ends_later(now, CONFIRMATION_LIFETIME.as_secs().cast_signed())
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now: i64) -> bool {
        !Approval::ends_later(now).contains(&self.expires_at)
    }

    /// How it ended, if it has: a decision holds, whatever came after it.
    pub fn ending(&self, now: i64) -> Option<Ending> {
        match self.decision.as_deref() {
            Some("approved") => Some(Ending::Approved),
            Some("wrong_value") => Some(Ending::WrongValue),
            Some(_) => Some(Ending::Declined),
            None => self.has_expired(now).then_some(Ending::Expired),
        }
    }

    /// What became of it.
    pub fn state(&self) -> ApprovalState {
        match self.state.as_str() {
            "waiting" => ApprovalState::Waiting,
            "approved" => ApprovalState::Approved,
            "declined" => ApprovalState::Declined,
            _ => ApprovalState::Used,
        }
    }
}

/// A change to be put before a person.
#[derive(Debug)]
pub struct NewApproval<'a> {
    /// What the person will type after `skyswitch approve`.
    pub code: &'a str,
    /// Of which upstream it is.
    pub realm: &'a str,
    /// Digest of account, tool and arguments.
    pub binding: &'a str,
    /// Digest of what it comes to, in whatever writing it was asked for.
    pub effect: &'a str,
    /// Digest of the state the person is shown.
    pub fingerprint: &'a str,
    /// What the person is shown, and has to type.
    pub preview: &'a Preview,
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// Seconds since 1970, UTC.
    pub expires_at: i64,
}
