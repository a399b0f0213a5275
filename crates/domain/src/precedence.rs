//! Which rule decides a call.
//!
//! SkySwitch documents no order of the rules (SkySwitch API reference,
//! Route-by-ANI). Everything here assumes that a rule for the dialled number
//! comes before one for any number; `explain_call` says so.

use super::{Dnis, Route, RouteKey};

/// The rules of one caller that matter to one call.
pub struct CallerRules<'a> {
    /// Rules for the dialled number.
    pub exact: Vec<&'a Route>,
    /// Rules for any number.
    pub any: Vec<&'a Route>,
}

impl<'a> CallerRules<'a> {
    /// Sorts the rules of one caller by what they say of a call.
    pub fn of(
        rules: impl IntoIterator<Item = &'a Route>,
        is_dialled: impl Fn(&Dnis) -> bool,
    ) -> CallerRules<'a> {
        let (any, particular): (Vec<&Route>, Vec<&Route>) =
            rules.into_iter().partition(|route| route.key.dnis.is_any());
        let exact = particular.into_iter();
        CallerRules {
            exact: exact.filter(|rule| is_dialled(&rule.key.dnis)).collect(),
            any,
        }
    }

    /// The rules that decide the call: several only where the caller is stored
    /// in several writings.
    pub fn deciding(&self) -> &[&'a Route] {
        match self.exact.is_empty() {
            true => &self.any,
            false => &self.exact,
        }
    }
}

/// The rules that decide the calls of a rule wherever that rule does not
/// exist: before it is created, or after it is removed.
///
/// The caller's own rules come first. Where there are none, rules that may match
/// the caller: whether the service matches wildcards, and whether it takes a
/// number with marks beside it for the number, is not documented. The same holds
/// for the dialled number.
pub fn answering_without<'a>(
    rule: &RouteKey,
    routes: impl Iterator<Item = &'a Route> + Clone,
) -> Vec<Route> {
    let others = routes.filter(|other| other.key != *rule);
    let own = others
        .clone()
        .filter(|other| other.key.ani.is_same_caller(&rule.ani));
    let own = perhaps_deciding(rule, own);
    let rules = match own.is_empty() {
        true => perhaps_deciding(
            rule,
            others.filter(|other| other.key.ani.may_match(&rule.ani)),
        ),
        false => own,
    };
    rules.into_iter().cloned().collect()
}

/// The rules for the dialled number, or else those that may hold for it.
fn perhaps_deciding<'a>(
    rule: &RouteKey,
    rules: impl Iterator<Item = &'a Route> + Clone,
) -> Vec<&'a Route> {
    let of_caller = CallerRules::of(rules.clone(), |dnis| dnis.same_as(&rule.dnis));
    if !of_caller.exact.is_empty() {
        return of_caller.exact;
    }
    let may_hold =
        |other: &&Route| other.key.dnis.is_unclear() && other.key.dnis.may_cover(&rule.dnis);
    let mut deciding = of_caller.any;
    deciding.extend(rules.filter(may_hold));
    deciding
}
