//! The VIP rules, and the routing of a number, that a change is planned on: what
//! the service shows, except where the journal knows of a change that it cannot
//! show yet.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::App;
use crate::ops::write::outvote::{Outvote, Step, outvoted};
use skyswitch_domain::RouteKey;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Ani, Operation, PbxDomain, PhoneNumber, Route};
use skyswitch_guard::store::{ChangeFilter, ChangeRecord, ChangeStatus, TargetRecord};

/// The VIP rules of a domain, as far as anybody can know them.
pub(in crate::ops) struct PresentRules {
    pub rules: Vec<Route>,
    /// What the service listed, whatever the journal tells.
    pub listed: Arc<Vec<Route>>,
    /// The rules that the journal tells.
    told: Vec<Told>,
    /// Rules that a change of unknown outcome may have changed, or may change at any
    /// moment, and what is to be said of each.
    under_way: Vec<(RouteKey, String)>,
}

/// A rule that the journal tells.
struct Told {
    key: RouteKey,
    note: String,
    late: Vec<Option<Route>>,
}

impl PresentRules {
    /// Those of a list, and what the journal knows that it need not show yet.
    fn by_journal(
        rules: Vec<Route>,
        recent: &[ChangeRecord],
        is_again: impl Fn(&ChangeRecord) -> bool,
    ) -> PresentRules {
        let mut present = PresentRules {
            rules,
            listed: Arc::default(),
            told: Vec::new(),
            under_way: Vec::new(),
        };
        for steps in by_rule(recent) {
            let Some(newest) = steps.last() else { continue };
            let TargetRecord::VipRule(rule) = &newest.change.target else {
                continue;
            };
            let listed = rule.key.find_in_any_writing(&present.rules).cloned();
            if let Some(step) = may_still_be_made(&steps, listed.as_ref(), &is_again) {
                let note = not_settled(step.change, step.wanted.as_ref());
                present.under_way.push((rule.key.clone(), note));
            }
            if newest.change.status == ChangeStatus::Open {
                let wanted = newest.wanted.as_ref();
                let perhaps = wanted.filter(|_| !is_again(newest.change));
                if let (Some(_), None) = (perhaps, &listed) {
                    present.tell(newest.change, perhaps, Vec::new());
                }
            } else if let Some(Outvote { step, now, late }) = outvoted(&steps, listed.as_ref()) {
                present.tell(step.change, now, late);
            }
        }
        present
    }

    /// Refuses to plan on rules of which a change was answered by no yes and may
    /// have been made all the same, or may be made yet. The very same may be added
    /// again.
    ///
    /// # Errors
    /// `confirmation_stale`, until it is known what became of the other.
    pub fn refuse_under_way(&self, concerns: impl Fn(&RouteKey) -> bool) -> Result<()> {
        let mut under_way = self.under_way.iter();
        match under_way.find(|(key, _)| concerns(key)) {
            Some((_, note)) => Err(Error::new(
                Code::ConfirmationStale,
                format!("{note}. Nothing was changed"),
                "Try again in half a minute.",
            )),
            None => Ok(()),
        }
    }

    /// What to say of one caller's rules.
    pub fn notes_on(&self, caller: &Ani) -> impl Iterator<Item = String> + '_ {
        let caller = caller.clone();
        let of_caller = self.told.iter();
        of_caller
            .filter(move |told| told.key.ani.is_same_caller(&caller))
            .map(|told| told.note.clone())
    }

    /// What to say of all of them.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        self.told.iter().map(|told| told.note.clone())
    }

    /// What the list may go on showing in the place of a rule.
    pub fn late_reads(&self, key: &RouteKey) -> Vec<Option<Route>> {
        let is_of_key = |told: &&Told| {
            told.key.ani.is_same_caller(&key.ani) && told.key.dnis.same_as(&key.dnis)
        };
        let told = self.told.iter().find(is_of_key);
        told.map_or(Vec::new(), |told| told.late.clone())
    }

    fn tell(&mut self, change: &ChangeRecord, now: Option<&Route>, late: Vec<Option<Route>>) {
        let TargetRecord::VipRule(rule) = &change.target else {
            return;
        };
        let shown_now = rule.key.find_in_any_writing(&self.rules);
        if let Some(key) = shown_now.map(|rule| rule.key.clone()) {
            self.rules.retain(|rule| rule.key != key);
        }
        self.rules.extend(now.cloned());
        let caller = shown(rule.key.ani.as_str(), 64);
        let now = now.map_or("it does not exist".to_owned(), |now| {
            format!("it goes to {}", now.goes_to())
        });
        let rule_of = format!("the rule of \"{caller}\"");
        self.told.push(Told {
            key: rule.key.clone(),
            note: match change.status {
                ChangeStatus::Open => format!(
                    "change {} to {rule_of} was sent a moment ago and its outcome is not known yet: perhaps {now}",
                    change.id
                ),
                _ => not_shown_yet(change, &rule_of, &now),
            },
            late,
        });
    }
}

