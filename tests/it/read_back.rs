//! What was changed is read once more and told as it is; a list that cannot
//! show a change yet is neither a contradiction nor a ground to decide on.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;
use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    Action, AddVip, AddVipStatus, ChangeList, DecidedBy, ExplainCall, ListChanges, MarkSetupStep,
    OnboardStatus, PageSize, RemoveVip, RemoveVipStatus, RowState, SyncMode, SyncStatus,
    UndoChange, UndoOutcome, UndoStatus, explain_call, list_changes, mark_setup_step, undo_change,
};
use skyswitch_mcp::sandbox::{
    RuleForm, StoredDialRule, StoredDnis, StoredNumber, StoredRoute, StoredSubscriber, Tenant,
    WriteAnswer,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, attest, closed, customer, marking, onboard, onboarding,
};
use crate::support::imports::{args, dry, sync};
use crate::support::process::Home;
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, failure, list, listing, nobody, remove,
    removing, tenant_of,
};

const NEW: &str = "16165550111";
/// Longer than a list is outvoted by the journal, in milliseconds.
const LATER: i64 = 100_000;

fn lagging() -> Tenant {
    Tenant {
        read_lag: Duration::from_secs(3_600),
        ..Tenant::demo()
    }
}

async fn undo(app: &App, id: &str, channel: &Channel<'_>) -> Result<UndoOutcome> {
    let args = UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    undo_change(app, &args, channel).await.map(done)
}

async fn changes(app: &App) -> ChangeList {
    let listed = list_changes(app, &ListChanges::default(), PageSize::All).await;
    listed.unwrap()
}

#[track_caller]
fn assert_told(warnings: &[String], words: &str) {
    assert!(warnings.join("\n").contains(words), "{warnings:?}");
}

#[tokio::test]
async fn a_rule_that_is_stored_otherwise_is_told_as_it_is_and_can_be_undone() {
    let bench = Bench::with(Tenant {
        stores: RuleForm::ToUser("100"),
        ..Tenant::demo()
    })
    .await;
    let app = bench.app();
    let added = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    let added = added.unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
    assert_told(&added.warnings, "goes to user 100");
    let row = changes(&app).await.changes.remove(0);
    assert_eq!(row.wanted.as_deref(), Some("user 101"));
    assert_eq!(row.after.as_deref(), Some("user 100"));
    let id = added.change_id.unwrap();
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    assert_eq!(bench.rings(DENTAL, NEW), None);

    // The sentence does not say that the calls go where they were to go.
    let home = Home::of(&bench.sandbox);
    let arguments = [
        "vip",
        "add",
        "--ani",
        NEW,
        "--domain",
        DENTAL,
        "--destination",
        "101",
    ];
    let said = home.run(&arguments).await.stdout;
    assert!(
        said.starts_with("SkySwitch accepted the rule and stored it otherwise: calls from"),
        "{said}"
    );
    assert!(!said.contains("now go to"), "{said}");
}

#[tokio::test]
async fn a_rule_that_is_stored_in_another_writing_is_found_again() {
    for answer in [201, 200] {
        let bench = Bench::with(Tenant {
            stores: RuleForm::TenDigits,
            write_answer: WriteAnswer::Instead {
                status: answer,
                body: String::new(),
            },
            ..Tenant::demo()
        })
        .await;
        let app = bench.app();
        let added = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
        let added = added.unwrap();
        assert_eq!(added.status, AddVipStatus::Created);
        assert_eq!(added.warnings.is_empty(), answer == 201, "{added:?}");
        assert_eq!(bench.rings(DENTAL, &NEW[1..]).as_deref(), Some("101"));
    }
}

#[tokio::test]
async fn what_is_acknowledged_and_not_to_be_seen_is_not_visible_yet_and_no_failure() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    let added = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    let added = added.unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
    assert_told(&added.warnings, "not visible yet");

    let removed = remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
    let removed = removed.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    assert_told(&removed.warnings, "not visible yet");
}

