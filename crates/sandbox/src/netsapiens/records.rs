//! What both generations of the PBX API do to what customers hold, apart from how they spell it.
//!
//! Sources: NetSapiens v1 collection and v2 OpenAPI (domains, subscribers, answering rules, dial
//! plans); path limits from v2.

use crate::netsapiens::answers::Trouble;
use crate::server::state::Held;
use crate::tenant::customer::{StoredAnsweringRule, StoredDialRule, StoredSubscriber};
use crate::tenant::habits::{DialPlanAccess, PbxHabits};
use crate::tenant::rows::Key;
use crate::tenant::stored::StoredDomain;

/// Longest name of a domain (NetSapiens v2).
const DOMAIN_LENGTH: usize = 64;
/// Longest id of a user (NetSapiens v2).
const USER_LENGTH: usize = 16;

/// What a call wants to do with a dial plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl PbxHabits {
    /// Refuses what the tenant may not do with dial plans.
    pub(crate) fn check_dial_plan(&self, access: Access) -> Result<(), Trouble> {
        match (self.dial_plan, access) {
            (DialPlanAccess::ReadWrite, _) | (DialPlanAccess::Read, Access::Read) => Ok(()),
            _ => Err(Trouble::Forbidden(self.v1_refusal)),
        }
    }
}

impl Held {
    pub(crate) fn find_domain(&self, domain: &str) -> Result<&StoredDomain, Trouble> {
        let mut found = self.customers.domains.at(&Key::domain(domain));
        found.next().ok_or(Trouble::Missing("Domain"))
    }

    pub(crate) fn find_user(&self, domain: &str, user: &str) -> Result<&StoredSubscriber, Trouble> {
        let mut found = self.customers.subscribers.at(&Key::name(domain, user));
        found.next().ok_or(Trouble::Missing("User"))
    }

    fn change_user<R>(
        &mut self,
        domain: &str,
        user: &str,
        change: impl FnOnce(&mut StoredSubscriber) -> Result<R, Trouble>,
    ) -> Result<R, Trouble> {
        let users = &mut self.customers.subscribers;
        let changed = users.change(&Key::name(domain, user), |_| true, change);
        changed.unwrap_or(Err(Trouble::Missing("User")))
    }

    /// Users of a domain, in stored order.
    pub(crate) fn users_of(&self, domain: &str) -> impl Iterator<Item = &StoredSubscriber> {
        self.customers.subscribers.of(Some(domain))
    }

    /// Creates a domain that the Telco list does not show before it is refreshed.
    ///
    /// The name of a deleted domain is as taken as that of a present one.
    pub(crate) fn create_domain(&mut self, new: StoredDomain) -> Result<(), Trouble> {
        if !is_name(&new.domain, DOMAIN_LENGTH) {
            return Err(Trouble::Invalid(vec!["domain"]));
        }
        let mut retired = self.customers.retired_domains.iter();
        let is_taken = self.find_domain(&new.domain).is_ok()
            || retired.any(|name| name.eq_ignore_ascii_case(&new.domain));
        if is_taken {
            return Err(Trouble::Duplicate("Domain"));
        }
        self.customers.domains.push(new.fresh());
        Ok(())
    }

    /// Creates a user in an existing domain.
    pub(crate) fn create_user(&mut self, mut new: StoredSubscriber) -> Result<(), Trouble> {
        if !is_name(&new.user, USER_LENGTH) {
            return Err(Trouble::Invalid(vec!["user"]));
        }
        new.domain = self.find_domain(&new.domain)?.domain.clone();
        if self.find_user(&new.domain, &new.user).is_ok() {
            return Err(Trouble::Duplicate("UID"));
        }
        if self.tenant.pbx.new_user_has_answering_rule {
            new.answering_rules.push(StoredAnsweringRule::plain());
        }
        self.customers.subscribers.push(new);
        Ok(())
    }

    /// Creates an answering rule; one for each time frame.
    pub(crate) fn create_answering_rule(
        &mut self,
        domain: &str,
        user: &str,
        new: StoredAnsweringRule,
    ) -> Result<(), Trouble> {
        self.change_user(domain, user, |user| {
            let rules = &mut user.answering_rules;
            if rules.iter().any(|rule| rule.time_frame == new.time_frame) {
                return Err(Trouble::Duplicate("Answer rule"));
            }
            rules.push(new);
            Ok(())
        })
    }

