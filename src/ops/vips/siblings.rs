//! A caller's other rules: whether a delete without dialled number takes them
//! along is not documented (SkySwitch API reference, Route-by-ANI).

use crate::app::App;
use crate::ops::write::journal::Origin;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Operation, PbxDomain, Route};
use skyswitch_guard::{Change, RuleChange};

/// The caller's other rules in the same list.
pub(in crate::ops) fn siblings(rule: &Route, routes: &[Route]) -> Vec<Route> {
    routes
        .iter()
        .filter(|other| other.key != rule.key && other.key.ani.is_same_caller(&rule.key.ani))
        .cloned()
        .collect()
}

/// Those of them that the service may remove along with it.
pub(in crate::ops) fn at_risk(removed: &Route, routes: &[Route]) -> Vec<Route> {
    at_risk_among(removed, siblings(removed, routes).iter())
}

/// The same, where the caller's rules are known already.
pub(in crate::ops) fn at_risk_among<'a>(
    removed: &Route,
    of_caller: impl Iterator<Item = &'a Route>,
) -> Vec<Route> {
    match removed.key.dnis.to_send() {
        None => of_caller
            .filter(|other| other.key != removed.key)
            .cloned()
            .collect(),
        Some(_) => Vec::new(),
    }
}

impl App {
    /// Warnings about the other rules of a caller whose rule was removed (`made`)
    /// or is to be. After a delete that put them at risk they are read again, and
    /// what was lost is written into the journal.
    pub(in crate::ops) async fn about_siblings(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        removed: &Route,
        others: &[Route],
        made: bool,
    ) -> Vec<String> {
        let was_at_risk = made && removed.key.dnis.to_send().is_none();
        if others.is_empty() || !was_at_risk {
            return others.iter().map(kept).collect();
        }
        let Ok(lost) = self.lost(account, domain, others).await else {
            return vec![format!(
                "the caller's other rules could not be read back; check them with {}",
                Operation::ListVips
            )];
        };
        let mut warnings = Vec::new();
        for other in others {
            if !lost.contains(other) {
                warnings.push(kept(other));
                continue;
            }
            warnings.push(match self.write_down_loss(account, domain, other).await {
                Ok(id) => format!(
                    "{}; {} restores it",
                    gone(other),
                    Operation::UndoChange.with("change_id", id)
                ),
                Err(_) => format!(
                    "{}; add it again with {} if it is needed",
                    gone(other),
                    Operation::AddVip
                ),
            });
        }
        warnings
    }

    /// Which of these rules no longer exist.
    pub(in crate::ops) async fn lost(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rules: &[Route],
    ) -> Result<Vec<Route>> {
        let now = self.client()?.routes_now(account, Some(domain)).await?;
        let is_lost = |rule: &&Route| !now.iter().any(|route| route.key == rule.key);
        Ok(rules.iter().filter(is_lost).cloned().collect())
    }

    /// Writes a rule down as lost, so that it can be restored.
    pub(in crate::ops) async fn write_down_loss(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        lost: &Route,
    ) -> Result<i64> {
        let removal = RuleChange::remove(lost.clone(), Vec::new());
        let change = Change::new(account, domain, "lost_along_with", removal);
        self.journal()
            .note_loss(&self.asked_by, &change, &Origin::default())
            .await
    }
}

fn kept(other: &Route) -> String {
    format!(
        "the caller keeps another rule (stored as \"{}\", dialled number {}) that goes to {}",
        shown(other.key.ani.as_str(), 64),
        other.key.dnis,
        other.rings()
    )
}

fn gone(other: &Route) -> String {
    format!(
        "SkySwitch removed this rule of the same caller as well: dialled number {}, destination {}",
        other.key.dnis,
        other.rings()
    )
}