#[tokio::test]
async fn a_second_addition_replaces_nothing_unseen_while_the_list_lags() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    let first = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    first.unwrap();
    let other = adding(NEW, DENTAL, "102");
    let asked = add(&app, &other, &nobody()).await.unwrap();
    assert_eq!(asked.status, AddVipStatus::ConfirmationRequired);
    let shown = asked.confirmation.preview.unwrap();
    assert!(
        shown.contains("Today: goes to Maya Lindgren (user \"101\")"),
        "{shown}"
    );
    assert!(shown.contains("does not show change 1"), "{shown}");

    let again = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    assert_eq!(again.unwrap().status, AddVipStatus::Unchanged);

    let replaced = add(&app, &other, &Channel::Given).await.unwrap();
    assert_eq!(replaced.status, AddVipStatus::Replaced);
    let row = changes(&app).await.changes.remove(0);
    assert_eq!(row.before.as_deref(), Some("user 101"));
    assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("102"));
}

#[tokio::test]
async fn a_third_addition_replaces_nothing_unseen_either() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    for destination in ["101", "102"] {
        let args = adding(NEW, DENTAL, destination);
        let added = add(&app, &args, &Channel::Given).await.unwrap();
        assert!(added.change_id.is_some(), "{added:?}");
    }
    let person = Person::typing(NEW);
    let args = adding(NEW, DENTAL, "103");
    let third = add(&app, &args, &Channel::During(&person)).await.unwrap();
    assert_eq!(third.status, AddVipStatus::Replaced);
    let shown = person.shown()[0].text();
    assert!(shown.contains("102") && shown.contains("103"), "{shown}");
    // The list shows what was before the first of them, which contradicts none.
    assert_told(&third.warnings, "not visible yet");
}

#[tokio::test]
async fn an_undo_and_a_removal_go_by_the_journal_while_the_list_lags() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    let added = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    let id = added.unwrap().change_id.unwrap();
    let asked = remove(&app, &removing(NEW, DENTAL), &nobody()).await;
    assert_eq!(asked.unwrap().status, RemoveVipStatus::ConfirmationRequired);
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    assert_told(&undone.warnings, "does not show change 1");
    assert_eq!(bench.rings(DENTAL, NEW), None);
}

#[tokio::test]
async fn an_import_that_is_not_visible_yet_is_planned_on_by_the_journal() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    let list = format!("ani,destination\n{NEW},101\n{CALLER},102\n");
    let merge = args(SyncMode::Merge);
    let outcome = sync(&app, &merge, &list, &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);
    assert_told(&outcome.warnings, "2 of them are not visible yet");

    let again = sync(&app, &merge, &list, &Channel::Given).await.unwrap();
    assert_eq!(again.status, SyncStatus::Unchanged, "{again:?}");
    assert_told(&again.warnings, "does not show change");
    let other = add(&app, &adding(NEW, DENTAL, "102"), &nobody()).await;
    assert_eq!(other.unwrap().status, AddVipStatus::ConfirmationRequired);
}

#[tokio::test]
async fn a_list_and_a_call_say_what_they_cannot_show_yet() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    add(&app, &adding(NEW, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    let listed = list(&app, &listing(DENTAL)).await.unwrap();
    assert_told(&listed.warnings, "does not show change 1");
    let call = ExplainCall {
        ani: NEW.parse().unwrap(),
        domain: Some(DENTAL.parse().unwrap()),
        dnis: None,
        account_id: None,
    };
    let call = explain_call(&app, &call).await.unwrap();
    assert_eq!(call.decided_by, DecidedBy::CallerRule, "{call:?}");
    assert_told(&call.warnings, "does not show change 1");
}

#[tokio::test]
async fn an_import_after_a_change_that_is_not_visible_yet_is_not_taken_for_another_state() {
    let bench = Bench::with(lagging()).await;
    let app = bench.app();
    add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given)
        .await
        .unwrap();
    // The list shows neither the change before the import nor the import.
    let list = format!("ani,destination\n{CALLER},103\n");
    let imported = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given)
        .await
        .unwrap();
    assert_eq!(imported.status, SyncStatus::Applied, "{imported:?}");
    assert!(imported.rows.is_empty(), "{imported:?}");
    assert_told(&imported.warnings, "not visible yet");
    let newest = changes(&app).await.changes.remove(0);
    assert_eq!(newest.after, None, "as requested: {newest:?}");
    let undone = undo(&app, newest.change_id.as_deref().unwrap(), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
}

#[tokio::test]
async fn a_list_is_believed_once_it_must_have_caught_up() {
    let bench = Bench::with(Tenant {
        write_answer: WriteAnswer::WithoutActing {
            status: 201,
            body: String::new(),
        },
        ..Tenant::demo()
    })
    .await;
    let app = bench.app();
    let added = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    assert_told(&added.unwrap().warnings, "not visible yet");
    bench.age_journal(LATER);
    let other = add(&app, &adding(NEW, DENTAL, "102"), &nobody()).await;
    assert_eq!(other.unwrap().status, AddVipStatus::Created);
}

