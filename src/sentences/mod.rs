//! What is said of each outcome, once for both faces: the text form of a tool's
//! result is these sentences, and the terminal adds tables.

mod calls;
mod imports;
mod setup;

use std::fmt::Write;

use crate::local_time;
use crate::ops::{
    AddVipOutcome, AddVipStatus, ChangeRow, Confirmation, Names, NumberRow, RemoveVipOutcome,
    RemoveVipStatus, UndoOutcome, UndoStatus, Undone, note_changed,
};
use skyswitch_domain::redact::shown;
pub(crate) use skyswitch_domain::wording::counted;
use skyswitch_domain::wording::{self, word};
use skyswitch_domain::{Ani, Dnis, Face, Operation, PhoneNumber, Route, Vip};

pub(crate) use calls::explained;
use imports::import_undone;
pub(crate) use imports::{import_row, imported};
pub(crate) use setup::{
    alarms, checklist, ends, marked, no_customers, not_listed, not_read, onboarded, routed, stages,
    ticket_of,
};

/// What became of a caller who was to become a VIP.
pub(crate) fn added(outcome: &AddVipOutcome, names: &Names<'_>) -> String {
    let (calls, to) = calls_and_destination(&outcome.vip, names);
    let text = match (outcome.status, &outcome.previous) {
        (AddVipStatus::Created | AddVipStatus::Replaced, _) if outcome.is_otherwise => {
            format!(
                "SkySwitch accepted the rule and stored it otherwise: {calls} were to go to {to}."
            )
        }
        (AddVipStatus::Created, _) => {
            format!("Added: {calls} now go to {to}{}.", kept_here(&outcome.vip))
        }
        (AddVipStatus::Replaced, Some(previous)) => format!(
            "Replaced: {calls} now go to {to}{}; before, they went to {}.{}",
            kept_here(&outcome.vip),
            names.destination(&Route::from(previous)),
            no_longer_applies(previous, Some(&outcome.vip))
        ),
        (AddVipStatus::Replaced, None) => format!("Replaced: {calls} now go to {to}."),
        (AddVipStatus::Unchanged, Some(previous)) => format!(
            "No change to the rule: {calls} already go to {to}. {}.",
            note_changed(previous.note.as_deref(), outcome.vip.note.as_deref()).unwrap_or_default()
        ),
        (AddVipStatus::Unchanged, None) => format!("No change: {calls} already go to {to}."),
        _ => not_agreed(&outcome.confirmation),
    };
    with_undo(text, outcome.change_id.as_deref(), &outcome.warnings)
}

/// What became of a rule that was to be removed.
pub(crate) fn removed(outcome: &RemoveVipOutcome, names: &Names<'_>) -> String {
    let rule = || match &outcome.vip {
        Some(vip) => {
            let (calls, to) = calls_and_destination(vip, names);
            let kept = kept_here(vip);
            format!("the VIP rule that sent {calls} to {to}{kept}")
        }
        None => "the VIP rule".to_owned(),
    };
    let text = match outcome.status {
        RemoveVipStatus::Removed => {
            let lost = outcome.vip.as_ref();
            let lost = lost.map(|vip| no_longer_applies(vip, None));
            format!("Removed: {}.{}", rule(), lost.unwrap_or_default())
        }
        RemoveVipStatus::NotFound => {
            "Not found: this caller has no such VIP rule here. Nothing was changed.".to_owned()
        }
        _ => not_agreed(&outcome.confirmation),
    };
    with_undo(text, outcome.change_id.as_deref(), &outcome.warnings)
}

/// What became of a change that was to be undone.
pub(crate) fn undone(outcome: &UndoOutcome, names: &Names<'_>) -> String {
    if let Some(import) = &outcome.import {
        return import_undone(import, outcome, names);
    }
    let Some(undoes) = &outcome.undoes else {
        return not_agreed(&outcome.confirmation);
    };
    let id = &undoes.change_id;
    let subject = || subject(undoes, |domain| names.customer(domain));
    let now = match (&outcome.vip, &outcome.setting) {
        (Some(vip), _) => {
            let (calls, to) = calls_and_destination(vip, names);
            format!("{calls} go to {to}{}", kept_here(vip))
        }
        (None, Some(setting)) => format!("{} goes to {setting}", subject()),
        (None, None) => format!("{} has no such VIP rule, as before that change", subject()),
    };
    let mut text = match outcome.status {
        UndoStatus::Restored => format!("Undone: change {id}. Now {now}."),
        UndoStatus::Unchanged => {
            format!("No change: it is already as it was before change {id}: {now}.")
        }
        _ => not_agreed(&outcome.confirmation),
    };
    if outcome.status == UndoStatus::Restored
        && let Some(previous) = &outcome.previous
    {
        let (calls, to) = calls_and_destination(previous, names);
        let lost = no_longer_applies(previous, outcome.vip.as_ref());
        let _ = write!(text, " Until now, {calls} went to {to}.{lost}");
    }
    let (id, no_undo) = (outcome.change_id.as_deref(), outcome.no_undo.as_deref());
    let mut text = with_undo(text, id.filter(|_| no_undo.is_none()), &outcome.warnings);
    if outcome.status == UndoStatus::Restored && outcome.setting.is_some() {
        setup::call_now(&mut text, id, no_undo);
    }
    text
}

