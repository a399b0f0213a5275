//! Two processes on one state folder and one rule: whoever looked before the
//! other's change had ended decides again, whatever the clocks say.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ListChanges, OnboardStatus, PageSize, PieceState, RemoveVipStatus, RowState,
    SyncMode, SyncOutcome, SyncStatus, SyncVips, UndoChange, list_changes, undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Gate, StoredDialRule, StoredDnis, StoredRoute};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::customer::{
    ACME, PbxApi, app_on, attest, closed, onboard, onboarding, prepared,
};
use crate::support::imports::{Watch, args, ask, sync};
use crate::support::journal;
use crate::support::{
    Bench, CALLER, DENTAL, VET, add, adding, done, failure, remove, removing, tenant_of,
};

/// Milliseconds.
const TWO_HOURS: i64 = 7_200_000;

fn list_of(destination: &str) -> String {
    format!("ani,destination\n{CALLER},{destination}\n")
}

#[tokio::test]
async fn an_import_that_looked_while_a_single_change_was_under_way_is_refused() {
    let bench = Bench::demo().await;
    let (app, importing) = (bench.app(), bench.app());
    // The single change is acted on only when the import has read.
    let (to_act, to_send) = (Gate::default(), Gate::default());
    bench.sandbox.inject(Fault::hold("PUT", CALLER, &to_act));
    let single = adding(CALLER, DENTAL, "300");
    let import = async {
        bench.arrived("PUT", 1).await;
        let looked = Fault::hold_answer("GET", "route-by-ani", &to_send);
        bench.sandbox.inject(looked);
        let list = list_of("102");
        sync(&importing, &args(SyncMode::Merge), &list, &Channel::Given)
            .await
            .unwrap()
    };
    let single = async {
        let (added, ()) = tokio::join!(add(&app, &single, &Channel::Given), async {
            bench.arrived("GET", 2).await;
            to_act.open();
        });
        to_send.open();
        added.unwrap()
    };
    let (added, imported) = tokio::join!(single, import);
    assert_eq!(added.status, AddVipStatus::Replaced);
    assert_eq!(imported.status, SyncStatus::Incomplete, "{imported:?}");
    let row = &imported.rows[0];
    assert_eq!(row.state, Some(RowState::NotSent), "{row:?}");
    assert!(row.reason.as_ref().unwrap().contains("by somebody else"));
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("300"));
}

/// An import of the caller's rule by another process, and what looks at the rules
/// while that is under way and goes on once it has ended.
async fn while_importing<T>(bench: &Bench, other: impl Future<Output = T>) -> (SyncOutcome, T) {
    let importing = bench.app();
    let (to_act, to_send) = (Gate::default(), Gate::default());
    bench.sandbox.inject(Fault::hold("PUT", CALLER, &to_act));
    let list = list_of("300");
    let import = async {
        let mode = args(SyncMode::Merge);
        let (imported, ()) = tokio::join!(sync(&importing, &mode, &list, &Channel::Given), async {
            bench.arrived("GET", 2).await;
            to_act.open();
        });
        to_send.open();
        imported.unwrap()
    };
    let looking = async {
        bench.arrived("PUT", 1).await;
        let looked = Fault::hold_answer("GET", "route-by-ani", &to_send);
        bench.sandbox.inject(looked);
        other.await
    };
    tokio::join!(import, looking)
}

#[tokio::test]
async fn a_single_change_that_looked_while_an_import_was_under_way_is_refused() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    let single = remove(&app, &args, &Channel::Given);
    let (imported, removed) = while_importing(&bench, single).await;
    assert_eq!(imported.status, SyncStatus::Applied, "{imported:?}");
    let stale = failure(removed, Code::ConfirmationStale);
    assert!(stale.to_string().contains("by somebody else"), "{stale}");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("300"));
    let again = remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
    assert_eq!(again.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn an_undo_that_looked_while_an_import_was_under_way_is_refused() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let replaced = add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given).await;
    let undo = UndoChange {
        change_id: replaced.unwrap().change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    bench.sandbox.clear_requests();
    let undoing = undo_change(&app, &undo, &Channel::Given);
    let (_, undone) = while_importing(&bench, undoing).await;
    failure(undone.map(done), Code::ConfirmationStale);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("300"));
}