/// A new rule of which nobody knows whether it was made: neither answer nor list says so.
async fn with_unknown_outcome() -> (Bench, App, AddVip) {
    let bench = Bench::with(Tenant {
        write_answer: WriteAnswer::Instead {
            status: 202,
            body: String::new(),
        },
        ..lagging()
    })
    .await;
    let app = bench.app();
    let first = adding(NEW, DENTAL, "101");
    failure(add(&app, &first, &nobody()).await, Code::UpstreamRejected);
    (bench, app, first)
}

#[tokio::test]
async fn a_rule_of_which_nobody_knows_whether_it_was_made_is_not_replaced_unseen() {
    let (bench, app, first) = with_unknown_outcome().await;
    let other = add(&app, &adding(NEW, DENTAL, "102"), &Channel::Given).await;
    let refused = failure(other, Code::ConfirmationStale);
    assert!(
        refused.to_string().contains("a rule to user 101"),
        "{refused}"
    );
    let listed = list(&app, &listing(DENTAL)).await.unwrap();
    assert_told(&listed.warnings, "perhaps it goes to user 101");
    // The very same is sent once more without a question.
    let puts = bench.count("PUT");
    failure(add(&app, &first, &nobody()).await, Code::UpstreamRejected);
    assert!(bench.count("PUT") > puts);
}

#[tokio::test]
async fn an_import_waits_for_a_rule_of_unknown_outcome_unless_it_wants_the_same_or_another() {
    let (_bench, app, _) = with_unknown_outcome().await;
    let looking = dry(SyncMode::Merge);
    let list = format!("ani,destination\n{NEW},102\n");
    let refused = sync(&app, &looking, &list, &Channel::Given).await;
    failure(refused, Code::ConfirmationStale);
    for caller in [NEW, "16165550112"] {
        let list = format!("ani,destination\n{caller},101\n");
        let planned = sync(&app, &looking, &list, &Channel::Given).await.unwrap();
        assert_eq!(planned.rows[0].action, Action::Add, "{planned:?}");
    }
    let refused = sync(&app, &dry(SyncMode::Mirror), &list, &Channel::Given).await;
    failure(refused, Code::ConfirmationStale);
}

#[tokio::test]
async fn rows_of_an_import_whose_rule_is_otherwise_are_named() {
    let bench = Bench::with(Tenant {
        stores: RuleForm::ToUser("100"),
        ..Tenant::demo()
    })
    .await;
    let app = bench.app();
    let list = format!("ani,destination\n{NEW},101\n16165550112,100\n");
    let merge = args(SyncMode::Merge);
    let outcome = sync(&app, &merge, &list, &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, SyncStatus::Incomplete);
    let [row] = outcome.rows.as_slice() else {
        panic!("one row needs a look: {outcome:?}");
    };
    assert_eq!((row.ani.as_str(), row.state), (NEW, Some(RowState::Failed)));
    let reason = row.reason.as_deref().unwrap();
    assert!(reason.contains("goes to user 100"), "{reason}");
    let id = row.change_id.clone().unwrap();
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
}

/// Rules beside one with a wide key, which goes to 103; every one of the others
/// may be removed along with it.
fn wide() -> [(StoredRoute, Vec<StoredRoute>); 3] {
    let to = |ani: &str| StoredRoute::new(DENTAL, ani, "103");
    let beside = |ani: &str| StoredRoute::new(DENTAL, ani, "101");
    let particular = beside(CALLER).dnis(StoredDnis::number("16165550100"));
    [
        (to("*"), vec![beside(CALLER), beside("anonymous")]),
        (
            to("1616*"),
            vec![beside(CALLER), beside("16165550124"), particular.clone()],
        ),
        (to(CALLER).dnis(StoredDnis::number("*")), vec![particular]),
    ]
}

fn tenant_with((removed, beside): (StoredRoute, Vec<StoredRoute>)) -> Tenant {
    let rules = beside.into_iter().chain([removed]);
    Tenant {
        delete_without_dnis_removes_all: true,
        ..rules.fold(tenant_of(&[]), Tenant::route)
    }
}