/// `42: 2026-03-14 09:00, done, added a VIP by skyswitch vip add (command line)`,
/// and below it what went from where to where.
pub(crate) fn change(change: &ChangeRow, names: &Names<'_>) -> String {
    let Some(id) = &change.change_id else {
        return noting(change, names);
    };
    let status = word(change.status);
    let status = match change.was_made() {
        Some(false) => format!("{status}, not made"),
        _ => status,
    };
    let nothing = match change.ani {
        Some(_) => "no VIP rule",
        None => "nothing",
    };
    let [before, wanted, after] = [&change.before, &change.wanted, &change.after];
    let [rule_before, rule_wanted, rule_after] = &change.rules;
    let goes_to = |words: &Option<String>, rule: &Option<Route>| match (words, rule) {
        (Some(_), Some(rule)) => names.destination(rule),
        (Some(words), None) => words.clone(),
        (None, _) => nothing.to_owned(),
    };
    let mut line = format!(
        "{}: {}, {status}, {} by {}\n    {}: {} -> {}",
        id,
        local_time::written(&change.started_at, local_time::minute),
        operation(&change.operation),
        change.asked_by,
        subject(&Undone::from(change.clone()), |domain| names
            .customer(domain)),
        goes_to(before, rule_before),
        goes_to(wanted, rule_wanted),
    );
    if after.is_some() {
        let found = goes_to(after, rule_after);
        let _ = write!(line, "; found afterwards: {found}");
    }
    if let Some(undoes) = &change.undoes {
        let _ = write!(line, "; undoes change {undoes}");
    }
    if let Some(run) = &change.run_id {
        let _ = write!(line, "; import {run}");
    }
    if let Some(problem) = &change.problem {
        let _ = write!(line, "\n    {problem}");
    }
    if let Some(request) = &change.request_id {
        let _ = write!(line, " (request {request})");
    }
    line
}

/// An import that changed notes alone.
fn noting(import: &ChangeRow, names: &Names<'_>) -> String {
    let run = import.run_id.as_deref().unwrap_or_default();
    let customer = import.domain.as_deref();
    let customer = customer.map_or(String::new(), |domain| {
        format!("{}: ", names.customer(domain))
    });
    format!(
        "import {run}: {}, {}, {} by {}\n    {customer}changed {}",
        local_time::written(&import.started_at, local_time::minute),
        word(import.status),
        operation(&import.operation),
        import.asked_by,
        import.wanted.as_deref().unwrap_or_default(),
    )
}

/// What an operation of the journal is, in words.
fn operation(name: &str) -> &str {
    match name {
        "add_vip" => "VIP added or sent elsewhere",
        "remove_vip" => "VIP removed",
        "sync_vips" => "list imported",
        "vip_ended" => "VIP removed on the day that was given when it was added",
        "move_vips" => "VIPs sent elsewhere",
        "undo_change" => "change undone",
        "onboard_domain" => "setup",
        "route_number" => "number routed",
        "lost_along_with" => "removed by SkySwitch along with another rule",
        "changed_along_with" => "changed by SkySwitch along with another rule",
        "write_probe" => "write probe",
        other => other,
    }
}

/// What a change is about: the caller, the number, or the part of the setup.
fn subject(change: &Undone, customer: impl FnOnce(&str) -> String) -> String {
    let mut text = match (&change.ani, &change.did) {
        (Some(number), _) | (None, Some(number)) => caller(number),
        (None, None) => change.subject.clone().unwrap_or_default(),
    };
    text.push_str(&when_dialling(change.dnis.as_deref()));
    if let Some(domain) = &change.domain {
        let _ = write!(text, " in {}", customer(domain));
    }
    text
}

/// Nothing was changed, because a person must agree first or did not agree.
pub(crate) fn not_agreed(confirmation: &Confirmation) -> String {
    let next_step = confirmation.next_step.as_deref().unwrap_or_default();
    let Some(preview) = &confirmation.preview else {
        return match Face::speaking() {
            Face::Tools => next_step.to_owned(),
            // The person knows what they have answered.
            Face::CommandLine => "Nothing was changed.".to_owned(),
        };
    };
    let mut text = format!("Nothing was changed yet; a person must agree.\n{preview}\n{next_step}");
    if let Some(link) = &confirmation.approval_link {
        let _ = write!(text, "\nApproval page: {link}");
    }
    if let Some(token) = &confirmation.confirmation {
        let _ = write!(text, "\nconfirmation: {token}");
    }
    if let Some(moment) = &confirmation.expires_at {
        let expires = local_time::written(moment, local_time::until);
        let _ = write!(text, "\nThis question expires {expires}.");
    }
    text
}

