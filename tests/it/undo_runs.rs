//! A whole import is taken back as one plan, and the rules as they were before it
//! are kept.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{AskPerson, Channel};
use skyswitch_mcp::ops::{Undo, UndoStatus};
use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute};

use crate::support::imports::{args, mirror, of_run, sync, undo_with};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{Bench, CALLER, DENTAL, Person, add, adding, failure};

/// Mirrored, it adds one rule, replaces one and removes the others.
const LIST: &str = "ani,destination\n6165550177,101\n6165550123,105\n";

/// The service lists rules in no promised order. That a rule is for any dialled
/// number is stored as null by others, which no request of ours says.
fn sorted(bench: &Bench) -> Vec<StoredRoute> {
    let mut routes = bench.sandbox.routes();
    for route in &mut routes {
        if route.dnis == StoredDnis::Null {
            route.dnis = StoredDnis::Absent;
        }
    }
    routes.sort_by_key(|route| format!("{route:?}"));
    routes
}

#[tokio::test]
async fn an_import_is_taken_back_with_one_preview_and_one_typed_value() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let before = sorted(&bench);
    let run = mirror(&app, DENTAL, LIST).await.run_id.unwrap();
    let imported = sorted(&bench);
    // The one caller whom it removes is typed, as for any import.
    let person = Person::typing("6165550177");
    let undone = undo_with(&app, &of_run(&run), &Channel::During(&person)).await;
    let undone = undone.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    assert_eq!(person.shown().len(), 1);
    assert_eq!(sorted(&bench), before);
    // It is an import of its own, which can be undone.
    let own_run = undone.import.unwrap().run_id.unwrap();
    let again = undo_with(&app, &of_run(&own_run), &Channel::Given).await;
    assert_eq!(again.unwrap().status, UndoStatus::Restored);
    assert_eq!(sorted(&bench), imported);
}

#[tokio::test]
async fn what_was_changed_after_an_import_is_left_out_and_named() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = mirror(&app, DENTAL, LIST).await.run_id.unwrap();
    let elsewhere = adding(CALLER, DENTAL, "103");
    add(&app, &elsewhere, &Channel::Given).await.unwrap();
    let undone = undo_with(&app, &of_run(&run), &Channel::Given).await;
    let undone = undone.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    assert_eq!(bench.rings(DENTAL, CALLER).unwrap(), "103");
    assert_eq!(bench.rings(DENTAL, "16165550177"), None);
    let warnings = undone.import.unwrap().warnings.join("\n");
    assert!(
        warnings.contains("left out: 1 rule changed again after the import"),
        "{warnings}"
    );
    assert!(warnings.contains("now user 103"), "{warnings}");
}

#[tokio::test]
async fn an_import_that_is_taken_back_already_changes_nothing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = mirror(&app, DENTAL, LIST).await.run_id.unwrap();
    let undone = undo_with(&app, &of_run(&run), &Channel::Given).await;
    assert_eq!(undone.unwrap().status, UndoStatus::Restored);
    let again = undo_with(&app, &of_run(&run), &Channel::Given).await;
    assert_eq!(again.unwrap().status, UndoStatus::Unchanged);
}

#[tokio::test]
async fn what_changes_while_the_person_thinks_is_not_taken_back_unseen() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = mirror(&app, DENTAL, LIST).await.run_id.unwrap();
    let moved = || {
        let route = StoredRoute::new(DENTAL, CALLER, "204");
        bench.sandbox.put_route(route);
    };
    let person = Person::typing("6").while_thinking(moved);
    let shown: &dyn AskPerson = &person;
    let undone = undo_with(&app, &of_run(&run), &Channel::During(shown)).await;
    let count = person.shown()[0].asks_for().text();
    assert!(undone.is_err() || count != "6", "{undone:?}");
    assert_eq!(bench.rings(DENTAL, CALLER).unwrap(), "204");
}

#[tokio::test]
async fn an_unknown_import_is_not_found_and_one_thing_is_undone_at_a_time() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let unknown = undo_with(&app, &of_run("r-000000000000"), &Channel::Given).await;
    failure(unknown, Code::NotFound);
    let both = Undo {
        change_id: Some("1".to_owned()),
        ..of_run("r-000000000000")
    };
    failure(
        undo_with(&app, &both, &Channel::Given).await,
        Code::InvalidArgument,
    );
    failure(
        undo_with(&app, &Undo::default(), &Channel::Given).await,
        Code::InvalidArgument,
    );
    let nothing = Undo {
        last: true,
        ..Undo::default()
    };
    failure(
        undo_with(&app, &nothing, &Channel::Given).await,
        Code::NotFound,
    );
}

#[tokio::test]
async fn the_last_change_is_one_change_or_the_whole_import() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let before = sorted(&bench);
    let last = Undo {
        last: true,
        ..Undo::default()
    };
    mirror(&app, DENTAL, LIST).await;
    let undone = undo_with(&app, &last, &Channel::Given).await.unwrap();
    assert!(undone.import.is_some(), "{undone:?}");
    assert_eq!(sorted(&bench), before);
    let added = adding("6165550178", DENTAL, "101");
    add(&app, &added, &Channel::Given).await.unwrap();
    let undone = undo_with(&app, &last, &Channel::Given).await.unwrap();
    assert!(undone.undoes.is_some(), "{undone:?}");
    assert_eq!(sorted(&bench), before);
}

#[tokio::test]
async fn the_command_line_undoes_an_import_and_exports_the_rules_before_it() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let list = home.write("list.csv", LIST);
    let export = ["vip", "export", "-d", DOMAIN];
    let before = home.run(&export).await;
    let import = [
        "vip",
        "import",
        list.to_str().unwrap(),
        "-d",
        DOMAIN,
        "--mode",
        "mirror",
        "--yes",
    ];
    let imported = home.run(&import).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    let (_, told) = imported.stdout.split_once("skyswitch undo --run ").unwrap();
    let run = told.split('`').next().unwrap();
    let kept = home.run(&["vip", "export", "--before", run]).await;
    assert_eq!(kept.code, 0, "{kept:?}");
    assert_eq!(kept.stdout, before.stdout);
    let undone = home.run(&["undo", "--run", run, "--yes"]).await;
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(home.run(&export).await.stdout, before.stdout);
    let unknown = home.run(&["vip", "export", "--before", "r-1"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
}

#[tokio::test]
async fn only_the_rules_before_the_newest_imports_are_kept() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let mut runs = Vec::new();
    for turn in 0..12 {
        let list = format!("ani,destination\n6165550177,10{}\n", turn % 3);
        let outcome = sync(&app, &args(Default::default()), &list, &Channel::Given).await;
        runs.push(outcome.unwrap().run_id.unwrap());
    }
    let kept = |run: &str| {
        let (app, run) = (app.clone(), run.to_owned());
        async move { skyswitch_mcp::ops::list_before(&app, &run).await }
    };
    failure(kept(&runs[0]).await, Code::NotFound);
    assert!(kept(&runs[11]).await.is_ok());
}
