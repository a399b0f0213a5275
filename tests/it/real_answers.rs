//! What the real services are known to do, or may do, beside what the client
//! asks for: short pages, refusals that look like expired logins, marks in front
//! of answers, lists without an end.

use serde_json::json;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ListDestinations, ListVips, OnboardStatus, PageSize, StepState,
    list_destinations, list_vips,
};
use skyswitch_mcp::sandbox::{
    DialPlanAccess, Fault, PbxHabits, StoredDialRule, StoredSubscriber, Tenant, V2Version,
};

use crate::support::customer::{
    ACME, PbxApi, app_on, app_with, attest, checklist, closed, is_left, made, onboard, onboarding,
    open, prepared, state,
};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{Bench, CALLER, DENTAL, add, adding, failure, nobody};

/// Logins at the PBX API so far, by their grant.
fn pbx_logins(bench: &Bench) -> usize {
    let requests = bench.sandbox.requests();
    let logins = requests
        .iter()
        .filter(|request| request.path.contains("/ns-api/oauth2/token"));
    logins.count()
}

#[tokio::test]
async fn queues_are_users_too_whatever_the_service_lists_unasked() {
    let queue = StoredSubscriber {
        srv_code: "system-queue".to_owned(),
        ..StoredSubscriber::person(DENTAL, "200", "Front desk queue")
    };
    let tenant = Tenant::empty().domain(DENTAL, "Dental").subscriber(queue);
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let args = ListDestinations {
        domain: DENTAL.parse().unwrap(),
        query: None,
        account_id: None,
        limit: None,
        cursor: None,
    };
    let list = list_destinations(&app, &args, PageSize::All).await.unwrap();
    let found: Vec<&str> = list
        .destinations
        .iter()
        .map(|row| row.destination.as_str())
        .collect();
    assert_eq!(found, ["200"]);
    let added = add(&app, &adding(CALLER, DENTAL, "200"), &nobody())
        .await
        .unwrap();
    assert_eq!(added.status, AddVipStatus::Created, "{added:?}");
}

#[tokio::test]
async fn the_dial_translation_rule_is_found_on_the_second_page() {
    for api in [PbxApi::V1, PbxApi::V2] {
        let many = (0..150).map(|n| StoredDialRule {
            match_to: format!("7{n:03}"),
            ..StoredDialRule::fallback(ACME, "101")
        });
        let tenant = many.fold(prepared(PbxHabits::default()), Tenant::dial_rule);
        let bench = Bench::with(tenant.dial_rule(StoredDialRule::fallback(ACME, "100"))).await;
        let checklist = checklist(&app_on(&bench, api)).await;
        let rule = state(&checklist.steps, "dial_translation_rule");
        assert_eq!(rule, StepState::Done, "{api:?}: {checklist:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_no_reason_to_log_in_again_and_again() {
    let habits = PbxHabits::default().dial_plan(DialPlanAccess::None);
    let bench = Bench::with(prepared(habits)).await;
    let app = app_on(&bench, PbxApi::V1);
    checklist(&app).await;
    let at_first = pbx_logins(&bench);
    assert!(
        at_first <= 2,
        "one login, and one more to be sure: {at_first}"
    );
    for _ in 0..3 {
        let checklist = checklist(&app).await;
        let rule = state(&checklist.steps, "dial_translation_rule");
        assert_eq!(rule, StepState::Unknown, "{checklist:?}");
    }
    assert_eq!(pbx_logins(&bench), at_first);
}

#[tokio::test]
async fn a_status_420_is_waited_for_like_429() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 420));
    let list = list_vips(&bench.app(), &ListVips::default(), PageSize::All)
        .await
        .unwrap();
    assert_eq!(list.total, 11);
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 420).times(99));
    let refused = list_vips(&bench.app(), &ListVips::default(), PageSize::All).await;
    failure(refused, Code::RateLimited);
}

#[tokio::test]
async fn an_answer_behind_a_byte_order_mark_is_read() {
    let bench = Bench::demo().await;
    let body = "\u{FEFF}[]";
    let marked = Fault::status("GET", "route-by-ani", 200).body(body, "application/json");
    bench.sandbox.inject(marked);
    let list = list_vips(&bench.app(), &ListVips::default(), PageSize::All)
        .await
        .unwrap();
    assert_eq!(list.total, 0);
}

#[tokio::test]
async fn a_list_that_never_ends_is_refused_before_it_takes_all_memory() {
    let bench = Bench::demo().await;
    let padding = " ".repeat(16 * 1024 * 1024);
    for page in 1..=4 {
        let row =
            json!({"ani": format!("1616555020{page}"), "domain": DENTAL, "destination": "101"});
        let body = json!({"page": page, "per_page": 1, "total": 1000, "data": [row]});
        let body = format!("{body}{padding}");
        let fault = Fault::status("GET", "route-by-ani", 200).body(&body, "application/json");
        bench.sandbox.inject(fault);
    }
    let refused = list_vips(&bench.app(), &ListVips::default(), PageSize::All).await;
    let error = failure(refused, Code::UpstreamRejected);
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    assert_eq!(bench.count("GET"), 4);
}

#[tokio::test]
async fn the_answering_rule_is_switched_on_in_the_word_that_the_reference_writes() {
    let bench = Bench::with(crate::support::customer::customer(closed())).await;
    let app = app_on(&bench, PbxApi::V1);
    attest(&app, "dial_translation_rule").await;
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, OnboardStatus::Applied, "{outcome:?}");
    assert!(!is_left(&outcome, "route_by_ani_user"), "{outcome:?}");
}

#[tokio::test]
async fn the_spelling_of_a_dial_rule_follows_the_version_where_no_rule_shows_it() {
    for version in [V2Version::V44, V2Version::V45] {
        for habits in [open(), open().without_version_in_token()] {
            let mut tenant = prepared(habits.v2_version(version));
            tenant.dial_rules.clear();
            let bench = Bench::with(tenant).await;
            let app = app_with(&bench, PbxApi::V2, |settings| {
                settings.allow_dial_plan_changes = true;
                settings.trust_dial_plan = skyswitch_mcp::config::TrustDialPlan::Always;
            });
            let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
            assert_eq!(
                made(&outcome),
                ["dial_translation_rule"],
                "{version:?}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_that_does_not_describe_its_tokens_is_no_failure() {
    for status in [404, 405] {
        let sandbox = demo_sandbox().await;
        sandbox.inject(Fault::status("GET", "/oauth/token", status).times(99));
        let home = Home::of(&sandbox);
        let token = home.run(&["token"]).await;
        assert_eq!(token.code, 0, "{}", token.stderr);
        assert!(
            token.stdout.contains("Scopes: not shown"),
            "{}",
            token.stdout
        );
        let doctor = home.run(&["doctor", "--json"]).await.json();
        assert_eq!(doctor["ok"], true, "{doctor}");
    }
}
