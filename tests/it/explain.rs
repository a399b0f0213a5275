//! Where a call goes now, and what nobody can know from here.

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{
    CallExplained, DecidedBy, ExplainCall, FallbackState, UnknownFact, explain_call,
};
use skyswitch_mcp::sandbox::{
    PbxHabits, StoredAnsweringRule, StoredDialRule, StoredDnis, StoredNumber, StoredRoute,
    StoredSubscriber, Tenant,
};

use crate::support::customer::{ACME, PbxApi, app_on, attest, closed, prepared};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{Bench, CALLER, DENTAL, LEGAL, VET, failure, tenant_of};

const DIALLED: &str = "16165550100";
const OTHER_NUMBER: &str = "16165550199";

/// A customer whose two numbers go to the Route by ANI user.
fn routed(tenant: Tenant) -> Tenant {
    let people = ["101", "102", "103", "104", "105"].into_iter();
    people
        .map(|user| StoredSubscriber::person(DENTAL, user, "Some Body"))
        .fold(tenant, Tenant::subscriber)
        .subscriber(StoredSubscriber::ani_user(DENTAL, "9000"))
        .number(StoredNumber::to_user(DIALLED, DENTAL, "9000"))
        .number(StoredNumber::to_user(OTHER_NUMBER, DENTAL, "9000"))
}

fn asking(ani: &str, domain: Option<&str>, dnis: Option<&str>) -> ExplainCall {
    ExplainCall {
        ani: ani.parse().unwrap(),
        domain: domain.map(|domain| domain.parse().unwrap()),
        dnis: dnis.map(|dnis| dnis.parse().unwrap()),
        account_id: None,
    }
}

async fn ask(app: &App, ani: &str, domain: Option<&str>, dnis: Option<&str>) -> CallExplained {
    explain_call(app, &asking(ani, domain, dnis)).await.unwrap()
}

/// Of a call to a customer whose numbers reach the VIP rules.
async fn explained(tenant: Tenant, ani: &str, dnis: Option<&str>) -> CallExplained {
    let bench = Bench::with(routed(tenant)).await;
    let call = ask(&bench.app(), ani, Some(DENTAL), dnis).await;
    // The rules, and the routing of the number that was dialled; a look at the
    // numbers of the Route by ANI user is not counted.
    let reads = 1 + usize::from(dnis.is_some());
    assert_eq!(bench.sent(), vec!["GET"; reads]);
    assert_eq!(call.reaches_vip_list, Some(true), "{call:?}");
    call
}

fn does_not_know(call: &CallExplained, fact: UnknownFact) -> bool {
    call.unknown.iter().any(|unknown| unknown.fact == fact)
}

fn for_number(ani: &str, destination: &str) -> StoredRoute {
    StoredRoute::new(DENTAL, ani, destination).dnis(StoredDnis::number(DIALLED))
}

#[tokio::test]
async fn the_rule_for_caller_and_called_number_decides() {
    let tenant = tenant_of(&[(CALLER, "101")]).route(for_number(CALLER, "103"));
    let call = explained(tenant, "(616) 555-0123", Some("6165550100")).await;
    assert_eq!(call.decided_by, DecidedBy::ExactRule);
    let rings = call.destination.as_ref().unwrap();
    assert_eq!(rings.destination, "103");
    assert_eq!(
        (rings.name.as_deref(), rings.exists),
        (Some("Some Body"), Some(true))
    );
    assert_eq!(call.other_rules[0].destination, "101");
    assert!(does_not_know(&call, UnknownFact::OrderOfRules), "{call:?}");
    assert!(does_not_know(&call, UnknownFact::SpamHandling), "{call:?}");
}

#[tokio::test]
async fn the_rule_for_the_caller_decides_where_there_is_no_other() {
    let call = explained(tenant_of(&[(CALLER, "101")]), CALLER, Some("6165550199")).await;
    assert_eq!(call.decided_by, DecidedBy::CallerRule);
    assert_eq!(call.rule.as_ref().unwrap().ani, CALLER);
    assert!(
        !does_not_know(&call, UnknownFact::OrderOfRules),
        "only where it matters: {call:?}"
    );
    assert!(
        does_not_know(&call, UnknownFact::RouteByAniUser),
        "{call:?}"
    );
    assert!(
        does_not_know(&call, UnknownFact::AnsweringRules),
        "{call:?}"
    );
}

