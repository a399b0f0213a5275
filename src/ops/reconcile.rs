//! Closes what was cut off: changes that were written down, and of which
//! nobody recorded whether they were made.

use std::collections::BTreeMap;
use std::time::Duration;

use super::App;
use super::journal::{is_gone, now};
use crate::domain::{AccountId, PbxDomain, Route};
use crate::error::Result;
use crate::state::{Change, ChangeStatus, Closing};

/// A request that was cut off may still be on its way: the route is not read
/// sooner than this after the change was begun.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

impl App {
    /// Closes the open changes of processes that are gone by what stands now.
    ///
    /// # Errors
    /// The store's and the service's errors. What is not closed stays open.
    pub(super) async fn reconcile(&self) -> Result<()> {
        let journal = self.journal();
        if !journal.store().exists() {
            return Ok(());
        }
        let store = journal.store().get().await?;
        let open = store
            .open_changes(journal.realm(), journal.owner().await?)
            .await?;
        for ((account, domain), changes) in self.cut_off(open)? {
            self.close_by_what_stands(&account, &domain, &changes)
                .await?;
        }
        Ok(())
    }

    /// Open changes that nobody works on any more, by account and domain.
    fn cut_off(&self, open: Vec<Change>) -> Result<BTreeMap<(String, String), Vec<Change>>> {
        let folder = self.journal().store().folder();
        let mut gone = BTreeMap::new();
        let mut found = BTreeMap::<_, Vec<Change>>::new();
        for change in open {
            let is_gone = match gone.get(&change.owner) {
                Some(known) => *known,
                None => {
                    let known = is_gone(folder, &change.owner)?;
                    gone.insert(change.owner.clone(), known);
                    known
                }
            };
            if is_gone {
                let place = (change.account.clone(), change.key.domain.to_string());
                found.entry(place).or_default().push(change);
            }
        }
        Ok(found)
    }

    async fn close_by_what_stands(
        &self,
        account: &str,
        domain: &str,
        changes: &[Change],
    ) -> Result<()> {
        let (Ok(account), Ok(domain)) = (account.parse::<AccountId>(), domain.parse::<PbxDomain>())
        else {
            tracing::warn!("the journal holds an open change of an account or domain that is none");
            return Ok(());
        };
        let newest = changes.iter().map(|c| c.started_at).max().unwrap_or(0);
        let age = u64::try_from(now().saturating_sub(newest)).unwrap_or(0);
        tokio::time::sleep(ON_ITS_WAY.saturating_sub(Duration::from_millis(age))).await;
        let routes = self.client()?.routes_now(&account, Some(&domain)).await?;
        let store = self.journal().store().get().await?;
        for change in changes {
            let closing = Closing {
                status: ChangeStatus::Reconciled,
                after: standing(&routes, change),
                problem: change.problem.as_deref(),
                request_id: None,
                now: now(),
            };
            store.close_change(change.id, &closing).await?;
        }
        tracing::info!(
            changes = changes.len(),
            "closed changes that were cut off, by what stands"
        );
        Ok(())
    }
}

/// The rule that stands under a change's key.
pub(super) fn standing<'a>(routes: &'a [Route], change: &Change) -> Option<&'a Route> {
    routes
        .iter()
        .find(|route| route.key.ani == change.key.ani && route.key.dnis.same_as(&change.key.dnis))
}
