//! What a change does to rules that it is not about is told, written down and can
//! be restored; what SkySwitch accepted and did not make is corrected.

use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ChangeRow, ListChanges, PageSize, SyncMode, SyncStatus, UndoChange, UndoStatus, list_changes,
    undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Gate, PutReach, StoredRoute, Tenant, WriteAnswer};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::imports::{args, sync};
use crate::support::{Bench, CALLER, DENTAL, add, adding, done, list, listing, tenant_of};

/// A caller with one rule for any number, and one for the main line.
const TWICE: &str = "16165550126";
/// The main line.
const MAIN_LINE: &str = "16165550100";
const NEW: &str = "16165550111";
/// Longer than a list may be late, in milliseconds.
const LATER: i64 = 100_000;

async fn changes(app: &App) -> Vec<ChangeRow> {
    let listed = list_changes(app, &ListChanges::default(), PageSize::All).await;
    listed.unwrap().changes
}

async fn undo(app: &App, id: &str) -> UndoStatus {
    let args = UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(app, &args, &Channel::Given).await;
    undone.map(done).unwrap().status
}

fn reaching(put_reach: PutReach) -> Tenant {
    Tenant {
        put_reach,
        ..Tenant::demo()
    }
}

/// Where calls of a caller to a dialled number go.
fn destination(bench: &Bench, caller: &str, dnis: &str) -> Option<String> {
    let routes = bench.sandbox.routes().into_iter();
    let mut found = routes.filter(|route| {
        let is_dnis = format!("{:?}", route.dnis).contains(dnis);
        route.domain == DENTAL && route.ani == caller && is_dnis
    });
    found.next().map(|route| route.destination)
}

#[tokio::test]
async fn a_rule_that_an_addition_takes_along_is_told_and_can_be_restored() {
    for (reach, words) in [
        (PutReach::RemovesOthers, "another rule is gone"),
        (PutReach::SendsOthers, "another rule goes to user 102 now"),
    ] {
        let bench = Bench::with(reaching(reach)).await;
        let app = bench.app();
        let before = destination(&bench, TWICE, MAIN_LINE);
        assert!(before.is_some());
        let args = adding(TWICE, DENTAL, "102");
        let added = add(&app, &args, &Channel::Given).await.unwrap();
        let told = added.warnings.join("\n");
        assert!(told.contains(words), "{told}");
        let along = changes(&app)
            .await
            .into_iter()
            .find(|row| row.operation.ends_with("_along_with"))
            .expect("an entry");
        assert!(told.contains(along.change_id.as_ref().unwrap()), "{told}");
        assert_eq!(
            undo(&app, along.change_id.as_ref().unwrap()).await,
            UndoStatus::Restored
        );
        assert_eq!(destination(&bench, TWICE, MAIN_LINE), before);
    }
}

#[tokio::test]
async fn a_rule_that_an_import_takes_along_is_told_and_can_be_restored() {
    let bench = Bench::with(reaching(PutReach::RemovesOthers)).await;
    let app = bench.app();
    let before = destination(&bench, TWICE, MAIN_LINE);
    let rows = format!("ani,destination\n{TWICE},102\n{NEW},101\n");
    let imported = sync(&app, &args(SyncMode::Merge), &rows, &Channel::Given).await;
    let imported = imported.unwrap();
    let told = imported.warnings.join("\n");
    assert!(told.contains("another rule is gone"), "{told}");
    assert_eq!(imported.done.unwrap().made, 2);
    let all = changes(&app).await;
    let along = all
        .iter()
        .find(|row| row.operation == "lost_along_with")
        .expect("an entry");
    assert_eq!(
        undo(&app, along.change_id.as_ref().unwrap()).await,
        UndoStatus::Restored
    );
    assert_eq!(destination(&bench, TWICE, MAIN_LINE), before);
}

#[tokio::test]
async fn what_another_change_of_this_installation_did_meanwhile_is_no_loss() {
    let bench = Bench::demo().await;
    let (app, other) = (bench.app(), bench.app());
    let gate = Gate::default();
    bench
        .sandbox
        .inject(Fault::hold("PUT", "route-by-ani", &gate));
    let (first, second) = (adding(NEW, DENTAL, "101"), adding(CALLER, DENTAL, "102"));
    let (added, ()) = tokio::join!(add(&app, &first, &Channel::Given), async {
        bench.arrived("PUT", 1).await;
        let replaced = add(&other, &second, &Channel::Given).await.unwrap();
        assert!(replaced.warnings.is_empty(), "{replaced:?}");
        gate.open();
    });
    let added = added.unwrap();
    assert!(added.warnings.is_empty(), "{added:?}");
}

#[tokio::test]
async fn what_somebody_else_removed_meanwhile_is_told_and_can_be_restored() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let gate = Gate::default();
    bench
        .sandbox
        .inject(Fault::hold("PUT", "route-by-ani", &gate));
    let args = adding(NEW, DENTAL, "101");
    let (added, ()) = tokio::join!(add(&app, &args, &Channel::Given), async {
        bench.arrived("PUT", 1).await;
        bench
            .sandbox
            .put_route(StoredRoute::new(DENTAL, CALLER, "105"));
        gate.open();
    });
    let told = added.unwrap().warnings.join("\n");
    assert!(told.contains("another rule goes to user 105 now"), "{told}");
    assert!(told.contains("or somebody else did"), "{told}");
}

#[tokio::test]
async fn a_change_that_was_accepted_and_not_made_is_corrected_by_a_later_read() {
    let bench = Bench::with(Tenant {
        write_answer: WriteAnswer::WithoutActing {
            status: 201,
            body: String::new(),
        },
        ..tenant_of(&[(CALLER, "101")])
    })
    .await;
    let app = bench.app();
    add(&app, &adding(NEW, DENTAL, "101"), &Channel::Given)
        .await
        .unwrap();
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(changes(&app).await[0].status, ChangeStatus::Done);
    bench.age_journal(LATER);
    list(&app, &listing(DENTAL)).await.unwrap();
    let corrected = changes(&app).await.remove(0);
    assert_eq!(corrected.status, ChangeStatus::Failed);
    assert_eq!(corrected.was_made(), Some(false));
    let problem = corrected.problem.unwrap();
    assert!(problem.contains("did not make it"), "{problem}");
    assert!(problem.contains("the rule does not exist"), "{problem}");
}

#[tokio::test]
async fn a_change_that_was_seen_once_is_not_corrected_when_somebody_takes_it_back() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given)
        .await
        .unwrap();
    bench.age_journal(LATER);
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(changes(&app).await[0].status, ChangeStatus::Done);
}

#[tokio::test]
async fn what_an_import_says_is_true_for_a_mix_of_outcomes() {
    let bench = Bench::with(Tenant {
        read_lag: std::time::Duration::from_secs(3_600),
        ..Tenant::demo()
    })
    .await;
    let app = bench.app();
    let gone = Fault::status_after("PUT", "route-by-ani", 404);
    bench.sandbox.inject(gone.times(2));
    let rows =
        "ani,destination\n16165550201,101\n16165550202,101\n16165550203,101\n16165550204,101\n";
    let imported = sync(&app, &args(SyncMode::Merge), rows, &Channel::Given).await;
    let imported = imported.unwrap();
    assert_eq!(imported.status, SyncStatus::Incomplete);
    let counts = imported.done.unwrap();
    assert_eq!((counts.made, counts.unknown), (2, 2), "{imported:?}");
    let told = imported.warnings.join("\n");
    assert!(
        told.contains("SkySwitch accepted 2 changes, and 2 of them are not visible yet"),
        "{told}"
    );
}
