//! How a change to a VIP rule is undone.

use std::sync::Arc;

use crate::ops::changes::undo::{Found, TOOL, Undoing};
use crate::ops::vips::destinations::Look;
use crate::ops::vips::notes::{given_back, vip_with};
use crate::ops::vips::siblings::{at_risk, beside};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Operation, PhoneNumber, Route, Vip, answering_without};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, RuleRecord};
use skyswitch_guard::{Note, Plan, RuleChange};

/// A rule that is to be again as it was before a change.
pub(super) struct RuleBack<'a> {
    undoing: &'a Undoing<'a>,
    pub rule: &'a RuleRecord,
    /// The caller, where it is a number.
    pub caller: Option<PhoneNumber>,
    look: Option<Look>,
    /// What the change ended of what was kept of the rule, and what of that is not
    /// restored.
    note: Note,
    not_restored: Option<String>,
}

impl<'a> RuleBack<'a> {
    /// Looks at where the calls will go.
    pub async fn of(undoing: &'a Undoing<'a>, rule: &'a RuleRecord) -> Result<RuleBack<'a>> {
        let (account, domain) = (undoing.account, undoing.domain);
        let look = match &rule.before {
            Some(before) => {
                let looked = undoing.app.look_at_destination(account, domain, before);
                looked.await?
            }
            None => None,
        };
        let ended = match &rule.before {
            Some(before) => {
                let id = undoing.undone.id;
                undoing.app.note_ended_by(id, before).await?
            }
            None => None,
        };
        let (note, not_restored) = given_back(ended.unwrap_or_default());
        Ok(RuleBack {
            undoing,
            rule,
            caller: PhoneNumber::from_stored(rule.key.ani.as_str()),
            look,
            note,
            not_restored,
        })
    }

    /// Why the restored destination looks wrong, if it does, and what is not restored.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let look = self.look.as_ref().map(|look| look.warning.clone());
        look.into_iter().chain(self.not_restored.clone())
    }

    /// The rule as it is restored.
    pub fn vip(&self) -> Option<Vip> {
        let before = self.rule.before.as_ref()?;
        Some(vip_with(before, Some(&self.note)))
    }

    pub async fn plan(&self) -> Result<(Option<Plan>, Found)> {
        let Undoing {
            app,
            account,
            domain,
            undone,
        } = *self.undoing;
        let (present, reach) = tokio::join!(
            app.present_rules(account, domain, |_| false),
            app.delete_reach(),
        );
        let present = present?;
        let rules = present.rules.as_slice();
        let key = &self.rule.key;
        present.refuse_under_way(|other| {
            other.ani.is_same_caller(&key.ani) && other.dnis.same_as(&key.dnis)
        })?;
        let now = key.find_in_any_writing(rules);
        let before = self.rule.before.as_ref();
        let kept = app.notes(account, Some(domain)).await?;
        let found = Found {
            rule: now.cloned(),
            previous: now.map(|now| kept.vip(now)),
            beside: now.map_or(Vec::new(), |now| beside(now, rules)),
            listed: Arc::clone(&present.listed),
            notes: present.notes_on(&key.ani).collect(),
            ..Found::default()
        };
        if Route::are_alike(now, before) {
            return Ok((None, found));
        }
        // What was read after a change may have been older than the change, and a request
        // whose answer was lost may have been carried out after the journal was closed.
        let may_have_been_made =
            matches!(undone.status, ChangeStatus::Done | ChangeStatus::Reconciled);
        let is_as_wanted = may_have_been_made && Route::are_alike(now, self.rule.wanted.as_ref());
        if !Route::are_alike(now, self.rule.after.as_ref()) && !is_as_wanted {
            return Err(changed_since(undone, now));
        }
        let change = match (now, before) {
            (now, Some(before)) => {
                let mut after = before.clone();
                if let Some(now) = now {
                    // Under another writing of the caller it would be a second rule.
                    after.key = now.key.clone();
                }
                Some(RuleChange::put(now.cloned(), after).noting(Some(self.note.clone())))
            }
            (Some(now), None) => {
                let at_risk = at_risk(reach, now, rules);
                Some(RuleChange::remove(now.clone(), at_risk))
            }
            (None, None) => None,
        };
        let change = change.map(|change| {
            // Whether a rule may lead where it led before is not asked again: the note says it.
            let answering = answering_without(change.key(), rules.iter());
            let late = present.late_reads(change.key());
            let change = change.answered_without_by(answering).read_late_as(late);
            change.ending(now.and_then(|now| kept.to_keep(now)))
        });
        let plan = Plan::of(account, domain, TOOL, change).map(|plan| {
            let notes = self.warnings().chain(found.notes.clone());
            plan.with_notes(notes.collect()).asked_in_any_case()
        });
        Ok((plan, found))
    }
}

fn changed_since(undone: &ChangeRecord, now: Option<&Route>) -> Error {
    let present = match now {
        Some(now) => format!(
            "the caller's rule (stored as \"{}\", dialled number {}) now goes to {}",
            shown(now.key.ani.as_str(), 64),
            now.key.dnis,
            now.goes_to()
        ),
        None => "the caller has no such rule now".to_owned(),
    };
    Error::new(
        Code::ConfirmationStale,
        format!(
            "the VIP rule was changed again after change {}, so nothing was changed: {present}",
            undone.id
        ),
        format!(
            "Look at {} for a newer change to undo, or set what is wanted with {} or {}.",
            Operation::ListChanges,
            Operation::AddVip,
            Operation::RemoveVip
        ),
    )
    .with_field("change_id")
}
