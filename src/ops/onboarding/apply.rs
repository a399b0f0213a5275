//! Making an agreed plan, one piece after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::ops::onboarding::evidence::Customer;
use crate::ops::onboarding::onboard::OnboardChange;
use crate::ops::onboarding::onboard::PieceState;
use crate::ops::write::agree::Cleared;
use crate::ops::write::journal::Origin;
use crate::ops::write::send::Journalled;
use crate::ops::write::send::NotMade;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{DidRoute, SetupPiece, ask_again};
use skyswitch_guard::store::FileLock;
use skyswitch_guard::{Clearance, MayRoute, SetupChange, SetupPlan};

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
        cleared: Cleared<SetupPlan, FileLock>,
        customer: &Customer,
        told: &mut [OnboardChange],
    ) {
        let turn = Arc::new(cleared.hold);
        let judge = Onboarding {
            app: self,
            customer,
        };
        let mut stopped = false;
        for (piece, told) in cleared.clearance.divide().into_iter().zip(told) {
            if stopped {
                told.state = PieceState::NotSent;
                continue;
            }
            let origin = Origin {
                seen: Some(cleared.seen),
                ..Origin::default()
            };
            match self.make(piece, &judge, &turn, origin).await {
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

    /// Makes one piece. A number is pointed somewhere only on a judgement that
    /// is no older than a moment, however long the pace holds the request back.
    pub(super) async fn make(
        &self,
        clearance: Clearance<SetupChange>,
        judge: &impl JudgeRoute,
        turn: &Arc<FileLock>,
        origin: Origin,
    ) -> Result<i64, NotMade> {
        let routes_did = matches!(clearance.change().piece(), SetupPiece::DidRoute { .. });
        for _ in 0..LOOKS {
            if routes_did {
                may_still_route(clearance.change(), judge).await?;
            }
            let looked = Instant::now();
            let ready = clearance.change().ready(self.client()?).await?;
            if !routes_did || looked.elapsed() < RECENT {
                let hold = Arc::clone(turn);
                let made = self.send_now(clearance, ready, hold, origin);
                return Ok(made.await?.change_id);
            }
        }
        let busy = Error::new(
            Code::RateLimited,
            "other requests use up the rate limit, so this was not sent",
            "Try again when they are done.",
        );
        Err(busy.into())
    }
}

/// Who judges, by what is read right now, whether a number may be pointed where
/// a change points it.
pub(super) trait JudgeRoute: Sync {
    /// Judges again.
    fn may_route(&self, route: &DidRoute) -> impl Future<Output = Result<MayRoute>> + Send;
}

/// A customer's number is judged by the customer's setup.
pub(super) struct Onboarding<'a> {
    pub app: &'a App,
    pub customer: &'a Customer,
}

impl JudgeRoute for Onboarding<'_> {
    async fn may_route(&self, route: &DidRoute) -> Result<MayRoute> {
        let evidence = self.app.evidence(self.customer).await?;
        MayRoute::judge(
            route,
            &self.customer.domain,
            evidence.known_ani_users(),
            evidence.fallback.as_ref(),
        )
    }
}

/// Right before a number is pointed somewhere: the fallback is looked at once
/// more, since it can be withdrawn or removed at any time.
async fn may_still_route(change: &SetupChange, judge: &impl JudgeRoute) -> Result<()> {
    let SetupPiece::DidRoute { route, .. } = change.piece() else {
        return Ok(());
    };
    if Some(&judge.may_route(route).await?) == change.may_route() {
        return Ok(());
    }
    Err(Error::new(
        Code::ConfirmationStale,
        "what is known of the dial translation rule changed after the person saw it, so nothing was sent",
        ask_again(),
    ))
}