#[tokio::test]
async fn rules_that_a_wide_key_may_take_along_are_shown_and_each_can_be_restored() {
    for (removed, beside) in wide() {
        let (ani, count) = (removed.ani.clone(), beside.len());
        let bench = Bench::with(tenant_with((removed, beside))).await;
        let app = bench.app();
        let before = bench.sandbox.routes().len();
        let person = Person::typing(&ani);
        let args = RemoveVip {
            dnis: Some("*".parse().unwrap()),
            ..removing(&ani, DENTAL)
        };
        let outcome = remove(&app, &args, &Channel::During(&person))
            .await
            .unwrap();
        let shown = person.shown()[0].text().to_owned();
        assert_eq!(
            shown.matches("may remove along with it").count(),
            count,
            "{shown}"
        );
        assert!(bench.sandbox.routes().is_empty(), "{ani}");
        let lost: Vec<&str> = outcome
            .warnings
            .iter()
            .filter_map(|told| told.split("with change_id ").nth(1)?.split(' ').next())
            .collect();
        assert_eq!(lost.len(), count, "{outcome:?}");
        for id in lost.into_iter().chain(outcome.change_id.as_deref()) {
            let undone = undo(&app, id, &Channel::Given).await.unwrap();
            assert_eq!(undone.status, UndoStatus::Restored);
        }
        assert_eq!(bench.sandbox.routes().len(), before);
    }
}

#[tokio::test]
async fn an_import_puts_back_what_a_wide_key_took_along() {
    for (removed, beside) in wide() {
        let ani = removed.ani.clone();
        let mut list = "ani,destination,dnis\n".to_owned();
        for rule in &beside {
            let dnis = rule.dnis.specific().unwrap_or_default();
            writeln!(list, "{},{},{dnis}", rule.ani, rule.destination).unwrap();
        }
        list.push_str("16165550199,101,\n");
        let count = beside.len();
        let bench = Bench::with(tenant_with((removed, beside))).await;
        let mirror = args(SyncMode::Mirror);
        let outcome = sync(&bench.app(), &mirror, &list, &Channel::Given).await;
        let outcome = outcome.unwrap();
        assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
        assert_eq!(
            bench.sandbox.routes().len(),
            count + 1,
            "{ani}: {outcome:?}"
        );
    }
}

/// A number whose old routing is this.
fn routed_to(route: serde_json::Value) -> Tenant {
    let mut tenant = customer(closed())
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    tenant.numbers[0].route = route;
    tenant
}

#[tokio::test]
async fn a_routing_that_is_not_shown_as_it_is_written_is_not_put_back_and_it_is_said_before() {
    let subscriber = format!("100@{ACME}");
    let routes = [
        json!({"type": "pbx", "route": {"treatment": "conference", "to_user": "700", "to_host": "conference-bridge"}}),
        json!({"type": "pbx", "route": {"treatment": "trunk", "sip_trunk": "main", "trunk_domain": ACME}}),
        json!({"type": "fax-ata", "route": {"ata": "7"}}),
        json!({"type": "ifax", "route": {"subscriber": subscriber}}),
    ];
    for route in routes {
        let bench = Bench::with(routed_to(route.clone())).await;
        let app = app_on(&bench, PbxApi::V2);
        attest(&app, "dial_translation_rule").await;
        let person = Person::typing(DID);
        let routed = onboard(&app, &onboarding(), &Channel::During(&person)).await;
        let routed = routed.unwrap();
        assert_eq!(routed.status, OnboardStatus::Applied, "{route}: {routed:?}");
        let shown = person.shown()[0].text().to_owned();
        assert!(shown.contains("cannot be undone here"), "{shown}");
        let id = routed.changes[0].change_id.clone().unwrap();
        let refused = failure(
            undo(&app, &id, &Channel::Given).await,
            Code::InvalidArgument,
        );
        assert!(
            refused.to_string().contains("in which it shows it"),
            "{refused}"
        );
        assert_eq!(bench.count("PUT"), 1, "{route}");
    }
}

#[tokio::test]
async fn no_prefix_is_not_sent_back_as_one() {
    let bench = Bench::with(routed_to(StoredNumber::to_user(DID, ACME, "100").route)).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    let id = routed.changes[0].change_id.clone().unwrap();
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    for request in bench.sandbox.requests() {
        let body = request.body.unwrap_or_default();
        assert_ne!(body["route"]["caller_id_prefix"], "[*]");
    }
}

