//! Reading a plan back once it was sent: an acknowledgement does not prove what
//! is stored, nor what went along with it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use crate::ops::import::apply::{Place, Sender};
use crate::ops::import::existing::ExistingRules;
use crate::ops::import::outcome::RowState;
use crate::ops::import::report::Report;
use crate::ops::vips::siblings::is_lost;
use crate::ops::write::send::words_of_rule;
use skyswitch_client::Matches;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, Operation, Route, RouteKey};

impl Sender<'_> {
    /// Reads the rules once more after a plan was sent: names the rows whose
    /// rule is otherwise than requested, puts back what the service removed
    /// along with them, and tells the journal. False where a rule that was not
    /// to be removed may be missing still.
    pub(super) async fn read_back(
        &self,
        account: &AccountId,
        made: &[Place],
        planned: &HashSet<RouteKey>,
        report: &mut Report,
    ) -> bool {
        let app = self.app;
        // What the plan itself changes is where it belongs.
        let at_risk: Vec<&Route> = made
            .iter()
            .flat_map(|place| place.change.at_risk())
            .filter(|rule| !planned.contains(&rule.key))
            .collect();
        let read = async {
            let seen = (Instant::now(), app.journal().position().await?);
            // What is gone is told and written down here, before what is kept of it ends.
            let rules = app.client()?.routes_now(account, Some(&self.run.domain));
            Ok::<_, Error>((seen, rules.await?))
        };
        let (seen, rules) = match read.await {
            Ok(read) => read,
            Err(_) if !at_risk.is_empty() => {
                report.warnings.push(format!(
                    "the rules that may have been removed along with others could not be read back; resume the import, or check them with {}",
                    Operation::ListVips
                ));
                return false;
            }
            Err(error) => {
                report.warnings.push(format!(
                    "SkySwitch accepted {}, and the VIP rules could not be read back: {error}",
                    counted(made.len(), "change")
                ));
                return true;
            }
        };
        let unseen = self.compare(made, &rules, report).await;
        // A list that shows none of the changes yet shows nothing else either.
        if unseen.len() < made.len() {
            let at_risk: HashSet<&RouteKey> = at_risk.iter().map(|rule| &rule.key).collect();
            let (domain, before) = (&self.run.domain, Arc::clone(&report.listed));
            let told = app.about_others(
                account,
                domain,
                (before.as_slice(), rules.as_slice()),
                |key| planned.contains(key) || at_risk.contains(key),
            );
            let told = told.await;
            report.warnings.extend(told);
        }
        let mut lost: Vec<Route> = at_risk.into_iter().cloned().collect();
        lost.retain(|rule| is_lost(rule, &rules));
        // The same rule may have been put at risk by several removals.
        lost.sort_by(Route::list_order);
        lost.dedup_by(|one, other| one.key == other.key);
        let is_complete = self
            .restore(account, &lost, seen, &mut report.warnings)
            .await;
        // A list that does not show a removal yet cannot show what went with it.
        let in_doubt = |place: &&Place| !place.change.at_risk().is_empty();
        is_complete && !unseen.iter().any(in_doubt)
    }

    /// Enters what was read into the rows and the journal, and gives the changes
    /// that are not visible yet.
    async fn compare<'p>(
        &self,
        made: &'p [Place],
        rules: &[Route],
        report: &mut Report,
    ) -> Vec<&'p Place> {
        let stored = ExistingRules::of(rules);
        let mut unseen = Vec::new();
        let mut read = Vec::new();
        for place in made {
            let change = &place.change;
            let now = match change.before() {
                Some(_) => stored.stored_under(change.key()),
                None => stored.stored_for(change.key()),
            };
            let matches = Matches::of_rule(change, now);
            let Some(row) = report.rows.get_mut(place.index) else {
                continue;
            };
            if matches == Matches::Before {
                unseen.push(place);
                continue;
            }
            if matches == Matches::Neither {
                row.state = Some(RowState::Failed);
                row.reason = Some(format!(
                    "SkySwitch accepted the change, but a read right after it shows something else: {}",
                    words_of_rule(now)
                ));
            }
            read.extend(
                row.change_id
                    .map(|id| (id, now, matches == Matches::Wanted)),
            );
        }
        if !unseen.is_empty() {
            report.warnings.push(format!(
                "SkySwitch accepted {}, and {} of them are not visible yet: a read still shows the rules as they were. Look again with {} in a minute",
                counted(made.len(), "change"),
                unseen.len(),
                Operation::ListVips
            ));
        }
        if let Err(error) = self.note_readings(&read).await {
            tracing::warn!(%error, "what was read back could not be written down");
        }
        unseen
    }

    async fn note_readings(&self, read: &[(i64, Option<&Route>, bool)]) -> Result<()> {
        let store = self.app.journal().store().get().await?;
        store.note_readings(read).await
    }
}