#[tokio::test]
async fn without_a_rule_it_is_the_dial_translation_rule_and_nobody_knows_which() {
    let call = explained(tenant_of(&[("16165550199", "101")]), CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Fallback);
    assert!(call.destination.is_none() && call.rule.is_none() && call.fallback.is_none());
    assert!(
        does_not_know(&call, UnknownFact::DialTranslationRule),
        "{call:?}"
    );
    assert_eq!(call.vip_numbers, [DIALLED, OTHER_NUMBER]);
}

#[tokio::test]
async fn without_the_called_number_it_may_depend_on_it() {
    let tenant = tenant_of(&[(CALLER, "101")]).route(for_number(CALLER, "103"));
    let call = explained(tenant, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::DependsOnCalledNumber);
    assert_eq!(call.other_rules.len(), 2);
    assert!(call.destination.is_none());
}

#[tokio::test]
async fn writings_that_ring_differently_are_not_guessed_between() {
    let tenant = tenant_of(&[(CALLER, "101"), ("6165550123", "102")]);
    let call = explained(tenant, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Ambiguous);
    assert!(call.destination.is_none());
    let alike = tenant_of(&[(CALLER, "101"), ("6165550123", "user:101")]);
    let call = explained(alike, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::CallerRule);
}

#[tokio::test]
async fn wildcards_and_callers_without_number_are_said_to_be_unknown() {
    let tenant = tenant_of(&[("*", "104"), ("anonymous", "105")]);
    let call = explained(tenant.clone(), CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Fallback);
    let mut unknown = call.unknown.iter();
    let wildcards = unknown.find(|unknown| unknown.fact == UnknownFact::Wildcards);
    assert_eq!(wildcards.unwrap().why.as_deref(), Some("\"*\""));
    let call = explained(tenant, "anonymous", None).await;
    assert_eq!(call.destination.as_ref().unwrap().destination, "105");
    assert!(
        does_not_know(&call, UnknownFact::CallerWithoutNumber),
        "{call:?}"
    );
}

#[tokio::test]
async fn a_number_that_goes_elsewhere_decides_whatever_the_rules_say() {
    let bench = Bench::demo().await;
    let app = app_on(&bench, PbxApi::V2);
    let call = ask(&app, "16165550141", Some(VET), Some("6165550140")).await;
    assert_eq!(call.decided_by, DecidedBy::NumberRouting);
    assert_eq!(call.reaches_vip_list, Some(false));
    assert_eq!(
        call.number_goes_to.as_deref(),
        Some("Reception Maplewood (300)")
    );
    assert!(call.rule.is_none() && call.destination.is_none());
    assert_eq!(call.other_rules[0].destination, "301");
    // Nor does any other of the customer's numbers come to the rules.
    let call = ask(&app, "16165550141", Some(VET), None).await;
    assert_eq!(call.decided_by, DecidedBy::NumberRouting);
    assert_eq!(call.vip_numbers, [""; 0]);
}

#[tokio::test]
async fn the_dial_plan_says_what_becomes_of_callers_without_a_rule() {
    let bench = Bench::demo().await;
    let app = app_on(&bench, PbxApi::V2);
    let call = ask(&app, "16165550188", Some(DENTAL), Some(DIALLED)).await;
    assert_eq!(call.decided_by, DecidedBy::Fallback);
    assert_eq!(call.fallback.unwrap().state, FallbackState::Verified);
    let rings = call.destination.unwrap();
    assert_eq!(
        (rings.destination.as_str(), rings.name.as_deref()),
        ("100", Some("Front Desk"))
    );
    let call = ask(&app, "16165550188", Some(LEGAL), Some("16165550160")).await;
    assert_eq!(
        call.fallback.as_ref().unwrap().state,
        FallbackState::Missing,
        "{call:?}"
    );
    assert!(call.destination.is_none());
}

