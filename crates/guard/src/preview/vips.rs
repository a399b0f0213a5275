//! Previews of VIP rules: caller, domain, where calls go today and where they will go
//! afterwards.

use std::collections::BTreeMap;

use super::{Effect, Fact, FactKind, Row, fact};
use crate::{CustomerNames, Doubt, RuleChange};
use skyswitch_domain::Route;
use skyswitch_domain::redact::shown;

/// Longer than any destination that is accepted, so that two never look alike
/// for want of room.
pub(super) const DESTINATION_LIMIT: usize = 300;

/// Additions of a plan that are shown one by one. Those that a person has to
/// look at are shown in any case.
const ADDITIONS_SHOWN: usize = 50;

/// A single change in one line.
pub(super) fn heading(change: &RuleChange, customer: &str) -> String {
    let verb = match effect_of(change) {
        Effect::Remove => "Remove",
        Effect::Replace => "Replace",
        _ => "Add",
    };
    format!("{verb} VIP {} in {customer}", change.ani())
}

/// One rule, before and after.
pub(super) fn details(change: &RuleChange, names: &CustomerNames) -> Vec<Fact> {
    let key = change.key();
    let stored = shown(key.ani.as_str(), 64);
    let called = match key.dnis.is_any() {
        true => "any number of the customer".to_owned(),
        false => key.dnis.to_string(),
    };
    let mut facts = vec![
        fact(
            FactKind::Caller,
            format!("{} (stored as \"{stored}\")", key.ani),
        ),
        fact(FactKind::CalledNumber, called),
        fact(FactKind::Today, answer(change, change.before(), names)),
        fact(FactKind::Afterwards, answer(change, change.after(), names)),
    ];
    facts.extend(kept_here(change));
    facts.extend(at_risk(change, change.at_risk(), names));
    facts
}

/// What is kept here of the rule, or was.
fn kept_here(change: &RuleChange) -> impl Iterator<Item = Fact> + use<> {
    let until = change.note().and_then(|note| note.until.as_ref());
    let until = until.map(|until| {
        format!(
            "after {}: the rule is removed then, and nobody is asked again",
            until.day
        )
    });
    let known_as = known_as(change).map(|text| fact(FactKind::KnownAs, text));
    let lost = change.no_longer_applies();
    known_as
        .into_iter()
        .chain(until.map(|until| fact(FactKind::Until, until)))
        .chain(lost.map(|lost| fact(FactKind::NoLongerApplies, format!("{lost}."))))
}

/// Characters of a note in a preview: all, also where each is written as its number.
const NOTE: usize = 2_000;

/// Who the caller is: of a rule that goes, by what was kept of it.
fn known_as(change: &RuleChange) -> Option<String> {
    let note = match change.after() {
        Some(_) => change.note(),
        None => change.kept(),
    };
    Some(shown(note?.text.as_deref()?, NOTE))
}

/// How many rules a plan adds, replaces, removes and keeps.
pub(super) fn counts(changes: &[&RuleChange], kept: usize) -> Fact {
    let of = |effect| {
        let alike = changes.iter().filter(|change| effect_of(change) == effect);
        alike.count()
    };
    let counts = format!(
        "Add {}, replace {}, remove {}; {kept} stay as they are",
        of(Effect::Add),
        of(Effect::Replace),
        of(Effect::Remove),
    );
    fact(FactKind::Counts, counts)
}

/// A whole plan: line by line what is lost, whose calls are taken away, which
/// destinations look wrong, and who is protected or has a rule already; where there are many more additions, how
/// many go where. Nothing that is agreed to stays hidden, however long that
/// makes it.
pub(super) fn rows(changes: &[&RuleChange], names: &CustomerNames) -> Vec<Row> {
    let (one_by_one, counted) = in_order(changes);
    let one_by_one = one_by_one.into_iter().map(|change| row(change, names));
    one_by_one.chain(count(&counted, names)).collect()
}

/// The changes that are shown one by one, in their order, and those that are counted.
pub(super) fn in_order<'a>(
    changes: &[&'a RuleChange],
) -> (Vec<&'a RuleChange>, Vec<&'a RuleChange>) {
    let of = |effect| {
        let alike = changes.iter().copied();
        alike.filter(move |change| effect_of(change) == effect)
    };
    let (notable, mut plain): (Vec<_>, Vec<_>) = of(Effect::Add).partition(is_notable);
    let counted = plain.split_off(plain.len().min(ADDITIONS_SHOWN));
    let one_by_one = of(Effect::Remove)
        .chain(of(Effect::Replace))
        .chain(notable)
        .chain(plain);
    (one_by_one.collect(), counted)
}

fn effect_of(change: &RuleChange) -> Effect {
    match (change.before(), change.after()) {
        (_, None) => Effect::Remove,
        (None, Some(_)) => Effect::Add,
        (Some(_), Some(_)) => Effect::Replace,
    }
}

/// One row for each destination of further additions, with their number.
fn count(changes: &[&RuleChange], names: &CustomerNames) -> impl Iterator<Item = Row> {
    let mut places = BTreeMap::<String, usize>::new();
    for route in changes.iter().filter_map(|change| change.after()) {
        *places.entry(place(route, names)).or_default() += 1;
    }
    places.into_iter().map(|(place, callers)| Row {
        effect: Effect::AddSeveral,
        subject: place,
        outcome: Some(callers.to_string()),
        facts: Vec::new(),
    })
}

/// Whether an addition is shown by itself, however many there are.
fn is_notable(change: &&RuleChange) -> bool {
    doubt(change).is_some() || change.takes_calls() || change.remark().is_some()
}

