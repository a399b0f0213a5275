//! Calls are followed through the users and numbers that they are forwarded by,
//! and what happens to some of them only is not taken for what happens to all.

use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, CallExplained, DecidedBy, ExplainCall, ListNumbers, NumberRow, PageSize,
    RouteStatus, StepState, SyncMode, SyncStatus, SyncVips, UnknownFact, explain_call,
    list_numbers,
};
use skyswitch_mcp::sandbox::{
    PbxHabits, StoredAnsweringRule, StoredDialRule, StoredNumber, StoredRoute, StoredSubscriber,
    Tenant,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, attest, checklist, closed, customer, route, sending, state, status,
};
use crate::support::imports::{args, sync};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{Bench, CALLER, Person, add, adding, nobody};

/// Another of the customer's own numbers.
const OTHER: &str = "16165550181";

fn person(user: &str, rule: StoredAnsweringRule) -> StoredSubscriber {
    StoredSubscriber::person(ACME, user, "Night Line").answering_rules(vec![rule])
}

/// A customer whose number goes to user 710, without VIP rules. User 700 hands
/// calls to the list; its name does not tell.
fn through(rule: StoredAnsweringRule, habits: PbxHabits) -> Tenant {
    let mut tenant = customer(habits)
        .subscriber(person("710", rule))
        .subscriber(person(
            "700",
            StoredAnsweringRule::forward_always("route_by_ani"),
        ));
    tenant.numbers = vec![
        StoredNumber::to_user(DID, ACME, "710"),
        StoredNumber::to_user(OTHER, ACME, "700"),
    ];
    tenant
}

/// The same, where only calls to user 710 can come to the list.
fn only_through(rule: StoredAnsweringRule, habits: PbxHabits) -> Tenant {
    let mut tenant = through(rule, habits);
    tenant.numbers.truncate(1);
    tenant
}

async fn explained(app: &App, dnis: Option<&str>) -> CallExplained {
    let args = ExplainCall {
        ani: CALLER.parse().unwrap(),
        domain: Some(ACME.parse().unwrap()),
        dnis: dnis.map(|dnis| dnis.parse().unwrap()),
        account_id: None,
    };
    explain_call(app, &args).await.unwrap()
}

async fn row_of(app: &App, number: &str) -> NumberRow {
    let all = ListNumbers::default();
    let list = list_numbers(app, &all, PageSize::All).await.unwrap();
    let mut rows = list.numbers.into_iter();
    rows.find(|row| row.number == number).unwrap()
}

