//! Tables about customers' setups.

use std::fmt::Write;

use super::layout::Listing;
use super::tables::next;
use crate::ops::{DestinationList, NumberList, SetupStatus};
use crate::sentences;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Ani, Operation};

pub(super) fn setup_status(status: &SetupStatus) -> Listing {
    let none = match status.stages.is_empty() {
        true => "No customers.",
        false => "No customer is at this stage.",
    };
    let columns = ["Customer", "Alarm", "Name", "Stage", "VIPs", "Numbers"];
    // A customer's domain tells who it is, too.
    let mut listing = Listing::new(&columns, none).spare("Name");
    if status.alarms + status.unverified > 0 {
        let alarms = console::style(sentences::alarms(status));
        let _ = writeln!(listing.before, "{}", alarms.red().bold());
    }
    for row in &status.customers {
        let domain = shown(&row.domain, 100);
        let mark = sentences::alarm_mark(row.alarm, row.unverified);
        if !mark.is_empty() {
            let _ = write!(listing.worth_a_look, "\n{domain}: {}", row.waits_for);
        }
        if let Some(ticket) = &row.ticket {
            let _ = write!(listing.worth_a_look, "\n{domain} {ticket}");
        }
        let dids = row.dids.iter().map(|did| Ani::from_stored(did).to_string());
        listing.row([
            domain,
            mark.to_owned(),
            row.description.clone().unwrap_or_default(),
            row.stage.words().to_owned(),
            row.vips.to_string(),
            dids.collect::<Vec<_>>().join(", "),
        ]);
    }
    if status.customers.is_empty() {
        return listing;
    }
    listing.count(status.total, "customer");
    let _ = write!(listing.after, ". {}", sentences::stages(status));
    let said = [sentences::not_read(status), sentences::not_listed(status)];
    for said in said.into_iter().flatten() {
        let _ = write!(listing.after, "\n{said}");
    }
    sentences::ends(&mut listing.after, status);
    if let Some(first) = status.customers.iter().find(|row| row.alarm) {
        let domain = shown(&first.domain, 100);
        next(
            &mut listing.after,
            Operation::SetupChecklist.with("domain", domain),
        );
    }
    listing
}

pub(super) fn numbers(list: &NumberList) -> Listing {
    let columns = ["Number", "Alarm", "Goes to", "Spam calls"];
    let mut listing = Listing::new(&columns, "No numbers.");
    for row in &list.numbers {
        listing.row([
            Ani::from_stored(&row.number).to_string(),
            sentences::alarm_mark(row.alarm, row.unverified).to_owned(),
            sentences::goes_to(row),
            row.spam_handling.clone().unwrap_or_default(),
        ]);
    }
    sentences::warnings(&mut listing.worth_a_look, &list.warnings);
    listing.count(list.total, "number");
    if let Some(cursor) = &list.next_cursor {
        let _ = write!(listing.after, "\nMore numbers: --cursor {cursor}");
    }
    listing
}

pub(super) fn destinations(list: &DestinationList) -> Listing {
    let columns = ["Destination", "Name", "Kind", "Application"];
    let mut listing = Listing::new(&columns, "No destinations.");
    let is_user = |application: &str| application == "user";
    let all_users = list
        .destinations
        .iter()
        .all(|row| is_user(&row.application));
    listing = listing.without("Application", all_users);
    for row in &list.destinations {
        listing.row([
            shown(&row.destination, 80),
            row.name.clone().unwrap_or_default(),
            row.kind.clone(),
            row.application.clone(),
        ]);
    }
    sentences::warnings(&mut listing.worth_a_look, &list.warnings);
    listing.count(list.total, "destination");
    listing
}
