//! Every change is written down before it is sent, and closed when its outcome
//! is known.

use std::time::Duration;

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ChangeList, ChangeRow, ListChanges, PageSize, UndoChange, UndoStatus, list_changes, undo_change,
};
use skyswitch_mcp::sandbox::{Effect, Fault, Gate, StoredRoute};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::process::{DOMAIN, Home, demo_sandbox, vip_add};
use crate::support::protocol::{Era, Wire};
use crate::support::{
    Bench, CALLER, DENTAL, VET, add, adding, done, failure, other_account, remove, removing,
};

const NEW_CALLER: &str = "16165550177";

async fn changes(app: &App) -> Vec<ChangeRow> {
    changes_of(app, &ListChanges::default()).await.changes
}

async fn changes_of(app: &App, args: &ListChanges) -> ChangeList {
    list_changes(app, args, PageSize::All).await.unwrap()
}

/// An `add_vip` of which nobody knows whether it was made: its answer is lost,
/// and so is the read that would have told.
async fn cut_off(bench: &Bench, effect: Effect) -> ChangeRow {
    bench
        .sandbox
        .inject(Fault::new("PUT", "route-by-ani", effect));
    let app = bench.app();
    let args = adding(NEW_CALLER, DENTAL, "101");
    // It is planned on the first read; those that would settle it fail.
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    let lost = Fault::status("GET", "route-by-ani", 400);
    bench.sandbox.inject(lost.times(2));
    let added = add(&app, &args, &Channel::Given).await;
    failure(added, Code::UpstreamUnavailable);
    let listed = changes_of(&app, &ListChanges::default()).await;
    assert!(!listed.warnings.is_empty(), "it could not be closed yet");
    let row = listed.changes.into_iter().next().unwrap();
    assert_eq!(row.status, ChangeStatus::Open, "{row:?}");
    row
}

#[tokio::test]
async fn a_change_is_in_the_journal_before_it_is_sent() {
    let bench = Bench::demo().await;
    let gate = Gate::default();
    let held = Fault::hold("PUT", "route-by-ani", &gate);
    bench.sandbox.inject(held);
    let app = bench.app().asked_by("somebody 1.0 (a test)");
    let other = bench.app();
    let args = adding(CALLER, DENTAL, "102");
    let look = async {
        bench.arrived("PUT", 1).await;
        let seen = changes(&other).await;
        gate.open();
        seen
    };
    let (added, seen) = tokio::join!(add(&app, &args, &Channel::Given), look);
    let [open] = seen.as_slice() else {
        panic!("one change: {seen:?}");
    };
    assert_eq!(open.status, ChangeStatus::Open);
    assert_eq!(open.was_made(), None);
    assert_eq!(open.operation, "add_vip");
    assert_eq!(open.asked_by, "somebody 1.0 (a test)");
    assert_eq!(open.before.as_deref(), Some("user 101"));
    assert_eq!(open.wanted.as_deref(), Some("user 102"));
    assert_eq!(
        (open.ani.as_deref(), open.domain.as_deref()),
        (Some(CALLER), Some(DENTAL))
    );

    let closed = changes(&other).await.remove(0);
    assert_eq!(added.unwrap().change_id, closed.change_id);
    assert_eq!(closed.status, ChangeStatus::Done);
    assert_eq!(closed.was_made(), Some(true));
    assert_eq!(closed.after, None, "it is as wanted");
    assert_eq!(closed.request_id, None, "nobody asks about what went well");
}

#[tokio::test]
async fn a_change_that_failed_is_closed_with_the_reason() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("PUT", "route-by-ani", 400));
    let app = bench.app();
    failure(
        add(&app, &adding(NEW_CALLER, DENTAL, "101"), &Channel::Given).await,
        Code::UpstreamRejected,
    );
    let row = changes(&app).await.remove(0);
    assert_eq!(
        (row.status, row.was_made()),
        (ChangeStatus::Failed, Some(false))
    );
    assert!(row.request_id.is_some(), "support asks for it");
    assert!(row.problem.unwrap().contains("400"));
    assert_eq!(row.after, None);
}

#[tokio::test]
async fn what_was_cut_off_and_made_is_closed_by_what_there_is() {
    let bench = Bench::demo().await;
    let row = cut_off(&bench, Effect::DropAfter).await;
    let app = bench.app();
    let closed = changes(&app).await.remove(0);
    assert_eq!(closed.change_id, row.change_id);
    assert_eq!(closed.status, ChangeStatus::Reconciled);
    assert_eq!(closed.was_made(), Some(true));
    assert_eq!(closed.after, None, "it is as wanted");
}

#[tokio::test]
async fn what_was_cut_off_and_not_made_is_closed_so_too() {
    let bench = Bench::demo().await;
    cut_off(&bench, Effect::DropBefore).await;
    let waiting = changes(&bench.app()).await.remove(0);
    assert_eq!(waiting.status, ChangeStatus::Open, "it may still arrive");
    bench.age_journal(60_000);
    let closed = changes(&bench.app()).await.remove(0);
    assert_eq!(closed.status, ChangeStatus::Reconciled);
    assert_eq!((closed.was_made(), closed.after), (Some(false), None));
}