#[tokio::test]
async fn a_forward_to_one_of_the_customers_own_numbers_is_followed_to_where_that_goes() {
    let rule = StoredAnsweringRule::forward_always(OTHER);
    let bench = Bench::with(through(rule, closed())).await;
    assert_eq!(bench.sandbox.dropped_numbers(), [DID, OTHER]);
    for api in [PbxApi::V1, PbxApi::V2] {
        let app = app_on(&bench, api);
        assert_eq!(status(&app).await.customers[0].dids, [DID, OTHER]);
        assert!(row_of(&app, DID).await.unverified);
        let call = explained(&app, Some(DID)).await;
        assert_eq!(call.reaches_vip_list, Some(true), "{call:?}");
    }
    // A number of somebody else leads out.
    let rule = StoredAnsweringRule::forward_always("16165550199");
    let bench = Bench::with(only_through(rule, closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
    let call = explained(&app, Some(DID)).await;
    assert_eq!(call.reaches_vip_list, Some(false), "{call:?}");
}

#[tokio::test]
async fn what_is_forwarded_only_when_nobody_answers_is_neither_proof_nor_silence() {
    for to in ["700", "route_by_ani"] {
        let rule = StoredAnsweringRule::forward_unanswered(to);
        let bench = Bench::with(only_through(rule, closed())).await;
        for api in [PbxApi::V1, PbxApi::V2] {
            let app = app_on(&bench, api);
            let table = status(&app).await;
            assert_eq!((table.alarms, table.unverified), (0, 1), "{to}: {table:?}");
            let told = &table.customers[0].waits_for;
            let when = "user 710 forwards calls there only when nobody answers";
            assert!(told.contains(when), "{told}");
            let row = row_of(&app, DID).await;
            assert_eq!((row.alarm, row.unverified), (false, true), "{row:?}");
            let steps = checklist(&app).await;
            assert!(steps.warning.unwrap().starts_with("NOT VERIFIED"));
            assert_ne!(state(&steps.steps, "route_did"), StepState::Done);

            for dnis in [None, Some(DID)] {
                let call = explained(&app, dnis).await;
                assert_eq!(call.reaches_vip_list, None, "{dnis:?}: {call:?}");
                let mut unknown = call.unknown.iter();
                let fact = unknown.find(|unknown| unknown.fact == UnknownFact::Forwarding);
                let why = fact.unwrap().why.as_deref().unwrap();
                assert!(why.contains("when nobody answers"), "{why}");
            }
        }
        let app = app_on(&bench, PbxApi::V2);
        let added = add(&app, &adding("16165550155", ACME, "100"), &nobody()).await;
        let warnings = added.unwrap().warnings.join("\n");
        assert!(warnings.contains("may have no effect"), "{warnings}");
        attest(&app, "dial_translation_rule").await;
        assert_eq!(status(&app).await.unverified, 0);
    }
}

#[tokio::test]
async fn a_rule_that_forwards_every_call_never_comes_to_its_conditions() {
    let rule = StoredAnsweringRule {
        unanswered_to: vec!["700".to_owned()],
        ..StoredAnsweringRule::forward_always("101")
    };
    let bench = Bench::with(only_through(rule, closed())).await;
    let table = status(&app_on(&bench, PbxApi::V2)).await;
    assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
}

#[tokio::test]
async fn a_route_by_ani_user_that_forwards_elsewhere_is_judged_alike_everywhere() {
    let lost = StoredSubscriber::ani_user(ACME, "9000")
        .answering_rules(vec![StoredAnsweringRule::forward_always("100")]);
    let mut tenant = customer(PbxHabits::default())
        .subscriber(lost)
        .route(StoredRoute::new(ACME, CALLER, "101"));
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    for has_rule in [false, true] {
        let tenant = match has_rule {
            true => tenant
                .clone()
                .dial_rule(StoredDialRule::fallback(ACME, "100")),
            false => tenant.clone(),
        };
        let bench = Bench::with(tenant).await;
        assert_eq!(bench.sandbox.dropped_numbers(), [""; 0]);
        let app = app_on(&bench, PbxApi::V2);
        let call = explained(&app, Some(DID)).await;
        assert_eq!(call.decided_by, DecidedBy::NumberRouting, "{call:?}");
        // Also where a plan that was read earlier would say that all is well.
        for _ in 0..2 {
            let table = status(&app).await;
            assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
            let stage = serde_json::to_value(table.customers[0].stage).unwrap();
            assert_ne!(stage, "live", "{table:?}");
            let row = row_of(&app, DID).await;
            assert!(!row.alarm && !row.unverified, "{row:?}");
            let steps = checklist(&app).await;
            assert_eq!(state(&steps.steps, "route_by_ani_user"), StepState::Todo);
            let warning = steps.warning.unwrap_or_default();
            assert!(!warning.contains("ALARM"), "{warning}");
        }
    }
}

#[tokio::test]
async fn a_route_by_ani_user_that_forwards_to_one_of_another_name_still_hands_calls_on() {
    let tenant = only_through(
        StoredAnsweringRule::forward_always("9000"),
        PbxHabits::default(),
    );
    let tenant = tenant.subscriber(
        StoredSubscriber::ani_user(ACME, "9000")
            .answering_rules(vec![StoredAnsweringRule::forward_always("700")]),
    );
    let mut tenant = tenant;
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    let bench = Bench::with(tenant).await;
    assert_eq!(bench.sandbox.dropped_numbers(), [DID]);
    let app = app_on(&bench, PbxApi::V2);
    assert_eq!(status(&app).await.alarms, 1);
    let call = explained(&app, Some(DID)).await;
    assert_eq!(call.reaches_vip_list, Some(true), "{call:?}");
}

#[tokio::test]
async fn a_destination_that_forwards_back_to_the_list_is_doubtful_like_the_route_by_ani_user() {
    let always = StoredAnsweringRule::forward_always;
    let tenant = only_through(always("route_by_ani"), closed())
        .subscriber(person("720", always("Sip:710@ACME.12345.service")))
        .subscriber(person(
            "730",
            StoredAnsweringRule::forward_unanswered("710"),
        ));
    for user in [
        "700",
        "710",
        "720",
        "user:720",
        "sip:720@acme.12345.service",
    ] {
        let bench = Bench::with(tenant.clone()).await;
        let app = app_on(&bench, PbxApi::V2);
        let asked = add(&app, &adding(CALLER, ACME, user), &nobody()).await;
        let asked = asked.unwrap();
        assert_eq!(asked.status, AddVipStatus::ConfirmationRequired, "{user}");
        // A person wrote it on the command line.
        let made = add(&app, &adding(CALLER, ACME, user), &Channel::Given).await;
        let made = made.unwrap();
        assert_eq!(made.status, AddVipStatus::Created, "{user}");
        let told = made.warnings.join("\n");
        assert!(told.contains("in a circle"), "{user}: {told}");
        let call = explained(&app, Some(DID)).await;
        let told = call.warnings.join("\n");
        assert_eq!(told.matches("in a circle").count(), 1, "{user}: {told}");
    }
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let made = add(&app, &adding(CALLER, ACME, "730"), &nobody()).await;
    let made = made.unwrap();
    assert_eq!(made.status, AddVipStatus::Created);
    let told = made.warnings.join("\n");
    assert!(told.contains("may come back to the VIP rules"), "{told}");
}

#[tokio::test]
async fn an_import_looks_once_at_each_destination_that_may_forward_back_to_the_list() {
    let always = StoredAnsweringRule::forward_always;
    let tenant = only_through(always("route_by_ani"), closed())
        .subscriber(person("720", always("Sip:710@ACME.12345.service")))
        .subscriber(person("740", always("101")));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let arguments = SyncVips {
        domain: ACME.parse().unwrap(),
        ..args(SyncMode::Merge)
    };
    let list = "ani,destination\n16165550201,720\n16165550202,720\n16165550203,740\n";
    let asked = sync(&app, &arguments, list, &nobody()).await.unwrap();
    assert_eq!(asked.status, SyncStatus::ConfirmationRequired, "{asked:?}");
    let told = asked.warnings.join("\n");
    assert!(told.contains("line 2, 3: user \"720\" forwards"), "{told}");
    assert!(!told.contains("740"), "{told}");
    let requests = bench.sandbox.requests().into_iter();
    let looks = requests.filter(|request| request.path.contains("/720/answerrules"));
    assert_eq!(looks.count(), 1);
}

#[tokio::test]
async fn a_number_is_sent_to_whom_nobody_answers_for_only_with_a_warning() {
    let rule = StoredAnsweringRule::forward_unanswered("700");
    let bench = Bench::with(only_through(rule, closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    for (to, told) in [
        ("domain", "nobody answers there"),
        ("710", "come to the VIP list"),
    ] {
        bench
            .sandbox
            .put_number(StoredNumber::to_user(DID, ACME, "100"));
        let person = Person::typing(DID);
        let sent = route(&app, &sending(DID, to), &Channel::During(&person)).await;
        let sent = sent.unwrap();
        assert_eq!(sent.status, RouteStatus::Routed, "{sent:?}");
        let shown = person.shown()[0].text();
        assert!(shown.contains(told), "{to}: {shown}");
        assert!(sent.warnings.join("\n").contains(told), "{sent:?}");
        bench.age_journal(100_000);
    }
}

#[tokio::test]
async fn what_cannot_be_known_is_said_before_what_would_follow() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    // A number of which nothing is known.
    let ran = home
        .run(&[
            "explain",
            "--ani",
            CALLER,
            "--domain",
            DOMAIN,
            "--dnis",
            "6165550999",
        ])
        .await;
    let text = ran.stdout;
    assert!(
        text.starts_with("Not known: where the number goes"),
        "{text}"
    );
    assert!(
        text.contains("If the call comes to the VIP rules: A VIP rule for this caller"),
        "{text}"
    );
    assert_eq!(text.matches("where the number goes").count(), 1, "{text}");
}
