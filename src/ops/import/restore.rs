//! Putting back what the service removed along with the rules of a plan.

use std::sync::Arc;

use crate::ops::import::TOOL;
use crate::ops::import::apply::Sender;
use crate::ops::write::agree::Seen;
use crate::ops::write::journal::Origin;
use crate::ops::write::send::turn_name;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, Operation, PhoneNumber, Route};
use skyswitch_guard::{Channel, RouteChange, Verdict};

/// What became of the rules that removals put at risk.
pub(super) struct Restored {
    pub told: Vec<String>,
    /// False where one of them may be missing still.
    pub is_complete: bool,
}

impl Sender<'_> {
    /// Puts back what the service removed along with rules of the same caller,
    /// and says so.
    pub(super) async fn restore(&self, account: &AccountId, at_risk: &[Route]) -> Restored {
        let mut told = Vec::new();
        let mut is_complete = true;
        if at_risk.is_empty() {
            return Restored { told, is_complete };
        }
        let app = self.app;
        let read = async {
            let seen = Seen::now(app).await?;
            let lost = app.lost(account, &self.run.domain, at_risk).await?;
            Ok::<_, Error>((seen, lost))
        };
        let Ok((seen, lost)) = read.await else {
            told.push(
                format!(
                    "the other rules of callers whose rules were removed could not be read back; resume the import, or check them with {}",
                    Operation::ListVips
                ),
            );
            is_complete = false;
            return Restored { told, is_complete };
        };
        for rule in lost {
            let restored = self.restore_one(account, &rule, seen).await;
            is_complete &= restored.is_ok();
            let caller = skyswitch_domain::redact::shown(rule.key.ani.as_str(), 64);
            told.push(match restored {
                Ok(()) => format!(
                    "the service removed another rule of \"{caller}\" (dialled number {}) along with the one on the plan; it was created again",
                    rule.key.dnis
                ),
                Err(error) => format!(
                    "the service removed another rule of \"{caller}\" (dialled number {}) along with the one on the plan, and it could not be created again: {error}; resume the import",
                    rule.key.dnis
                ),
            });
        }
        Restored { told, is_complete }
    }

    async fn restore_one(&self, account: &AccountId, rule: &Route, seen: Seen) -> Result<()> {
        let app = self.app;
        let number = PhoneNumber::from_stored(rule.key.ani.as_str());
        let turn = app
            .turns()
            .take(turn_name(&self.run.domain, number.as_ref()))
            .await;
        let lost = app.write_down_loss(account, rule).await?;
        let change = RouteChange::put(account.clone(), TOOL, None, rule.clone());
        // Nothing stands under this key, so putting it back takes nothing away.
        let verdict = app.guard().decide(change, seen.at, &Channel::Given).await?;
        let Verdict::Cleared(clearance) = verdict else {
            return Err(Error::internal(
                "putting a rule back was not cleared",
                format!("Add it again with {}.", Operation::AddVip),
            ));
        };
        let origin = Origin {
            undoes: Some(lost),
            run: None,
            // Somebody else may have changed it since it was seen to be gone.
            seen: Some(seen.journal),
        };
        let hold = (turn, Arc::clone(&self.hold));
        let made = app.send(clearance, hold, origin).await;
        made.map(drop).map_err(|failure| failure.error)
    }
}
