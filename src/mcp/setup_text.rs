//! The short text form of results about customers' set-ups.

use std::fmt::Write;

use super::text::{DECLINED, more, waiting, warnings};
use crate::ops::{
    self, Checklist, DestinationList, MarkOutcome, MarkStatus, OnboardOutcome, OnboardStatus,
    Portfolio, Step, Ticket,
};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;

pub(super) fn checklist(checklist: &Checklist) -> String {
    let mut text = format!(
        "{}: {}",
        checklist.domain,
        ops::readiness(checklist.ready, &checklist.steps)
    );
    steps(&mut text, &checklist.steps);
    if let Some(warning) = &checklist.warning {
        let _ = write!(text, "\nWarning: {warning}");
    }
    warnings(&mut text, &checklist.warnings);
    if checklist.needs_ticket() {
        ticket(&mut text, &checklist.support_ticket);
    }
    text
}

pub(super) fn onboarded(outcome: &OnboardOutcome) -> String {
    let mut text = match outcome.status {
        OnboardStatus::Planned => "Planned only; nothing was sent.".to_owned(),
        OnboardStatus::Unchanged => "Nothing can be done through the APIs now.".to_owned(),
        OnboardStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        OnboardStatus::Declined => DECLINED.to_owned(),
        OnboardStatus::Applied => "Every change was made.".to_owned(),
        OnboardStatus::Incomplete => "Not every change was made.".to_owned(),
    };
    for change in &outcome.changes {
        let state = word(change.state);
        let _ = write!(text, "\n[{state}] {}", change.what);
        if let Some(reason) = &change.reason {
            let _ = write!(text, " - {reason}");
        }
        if let Some(id) = &change.change_id {
            let _ = write!(text, " (change {id})");
        }
    }
    let _ = write!(
        text,
        "\n{}: {}",
        outcome.domain,
        ops::readiness(outcome.ready, &outcome.steps)
    );
    steps(&mut text, &outcome.steps);
    warnings(&mut text, &outcome.warnings);
    if let Some(support) = &outcome.support_ticket {
        ticket(&mut text, support);
    }
    text
}

pub(super) fn marked(outcome: &MarkOutcome) -> String {
    let mut text = match outcome.status {
        MarkStatus::Attested => "Attested.".to_owned(),
        MarkStatus::Withdrawn => "Withdrawn.".to_owned(),
        MarkStatus::Unchanged => "Unchanged; nothing was written down.".to_owned(),
        MarkStatus::ConfirmationRequired => waiting(&outcome.confirmation),
        MarkStatus::Declined => DECLINED.to_owned(),
    };
    steps(&mut text, std::slice::from_ref(&outcome.step));
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn portfolio(portfolio: &Portfolio) -> String {
    let mut text = alarms(portfolio.alarms, portfolio.dropping);
    let stages: Vec<String> = portfolio
        .stages
        .iter()
        .map(|stage| format!("{} {}", stage.stage, stage.count))
        .collect();
    let _ = write!(
        text,
        "\n{} of {} customers. Stages: {}",
        portfolio.count,
        portfolio.total,
        stages.join(", ")
    );
    if portfolio.read_earlier > 0 {
        let _ = write!(
            text,
            "\nThe dial plans of {} were read within the last hour and not again; `fresh` reads them now.",
            portfolio.read_earlier
        );
    }
    for row in &portfolio.customers {
        let _ = write!(
            text,
            "\n[{}] {}: VIP rules {}; {}{}",
            row.stage,
            shown(&row.domain, 100),
            row.vips,
            if row.alarm || row.stage == ops::Stage::Unread {
                ""
            } else {
                "waits for "
            },
            row.waits_for
        );
    }
    if portfolio.count < portfolio.total {
        let _ = write!(
            text,
            "\n{} more; `stage` and `query` narrow, `limit` shows more.",
            portfolio.total - portfolio.count
        );
    }
    text
}

fn alarms(all: usize, dropping: usize) -> String {
    let possible = all - dropping;
    let mut lines = Vec::new();
    if dropping > 0 {
        lines.push(format!(
            "ALARM: customers losing calls right now, because the dial plan has no rule for callers who are not VIPs: {dropping}."
        ));
    }
    if possible > 0 {
        lines.push(format!(
            "ALARM: customers perhaps losing calls, because nobody has verified or attested the dial translation rule: {possible}."
        ));
    }
    match lines.is_empty() {
        true => "No alarm.".to_owned(),
        false => lines.join("\n"),
    }
}

pub(super) fn destinations(list: &DestinationList) -> String {
    let mut text = format!(
        "{} of {} destinations in {}",
        list.count, list.total, list.domain
    );
    for row in &list.destinations {
        let _ = write!(
            text,
            "\n{} {} [{}]",
            row.application,
            shown(&row.destination, 80),
            row.kind
        );
        if let Some(name) = &row.name {
            let _ = write!(text, " ({name})");
        }
    }
    warnings(&mut text, &list.warnings);
    more(&mut text, list.next_cursor.as_deref());
    text
}

fn steps(text: &mut String, steps: &[Step]) {
    for step in steps {
        let state = word(step.state);
        let _ = write!(text, "\n[{state}] {}", step.title);
        if let Some(evidence) = &step.evidence {
            let _ = write!(text, " - {evidence}");
        }
        if let Some(action) = &step.action {
            let _ = write!(text, "\n    To do: {action}");
        }
    }
}

fn ticket(text: &mut String, ticket: &Ticket) {
    let _ = write!(
        text,
        "\n\nSupport ticket\nSubject: {}\n{}",
        ticket.subject, ticket.body
    );
}
