//! The short text form of each result, for clients that show no structured content.

use std::fmt::Write;

use crate::ops::{
    AddVipOutcome, AddVipStatus, CallExplained, ChangeList, ChangeRow, Confirmation, DomainList,
    RemoveVipOutcome, RemoveVipStatus, SyncOutcome, SyncRow, SyncStatus, UndoOutcome, UndoStatus,
    VipList,
};
use skyswitch_domain::Vip;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;

pub(super) fn vip_list(list: &VipList) -> String {
    let mut text = format!("{} of {} VIP rules", list.count, list.total);
    for vip in &list.vips {
        let _ = write!(text, "\n{}: {}", shown(&vip.domain, 100), rule(vip));
    }
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn domain_list(list: &DomainList) -> String {
    let mut text = format!("{} of {} PBX domains", list.count, list.total);
    for row in &list.domains {
        let _ = write!(text, "\n{}", shown(&row.domain, 100));
        if let Some(description) = &row.description {
            let _ = write!(text, " ({description})");
        }
    }
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn added(outcome: &AddVipOutcome) -> String {
    let vip = rule(&outcome.vip);
    let mut text = match outcome.status {
        AddVipStatus::Created => format!("Added: {vip}"),
        AddVipStatus::Replaced => match &outcome.previous {
            Some(previous) => format!("Replaced: {} -> now {vip}", rule(previous)),
            None => format!("Replaced: {vip}"),
        },
        AddVipStatus::Unchanged => format!("Unchanged, the rule stood already: {vip}"),
        AddVipStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        AddVipStatus::Declined => DECLINED.to_owned(),
    };
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn removed(outcome: &RemoveVipOutcome) -> String {
    let vip = outcome.vip.as_ref().map(rule).unwrap_or_default();
    let mut text = match outcome.status {
        RemoveVipStatus::Removed => format!("Removed: {vip}"),
        RemoveVipStatus::NotFound => "Not found: no such rule stands; nothing was sent.".to_owned(),
        RemoveVipStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        RemoveVipStatus::Declined => DECLINED.to_owned(),
    };
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn explained(call: &CallExplained) -> String {
    let mut text = call.why.clone();
    for other in &call.other_rules {
        let _ = write!(text, "\nAnother rule of this caller: {}", rule(other));
    }
    for unknown in &call.unknown {
        let _ = write!(text, "\nNot known: {unknown}");
    }
    text
}

pub(super) fn change_list(list: &ChangeList) -> String {
    let mut text = format!("{} of {} changes, newest first", list.count, list.total);
    for change in &list.changes {
        let _ = write!(text, "\n{}", changed(change));
    }
    warnings(&mut text, &list.warnings);
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn undone(outcome: &UndoOutcome) -> String {
    let now = outcome
        .vip
        .as_ref()
        .map(rule)
        .or_else(|| outcome.setting.clone())
        .unwrap_or("no rule".to_owned());
    let mut text = match outcome.status {
        UndoStatus::Restored => {
            format!("Undone: change {}; now {now}", outcome.undoes.change_id)
        }
        UndoStatus::Unchanged => {
            format!("Unchanged, it stood already as before that change: {now}")
        }
        UndoStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        UndoStatus::Declined => DECLINED.to_owned(),
    };
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn synced(outcome: &SyncOutcome) -> String {
    let plan = &outcome.plan;
    let mut text = match outcome.status {
        SyncStatus::Planned => "Planned only; nothing was sent.".to_owned(),
        SyncStatus::Unchanged => "Everything stands already; nothing was sent.".to_owned(),
        SyncStatus::Invalid => {
            "The list has rows that cannot be used; nothing was sent. Correct them and call again."
                .to_owned()
        }
        SyncStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        SyncStatus::Declined => DECLINED.to_owned(),
        SyncStatus::Applied => "Applied: every change was made.".to_owned(),
        SyncStatus::Incomplete => "Incomplete: not every change was made.".to_owned(),
        SyncStatus::Cancelled => "Stopped on request before every change was made.".to_owned(),
    };
    let _ = write!(
        text,
        "\n{}: add {}, replace {}, remove {}, keep {}, invalid {}",
        outcome.domain, plan.add, plan.replace, plan.remove, plan.keep, plan.invalid
    );
    if let Some(done) = &outcome.done {
        let _ = write!(
            text,
            "\nmade {}, failed {}, outcome not known {}, not sent {}",
            done.made, done.failed, done.unknown, done.not_sent
        );
    }
    if let Some(stopped_by) = &outcome.stopped_by {
        let _ = write!(text, "\nStopped by: {stopped_by}");
    }
    if let Some(run) = outcome.run_to_resume() {
        let _ = write!(text, "\nGo on with resume \"{run}\".");
    }
    for row in &outcome.rows {
        let _ = write!(text, "\n{}", synced_row(row));
    }
    if outcome.rows_left_out > 0 {
        let _ = write!(text, "\n… and {} more rows", outcome.rows_left_out);
    }
    warnings(&mut text, &outcome.warnings);
    text
}

/// `line 4: replace 16165550123: user 101 -> user 102 [made]`
fn synced_row(row: &SyncRow) -> String {
    let mut line = match row.line {
        Some(number) => format!("line {number}: "),
        None => String::new(),
    };
    let action = word(row.action);
    let _ = write!(line, "{action} {}", shown(&row.ani, 64));
    if let Some(dnis) = row.dnis.as_deref().filter(|dnis| *dnis != "*") {
        let _ = write!(line, " (when dialling {})", shown(dnis, 64));
    }
    let places: Vec<String> = [&row.previous, &row.vip]
        .into_iter()
        .flatten()
        .map(|vip| {
            format!(
                "{} {}",
                shown(&vip.application, 20),
                shown(&vip.destination, 80)
            )
        })
        .collect();
    if !places.is_empty() {
        let _ = write!(line, ": {}", places.join(" -> "));
    }
    if let Some(state) = row.state {
        let _ = write!(line, " [{}]", word(state));
    }
    if let Some(reason) = &row.reason {
        let _ = write!(line, " - {reason}");
    }
    line
}

/// `42 done 2026-03-14T09:00:00Z add_vip in acme: 16165550123 rang user 101, wanted user 102`
fn changed(change: &ChangeRow) -> String {
    let status = word(change.status);
    let side = |vip: Option<&Vip>| {
        vip.map_or_else(
            || "no rule".to_owned(),
            |vip| {
                format!(
                    "{} {}",
                    shown(&vip.application, 20),
                    shown(&vip.destination, 80)
                )
            },
        )
    };
    let called = match change.dnis.as_deref() {
        None | Some("*") => String::new(),
        Some(dnis) => format!(" (when dialling {})", shown(dnis, 64)),
    };
    let (before, wanted) = match &change.setting_wanted {
        None => (side(change.before.as_ref()), side(change.wanted.as_ref())),
        Some(wanted) => (
            change
                .setting_before
                .clone()
                .unwrap_or("nothing".to_owned()),
            wanted.clone(),
        ),
    };
    let of = change
        .ani
        .as_ref()
        .or(change.did.as_ref())
        .unwrap_or(&change.subject);
    let mut line = format!(
        "{} [{status}] {} {} in {}: {}{called}: {before} -> {wanted}",
        change.change_id,
        change.started_at,
        change.operation,
        shown(&change.domain, 100),
        shown(of, 64),
    );
    if change.made == Some(false) {
        line.push_str(", not made");
    }
    if let Some(undoes) = &change.undoes {
        let _ = write!(line, ", undoes {undoes}");
    }
    line
}

pub(super) const DECLINED: &str = "Declined: a person was asked and did not agree (or typed another value), so nothing was changed. \
                        Do not try again unless they ask for it.";

pub(super) fn waiting(confirmation: &Confirmation) -> String {
    let mut text = format!(
        "Nothing was changed yet; a person must agree.\n{}\n{}",
        confirmation.preview.as_deref().unwrap_or_default(),
        confirmation.next_step.as_deref().unwrap_or_default()
    );
    if let Some(link) = &confirmation.approval_link {
        let _ = write!(text, "\nApproval page: {link}");
    }
    text
}

fn rule(vip: &Vip) -> String {
    let called = match vip.dnis.as_deref() {
        None | Some("*") => String::new(),
        Some(dnis) => format!(" (when dialling {})", shown(dnis, 64)),
    };
    format!(
        "{} -> {} {}{called}",
        shown(&vip.ani, 64),
        shown(&vip.application, 20),
        shown(&vip.destination, 80)
    )
}

pub(super) fn warnings(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = write!(text, "\nWarning: {warning}");
    }
}

pub(super) fn more(text: &mut String, cursor: Option<&str>) {
    if let Some(cursor) = cursor {
        let _ = write!(text, "\nMore with cursor {cursor}");
    }
}
