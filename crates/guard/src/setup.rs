//! Changes to a customer's set-up, and plans of several.

use serde::Serialize;
use serde_json::Value;

use super::change::digest;
use super::{Change, MayRoute, Preview, TypedValue};
use crate::Limits;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, DidRoute, PbxDomain, PhoneNumber, SetupPiece};

/// One piece of a set-up as it stands and as it shall be. Fields are private so
/// that a change is what it was planned to be, and a DID is routed only with
/// [`MayRoute`].
#[derive(Debug, Clone, PartialEq)]
pub struct SetupChange {
    account: AccountId,
    domain: PbxDomain,
    tool: &'static str,
    piece: SetupPiece,
    before: Option<Value>,
    may_route: Option<MayRoute>,
}

impl SetupChange {
    /// Makes a piece; `before` is what stands in its place, in its own form.
    ///
    /// # Errors
    /// `internal` for a DID's route, which has a constructor of its own.
    pub fn make(
        account: AccountId,
        domain: PbxDomain,
        tool: &'static str,
        piece: SetupPiece,
        before: Option<Value>,
    ) -> Result<SetupChange> {
        if matches!(piece, SetupPiece::DidRoute { .. }) {
            return Err(Error::internal(
                "a DID was about to be routed without knowing whether it may be",
                "Please report this as a bug; nothing was sent.",
            ));
        }
        Ok(SetupChange {
            account,
            domain,
            tool,
            piece,
            before,
            may_route: None,
        })
    }

    /// Points a DID somewhere.
    pub fn route_did(
        account: AccountId,
        domain: PbxDomain,
        tool: &'static str,
        did: PhoneNumber,
        before: Option<&DidRoute>,
        (after, may_route): (DidRoute, MayRoute),
    ) -> SetupChange {
        SetupChange {
            account,
            domain,
            tool,
            piece: SetupPiece::DidRoute { did, route: after },
            before: before.and_then(|route| serde_json::to_value(route).ok()),
            may_route: Some(may_route),
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

    /// The operation that makes it.
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// What it makes.
    pub fn piece(&self) -> &SetupPiece {
        &self.piece
    }

    /// What stood in its place when it was planned.
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// Why a DID may be routed so.
    pub fn may_route(&self) -> Option<&MayRoute> {
        self.may_route.as_ref()
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        limits.refuse_domain(self.domain.as_str())?;
        match &self.piece {
            SetupPiece::DidRoute { did, .. } => limits.refuse_protected_did(did),
            _ => Ok(()),
        }
    }

    /// What is wanted, for digests.
    fn wanted(&self) -> impl Serialize + use<> {
        (
            self.account.as_str().to_owned(),
            self.tool,
            self.domain.as_str().to_owned(),
            self.piece.clone(),
        )
    }

    /// The state that was seen, for digests.
    fn seen(&self) -> impl Serialize + use<> {
        (self.before.clone(), self.may_route.clone())
    }
}

/// What is to be made of a set-up with one consent.
#[derive(Debug, Clone, PartialEq)]
pub struct SetupPlan {
    account: AccountId,
    domain: PbxDomain,
    changes: Vec<SetupChange>,
    notes: Vec<String>,
}

impl SetupPlan {
    /// A plan of `changes`, made in their order; `None` where there are none.
    pub fn new(changes: Vec<SetupChange>, notes: Vec<String>) -> Option<SetupPlan> {
        let first = changes.first()?;
        Some(SetupPlan {
            account: first.account.clone(),
            domain: first.domain.clone(),
            changes,
            notes,
        })
    }

    /// The account it is made in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The customer's domain.
    pub fn domain(&self) -> &PbxDomain {
        &self.domain
    }

    /// The changes, in the order in which they are made.
    pub fn changes(&self) -> &[SetupChange] {
        &self.changes
    }

    /// Sentences that the person has to read before agreeing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What has to be typed: the number where one is routed, else the domain.
    pub(super) fn asks_for(&self) -> TypedValue {
        let did = self.changes.iter().find_map(|change| match &change.piece {
            SetupPiece::DidRoute { did, .. } => Some(did.clone()),
            _ => None,
        });
        did.map_or_else(
            || TypedValue::Domain(self.domain.clone()),
            TypedValue::CustomerNumber,
        )
    }

    pub(super) fn into_changes(self) -> Vec<SetupChange> {
        self.changes
    }
}

impl Change for SetupPlan {
    fn preview(&self) -> Preview {
        Preview::of_setup(self)
    }

    /// What is set up at a customer's is always agreed to.
    fn needs_consent(&self, _: &Limits) -> bool {
        true
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        self.changes
            .iter()
            .try_for_each(|change| change.refuse_beyond(limits))
    }

    fn count(&self) -> usize {
        self.changes.len()
    }

    fn fingerprint(&self) -> String {
        let seen: Vec<_> = self.changes.iter().map(SetupChange::seen).collect();
        digest(&seen)
    }

    fn binding(&self) -> String {
        let wanted: Vec<_> = self.changes.iter().map(SetupChange::wanted).collect();
        digest(&("setup", wanted))
    }
}