    /// Changes the answering rule of a time frame.
    pub(crate) fn change_answering_rule<R>(
        &mut self,
        domain: &str,
        user: &str,
        time_frame: &str,
        change: impl FnOnce(&mut StoredAnsweringRule) -> R,
    ) -> Result<R, Trouble> {
        self.change_user(domain, user, |user| {
            let mut rules = user.answering_rules.iter_mut();
            let rule = rules.find(|rule| rule.time_frame == time_frame);
            rule.map(change).ok_or(Trouble::Missing("Answer rule"))
        })
    }

    /// Creates a dial plan of a domain.
    pub(crate) fn create_dial_plan(&mut self, domain: &str, plan: &str) -> Result<(), Trouble> {
        self.tenant.pbx.check_dial_plan(Access::Write)?;
        if has_plan(self.find_domain(domain)?, plan) {
            return Err(Trouble::Duplicate("Dial plan"));
        }
        let add = |stored: &mut StoredDomain| stored.dial_plans.push(plan.to_owned());
        let domains = &mut self.customers.domains;
        domains.change(&Key::domain(domain), |_| true, add);
        Ok(())
    }

    /// Name of the dial plan in which a user's calls are looked up first.
    pub(crate) fn dial_plan_of(&self, user: &StoredSubscriber) -> String {
        match self.tenant.pbx.user_dial_plans {
            true => format!("{}_{}", user.domain, user.user),
            false => user.domain.clone(),
        }
    }

    /// The rules of a plan. A user's own plan ends with a chain to the domain's.
    pub(crate) fn rules_of_plan(&self, domain: &str, plan: &str) -> Vec<StoredDialRule> {
        let stored = self.customers.dial_rules.at(&Key::domain(domain));
        let mut rules: Vec<StoredDialRule> = stored
            .filter(|rule| rule.is_in(domain, plan))
            .cloned()
            .collect();
        if self.is_plan_of_a_user(domain, plan) {
            rules.push(StoredDialRule {
                plan: plan.to_owned(),
                application: format!("<{domain}>"),
                description: "Chain to the domain's plan".to_owned(),
                ..StoredDialRule::chain(domain)
            });
        }
        rules
    }

    fn is_plan_of_a_user(&self, domain: &str, plan: &str) -> bool {
        let is_own = |user| plan.eq_ignore_ascii_case(&self.dial_plan_of(user));
        self.tenant.pbx.user_dial_plans && self.users_of(domain).any(is_own)
    }

    /// Refuses a plan that the domain does not have.
    pub(crate) fn check_plan_exists(&self, domain: &str, plan: &str) -> Result<(), Trouble> {
        if self.is_plan_of_a_user(domain, plan) {
            return Ok(());
        }
        let exists = has_plan(self.find_domain(domain)?, plan);
        exists.then_some(()).ok_or(Trouble::Missing("Dial plan"))
    }

    /// Creates a dial rule in an existing plan; what it matches is its key.
    pub(crate) fn create_dial_rule(&mut self, new: StoredDialRule) -> Result<(), Trouble> {
        self.tenant.pbx.check_dial_plan(Access::Write)?;
        self.check_plan_exists(&new.domain, &new.plan)?;
        let same_key = |rule: &StoredDialRule| {
            rule.is_in(&new.domain, &new.plan)
                && rule.match_to == new.match_to
                && rule.match_from == new.match_from
        };
        let rules = &mut self.customers.dial_rules;
        if rules.at(&Key::domain(&new.domain)).any(same_key) {
            return Err(Trouble::Duplicate("Dial rule"));
        }
        rules.push(new);
        Ok(())
    }
}

fn has_plan(domain: &StoredDomain, plan: &str) -> bool {
    let mut plans = domain.dial_plans.iter();
    plans.any(|known| known.eq_ignore_ascii_case(plan))
}

/// Letters, digits, `.`, `_` and `-`, not empty and not too long.
fn is_name(text: &str, longest: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.len() <= longest && text.bytes().all(allowed)
}