#[tokio::test]
async fn a_number_that_another_process_is_pointing_elsewhere_is_not_routed() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let (app, other) = (app_on(&bench, PbxApi::V2), app_on(&bench, PbxApi::V2));
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(routed.status, OnboardStatus::Applied, "{routed:?}");
    let undo = UndoChange {
        change_id: routed.changes[0].change_id.clone().unwrap(),
        account_id: None,
        confirmation: None,
    };
    undo_change(&app, &undo, &Channel::Given)
        .await
        .map(done)
        .unwrap();
    // Written down under another domain: its turn is another one.
    bench.change_journal("UPDATE changes SET domain = 'elsewhere.12345.service', status = 'done', position = 9999 WHERE did IS NOT NULL");
    let again = onboard(&other, &onboarding(), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(again.changes[0].state, PieceState::Failed, "{again:?}");
    let reason = again.changes[0].reason.clone().unwrap();
    assert!(reason.contains("by somebody else"), "{reason}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_locks_no_rule() {
    let bench = Bench::demo().await;
    let list = list_of("102");
    let imported = sync(&bench.app(), &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(imported.unwrap().status, SyncStatus::Applied);
    // The import was begun "in two hours".
    bench.age_journal(-TWO_HOURS);
    let added = add(
        &bench.app(),
        &adding(CALLER, DENTAL, "101"),
        &Channel::Given,
    )
    .await;
    assert_eq!(added.unwrap().status, AddVipStatus::Replaced);
    let imported = sync(&bench.app(), &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(imported.unwrap().status, SyncStatus::Applied);
}

#[tokio::test]
async fn what_was_cut_off_before_the_clock_was_set_back_is_not_left_open_until_it_has_caught_up() {
    let bench = Bench::demo().await;
    add(
        &bench.app(),
        &adding(CALLER, DENTAL, "102"),
        &Channel::Given,
    )
    .await
    .unwrap();
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
    bench.change_journal(
        "UPDATE changes SET status = 'open', owner = '', started_at = started_at + 7200000",
    );
    let all = ListChanges::default();
    let status = async || {
        let listed = list_changes(&bench.app(), &all, PageSize::All).await;
        listed.unwrap().changes[0].status
    };
    assert_eq!(status().await, ChangeStatus::Open, "it may still arrive");
    bench.change_journal("UPDATE changes SET given_up_at = given_up_at - 60000");
    assert_eq!(status().await, ChangeStatus::Reconciled);
}

#[tokio::test]
async fn an_import_that_is_continued_is_the_last_one_whatever_the_clock_said() {
    let bench = Bench::demo().await;
    let mut runs = Vec::new();
    for destination in ["102", "103"] {
        let list = list_of(destination);
        let imported = sync(&bench.app(), &args(SyncMode::Merge), &list, &Channel::Given).await;
        runs.push(imported.unwrap().run_id.unwrap());
    }
    // The first was begun "in two hours", and both were cut off.
    bench
        .change_journal(
            "UPDATE runs SET finished = 0, started_at = started_at + (CASE rowid WHEN 1 THEN 7200000 ELSE 0 END)",
        );
    let last = SyncVips {
        resume: Some("last".to_owned()),
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let watch = Watch::default();
    let planned = ask(&bench.app(), &last, None, &Channel::Given, &watch).await;
    let planned = done(planned.unwrap());
    assert_eq!(planned.run_id.as_ref(), Some(&runs[1]), "{planned:?}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_uses_up_no_hourly_limit() {
    let bench = Bench::demo().await;
    let app = || bench.app_with(|settings| settings.limits.max_changes_per_hour = Some(1));
    let first = adding("16165550111", DENTAL, "101");
    add(&app(), &first, &Channel::Given).await.unwrap();
    let second = adding("16165550112", VET, "201");
    failure(add(&app(), &second, &Channel::Given).await, Code::Blocked);
    bench.age_journal(-TWO_HOURS);
    add(&app(), &second, &Channel::Given).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_was_set_back_hides_no_change_of_somebody_else() {
    let bench = Bench::demo().await;
    let (app, importing) = (bench.app(), bench.app());
    let to_send = Gate::default();
    let looked = Fault::hold_answer("GET", "route-by-ani", &to_send);
    bench.sandbox.inject(looked);
    let import = async {
        bench.arrived("GET", 1).await;
        let mode = args(SyncMode::Merge);
        let list = list_of("300");
        let imported = sync(&importing, &mode, &list, &Channel::Given).await;
        // By the clock it ended long before the other one looked.
        bench.age_journal(TWO_HOURS);
        to_send.open();
        imported.unwrap()
    };
    let single = adding(CALLER, DENTAL, "102");
    let (added, _) = tokio::join!(add(&app, &single, &Channel::Given), import);
    failure(added, Code::ConfirmationStale);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("300"));
}

#[tokio::test]
async fn a_journal_that_an_earlier_version_wrote_is_carried_on() {
    let bench = Bench::demo().await;
    let args = adding(CALLER, DENTAL, "102");
    let first = add(&bench.app(), &args, &Channel::Given).await.unwrap();
    journal::take_back_to(&bench.state_dir(), 5);
    let undo = UndoChange {
        change_id: first.change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(&bench.app(), &undo, &Channel::Given).await;
    undone.map(done).unwrap();
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
}

#[tokio::test]
async fn a_lost_rule_that_another_process_has_made_since_is_not_put_back_over_it() {
    const X: &str = "16165550111";
    const NUMBER: &str = "16165550100";
    let any = StoredRoute::new(DENTAL, X, "101");
    let particular = StoredRoute::new(DENTAL, X, "102").dnis(StoredDnis::Number(NUMBER.to_owned()));
    let mut tenant = tenant_of(&[]).route(any).route(particular);
    tenant.delete_without_dnis_removes_all = true;
    let bench = Bench::with(tenant).await;
    let (app, importing) = (bench.app(), bench.app());
    // The import sees that the rule went along; only then does the other make it again.
    let gate = Gate::default();
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::hold_answer("GET", "route-by-ani", &gate));
    let list = format!("ani,destination,dnis\n{X},102,{NUMBER}\n");
    let mode = args(SyncMode::Mirror);
    let import = sync(&importing, &mode, &list, &Channel::Given);
    let other = async {
        bench.arrived("GET", 2).await;
        let mut own = adding(X, DENTAL, "103");
        own.dnis = Some(NUMBER.parse().unwrap());
        let added = add(&app, &own, &Channel::Given).await;
        gate.open();
        added.unwrap()
    };
    let (imported, added) = tokio::join!(import, other);
    assert_eq!(added.status, AddVipStatus::Created);
    let imported = imported.unwrap();
    assert_eq!(imported.status, SyncStatus::Incomplete, "{imported:?}");
    let routes = bench.sandbox.routes();
    let [rule] = routes.as_slice() else {
        panic!("{routes:?}");
    };
    assert_eq!(rule.destination, "103");
}
