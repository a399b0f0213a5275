//! Closes what was cut off: changes that were written down, and of which
//! nobody recorded whether they were made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::app::App;
use crate::ops::write::journal::{is_gone, now};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain, Route};
use skyswitch_guard::store::{After, ChangeRecord, ChangeStatus, Closing, TargetRecord};

/// A request that was cut off may still be on its way for as long as one may
/// take with all its attempts. What does not exist by then was not made.
const ON_ITS_WAY: i64 = 35_000;
/// What is about to be made again is closed sooner: whether the first request
/// still arrives makes no difference then.
const MADE_AGAIN: i64 = 1_000;

impl App {
    /// Closes the open changes of processes that are gone by what exists now.
    ///
    /// Those of the import that the caller is about to continue are made once
    /// more. Others stay open as long as their request may still be on its way.
    ///
    /// # Errors
    /// The store's and the service's errors. What is not closed stays open.
    pub(in crate::ops) async fn reconcile(&self, continued: Option<&str>) -> Result<()> {
        let journal = self.journal();
        if !journal.store().exists() {
            return Ok(());
        }
        let store = journal.store().get().await?;
        let open = store
            .open_changes(journal.realm(), journal.owner().await?)
            .await?;
        let mut cut_off = self.cut_off(open).await?;
        let is_made_again =
            |change: &ChangeRecord| continued.is_some() && change.run.as_deref() == continued;
        let again = cut_off.iter().filter(|change| is_made_again(change));
        wait_for(again.map(|change| change.last_tried_at).max(), MADE_AGAIN).await;
        // Rules that cannot be read end this, so pieces come first.
        cut_off.sort_by_key(|change| matches!(change.target, TargetRecord::VipRule(_)));
        let mut places = BTreeMap::<(&str, &str), Option<Place>>::new();
        let mut closed = 0;
        for change in &cut_off {
            let place = places.entry((&change.account, &change.domain));
            let Some(place) = place.or_insert_with(|| Place::of(change)) else {
                continue;
            };
            let again = is_made_again(change);
            match (
                self.close_by_what_exists(change, place, again).await,
                &change.target,
            ) {
                (Ok(is_closed), _) => closed += usize::from(is_closed),
                // A piece that cannot be read now stays open, and is in nobody's way.
                (Err(error), TargetRecord::Piece(_)) => {
                    tracing::warn!(%error, change = change.id, "a change that was cut off could not be closed");
                }
                (Err(error), TargetRecord::VipRule(_)) => return Err(error),
            }
        }
        if !cut_off.is_empty() {
            tracing::info!(
                changes = closed,
                "closed changes that were cut off, by what exists"
            );
        }
        Ok(())
    }

    /// The same before a change is planned: what stays open does not prevent
    /// it. Only an import that is continued needs to know what became of every
    /// one of its changes.
    ///
    /// # Errors
    /// See [`App::reconcile`], where an import is continued.
    pub(in crate::ops) async fn reconcile_before_planning(
        &self,
        continued: Option<&str>,
    ) -> Result<()> {
        match self.reconcile(continued).await {
            Err(error) if continued.is_none() => {
                tracing::warn!(%error, "changes that were cut off could not be closed");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Open changes that nobody works on any more.
    async fn cut_off(&self, open: Vec<ChangeRecord>) -> Result<Vec<ChangeRecord>> {
        let store = self.journal().store();
        let mut gone = BTreeMap::<String, bool>::new();
        let mut found = Vec::new();
        for change in open {
            let owner = change.owner.clone();
            let is_gone = match gone.get(&owner) {
                Some(known) => *known,
                None => {
                    let known = is_gone(store.folder(), &owner)?;
                    if known && !owner.is_empty() {
                        store.get().await?.abandon_changes_of(&owner).await?;
                    }
                    gone.insert(owner, known);
                    known
                }
            };
            if is_gone {
                found.push(change);
            }
        }
        Ok(found)
    }

    /// False where its request may still arrive.
    async fn close_by_what_exists(
        &self,
        change: &ChangeRecord,
        place: &Place,
        again: bool,
    ) -> Result<bool> {
        let Place {
            account,
            domain,
            rules,
        } = place;
        let client = self.client()?;
        let (after, is_as_wanted) = match &change.target {
            TargetRecord::VipRule(rule) => {
                let read = || client.routes_now(account, Some(domain));
                let rules = rules.get_or_try_init(read).await?;
                let now = match rule.before {
                    Some(_) => rule.key.find_in(rules),
                    None => rule.key.find_in_any_writing(rules),
                };
                let is_as_wanted = Route::are_alike(now, rule.wanted.as_ref());
                let was_read = true;
                (After::VipRule { now, was_read }, is_as_wanted)
            }
            TargetRecord::Piece(piece) => {
                let piece_now = client.piece_now(account, domain, &piece.piece).await?;
                let (now, as_wanted) = (piece_now.now, piece_now.as_wanted);
                (After::Piece { now, as_wanted }, as_wanted)
            }
        };
        if !is_as_wanted && may_still_arrive(change.last_tried_at, again) {
            return Ok(false);
        }
        let closing = Closing {
            status: ChangeStatus::Reconciled,
            after,
            problem: change.problem.as_deref(),
            request_id: None,
            now: now(),
        };
        let store = self.journal().store().get().await?;
        store.close_change(change.id, &closing).await
    }
}

/// A domain where changes were cut off.
struct Place {
    account: AccountId,
    domain: PbxDomain,
    /// Its VIP rules, read when the first of them is needed.
    rules: OnceCell<Arc<Vec<Route>>>,
}

impl Place {
    fn of(change: &ChangeRecord) -> Option<Place> {
        let (Ok(account), Ok(domain)) = (change.account.parse(), change.domain.parse()) else {
            tracing::warn!("the journal holds an open change of an account or domain that is none");
            return None;
        };
        Some(Place {
            account,
            domain,
            rules: OnceCell::new(),
        })
    }
}

/// Whether a request may still be carried out. For what is made again the wait
/// is over already. A moment that lies ahead was written before the clock was
/// set back: nothing is known of it then.
fn may_still_arrive(last_tried_at: i64, again: bool) -> bool {
    !again && now().saturating_sub(last_tried_at) < ON_ITS_WAY
}

/// Waits until that long after a moment, if it is not past.
async fn wait_for(moment: Option<i64>, patience: i64) {
    let Some(moment) = moment else { return };
    let left = patience.min(patience - now().saturating_sub(moment));
    if let Ok(left @ 1..) = u64::try_from(left) {
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
