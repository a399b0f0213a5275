//! A last day that is over by the time a row of an import is made: the rule is not
//! added for good without a word. And what cannot be removed at its last day, or comes
//! while a list is read, holds up nothing else.

use std::sync::Arc;

use jiff::{ToSpan, Zoned};
use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, PageSize, RowState, StatusQuery, SyncMode, SyncSession, SyncStatus, SyncVips, Undo,
    onboarding_status, undo,
};
use skyswitch_mcp::sandbox::{Fault, Gate};

use crate::support::imports::{Watch, args, ask, mirror};
use crate::support::{Bench, DENTAL, add, adding, done, list, listing, nobody};

const GUEST: &str = "16165550177";
const DAY: &str = "2099-12-31";
/// The day is over in the list of every import that was cut off.
const OVER_IN_RUNS: &str = "UPDATE runs SET list = replace(list, '2099-12-31', '2020-01-31')";
/// And in every plan that is kept.
const OVER_IN_PLANS: &str =
    "UPDATE kept_plans SET request = replace(request, '2099-12-31', '2020-01-31')";
/// And in the rules as they were before an import, of which nothing else is known.
const OVER_BEFORE_IMPORTS: [&str; 2] = [
    "UPDATE runs SET rules_before = replace(rules_before, '2099-12-31', '2020-01-31')",
    "DELETE FROM vip_notes",
];

fn until(ani: &str) -> AddVip {
    AddVip {
        note: Some("Dr. Ames".to_owned()),
        until: Some(DAY.parse().unwrap()),
        ..adding(ani, DENTAL, "101")
    }
}

async fn add_until(app: &App, ani: &str) {
    add(app, &until(ani), &Channel::Given).await.unwrap();
}

/// More callers than are worked on at the same time; only the last has no last day.
fn many_callers() -> String {
    let rows = (0..40).map(|n| match n {
        39 => "16165551039,101,\n".to_owned(),
        n => format!("1616555{},101,{DAY}\n", 1000 + n),
    });
    format!("ani,destination,until\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_row_whose_last_day_is_over_when_its_import_is_resumed_is_not_sent_and_the_rest_is() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let merge = args(SyncMode::Merge);
    let stopped = Watch::stopping_at(1);
    let cut_off = ask(
        &app,
        &merge,
        Some(&many_callers()),
        &Channel::Given,
        &stopped,
    )
    .await;
    let cut_off = done(cut_off.unwrap());
    assert_eq!(cut_off.status, SyncStatus::Cancelled, "{cut_off:?}");
    let left = cut_off.done.unwrap().not_sent;
    assert!(left > 1, "{cut_off:?}");
    bench.change_journal(OVER_IN_RUNS);
    let resume = SyncVips {
        resume: Some("last".to_owned()),
        ..args(SyncMode::Merge)
    };
    let resumed = ask(&app, &resume, None, &Channel::Given, &Watch::default()).await;
    let resumed = done(resumed.unwrap());
    assert_eq!(resumed.status, SyncStatus::Incomplete, "{resumed:?}");
    let failed = resumed.rows.iter().filter(|row| {
        let reason = row.reason.as_deref().unwrap_or_default();
        row.state == Some(RowState::Failed) && reason == "2020-01-31 is over"
    });
    assert_eq!(failed.count(), left - 1, "{resumed:?}");
    assert_eq!(bench.rings(DENTAL, "16165551038"), None);
    assert!(bench.rings(DENTAL, "16165551039").is_some());
}

#[tokio::test]
async fn a_kept_plan_with_a_last_day_that_is_over_meanwhile_changes_nothing_and_says_so() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let dry = SyncVips {
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let rows = format!("ani,destination,until\n{GUEST},101,{DAY}\n");
    let planned = ask(&app, &dry, Some(&rows), &nobody(), &Watch::default()).await;
    let plan = done(planned.unwrap()).plan_id;
    bench.change_journal(OVER_IN_PLANS);
    let apply = SyncVips {
        plan,
        mode: None,
        ..args(SyncMode::Merge)
    };
    let applied = ask(&app, &apply, None, &Channel::Given, &Watch::default()).await;
    let applied = done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::Invalid, "{applied:?}");
    let reason = applied.rows[0].reason.as_deref();
    assert_eq!(reason, Some("2020-01-31 is over"));
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_rule_that_comes_back_without_its_last_day_is_named() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_until(&app, GUEST).await;
    let run = mirror(&app, DENTAL, "ani,destination\n6165550178,101\n").await;
    for over in OVER_BEFORE_IMPORTS {
        bench.change_journal(over);
    }
    let args = Undo {
        run_id: run.run_id,
        ..Undo::default()
    };
    let watch = Watch::default();
    let session = SyncSession {
        channel: &Channel::Given,
        progress: &watch,
        stop: &watch.stop,
        most_rows: None,
    };
    let undone = done(undo(&app, &args, &session).await.unwrap());
    let said = undone.import.unwrap().warnings.join("\n");
    let over = "restored without their last day, which is over: +1 616-555-0177";
    assert!(said.contains(over), "{said}");
}