#[tokio::test]
async fn an_old_routing_to_the_route_by_ani_user_is_blocked_in_any_spelling() {
    for spelling in ["sip:9000@ACME.12345.service", " 9000@acme.12345.service. "] {
        let bench = Bench::with(routed_to(StoredNumber::to_user(DID, ACME, "100").route)).await;
        let app = app_on(&bench, PbxApi::V2);
        attest(&app, "dial_translation_rule").await;
        let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        let mut number = bench.sandbox.numbers()[0].clone();
        number.route["route"]["subscriber"] = spelling.into();
        bench.sandbox.put_number(number);
        let id = routed.changes[0].change_id.clone().unwrap();
        let undone = undo(&app, &id, &Channel::Given).await.unwrap();
        assert_eq!(undone.status, UndoStatus::Restored, "{spelling}");
        let withdrawing = MarkSetupStep {
            withdraw: Some(true),
            attested_by: None,
            note: None,
            ..marking("dial_translation_rule")
        };
        let withdrawn = mark_setup_step(&app, &withdrawing, &nobody()).await;
        withdrawn.unwrap();
        bench.sandbox.remove_dial_rules(ACME);
        let id = undone.change_id.unwrap();
        let blocked = failure(undo(&app, &id, &Channel::Given).await, Code::Blocked);
        assert!(blocked.to_string().contains("No confirmation lifts this"));
    }
}

#[tokio::test]
async fn a_long_plan_names_every_caller_who_is_protected_or_has_a_rule() {
    let bench = Bench::demo().await;
    let protected = "14145550199";
    let app = bench.app_with(|settings| {
        settings.limits.protected = vec![protected.parse().unwrap()];
    });
    let mut list = "ani,destination,dnis\n".to_owned();
    for line in 0..100 {
        writeln!(list, "1313555{line:04},100,").unwrap();
    }
    writeln!(list, "{protected},100,").unwrap();
    // The same destination as the caller's other rule, so no calls are taken.
    writeln!(list, "{CALLER},101,16165550100").unwrap();
    let person = Person::typing("102");
    let merge = args(SyncMode::Merge);
    let outcome = sync(&app, &merge, &list, &Channel::During(&person)).await;
    assert_eq!(outcome.unwrap().status, SyncStatus::Applied);
    let shown = person.shown()[0].text().to_owned();
    for (caller, said) in [(protected, "protects"), (CALLER, "has another VIP rule")] {
        let caller = format!("\"{caller}\"");
        let line = shown.lines().find(|line| line.contains(&caller));
        assert!(line.is_some_and(|line| line.contains(said)), "{shown}");
    }
}

#[tokio::test]
async fn a_plan_with_one_removal_asks_for_that_callers_number() {
    let bench = Bench::with(tenant_of(&[(CALLER, "101"), (NEW, "101")])).await;
    let app = bench.app();
    let list = format!("ani,destination\n{NEW},102\n16165550112,101\n");
    let mirror = args(SyncMode::Mirror);
    let counting = Person::typing("3");
    let declined = sync(&app, &mirror, &list, &Channel::During(&counting)).await;
    assert_eq!(declined.unwrap().status, SyncStatus::WrongValue);
    bench.age_declines(60);
    let naming = Person::typing(CALLER);
    let applied = sync(&app, &mirror, &list, &Channel::During(&naming)).await;
    assert_eq!(applied.unwrap().status, SyncStatus::Applied);
}

#[tokio::test]
async fn a_rule_that_goes_along_although_the_dialled_number_was_given_is_told_and_can_be_restored()
{
    let mut tenant = Tenant::demo();
    tenant.delete_ignores_dnis = true;
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let for_main_line = RemoveVip {
        dnis: Some("16165550100".parse().unwrap()),
        ..removing("16165550126", DENTAL)
    };
    let removed = remove(&app, &for_main_line, &Channel::Given).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    let told = removed.warnings.join("\n");
    assert!(
        told.contains("removed this rule of the same caller as well"),
        "{told}"
    );
    assert!(!told.contains("keeps another rule"), "{told}");
    let lost = changes(&app).await.changes;
    let lost = lost
        .iter()
        .find(|change| change.operation == "lost_along_with");
    let undone = undo(
        &app,
        lost.unwrap().change_id.as_ref().unwrap(),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    assert_eq!(bench.rings(DENTAL, "16165550126").as_deref(), Some("101"));
}
