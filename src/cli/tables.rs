//! Results for people: tables, numbers in their usual writing, colours where they help.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use console::style;

use super::layout::Listing;
use super::output::Output;
use crate::local_time;
use crate::ops::{
    Action, ChangeList, ChangeRow, Check, CheckState, Diagnosis, DomainList, ListVips, Names,
    SyncOutcome, SyncRow, SyncStatus, TokenReport, VipList, WriteProbeOutcome, WriteProbeStatus,
};
use crate::sentences;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{Ani, Route, command_line, program};
use skyswitch_guard::store::Approval;

pub(super) fn vips(list: &VipList, asked: &ListVips, names: &Names<'_>) -> Listing {
    let columns = [
        "Caller",
        "Dialled number",
        "Destination",
        "Customer",
        "Note",
        "Until",
    ];
    let mut listing = Listing::new(&columns, "No VIP rules.")
        .blank("Dialled number", "any")
        .without("Customer", asked.domain.is_some());
    for vip in &list.vips {
        let route = Route::from(vip);
        let dialled = match route.key.dnis.is_any() {
            true => String::new(),
            false => route.key.dnis.to_string(),
        };
        listing.row([
            route.key.ani.to_string(),
            dialled,
            names.destination(&route),
            shown(&vip.domain, 100),
            shown(vip.note.as_deref().unwrap_or_default(), 200),
            vip.until.clone().unwrap_or_default(),
        ]);
    }
    sentences::named(&mut listing.worth_a_look, &list.named);
    sentences::warnings(&mut listing.worth_a_look, &list.warnings);
    listing.count(list.total, "VIP rule");
    listing
}

pub(super) fn domains(list: &DomainList) -> Listing {
    let mut listing = Listing::new(&["PBX domain", "Description", "Reseller"], "No customers.");
    for row in &list.domains {
        listing.row([
            shown(&row.domain, 100),
            row.description.clone().unwrap_or_default(),
            shown(row.reseller.as_deref().unwrap_or_default(), 40),
        ]);
    }
    listing.count(list.total, "PBX domain");
    let names = list.domains.iter().map(|row| row.domain.as_str());
    if let Some(own) = sentences::no_customers(names) {
        let _ = write!(listing.after, ". {own}");
    }
    listing
}

/// The changes: each as one sentence, or as rows for a table of numbers.
pub(super) fn changes(list: &ChangeList, names: &Names<'_>) -> Listing {
    let columns = [
        "Id",
        "Time",
        "Status",
        "Operation",
        "Customer",
        "About",
        "Before",
        "Wanted",
        "Asked by",
        "Import",
    ];
    let mut listing = Listing::new(&columns, "No changes.");
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    for change in &list.changes {
        let about = change
            .ani
            .as_ref()
            .or(change.did.as_ref())
            .or(change.subject.as_ref());
        listing.row([
            text(&change.change_id),
            local_time::written(&change.started_at, local_time::minute),
            word(change.status),
            change.operation.clone(),
            text(&change.domain),
            about.cloned().unwrap_or_default(),
            text(&change.before),
            text(&change.wanted),
            change.asked_by.clone(),
            text(&change.run_id),
        ]);
        listing.told.push(sentences::change(change, names));
    }
    sentences::warnings(&mut listing.worth_a_look, &list.warnings);
    listing.count(list.total, "change");
    if let Some(cursor) = &list.next_cursor {
        let _ = write!(listing.after, "\nOlder changes: --cursor {cursor}");
    }
    let is_change = |row: &ChangeRow| row.change_id.is_some();
    let which = match list.changes.iter().any(is_change) {
        true => "undo ID",
        false => "undo --run IMPORT",
    };
    if !list.changes.is_empty() {
        let undo = format!("{} puts one of them back", command_line(which));
        next(&mut listing.after, undo);
    }
    listing
}

/// An import: its rows, and below them what became of it.
pub(super) fn imported(outcome: &SyncOutcome, names: &Names<'_>, output: &Output) -> String {
    let rows = match outcome.rows.is_empty() {
        true => String::new(),
        false => format!("{}\n", output.laid_out(&import_rows(&outcome.rows, names))),
    };
    let mut text = rows + &sentences::imported(outcome, names);
    if outcome.status == SyncStatus::Planned && !outcome.has_rows_in_the_way {
        next(&mut text, "the same command without `--dry-run`");
    }
    text
}

/// The rows, and below them what has to be said of some of them.
fn import_rows(rows: &[SyncRow], names: &Names<'_>) -> Listing {
    let columns = [
        "Caller",
        "Line",
        "What",
        "Dialled",
        "Goes to today",
        "Wanted",
        "State",
        "Note",
    ];
    let mut listing = Listing::new(&columns, "").blank("Dialled", "any");
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
            let _ = writeln!(listing.after, "{place}: {reason}");
        }
        let goes_to = |rule: &Option<Route>| {
            let rule = rule.as_ref();
            rule.map_or(String::new(), |rule| names.destination(rule))
        };
        let [before, wanted] = row.rules.each_ref().map(goes_to);
        listing.row([
            caller,
            line.unwrap_or_default(),
            word(row.action),
            row.dnis
                .as_deref()
                .map_or(String::new(), |dnis| shown(dnis, 64)),
            before,
            wanted,
            row.state.map(word).unwrap_or_default(),
            row.note
                .as_ref()
                .map_or(String::new(), |note| shown(note, 200)),
        ]);
    }
    listing.after.truncate(listing.after.trim_end().len());
    listing
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

pub(super) fn waiting(waiting: &[Approval]) -> Listing {
    let mut listing = Listing::new(
        &["Code", "Change", "Expires"],
        "No change is waiting for approval.",
    );
    for approval in waiting {
        listing.row([
            approval.code.clone(),
            approval.preview.summary().to_owned(),
            local_time::until(local_time::from_seconds(approval.expires_at)),
        ]);
    }
    if !waiting.is_empty() {
        let step = format!("`{} approve CODE` shows one and asks", program());
        next(&mut listing.after, step);
    }
    listing
}

pub(super) fn sandbox(settings: &[(&str, String)]) -> String {
    let mut text = "The sandbox runs until you interrupt it. In another terminal:\n".to_owned();
    for (name, value) in settings {
        let _ = write!(text, "\nexport {name}='{value}'");
    }
    text
}

pub(super) fn habits(habits: &BTreeMap<&str, &str>) -> Listing {
    let mut listing = Listing::new(&["Habit", "What the service does"], "");
    for (name, about) in habits {
        listing.row([(*name).to_owned(), (*about).to_owned()]);
    }
    next(&mut listing.after, "`skyswitch sandbox --habits NAME,NAME`");
    listing
}

/// What to do next, as the last line.
pub(super) fn next(text: &mut String, step: impl Display) {
    let _ = write!(text, "\nNext: {step}");
}
