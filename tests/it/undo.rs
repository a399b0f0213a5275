//! Undo restores what there was before one change, and nothing else.

use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    Action, Asked, ChangeRow, ListChanges, PageSize, RemoveVip, UndoChange, UndoOutcome,
    UndoStatus, list_changes, undo_change,
};
use skyswitch_mcp::sandbox::{Fault, StoredDnis, StoredRoute, Tenant};

use crate::support::imports::mirror;
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, failure, first_call, nobody, other_account,
    question, remove, removing, second_call, tenant_of, token,
};

fn undoing(id: &str) -> UndoChange {
    UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    }
}

async fn undo(app: &App, id: &str, channel: &Channel<'_>) -> Result<UndoOutcome> {
    undo_change(app, &undoing(id), channel).await.map(done)
}

/// Makes a change, undoes it, undoes the undo: upstream is byte for byte what
/// it was before, then what the change had made of it.
async fn there_and_back(tenant: Tenant, change: impl AsyncFnOnce(&App) -> String) {
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let before = bench.sandbox.routes();
    let id = change(&app).await;
    let after = sorted(bench.sandbox.routes());
    assert_ne!(
        after,
        sorted(before.clone()),
        "the change changes something"
    );
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    assert_eq!(sorted(bench.sandbox.routes()), sorted(before));
    let again = undo(&app, &undone.change_id.unwrap(), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(again.status, UndoStatus::Restored);
    assert_eq!(sorted(bench.sandbox.routes()), after);
}

/// The service lists rules in no promised order.
fn sorted(mut routes: Vec<StoredRoute>) -> Vec<StoredRoute> {
    routes.sort_by_key(|route| format!("{route:?}"));
    routes
}

fn of(ani: &str, dnis: Option<&str>) -> RemoveVip {
    RemoveVip {
        dnis: dnis.map(|dnis| dnis.parse().unwrap()),
        ..removing(ani, DENTAL)
    }
}

#[tokio::test]
async fn a_created_rule_goes_away_again() {
    there_and_back(Tenant::demo(), async |app| {
        let added = add(app, &adding("6165550177", DENTAL, "101"), &nobody()).await;
        added.unwrap().change_id.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_replaced_rule_rings_as_before() {
    there_and_back(Tenant::demo(), async |app| {
        let added = add(app, &adding(CALLER, DENTAL, "device:x"), &Channel::Given).await;
        added.unwrap().change_id.unwrap()
    })
    .await;
}

#[tokio::test]
async fn each_change_of_an_import_can_be_undone_by_itself() {
    // Mirroring this list adds one rule, replaces one and removes the others.
    let list = format!("ani,destination\n6165550177,101\n{CALLER},105\n");
    for action in [Action::Add, Action::Replace, Action::Remove] {
        let bench = Bench::demo().await;
        let app = bench.app();
        let before = sorted(bench.sandbox.routes());
        let outcome = mirror(&app, DENTAL, &list).await;
        let imported = sorted(bench.sandbox.routes());
        let made = ListChanges {
            run_id: outcome.run_id,
            ..ListChanges::default()
        };
        let made = list_changes(&app, &made, PageSize::All).await.unwrap();
        let of_action = |row: &&ChangeRow| match action {
            Action::Add => row.before.is_none(),
            Action::Remove => row.wanted.is_none(),
            _ => row.before.is_some() && row.wanted.is_some(),
        };
        let row = made.changes.iter().rev().find(of_action).unwrap();
        let undone = undo(&app, row.change_id.as_deref().unwrap(), &Channel::Given).await;
        assert_eq!(undone.unwrap().status, UndoStatus::Restored, "{action:?}");
        // The caller's rules are as before, everybody else's as imported.
        let now = sorted(bench.sandbox.routes());
        let of_caller = |route: &&StoredRoute| route.ani.ends_with(&row.ani.as_ref().unwrap()[1..]);
        let restored: Vec<_> = now.iter().filter(of_caller).collect();
        let as_before: Vec<_> = before.iter().filter(of_caller).collect();
        assert_eq!(restored, as_before, "{action:?}");
        let others = |routes: &[StoredRoute]| -> Vec<StoredRoute> {
            routes
                .iter()
                .filter(|route| !of_caller(route))
                .cloned()
                .collect()
        };
        assert_eq!(others(&now), others(&imported), "{action:?}");
    }
}

#[tokio::test]
async fn a_removed_rule_is_there_again_whatever_form_it_was_stored_in() {
    let stored = [
        StoredRoute::new(DENTAL, CALLER, "user:john"),
        StoredRoute::new(DENTAL, "6165550125", "102"),
        StoredRoute::new(DENTAL, "anonymous", "102"),
        StoredRoute::new(DENTAL, "*", "102"),
        StoredRoute::new(DENTAL, CALLER, "102").application(None),
        StoredRoute::new(DENTAL, CALLER, "sip:1@x.example").application(Some("literal")),
        StoredRoute::new(DENTAL, CALLER, "102").dnis(StoredDnis::number("*")),
        StoredRoute::new(DENTAL, CALLER, "102").dnis(StoredDnis::number("16165550100")),
        StoredRoute::new(DENTAL, CALLER, "102").dnis(StoredDnis::number("6165550100")),
    ];
    for route in stored {
        let ani = route.ani.clone();
        there_and_back(tenant_of(&[]).route(route), async |app| {
            let removed = remove(app, &of(&ani, None), &Channel::Given).await;
            removed.unwrap().change_id.unwrap()
        })
        .await;
    }
}

#[tokio::test]
async fn a_replaced_rule_without_application_has_none_again() {
    let tenant = tenant_of(&[]).route(StoredRoute::new(DENTAL, CALLER, "102").application(None));
    there_and_back(tenant, async |app| {
        let added = add(app, &adding(CALLER, DENTAL, "103"), &Channel::Given).await;
        added.unwrap().change_id.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_rule_lost_along_with_another_can_be_restored_by_itself() {
    let tenant = Tenant {
        delete_without_dnis_removes_all: true,
        ..tenant_of(&[(CALLER, "101")])
            .route(StoredRoute::new(DENTAL, CALLER, "103").dnis(StoredDnis::number("16165550100")))
    };
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let before = sorted(bench.sandbox.routes());
    let removed = remove(&app, &of(CALLER, Some("*")), &Channel::Given)
        .await
        .unwrap();
    assert!(bench.sandbox.routes().is_empty());
    let warning = removed.warnings.join(" ");
    let lost = warning
        .split("with change_id ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_else(|| panic!("names the loss: {warning}"));
    for id in [removed.change_id.as_deref().unwrap(), lost] {
        let undone = undo(&app, id, &Channel::Given).await.unwrap();
        assert_eq!(undone.status, UndoStatus::Restored);
    }
    assert_eq!(sorted(bench.sandbox.routes()), before);
}

#[tokio::test]
async fn what_somebody_else_changed_since_is_left_alone_and_named() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let added = add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given)
        .await
        .unwrap();
    let id = added.change_id.unwrap();
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "777"));
    let error = failure(
        undo(&app, &id, &Channel::Given).await,
        Code::ConfirmationStale,
    );
    assert!(error.to_string().contains("777"), "{error}");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("777"));

    bench
        .sandbox
        .delete_route(DENTAL, CALLER, &StoredDnis::Absent);
    let error = failure(
        undo(&app, &id, &Channel::Given).await,
        Code::ConfirmationStale,
    );
    assert!(error.to_string().contains("no such rule now"), "{error}");
}

#[tokio::test]
async fn what_is_as_before_already_is_left_alone() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let added = add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given)
        .await
        .unwrap();
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
    bench.sandbox.clear_requests();
    let undone = undo(&app, &added.change_id.unwrap(), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(undone.status, UndoStatus::Unchanged);
    bench.assert_nothing_written();
}

/// A removal whose undo takes nothing away.
async fn removal(bench: &Bench, app: &App) -> String {
    let removed = remove(app, &removing(CALLER, DENTAL), &Channel::Given)
        .await
        .unwrap();
    bench.sandbox.clear_requests();
    removed.change_id.unwrap()
}

#[tokio::test]
async fn a_person_is_asked_even_where_nothing_is_lost() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let id = removal(&bench, &app).await;
    let waiting = undo(&app, &id, &nobody()).await.unwrap();
    assert_eq!(waiting.status, UndoStatus::ConfirmationRequired);
    assert!(waiting.confirmation.approval_code.is_some());
    let shown = waiting.confirmation.preview.unwrap();
    assert!(shown.contains("Today: no VIP rule"), "{shown}");
    assert!(
        shown.contains("Afterwards: goes to Maya Lindgren (user \"101\")"),
        "{shown}"
    );
    let no = Person::typing("no");
    let declined = undo(&app, &id, &Channel::During(&no)).await.unwrap();
    assert_eq!(declined.status, UndoStatus::WrongValue);
    bench.age_declines(60);
    bench.assert_nothing_written();

    let yes = Person::typing(CALLER);
    let undone = undo(&app, &id, &Channel::During(&yes)).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
}

#[tokio::test]
async fn an_undo_between_calls_and_by_token_works_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let id = removal(&bench, &app).await;
    let asked = undo_change(&app, &undoing(&id), &first_call()).await;
    let state = match asked.unwrap() {
        Asked::Question(question) => question.state,
        Asked::Done(outcome) => panic!("not asked: {outcome:?}"),
    };
    let undone = undo(&app, &id, &second_call(&state, CALLER)).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);

    let app = bench.app_in(ConfirmMode::Token);
    let id = removal(&bench, &app).await;
    let waiting = undo(&app, &id, &nobody()).await.unwrap();
    let confirmation = waiting.confirmation.confirmation.unwrap();
    let undone = undo(&app, &id, &token(&confirmation)).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    let again = undo(&app, &id, &token(&confirmation)).await.unwrap();
    assert_eq!(again.status, UndoStatus::Unchanged, "nothing is left to do");
}

