//! A change to one piece of a customer's setup.

use serde::Serialize;
use serde_json::{Value, json};

use super::MayRoute;
use crate::Limits;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{DidRoute, PhoneNumber, SetupPiece};

/// One piece of a setup as it is and as it shall be. Fields are private so
/// that a change is what it was planned to be, and a DID is routed only with
/// [`MayRoute`].
#[derive(Debug, Clone, PartialEq)]
pub struct PieceChange {
    piece: SetupPiece,
    before: Option<Value>,
    /// What reads may show until they have caught up with earlier changes.
    late: Vec<Option<Value>>,
    may_route: Option<MayRoute>,
    names: Option<RoutingNames>,
    leaves_ani_user: bool,
}

/// What people call the destinations of a number. What a person
/// agreed to does not depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingNames {
    /// Where the number goes; `None` where it goes nowhere.
    pub today: Option<String>,
    /// Where it shall go.
    pub afterwards: String,
}

impl PieceChange {
    /// Makes a piece; `before` is what is in its place, in its own form.
    ///
    /// # Errors
    /// `internal` for a DID's route, which has a constructor of its own.
    pub fn make(piece: SetupPiece, before: Option<Value>) -> Result<PieceChange> {
        if matches!(piece, SetupPiece::DidRoute { .. }) {
            return Err(Error::internal(
                "a DID was about to be routed without knowing whether it may be",
                "Please report this as a bug; nothing was sent.",
            ));
        }
        Ok(PieceChange {
            piece,
            before,
            late: Vec::new(),
            may_route: None,
            names: None,
            leaves_ani_user: false,
        })
    }

    /// Points a DID somewhere.
    pub fn route_did(
        did: PhoneNumber,
        before: Option<&DidRoute>,
        after: DidRoute,
        may_route: MayRoute,
    ) -> PieceChange {
        PieceChange {
            piece: SetupPiece::DidRoute {
                did,
                route: after,
                to_ani_user: false,
            },
            before: before.and_then(|route| serde_json::to_value(route).ok()),
            late: Vec::new(),
            may_route: Some(may_route),
            names: None,
            leaves_ani_user: false,
        }
    }

    /// Says that a number goes to a user that is known to be one for Route by ANI,
    /// so that the journal tells it from then on.
    #[must_use]
    pub fn to_ani_user(mut self, is_known: bool) -> Self {
        if let SetupPiece::DidRoute { to_ani_user, .. } = &mut self.piece {
            *to_ani_user = is_known;
        }
        self
    }

    /// Says that a number is known to go to a Route by ANI user now.
    #[must_use]
    pub fn from_ani_user(mut self, is_known: bool) -> Self {
        self.leaves_ani_user = is_known;
        self
    }

    /// Whether a number is sent away from a Route by ANI user, and not to another one.
    pub(super) fn leaves_ani_user(&self) -> bool {
        let needs_fallback = |may: &MayRoute| may.fallback().is_some();
        self.leaves_ani_user && !self.may_route.as_ref().is_none_or(needs_fallback)
    }

    /// Says what people call the destinations of a number.
    #[must_use]
    pub fn named(mut self, names: RoutingNames) -> Self {
        self.names = Some(names);
        self
    }

    /// Says what reads may show until they have caught up with earlier changes.
    #[must_use]
    pub fn read_late_as(mut self, late: Vec<Option<DidRoute>>) -> Self {
        let value = |route: Option<DidRoute>| route.and_then(|r| serde_json::to_value(r).ok());
        self.late = late.into_iter().map(value).collect();
        self
    }

    /// What it makes.
    pub fn piece(&self) -> &SetupPiece {
        &self.piece
    }

    /// What was in its place when it was planned.
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// Whether what a read shows is as it was before, or as it was before earlier
    /// changes that reads need not show yet.
    pub fn is_before(&self, read: Option<&Value>) -> bool {
        read == self.before() || self.late.iter().any(|late| late.as_ref() == read)
    }

    /// Whether what was there before is what the service accepted a moment earlier,
    /// and no read shows it yet.
    pub(super) fn is_before_unread(&self) -> bool {
        !self.late.is_empty()
    }

    /// Why a DID may be routed so.
    pub fn may_route(&self) -> Option<&MayRoute> {
        self.may_route.as_ref()
    }

    /// What people call the destinations of a number, where that was said.
    pub fn names(&self) -> Option<&RoutingNames> {
        self.names.as_ref()
    }

    /// The customer's number, where one is routed.
    pub fn did(&self) -> Option<&PhoneNumber> {
        match &self.piece {
            SetupPiece::DidRoute { did, .. } => Some(did),
            _ => None,
        }
    }

    pub(super) fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        self.did()
            .map_or(Ok(()), |did| limits.refuse_protected_did(did))
    }

    /// What there would be afterwards, for digests.
    pub(super) fn effect(&self) -> impl Serialize + use<'_> {
        match &self.piece {
            SetupPiece::DidRoute { did, route, .. } => json!([did, route]),
            // It is the same domain, whatever it is called.
            SetupPiece::PbxDomain { .. } => json!(self.piece.kind()),
            piece => json!(piece),
        }
    }

    /// The state that was seen, for digests.
    pub(super) fn seen(&self) -> impl Serialize + use<'_> {
        (&self.before, &self.may_route)
    }
}
