//! Who rings when a caller dials, and what nobody can know from here.

use skyswitch_mcp::ops::{CallExplained, DecidedBy, ExplainCall, explain_call};
use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute, Tenant};

use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{Bench, CALLER, DENTAL, tenant_of};

const DIALLED: &str = "16165550100";

async fn explained(tenant: Tenant, ani: &str, dnis: Option<&str>) -> CallExplained {
    let bench = Bench::with(tenant).await;
    let args = ExplainCall {
        ani: ani.parse().unwrap(),
        domain: DENTAL.parse().unwrap(),
        dnis: dnis.map(|dnis| dnis.parse().unwrap()),
        account_id: None,
    };
    let call = explain_call(&bench.app(), &args).await.unwrap();
    assert_eq!(bench.sent(), ["GET"], "one read");
    assert!(!call.why.is_empty());
    call
}

fn for_number(ani: &str, destination: &str) -> StoredRoute {
    StoredRoute::new(DENTAL, ani, destination).dnis(StoredDnis::number(DIALLED))
}

#[tokio::test]
async fn the_rule_for_caller_and_called_number_decides() {
    let tenant = tenant_of(&[(CALLER, "101")]).route(for_number(CALLER, "103"));
    let call = explained(tenant, "(616) 555-0123", Some("6165550100")).await;
    assert_eq!(call.decided_by, DecidedBy::ExactRule);
    assert_eq!(call.rings.unwrap().destination, "103");
    assert_eq!(call.other_rules[0].destination, "101");
    let unknown = call.unknown.join("\n");
    assert!(unknown.contains("the order is not documented"), "{unknown}");
}

#[tokio::test]
async fn the_rule_for_the_caller_decides_where_there_is_no_other() {
    let call = explained(tenant_of(&[(CALLER, "101")]), CALLER, Some("6165550199")).await;
    assert_eq!(call.decided_by, DecidedBy::CallerRule);
    assert_eq!(call.rule.unwrap().ani, CALLER);
    let unknown = call.unknown.join("\n");
    assert!(
        !unknown.contains("order"),
        "only where it matters: {unknown}"
    );
    assert!(unknown.contains("dial translation rule"), "{unknown}");
    assert!(
        unknown.contains("the user's own answering rules"),
        "{unknown}"
    );
}

#[tokio::test]
async fn without_a_rule_it_is_the_fallback_and_nobody_knows_which() {
    let call = explained(tenant_of(&[("16165550199", "101")]), CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Fallback);
    assert!(call.rings.is_none() && call.rule.is_none());
    let unknown = call.unknown.join("\n");
    assert!(
        unknown.contains("where the dial translation rule sends the call"),
        "{unknown}"
    );
}

#[tokio::test]
async fn without_the_called_number_it_may_depend_on_it() {
    let tenant = tenant_of(&[(CALLER, "101")]).route(for_number(CALLER, "103"));
    let call = explained(tenant, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::DependsOnCalledNumber);
    assert_eq!(call.other_rules.len(), 2);
    assert!(call.rings.is_none());
}

#[tokio::test]
async fn writings_that_ring_differently_are_not_guessed_between() {
    let tenant = tenant_of(&[(CALLER, "101"), ("6165550123", "102")]);
    let call = explained(tenant, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Ambiguous);
    assert!(call.rings.is_none());
    let alike = tenant_of(&[(CALLER, "101"), ("6165550123", "user:101")]);
    let call = explained(alike, CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::CallerRule);
}

#[tokio::test]
async fn wildcards_and_callers_without_number_are_said_to_be_unknown() {
    let tenant = tenant_of(&[("*", "104"), ("anonymous", "105")]);
    let call = explained(tenant.clone(), CALLER, None).await;
    assert_eq!(call.decided_by, DecidedBy::Fallback);
    assert!(call.unknown.iter().any(|line| line.contains("\"*\"")));
    let call = explained(tenant, "anonymous", None).await;
    assert_eq!(call.rings.unwrap().destination, "105");
    assert!(
        call.unknown
            .iter()
            .any(|line| line.contains("anonymous ones"))
    );
}

#[tokio::test]
async fn the_command_line_says_it_in_words() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home
        .run(&["explain", "--ani", CALLER, "--domain", DOMAIN])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("the call goes to user 101"), "{ran:?}");
    assert!(
        ran.stdout.contains("Not known: whether the number"),
        "{ran:?}"
    );
}
