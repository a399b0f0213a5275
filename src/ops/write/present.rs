//! The VIP rules that a change is planned on: the service's list, except where
//! the journal knows of a change that the list cannot show yet.

use std::collections::HashMap;

use crate::app::App;
use crate::ops::write::journal::now;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Ani, Operation, PbxDomain, PhoneNumber, Route};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, RuleRecord, TargetRecord, TimeSpan};

/// How long a list may go on showing what was before a change, and as long as
/// the change itself may take, in milliseconds.
const LAG: i64 = 90_000;

/// The VIP rules of a domain, as far as anybody can know them.
pub(in crate::ops) struct PresentRules {
    pub rules: Vec<Route>,
    /// The callers whose rules the journal tells, and what is to be said of them.
    told: Vec<(Ani, String)>,
}

impl PresentRules {
    /// What to say of one caller's rules.
    pub fn notes_on(&self, caller: &Ani) -> impl Iterator<Item = String> + '_ {
        let caller = caller.clone();
        let of_caller = self.told.iter();
        of_caller
            .filter(move |(ani, _)| ani.is_same_caller(&caller))
            .map(|(_, note)| note.clone())
    }

    /// What to say of all of them.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        self.told.iter().map(|(_, note)| note.clone())
    }

    fn told_by(mut self, change: &ChangeRecord, rule: &RuleRecord, now: Option<&Route>) -> Self {
        let shown_now = rule.key.find_in_any_writing(&self.rules);
        if let Some(key) = shown_now.map(|rule| rule.key.clone()) {
            self.rules.retain(|rule| rule.key != key);
        }
        self.rules.extend(now.cloned());
        let caller = shown(rule.key.ani.as_str(), 64);
        let now = now.map_or("it does not exist".to_owned(), |now| {
            format!("it goes to {}", now.goes_to())
        });
        let note = match change.status {
            ChangeStatus::Open => format!(
                "change {} to the rule of \"{caller}\" was sent a moment ago and its outcome is not known yet: perhaps {now}",
                change.id
            ),
            _ => format!(
                "the list does not show change {} to the rule of \"{caller}\" yet; SkySwitch accepted it, so {now}. {} shows it",
                change.id,
                Operation::ListChanges
            ),
        };
        self.told.push((rule.key.ani.clone(), note));
        self
    }
}

impl App {
    /// Reads the rules of a domain, and counts as made what this installation
    /// was told to be made a moment ago and the list still shows as before. A
    /// list that has once shown a change is believed from then on.
    ///
    /// A new rule of which nobody knows yet whether it was made counts, too,
    /// unless `is_again` says that the very same is asked for once more.
    ///
    /// # Errors
    /// The service's and the store's errors.
    pub(in crate::ops) async fn present_rules(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        is_again: impl Fn(&Route) -> bool,
    ) -> Result<PresentRules> {
        let client = self.client()?;
        let (rules, recent) = tokio::join!(
            client.routes_now(account, Some(domain)),
            self.recent_changes(account, domain)
        );
        let mut present = PresentRules {
            rules: rules?.as_ref().clone(),
            told: Vec::new(),
        };
        for changes in by_rule(&recent?) {
            if let Some((change, rule, now)) = outvoted(&changes, &present.rules, &is_again) {
                present = present.told_by(change, rule, now);
            }
        }
        Ok(present)
    }

    async fn recent_changes(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Vec<ChangeRecord>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let lately = TimeSpan::last(LAG, now());
        store
            .rule_changes_within(journal.realm(), account.as_str(), domain.as_str(), lately)
            .await
    }
}

/// A change to a VIP rule.
type OfRule<'a> = (&'a ChangeRecord, &'a RuleRecord);

/// The changes to each rule, in their order.
fn by_rule(changes: &[ChangeRecord]) -> Vec<Vec<OfRule<'_>>> {
    let number = |text: &str| {
        PhoneNumber::from_stored(text)
            .map_or_else(|| text.to_owned(), |number| number.as_str().to_owned())
    };
    let mut places = HashMap::new();
    let mut rules: Vec<Vec<OfRule<'_>>> = Vec::new();
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
        match rules.get_mut(place) {
            Some(changes) => changes.push((change, rule)),
            None => rules.push(vec![(change, rule)]),
        }
    }
    rules
}

/// The newest change to a rule and what it made of it, where the list shows the
/// rule as it was before that change, or before earlier ones that it has not
/// shown either.
fn outvoted<'a>(
    changes: &[OfRule<'a>],
    listed: &[Route],
    is_again: impl Fn(&Route) -> bool,
) -> Option<(&'a ChangeRecord, &'a RuleRecord, Option<&'a Route>)> {
    let newest = changes.len().checked_sub(1)?;
    let (change, rule) = changes[newest];
    let shown_now = rule.key.find_in_any_writing(listed);
    let now = match change.status {
        ChangeStatus::Done if !was_shown(changes, newest) => match rule.was_read {
            true => rule.wanted.as_ref(),
            false => rule.after.as_ref(),
        },
        ChangeStatus::Open => {
            let wanted = rule.wanted.as_ref().filter(|wanted| !is_again(wanted))?;
            return shown_now.is_none().then_some((change, rule, Some(wanted)));
        }
        _ => return None,
    };
    let mut unseen = (0..=newest)
        .rev()
        .take_while(|index| !was_shown(changes, *index));
    let is_older =
        unseen.any(|index| Route::are_alike(shown_now, changes[index].1.before.as_ref()));
    let is_as_made = Route::are_alike(shown_now, now);
    (!is_as_made && is_older).then_some((change, rule, now))
}

/// Whether a read has shown the list with this change. One that showed the rule
/// as it was before an earlier change was as late as the list is.
fn was_shown(changes: &[OfRule<'_>], index: usize) -> bool {
    let (_, rule) = changes[index];
    let read = rule.after.as_ref();
    let is_older = |(_, earlier): &OfRule<'_>| Route::are_alike(read, earlier.before.as_ref());
    let is_late =
        !Route::are_alike(read, rule.wanted.as_ref()) && changes[..index].iter().any(is_older);
    rule.was_read && !is_late
}
