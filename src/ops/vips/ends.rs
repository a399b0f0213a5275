//! VIP rules with a last day: whoever works next after it removes them. That was
//! agreed to when they were added.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::ops::doctor::DeleteReach;
use crate::ops::vips::siblings::at_risk;
use crate::ops::write::disproved::LAG;
use crate::ops::write::journal::{Origin, now};
use crate::ops::write::locks::{Held, Turn};
use crate::ops::write::present::PresentRules;
use crate::ops::write::send::RoutesNoNumber;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{
    AccountId, Ani, Operation, PbxDomain, PhoneNumber, Route, answering_without,
};
use skyswitch_guard::store::{JournalPosition, NoteRecord, TargetRecord};
use skyswitch_guard::{Channel, ConfirmMode, Plan, RuleChange, Verdict};

/// The operation's name in the journal.
const TOOL: &str = "vip_ended";
/// Rules that are removed at a time.
const AT_A_TIME: usize = 20;
/// Rules that are looked at: of some, this installation may remove none.
const AT_MOST: u32 = 1_000;
/// So long a rule is not tried again after something went wrong.
const REST: Duration = Duration::from_secs(300);
/// So long the call that asked for something else is held up at most, and by one rule more.
const PATIENCE: Duration = Duration::from_secs(5);
/// What counts as soon, in milliseconds: a last day within a week.
const SOON: i64 = 8 * 86_400_000;

/// What this process knows of removing rules whose last day is over.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// When it last failed, by the ids of what is kept of the rules.
    failed: Mutex<HashMap<i64, Instant>>,
    /// What no result has told yet.
    untold: Mutex<Vec<String>>,
}

impl Ends {
    /// Those that may be tried.
    fn awake(&self, mut due: Vec<NoteRecord>) -> Vec<NoteRecord> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, failed| failed.elapsed() < REST);
        due.retain(|ended| !failed.contains_key(&ended.id));
        due
    }

    fn rest(&self, those: &[&NoteRecord]) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.extend(those.iter().map(|ended| (ended.id, Instant::now())));
    }

    /// Keeps what was done before a call that only asks a question.
    pub fn tell_later(&self, told: Vec<String>) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.extend(told);
    }

    fn untold(&self) -> Vec<String> {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *untold)
    }
}

/// What is known of a customer's rules right before one of them is removed.
struct Look {
    account: AccountId,
    domain: PbxDomain,
    turn: Held,
    read_at: std::time::Instant,
    seen: JournalPosition,
    present: PresentRules,
    reach: DeleteReach,
}

impl App {
    /// Removes such rules of all customers before a change, and says so, with what
    /// no earlier result has said.
    pub(in crate::ops) async fn end_due_first(&self) -> Vec<String> {
        let mut told = self.ends().untold();
        told.extend(self.end_due(None).await);
        told
    }

    /// Removes rules whose last day is over and that are still as they were added,
    /// and says so: those of one customer, or of all. While only reading is allowed,
    /// or nothing destructive, it does nothing. A customer who cannot be read keeps
    /// nobody else's rules from their end.
    pub(in crate::ops) async fn end_due(&self, domain: Option<&PbxDomain>) -> Vec<String> {
        if !self.may_end() {
            return Vec::new();
        }
        let settings = self.settings();
        let due = match self.ending(None, now(), false).await {
            Ok(due) => self.ends().awake(due),
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
        let mut customers = BTreeMap::<_, Vec<&NoteRecord>>::new();
        for ended in due.iter().filter(is_meant).take(AT_A_TIME) {
            let customer = (&ended.account, &ended.rule.key.domain);
            customers.entry(customer).or_default().push(ended);
        }
        let until = Instant::now() + PATIENCE;
        let customers = customers.into_values();
        let ended = join_all(customers.map(|rules| self.end_of_customer(rules, until)));
        ended.await.concat()
    }

    /// Those of one customer, one after the other, until a moment.
    async fn end_of_customer(&self, rules: Vec<&NoteRecord>, until: Instant) -> Vec<String> {
        let mut said = Vec::new();
        for (at, ended) in rules.iter().enumerate() {
            if Instant::now() >= until {
                break;
            }
            let failed = |error: Error| {
                format!(
                    "{} could not be removed: {error}. {}",
                    named(ended),
                    error.hint()
                )
            };
            let look = match self.look(ended, until).await {
                Ok(look) => look,
                // The time is over, not the patience with this customer: the next call goes on.
                Err(_) if at > 0 && Instant::now() >= until => break,
                Err(error) => {
                    // What cannot be read now is not asked for with each of the rules.
                    self.ends().rest(&rules[at..]);
                    said.push(failed(error));
                    break;
                }
            };
            match self.end(ended, look).await {
                Ok(told) => said.extend(told),
                Err(error) => {
                    self.ends().rest(&rules[at..=at]);
                    said.push(failed(error));
                }
            }
        }
        said
    }

    fn may_end(&self) -> bool {
        let settings = self.settings();
        !settings.read_only && settings.confirm != ConfirmMode::Block
    }

    /// What to say of rules that end soon, of those that should have ended, and of
    /// those whose last day may not hold any more: of the customers that are meant,
    /// by a list of all rules that was read just now.
    pub(in crate::ops) async fn ends_soon(
        &self,
        account: &AccountId,
        rules: &[Route],
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let now = now();
        let (ending, doubtful) = tokio::join!(
            self.ending(Some(account), now + SOON, false),
            self.ending(Some(account), now + SOON, true),
        );
        let ending = ending.unwrap_or_default().into_iter();
        let ending = ending.chain(doubtful.unwrap_or_default());
        let is_there = |ending: &NoteRecord| rules.iter().any(|rule| ending.is_of(rule));
        let said = ending
            .filter(|ending| is_meant(&ending.rule.key.domain))
            .filter(is_there)
            .map(|ending| match (ending.is_doubtful, ends_at(&ending) < now) {
                (true, _) => format!(
                    "{} was gone or otherwise meanwhile and is there again: it is not removed by itself. {} removes it",
                    named(&ending),
                    Operation::RemoveVip
                ),
                (false, true) if self.may_end() => format!(
                    "{} is still there; whoever lists or changes VIP rules of this customer next removes it",
                    named(&ending)
                ),
                (false, true) => format!(
                    "{} is still there, and nothing is removed here: changes, or removals, are switched off",
                    named(&ending)
                ),
                (false, false) => format!(
                    "The VIP rule of {} in {} ends after {}",
                    ending.rule.key.ani,
                    ending.rule.key.domain,
                    last_day(&ending)
                ),
            });
        said.take(AT_A_TIME).collect()
    }

    async fn ending(
        &self,
        account: Option<&AccountId>,
        before: i64,
        doubtful: bool,
    ) -> Result<Vec<NoteRecord>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let account = account.map(AccountId::as_str);
        store
            .vip_notes_ending(journal.realm(), account, before, doubtful, AT_MOST)
            .await
    }

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

