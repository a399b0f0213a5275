//! The rules beside one that is removed: whether a delete whose key is wide,
//! without dialled number or with wildcards, takes others along is not documented
//! (SkySwitch API reference, Route-by-ANI).

use crate::app::App;
use crate::ops::doctor::DeleteReach;
use crate::ops::write::send::Sent;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Operation, PbxDomain, Route};

/// The caller's other rules in the same list, and those of other callers that
/// the service may remove along with it.
pub(in crate::ops) fn beside(rule: &Route, routes: &[Route]) -> Vec<Route> {
    let is_beside = |other: &&Route| {
        let is_of_caller = other.key.ani.is_same_caller(&rule.key.ani);
        other.key != rule.key && (is_of_caller || rule.key.may_take_along(&other.key))
    };
    routes.iter().filter(is_beside).cloned().collect()
}

/// Those of some rules that the service may remove along with one.
pub(in crate::ops) fn at_risk<'a>(
    reach: DeleteReach,
    removed: &Route,
    rules: impl IntoIterator<Item = &'a Route>,
) -> Vec<Route> {
    let rules = rules.into_iter();
    let at_risk = rules.filter(|other| reach.may_take_along(removed, other));
    at_risk.cloned().collect()
}

impl App {
    /// Warnings about the rules beside one that was removed (`sent`) or is to be.
    /// After a delete, the read that followed it shows what was lost along with it,
    /// which is written into the journal: a service may ignore the dialled number, too.
    pub(in crate::ops) async fn about_siblings(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        removed: &Route,
        others: &[Route],
        sent: Option<&Sent>,
    ) -> Vec<String> {
        let of_caller = |other: &&Route| other.key.ani.is_same_caller(&removed.key.ani);
        let kept_of_caller = || others.iter().filter(of_caller).map(kept).collect();
        let Some(sent) = sent else {
            return kept_of_caller();
        };
        if others.is_empty() {
            return Vec::new();
        }
        // A list that does not show the removal yet cannot show what went with it.
        let Some(rules) = sent.rules_after() else {
            if !removed.key.is_wide() {
                return kept_of_caller();
            }
            return vec![format!(
                "the rules that may have been removed along with it could not be read back; check them with {}",
                Operation::ListVips
            )];
        };
        let mut warnings = Vec::new();
        for other in others {
            if !is_lost(other, rules) {
                warnings.extend(of_caller(&other).then(|| kept(other)));
                continue;
            }
            warnings.push(
                match self.write_down_unasked(account, domain, other, None).await {
                    Ok(id) => format!(
                        "{}; {} restores it",
                        gone(removed, other),
                        Operation::UndoChange.with("change_id", id)
                    ),
                    Err(_) => format!(
                        "{}; add it again with {} if it is needed",
                        gone(removed, other),
                        Operation::AddVip
                    ),
                },
            );
        }
        warnings
    }
}

/// Whether a rule no longer exists.
pub(in crate::ops) fn is_lost(rule: &Route, now: &[Route]) -> bool {
    !now.iter().any(|route| route.key == rule.key)
}

fn kept(other: &Route) -> String {
    format!(
        "the caller keeps another rule (stored as \"{}\", dialled number {}) that goes to {}",
        shown(other.key.ani.as_str(), 64),
        other.key.dnis,
        other.goes_to()
    )
}

fn gone(removed: &Route, other: &Route) -> String {
    let caller = match other.key.ani.is_same_caller(&removed.key.ani) {
        true => "this rule of the same caller".to_owned(),
        false => format!(
            "the rule of the caller stored as \"{}\"",
            shown(other.key.ani.as_str(), 64)
        ),
    };
    format!(
        "SkySwitch removed {caller} as well: dialled number {}, destination {}",
        other.key.dnis,
        other.goes_to()
    )
}
