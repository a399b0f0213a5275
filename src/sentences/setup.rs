//! What is said of customers' setups.

use std::fmt::Write;

use super::{counted, named, not_agreed, warnings, with_undo};
use crate::ops::{
    self, Checklist, MarkOutcome, MarkStatus, Names, OnboardChange, OnboardOutcome, OnboardStatus,
    PieceState, RouteOutcome, RouteStatus, SetupStatus, Step, StepState, Ticket, TicketOutcome,
};
use skyswitch_domain::command_line;
use skyswitch_domain::wording::{capitalised, first_few, word};
use skyswitch_domain::{Ani, Argument, Operation, SetupStep};

/// A customer's setup, step by step.
pub(crate) fn checklist(checklist: &Checklist, names: &Names<'_>) -> String {
    let mut text = format!(
        "{}: {}",
        names.customer(&checklist.domain),
        ops::readiness(checklist.ready, &checklist.steps)
    );
    named(&mut text, &checklist.named);
    steps(&mut text, &checklist.steps);
    if let Some(warning) = &checklist.warning {
        let _ = write!(text, "\n{warning}");
    }
    warnings(&mut text, &checklist.warnings);
    ticket(&mut text, checklist.support_ticket.as_ref());
    text
}

/// The support ticket of a customer, and whether it was sent.
pub(crate) fn ticket_of(outcome: &TicketOutcome, names: &Names<'_>) -> String {
    let customer = names.customer(&outcome.domain);
    let said = match (&outcome.sent, &outcome.ticket) {
        (Some(waits), _) => format!("It was sent: the customer {waits}."),
        (None, Some(_)) => "It is not recorded as sent.".to_owned(),
        (None, None) => {
            "None is needed: the dial translation rule is verified or attested. Nothing was recorded."
                .to_owned()
        }
    };
    let mut text = format!("Support ticket of {customer}\n{said}");
    named(&mut text, &outcome.named);
    warnings(&mut text, &outcome.warnings);
    ticket(&mut text, outcome.ticket.as_ref());
    text
}

/// What was done for a customer's setup, and what is left.
pub(crate) fn onboarded(outcome: &OnboardOutcome, names: &Names<'_>) -> String {
    let mut text = match outcome.status {
        OnboardStatus::Planned => "This is the plan only; nothing was changed.".to_owned(),
        OnboardStatus::Unchanged => "Nothing can be done through the APIs now.".to_owned(),
        OnboardStatus::Applied => "Every change was made.".to_owned(),
        OnboardStatus::Incomplete => "Not every change was made.".to_owned(),
        _ => not_agreed(&outcome.confirmation),
    };
    for change in &outcome.changes {
        let state = word(change.state).replace('_', " ");
        let _ = write!(text, "\n[{state}] {}", capitalised(&change.what));
        if let Some(id) = &change.change_id {
            let _ = write!(text, " (change {id})");
        }
        if let Some(reason) = &change.reason {
            let _ = write!(text, "\n    {reason}");
        }
    }
    let _ = write!(
        text,
        "\n{}: {}",
        names.customer(&outcome.domain),
        ops::readiness(outcome.ready, &outcome.steps)
    );
    named(&mut text, &outcome.named);
    steps(&mut text, &outcome.steps);
    warnings(&mut text, &outcome.warnings);
    ticket(&mut text, outcome.support_ticket.as_ref());
    let mut made = outcome.changes.iter();
    let is_routed = |change: &&OnboardChange| {
        change.step == SetupStep::RouteDid && change.state == PieceState::Made
    };
    if let Some(change) = made.find(is_routed) {
        call_now(
            &mut text,
            change.change_id.as_deref(),
            change.no_undo.as_deref(),
        );
    }
    text
}

/// What became of a number that was to go to a user.
pub(crate) fn routed(outcome: &RouteOutcome, names: &Names<'_>) -> String {
    let number = Ani::from_stored(&outcome.did);
    let customer = names.customer(&outcome.domain);
    let setting = &outcome.setting;
    let text = match outcome.status {
        RouteStatus::Routed => {
            let before = outcome.previous_setting.as_deref().unwrap_or("nowhere");
            format!(
                "Routed: {number} of {customer} now goes to {setting}. Until now, it went to {before}."
            )
        }
        RouteStatus::Unchanged => {
            format!("No change: {number} of {customer} goes to {setting} already.")
        }
        _ => not_agreed(&outcome.confirmation),
    };
    let (id, no_undo) = (outcome.change_id.as_deref(), outcome.no_undo.as_deref());
    let mut text = with_undo(text, id.filter(|_| no_undo.is_none()), &outcome.warnings);
    if outcome.status == RouteStatus::Routed {
        call_now(&mut text, id, no_undo);
    }
    text
}

/// What to do right after a number was routed, as the last line.
pub(super) fn call_now(text: &mut String, change_id: Option<&str>, no_undo: Option<&str>) {
    text.push_str("\nCall the number now from a phone that is not a VIP");
    match (change_id, no_undo) {
        (_, Some(why)) => {
            let _ = write!(
                text,
                ". If nobody answers, send it to another user with {}: {} would not put it back, because {why}",
                Operation::RouteNumber,
                Operation::UndoChange
            );
        }
        (Some(id), None) => {
            let undo = Operation::UndoChange.with("change_id", id);
            let _ = write!(text, "; {undo} if nobody answers");
        }
        (None, None) => {}
    }
    text.push('.');
}

