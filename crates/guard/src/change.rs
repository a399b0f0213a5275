//! One change at the service: to a VIP rule, or to a piece of a customer's setup.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{PieceChange, RuleChange, TypedValue};
use crate::{Author, Limits};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};

/// One change to one customer's domain. A [`Plan`](crate::Plan) holds those
/// that are agreed to together.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    account: AccountId,
    domain: PbxDomain,
    tool: &'static str,
    target: Target,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A VIP rule. An import holds as many as it has rows, and its rows share them.
    VipRule(Arc<RuleChange>),
    /// A piece of a customer's setup.
    Piece(Box<PieceChange>),
}

impl From<RuleChange> for Target {
    fn from(rule: RuleChange) -> Target {
        Target::VipRule(Arc::new(rule))
    }
}

impl From<Arc<RuleChange>> for Target {
    fn from(rule: Arc<RuleChange>) -> Target {
        Target::VipRule(rule)
    }
}

impl From<PieceChange> for Target {
    fn from(piece: PieceChange) -> Target {
        Target::Piece(Box::new(piece))
    }
}

impl Change {
    /// A change that an operation makes, for example `add_vip`.
    pub fn new(
        account: &AccountId,
        domain: &PbxDomain,
        tool: &'static str,
        target: impl Into<Target>,
    ) -> Change {
        Change {
            account: account.clone(),
            domain: domain.clone(),
            tool,
            target: target.into(),
        }
    }

    /// The account it is made in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The customer's domain.
    pub fn domain(&self) -> &PbxDomain {
        &self.domain
    }

    /// The operation that makes it, for example `add_vip`.
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// What it is about.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The VIP rule that it is about, if it is about one.
    pub(super) fn rule(&self) -> Option<&RuleChange> {
        match &self.target {
            Target::VipRule(rule) => Some(rule),
            Target::Piece(_) => None,
        }
    }

    /// Whether what was there before is what the service accepted a moment earlier,
    /// and no read shows it yet: it may be something else.
    pub fn is_before_unread(&self) -> bool {
        match &self.target {
            Target::VipRule(rule) => rule.is_before_unread(),
            Target::Piece(piece) => piece.is_before_unread(),
        }
    }

    /// Whether a VIP rule that exists is replaced or removed.
    pub(super) fn is_destructive(&self) -> bool {
        self.rule().is_some_and(RuleChange::is_destructive)
    }

    /// What has to be typed where it is agreed to by itself; nothing of its
    /// own for a piece that is not a customer's number.
    pub(super) fn asks_for(&self) -> Option<TypedValue> {
        match &self.target {
            Target::VipRule(rule) => Some(TypedValue::Caller(rule.ani().clone())),
            Target::Piece(piece) => piece.did().cloned().map(TypedValue::CustomerNumber),
        }
    }

    /// What is set up at a customer's is always agreed to.
    pub(super) fn needs_consent(&self, limits: &Limits, author: Author) -> bool {
        match &self.target {
            Target::VipRule(rule) => rule.needs_consent(limits, author),
            Target::Piece(_) => true,
        }
    }

    pub(super) fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        limits.refuse_place(&self.account, self.domain.as_str())?;
        match &self.target {
            Target::VipRule(rule) => rule.refuse_beyond(limits),
            Target::Piece(piece) => piece.refuse_beyond(limits),
        }
    }

    /// Digest of the state that was seen.
    pub(super) fn seen(&self) -> String {
        match &self.target {
            Target::VipRule(rule) => digest(&rule.seen()),
            Target::Piece(piece) => digest(&piece.seen()),
        }
    }

    /// Whether a number is sent away from a Route by ANI user, and nothing else.
    pub fn ends_a_loss(&self) -> bool {
        match &self.target {
            Target::VipRule(_) => false,
            Target::Piece(piece) => piece.leaves_ani_user(),
        }
    }

    /// Digest of what there would be afterwards, in whatever writing it was asked for.
    pub(super) fn effect(&self) -> String {
        let target = match &self.target {
            Target::VipRule(rule) => digest(&rule.effect()),
            Target::Piece(piece) => digest(&piece.effect()),
        };
        digest(&(self.account.as_str(), self.domain.as_str(), target))
    }

    /// Digest of what is wanted.
    pub(super) fn wanted(&self) -> String {
        let target = match &self.target {
            Target::VipRule(rule) => digest(&rule.wanted()),
            Target::Piece(piece) => digest(piece.piece()),
        };
        let (account, domain) = (self.account.as_str(), self.domain.as_str());
        digest(&(account, self.tool, domain, target))
    }
}

/// Hex digest of a value's JSON form, which is unambiguous where joined text is not.
pub(super) fn digest(value: &impl Serialize) -> String {
    // The values are strings and options: serialising them cannot fail, and an
    // empty text would only make a confirmation invalid.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
