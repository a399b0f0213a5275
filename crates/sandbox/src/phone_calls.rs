//! Simulated calls: who rings when somebody dials a number.
//!
//! Sources: Route by ANI as the SkySwitch documents describe it, dial translation and answering
//! rules of NetSapiens. A number rings a user; a user who forwards always to `route_by_ani` hands
//! the call to the VIP rules, and what these do not match to the dial rules.

use crate::tenant::customer::{ANY, ROUTE_BY_ANI, StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::customers::Customers;
use crate::tenant::rows::{Key, national};
use crate::tenant::stored::StoredRoute;

/// How often a call is forwarded at most.
const FORWARDS: usize = 5;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It rings here: an extension such as `101`, a device such as `302b`, or an address as
    /// stored (`sip:…`). A mailbox that answers counts as its extension.
    Rings(String),
    /// It leaves what is simulated: the number goes to this treatment or type of route
    /// (`callqueue`, `forward`, …).
    Elsewhere(String),
    /// Nobody answers: the caller is cut off.
    Dropped,
}

/// Telephone calls to what customers hold.
pub(crate) struct Exchange<'a> {
    customers: &'a Customers,
    /// Whether a rule stored for the caller `*` answers every caller without a rule of their own.
    wildcard_matches_callers: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(customers: &'a Customers, wildcard_matches_callers: bool) -> Exchange<'a> {
        Exchange {
            customers,
            wildcard_matches_callers,
        }
    }

    /// Numbers whose route goes to a `route_by_ani` user and on which a caller who is no VIP is
    /// dropped.
    pub(crate) fn dropped_numbers(&self) -> Vec<String> {
        let numbers = self.customers.numbers.iter();
        numbers
            .filter(|number| self.is_routed_by_ani(number))
            .filter(|number| self.call(number, None) == Outcome::Dropped)
            .map(|number| number.number.clone())
            .collect()
    }

    /// A call to `did` from `caller`, both in any spelling.
    pub(crate) fn who_rings(&self, did: &str, caller: &str) -> Outcome {
        match self.customers.numbers.at(&Key::number(did)).next() {
            Some(number) => self.call(number, Some(caller)),
            None => Outcome::Dropped,
        }
    }

    fn is_routed_by_ani(&self, number: &StoredNumber) -> bool {
        number.routed_user().is_some_and(|(user, domain)| {
            let reached = self.reached(domain, user);
            user == ROUTE_BY_ANI || reached.is_some_and(StoredSubscriber::is_ani_user)
        })
    }

    /// The user that a call to one comes to, which each forwards always to another of the domain,
    /// or to a number that goes to one.
    fn reached(&self, domain: &str, user: &str) -> Option<&'a StoredSubscriber> {
        let mut reached = self.user(domain, user)?;
        for _ in 0..FORWARDS {
            let mut targets = reached.forward_targets();
            let target = |target| self.user(domain, target).or_else(|| self.user_of(target));
            match targets.find_map(target) {
                Some(next) => reached = next,
                None => break,
            }
        }
        Some(reached)
    }

    /// The user that a number of the account goes to.
    fn user_of(&self, did: &str) -> Option<&'a StoredSubscriber> {
        national(did)?;
        let number = self.customers.numbers.at(&Key::number(did)).next()?;
        let (user, domain) = number.routed_user()?;
        self.user(domain, user)
    }

    /// A call from `caller`; None is somebody who is no VIP.
    fn call(&self, number: &StoredNumber, caller: Option<&str>) -> Outcome {
        if number.route.is_null() || number.route["route"]["enable"] == "no" {
            return Outcome::Dropped;
        }
        let Some((user, domain)) = number.routed_user() else {
            return elsewhere(number);
        };
        let Some(called) = self.reached(domain, user) else {
            return Outcome::Dropped;
        };
        if !called.forwards_to(ROUTE_BY_ANI) {
            return ring(called);
        }
        let vip = caller.and_then(|caller| self.vip_rule(domain, &number.number, caller));
        match vip {
            Some(rule) => self.follow_vip_rule(rule),
            None => self.follow_fallback(domain),
        }
    }

    /// The rule for exactly this called number, else the one for any.
    fn vip_rule(&self, domain: &str, did: &str, caller: &str) -> Option<&StoredRoute> {
        let key = Key::caller(domain, caller);
        let rules = || self.customers.routes.at(&key);
        let exact = rules().find(|rule| {
            let dnis = rule.dnis.specific();
            dnis.is_some_and(|dnis| same_number(dnis, did))
        });
        exact
            .or_else(|| rules().find(|rule| rule.dnis.specific().is_none()))
            .or_else(|| self.catch_all_rule(domain))
    }

    /// The rule stored for the caller `*`, where the service takes that for any caller.
    fn catch_all_rule(&self, domain: &str) -> Option<&StoredRoute> {
        let mut rules = self.customers.routes.at(&Key::caller(domain, ANY));
        rules.find(|rule| self.wildcard_matches_callers && rule.dnis.specific().is_none())
    }

    fn follow_vip_rule(&self, rule: &StoredRoute) -> Outcome {
        let application = rule.application.as_deref().unwrap_or("user");
        // Rules are stored as `101`, `user:101`, `101@domain` or `sip:101@domain`.
        let bare = ["user:", "device:", "sip:"]
            .iter()
            .find_map(|prefix| rule.destination.strip_prefix(prefix))
            .unwrap_or(&rule.destination);
        let (name, domain) = bare.split_once('@').unwrap_or((bare, &rule.domain));
        if application.eq_ignore_ascii_case("literal") {
            return Outcome::Rings(rule.destination.clone());
        }
        if application.eq_ignore_ascii_case("device") {
            let known = self.has_device(domain, name);
            return if known {
                Outcome::Rings(name.to_owned())
            } else {
                Outcome::Dropped
            };
        }
        self.ring_user(domain, name)
    }

    fn follow_fallback(&self, domain: &str) -> Outcome {
        let Some(rule) = self.fallback(domain) else {
            return Outcome::Dropped;
        };
        let is_queue = |user: &StoredSubscriber| user.srv_code == "system-queue";
        if rule.application == "to-user" && self.user(domain, &rule.to_user).is_some_and(is_queue) {
            // A queue is reached by its own application only.
            return Outcome::Dropped;
        }
        if rule.application == "to-connection" {
            return Outcome::Rings(format!("{}@{}", rule.to_user, rule.to_host));
        }
        if !rule.application.starts_with("to-") && rule.application != "call-queuing" {
            return Outcome::Dropped;
        }
        match rule.to_host.as_str() {
            "" | "[*]" | ANY => self.ring_user(domain, &rule.to_user),
            host => self.ring_user(host, &rule.to_user),
        }
    }

    /// Rings a destination; one that forwards to `route_by_ani` again would go in circles.
    fn ring_user(&self, domain: &str, user: &str) -> Outcome {
        match self.user(domain, user) {
            Some(user) if !user.forwards_to(ROUTE_BY_ANI) => ring(user),
            _ => Outcome::Dropped,
        }
    }

    fn user(&self, domain: &str, user: &str) -> Option<&'a StoredSubscriber> {
        let key = Key::name(domain, user);
        self.customers.subscribers.at(&key).next()
    }

    /// The first enabled rule of a domain for callers who are no VIP.
    fn fallback(&self, domain: &str) -> Option<&'a StoredDialRule> {
        let mut rules = self.customers.dial_rules.at(&Key::domain(domain));
        rules.find(|rule| rule.enabled && rule.is_by_ani() && rule.match_from == ANY)
    }

    fn has_device(&self, domain: &str, device: &str) -> bool {
        let mut users = self.customers.subscribers.at(&Key::domain(domain));
        users.any(|user| user.devices.iter().any(|known| known == device))
    }
}

/// A user who has something that answers.
fn ring(user: &StoredSubscriber) -> Outcome {
    let forwards = user.forward_targets().next().is_some();
    // Queues and attendants answer without a device.
    let answers_itself = user.srv_code.starts_with("system-") && user.srv_code != "system-user";
    if user.devices.is_empty() && !user.voicemail && !forwards && !answers_itself {
        return Outcome::Dropped;
    }
    Outcome::Rings(user.user.clone())
}

/// A route to something other than a user; a parked number rings nobody.
fn elsewhere(number: &StoredNumber) -> Outcome {
    let kind = number.route["type"].as_str().unwrap_or_default();
    let treatment = number.route["route"]["treatment"].as_str();
    match (kind, treatment) {
        // A rule that leads to a user whom no subscriber list shows does not count.
        ("pbx", Some("domain" | "reseller" | "user") | None) => Outcome::Dropped,
        ("pbx", Some(treatment)) => Outcome::Elsewhere(treatment.to_owned()),
        (kind, _) => Outcome::Elsewhere(kind.to_owned()),
    }
}

/// Whether both are one number, with or without country code; other text must be equal.
fn same_number(left: &str, right: &str) -> bool {
    match (national(left), national(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}
