//! Closes what was cut off: changes that were written down, and of which
//! nobody recorded whether they were made.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::App;
use crate::ops::write::journal::is_gone;
use crate::ops::write::journal::now;
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{AccountId, PbxDomain, Route, RouteKey};
use skyswitch_guard::store::{
    After, Change, ChangeStatus, Closing, PieceChange, RuleChange, Target,
};

/// A request that was cut off may still be on its way for as long as one may
/// take with all its attempts. What does not stand by then was not made.
const ON_ITS_WAY: i64 = 35_000;
/// What is about to be made again is closed sooner: whether the first request
/// still arrives makes no difference then.
const MADE_AGAIN: i64 = 1_000;

impl App {
    /// Closes the open changes of processes that are gone by what stands now.
    ///
    /// `made_again` names those that the caller is about to make once more.
    /// Others stay open as long as their request may still be on its way.
    ///
    /// # Errors
    /// The store's and the service's errors. What is not closed stays open.
    pub(in crate::ops) async fn reconcile(
        &self,
        made_again: impl Fn(&Change) -> bool + Send + Sync,
    ) -> Result<()> {
        let journal = self.journal();
        if !journal.store().exists() {
            return Ok(());
        }
        let store = journal.store().get().await?;
        let open = store
            .open_changes(journal.realm(), journal.owner().await?)
            .await?;
        let mut vips = BTreeMap::<(String, String), Vec<CutOff>>::new();
        for change in self.cut_off(open).await? {
            let again = made_again(&change);
            match &change.target {
                Target::VipRule(rule) => {
                    let place = (change.account.clone(), rule.key.domain.to_string());
                    let cut_off = CutOff {
                        rule: rule.clone(),
                        again,
                        change,
                    };
                    vips.entry(place).or_default().push(cut_off);
                }
                Target::Piece(piece) => {
                    self.close_piece_by_what_stands(&change, piece, again).await;
                }
            }
        }
        for ((account, domain), changes) in vips {
            self.close_by_what_stands(&account, &domain, &changes)
                .await?;
        }
        Ok(())
    }

    /// Open changes that nobody works on any more.
    async fn cut_off(&self, open: Vec<Change>) -> Result<Vec<Change>> {
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

    async fn close_by_what_stands(
        &self,
        account: &str,
        domain: &str,
        changes: &[CutOff],
    ) -> Result<()> {
        let (Ok(account), Ok(domain)) = (account.parse::<AccountId>(), domain.parse::<PbxDomain>())
        else {
            tracing::warn!("the journal holds an open change of an account or domain that is none");
            return Ok(());
        };
        let again = changes.iter().filter(|cut_off| cut_off.again);
        let newest = again.map(|cut_off| cut_off.change.last_tried_at).max();
        wait_for(newest, MADE_AGAIN).await;
        let routes = self.client()?.routes_now(&account, Some(&domain)).await?;
        let store = self.journal().store().get().await?;
        let mut closed = 0;
        for CutOff {
            change,
            rule,
            again,
        } in changes
        {
            let after = standing(&routes, &rule.key);
            let is_as_wanted = are_alike(after, rule.wanted.as_ref());
            if !is_as_wanted && may_still_arrive(change.last_tried_at, *again) {
                continue;
            }
            let closing = Closing {
                status: ChangeStatus::Reconciled,
                after: After::VipRule(after),
                problem: change.problem.as_deref(),
                request_id: None,
                now: now(),
            };
            store.close_change(change.id, &closing).await?;
            closed += 1;
        }
        tracing::info!(
            changes = closed,
            "closed changes that were cut off, by what stands"
        );
        Ok(())
    }

    /// A piece that cannot be read now stays open; it stands in nobody's way.
    async fn close_piece_by_what_stands(&self, change: &Change, piece: &PieceChange, again: bool) {
        if again {
            wait_for(Some(change.last_tried_at), MADE_AGAIN).await;
        }
        if let Err(error) = self.close_piece(change, piece, again).await {
            tracing::warn!(%error, change = change.id, "a change that was cut off could not be closed");
        }
    }

    async fn close_piece(&self, change: &Change, piece: &PieceChange, again: bool) -> Result<()> {
        let account: AccountId = change
            .account
            .parse()
            .map_err(|refused: Refused| refused.into_error("account_id"))?;
        let domain: PbxDomain = change
            .domain
            .parse()
            .map_err(|refused: Refused| refused.into_error("domain"))?;
        let standing = self
            .client()?
            .piece_standing(&account, &domain, &piece.piece)
            .await?;
        if !standing.stands && may_still_arrive(change.last_tried_at, again) {
            return Ok(());
        }
        let closing = Closing {
            status: ChangeStatus::Reconciled,
            after: After::Piece {
                now: standing.now,
                stands: standing.stands,
            },
            problem: change.problem.as_deref(),
            request_id: None,
            now: now(),
        };
        let store = self.journal().store().get().await?;
        store.close_change(change.id, &closing).await.map(drop)
    }
}

/// A change to a VIP rule that was cut off.
struct CutOff {
    change: Change,
    rule: RuleChange,
    /// Whether it is about to be made once more.
    again: bool,
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

/// The rule that is stored under a key.
fn standing<'a>(routes: &'a [Route], key: &RouteKey) -> Option<&'a Route> {
    routes
        .iter()
        .find(|route| route.key.ani == key.ani && route.key.dnis.same_as(&key.dnis))
}

/// Whether two rules send the caller to the same place, or neither exists.
pub(in crate::ops) fn are_alike(one: Option<&Route>, other: Option<&Route>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.rings_like(other),
        _ => false,
    }
}
