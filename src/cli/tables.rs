//! Results for people: tables, numbers in their usual writing, colours where they help.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use console::style;

use crate::local_time;
use crate::ops::{
    Action, ChangeList, Check, CheckState, Diagnosis, DomainList, Names, SyncOutcome, SyncRow,
    TokenReport, VipList, WriteProbeOutcome, WriteProbeStatus,
};
use crate::sentences::{self, counted};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{Ani, Route};
use skyswitch_guard::store::Approval;

pub(super) fn vips(list: &VipList) -> String {
    if list.vips.is_empty() {
        let mut text = "No VIP rules.".to_owned();
        sentences::warnings(&mut text, &list.warnings);
        return text;
    }
    let has_notes = list.vips.iter().any(|vip| vip.note.is_some());
    let has_ends = list.vips.iter().any(|vip| vip.until.is_some());
    let mut header = vec!["Customer", "Caller", "Dialled number", "Destination"];
    header.extend(has_notes.then_some("Note"));
    header.extend(has_ends.then_some("Until"));
    let mut table = table(&header);
    for vip in &list.vips {
        let route = Route::from(vip);
        let mut cells = vec![
            shown(&vip.domain, 100),
            route.key.ani.to_string(),
            route.key.dnis.to_string(),
            route.goes_to(),
        ];
        cells.extend(has_notes.then(|| shown(vip.note.as_deref().unwrap_or_default(), 200)));
        cells.extend(has_ends.then(|| vip.until.clone().unwrap_or_default()));
        table.add_row(cells);
    }
    unbroken(&mut table, &[0, 1]);
    let mut text = format!("{table}\n{}", counted(list.total, "VIP rule"));
    sentences::warnings(&mut text, &list.warnings);
    text
}

pub(super) fn domains(list: &DomainList) -> String {
    if list.domains.is_empty() {
        return "No customers.".to_owned();
    }
    let mut table = table(&["PBX domain", "Description", "Reseller"]);
    for row in &list.domains {
        table.add_row([
            shown(&row.domain, 100),
            row.description.clone().unwrap_or_default(),
            shown(row.reseller.as_deref().unwrap_or_default(), 40),
        ]);
    }
    unbroken(&mut table, &[0]);
    format!("{table}\n{}", counted(list.total, "customer"))
}

/// The changes, each as one sentence.
pub(super) fn changes(list: &ChangeList, names: &Names<'_>) -> String {
    let mut text = String::new();
    for change in &list.changes {
        let _ = writeln!(text, "{}", sentences::change(change, names));
    }
    text.push_str(&match list.changes.is_empty() {
        true => "No changes.".to_owned(),
        false => counted(list.total, "change"),
    });
    sentences::warnings(&mut text, &list.warnings);
    if let Some(cursor) = &list.next_cursor {
        let _ = write!(text, "\nOlder changes: --cursor {cursor}");
    }
    text
}

/// An import: its rows, and below them what became of it.
pub(super) fn imported(outcome: &SyncOutcome, names: &Names<'_>) -> String {
    let rows = match outcome.rows.is_empty() {
        true => String::new(),
        false => format!("{}\n", import_rows(&outcome.rows)),
    };
    rows + &sentences::imported(outcome, names)
}

/// The rows as a table, and below it what has to be said of some of them.
fn import_rows(rows: &[SyncRow]) -> String {
    let has_notes = rows.iter().any(|row| row.note.is_some());
    let mut header = vec![
        "Line",
        "What",
        "Caller",
        "Dialled",
        "Goes to today",
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
        let mut cells = vec![
            line.unwrap_or_default(),
            word(row.action),
            caller,
            shown(row.dnis.as_deref().unwrap_or("any"), 64),
            row.before.clone().unwrap_or_default(),
            row.wanted.clone().unwrap_or_default(),
            row.state.map(word).unwrap_or_default(),
        ];
        cells.extend(has_notes.then(|| row.note.as_ref().map_or(String::new(), |n| shown(n, 200))));
        table.add_row(cells);
    }
    unbroken(&mut table, &[0, 1, 2]);
    format!("{table}{reasons}")
}

pub(super) fn token(report: &TokenReport) -> String {
    let not_shown = || "not shown by this service".to_owned();
    let username = report.username.as_ref().map(|name| shown(name, 100));
    let scopes = report
        .scopes
        .as_ref()
        .map(|scopes| shown(&scopes.join(" "), 300));
    format!(
        "Logged in as {}\nScopes: {}\nExpires {}",
        username.unwrap_or_else(not_shown),
        scopes.unwrap_or_else(not_shown),
        local_time::written(&report.expires_at, local_time::until)
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
    let warns = |check: &Check| matches!(check.state, CheckState::Warning);
    text.push_str(match diagnosis.ok {
        true if diagnosis.checks.iter().any(warns) => "No check failed; see the warnings above.",
        true => "All checks passed.",
        false => "A check failed; see above.",
    });
    text
}

/// What a write probe found out.
pub(super) fn probed(outcome: &WriteProbeOutcome) -> String {
    let mut text = match outcome.status {
        WriteProbeStatus::Probed => "Tried, and everything is removed again.",
        WriteProbeStatus::Incomplete => {
            "The trial did not finish. Something of it may be left; look again in a minute."
        }
        WriteProbeStatus::ConfirmationRequired => "Nothing was sent: a person has to agree first.",
        WriteProbeStatus::Declined => "Declined. Nothing was sent.",
        WriteProbeStatus::WrongValue => "Wrong value. Nothing was sent.",
        WriteProbeStatus::Lapsed => "Expired. Nothing was sent.",
        WriteProbeStatus::NoAnswer => "No answer. Nothing was sent.",
    }
    .to_owned();
    for fact in &outcome.learned {
        let _ = write!(text, "\nLearned: {}.", fact.words());
    }
    for not_tried in &outcome.not_tried {
        let _ = write!(text, "\nNot learned: {not_tried}.");
    }
    for left in &outcome.left {
        let _ = write!(text, "\nLeft: {left}.");
    }
    sentences::warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn waiting(waiting: &[Approval]) -> String {
    if waiting.is_empty() {
        return "No change is waiting for approval.".to_owned();
    }
    let mut table = table(&["Code", "Change", "Expires"]);
    for approval in waiting {
        table.add_row([
            &approval.code,
            approval.preview.summary(),
            &local_time::until(local_time::from_seconds(approval.expires_at)),
        ]);
    }
    format!("{table}\nRun `skyswitch approve CODE` to look at one and decide.")
}

pub(super) fn sandbox(settings: &[(&str, String)]) -> String {
    let mut text = "The sandbox runs until you interrupt it. In another terminal:\n".to_owned();
    for (name, value) in settings {
        let _ = write!(text, "\nexport {name}='{value}'");
    }
    text
}

pub(super) fn habits(habits: &BTreeMap<&str, &str>) -> String {
    let mut table = table(&["Habit", "What the service does"]);
    for (name, about) in habits {
        table.add_row([name, about]);
    }
    unbroken(&mut table, &[0]);
    format!("{table}\nChoose some with `skyswitch sandbox --habits NAME,NAME`.")
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
