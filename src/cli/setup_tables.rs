//! Tables about customers' setups.

use std::fmt::Write;

use super::tables::{table, unbroken};
use crate::ops::{DestinationList, NumberList, SetupStatus};
use crate::sentences::{self, counted};
use skyswitch_domain::Ani;
use skyswitch_domain::redact::shown;

pub(super) fn setup_status(status: &SetupStatus) -> String {
    let mut text = String::new();
    if status.alarms + status.unverified > 0 {
        let alarms = console::style(sentences::alarms(status));
        let _ = writeln!(text, "{}", alarms.red().bold());
    }
    if status.customers.is_empty() {
        text.push_str(match status.stages.is_empty() {
            true => "No customers.",
            false => "No customer is at this stage.",
        });
        return text;
    }
    let mut rows = table(&["Customer", "Stage", "VIPs", "Numbers"]);
    let mut notes = String::new();
    for row in &status.customers {
        let domain = shown(&row.domain, 100);
        if row.alarm || row.unverified {
            let _ = write!(notes, "\n{domain}: {}", row.waits_for);
        }
        if let Some(ticket) = &row.ticket {
            let _ = write!(notes, "\n{domain} {ticket}");
        }
        let dids: Vec<String> = row
            .dids
            .iter()
            .map(|did| Ani::from_stored(did).to_string())
            .collect();
        let stage = row.stage.words();
        rows.add_row([
            match &row.description {
                Some(description) => format!("{domain}\n{description}"),
                None => domain,
            },
            format!(
                "{}{stage}",
                sentences::alarm_mark(row.alarm, row.unverified)
            ),
            row.vips.to_string(),
            dids.join("\n"),
        ]);
    }
    unbroken(&mut rows, &[0, 2, 3]);
    let _ = write!(
        text,
        "{rows}{notes}\n{}. {}",
        counted(status.total, "customer"),
        sentences::stages(status)
    );
    if let Some(earlier) = sentences::not_read(status) {
        let _ = write!(text, "\n{earlier}");
    }
    sentences::ends(&mut text, status);
    text
}

pub(super) fn numbers(list: &NumberList) -> String {
    let mut text = match list.numbers.is_empty() {
        true => "No numbers.".to_owned(),
        false => {
            let mut rows = table(&["Number", "Goes to", "Spam calls"]);
            for row in &list.numbers {
                let number = Ani::from_stored(&row.number);
                rows.add_row([
                    format!(
                        "{}{number}",
                        sentences::alarm_mark(row.alarm, row.unverified)
                    ),
                    sentences::goes_to(row),
                    row.spam_handling.clone().unwrap_or_default(),
                ]);
            }
            unbroken(&mut rows, &[0]);
            format!("{rows}\n{}", counted(list.total, "number"))
        }
    };
    sentences::warnings(&mut text, &list.warnings);
    if let Some(cursor) = &list.next_cursor {
        let _ = write!(text, "\nMore numbers: --cursor {cursor}");
    }
    text
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
    sentences::warnings(&mut text, &list.warnings);
    text
}
