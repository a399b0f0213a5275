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
/// The caller's own rules come first. Where there are none, rules stored with
/// wildcards that may match the caller: whether the service matches those is
/// not documented.
pub fn answering_without<'a>(
    rule: &RouteKey,
    routes: impl Iterator<Item = &'a Route> + Clone,
) -> Vec<Route> {
    let others = routes.filter(|other| other.key != *rule);
    let is_dialled = |dnis: &Dnis| dnis.same_as(&rule.dnis);
    let own = others
        .clone()
        .filter(|o| o.key.ani.is_same_caller(&rule.ani));
    let own = CallerRules::of(own, is_dialled);
    let patterns = || {
        CallerRules::of(
            others.filter(|o| o.key.ani.may_match(&rule.ani)),
            is_dialled,
        )
    };
    let rules = match own.deciding().is_empty() {
        true => patterns(),
        false => own,
    };
    rules.deciding().iter().copied().cloned().collect()
}