    /// Takes the turn of one and reads the customer's rules, until a moment.
    async fn look(&self, ended: &NoteRecord, until: Instant) -> Result<Look> {
        let wrong = |refused: Refused| refused.into_error("until");
        let account = ended.account.parse::<AccountId>().map_err(wrong)?;
        let domain = ended.rule.key.domain.parse::<PbxDomain>().map_err(wrong)?;
        let number = PhoneNumber::from_stored(ended.rule.key.ani.as_str());
        let look = async {
            let turn = self.wait_for(Turn::Caller(&domain, number.as_ref()));
            let turn = turn.await?;
            self.client()?.token(false).await?;
            let (read_at, seen) = (std::time::Instant::now(), self.journal().position().await?);
            let (present, reach) = tokio::join!(
                self.present_rules(&account, &domain, |_| false),
                self.delete_reach()
            );
            let present = present?;
            Ok::<_, Error>((turn, read_at, seen, present, reach))
        };
        let look = timeout_at(until, look).await;
        let (turn, read_at, seen, present, reach) = look.unwrap_or_else(|_| Err(too_slow()))?;
        Ok(Look {
            account,
            domain,
            turn,
            read_at,
            seen,
            present,
            reach,
        })
    }

    /// Removes one, if it is still as it was added.
    async fn end(&self, ended: &NoteRecord, look: Look) -> Result<Option<String>> {
        let app = &self.asked_by("the last day that was given when the VIP was added");
        let Look {
            turn,
            read_at,
            seen,
            present,
            reach,
            ..
        } = look;
        let (account, domain) = (&look.account, &look.domain);
        present.refuse_under_way(|key| key.ani.is_same_caller(&ended.rule.key.ani))?;
        let notes = app.notes(account, Some(domain)).await;
        let rules = present.rules.as_slice();
        let is_as_added = |rule: &&Route| notes.of(rule).is_some_and(|kept| kept.id == ended.id);
        // The list has ended what is kept of one that is gone or otherwise.
        let Some(rule) = rules.iter().find(is_as_added) else {
            if present.listed.is_empty() {
                // Gone, or not read whole: it is not removed by itself any more, and no other
                // rule has to wait for it.
                let store = app.journal().store().get().await?;
                store.end_notes(&[ended.id], now() - LAG).await?;
            }
            return Ok(None);
        };
        if !app.is_stored_as_added(ended, rule).await? {
            let store = app.journal().store().get().await?;
            store.end_notes(&[ended.id], now()).await?;
            return Ok(Some(format!(
                "{} is stored otherwise than when it was added, so it may be another one and was not removed. {} removes it",
                named(ended),
                Operation::RemoveVip
            )));
        }
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
            .ending(notes.to_keep(rule))
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
        last_day(ended)
    )
}

fn last_day(ended: &NoteRecord) -> &str {
    ended.until().map_or("", |until| until.day.as_str())
}

fn ends_at(ended: &NoteRecord) -> i64 {
    ended.until().map_or(i64::MAX, |until| until.ends_at)
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
        format!(
            "SkySwitch did not show the customer's VIP rules within {} seconds",
            PATIENCE.as_secs()
        ),
        "It is tried again in a few minutes, by whoever works here then.",
    )
}

fn not_cleared() -> Error {
    Error::internal(
        "removing a rule on its last day was not cleared",
        format!("Remove it with {}.", Operation::RemoveVip),
    )
}