/// A rule in a list: `+1 616-555-0123 -> Maya Lindgren (101)`.
pub(crate) fn rule(vip: &Vip, names: &Names<'_>) -> String {
    let called = when_dialling(vip.dnis.as_deref());
    let destination = names.destination(&Route::from(vip));
    let kept = kept_here(vip);
    format!("{} -> {destination}{called}{kept}", caller(&vip.ani))
}

/// What is kept here of a rule: ` (note: Dr. Ames; until 2026-12-25)`.
fn kept_here(vip: &Vip) -> String {
    let note = vip.note.as_ref();
    let note = note.map(|note| format!("note: {}", shown(note, 200)));
    let until = vip.until.as_ref().map(|until| format!("until {until}"));
    let all: Vec<String> = note.into_iter().chain(until).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!(" ({})", all.join("; ")),
    }
}

/// ` Its last day, 2026-12-25, and its note no longer apply.`, of what was kept of a
/// rule that is another one now, or none.
fn no_longer_applies(before: &Vip, after: Option<&Vip>) -> String {
    let (until, note) = (
        after.and_then(|after| after.until.as_ref()),
        after.and_then(|after| after.note.as_ref()),
    );
    let day = before.until.as_ref().filter(|day| Some(*day) != until);
    let has_lost_note = before.note.is_some() && before.note.as_ref() != note;
    let lost = wording::no_longer_applies(day.map(String::as_str), has_lost_note);
    lost.map_or(String::new(), |lost| format!(" {lost}."))
}

/// A number in a list: `+1 616-555-0100: Front Desk (100); spam calls: voicemail`.
pub(crate) fn number(row: &NumberRow) -> String {
    let mark = match alarm_mark(row.alarm, row.unverified) {
        "" => String::new(),
        mark => format!("{mark}: "),
    };
    let number = Ani::from_stored(&row.number);
    let mut line = format!("{mark}{number}: {}", goes_to(row));
    if let Some(action) = &row.spam_handling {
        let _ = write!(line, "; spam calls: {action}");
    }
    line
}

/// What a customer or a number is marked with that may be losing calls.
pub(crate) fn alarm_mark(alarm: bool, unverified: bool) -> &'static str {
    match (alarm, unverified) {
        (true, _) => "ALARM",
        (false, true) => "NOT VERIFIED",
        (false, false) => "",
    }
}

/// Where a number sends its calls.
pub(crate) fn goes_to(row: &NumberRow) -> String {
    match (&row.goes_to, &row.not_known) {
        (Some(goes_to), _) => goes_to.clone(),
        (None, Some(why)) => format!("not known: {why}"),
        (None, None) => "not known".to_owned(),
    }
}

/// Where a rule is for one dialled number only.
fn when_dialling(dnis: Option<&str>) -> String {
    let dnis = Dnis::from_stored(dnis);
    match dnis.is_any() {
        true => String::new(),
        false => format!(" (when dialling {dnis})"),
    }
}

/// `calls from +1 616-555-0123 to Lakeside Dental (lakesidedental.12345.service)`,
/// and `Maya Lindgren (101)`.
fn calls_and_destination(vip: &Vip, names: &Names<'_>) -> (String, String) {
    let rule = Route::from(vip);
    let dialled = match rule.key.dnis.is_any() {
        true => String::new(),
        false => format!("{} of ", rule.key.dnis),
    };
    let (caller, customer) = (caller(&vip.ani), names.customer(&vip.domain));
    let calls = format!("calls from {caller} to {dialled}{customer}");
    (calls, names.destination(&rule))
}

/// A number as people write it. Two writings of one number are two rules, so
/// an unusual one is shown as it is stored, too.
fn caller(stored: &str) -> String {
    let number = Ani::from_stored(stored);
    match PhoneNumber::from_stored(stored) {
        Some(usual) if usual.as_str() != stored => {
            format!("{number} (stored as \"{}\")", shown(stored, 64))
        }
        _ => number.to_string(),
    }
}

/// What became of a change, how to undo it, and what is worth a second look.
fn with_undo(mut text: String, change_id: Option<&str>, worth_a_look: &[String]) -> String {
    if let Some(id) = change_id {
        let undo = Operation::UndoChange.with("change_id", id);
        let _ = write!(text, " Undo: {undo}.");
    }
    warnings(&mut text, worth_a_look);
    text
}

/// A line for each name that a destination was given by.
pub(crate) fn named<'a>(text: &mut String, named: impl IntoIterator<Item = &'a String>) {
    for named in named {
        let _ = write!(text, "\n{named}.");
    }
}

/// A line for each thing worth a second look.
pub(crate) fn warnings(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = write!(text, "\nWarning: {warning}");
    }
}
