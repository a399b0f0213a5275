//! The text form of results that are lists, for clients that show no structured
//! content. The sentences are those of [`crate::sentences`].

use std::fmt::Write;

use crate::ops::{ChangeList, DestinationList, DomainList, SetupStatus, SyncOutcome, VipList};
use crate::sentences;
use skyswitch_domain::redact::shown;

pub(super) fn vip_list(list: &VipList) -> String {
    let mut text = format!("{} of {} VIP rules", list.count, list.total);
    for vip in &list.vips {
        let domain = shown(&vip.domain, 100);
        let _ = write!(text, "\n{domain}: {}", sentences::rule(vip));
    }
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn domain_list(list: &DomainList) -> String {
    let mut text = format!("{} of {} customers (PBX domains)", list.count, list.total);
    for row in &list.domains {
        let _ = write!(text, "\n{}", shown(&row.domain, 100));
        if let Some(description) = &row.description {
            let _ = write!(text, " ({description})");
        }
    }
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn change_list(list: &ChangeList) -> String {
    let mut text = format!("{} of {} changes, newest first", list.count, list.total);
    for change in &list.changes {
        let _ = write!(text, "\n{}", sentences::change(change));
    }
    sentences::warnings(&mut text, &list.warnings);
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn imported(outcome: &SyncOutcome) -> String {
    let mut text = sentences::imported(outcome);
    for row in &outcome.rows {
        let _ = write!(text, "\n{}", sentences::import_row(row));
    }
    if outcome.rows_left_out > 0 {
        let _ = write!(text, "\n… and {} more rows", outcome.rows_left_out);
    }
    text
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
    sentences::warnings(&mut text, &list.warnings);
    more(&mut text, list.next_cursor.as_deref());
    text
}

pub(super) fn setup_status(status: &SetupStatus) -> String {
    let mut text = match status.alarms {
        0 => "No alarm.".to_owned(),
        _ => sentences::alarms(status),
    };
    let _ = write!(
        text,
        "\n{} of {} customers. Stages: {}",
        status.count,
        status.total,
        sentences::stages(status)
    );
    if let Some(earlier) = sentences::read_earlier(status) {
        let _ = write!(text, "\n{earlier}");
    }
    for row in &status.customers {
        let _ = write!(
            text,
            "\n[{}] {}: VIP rules {}; {}",
            row.stage,
            shown(&row.domain, 100),
            row.vips,
            row.waits_for
        );
    }
    more(&mut text, status.next_cursor.as_deref());
    text
}

fn more(text: &mut String, cursor: Option<&str>) {
    if let Some(cursor) = cursor {
        let _ = write!(text, "\nMore with cursor {cursor}");
    }
}