/// Why the destination looks wrong. That calls leave the domain is seen from
/// the rule alone.
pub(super) fn doubt(change: &RuleChange) -> Option<Doubt> {
    let leaves = change.after().is_some_and(Route::leaves_domain);
    change.doubt().or(leaves.then_some(Doubt::Outside))
}

fn row(change: &RuleChange, names: &CustomerNames) -> Row {
    let key = change.key();
    let called = match key.dnis.is_any() {
        true => String::new(),
        false => format!(" when dialling {}", key.dnis),
    };
    let calls = match (change.before(), change.after()) {
        (Some(before), Some(after)) => {
            format!("{} -> {}", place(before, names), place(after, names))
        }
        (Some(route), None) | (None, Some(route)) => place(route, names),
        (None, None) => String::new(),
    };
    // Those of the same caller are counted, those of others named.
    let (of_caller, of_others): (Vec<&Route>, Vec<&Route>) = change
        .at_risk()
        .iter()
        .partition(|rule| rule.key.ani.is_same_caller(change.ani()));
    let along = match of_caller.len() {
        0 => String::new(),
        1 => " (the service may remove another rule of this caller along with it)".to_owned(),
        n => format!(" (the service may remove {n} other rules of this caller along with it)"),
    };
    let doubt = doubt(change).map_or(String::new(), |doubt| format!(" ({})", doubt.words()));
    let remark = change.remark().filter(|_| !change.takes_calls());
    let remark = remark.map_or(String::new(), |remark| format!(" ({})", remark.words()));
    let text = known_as(change).map_or(String::new(), |text| format!(" (note: {text})"));
    let until = change.note().and_then(|note| note.until.as_ref());
    let until = until.map_or(String::new(), |until| format!(" (until {})", until.day));
    let lost = change.no_longer_applies();
    let lost = lost.map_or(String::new(), |lost| format!(" ({})", uncapitalised(&lost)));
    let taken = match change.takes_calls() {
        true => format!(" (today: {})", answer(change, None, names)),
        false => String::new(),
    };
    Row {
        effect: effect_of(change),
        subject: format!("{} (\"{}\"){called}", key.ani, shown(key.ani.as_str(), 64)),
        outcome: Some(format!(
            "{calls}{text}{until}{lost}{doubt}{taken}{remark}{along}"
        )),
        facts: at_risk(change, of_others, names).collect(),
    }
}

fn place(route: &Route, names: &CustomerNames) -> String {
    let place = format!(
        "{} \"{}\"",
        route.kind_of_place(),
        shown(route.destination.as_str(), DESTINATION_LIMIT).replace('"', "\\\"")
    );
    match names.user(route) {
        Some(name) => format!("{name} ({place})"),
        None => place,
    }
}

/// A sentence inside another one.
pub(super) fn uncapitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// The service does not say whether a delete without called number, or with
/// wildcards, takes other rules along.
fn at_risk<'a>(
    change: &RuleChange,
    rules: impl IntoIterator<Item = &'a Route>,
    names: &CustomerNames,
) -> impl Iterator<Item = Fact> {
    rules.into_iter().map(|rule| {
        let caller = match rule.key.ani.is_same_caller(change.ani()) {
            true => String::new(),
            false => format!("caller \"{}\", ", shown(rule.key.ani.as_str(), 64)),
        };
        let text = format!(
            "{caller}dialled number {}, {}",
            rule.key.dnis,
            goes_to(rule, names)
        );
        fact(FactKind::MayBeRemoved, text)
    })
}

/// Who answers the calls that a change is about: its rule, or where it does
/// not exist, what decides then.
pub(super) fn answer(change: &RuleChange, rule: Option<&Route>, names: &CustomerNames) -> String {
    if let Some(rule) = rule {
        return goes_to(rule, names);
    }
    let rules = change.answering_without();
    let Some(first) = rules.first() else {
        return NO_RULE.to_owned();
    };
    let mut different = Vec::<&Route>::new();
    for rule in rules {
        if !different.iter().any(|other| other.same_destination(rule)) {
            different.push(rule);
        }
    }
    let places: Vec<String> = different
        .into_iter()
        .map(|rule| place(rule, names))
        .collect();
    let called = match first.key.dnis.is_any() {
        true => "any dialled number".to_owned(),
        false => format!("dialled number {}", first.key.dnis),
    };
    let dnis = &first.key.dnis;
    let is_dialled = dnis.is_any() || dnis.same_as(&change.key().dnis);
    if !is_dialled || !first.key.ani.is_same_caller(change.ani()) {
        let what = match first.key.ani.is_pattern() || dnis.is_unclear() {
            true => "matches wildcards",
            false => "takes the two for one caller",
        };
        return format!(
            "perhaps goes to {} by the rule stored as \"{}\" for {called} (whether the service \
             {what} is not documented); otherwise {NO_RULE}",
            places.join(" or "),
            shown(first.key.ani.as_str(), 64),
        );
    }
    match places.as_slice() {
        [one] => format!("goes to {one} (this caller's rule for {called})"),
        several => format!(
            "goes to {} (this caller has several rules for {called} in different writings; \
             which one the service takes is not documented)",
            several.join(" or ")
        ),
    }
}

/// What decides where no VIP rule does.
const NO_RULE: &str = "no VIP rule: the call follows the dial translation rule; \
                       if that rule is missing, the call is dropped";

fn goes_to(route: &Route, names: &CustomerNames) -> String {
    format!("goes to {}", place(route, names))
}
