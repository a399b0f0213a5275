//! What is said of where a call goes.

use std::fmt::Write;

use super::{calls_and_destination, warnings};
use crate::ops::{CallExplained, DecidedBy, FallbackState, Names, NotKnown, UnknownFact};
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Ani, Argument, Dnis, Operation, Route};

/// Rules named in one sentence; the others are counted.
const NAMED: usize = 5;

/// Where a call goes, and what is not known of it.
pub(crate) fn explained(call: &CallExplained, names: &Names<'_>) -> String {
    let is_open = call.reaches_vip_list.is_none() && call.domain.is_some();
    let (first, unknown): (Vec<&NotKnown>, Vec<&NotKnown>) = call
        .unknown
        .iter()
        .partition(|unknown| is_open && unknown.fact.is_about_reaching());
    let mut text = String::new();
    for unknown in first {
        let _ = writeln!(text, "Not known: {}.", not_known(unknown));
    }
    if is_open {
        text.push_str("If the call comes to the VIP rules: ");
    }
    text.push_str(&verdict(call, names));
    if !call.vip_numbers.is_empty() {
        let numbers = call
            .vip_numbers
            .iter()
            .map(|number| Ani::from_stored(number));
        let numbers = first_few(NAMED, numbers);
        let _ = write!(text, "\nCalls to {numbers} reach the Route by ANI user.");
    } else if call.decided_by != DecidedBy::NumberRouting
        && let Some(goes_to) = &call.number_goes_to
    {
        let _ = write!(text, "\nThe dialled number goes to {goes_to}.");
    }
    for other in &call.other_rules {
        let (calls, to) = calls_and_destination(other, names);
        let _ = match (&call.rule, call.decided_by) {
            (Some(_), _) => write!(
                text,
                "\nAnother rule of this caller does not decide: by it, {calls} would go to {to}."
            ),
            (None, DecidedBy::NumberRouting) => write!(
                text,
                "\nA rule of this caller is not applied: by it, {calls} would go to {to}."
            ),
            (None, _) => write!(text, "\nA rule of this caller: {calls} go to {to}."),
        };
    }
    warnings(&mut text, &call.warnings);
    for unknown in unknown {
        let _ = write!(text, "\nNot known: {}.", not_known(unknown));
    }
    text
}

/// What decides, and where the call goes.
fn verdict(call: &CallExplained, names: &Names<'_>) -> String {
    let rule = call.rule.as_ref().map(Route::from);
    let to = rule
        .map(|rule| names.destination(&rule))
        .unwrap_or_default();
    match call.decided_by {
        DecidedBy::NumberRouting => by_number(call, names),
        DecidedBy::ExactRule => format!(
            "A VIP rule for this caller and this dialled number decides: the call goes to {to}."
        ),
        DecidedBy::CallerRule => format!(
            "A VIP rule for this caller decides, whatever number is dialled: the call goes to {to}."
        ),
        DecidedBy::Fallback if call.domain.is_none() => {
            "No customer of this account has a VIP rule for this caller.".to_owned()
        }
        DecidedBy::Fallback => format!("No VIP rule matches this call. {}", without_rule(call)),
        DecidedBy::DependsOnCalledNumber if call.domain.is_none() => {
            "It depends on the customer who is called: the VIP rules of this caller are listed below."
                .to_owned()
        }
        DecidedBy::DependsOnCalledNumber => depends(call, names),
        DecidedBy::Ambiguous => "The same caller is stored in several writings whose rules have different destinations; which of them \
             SkySwitch takes is not documented. Remove those that are leftovers."
            .to_owned(),
    }
}

/// A call that does not come to the VIP rules.
fn by_number(call: &CallExplained, names: &Names<'_>) -> String {
    let customer = || names.customer(call.domain.as_deref().unwrap_or_default());
    match (&call.dnis, &call.number_goes_to) {
        (Some(dialled), Some(goes_to)) => format!(
            "Calls to {} go to {goes_to}, and no VIP rule is applied to them.",
            Dnis::from_stored(Some(dialled))
        ),
        _ if call.vip_numbers.is_empty() => format!(
            "None of the numbers of {} goes to its Route by ANI user, so no VIP rule is applied. {} shows where \
             they go.",
            customer(),
            Operation::ListNumbers
        ),
        _ => format!(
            "The Route by ANI user of {} does not pass calls on, so no VIP rule is applied.",
            customer()
        ),
    }
}

