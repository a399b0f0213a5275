//! VIP rules with a last day: whoever works next after it removes them. That was
//! agreed to when they were added.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::app::App;
use crate::ops::vips::notes::is_as_noted;
use crate::ops::vips::siblings::at_risk;
use crate::ops::write::journal::{Origin, now};
use crate::ops::write::locks::Turn;
use crate::ops::write::send::RoutesNoNumber;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{
    AccountId, Ani, Operation, PbxDomain, PhoneNumber, Route, answering_without,
};
use skyswitch_guard::store::NoteRecord;
use skyswitch_guard::{Channel, ConfirmMode, Plan, RuleChange, Verdict};

/// The operation's name in the journal.
const TOOL: &str = "vip_ended";
/// Rules that are removed at a time.
const AT_A_TIME: usize = 20;
/// Rules that are looked at: of some, this installation may remove none.
const AT_MOST: u32 = 1_000;
/// So long nothing is tried again after something went wrong.
const REST: Duration = Duration::from_secs(300);
/// What counts as soon, in milliseconds: a last day within a week.
const SOON: i64 = 8 * 86_400_000;

/// When this process last failed to remove a rule whose last day is over.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<Option<Instant>>);

impl Ends {
    fn are_resting(&self) -> bool {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|failed| failed.elapsed() < REST)
    }

    fn rest(&self) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = Some(Instant::now());
    }
}

impl App {
    /// Removes rules whose last day is over and that are still as they were added,
    /// and says so: those of one customer, or of all. While only reading is allowed,
    /// or nothing destructive, it does nothing.
    pub(in crate::ops) async fn end_due(&self, domain: Option<&PbxDomain>) -> Vec<String> {
        let settings = self.settings();
        let may_remove = !settings.read_only && settings.confirm != ConfirmMode::Block;
        if !may_remove || self.ends().are_resting() {
            return Vec::new();
        }
        let due = match self.ending(None, now()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "it cannot be read which VIP rules end");
                return Vec::new();
            }
        };
        let is_meant = |ended: &&NoteRecord| {
            let key = &ended.rule.key;
            let may_change =
                |account: AccountId| settings.limits.refuse_place(&account, &key.domain);
            domain.is_none_or(|domain| domain.is(&key.domain))
                && ended
                    .account
                    .parse()
                    .is_ok_and(|account| may_change(account).is_ok())
        };
        let mut said = Vec::new();
        for ended in due.iter().filter(is_meant).take(AT_A_TIME) {
            match self.end(ended).await {
                Ok(told) => said.extend(told),
                Err(error) => {
                    self.ends().rest();
                    said.push(format!(
                        "{} could not be removed: {error}. {}",
                        named(ended),
                        error.hint()
                    ));
                }
            }
        }
        said
    }

    /// What to say of rules that end soon, and of those that should have ended.
    pub(in crate::ops) async fn ends_soon(&self, account: &AccountId) -> Vec<String> {
        let now = now();
        let ending = self.ending(Some(account), now + SOON).await;
        let ending = ending.unwrap_or_default().into_iter().take(AT_A_TIME);
        let said = ending.map(|ending| match ending.ends_at < Some(now) {
            true => format!(
                "{} is still there unless it was removed elsewhere",
                named(&ending)
            ),
            false => format!(
                "The VIP rule of {} in {} ends after {}",
                ending.rule.key.ani,
                ending.rule.key.domain,
                ending.until.as_deref().unwrap_or_default()
            ),
        });
        said.collect()
    }

    async fn ending(&self, account: Option<&AccountId>, before: i64) -> Result<Vec<NoteRecord>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let account = account.map(AccountId::as_str);
        store
            .vip_notes_ending(journal.realm(), account, before, AT_MOST)
            .await
    }

    /// Removes one, if it is still as it was added.
    async fn end(&self, ended: &NoteRecord) -> Result<Option<String>> {
        let app = &self.asked_by("the last day that was given when the VIP was added");
        let wrong = |refused: Refused| refused.into_error("until");
        let account = &ended.account.parse::<AccountId>().map_err(wrong)?;
        let domain = &ended.rule.key.domain.parse::<PbxDomain>().map_err(wrong)?;
        let number = PhoneNumber::from_stored(ended.rule.key.ani.as_str());
        let turn = app.wait_for(Turn::Caller(domain, number.as_ref())).await?;
        app.client()?.token(false).await?;
        let (read_at, seen) = (Instant::now(), app.journal().position().await?);
        let (present, reach) = tokio::join!(
            app.present_rules(account, domain, |_| false),
            app.delete_reach()
        );
        let present = present?;
        present.refuse_under_way(|key| key.ani.is_same_caller(&ended.rule.key.ani))?;
        let notes = app.notes(account, Some(domain)).await;
        let rules = present.rules.as_slice();
        let is_as_added = |rule: &&Route| {
            is_as_noted(&ended.rule, rule) && notes.of(rule).is_some_and(|kept| kept.id == ended.id)
        };
        let Some(rule) = rules.iter().find(is_as_added) else {
            // An empty list may be one that was not read whole.
            if !rules.is_empty() {
                let store = app.journal().store().get().await?;
                store.forget_note(ended.id).await?;
            }
            return Ok(None);
        };
        if !at_risk(
            reach,
            rule,
            rules.iter().filter(|other| other.key != rule.key),
        )
        .is_empty()
        {
            return Err(may_take_others());
        }
        let change = RuleChange::remove(rule.clone(), Vec::new())
            .answered_without_by(answering_without(&rule.key, rules.iter()))
            .read_late_as(present.late_reads(&rule.key));
        let plan = Plan::of(account, domain, TOOL, [change]).ok_or_else(not_cleared)?;
        let plan = plan.agreed_when_added();
        let verdict =
            app.guard()
                .decide(plan, read_at, app.author(), &app.asked_by, &Channel::Given);
        let Verdict::Cleared(clearance) = verdict.await? else {
            return Err(not_cleared());
        };
        let clearance = clearance.divide().pop().ok_or_else(not_cleared)?;
        let origin = Origin {
            seen: Some(seen),
            ..Origin::default()
        };
        let sent = app.send(clearance, &RoutesNoNumber, turn, origin).await;
        let id = sent.id();
        match sent.outcome {
            Ok(_) => Ok(id.map(|id| format!("{} was removed (change {id})", named(ended)))),
            Err(failure) => Err(failure.error),
        }
    }
}

/// `The VIP rule of +1 616-555-0177, whose last day was 2026-12-25,`
fn named(ended: &NoteRecord) -> String {
    let caller: &Ani = &ended.rule.key.ani;
    format!(
        "The VIP rule of {caller} in {}, whose last day was {},",
        ended.rule.key.domain,
        ended.until.as_deref().unwrap_or_default()
    )
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

fn not_cleared() -> Error {
    Error::internal(
        "removing a rule on its last day was not cleared",
        format!("Remove it with {}.", Operation::RemoveVip),
    )
}
