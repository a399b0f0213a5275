//! Making an agreed plan, one piece after the other.

use super::evidence::Customer;
use super::onboard::{OnboardChange, PieceState};
use crate::domain::SetupPiece;
use crate::error::{Code, Error, Result};
use crate::guard::{Clearance, MayRoute, SetupChange, SetupPlan};
use crate::ops::App;
use crate::ops::change::Journalled;
use crate::ops::journal::Origin;

impl App {
    /// Makes the pieces in their order and ends with the first that is not
    /// made: what comes later builds on it.
    pub(super) async fn apply_setup(
        &self,
        clearance: Clearance<SetupPlan>,
        customer: &Customer,
        told: &mut [OnboardChange],
    ) {
        let mut stopped = false;
        for (piece, told) in clearance.divide().into_iter().zip(told) {
            if stopped {
                told.state = PieceState::NotSent;
                continue;
            }
            match self.make(piece, customer).await {
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
    ) -> Result<i64, crate::ops::change::NotMade> {
        // Whatever has to be waited for comes before the last look.
        let ready = clearance.change().ready(self.client()?).await?;
        self.may_still_route(clearance.change(), customer).await?;
        let made = self.send_now(clearance, ready, (), Origin::default());
        Ok(made.await?.change_id)
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
