//! Results for people: tables, numbers in their usual writing, colours where they help.

use std::fmt::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use console::style;

use crate::ops::{
    Action, AddVipOutcome, AddVipStatus, CallExplained, ChangeList, ChangeRow, CheckState,
    Diagnosis, DomainList, RemoveVipOutcome, RemoveVipStatus, SyncOutcome, SyncRow, SyncStatus,
    TokenReport, UndoOutcome, UndoStatus, VipList,
};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{Ani, Route, Vip};
use skyswitch_guard::store::Approval;

pub(super) fn vips(list: &VipList) -> String {
    if list.vips.is_empty() {
        return "No VIP rules.".to_owned();
    }
    let mut table = table(&["Domain", "Caller", "Called number", "Rings"]);
    for vip in &list.vips {
        let route = Route::from(vip);
        table.add_row([
            shown(&vip.domain, 100),
            route.key.ani.to_string(),
            route.key.dnis.to_string(),
            route.rings(),
        ]);
    }
    unbroken(&mut table, &[0, 1]);
    format!("{table}\n{}", counted(list.total, "VIP rule"))
}

pub(super) fn domains(list: &DomainList) -> String {
    if list.domains.is_empty() {
        return "No PBX domains.".to_owned();
    }
    let mut table = table(&["Domain", "Description", "Reseller"]);
    for row in &list.domains {
        table.add_row([
            shown(&row.domain, 100),
            row.description.clone().unwrap_or_default(),
            shown(row.reseller.as_deref().unwrap_or_default(), 40),
        ]);
    }
    unbroken(&mut table, &[0]);
    format!("{table}\n{}", counted(list.total, "domain"))
}

