//! The other rules of a customer after a change: what is gone or otherwise
//! without having been asked for is told, and written down so that it can be
//! restored.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};

use crate::app::App;
use crate::ops::write::journal::Origin;
use crate::ops::write::outvote::Step;
use crate::ops::write::send::Sent;
use skyswitch_client::{Found, Matches, Reading};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, Operation, PbxDomain, Route, RouteKey};
use skyswitch_guard::store::{ChangeFilter, ChangeRecord, ChangeStatus};
use skyswitch_guard::{Change, RuleChange};

/// Rules that are named in a result; the journal has them all.
const NAMED: usize = 20;
/// Rules that are written down at the same time.
const AT_ONCE: usize = 32;

impl Sent {
    /// All rules of the domain as they were read after the change, where that
    /// read shows the change: a list that is late shows nothing else either.
    pub(in crate::ops) fn rules_after(&self) -> Option<&[Route]> {
        match self.reading()? {
            Reading {
                matches: Matches::Wanted | Matches::Neither,
                found: Found::VipRule { rules, .. },
            } => Some(rules),
            _ => None,
        }
    }
}

impl App {
    /// Warnings about rules that were there before a change and are gone or
    /// otherwise after it, but for those of which `is_asked` says that it is
    /// about them. Each is written into the journal.
    pub(in crate::ops) async fn about_others(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        (before, now): (&[Route], &[Route]),
        is_asked: impl Fn(&RouteKey) -> bool,
    ) -> Vec<String> {
        let mut different = different(before, now);
        different.retain(|(rule, _)| !is_asked(&rule.key));
        if different.is_empty() {
            return Vec::new();
        }
        let of_domain = ChangeFilter {
            domain: Some(domain.as_str()),
            ..ChangeFilter::default()
        };
        // What others have changed through this installation is no news.
        match self.changes_lately(account, "vip_rule", of_domain).await {
            Ok(lately) => different.retain(|(rule, now)| !is_ours(&lately, rule, *now)),
            Err(error) => tracing::warn!(%error, "the journal cannot be read"),
        }
        let left_out = different.len().saturating_sub(NAMED);
        let different: Vec<(Route, Option<Route>)> = different
            .into_iter()
            .map(|(rule, now)| (rule.clone(), now.cloned()))
            .collect();
        let mut told: Vec<String> = stream::iter(different)
            .map(|(rule, now)| self.told_of(account, domain, rule, now))
            .buffered(AT_ONCE)
            .collect()
            .await;
        told.truncate(NAMED);
        if left_out > 0 {
            let are = if left_out == 1 { "is" } else { "are" };
            told.push(format!(
                "{} {are} gone or changed without having been asked for; {} shows them",
                counted(left_out, "more rule"),
                Operation::ListChanges
            ));
        }
        told
    }

    async fn told_of(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rule: Route,
        now: Option<Route>,
    ) -> String {
        let became = match &now {
            None => "is gone".to_owned(),
            Some(now) => format!("goes to {} now", now.goes_to()),
        };
        let remedy = match self
            .write_down_unasked(account, domain, &rule, now.as_ref())
            .await
        {
            Ok(id) => format!(
                "{} restores it",
                Operation::UndoChange.with("change_id", id)
            ),
            Err(_) => format!("set it again with {} if it is needed", Operation::AddVip),
        };
        format!(
            "another rule {became}, which nobody asked for here: caller stored as \"{}\", dialled number {}, destination {}. \
             SkySwitch changed it along with this, or somebody else did at the same time; {remedy}",
            shown(rule.key.ani.as_str(), 64),
            rule.key.dnis,
            rule.goes_to()
        )
    }

    /// Writes down what became of a rule without having been asked for, so that it
    /// can be restored.
    pub(in crate::ops) async fn write_down_unasked(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rule: &Route,
        now: Option<&Route>,
    ) -> Result<i64> {
        let (what, change) = match now {
            None => (
                "lost_along_with",
                RuleChange::remove(rule.clone(), Vec::new()),
            ),
            Some(now) => (
                "changed_along_with",
                RuleChange::put(Some(rule.clone()), now.clone()),
            ),
        };
        let change = Change::new(account, domain, what, change);
        self.journal()
            .note_unasked(self, &change, now, &Origin::default())
            .await
    }
}

/// The rules that are otherwise now, with what they are.
fn different<'a>(before: &'a [Route], now: &'a [Route]) -> Vec<(&'a Route, Option<&'a Route>)> {
    let by_key: HashMap<&RouteKey, &Route> = now.iter().map(|rule| (&rule.key, rule)).collect();
    let now = |rule: &Route| match by_key.get(&rule.key) {
        Some(found) => Some(*found),
        // The same may be written otherwise since.
        None => rule.key.find_in_any_writing(now),
    };
    let all = before.iter().map(|rule| (rule, now(rule)));
    all.filter(|(rule, now)| !Route::are_alike(Some(rule), *now))
        .collect()
}

/// Whether a rule is as a change through this installation has made it, or as it
/// was before one that the list need not show yet.
fn is_ours(recent: &[ChangeRecord], rule: &Route, now: Option<&Route>) -> bool {
    let steps = recent.iter().filter_map(Step::of_rule);
    let mut of_rule = steps.filter(|step| step.is_of(&rule.key));
    of_rule.any(|step| {
        let may_be_made = step.change.status != ChangeStatus::Failed;
        may_be_made && Route::are_alike(now, step.wanted.as_ref()) || step.may_show_late(now)
    })
}