#[tokio::test]
async fn rules_that_cannot_be_removed_at_their_last_day_do_not_keep_the_others() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for n in 100..121 {
        let ani = format!("16165552{n}");
        add_until(&app, &ani).await;
        // The service may remove it along with the other.
        let dialled = AddVip {
            dnis: Some("6165550100".parse().unwrap()),
            ..adding(&ani, DENTAL, "101")
        };
        add(&app, &dialled, &Channel::Given).await.unwrap();
    }
    add_until(&app, GUEST).await;
    let over = "UPDATE vip_notes SET ends_at = id WHERE ends_at IS NOT NULL";
    bench.change_journal(over);
    let (all, watch) = (StatusQuery::default(), Watch::default());
    let table = onboarding_status(&app, &all, PageSize::All, &watch).await;
    let ends = table.unwrap().ends;
    assert_eq!(ends.len(), 21, "{ends:?}");
    let unless = "unless SkySwitch may remove other rules along with it: remove_vip asks a person";
    assert!(ends[0].contains(unless), "{ends:?}");
    assert!(ends[20].starts_with("2 more VIP rules"), "{ends:?}");
    let reads = bench.count("GET");
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST), None);
    let said = shown.warnings.join("\n");
    assert!(said.contains("was removed"), "{said}");
    assert!(
        said.contains("1 more VIP rule could not be removed"),
        "{said}"
    );
    // One look is enough for all that stay.
    assert!(bench.count("GET") - reads < 10, "{:?}", bench.sent());
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn what_is_noted_while_a_list_is_read_is_not_ended_by_it() {
    let bench = Bench::demo().await;
    let slow = Arc::new(bench.app());
    let gate = Gate::default();
    let held = Fault::hold_answer("GET", "route-by-ani", &gate);
    bench.sandbox.inject(held);
    let reading = tokio::spawn({
        let app = Arc::clone(&slow);
        async move { list(&app, &listing(DENTAL)).await }
    });
    bench.arrived("GET", 1).await;
    let next_week = Zoned::now().date().checked_add(7.days()).unwrap();
    let guest = AddVip {
        until: Some(next_week.to_string().parse().unwrap()),
        ..until(GUEST)
    };
    add(&bench.app(), &guest, &nobody()).await.unwrap();
    // The read goes on for minutes.
    bench.change_journal("UPDATE changes SET started_at = 1, ended_at = 1");
    gate.open();
    reading.await.unwrap().unwrap();
    let shown = list(&slow, &listing(DENTAL)).await.unwrap();
    let vip = shown.vips.iter().find(|vip| vip.ani == GUEST).unwrap();
    assert_eq!(vip.note.as_deref(), Some("Dr. Ames"));
    assert_eq!(vip.until, Some(next_week.to_string()));
}
