//! Removing one rule whose last day is over, if it is still as it was added.

use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::ops::doctor::DeleteReach;
use crate::ops::vips::ends::named;
use crate::ops::vips::notes::Notes;
use crate::ops::vips::siblings::at_risk;
use crate::ops::write::disproved::LAG;
use crate::ops::write::journal::{Origin, now};
use crate::ops::write::locks::{Held, Turn};
use crate::ops::write::present::PresentRules;
use crate::ops::write::send::RoutesNoNumber;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{AccountId, Operation, PbxDomain, PhoneNumber, Route, answering_without};
use skyswitch_guard::store::{JournalPosition, NoteRecord, TargetRecord};
use skyswitch_guard::{Channel, Plan, RuleChange, Verdict};

/// The operation's name in the journal.
const TOOL: &str = "vip_ended";

/// What became of a rule whose last day is over.
pub(super) enum Ended {
    /// It was removed, by this change.
    Removed(Option<String>),
    /// It stays, and what is to be said of that.
    Stays(Option<String>),
}

/// Why it was not removed.
pub(super) enum NotEnded {
    /// Its customer's rules could not be read.
    Unread(Error),
    /// What concerns this rule alone.
    Alone(Error),
}

impl From<Error> for NotEnded {
    fn from(error: Error) -> NotEnded {
        NotEnded::Alone(error)
    }
}

/// What becomes of it.
enum Fate {
    Goes(Route),
    Stays(Option<String>),
}

/// A customer's rules as they were read at a moment, and what is kept of them.
pub(super) struct Look {
    read_at: std::time::Instant,
    /// The same moment in milliseconds since 1970.
    begun: i64,
    /// Where the journal was then.
    seen: JournalPosition,
    present: PresentRules,
    notes: Notes,
    reach: DeleteReach,
}

impl App {
    /// Whether a rule is stored in every respect as a read showed it when it was
    /// added; where none did, whether it is as the change has left it by the journal.
    async fn is_stored_as_added(&self, ended: &NoteRecord, rule: &Route) -> Result<bool> {
        let (journal, Some(change)) = (self.journal(), ended.change) else {
            return Ok(true);
        };
        let store = journal.store().get().await?;
        let added = store.change(journal.realm(), change).await?;
        Ok(match added.map(|change| change.target) {
            Some(TargetRecord::VipRule(added)) if added.was_read => {
                added.after.as_ref() == Some(rule)
            }
            Some(TargetRecord::VipRule(added)) => {
                Route::are_alike(added.after.as_ref(), Some(rule))
            }
            _ => true,
        })
    }

    /// Removes one, if it is still as it was added. `last` is the last look at its
    /// customer's rules: of one that this shows to stay, nothing more is read.
    pub(super) async fn end(
        &self,
        ended: &NoteRecord,
        last: &mut Option<Look>,
        until: Instant,
    ) -> Result<Ended, NotEnded> {
        let app = &self.asked_by("the last day that was given when the VIP was added");
        let wrong = |refused: Refused| refused.into_error("until");
        let account = &ended.account.parse::<AccountId>().map_err(wrong)?;
        let domain = &ended.rule.key.domain.parse::<PbxDomain>().map_err(wrong)?;
        if let Some(last) = last
            && let Fate::Stays(told) = app.fate(ended, last).await?
        {
            return Ok(Ended::Stays(told));
        }
        let looked = timeout_at(until, app.look(account, domain, ended)).await;
        let looked = looked.unwrap_or_else(|_| Err(too_slow()));
        let (turn, look) = looked.map_err(NotEnded::Unread)?;
        let look = last.insert(look);
        let present = &look.present;
        present.refuse_under_way(|key| key.ani.is_same_caller(&ended.rule.key.ani))?;
        let rule = match app.fate(ended, look).await? {
            Fate::Goes(rule) => rule,
            Fate::Stays(told) => return Ok(Ended::Stays(told)),
        };
        let change = RuleChange::remove(rule.clone(), Vec::new())
            .ending(look.notes.to_keep(&rule))
            .answered_without_by(answering_without(&rule.key, present.rules.iter()))
            .read_late_as(present.late_reads(&rule.key));
        let plan = Plan::of(account, domain, TOOL, [change]).ok_or_else(not_cleared)?;
        let plan = plan.agreed_when_added();
        let verdict = app.guard().decide(
            plan,
            look.read_at,
            app.author(),
            &app.asked_by,
            &Channel::Given,
        );
        let Verdict::Cleared(clearance) = verdict.await? else {
            return Err(not_cleared().into());
        };
        let clearance = clearance.divide().pop().ok_or_else(not_cleared)?;
        let origin = Origin {
            seen: Some(look.seen),
            ..Origin::default()
        };
        let sent = app.send(clearance, &RoutesNoNumber, turn, origin).await;
        let id = sent.id();
        match sent.outcome {
            Ok(_) => Ok(Ended::Removed(id)),
            Err(failure) => Err(failure.error.into()),
        }
    }

