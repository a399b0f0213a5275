//! The changes of the last minutes, and those before them that SkySwitch accepted
//! and that no read has shown. A read that shows all as before when it must have
//! caught up proves that such a change was never made; the journal is corrected.

use crate::app::App;
use crate::ops::write::journal::now;
use crate::ops::write::outvote::{State, Step};
use crate::ops::write::send::{words_of_number, words_of_rule};
use skyswitch_domain::error::Result;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, DidRoute, Route};
use skyswitch_guard::store::{ChangeFilter, ChangeRecord, TargetRecord, TimeSpan};

/// How long a list may go on showing what was before a change, and as long as
/// the change itself may take, in milliseconds.
pub(in crate::ops) const LAG: i64 = 90_000;
/// How long after a change a read may disprove it: what is as before much later
/// may have been changed back by somebody else.
const JUDGED: i64 = 3_600_000;

/// Changes that a read need not show, or should show by now.
pub(super) struct Recent {
    /// Those that it need not show yet.
    pub lately: Vec<ChangeRecord>,
    /// Those that were acknowledged before that and that no read has shown.
    pub unseen: Vec<ChangeRecord>,
}

impl App {
    /// The changes of the last minutes, whatever a read has shown since.
    pub(super) async fn changes_lately(
        &self,
        account: &AccountId,
        kind: &'static str,
        filter: ChangeFilter<'_>,
    ) -> Result<Vec<ChangeRecord>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let span = TimeSpan::last(LAG, now());
        store
            .changes_of_kind(journal.realm(), account.as_str(), kind, filter, span)
            .await
    }

    /// Those that a read need not show, or should show by now.
    pub(super) async fn recent_changes(
        &self,
        account: &AccountId,
        kind: &'static str,
        filter: ChangeFilter<'_>,
    ) -> Result<Recent> {
        let (journal, now) = (self.journal(), now());
        let (mut lately, mut unseen) = (Vec::new(), Vec::new());
        if let Some(store) = journal.store().if_exists().await? {
            let (realm, account) = (journal.realm(), account.as_str());
            let (span, judged) = (TimeSpan::last(LAG, now), now - JUDGED);
            let found = store.changes_to_be_seen(realm, account, kind, filter, span, judged);
            (lately, unseen) = found
                .await?
                .into_iter()
                .partition(|change| change.started_at >= span.since);
        }
        Ok(Recent { lately, unseen })
    }

    /// Corrects the journal by a list of VIP rules that was read just now.
    pub(super) async fn correct_rules(&self, unseen: &[ChangeRecord], listed: &[Route]) {
        for step in unseen.iter().filter_map(Step::of_rule) {
            let TargetRecord::VipRule(rule) = &step.change.target else {
                continue;
            };
            let shown = rule.key.find_in_any_writing(listed);
            self.correct(&step, shown, words_of_rule).await;
        }
    }

    /// The same by where a number goes.
    pub(super) async fn correct_number(&self, unseen: &[ChangeRecord], shown: Option<&DidRoute>) {
        for step in unseen.iter().filter_map(Step::of_number) {
            self.correct(&step, shown, words_of_number).await;
        }
    }

    async fn correct<S: State>(
        &self,
        step: &Step<'_, S>,
        shown: Option<&S>,
        words: impl Fn(Option<&S>) -> String,
    ) {
        if !step.is_disproved_by(shown) {
            return;
        }
        let since = now() - step.change.started_at;
        let seconds = usize::try_from(since / 1_000).unwrap_or_default();
        let problem = format!(
            "SkySwitch accepted it and did not make it: a read {} later showed it as it was before, {}",
            counted(seconds, "second"),
            words(shown)
        );
        let id = step.change.id;
        let corrected = match self.journal().store_to_write().await {
            Ok(store) => store.disprove_change(id, &problem).await,
            Err(error) => Err(error),
        };
        if let Err(error) = corrected {
            tracing::warn!(%error, change = id, "the journal could not be corrected");
        }
    }
}