#[tokio::test]
async fn what_a_person_attested_of_the_rule_is_said_as_that() {
    let tenant = prepared(closed()).number(StoredNumber::to_user("16165550181", ACME, "9000"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let call = ask(&app, CALLER, Some(ACME), Some("16165550181")).await;
    let fallback = call.fallback.as_ref().unwrap();
    assert_eq!(fallback.state, FallbackState::Attested);
    assert!(fallback.words.contains("Front desk lead"), "{fallback:?}");
    // The PBX API shows the rest of the way.
    assert!(
        !does_not_know(&call, UnknownFact::RouteByAniUser),
        "{call:?}"
    );
}

#[tokio::test]
async fn a_rule_to_nobody_says_that_its_destination_does_not_exist() {
    let call = explained(tenant_of(&[(CALLER, "303")]), CALLER, Some(DIALLED)).await;
    assert_eq!(call.destination.unwrap().exists, Some(false));
    assert!(
        call.warnings[0].contains("\"303\" does not exist"),
        "{:?}",
        call.warnings
    );
}

#[tokio::test]
async fn a_user_that_does_not_pass_calls_on_keeps_the_rules_from_being_applied() {
    let lost = StoredSubscriber::ani_user(ACME, "9000")
        .answering_rules(vec![StoredAnsweringRule::forward_always("100")]);
    let tenant = Tenant::empty()
        .domain(ACME, "Acme Dental")
        .subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"))
        .subscriber(lost)
        .number(StoredNumber::to_user(DIALLED, ACME, "9000"))
        .route(StoredRoute::new(ACME, CALLER, "100"))
        .pbx(PbxHabits::default());
    let bench = Bench::with(tenant).await;
    for dnis in [Some(DIALLED), None] {
        let call = ask(&app_on(&bench, PbxApi::V2), CALLER, Some(ACME), dnis).await;
        assert_eq!(call.decided_by, DecidedBy::NumberRouting, "{call:?}");
        assert!(call.warnings[0].contains("forwards to 100"), "{call:?}");
    }
}

#[tokio::test]
async fn the_customer_is_found_by_the_dialled_number() {
    let tenant = routed(tenant_of(&[(CALLER, "101")]));
    let bench = Bench::with(tenant).await;
    let call = ask(&bench.app(), CALLER, None, Some(DIALLED)).await;
    assert_eq!(call.domain.as_deref(), Some(DENTAL));
    assert_eq!(call.decided_by, DecidedBy::CallerRule);
    // The number's routing is not read a second time.
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test]
async fn a_number_that_leads_to_no_customer_says_where_it_goes() {
    let route = json!({"type": "forward", "route": {"number": "16165550111"}});
    let forwarded = StoredNumber {
        route,
        domain: None,
        ..StoredNumber::parked("16165550190", ACME)
    };
    let bench = Bench::with(tenant_of(&[(CALLER, "101")]).number(forwarded)).await;
    let call = ask(&bench.app(), CALLER, None, Some("16165550190")).await;
    assert_eq!(call.decided_by, DecidedBy::NumberRouting);
    assert!(call.number_goes_to.unwrap().contains("16165550111"));
    assert_eq!(bench.sent(), ["GET"]);
}

#[tokio::test]
async fn without_customer_and_number_the_rules_of_all_are_searched() {
    let tenant = tenant_of(&[(CALLER, "101"), ("16165550124", "102")]).domain(ACME, "Acme Dental");
    let bench = Bench::with(tenant.route(StoredRoute::new(ACME, CALLER, "300"))).await;
    let app = bench.app();
    let call = ask(&app, CALLER, None, None).await;
    assert_eq!(call.decided_by, DecidedBy::DependsOnCalledNumber);
    let found: Vec<&str> = call
        .other_rules
        .iter()
        .map(|rule| rule.domain.as_str())
        .collect();
    assert_eq!(found, [ACME, DENTAL]);
    assert!(does_not_know(&call, UnknownFact::Customer), "{call:?}");
    // The rules, and the customers' names.
    assert_eq!(bench.sent(), ["GET", "GET"]);
    let call = ask(&app, "16165550188", None, None).await;
    assert_eq!(
        (call.decided_by, call.other_rules.len()),
        (DecidedBy::Fallback, 0)
    );
}

#[tokio::test]
async fn a_routing_that_is_not_shown_is_not_guessed() {
    let bench = Bench::with(routed(tenant_of(&[(CALLER, "101")]))).await;
    let app = bench.app_with(|settings| settings.number_scope = settings.scope.clone());
    let call = ask(&app, CALLER, Some(DENTAL), Some(DIALLED)).await;
    assert_eq!(
        (call.decided_by, call.reaches_vip_list),
        (DecidedBy::CallerRule, None)
    );
    assert!(does_not_know(&call, UnknownFact::NumberRouting), "{call:?}");
    // The same where the customer would have been found by it.
    let call = ask(&app, CALLER, None, Some(DIALLED)).await;
    assert_eq!(call.decided_by, DecidedBy::DependsOnCalledNumber);
    assert!(does_not_know(&call, UnknownFact::NumberRouting), "{call:?}");
    // A number that has no routing may be one of another account.
    let call = ask(&bench.app(), CALLER, Some(DENTAL), Some("16165550155")).await;
    assert_eq!(call.reaches_vip_list, None);
    assert!(does_not_know(&call, UnknownFact::NumberRouting), "{call:?}");
}

#[tokio::test]
async fn a_user_of_any_name_that_forwards_to_the_rules_reaches_them() {
    let night = StoredSubscriber::ani_user(ACME, "700");
    let night = StoredSubscriber {
        first_name: "Night".to_owned(),
        last_name: "Line".to_owned(),
        ..night
    };
    let tenant = Tenant::empty()
        .domain(ACME, "Acme Dental")
        .subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"))
        .subscriber(night)
        .number(StoredNumber::to_user(DIALLED, ACME, "700"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"))
        .route(StoredRoute::new(ACME, CALLER, "100"));
    let bench = Bench::with(tenant).await;
    let call = ask(
        &app_on(&bench, PbxApi::V2),
        CALLER,
        Some(ACME),
        Some(DIALLED),
    )
    .await;
    assert_eq!(call.decided_by, DecidedBy::CallerRule, "{call:?}");
}

#[tokio::test]
async fn the_command_line_says_it_in_words() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let said = async |arguments: &[&str]| {
        let ran = home.run(arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let text = said(&["explain", "--ani", CALLER, "--domain", DOMAIN]).await;
    assert!(
        text.contains("the call goes to Maya Lindgren (101)"),
        "{text}"
    );
    assert!(
        text.contains("Calls to +1 616-555-0100 reach the Route by ANI user"),
        "{text}"
    );
    assert!(
        text.contains("Not known: whether the Route by ANI user passes"),
        "{text}"
    );
    let text = said(&["explain", "--ani", "6165550141", "--dnis", "6165550140"]).await;
    assert!(
        text.starts_with("Calls to +1 616-555-0140 go to Reception Maplewood (300)"),
        "{text}"
    );
    let text = said(&["explain", "--ani", CALLER, "--domain", VET]).await;
    assert!(
        text.starts_with("None of the numbers of maplewoodvet"),
        "{text}"
    );
    let text = said(&["explain", "--ani", "6165550141", "--domain", VET]).await;
    assert!(
        text.contains("A rule of this caller is not applied: by it, calls from"),
        "{text}"
    );
    let text = said(&["explain", "--ani", CALLER]).await;
    assert!(
        text.starts_with("It depends on the customer who is called"),
        "{text}"
    );
    let named = "A rule of this caller: calls from +1 616-555-0123 to Lakeside Dental (";
    assert!(text.contains(named), "{text}");
    let text = said(&["explain", "--ani", "6165550188", "--domain", DOMAIN]).await;
    assert!(text.contains("No VIP rule matches this call."), "{text}");
    assert!(
        text.contains("whether the dial translation rule exists"),
        "{text}"
    );
}

#[tokio::test]
async fn what_was_meant_as_a_number_and_is_none_is_not_explained() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for (ani, dnis, field) in [
        ("616555O123", None, "ani"),
        ("616555012", None, "ani"),
        (CALLER, Some("xyz"), "dnis"),
        (CALLER, Some("616555010"), "dnis"),
    ] {
        let refused = explain_call(&app, &asking(ani, Some(DENTAL), dnis)).await;
        let error = failure(refused, Code::InvalidArgument);
        assert_eq!(
            error.detail().field.as_deref(),
            Some(field),
            "{ani} {dnis:?}"
        );
    }
}
