//! A caller with a note and a last day, and what becomes of the rule.

use jiff::{ToSpan, Zoned};
use skyswitch_mcp::app::App;
use skyswitch_mcp::domain::Vip;
use skyswitch_mcp::ops::{AddVip, AddVipOutcome, AddVipStatus};
use skyswitch_mcp::sandbox::StoredRoute;

use super::{Bench, DENTAL, add, adding, list, listing, nobody};

/// The caller, as listed.
pub const GUEST: &str = "16165550177";
/// The last day of every rule is over.
pub const ALL_OVER: &str = "UPDATE vip_notes SET ends_at = 1 WHERE ends_at IS NOT NULL";
/// Lists show by now what was changed.
pub const LONG_AGO: &str =
    "UPDATE changes SET started_at = started_at - 200000, ended_at = ended_at - 200000";

/// The last day.
pub fn next_week() -> String {
    let day = Zoned::now().date().checked_add(7.days()).unwrap();
    day.to_string()
}

/// A new rule of [`DENTAL`] with the last day.
pub fn until_next_week(ani: &str, destination: &str) -> AddVip {
    AddVip {
        until: Some(next_week().parse().unwrap()),
        ..adding(ani, DENTAL, destination)
    }
}

/// Sends the caller to 101, with a note and a last day.
pub async fn add_guest(app: &App) -> AddVipOutcome {
    let args = AddVip {
        note: Some("Dr. Ames".to_owned()),
        ..until_next_week(GUEST, "101")
    };
    let added = add(app, &args, &nobody()).await.unwrap();
    assert_eq!(added.status, AddVipStatus::Created, "{added:?}");
    added
}

/// The caller's rule, as a list shows it.
pub async fn guest(app: &App) -> Option<Vip> {
    let shown = list(app, &listing(DENTAL)).await.unwrap();
    shown.vips.into_iter().find(|vip| vip.ani == GUEST)
}

/// What is kept of the caller's rule, which must exist: its note and its last day.
pub async fn kept_of_guest(app: &App) -> (Option<String>, Option<String>) {
    let vip = guest(app).await.unwrap();
    (vip.note, vip.until)
}

/// Removes the caller's rule in the portal, and gives it as it was.
pub fn remove_elsewhere(bench: &Bench) -> StoredRoute {
    let mut routes = bench.sandbox.routes().into_iter();
    let rule = routes.find(|rule| rule.ani == GUEST).unwrap();
    assert!(bench.sandbox.delete_route(DENTAL, GUEST, &rule.dnis));
    rule
}