fn not_settled(change: &ChangeRecord, wanted: Option<&Route>) -> String {
    let what = match wanted {
        Some(wanted) => format!("a rule to {}", wanted.goes_to()),
        None => "the removal of a rule".to_owned(),
    };
    format!(
        "change {}, {what} of the same caller, was sent a moment ago, and it is not known yet whether SkySwitch made it",
        change.id
    )
}

pub(super) fn not_shown_yet(change: &ChangeRecord, of: &str, now: &str) -> String {
    format!(
        "SkySwitch does not show change {} to {of} yet; it accepted the change, so {now}. {} shows it",
        change.id,
        Operation::ListChanges
    )
}

impl App {
    /// Reads the rules of a domain, and counts as made what this installation
    /// was told to be made a moment ago and the list still shows as before. A
    /// list that has once shown a change is believed from then on.
    ///
    /// A new rule of which nobody knows yet whether it was made is told, too, and
    /// planned on by nobody, unless `is_again` says that the very same is made once
    /// more.
    ///
    /// # Errors
    /// The service's and the store's errors.
    pub(in crate::ops) async fn present_rules(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        is_again: impl Fn(&ChangeRecord) -> bool,
    ) -> Result<PresentRules> {
        let of_domain = ChangeFilter {
            domain: Some(domain.as_str()),
            ..ChangeFilter::default()
        };
        let (rules, recent) = tokio::join!(
            self.listed_rules_now(account, domain),
            self.recent_changes(account, "vip_rule", of_domain)
        );
        let (listed, recent) = (rules?, recent?);
        self.correct_rules(&recent.unseen, &listed).await;
        let rules = listed.as_ref().clone();
        Ok(PresentRules {
            listed,
            ..PresentRules::by_journal(rules, &recent.lately, is_again)
        })
    }

    /// What to say of a list of VIP rules that was read just now and cannot show
    /// what was changed a moment ago. Nothing is asked for.
    ///
    /// # Errors
    /// The store's errors.
    pub(in crate::ops) async fn not_shown_in(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        listed: &[Route],
    ) -> Result<PresentRules> {
        let of_domain = ChangeFilter {
            domain: Some(domain.as_str()),
            ..ChangeFilter::default()
        };
        let recent = self.recent_changes(account, "vip_rule", of_domain).await?;
        self.correct_rules(&recent.unseen, listed).await;
        let listed = match recent.lately.is_empty() {
            true => Vec::new(),
            false => listed.to_vec(),
        };
        Ok(PresentRules::by_journal(listed, &recent.lately, |_| false))
    }
}

/// The newest of the changes to a rule that may be made at any moment, although
/// nobody works on it: what is planned now would not know what it found. After
/// another change to the rule, that it is as wanted proves nothing.
fn may_still_be_made<'s, 'a>(
    steps: &'s [Step<'a, Route>],
    listed: Option<&Route>,
    is_again: impl Fn(&ChangeRecord) -> bool,
) -> Option<&'s Step<'a, Route>> {
    let newest = steps.len().checked_sub(1)?;
    let mut steps = steps.iter().enumerate().rev();
    let found = steps.find(|(index, step)| {
        // What somebody is at work on the journal itself keeps others from.
        let is_cut_off = step.change.status == ChangeStatus::Open && step.change.owner.is_empty();
        let is_shown = *index == newest && Route::are_alike(listed, step.wanted.as_ref());
        is_cut_off && !is_shown && !is_again(step.change)
    });
    found.map(|(_, step)| step)
}

/// The changes to each rule, in their order.
fn by_rule(changes: &[ChangeRecord]) -> Vec<Vec<Step<'_, Route>>> {
    let number = |text: &str| {
        PhoneNumber::from_stored(text)
            .map_or_else(|| text.to_owned(), |number| number.as_str().to_owned())
    };
    let mut places = HashMap::new();
    let mut rules: Vec<Vec<Step<'_, Route>>> = Vec::new();
    for change in changes {
        let TargetRecord::VipRule(rule) = &change.target else {
            continue;
        };
        let dnis = match rule.key.dnis.is_any() {
            true => String::new(),
            false => number(rule.key.dnis.as_str()),
        };
        let name = (number(rule.key.ani.as_str()), dnis);
        let place = *places.entry(name).or_insert(rules.len());
        let step = Step::of_rule(change);
        match rules.get_mut(place) {
            Some(steps) => steps.extend(step),
            None => rules.push(step.into_iter().collect()),
        }
    }
    rules
}
