//! A change to one piece of a customer's setup.

use serde::Serialize;
use serde_json::Value;

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
    may_route: Option<MayRoute>,
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
            may_route: None,
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
            piece: SetupPiece::DidRoute { did, route: after },
            before: before.and_then(|route| serde_json::to_value(route).ok()),
            may_route: Some(may_route),
        }
    }

    /// What it makes.
    pub fn piece(&self) -> &SetupPiece {
        &self.piece
    }

    /// What was in its place when it was planned.
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// Why a DID may be routed so.
    pub fn may_route(&self) -> Option<&MayRoute> {
        self.may_route.as_ref()
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

    /// The state that was seen, for digests.
    pub(super) fn seen(&self) -> impl Serialize + use<'_> {
        (&self.before, &self.may_route)
    }
}