/// What became of a person's statement.
pub(crate) fn marked(outcome: &MarkOutcome) -> String {
    let mut text = match outcome.status {
        MarkStatus::Attested => "Recorded: the step is attested.".to_owned(),
        MarkStatus::Withdrawn => "The statement is withdrawn.".to_owned(),
        MarkStatus::Unchanged => "No change; nothing was recorded.".to_owned(),
        _ => not_agreed(&outcome.confirmation),
    };
    steps(&mut text, std::slice::from_ref(&outcome.step));
    warnings(&mut text, &outcome.warnings);
    text
}

/// Which customers may be losing calls.
pub(crate) fn alarms(status: &SetupStatus) -> String {
    let alarm = |count: usize, what: &str| {
        let are = if count == 1 { "is" } else { "are" };
        (count > 0).then(|| format!("ALARM: {} {are} {what}.", customers(count)))
    };
    let dropping = alarm(
        status.dropping,
        "losing calls right now: the dial plan has no rule for callers who are not VIPs",
    );
    let possible = alarm(
        status.alarms - status.dropping,
        "perhaps losing calls: nobody has verified or attested the dial translation rule",
    );
    let unverified = (status.unverified > 0).then(|| {
        format!(
            "NOT VERIFIED: for {} it could not be read just now whether calls are lost. {} checks the login of the PBX \
             API (`pbx_base_url`, `pbx_username`, `pbx_password`).",
            customers(status.unverified),
            command_line("doctor")
        )
    });
    let all = [dropping, possible, unverified].into_iter().flatten();
    Vec::from_iter(all).join("\n")
}

/// VIP rules that end soon, a line each, after what was said before.
pub(crate) fn ends(text: &mut String, status: &SetupStatus) {
    for end in &status.ends {
        let _ = write!(text, "\n{end}");
    }
}

/// Customers in the table that the list of domains does not have.
pub(crate) fn not_listed(status: &SetupStatus) -> Option<String> {
    (status.not_listed > 0).then(|| {
        format!(
            "Counted too, although not in the account's list of domains: {} with VIP rules.",
            customers(status.not_listed)
        )
    })
}

/// The reseller's own domains among some, which the setup status leaves out.
pub(crate) fn no_customers<'a>(domains: impl Iterator<Item = &'a str>) -> Option<String> {
    let own: Vec<&str> = domains
        .filter(|name| ops::is_reseller_admin(name))
        .collect();
    let own = (!own.is_empty()).then(|| first_few(5, own));
    own.map(|own| format!("The reseller's own, which is no customer: {own}."))
}

/// How many customers are at which stage, those of other stages included.
pub(crate) fn stages(status: &SetupStatus) -> String {
    let stages = status.stages.iter();
    let counts = stages.map(|stage| format!("{} {}", stage.stage, stage.count));
    let counts = Vec::from_iter(counts).join(", ");
    let all: usize = status.stages.iter().map(|stage| stage.count).sum();
    match all {
        all if all == status.total => format!("Stages: {counts}"),
        all => format!("Stages of all {all}: {counts}"),
    }
}

/// Whose dial plans were not read again, and whose numbers were not followed.
pub(crate) fn not_read(status: &SetupStatus) -> Option<String> {
    let mut text = String::new();
    if status.read_earlier > 0 {
        let _ = write!(
            text,
            "The dial plans of {} were read within the last hour and not again; {} reads them now.",
            customers(status.read_earlier),
            Argument("fresh")
        );
    }
    if status.not_followed > 0 {
        let _ = write!(
            text,
            "\nWhether a Route by ANI user of another name takes the calls of {} without VIP rules was not looked at; \
             {} looks at all.",
            customers(status.not_followed),
            Argument("fresh")
        );
    }
    let text = text.trim_start();
    (!text.is_empty()).then(|| text.to_owned())
}

fn customers(count: usize) -> String {
    counted(count, "customer")
}

fn steps(text: &mut String, steps: &[Step]) {
    for step in steps {
        let state = match step.state {
            StepState::Done => "done",
            StepState::Attested => "attested",
            StepState::Todo => "to do",
            StepState::Blocked => "blocked",
            StepState::Unknown => "unknown",
        };
        let blocker = match step.blocker {
            true => ", do not skip",
            false => "",
        };
        let _ = write!(
            text,
            "\n[{state}] {} ({}{blocker})",
            ops::step_title(step.id),
            step.id.as_str()
        );
        if let Some(evidence) = &step.evidence {
            let _ = write!(text, "\n    {evidence}");
        }
        if let Some(action) = &step.action {
            let _ = write!(text, "\n    To do: {action}");
        }
    }
}

fn ticket(text: &mut String, ticket: Option<&Ticket>) {
    if let Some(ticket) = ticket {
        let _ = write!(
            text,
            "\n\nSupport ticket, ready to send\nSubject: {}\n\n{}",
            ticket.subject, ticket.body
        );
    }
}
