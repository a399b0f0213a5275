//! What a test sees and does behind the client's back, and calls it makes.

use crate::Sandbox;
use crate::phone_calls::{Exchange, Outcome};
use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::habits::PbxHabits;
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
        self.upstream.held().tenant.routes.clone()
    }

    /// Stores `route` behind the client's back, as another user of the account would.
    ///
    /// Replaces a route of the same key (domain, ANI, DNIS). Visible at once.
    pub fn put_route(&self, route: StoredRoute) {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let routes = &mut held.tenant.routes;
        match routes.iter_mut().find(|held| held.has_key_of(&route)) {
            Some(existing) => *existing = route,
            None => routes.push(route),
        }
    }

    /// Deletes the route of this key behind the client's back; true when there was one.
    ///
    /// `ani` is compared exactly as stored. Visible at once.
    pub fn delete_route(&self, domain: &str, ani: &str, dnis: &StoredDnis) -> bool {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let routes = &mut held.tenant.routes;
        let before = routes.len();
        routes.retain(|route| !route.has_key(domain, ani, dnis.specific()));
        routes.len() < before
    }

    /// The domains upstream holds, those just created too.
    pub fn domains(&self) -> Vec<StoredDomain> {
        self.upstream.held().tenant.domains.clone()
    }

    /// The users upstream holds.
    pub fn subscribers(&self) -> Vec<StoredSubscriber> {
        self.upstream.held().tenant.subscribers.clone()
    }

    /// The telephone numbers upstream holds, with their routes.
    pub fn numbers(&self) -> Vec<StoredNumber> {
        self.upstream.held().tenant.numbers.clone()
    }

    /// The dial rules upstream holds.
    pub fn dial_rules(&self) -> Vec<StoredDialRule> {
        self.upstream.held().tenant.dial_rules.clone()
    }

    /// Stores a user behind the client's back; replaces the one of that domain and extension.
    pub fn put_subscriber(&self, subscriber: StoredSubscriber) {
        let mut held = self.upstream.held();
        let subscribers = &mut held.tenant.subscribers;
        let same = |held: &&mut StoredSubscriber| held.is(&subscriber.domain, &subscriber.user);
        match subscribers.iter_mut().find(same) {
            Some(existing) => *existing = subscriber,
            None => subscribers.push(subscriber),
        }
        held.accept_dropped();
    }

    /// Deletes a user behind the client's back; true when there was one.
    pub fn remove_subscriber(&self, domain: &str, user: &str) -> bool {
        let mut held = self.upstream.held();
        let subscribers = &mut held.tenant.subscribers;
        let before = subscribers.len();
        subscribers.retain(|held| !held.is(domain, user));
        let removed = subscribers.len() < before;
        held.accept_dropped();
        removed
    }

    /// Stores a number and its route behind the client's back; replaces that number. Visible at
    /// once.
    pub fn put_number(&self, number: StoredNumber) {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let numbers = &mut held.tenant.numbers;
        let same = |held: &&mut StoredNumber| held.number == number.number;
        match numbers.iter_mut().find(same) {
            Some(existing) => *existing = number,
            None => numbers.push(number),
        }
        held.accept_dropped();
    }

    /// Adds a dial rule, as SkySwitch support does on a ticket.
    pub fn add_dial_rule(&self, rule: StoredDialRule) {
        let mut held = self.upstream.held();
        held.tenant.dial_rules.push(rule);
        held.accept_dropped();
    }

    /// Deletes the `route_by_ani` rules of a domain, as SkySwitch support may by mistake; true
    /// when there were any. Other rules of its plans stay.
    pub fn remove_dial_rules(&self, domain: &str) -> bool {
        let mut held = self.upstream.held();
        let rules = &mut held.tenant.dial_rules;
        let before = rules.len();
        rules.retain(|rule| !(rule.domain.eq_ignore_ascii_case(domain) && rule.is_by_ani()));
        let removed = rules.len() < before;
        held.accept_dropped();
        removed
    }

    /// Changes how the PBX side answers from now on.
    pub fn set_pbx_habits(&self, habits: PbxHabits) {
        self.upstream.held().tenant.pbx = habits;
    }

    /// Who rings when `caller` dials `did`; both in any spelling, `caller` may be no number.
    pub fn who_rings(&self, did: &str, caller: &str) -> Outcome {
        let held = self.upstream.held();
        Exchange::new(&held.tenant).who_rings(did, caller)
    }

    /// Numbers that go to a `route_by_ani` user and on which a caller who is no VIP is dropped
    /// now.
    pub fn dropped_numbers(&self) -> Vec<String> {
        let held = self.upstream.held();
        Exchange::new(&held.tenant).dropped_numbers()
    }

    /// Numbers that a request made drop their callers, in order, each once.
    ///
    /// Looked at after every single change, so one that was put right at once counts too. What
    /// was dropped at the start or through a change behind the client's back does not count.
    pub fn ever_dropped(&self) -> Vec<String> {
        self.upstream.held().ever_dropped().to_vec()
    }
}
