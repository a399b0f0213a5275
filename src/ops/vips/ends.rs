//! VIP rules with a last day: whoever works next after it removes them. That was
//! agreed to when they were added.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::app::App;
use crate::ops::vips::end_rule::{Ended, NotEnded};
use crate::ops::write::journal::now;
use skyswitch_domain::error::Result;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, Ani, Operation, PbxDomain};
use skyswitch_guard::ConfirmMode;
use skyswitch_guard::store::NoteRecord;

/// Rules after which no further one is removed in one call.
const AT_A_TIME: usize = 20;
/// Customers whose rules are looked at at the same time.
const CUSTOMERS: usize = 8;
/// So long a rule is not tried again after something went wrong.
const REST: Duration = Duration::from_secs(300);
/// So long the call that asked for something else is held up at most, and by one rule more.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a customer may begin later than the first ones and still have the whole time.
const MOMENT: Duration = Duration::from_millis(500);
/// The same of a call about the customer, which waits for that customer's list anyway.
const PATIENCE_WITH_ONE: Duration = Duration::from_secs(15);

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
    /// or nothing destructive, it does nothing. Neither a customer who cannot be read
    /// nor a rule that cannot be removed keeps others from their end.
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
        let patience = domain.map_or(PATIENCE, |_| PATIENCE_WITH_ONE);
        let (until, removed) = (Instant::now() + patience, AtomicUsize::new(0));
        let (damaged, due): (Vec<&NoteRecord>, Vec<&NoteRecord>) = due
            .iter()
            .filter(is_meant)
            .partition(|ended| ended.is_damaged);
        let customers = by_customer(due.into_iter());
        let customers: Vec<_> = customers
            .into_iter()
            .map(|rules| self.end_of_customer(rules, until, &removed))
            .collect();
        let mut ended = stream::iter(customers).buffered(CUSTOMERS);
        let (mut said, mut failed) = (Vec::new(), Vec::new());
        while let Some((told, not_removed)) = ended.next().await {
            said.extend(told);
            failed.extend(not_removed);
        }
        self.ends().rest(&damaged);
        failed.extend(damaged.into_iter().map(not_known_which));
        said.extend(at_most(failed, "could not be removed"));
        said
    }

    /// Those of one customer, one after the other, until a moment: what is to be said,
    /// and of which that they could not be removed.
    async fn end_of_customer(
        &self,
        rules: Vec<&NoteRecord>,
        until: Instant,
        removed: &AtomicUsize,
    ) -> (Vec<String>, Vec<String>) {
        let (mut said, mut failed) = (Vec::new(), Vec::new());
        // Others were first, so that there is less than the whole time for it.
        let is_late = until.duration_since(Instant::now()) + MOMENT < PATIENCE;
        let mut last = None;
        for (at, ended) in rules.iter().enumerate() {
            if Instant::now() >= until || removed.load(Ordering::Relaxed) >= AT_A_TIME {
                break;
            }
            let (error, resting) = match self.end(ended, &mut last, until).await {
                Ok(Ended::Removed(id)) => {
                    removed.fetch_add(1, Ordering::Relaxed);
                    said.extend(id.map(|id| format!("{} was removed (change {id})", named(ended))));
                    continue;
                }
                Ok(Ended::Stays(told)) => {
                    said.extend(told);
                    continue;
                }
                Err(NotEnded::Alone(error)) => (error, &rules[at..=at]),
                // The time is over, not the patience with this customer: the next call goes on.
                Err(NotEnded::Unread(_)) if (at > 0 || is_late) && Instant::now() >= until => break,
                // What cannot be read now is not asked for with each of the rules.
                Err(NotEnded::Unread(error)) => (error, &rules[at..]),
            };
            self.ends().rest(resting);
            failed.push(format!(
                "{} could not be removed: {error}. {}",
                named(ended),
                error.hint()
            ));
            if resting.len() > 1 {
                break;
            }
        }
        (said, failed)
    }

    pub(super) fn may_end(&self) -> bool {
        let settings = self.settings();
        !settings.read_only && settings.confirm != ConfirmMode::Block
    }

    pub(super) async fn ending(
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
            .vip_notes_ending(journal.realm(), account, before, doubtful)
            .await
    }
}

/// The rules of each customer together.
fn by_customer<'a>(due: impl Iterator<Item = &'a NoteRecord>) -> Vec<Vec<&'a NoteRecord>> {
    let mut customers = BTreeMap::<_, Vec<_>>::new();
    for ended in due {
        let customer = (&ended.account, ended.rule.key.domain.to_ascii_lowercase());
        customers.entry(customer).or_default().push(ended);
    }
    customers.into_values().collect()
}

/// The first sentences, and how many more rules there are of which the same is to be said.
pub(super) fn at_most(mut said: Vec<String>, what: &str) -> Vec<String> {
    let more = said.len().saturating_sub(AT_A_TIME);
    said.truncate(AT_A_TIME);
    said.extend((more > 0).then(|| format!("{} {what}", counted(more, "more VIP rule"))));
    said
}

/// `The VIP rule of +1 616-555-0177, whose last day was 2026-12-25,`
pub(super) fn named(ended: &NoteRecord) -> String {
    let caller: &Ani = &ended.rule.key.ani;
    format!(
        "The VIP rule of {caller} in {}, whose last day was {},",
        ended.rule.key.domain,
        last_day(ended)
    )
}

/// Where a row is damaged, nobody knows whether the rule is as it was added.
fn not_known_which(ended: &NoteRecord) -> String {
    format!(
        "{} is not removed by itself: what is kept of it is damaged. Remove it with {} where it is to go",
        named(ended),
        Operation::RemoveVip
    )
}

pub(super) fn last_day(ended: &NoteRecord) -> &str {
    ended.until().map_or("", |until| until.day.as_str())
}
