//! Putting back what the service removed along with the rules of a plan.

use std::sync::Arc;
use std::time::Instant;

use crate::ops::import::TOOL;
use crate::ops::import::apply::Sender;
use crate::ops::write::journal::Origin;
use crate::ops::write::locks::of_caller;
use crate::ops::write::send::RoutesNoNumber;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, Operation, PhoneNumber, Route};
use skyswitch_guard::store::JournalPosition;
use skyswitch_guard::{Channel, Plan, RuleChange, Verdict};

impl Sender<'_> {
    /// Puts back what the service removed along with rules of a plan, and says
    /// so; false where one of them may be missing still. `seen` is when the read
    /// began that showed them to be gone, and where the journal was then.
    pub(super) async fn restore(
        &self,
        account: &AccountId,
        lost: &[Route],
        seen: (Instant, JournalPosition),
        warnings: &mut Vec<String>,
    ) -> bool {
        let mut is_complete = true;
        for rule in lost {
            let restored = self.restore_one(account, rule, seen).await;
            is_complete &= restored.is_ok();
            let caller = skyswitch_domain::redact::shown(rule.key.ani.as_str(), 64);
            warnings.push(match restored {
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
        is_complete
    }

    async fn restore_one(
        &self,
        account: &AccountId,
        rule: &Route,
        (read_at, seen): (Instant, JournalPosition),
    ) -> Result<()> {
        let (app, domain) = (self.app, &self.run.domain);
        let number = PhoneNumber::from_stored(rule.key.ani.as_str());
        let turn = app.turns().take(of_caller(domain, number.as_ref())).await;
        let lost = app.write_down_unasked(account, domain, rule, None).await?;
        let plan = Plan::of(account, domain, TOOL, [RuleChange::put(None, rule.clone())]);
        let plan = plan.ok_or_else(not_cleared)?;
        // Nothing exists under this key, so putting it back takes nothing away.
        let verdict =
            app.guard()
                .decide(plan, read_at, app.author(), &app.asked_by, &Channel::Within);
        let Verdict::Cleared(clearance) = verdict.await? else {
            return Err(not_cleared());
        };
        let clearance = clearance.divide().pop().ok_or_else(not_cleared)?;
        let origin = Origin {
            undoes: Some(lost),
            run: None,
            // Somebody else may have changed it since it was seen to be gone.
            seen: Some(seen),
        };
        let hold = (turn, Arc::clone(&self.hold));
        let sent = app.send(clearance, &RoutesNoNumber, hold, origin).await;
        sent.outcome.map(drop).map_err(|failure| failure.error)
    }
}

fn not_cleared() -> Error {
    Error::internal(
        "putting a rule back was not cleared",
        format!("Add it again with {}.", Operation::AddVip),
    )
}
