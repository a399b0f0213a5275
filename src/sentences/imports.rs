//! What is said of imports and their rows.

use std::fmt::Write;

use super::{caller, named, not_agreed, warnings, when_dialling};
use crate::ops::{Names, Origin, SyncOutcome, SyncRow, SyncStatus, UndoOutcome};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{Argument, Face, Operation, program};

/// What became of an import that was to be undone, with the rows that were not.
pub(super) fn import_undone(
    import: &SyncOutcome,
    outcome: &UndoOutcome,
    names: &Names<'_>,
) -> String {
    let said = SyncOutcome {
        confirmation: outcome.confirmation.clone(),
        ..import.clone()
    };
    let mut text = imported(&said, names);
    for row in import.rows.iter().filter(|_| import.done.is_some()) {
        let _ = write!(text, "\n{}", import_row(row));
    }
    text
}

/// What became of an import, without its rows.
pub(crate) fn imported(outcome: &SyncOutcome, names: &Names<'_>) -> String {
    let plan = &outcome.plan;
    let mut text = match outcome.status {
        SyncStatus::Planned => format!(
            "This is the plan only; nothing was changed.{}",
            to_apply(outcome)
        ),
        SyncStatus::Unchanged if plan.invalid == 0 => {
            "No change: the VIP rules are already as the list wants them.".to_owned()
        }
        SyncStatus::Unchanged if plan.keep == 0 => {
            "No change: none of the rows can be used.".to_owned()
        }
        SyncStatus::Unchanged => {
            "No change: of the rows that can be used, nothing is to be changed.".to_owned()
        }
        SyncStatus::Invalid => format!(
            "Some rows of the list cannot be used, so nothing was changed.{}",
            to_make_usable(outcome)
        ),
        SyncStatus::Applied => "Applied: every change was made.".to_owned(),
        SyncStatus::Incomplete => "Incomplete: not every change was made.".to_owned(),
        SyncStatus::Cancelled => "Stopped on request before every change was made.".to_owned(),
        _ => not_agreed(&outcome.confirmation),
    };
    let _ = write!(
        text,
        "\n{}: add {}, replace {}, remove {}, keep {}, invalid {}.",
        names.customer(&outcome.domain),
        plan.add,
        plan.replace,
        plan.remove,
        plan.keep,
        plan.invalid
    );
    named(&mut text, &outcome.named);
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
        let _ = write!(
            text,
            "\nContinue: {}.",
            import_with(&outcome.domain, "resume", run)
        );
    }
    if let Some(run) = &outcome.run_id {
        let undo = Operation::UndoChange.with("run_id", run);
        let _ = match outcome.status {
            // It has changed notes alone.
            SyncStatus::Unchanged => write!(text, "\nUndo: {undo}."),
            _ => write!(
                text,
                "\nEvery change of this import: {}. Undo: {undo}.",
                Operation::ListChanges.with("run_id", run)
            ),
        };
    }
    warnings(&mut text, &outcome.warnings);
    text
}

/// What a plan that was only shown needs to be applied.
fn to_apply(outcome: &SyncOutcome) -> String {
    if outcome.has_rows_in_the_way {
        return format!(
            " Some rows of the list cannot be used, so it cannot be applied.{}",
            to_make_usable(outcome)
        );
    }
    outcome.plan_id.as_ref().map_or(String::new(), |id| {
        let import = import_with(&outcome.domain, "plan", id);
        format!(" To apply it without the list: {import}.")
    })
}

/// What to do about rows that cannot be used.
fn to_make_usable(outcome: &SyncOutcome) -> String {
    match outcome.origin {
        _ if outcome.can_skip_invalid() => format!(
            " Correct them, or give {} to leave them out.",
            Argument("skip_invalid")
        ),
        // There is no list to correct; the rows say what is wrong.
        Origin::Made => String::new(),
        _ => " Correct them and import the list again.".to_owned(),
    }
}

/// How an import is asked for that needs no list. Those that were planned without
/// one (`vip move`, `vip clear`) are asked for in the same way.
fn import_with(domain: &str, field: &str, id: &str) -> String {
    match Face::speaking() {
        Face::Tools => format!("{} with {field} \"{id}\"", Operation::ImportVips),
        Face::CommandLine => {
            format!(
                "`{} vip import --domain {domain} --{field} {id}`",
                program()
            )
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
    let dialled = when_dialling(row.dnis.as_deref());
    let _ = write!(line, "{action} {}{dialled}", caller(&row.ani));
    let sides: Vec<&str> = [&row.before, &row.wanted]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if !sides.is_empty() {
        let _ = write!(line, ": {}", sides.join(" -> "));
    }
    if let Some(note) = &row.note {
        let _ = write!(line, " (note: {})", shown(note, 200));
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
