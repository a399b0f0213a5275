//! What is said of each outcome, once for both faces: the text form of a tool's
//! result is these sentences, and the terminal adds tables.

mod setup;

use std::fmt::Write;

use crate::ops::{
    AddVipOutcome, AddVipStatus, CallExplained, ChangeRow, Confirmation, RemoveVipOutcome,
    RemoveVipStatus, SyncOutcome, SyncRow, SyncStatus, UndoOutcome, UndoStatus,
};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{Ani, Dnis, Face, Operation, PhoneNumber, Route, Vip};

pub(crate) use setup::{alarms, checklist, marked, onboarded, read_earlier, stages};

/// What became of a caller who was to become a VIP.
pub(crate) fn added(outcome: &AddVipOutcome) -> String {
    let (calls, to) = (calls(&outcome.vip), destination(&outcome.vip));
    let mut text = match (outcome.status, &outcome.previous) {
        (AddVipStatus::Created, _) => format!("Added: {calls} now go to {to}."),
        (AddVipStatus::Replaced, Some(previous)) => format!(
            "Replaced: {calls} now go to {to}; before, they went to {}.",
            destination(previous)
        ),
        (AddVipStatus::Replaced, None) => format!("Replaced: {calls} now go to {to}."),
        (AddVipStatus::Unchanged, _) => format!("No change: {calls} already go to {to}."),
        (AddVipStatus::ConfirmationRequired, _) => waiting(&outcome.confirmation),
        (AddVipStatus::Declined, _) => declined(),
    };
    undo(&mut text, outcome.change_id.as_deref());
    warnings(&mut text, &outcome.warnings);
    text
}

/// What became of a rule that was to be removed.
pub(crate) fn removed(outcome: &RemoveVipOutcome) -> String {
    let rule = outcome.vip.as_ref().map_or_else(
        || "the rule".to_owned(),
        |vip| {
            format!(
                "the VIP rule that sent {} to {}",
                calls(vip),
                destination(vip)
            )
        },
    );
    let mut text = match outcome.status {
        RemoveVipStatus::Removed => format!("Removed: {rule}."),
        RemoveVipStatus::NotFound => {
            "Not found: this caller has no such VIP rule here. Nothing was changed.".to_owned()
        }
        RemoveVipStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        RemoveVipStatus::Declined => declined(),
    };
    undo(&mut text, outcome.change_id.as_deref());
    warnings(&mut text, &outcome.warnings);
    text
}

/// Where a call goes, and what is not known of it.
pub(crate) fn explained(call: &CallExplained) -> String {
    let mut text = call.why.clone();
    for other in &call.other_rules {
        let _ = write!(
            text,
            "\nAnother rule of this caller: {} go to {}.",
            calls(other),
            destination(other)
        );
    }
    for unknown in &call.unknown {
        let _ = write!(text, "\nNot known: {unknown}.");
    }
    text
}

/// What became of a change that was to be undone.
pub(crate) fn undone(outcome: &UndoOutcome) -> String {
    let id = &outcome.undoes.change_id;
    let now = match (&outcome.vip, &outcome.setting) {
        (Some(vip), _) => format!("{} go to {}", calls(vip), destination(vip)),
        (None, Some(setting)) => format!("{} goes to {setting}", subject(&outcome.undoes)),
        (None, None) => format!(
            "{} has no such VIP rule, as before that change",
            subject(&outcome.undoes)
        ),
    };
    let mut text = match outcome.status {
        UndoStatus::Restored => format!("Undone: change {id}. Now {now}."),
        UndoStatus::Unchanged => {
            format!("No change: it is already as it was before change {id}: {now}.")
        }
        UndoStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        UndoStatus::Declined => declined(),
    };
    if outcome.status == UndoStatus::Restored
        && let Some(previous) = &outcome.previous
    {
        let _ = write!(
            text,
            " Until now, {} went to {}.",
            calls(previous),
            destination(previous)
        );
    }
    undo(&mut text, outcome.change_id.as_deref());
    warnings(&mut text, &outcome.warnings);
    text
}

/// What became of an import, without its rows.
pub(crate) fn imported(outcome: &SyncOutcome) -> String {
    let plan = &outcome.plan;
    let mut text = match outcome.status {
        SyncStatus::Planned => "This is the plan only; nothing was changed.".to_owned(),
        SyncStatus::Unchanged => {
            "No change: the VIP rules are already as the list wants them.".to_owned()
        }
        SyncStatus::Invalid => {
            "Some rows of the list cannot be used, so nothing was changed. Correct them and import the list again."
                .to_owned()
        }
        SyncStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        SyncStatus::Declined => declined(),
        SyncStatus::Applied => "Applied: every change was made.".to_owned(),
        SyncStatus::Incomplete => "Incomplete: not every change was made.".to_owned(),
        SyncStatus::Cancelled => "Stopped on request before every change was made.".to_owned(),
    };
    let _ = write!(
        text,
        "\n{}: add {}, replace {}, remove {}, keep {}, invalid {}.",
        outcome.domain, plan.add, plan.replace, plan.remove, plan.keep, plan.invalid
    );
    if let Some(done) = &outcome.done {
        let _ = write!(
            text,
            "\nMade {}, failed {}, outcome unknown {}, not sent {}.",
            done.made, done.failed, done.unknown, done.not_sent
        );
    }
    if let Some(stopped_by) = &outcome.stopped_by {
        let _ = write!(text, "\nIt stopped early: {stopped_by}");
    }
    if let Some(run) = outcome.run_to_resume() {
        let _ = write!(text, "\nContinue: {}.", to_resume(&outcome.domain, run));
    }
    if let Some(run) = &outcome.run_id {
        let _ = write!(
            text,
            "\nEvery change of this import: {}.",
            Operation::ListChanges.with("run_id", run)
        );
    }
    warnings(&mut text, &outcome.warnings);
    text
}

