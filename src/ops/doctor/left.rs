//! What a write probe that was interrupted has left, by its journal and by what
//! exists.

use std::collections::BTreeMap;

use super::trial::removal;
use super::write_probe::TOOL;
use super::{Check, warning};
use crate::app::App;
use crate::ops::write::journal::now;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain, RouteKey};
use skyswitch_guard::store::{ChangeFilter, TargetRecord, TimeSpan};

/// How far back it is looked, in milliseconds: thirty days.
const BACK: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A check of its own where rules of a probe may exist that it did not remove.
pub(super) async fn left_by_probes(app: &App, account: &AccountId) -> Option<Check> {
    let created = app.not_removed_by_probes(account).await.ok()?;
    let mut commands = Vec::new();
    for key in created {
        if app.may_exist(account, &key).await {
            commands.push(removal(&key));
        }
    }
    let fix = format!("Remove them with {}.", commands.join(" and "));
    let left = warning(
        "a write probe was interrupted, and rules of a caller that nobody has may be left of it",
        fix,
    );
    (!commands.is_empty()).then_some(Check { id: TOOL, ..left })
}

impl App {
    /// The rules that probes created and, by the journal, did not remove.
    async fn not_removed_by_probes(&self, account: &AccountId) -> Result<Vec<RouteKey>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let of_probes = ChangeFilter {
            operation: Some(TOOL),
            ..ChangeFilter::default()
        };
        let lately = TimeSpan::last(BACK, now());
        let changes = store
            .changes_of_kind(
                journal.realm(),
                account.as_str(),
                "vip_rule",
                of_probes,
                lately,
            )
            .await?;
        let mut newest = BTreeMap::new();
        for change in changes {
            if let TargetRecord::VipRule(rule) = change.target {
                let dnis = rule.key.dnis.to_send().unwrap_or_default().to_owned();
                let name = (change.domain, rule.key.ani.as_str().to_owned(), dnis);
                let is_removed = rule.wanted.is_none() && change.ended_at.is_some();
                newest.insert(name, (rule.key, is_removed));
            }
        }
        let left = newest.into_values().filter(|(_, is_removed)| !is_removed);
        Ok(left.map(|(key, _)| key).collect())
    }

    /// Whether a rule exists, or that cannot be read.
    async fn may_exist(&self, account: &AccountId, key: &RouteKey) -> bool {
        let Ok(domain) = key.domain.parse::<PbxDomain>() else {
            return true;
        };
        match self.listed_rules(account, Some(&domain)).await {
            Ok(rules) => key.find_in_any_writing(&rules).is_some(),
            Err(_) => true,
        }
    }
}
