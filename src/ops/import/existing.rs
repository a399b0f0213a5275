//! The rules that exist, as an import looks them up.

use std::collections::HashMap;

use crate::ops::import::files;
use skyswitch_domain::{PhoneNumber, Route, RouteKey, answering_without};
use skyswitch_guard::RuleChange;

/// The existing rules, found by caller without going through all of them.
pub(super) struct ExistingRules<'a> {
    pub routes: &'a [Route],
    by_text: HashMap<&'a str, Vec<usize>>,
    by_number: HashMap<PhoneNumber, Vec<usize>>,
    /// Those stored with wildcards.
    patterns: Vec<&'a Route>,
    /// Those that may mean other numbers than they are read as, by these.
    unclear: HashMap<PhoneNumber, Vec<&'a Route>>,
}

impl<'a> ExistingRules<'a> {
    pub fn of(routes: &'a [Route]) -> ExistingRules<'a> {
        let mut by_text = HashMap::<_, Vec<usize>>::new();
        let mut by_number = HashMap::<_, Vec<usize>>::new();
        let mut unclear = HashMap::<_, Vec<&Route>>::new();
        for (index, route) in routes.iter().enumerate() {
            let text = route.key.ani.as_str();
            by_text.entry(text).or_default().push(index);
            let read = PhoneNumber::from_stored(text);
            let possible = PhoneNumber::possible_in(text);
            for number in possible.filter(|number| read.as_ref() != Some(number)) {
                unclear.entry(number).or_default().push(route);
            }
            if let Some(number) = read {
                by_number.entry(number).or_default().push(index);
            }
        }
        ExistingRules {
            routes,
            by_text,
            by_number,
            patterns: routes.iter().filter(|r| r.key.ani.is_pattern()).collect(),
            unclear,
        }
    }

    /// The rule stored under a key: exactly this caller and this called number.
    pub fn stored_under(&self, key: &RouteKey) -> Option<&'a Route> {
        let mut of_caller = self.by_text.get(key.ani.as_str())?.iter();
        let found = of_caller.find(|index| self.routes[**index].key.dnis.same_as(&key.dnis));
        found.map(|index| &self.routes[*index])
    }

    /// The rule stored under a key, or else for the same numbers in another writing.
    pub fn stored_for(&self, key: &RouteKey) -> Option<&'a Route> {
        let in_another_writing = || {
            let number = PhoneNumber::from_stored(key.ani.as_str())?;
            let mut of_caller = self.by_number.get(&number)?.iter();
            let found = of_caller.find(|index| self.routes[**index].key.dnis.same_as(&key.dnis));
            found.map(|index| &self.routes[*index])
        };
        self.stored_under(key).or_else(in_another_writing)
    }

    /// A change that writes a rule, with the rules that answer its calls
    /// wherever it does not exist.
    pub fn put(&self, before: Option<Route>, after: Route) -> RuleChange {
        let possible = PhoneNumber::possible_in(after.key.ani.as_str());
        let unclear: Vec<&Route> = possible
            .filter_map(|number| self.unclear.get(&number))
            .flatten()
            .copied()
            .collect();
        let patterns = self.patterns.iter().chain(&unclear).copied();
        let others = self.of_caller(&after).chain(patterns);
        let answering = answering_without(&after.key, others);
        RuleChange::put(before, after).answered_without_by(answering)
    }

    /// The rule that a row names: stored exactly so, else the same number.
    pub fn find(&self, wanted: &files::Row) -> Option<usize> {
        let same_dnis = |index: &&usize| {
            let dnis = &self.routes[**index].key.dnis;
            match &wanted.dnis {
                None => dnis.is_any(),
                Some(key) => key.matches(dnis),
            }
        };
        let given = wanted.ani.as_given();
        let exactly = [given, given.trim()]
            .into_iter()
            .find_map(|text| self.by_text.get(text)?.iter().find(same_dnis));
        let same_number = || {
            let number = wanted.ani.number()?;
            let sent = self
                .by_text
                .get(number.as_str())
                .and_then(|all| all.iter().find(same_dnis));
            sent.or_else(|| self.by_number.get(number)?.iter().find(same_dnis))
        };
        exactly.or_else(same_number).copied()
    }

    /// Whether exactly what a row says is stored.
    pub fn holds(&self, wanted: &files::Row) -> bool {
        let found = self.find(wanted).map(|index| &self.routes[index]);
        found.is_some_and(|route| {
            wanted.ani.is_exactly(&route.key.ani) && rings_as_written(wanted, route)
        })
    }

    /// The rules of a rule's caller, in any writing.
    pub fn of_caller(&self, rule: &Route) -> impl Iterator<Item = &'a Route> + Clone {
        let text = rule.key.ani.as_str();
        let indexes = PhoneNumber::from_stored(text)
            .and_then(|number| self.by_number.get(&number))
            .or_else(|| self.by_text.get(text));
        let routes = self.routes;
        indexes
            .into_iter()
            .flatten()
            .map(move |index| &routes[*index])
    }
}

/// Whether a rule is stored with exactly the destination that a row gives.
pub(super) fn rings_as_written(wanted: &files::Row, stored: &Route) -> bool {
    let said = wanted.application.as_deref();
    let is_said = said.is_none_or(|word| word == stored.application.as_str());
    is_said && (stored.destination.as_str() == wanted.destination || has_the_name(wanted, stored))
}

/// Whether a rule has what the row names somebody by as its destination, and was listed
/// so: with its application.
pub(super) fn has_the_name(wanted: &files::Row, stored: &Route) -> bool {
    wanted.name.as_deref() == Some(stored.destination.as_str())
        && wanted.application.as_deref() == Some(stored.application.as_str())
}
