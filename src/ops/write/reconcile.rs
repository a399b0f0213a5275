//! Closes what was cut off: changes that were written down, and of which
//! nobody recorded whether they were made.
//!
//! A customer who left, or whose answer hangs, is in nobody else's way: each
//! reads only what its own work rests on, and a look at all of them ends after
//! a few seconds, whatever could not be read by then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::ops::write::journal::{is_gone, now};
use crate::ops::write::locks::Turn;
use crate::ops::write::outvote::{State, Step};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, PbxDomain, Route};
use skyswitch_guard::store::{After, ChangeRecord, ChangeStatus, Closing, TargetRecord};

/// A request that was cut off may still be on its way for as long as one may
/// take with all its attempts. What does not exist by then was not made.
const ON_ITS_WAY: i64 = 35_000;
/// Most of those that arrive at all do so within this time. An import that is
/// continued waits for its own, and so sends less of it again.
const ARRIVES_MOSTLY: i64 = 1_000;
/// How long a look at all of them may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Customers who are read at the same time.
const AT_ONCE: usize = 16;

/// Which of the changes that were cut off are to be closed.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) enum Needed<'a> {
    /// All of them, as far as they can be read within a few seconds.
    All,
    /// Those to what somebody has the turn for.
    For(Turn<'a>),
    /// One of them.
    Change(i64),
}

impl Needed<'_> {
    fn include(&self, change: &ChangeRecord) -> bool {
        match self {
            Needed::All => true,
            Needed::For(turn) => turn.is_needed_for(change),
            Needed::Change(id) => change.id == *id,
        }
    }

    /// Until when it may be read what became of them. Whoever needs some has
    /// the time that a read takes.
    fn read_until(&self) -> Option<Instant> {
        matches!(self, Needed::All).then(|| Instant::now() + PATIENCE)
    }
}

/// A change that stays open because it could not be read what became of it.
#[derive(Debug)]
pub(in crate::ops) struct Unread {
    pub change: ChangeRecord,
    pub error: Error,
}

impl Unread {
    /// The error, with what a person can do where the service cannot be asked any more.
    pub fn into_error(self) -> Error {
        let by_hand = format!(
            "Where SkySwitch cannot be asked about it any more, a person closes it with {}.",
            command_line(format_args!("changes close {}", self.change.id))
        );
        self.error.with_more_hint(&by_hand)
    }
}

impl App {
    /// Closes the open changes of processes that are gone by what exists now,
    /// and gives those that could not be read.
    ///
    /// They stay open as long as their request may still be on its way, which keeps
    /// others from their rules. Those of the import that the caller is about to
    /// continue are in nobody's way but theirs: it makes them once more.
    ///
    /// # Errors
    /// The store's errors.
    pub(in crate::ops) async fn reconcile(
        &self,
        needed: Needed<'_>,
        continued: Option<&str>,
    ) -> Result<Vec<Unread>> {
        let mut cut_off = self.cut_off().await?;
        cut_off.retain(|change| needed.include(change));
        if cut_off.is_empty() {
            return Ok(Vec::new());
        }
        let is_made_again =
            |change: &ChangeRecord| continued.is_some() && change.run.as_deref() == continued;
        let again = cut_off.iter().filter(|change| is_made_again(change));
        wait_for(
            again.map(|change| change.last_tried_at).max(),
            ARRIVES_MOSTLY,
        )
        .await;
        let read_until = needed.read_until();
        let unread: Vec<Vec<Unread>> = stream::iter(by_read(cut_off))
            .map(|changes| self.close_all(changes, read_until))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let unread: Vec<Unread> = unread.into_iter().flatten().collect();
        for Unread { change, error } in &unread {
            tracing::warn!(
                error.code = error.code().as_str(),
                change = change.id,
                "a change that was cut off could not be closed"
            );
        }
        Ok(unread)
    }

