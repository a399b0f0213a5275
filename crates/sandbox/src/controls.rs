//! What a test sees and does behind the client's back, and calls it makes.

use crate::Sandbox;
use crate::phone_calls::Outcome;
use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::habits::PbxHabits;
use crate::tenant::rows::Key;
use crate::tenant::stored::{StoredDnis, StoredDomain, StoredRoute};

/// What a request did to a VIP rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleEffect {
    /// The rule's PBX domain.
    pub domain: String,
    /// The caller as stored.
    pub ani: String,
    /// The destination before; `None` where there was no rule.
    pub before: Option<String>,
    /// The destination afterwards; `None` where the rule is gone.
    pub after: Option<String>,
}

impl Sandbox {
    /// What requests did to VIP rules, in order. A request that changed nothing is not in it.
    pub fn rule_log(&self) -> Vec<RuleEffect> {
        self.upstream.held().rule_log.clone()
    }

    /// What upstream holds now, in stored order, whatever [`crate::Tenant::read_lag`] still hides.
    pub fn routes(&self) -> Vec<StoredRoute> {
        all(self.upstream.held().customers.routes.iter())
    }

    /// Stores `route` behind the client's back, as another user of the account would.
    ///
    /// Replaces a route of the same key (domain, ANI, DNIS). Visible at once.
    pub fn put_route(&self, route: StoredRoute) {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let (key, same) = (Key::caller(&route.domain, &route.ani), route.clone());
        let routes = &mut held.customers.routes;
        routes.put(&key, |held| held.has_key_of(&same), route);
    }

    /// Deletes the route of this key behind the client's back; true when there was one.
    ///
    /// `ani` is compared exactly as stored. Visible at once.
    pub fn delete_route(&self, domain: &str, ani: &str, dnis: &StoredDnis) -> bool {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let routes = &mut held.customers.routes;
        let is_meant = |route: &StoredRoute| route.has_key(domain, ani, dnis.specific());
        !routes
            .remove(&Key::caller(domain, ani), is_meant)
            .is_empty()
    }

    /// The domains upstream holds, those just created too.
    pub fn domains(&self) -> Vec<StoredDomain> {
        all(self.upstream.held().customers.domains.iter())
    }

    /// The users upstream holds.
    pub fn subscribers(&self) -> Vec<StoredSubscriber> {
        all(self.upstream.held().customers.subscribers.iter())
    }

    /// The telephone numbers upstream holds, with their routes.
    pub fn numbers(&self) -> Vec<StoredNumber> {
        all(self.upstream.held().customers.numbers.iter())
    }

    /// The dial rules upstream holds.
    pub fn dial_rules(&self) -> Vec<StoredDialRule> {
        all(self.upstream.held().customers.dial_rules.iter())
    }

    /// Stores a user behind the client's back; replaces the one of that domain and extension.
    pub fn put_subscriber(&self, subscriber: StoredSubscriber) {
        let mut held = self.upstream.held();
        let key = Key::name(&subscriber.domain, &subscriber.user);
        held.customers.subscribers.put(&key, |_| true, subscriber);
        held.accept_dropped();
    }

    /// Deletes a user behind the client's back; true when there was one.
    pub fn remove_subscriber(&self, domain: &str, user: &str) -> bool {
        let mut held = self.upstream.held();
        let key = Key::name(domain, user);
        let removed = held.customers.subscribers.remove(&key, |_| true);
        held.accept_dropped();
        !removed.is_empty()
    }

    /// Stores a number and its route behind the client's back; replaces that number. Visible at
    /// once.
    pub fn put_number(&self, number: StoredNumber) {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let (key, same) = (Key::number(&number.number), number.number.clone());
        let numbers = &mut held.customers.numbers;
        numbers.put(&key, |held| held.number == same, number);
        held.accept_dropped();
    }

    /// Adds a dial rule, as SkySwitch support does on a ticket.
    pub fn add_dial_rule(&self, rule: StoredDialRule) {
        let mut held = self.upstream.held();
        held.customers.dial_rules.push(rule);
        held.accept_dropped();
    }

    /// Deletes the `route_by_ani` rules of a domain, as SkySwitch support may by mistake; true
    /// when there were any. Other rules of its plans stay.
    pub fn remove_dial_rules(&self, domain: &str) -> bool {
        let mut held = self.upstream.held();
        let rules = &mut held.customers.dial_rules;
        let removed = rules.remove(&Key::domain(domain), StoredDialRule::is_by_ani);
        held.accept_dropped();
        !removed.is_empty()
    }

    /// Changes how the PBX side answers from now on.
    pub fn set_pbx_habits(&self, habits: PbxHabits) {
        self.upstream.held().tenant.pbx = habits;
    }

    /// Who rings when `caller` dials `did`; both in any spelling, `caller` may be no number.
    pub fn who_rings(&self, did: &str, caller: &str) -> Outcome {
        self.upstream.held().exchange().who_rings(did, caller)
    }

    /// Numbers that go to a `route_by_ani` user and on which a caller who is no VIP is dropped
    /// now.
    pub fn dropped_numbers(&self) -> Vec<String> {
        self.upstream.held().exchange().dropped_numbers()
    }

    /// Numbers that a request made drop their callers, in order, each once.
    ///
    /// Looked at after every single change, so one that was put right at once counts too. What
    /// was dropped at the start or through a change behind the client's back does not count.
    pub fn ever_dropped(&self) -> Vec<String> {
        self.upstream.held().ever_dropped().to_vec()
    }
}

fn all<'a, T: Clone + 'a>(rows: impl Iterator<Item = &'a T>) -> Vec<T> {
    rows.cloned().collect()
}
