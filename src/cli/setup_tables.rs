//! Results about customers' set-ups, for people.

use std::fmt::Write;

use console::style;

use super::tables::{counted, table, unbroken, warnings};
use crate::ops::{
    self, Checklist, DestinationList, MarkOutcome, MarkStatus, OnboardOutcome, OnboardStatus,
    PieceState, Portfolio, Step, StepState, Ticket,
};
use skyswitch_domain::Ani;
use skyswitch_domain::redact::shown;

pub(super) fn checklist(checklist: &Checklist) -> String {
    let mut text = format!(
        "{}: {}\n",
        checklist.domain,
        readiness(checklist.ready, &checklist.steps)
    );
    steps(&mut text, &checklist.steps);
    if let Some(warning) = &checklist.warning {
        let _ = write!(text, "\n\n{} {warning}", style("Warning:").red().bold());
    }
    warnings(&mut text, &checklist.warnings);
    if checklist.needs_ticket() {
        ticket(&mut text, &checklist.support_ticket);
    }
    text
}

pub(super) fn onboarded(outcome: &OnboardOutcome) -> String {
    let mut text = String::new();
    for change in &outcome.changes {
        let state = match change.state {
            PieceState::Planned => style("planned ").yellow(),
            PieceState::Made => style("made    ").green(),
            PieceState::Failed => style("FAILED  ").red(),
            PieceState::Unknown => style("UNKNOWN ").red(),
            PieceState::NotSent => style("not sent").yellow(),
        };
        let _ = write!(text, "[{state}] {}", change.what);
        if let Some(id) = &change.change_id {
            let _ = write!(text, " (change {id})");
        }
        if let Some(reason) = &change.reason {
            let _ = write!(text, "\n           {reason}");
        }
        text.push('\n');
    }
    text.push_str(match outcome.status {
        OnboardStatus::Planned => "Planned only; nothing was sent.",
        OnboardStatus::Unchanged => "Nothing can be done through the APIs now.",
        OnboardStatus::ConfirmationRequired | OnboardStatus::Declined => "Not done.",
        OnboardStatus::Applied => "Every change was made.",
        OnboardStatus::Incomplete => "Not every change was made.",
    });
    let _ = writeln!(
        text,
        "\n\n{}: {}",
        outcome.domain,
        readiness(outcome.ready, &outcome.steps)
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
        MarkStatus::Attested => "Attested.",
        MarkStatus::Withdrawn => "Withdrawn.",
        MarkStatus::Unchanged => "Unchanged; nothing was written down.",
        MarkStatus::ConfirmationRequired | MarkStatus::Declined => "Not attested.",
    }
    .to_owned();
    steps(&mut text, std::slice::from_ref(&outcome.step));
    warnings(&mut text, &outcome.warnings);
    text
}

pub(super) fn portfolio(portfolio: &Portfolio) -> String {
    let mut text = String::new();
    let alarm = style("ALARM:").red().bold();
    if portfolio.dropping > 0 {
        let _ = writeln!(
            text,
            "{alarm} {} losing calls right now: the dial plan has no rule for callers who are not VIPs.",
            are(portfolio.dropping)
        );
    }
    let possible = portfolio.alarms - portfolio.dropping;
    if possible > 0 {
        let _ = writeln!(
            text,
            "{alarm} {} perhaps losing calls: nobody has verified or attested the dial translation rule.",
            are(possible)
        );
    }
    if portfolio.customers.is_empty() {
        text.push_str("No customers.");
        return text;
    }
    let mut rows = table(&["Customer", "Stage", "VIPs", "Numbers"]);
    let mut told = String::new();
    for row in &portfolio.customers {
        let domain = shown(&row.domain, 100);
        if row.alarm || row.stage == ops::Stage::Unread {
            let _ = write!(told, "\n{domain}: {}", row.waits_for);
        }
        let dids: Vec<String> = row
            .dids
            .iter()
            .map(|did| Ani::from_stored(did).to_string())
            .collect();
        // With spaces it wraps between words.
        let stage = row.stage.as_str().replace('_', " ");
        rows.add_row([
            match &row.description {
                Some(description) => format!("{domain}\n{description}"),
                None => domain,
            },
            match row.alarm {
                true => format!("ALARM: {stage}"),
                false => stage,
            },
            row.vips.to_string(),
            dids.join("\n"),
        ]);
    }
    unbroken(&mut rows, &[0, 2, 3]);
    let stages: Vec<String> = portfolio
        .stages
        .iter()
        .map(|stage| format!("{} {}", stage.stage, stage.count))
        .collect();
    let _ = write!(
        text,
        "{rows}{told}\n{}: {}",
        counted(portfolio.total, "customer"),
        stages.join(", ")
    );
    if portfolio.read_earlier > 0 {
        let _ = write!(
            text,
            "\nThe dial plans of {} were read within the last hour and not again; `--fresh` reads them now.",
            portfolio.read_earlier
        );
    }
    text
}

fn are(customers: usize) -> String {
    match customers {
        1 => "1 customer is".to_owned(),
        n => format!("{n} customers are"),
    }
}

pub(super) fn destinations(list: &DestinationList) -> String {
    let mut text = match list.destinations.is_empty() {
        true => "No destinations.".to_owned(),
        false => {
            let mut rows = table(&["Destination", "Application", "Name", "Kind"]);
            for row in &list.destinations {
                rows.add_row([
                    shown(&row.destination, 80),
                    row.application.clone(),
                    row.name.clone().unwrap_or_default(),
                    row.kind.clone(),
                ]);
            }
            format!("{rows}\n{}", counted(list.total, "destination"))
        }
    };
    warnings(&mut text, &list.warnings);
    text
}

fn readiness(ready: bool, steps: &[Step]) -> console::StyledObject<&'static str> {
    let words = style(ops::readiness(ready, steps));
    if ready { words.green() } else { words.yellow() }
}

fn steps(text: &mut String, steps: &[Step]) {
    for (number, step) in (1..).zip(steps) {
        let state = match step.state {
            StepState::Done => style("done    ").green(),
            StepState::Attested => style("attested").green(),
            StepState::Todo => style("to do   ").yellow(),
            StepState::Blocked => style("blocked ").red(),
            StepState::Unknown => style("unknown ").yellow(),
        };
        let blocker = if step.blocker { " (BLOCKER)" } else { "" };
        let _ = write!(text, "\n{number}. [{state}] {}{blocker}", step.title);
        for line in [&step.evidence, &step.action].into_iter().flatten() {
            let _ = write!(text, "\n     {line}");
        }
    }
}

fn ticket(text: &mut String, ticket: &Ticket) {
    let _ = write!(
        text,
        "\n\nSupport ticket, ready to send\nSubject: {}\n\n{}",
        ticket.subject, ticket.body
    );
}