fn to_resume(domain: &str, run: &str) -> String {
    match Face::speaking() {
        Face::Tools => format!("{} with resume \"{run}\"", Operation::ImportVips),
        Face::CommandLine => {
            format!("`skyswitch vip import --domain {domain} --resume {run}`")
        }
    }
}

/// `line 4: replace +1 616-555-0123: user 101 -> user 102 [made]`
pub(crate) fn import_row(row: &SyncRow) -> String {
    let mut line = match row.line {
        Some(number) => format!("line {number}: "),
        None => String::new(),
    };
    let action = word(row.action);
    let _ = write!(line, "{action} {}", caller(&row.ani));
    let dnis = Dnis::from_stored(row.dnis.as_deref());
    if !dnis.is_any() {
        let _ = write!(line, " (when dialling {dnis})");
    }
    let sides: Vec<&str> = [&row.before, &row.wanted]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if !sides.is_empty() {
        let _ = write!(line, ": {}", sides.join(" -> "));
    }
    if let Some(state) = row.state {
        let _ = write!(line, " [{}]", word(state).replace('_', " "));
    }
    if let Some(id) = &row.change_id {
        let _ = write!(line, " (change {id})");
    }
    if let Some(reason) = &row.reason {
        let _ = write!(line, ": {reason}");
    }
    line
}

/// `42: 2026-03-14 09:00 UTC, done, add_vip by skyswitch vip add (command line)`,
/// and below it what went from where to where.
pub(crate) fn change(change: &ChangeRow) -> String {
    let status = word(change.status);
    let status = match change.was_made() {
        Some(false) => format!("{status}, not made"),
        _ => status,
    };
    let nothing = || "nothing".to_owned();
    let mut line = format!(
        "{}: {}, {status}, {} by {}\n    {}: {} -> {}",
        change.change_id,
        minute(&change.started_at),
        change.operation,
        change.asked_by,
        subject(change),
        change.before.clone().unwrap_or_else(nothing),
        change.wanted.clone().unwrap_or_else(nothing),
    );
    if let Some(after) = &change.after {
        let _ = write!(line, "; found afterwards: {after}");
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

/// What a change is about: the caller, the number, or the piece of the setup.
fn subject(change: &ChangeRow) -> String {
    let mut text = match (&change.ani, &change.did) {
        (Some(number), _) | (None, Some(number)) => caller(number),
        (None, None) => change.subject.clone().unwrap_or_default(),
    };
    let dnis = Dnis::from_stored(change.dnis.as_deref());
    if !dnis.is_any() {
        let _ = write!(text, " (when dialling {dnis})");
    }
    if let Some(domain) = &change.domain {
        let _ = write!(text, " in {}", shown(domain, 100));
    }
    text
}

/// Nothing was changed, because a person must agree first.
pub(crate) fn waiting(confirmation: &Confirmation) -> String {
    let mut text = format!(
        "Nothing was changed yet; a person must agree.\n{}\n{}",
        confirmation.preview.as_deref().unwrap_or_default(),
        confirmation.next_step.as_deref().unwrap_or_default()
    );
    if let Some(link) = &confirmation.approval_link {
        let _ = write!(text, "\nApproval page: {link}");
    }
    if let Some(token) = &confirmation.confirmation {
        let _ = write!(text, "\nconfirmation: {token}");
    }
    if let Some(moment) = &confirmation.expires_at {
        let _ = write!(text, "\nThis question lapses at {moment}.");
    }
    text
}

/// Nothing was changed, because a person did not agree.
pub(crate) fn declined() -> String {
    match Face::speaking() {
        Face::Tools => {
            "Declined: a person was asked and did not agree (or typed another value), so nothing was changed. \
             Do not try again unless they ask for it."
        }
        Face::CommandLine => "Nothing was changed.",
    }
    .to_owned()
}

/// A rule in a list: `+1 616-555-0123 -> user 101`.
pub(crate) fn rule(vip: &Vip) -> String {
    let dnis = Dnis::from_stored(vip.dnis.as_deref());
    let called = match dnis.is_any() {
        true => String::new(),
        false => format!(" (when dialling {dnis})"),
    };
    format!("{} -> {}{called}", caller(&vip.ani), destination(vip))
}

/// `calls from +1 616-555-0123 to lakesidedental.12345.service`
fn calls(vip: &Vip) -> String {
    let dnis = Dnis::from_stored(vip.dnis.as_deref());
    let called = match dnis.is_any() {
        true => String::new(),
        false => format!("{dnis} of "),
    };
    format!(
        "calls from {} to {called}{}",
        caller(&vip.ani),
        shown(&vip.domain, 100)
    )
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

fn destination(vip: &Vip) -> String {
    Route::from(vip).rings()
}

fn undo(text: &mut String, change_id: Option<&str>) {
    if let Some(id) = change_id {
        let _ = write!(
            text,
            " Undo: {}.",
            Operation::UndoChange.with("change_id", id)
        );
    }
}

pub(crate) fn warnings(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = write!(text, "\nWarning: {warning}");
    }
}

/// `2026-03-14 09:00 UTC` for a moment in RFC 3339.
fn minute(moment: &str) -> String {
    match moment.split_at_checked("2026-03-14T09:00".len()) {
        Some((minute, _)) => format!("{} UTC", minute.replace('T', " ")),
        None => moment.to_owned(),
    }
}