/// What becomes of a call that no VIP rule matches.
fn without_rule(call: &CallExplained) -> String {
    let Some(fallback) = &call.fallback else {
        return "It follows the dial translation rule to the fallback destination; where that rule is missing, the \
                call is dropped."
            .to_owned();
    };
    let words = &fallback.words;
    match (fallback.state, &call.destination) {
        (FallbackState::Verified, Some(to)) => {
            let to = match &to.name {
                Some(name) => format!("{name} ({})", to.destination),
                None => format!("user {}", to.destination),
            };
            format!("The dial translation rule sends it to {to}; it was read in the dial plan.")
        }
        (FallbackState::Verified, None) => format!("The dial plan was read: {words}."),
        (FallbackState::Attested, _) => {
            format!("It follows the dial translation rule, which was not read but is {words}.")
        }
        (FallbackState::Missing, _) => {
            format!("It is dropped: the dial plan was read, and {words}.")
        }
    }
}

/// Which destination which dialled number has.
fn depends(call: &CallExplained, names: &Names<'_>) -> String {
    let rules: Vec<Route> = call.other_rules.iter().map(Route::from).collect();
    let (any, particular): (Vec<&Route>, Vec<&Route>) =
        rules.iter().partition(|rule| rule.key.dnis.is_any());
    let particular = particular.iter();
    let particular =
        particular.map(|rule| format!("{} goes to {}", rule.key.dnis, names.destination(rule)));
    let others = match any.as_slice() {
        [] => "for any other number there is no VIP rule".to_owned(),
        [first, rest @ ..] if rest.iter().any(|rule| !rule.same_destination(first)) => {
            "for any other number the caller is stored in several writings with different destinations"
                .to_owned()
        }
        [first, ..] => format!("any other number goes to {}", names.destination(first)),
    };
    format!(
        "It depends on the number that is dialled: {}; {others}. Give it as {} to know which rule decides.",
        first_few(NAMED, particular),
        Argument("dnis")
    )
}

/// A fact that the service does not show, and why.
fn not_known(unknown: &NotKnown) -> String {
    let why = unknown.why.as_deref().unwrap_or_default();
    let fact = match unknown.fact {
        UnknownFact::Customer => format!(
            "which customer is called; give the dialled number as {} or the customer as {}",
            Argument("dnis"),
            Argument("domain")
        ),
        UnknownFact::NumberRouting => {
            "where the number goes; unless it goes to the Route by ANI user, no VIP rule is applied"
                .to_owned()
        }
        UnknownFact::Forwarding => "whether this call comes to the VIP rules".to_owned(),
        UnknownFact::RouteByAniUser => {
            "whether the Route by ANI user passes calls on to the VIP rules".to_owned()
        }
        UnknownFact::DialTranslationRule => {
            "whether the dial translation rule exists, and where it sends the call".to_owned()
        }
        UnknownFact::Destination => "whether the destination exists".to_owned(),
        UnknownFact::AnsweringRules => {
            "where the user's calls go in turn; the user's own answering rules and devices decide that"
                .to_owned()
        }
        UnknownFact::OrderOfRules => {
            "whether the rule for this dialled number comes before the one for any; the order is not documented, \
             and the more particular one is assumed here"
                .to_owned()
        }
        UnknownFact::Wildcards => {
            return format!(
                "whether rules stored with wildcards or other marks match this call too ({why}); that is not documented"
            );
        }
        UnknownFact::CallerWithoutNumber => {
            "whether callers without a number, such as anonymous ones, are matched at all; that is not documented"
                .to_owned()
        }
        UnknownFact::CallerNumber => "whether the caller's number can exist".to_owned(),
        UnknownFact::SpamHandling => {
            return format!(
                "whether the call is taken for spam, which this number handles by \"{why}\", perhaps before any VIP \
                 rule is looked at"
            );
        }
    };
    match why.is_empty() {
        true => fact,
        false => format!("{fact} ({why})"),
    }
}