    /// The same before a change is planned: what stays open does not prevent
    /// it. Only an import that is continued needs to know what became of every
    /// one of its changes.
    ///
    /// # Errors
    /// See [`App::reconcile`], and why a change could not be read, where an
    /// import is continued.
    pub(in crate::ops) async fn reconcile_before_planning(
        &self,
        turn: Turn<'_>,
        continued: Option<&str>,
    ) -> Result<()> {
        let unread = match self.reconcile(Needed::For(turn), continued).await {
            Err(error) if continued.is_none() => {
                tracing::warn!(
                    error.code = error.code().as_str(),
                    "changes that were cut off could not be closed"
                );
                return Ok(());
            }
            outcome => outcome?,
        };
        let of_run =
            |unread: &Unread| continued.is_some() && unread.change.run.as_deref() == continued;
        match unread.into_iter().find(of_run) {
            Some(unread) => Err(unread.into_error()),
            None => Ok(()),
        }
    }

    /// Open changes that nobody works on any more.
    async fn cut_off(&self) -> Result<Vec<ChangeRecord>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        journal.catch_up().await;
        let open = store
            .open_changes(journal.realm(), journal.owner().await?)
            .await?;
        let mut gone = BTreeMap::<String, bool>::new();
        let mut found = Vec::new();
        for mut change in open {
            let owner = change.owner.clone();
            let is_gone = match gone.get(&owner) {
                Some(known) => *known,
                None => {
                    let known = is_gone(journal.store().folder(), &owner)?;
                    if known && !owner.is_empty() {
                        store.abandon_changes_of(&owner).await?;
                    }
                    gone.insert(owner, known);
                    known
                }
            };
            if !is_gone {
                continue;
            }
            let now = now();
            if change.last_tried_at > now {
                // The clock was set back after it. When it was tried nobody knows, so its time
                // begins now; otherwise it would stay open until the clock has caught up.
                let problem = change.problem.as_deref();
                store.abandon_change(change.id, problem, now).await?;
                change.last_tried_at = now;
            }
            found.push(change);
        }
        Ok(found)
    }

    /// Closes changes that one read tells of, and gives those that it does not.
    async fn close_all(
        &self,
        changes: Vec<ChangeRecord>,
        read_until: Option<Instant>,
    ) -> Vec<Unread> {
        let mut unread = Vec::new();
        let mut place = None;
        let mut failed: Option<Error> = None;
        for change in changes {
            let closed = match &failed {
                // The same read would fail, or hang, once more.
                Some(error) => Err(error.clone()),
                None => self.close(&change, &mut place, read_until).await,
            };
            if let Err(error) = closed {
                failed = Some(error.clone());
                unread.push(Unread { change, error });
            }
        }
        unread
    }

    async fn close(
        &self,
        change: &ChangeRecord,
        place: &mut Option<Place>,
        read_until: Option<Instant>,
    ) -> Result<()> {
        let place = match place {
            Some(place) => place,
            None => place.insert(Place::of(change)?),
        };
        let reading = self.read_now(change, place);
        let (found, is_as_wanted) = match read_until {
            None => reading.await?,
            Some(end) => timeout_at(end, reading)
                .await
                .unwrap_or_else(|_| Err(too_slow()))?,
        };
        let store = self.journal().store_to_write().await?;
        // Looked for after the read, so that no change comes unseen between the two.
        let next = store.next_change(change.id).await?;
        let is_settled = is_as_wanted && next.is_none();
        if !is_settled && may_still_arrive(change.last_tried_at) {
            return Ok(());
        }
        let after = match &next {
            Some(next) => found_by(next, change).unwrap_or(found),
            None => found,
        };
        let closing = Closing {
            status: ChangeStatus::Reconciled,
            after,
            problem: change.problem.as_deref(),
            request_id: None,
            closed_by: None,
            now: now(),
        };
        store.close_change(change.id, &closing).await.map(drop)
    }

    /// What there is now in the place of what a change is about, and whether
    /// that is as it was wanted.
    async fn read_now<'p>(
        &self,
        change: &ChangeRecord,
        Place {
            account,
            domain,
            rules,
        }: &'p Place,
    ) -> Result<(After<'p>, bool)> {
        let client = self.client()?;
        Ok(match &change.target {
            TargetRecord::VipRule(rule) => {
                let read = || self.listed_rules_now(account, domain);
                let rules = rules.get_or_try_init(read).await?;
                let now = match rule.before {
                    Some(_) => rule.key.find_in(rules),
                    None => rule.key.find_in_any_writing(rules),
                };
                let is_as_wanted = Route::are_alike(now, rule.wanted.as_ref());
                let after = After::VipRule {
                    now,
                    was_read: true,
                    as_wanted: is_as_wanted,
                };
                (after, is_as_wanted)
            }
            TargetRecord::Piece(piece) => {
                let piece_now = client.piece_now(account, domain, &piece.piece).await?;
                let (now, as_wanted) = (piece_now.now, piece_now.as_wanted);
                (After::Piece { now, as_wanted }, as_wanted)
            }
            TargetRecord::Damaged { .. } => {
                return Err(damaged(change.id));
            }
        })
    }
}