    /// Takes the turn of one and reads its customer's rules.
    async fn look(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        ended: &NoteRecord,
    ) -> Result<(Held, Look)> {
        let number = PhoneNumber::from_stored(ended.rule.key.ani.as_str());
        let turn = self.wait_for(Turn::Caller(domain, number.as_ref())).await?;
        self.client()?.token(false).await?;
        let (read_at, begun) = (std::time::Instant::now(), now());
        let seen = self.journal().position().await?;
        let (present, reach) = tokio::join!(
            self.present_rules(account, domain, |_| false),
            self.delete_reach()
        );
        let look = Look {
            read_at,
            begun,
            seen,
            present: present?,
            reach,
            notes: self.notes(account, Some(domain)).await?,
        };
        Ok((turn, look))
    }

    /// What becomes of a rule whose last day is over, by a look at its customer's rules.
    ///
    /// # Errors
    /// `blocked` for one that may take others along.
    async fn fate(&self, ended: &NoteRecord, look: &Look) -> Result<Fate> {
        let rules = look.present.rules.as_slice();
        let is_kept = |rule: &Route| look.notes.of(rule).is_some_and(|kept| kept.id == ended.id);
        let is_as_added = |rule: &&Route| ended.is_of(rule) && is_kept(rule);
        // The list has ended what is kept of one that is gone or otherwise.
        let Some(rule) = rules.iter().find(is_as_added) else {
            if look.present.listed.is_empty() {
                // Gone, or not read whole: it is not removed by itself any more, and no other
                // rule has to wait for it.
                let store = self.journal().store().get().await?;
                store.end_notes(&[ended.id], look.begun - LAG).await?;
            }
            return Ok(Fate::Stays(None));
        };
        if !self.is_stored_as_added(ended, rule).await? {
            let store = self.journal().store().get().await?;
            store.end_notes(&[ended.id], look.begun).await?;
            return Ok(Fate::Stays(Some(format!(
                "{} is stored otherwise than when it was added, so it may be another one and was not removed. {} removes it",
                named(ended),
                Operation::RemoveVip
            ))));
        }
        let others = rules.iter().filter(|other| other.key != rule.key);
        match at_risk(look.reach, rule, others).is_empty() {
            true => Ok(Fate::Goes(rule.clone())),
            false => Err(may_take_others()),
        }
    }
}

fn may_take_others() -> Error {
    Error::new(
        Code::Blocked,
        "SkySwitch may remove other rules along with it, and nobody has agreed to that",
        format!(
            "Remove it with {}, which asks a person.",
            Operation::RemoveVip
        ),
    )
}

/// The call that asked for something else is not held up any longer.
fn too_slow() -> Error {
    Error::new(
        Code::Timeout,
        "SkySwitch did not show the customer's VIP rules in time",
        "It is tried again in a few minutes, by whoever works here then.",
    )
}

fn not_cleared() -> Error {
    Error::internal(
        "removing a rule on its last day was not cleared",
        format!("Remove it with {}.", Operation::RemoveVip),
    )
}
