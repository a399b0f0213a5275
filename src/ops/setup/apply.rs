//! Making an agreed plan, one piece after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::evidence::Customer;
use super::onboard::{OnboardChange, PieceState};
use crate::domain::SetupPiece;
use crate::error::{Code, Error, Result};
use crate::guard::{Clearance, MayRoute, SetupChange, SetupPlan};
use crate::ops::App;
use crate::ops::change::{Journalled, NotMade};
use crate::ops::journal::Origin;
use crate::state::FileLock;

/// What was looked at longer ago is looked at again.
const RECENT: Duration = Duration::from_secs(1);
/// How often that is done before giving up.
const LOOKS: usize = 5;

impl App {
    /// Makes the pieces in their order and ends with the first that is not
    /// made: what comes later builds on it. The turn is held until the last
    /// request that was sent has ended, also where the caller goes away.
    pub(super) async fn apply_setup(
        &self,
        clearance: Clearance<SetupPlan>,
        customer: &Customer,
        turn: FileLock,
        told: &mut [OnboardChange],
    ) {
        let turn = Arc::new(turn);
        let mut stopped = false;
        for (piece, told) in clearance.divide().into_iter().zip(told) {
            if stopped {
                told.state = PieceState::NotSent;
                continue;
            }
            match self.make(piece, customer, &turn).await {
                Ok(change_id) => {
                    told.state = PieceState::Made;
                    told.change_id = Some(change_id.to_string());
                }
                Err(failure) => {
                    stopped = true;
                    told.state = match failure.is_known {
                        true => PieceState::Failed,
                        false => PieceState::Unknown,
                    };
                    told.reason = Some(failure.error.to_string());
                    told.change_id = failure.change_id.map(|id| id.to_string());
                }
            }
        }
    }

    async fn make(
        &self,
        clearance: Clearance<SetupChange>,
        customer: &Customer,
        turn: &Arc<FileLock>,
    ) -> Result<i64, NotMade> {
        let routes_did = matches!(clearance.change().piece(), SetupPiece::DidRoute { .. });
        for _ in 0..LOOKS {
            self.may_still_route(clearance.change(), customer).await?;
            let looked = Instant::now();
            let ready = clearance.change().ready(self.client()?).await?;
            // The pace may have held it back for long: then it is looked at anew.
            if !routes_did || looked.elapsed() < RECENT {
                let hold = Arc::clone(turn);
                let made = self.send_now(clearance, ready, hold, Origin::default());
                return Ok(made.await?.change_id);
            }
        }
        let busy = Error::new(
            Code::RateLimited,
            "other calls use up the pace, so this was not sent",
            "Try again when they are done.",
        );
        Err(busy.into())
    }

    /// Right before a number is pointed at the ANI user: the fallback is looked
    /// at once more, since it can be withdrawn or removed at any time.
    async fn may_still_route(&self, change: &SetupChange, customer: &Customer) -> Result<()> {
        let SetupPiece::DidRoute { route, .. } = change.piece() else {
            return Ok(());
        };
        let evidence = self.evidence(customer).await?;
        let now = MayRoute::judge(
            route,
            change.domain(),
            evidence.known_ani_users(),
            evidence.fallback.as_ref(),
        )?;
        if Some(&now) == change.may_route() {
            return Ok(());
        }
        Err(Error::new(
            Code::ConfirmationStale,
            "what is known of the dial translation rule changed after the person saw it, so nothing was sent",
            "Show the person the new preview and call the tool again without a confirmation.",
        ))
    }
}