#[tokio::test]
async fn what_was_cut_off_and_changed_by_somebody_else_is_closed_so_too() {
    let bench = Bench::demo().await;
    cut_off(&bench, Effect::DropBefore).await;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, NEW_CALLER, "999"));
    bench.age_journal(60_000);
    let closed = changes(&bench.app()).await.remove(0);
    assert_eq!(closed.status, ChangeStatus::Reconciled);
    assert_eq!(closed.was_made(), Some(false));
    assert_eq!(closed.after.as_deref(), Some("user 999"));
}

#[tokio::test]
async fn the_next_change_closes_what_was_cut_off_first() {
    let bench = Bench::demo().await;
    let row = cut_off(&bench, Effect::DropAfter).await;
    let app = bench.app();
    add(&app, &adding("16165550178", VET, "201"), &Channel::Given)
        .await
        .unwrap();
    let store = changes(&app).await;
    let closed = store.iter().find(|c| c.change_id == row.change_id).unwrap();
    assert_eq!(closed.status, ChangeStatus::Reconciled);
}

#[tokio::test]
async fn a_change_that_its_process_still_works_on_is_left_to_it() {
    let bench = Bench::demo().await;
    let gate = Gate::default();
    let held = Fault::hold("PUT", "route-by-ani", &gate);
    bench.sandbox.inject(held);
    let (app, other) = (bench.app(), bench.app());
    let args = adding(CALLER, DENTAL, "102");
    let look = async {
        bench.arrived("PUT", 1).await;
        // Another change in the same domain, which looks for what was cut off.
        add(&other, &adding(NEW_CALLER, DENTAL, "101"), &Channel::Given)
            .await
            .unwrap();
        let seen = changes(&other).await;
        gate.open();
        seen
    };
    let (added, seen) = tokio::join!(add(&app, &args, &Channel::Given), look);
    added.unwrap();
    let first = seen
        .iter()
        .find(|change| change.ani.as_deref() == Some(CALLER))
        .unwrap();
    assert_eq!(first.status, ChangeStatus::Open);
    let now = changes(&other).await;
    assert!(now.iter().all(|change| change.status == ChangeStatus::Done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_that_write_at_once_lose_nothing() {
    let bench = Bench::demo().await;
    let apps = [bench.app(), bench.app(), bench.app()];
    let mut adding_all = Vec::new();
    for (number, app) in (0..60).zip(apps.iter().cycle()) {
        let app = app.clone();
        adding_all.push(tokio::spawn(async move {
            let args = adding(&format!("1616555{:04}", 3000 + number), DENTAL, "101");
            add(&app, &args, &Channel::Given).await.unwrap().change_id
        }));
    }
    let mut ids = Vec::new();
    for adding in adding_all {
        ids.push(adding.await.unwrap().unwrap());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 60, "each change has an id of its own");
    let rows = changes(&bench.app()).await;
    assert_eq!(rows.len(), 60);
    assert!(rows.iter().all(|row| row.status == ChangeStatus::Done));
}

#[tokio::test]
async fn the_list_can_be_narrowed_down_and_paged() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let given = Channel::Given;
    for number in 0..5 {
        let ani = format!("1616555031{number}");
        add(&app, &adding(&ani, DENTAL, "101"), &given)
            .await
            .unwrap();
    }
    add(&app, &adding("16165550310", VET, "201"), &given)
        .await
        .unwrap();
    remove(&app, &removing("16165550311", DENTAL), &given)
        .await
        .unwrap();
    bench
        .sandbox
        .inject(Fault::status("PUT", "route-by-ani", 400));
    let refused = add(&app, &adding("16165550399", VET, "201"), &given).await;
    refused.unwrap_err();

    let count = |args: ListChanges| {
        let app = app.clone();
        async move { changes_of(&app, &args).await.total }
    };
    let all = ListChanges::default();
    assert_eq!(count(all.clone()).await, 8);
    let in_vet = ListChanges {
        domain: Some(VET.to_uppercase().parse().unwrap()),
        ..all.clone()
    };
    assert_eq!(count(in_vet).await, 2);
    for writing in ["(616) 555-0311", "6165550311", "16165550311"] {
        let of_caller = ListChanges {
            ani: Some(writing.parse().unwrap()),
            ..all.clone()
        };
        assert_eq!(count(of_caller).await, 2, "{writing}");
    }
    let failed = ListChanges {
        status: Some(ChangeStatus::Failed),
        ..all.clone()
    };
    assert_eq!(count(failed).await, 1);
    for (since, expected) in [
        ("24h", 8),
        ("1d", 8),
        ("2000-01-01", 8),
        ("2999-01-01T00:00:00Z", 0),
    ] {
        let from_then = ListChanges {
            since: Some(since.parse().unwrap()),
            ..all.clone()
        };
        assert_eq!(count(from_then).await, expected, "{since}");
    }
    let foreign = ListChanges {
        account_id: Some(other_account()),
        ..all.clone()
    };
    assert_eq!(count(foreign).await, 0);

    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = ListChanges {
            cursor: cursor.take(),
            ..all.clone()
        };
        let page = list_changes(&app, &page, PageSize::Rows(3)).await.unwrap();
        assert_eq!(page.total, 8);
        ids.extend(
            page.changes
                .iter()
                .map(|c| c.change_id.as_ref().unwrap().parse::<i64>().unwrap()),
        );
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids, (1..=8).rev().collect::<Vec<i64>>(), "newest first");
}

#[tokio::test]
async fn a_foreign_cursor_is_refused() {
    let bench = Bench::demo().await;
    let args = ListChanges {
        cursor: Some("bm9uc2Vuc2U".to_owned()),
        ..ListChanges::default()
    };
    let error = failure(
        list_changes(&bench.app(), &args, PageSize::All).await,
        Code::InvalidArgument,
    );
    assert_eq!(error.detail().field.as_deref(), Some("cursor"));
}

#[tokio::test]
async fn the_journal_says_which_client_and_tool_or_which_command_asked() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for era in [Era::Legacy, Era::Modern] {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let ani = if era == Era::Legacy {
            "6165550181"
        } else {
            "6165550182"
        };
        let args = json!({"ani": ani, "domain": DOMAIN, "destination": "101"});
        wire.call("add_vip", args).await;
    }
    let add = vip_add("6165550183", "101");
    assert_eq!(home.run(&add).await.code, 0);
    let listed = home.run(&["changes", "--json"]).await.json();
    let who: Vec<&str> = listed["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["asked_by"].as_str().unwrap())
        .collect();
    assert_eq!(
        who,
        [
            "skyswitch vip add (command line)",
            "wire 1 (tool add_vip)",
            "wire 1 (tool add_vip)",
        ]
    );
}

#[tokio::test]
async fn listing_without_a_journal_creates_none() {
    let bench = Bench::demo().await;
    assert!(changes(&bench.app()).await.is_empty());
    assert!(!bench.state_dir().exists(), "looking leaves nothing behind");
}

#[tokio::test]
async fn what_was_cut_off_and_arrives_late_is_closed_as_made() {
    let bench = Bench::demo().await;
    cut_off(&bench, Effect::DropBefore).await;
    let waiting = changes(&bench.app()).await.remove(0);
    assert_eq!(waiting.status, ChangeStatus::Open);
    // The request was on its way all the time.
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, NEW_CALLER, "101"));
    let closed = changes(&bench.app()).await.remove(0);
    assert_eq!(closed.status, ChangeStatus::Reconciled);
    assert_eq!(closed.was_made(), Some(true));
}

