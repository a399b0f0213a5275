//! The text form of results that are lists, for clients that show no structured
//! content. The sentences are those of [`crate::sentences`].

use std::fmt::Write;

use crate::ops::{
    ChangeList, DestinationList, DomainList, Names, NumberList, SetupStatus, SyncOutcome, VipList,
};
use crate::sentences;
use skyswitch_domain::redact::shown;

pub(super) fn vip_list(list: &VipList, names: &Names<'_>) -> String {
    let one = list.vips.first().map(|vip| &vip.domain);
    let one = one.filter(|domain| list.vips.iter().all(|vip| vip.domain == **domain));
    let rows = list.vips.iter().map(|vip| {
        let rule = sentences::rule(vip, names);
        match one {
            Some(_) => rule,
            None => format!("{}: {rule}", names.customer(&vip.domain)),
        }
    });
    let mut heading = format!("{} of {} VIP rules", list.count, list.total);
    if let Some(domain) = one {
        let _ = write!(heading, " of {}", names.customer(domain));
    }
    sentences::named(&mut heading, &list.named);
    listed(heading, rows, &list.warnings, list.next_cursor.as_deref())
}

pub(super) fn domain_list(list: &DomainList, _: &Names<'_>) -> String {
    let rows = list.domains.iter().map(|row| {
        let domain = shown(&row.domain, 100);
        domain + &in_brackets(row.description.as_deref())
    });
    let mut heading = format!("{} of {} PBX domains", list.count, list.total);
    let names = list.domains.iter().map(|row| row.domain.as_str());
    if let Some(own) = sentences::no_customers(names) {
        let _ = write!(heading, ". {own}");
    }
    listed(heading, rows, &[], list.next_cursor.as_deref())
}

pub(super) fn change_list(list: &ChangeList, names: &Names<'_>) -> String {
    let heading = format!("{} of {} changes, newest first", list.count, list.total);
    let rows = list.changes.iter();
    let rows = rows.map(|change| sentences::change(change, names));
    listed(heading, rows, &list.warnings, list.next_cursor.as_deref())
}

pub(super) fn destinations(list: &DestinationList, names: &Names<'_>) -> String {
    let rows = list.destinations.iter().map(|row| {
        let destination = shown(&row.destination, 80);
        let name = in_brackets(row.name.as_deref());
        format!("{} {destination} [{}]{name}", row.application, row.kind)
    });
    let (count, total) = (list.count, list.total);
    let customer = names.customer(&list.domain);
    let heading = format!("{count} of {total} destinations of {customer}");
    listed(heading, rows, &list.warnings, list.next_cursor.as_deref())
}

pub(super) fn numbers(list: &NumberList, _: &Names<'_>) -> String {
    let rows = list.numbers.iter().map(sentences::number);
    let heading = format!("{} of {} numbers", list.count, list.total);
    listed(heading, rows, &list.warnings, list.next_cursor.as_deref())
}

pub(super) fn imported(outcome: &SyncOutcome, names: &Names<'_>) -> String {
    let mut text = sentences::imported(outcome, names);
    for row in &outcome.rows {
        let _ = write!(text, "\n{}", sentences::import_row(row));
    }
    if outcome.rows_left_out > 0 {
        let _ = write!(
            text,
            "\n… and {}",
            sentences::counted(outcome.rows_left_out, "more row")
        );
    }
    text
}

pub(super) fn setup_status(status: &SetupStatus) -> String {
    let alarms = match status.alarms + status.unverified {
        0 => "No alarm.".to_owned(),
        _ => sentences::alarms(status),
    };
    let mut heading = format!(
        "{alarms}\n{} of {} customers. {}",
        status.count,
        status.total,
        sentences::stages(status)
    );
    let said = [sentences::not_read(status), sentences::not_listed(status)];
    for said in said.into_iter().flatten() {
        let _ = write!(heading, "\n{said}");
    }
    sentences::ends(&mut heading, status);
    let rows = status.customers.iter().map(|row| {
        let ticket = row.ticket.as_ref();
        let ticket = ticket.map_or(String::new(), |ticket| format!("; {ticket}"));
        format!(
            "[{}] {}: VIP rules {}; {}{ticket}",
            row.stage,
            shown(&row.domain, 100),
            row.vips,
            row.waits_for
        )
    });
    listed(heading, rows, &[], status.next_cursor.as_deref())
}

/// A heading, a line for each row, and what follows them.
fn listed(
    heading: String,
    rows: impl Iterator<Item = String>,
    warnings: &[String],
    cursor: Option<&str>,
) -> String {
    let mut text = rows.fold(heading, |text, row| text + "\n" + &row);
    sentences::warnings(&mut text, warnings);
    if let Some(cursor) = cursor {
        let _ = write!(text, "\nMore with cursor {cursor}");
    }
    text
}

fn in_brackets(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!(" ({name})"))
}