#[tokio::test]
async fn a_confirmation_for_one_change_is_none_for_its_undo() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    let added = add(&app, &adding("6165550177", DENTAL, "101"), &nobody())
        .await
        .unwrap();
    let waiting = remove(&app, &removing("6165550177", DENTAL), &nobody())
        .await
        .unwrap();
    let confirmation = waiting.confirmation.confirmation.unwrap();
    let id = added.change_id.unwrap();
    failure(
        undo(&app, &id, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
}

#[tokio::test]
async fn a_blocked_server_undoes_nothing() {
    let bench = Bench::demo().await;
    let id = removal(&bench, &bench.app()).await;
    failure(
        undo(&bench.app_in(ConfirmMode::Block), &id, &nobody()).await,
        Code::Blocked,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn only_changes_that_were_made_in_this_account_can_be_undone() {
    let bench = Bench::demo().await;
    let app = bench.app();
    failure(undo(&app, "1", &Channel::Given).await, Code::NotFound);
    bench
        .sandbox
        .inject(Fault::status("PUT", "route-by-ani", 400));
    let refused = add(&app, &adding("6165550177", DENTAL, "101"), &nobody()).await;
    refused.unwrap_err();
    let error = failure(
        undo(&app, "1", &Channel::Given).await,
        Code::InvalidArgument,
    );
    assert!(error.to_string().contains("was not made"), "{error}");
    let id = removal(&bench, &app).await;
    let foreign = UndoChange {
        account_id: Some(other_account()),
        ..undoing(&id)
    };
    let undone = undo_change(&app, &foreign, &Channel::Given).await;
    failure(undone.map(done), Code::NotFound);
    for nonsense in ["", "x", "-1", "0", "1.5"] {
        failure(
            undo(&app, nonsense, &Channel::Given).await,
            Code::InvalidArgument,
        );
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn an_undo_is_no_undo_of_anothers_question() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let id = removal(&bench, &app).await;
    let asked = undo_change(&app, &undoing(&id), &first_call()).await;
    let state = question(asked.unwrap()).state;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "777"));
    let undone = undo_change(&app, &undoing(&id), &second_call(&state, CALLER)).await;
    failure(undone.map(done), Code::ConfirmationStale);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("777"));
}

#[tokio::test]
async fn the_command_line_undoes_with_yes_and_not_without_a_terminal() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let remove = [
        "vip", "remove", "--ani", CALLER, "--domain", DOMAIN, "--yes", "--json",
    ];
    let id = home.run(&remove).await.json()["change_id"].clone();
    let id = id.as_str().unwrap();
    let asked = home.run(&["undo", id]).await;
    assert_eq!(asked.code, 3, "{asked:?}");
    let undone = home.run(&["undo", id, "--yes", "--json"]).await;
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(undone.json()["status"], "restored");
    assert_eq!(undone.json()["undoes"]["change_id"], id);
    let unknown = home.run(&["undo", "77", "--yes"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
}