#[tokio::test]
async fn what_arrives_after_it_was_given_up_can_still_be_undone() {
    let bench = Bench::demo().await;
    cut_off(&bench, Effect::DropBefore).await;
    bench.age_journal(60_000);
    let given_up = changes(&bench.app()).await.remove(0);
    assert_eq!(given_up.was_made(), Some(false));
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, NEW_CALLER, "101"));
    let undo = UndoChange {
        change_id: given_up.change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(&bench.app(), &undo, &Channel::Given).await;
    assert_eq!(done(undone.unwrap()).status, UndoStatus::Restored);
    assert_eq!(bench.rings(DENTAL, NEW_CALLER), None);
}

#[tokio::test]
async fn one_rule_is_changed_by_one_process_at_a_time() {
    let bench = Bench::demo().await;
    let wanted = adding(NEW_CALLER, DENTAL, "101");
    let added = add(&bench.app(), &wanted, &Channel::Given).await.unwrap();
    let undo = UndoChange {
        change_id: added.change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    bench.sandbox.set_latency(Duration::from_millis(100));
    let (one, two) = (bench.app(), bench.app());
    let outcomes = tokio::join!(
        undo_change(&one, &undo, &Channel::Given),
        undo_change(&two, &undo, &Channel::Given)
    );
    let statuses = [
        done(outcomes.0.unwrap()).status,
        done(outcomes.1.unwrap()).status,
    ];
    assert!(statuses.contains(&UndoStatus::Restored), "{statuses:?}");
    assert!(statuses.contains(&UndoStatus::Unchanged), "{statuses:?}");
    assert_eq!(bench.count("DELETE"), 1);
    assert_eq!(changes(&one).await.len(), 2);
}

#[tokio::test]
async fn what_killed_processes_leave_behind_is_swept() {
    let bench = Bench::demo().await;
    let first = adding(NEW_CALLER, DENTAL, "101");
    add(&bench.app(), &first, &Channel::Given).await.unwrap();
    let file = |name: &str| {
        let path = bench.state_dir().join(format!("journal-{name}.lock"));
        let file = std::fs::File::create(&path).unwrap();
        (path, file)
    };
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(300);
    let (dead, (alive, held), (new, _)) = (file("dead"), file("alive"), file("new"));
    dead.1.set_modified(long_ago).unwrap();
    held.set_modified(long_ago).unwrap();
    held.lock().unwrap();
    let second = adding(CALLER, DENTAL, "102");
    add(&bench.app(), &second, &Channel::Given).await.unwrap();
    let there = [&dead.0, &alive, &new].map(|path| path.exists());
    assert_eq!(there, [false, true, true]);
}