/// What the next change to the same thing found in its place: what is read now is
/// the work of that one.
fn found_by<'a>(next: &'a ChangeRecord, change: &'a ChangeRecord) -> Option<After<'a>> {
    match &next.target {
        TargetRecord::VipRule(rule) => Some(After::VipRule {
            now: rule.before.as_ref(),
            was_read: true,
            as_wanted: is_found_by(Step::of_rule, next, change),
        }),
        TargetRecord::Piece(piece) => Some(After::Piece {
            now: piece.before.clone(),
            as_wanted: is_found_by(Step::of_number, next, change),
        }),
        TargetRecord::Damaged { .. } => None,
    }
}

fn is_found_by<'a, S: State>(
    step: impl Fn(&'a ChangeRecord) -> Option<Step<'a, S>>,
    next: &'a ChangeRecord,
    change: &'a ChangeRecord,
) -> bool {
    let steps = step(next).zip(step(change));
    steps.is_some_and(|(next, change)| change.is_found_by(&next))
}

/// The changes that one read tells of: those to the VIP rules of a domain are
/// together, each piece of a setup is by itself.
fn by_read(changes: Vec<ChangeRecord>) -> Vec<Vec<ChangeRecord>> {
    let mut reads = BTreeMap::<(String, String, Option<i64>), Vec<ChangeRecord>>::new();
    for change in changes {
        let alone = match &change.target {
            TargetRecord::VipRule(_) => None,
            TargetRecord::Piece(_) | TargetRecord::Damaged { .. } => Some(change.id),
        };
        let name = (change.account.clone(), change.domain.clone(), alone);
        reads.entry(name).or_default().push(change);
    }
    reads.into_values().collect()
}

/// Where changes were cut off.
struct Place {
    account: AccountId,
    domain: PbxDomain,
    /// Its VIP rules, read when the first of them is needed.
    rules: OnceCell<Arc<Vec<Route>>>,
}

impl Place {
    fn of(change: &ChangeRecord) -> Result<Place> {
        let (Ok(account), Ok(domain)) = (change.account.parse(), change.domain.parse()) else {
            return Err(damaged(change.id));
        };
        Ok(Place {
            account,
            domain,
            rules: OnceCell::new(),
        })
    }
}

/// What a damaged entry was about nobody can read.
pub(in crate::ops) fn damaged(id: i64) -> Error {
    Error::internal(
        format!("the entry of change {id} in the journal is damaged"),
        "Look in the portal what there is now, or restore a backup of the state folder.",
    )
}

fn too_slow() -> Error {
    Error::new(
        Code::Timeout,
        format!("it was not answered within {} seconds", PATIENCE.as_secs()),
        "Try again later.",
    )
}

/// Whether a request may still be carried out.
pub(in crate::ops) fn may_still_arrive(last_tried_at: i64) -> bool {
    now().saturating_sub(last_tried_at) < ON_ITS_WAY
}

/// Waits until that long after a moment, if it is not past.
async fn wait_for(moment: Option<i64>, patience: i64) {
    let Some(moment) = moment else { return };
    let left = patience.min(patience - now().saturating_sub(moment));
    if let Ok(left @ 1..) = u64::try_from(left) {
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