pub(super) fn added(outcome: &AddVipOutcome) -> String {
    let vip = rule(&outcome.vip);
    let mut text = match outcome.status {
        AddVipStatus::Created => format!("Added: {vip}"),
        AddVipStatus::Replaced => format!("Replaced: now {vip}"),
        AddVipStatus::Unchanged => format!("Unchanged, the rule stood already: {vip}"),
        AddVipStatus::ConfirmationRequired | AddVipStatus::Declined => format!("Not done: {vip}"),
    };
    if let Some(previous) = &outcome.previous {
        let _ = write!(text, "\nBefore: {}", rule(previous));
    }
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn removed(outcome: &RemoveVipOutcome) -> String {
    let vip = outcome.vip.as_ref().map(rule).unwrap_or_default();
    let mut text = match outcome.status {
        RemoveVipStatus::Removed => format!("Removed: {vip}"),
        RemoveVipStatus::NotFound => "Not found: no such rule stands; nothing was sent.".to_owned(),
        RemoveVipStatus::ConfirmationRequired | RemoveVipStatus::Declined => {
            format!("Not done: {vip}")
        }
    };
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn explained(call: &CallExplained) -> String {
    let mut text = call.why.clone();
    for other in &call.other_rules {
        let _ = write!(text, "\nAnother rule of this caller: {}", rule(other));
    }
    if !call.unknown.is_empty() {
        text.push_str("\n\nNot known from here:");
    }
    for unknown in &call.unknown {
        let _ = write!(text, "\n- {unknown}");
    }
    text
}

/// Two lines for each change: when and what, then from where to where.
pub(super) fn changes(list: &ChangeList) -> String {
    let mut text = String::new();
    for change in &list.changes {
        let status = match change.made {
            Some(false) => format!("{}, not made", word(change.status)),
            _ => word(change.status),
        };
        let _ = writeln!(
            text,
            "{}  {}  {status}  {} in {}",
            style(&change.change_id).bold(),
            change.started_at,
            change.operation,
            shown(&change.domain, 100)
        );
        let _ = writeln!(
            text,
            "    {}: {} -> {}  (asked by {})",
            subject(change),
            side(change.before.as_ref(), change.setting_before.as_deref()),
            side(change.wanted.as_ref(), change.setting_wanted.as_deref()),
            change.asked_by
        );
    }
    text.push_str(&match list.changes.is_empty() {
        true => "No changes.".to_owned(),
        false => counted(list.total, "change"),
    });
    warnings(&mut text, &list.warnings);
    if let Some(cursor) = &list.next_cursor {
        let _ = write!(text, "\nOlder ones: --cursor {cursor}");
    }
    text
}

pub(super) fn undone(outcome: &UndoOutcome) -> String {
    let now = outcome
        .vip
        .as_ref()
        .map(rule)
        .or_else(|| outcome.setting.clone())
        .unwrap_or("no rule, as before".to_owned());
    let mut text = match outcome.status {
        UndoStatus::Restored => format!("Undone: {now}"),
        UndoStatus::Unchanged => format!("Unchanged, it stood already so: {now}"),
        UndoStatus::ConfirmationRequired | UndoStatus::Declined => {
            format!("Not undone: change {}", outcome.undoes.change_id)
        }
    };
    if let Some(previous) = &outcome.previous {
        let _ = write!(text, "\nUntil now: {}", rule(previous));
    }
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn synced(outcome: &SyncOutcome) -> String {
    let plan = &outcome.plan;
    let mut text = match outcome.rows.is_empty() {
        true => String::new(),
        false => format!("{}\n", sync_rows(&outcome.rows)),
    };
    let _ = writeln!(
        text,
        "{}: add {}, replace {}, remove {}, keep {}, invalid {}",
        outcome.domain, plan.add, plan.replace, plan.remove, plan.keep, plan.invalid
    );
    if let Some(done) = &outcome.done {
        let _ = writeln!(
            text,
            "Made {}, failed {}, outcome not known {}, not sent {}",
            done.made, done.failed, done.unknown, done.not_sent
        );
    }
    text.push_str(match outcome.status {
        SyncStatus::Planned => "Planned only; nothing was sent.",
        SyncStatus::Unchanged => "Everything stands already; nothing was sent.",
        SyncStatus::Invalid => "Some rows cannot be used; nothing was sent.",
        SyncStatus::ConfirmationRequired | SyncStatus::Declined => "Not done.",
        SyncStatus::Applied => "Every change was made.",
        SyncStatus::Incomplete => "Not every change was made.",
        SyncStatus::Cancelled => "Stopped; the rest was not sent.",
    });
    if let Some(stopped_by) = &outcome.stopped_by {
        let _ = write!(text, "\nStopped by: {stopped_by}");
    }
    if let Some(run) = outcome.run_to_resume() {
        let _ = write!(
            text,
            "\nGo on with: skyswitch vip import --domain {} --resume {run}",
            outcome.domain
        );
    }
    warnings(&mut text, &outcome.warnings);
    text
}

/// The rows as a table, and below it what has to be said of some of them.
fn sync_rows(rows: &[SyncRow]) -> String {
    let has_notes = rows.iter().any(|row| row.note.is_some());
    let mut header = vec![
        "Line",
        "What",
        "Caller",
        "Called",
        "Rings today",
        "Wanted",
        "State",
    ];
    header.extend(has_notes.then_some("Note"));
    let mut table = table(&header);
    let mut reasons = String::new();
    for row in rows {
        let caller = match row.action {
            Action::Invalid => shown(&row.ani, 64),
            _ => Ani::from_stored(&row.ani).to_string(),
        };
        let line = row.line.map(|line| line.to_string());
        if let Some(reason) = &row.reason {
            let place = line
                .as_ref()
                .map_or(caller.clone(), |line| format!("line {line}"));
            let _ = write!(reasons, "\n{place}: {reason}");
        }
        let rings = |vip: Option<&Vip>| vip.map(|vip| Route::from(vip).rings()).unwrap_or_default();
        let mut cells = vec![
            line.unwrap_or_default(),
            word(row.action),
            caller,
            shown(row.dnis.as_deref().unwrap_or("any"), 64),
            rings(row.previous.as_ref()),
            rings(row.vip.as_ref()),
            row.state.map(word).unwrap_or_default(),
        ];
        cells.extend(has_notes.then(|| row.note.as_ref().map_or(String::new(), |n| shown(n, 200))));
        table.add_row(cells);
    }
    unbroken(&mut table, &[0, 1, 2]);
    format!("{table}{reasons}")
}

/// The caller or number that a change is about, else what was changed.
fn subject(change: &ChangeRow) -> String {
    match (&change.ani, &change.did) {
        (Some(number), _) | (None, Some(number)) => Ani::from_stored(number).to_string(),
        (None, None) => change.subject.clone(),
    }
}

/// One side of a change: a VIP rule, or a setting in plain words.
fn side(vip: Option<&Vip>, setting: Option<&str>) -> String {
    match (vip, setting) {
        (Some(vip), _) => Route::from(vip).rings(),
        (None, Some(setting)) => setting.to_owned(),
        (None, None) => "nothing".to_owned(),
    }
}

pub(super) fn token(report: &TokenReport) -> String {
    format!(
        "Logged in as {}\nScopes: {}\nGood until: {}",
        shown(&report.username, 100),
        shown(&report.scopes.join(" "), 300),
        report.expires_at
    )
}

pub(super) fn diagnosis(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for check in &diagnosis.checks {
        let state = match check.state {
            CheckState::Ok => style("ok     ").green(),
            CheckState::Warning => style("warning").yellow(),
            CheckState::Failed => style("FAILED ").red(),
            CheckState::Skipped => style("skipped").dim(),
        };
        let _ = writeln!(text, "{state}  {:<12}  {}", check.id, check.detail);
        if let Some(fix) = &check.fix {
            let _ = writeln!(text, "                       -> {fix}");
        }
    }
    text.push_str(match diagnosis.ok {
        true => "Everything a call needs is in place.",
        false => "Something a call needs is missing; see above.",
    });
    text
}

pub(super) fn waiting(waiting: &[Approval]) -> String {
    if waiting.is_empty() {
        return "No change waits for approval.".to_owned();
    }
    let mut table = table(&["Code", "Change", "Lapses"]);
    for approval in waiting {
        table.add_row([
            &approval.code,
            approval.preview.summary(),
            &time(approval.expires_at),
        ]);
    }
    format!("{table}\nRun `skyswitch approve CODE` to look at one and decide.")
}

pub(super) fn sandbox(settings: &[(&str, &str)]) -> String {
    let mut text = "The sandbox runs until you interrupt it. In another terminal:\n".to_owned();
    for (name, value) in settings {
        let _ = write!(text, "\nexport {name}='{value}'");
    }
    text
}

/// A moment for people and for JSON, RFC 3339, UTC.
pub(super) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}

fn rule(vip: &Vip) -> String {
    let route = Route::from(vip);
    let called = match route.key.dnis.is_any() {
        true => String::new(),
        false => format!(" (when dialling {})", route.key.dnis),
    };
    format!(
        "{} in {} rings {}{called}",
        route.key.ani,
        shown(&vip.domain, 100),
        route.rings()
    )
}

pub(super) fn warnings(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = write!(text, "\n{} {warning}", style("Warning:").yellow());
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// Columns of names and numbers, which nobody can read in pieces.
pub(super) fn unbroken(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    // Long cells wrap at a terminal; what goes into a pipe stays on one line.
    let terminal = console::Term::stdout();
    if terminal.is_term() {
        let (_, columns) = terminal.size();
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(columns);
    }
    table
}
