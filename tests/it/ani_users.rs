//! A Route by ANI user is told by what it does with calls, whatever it is called,
//! also where another user forwards to it.

use skyswitch_mcp::app::App;
use skyswitch_mcp::ops::{
    DecidedBy, ExplainCall, ListNumbers, PageSize, StatusQuery, StepState, explain_call,
    list_numbers, onboarding_status,
};
use skyswitch_mcp::sandbox::{
    PbxHabits, StoredAnsweringRule, StoredDialRule, StoredNumber, StoredRoute, StoredSubscriber,
    Tenant,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, checklist, closed, customer, state, status,
};
use crate::support::imports::Watch;
use crate::support::{Bench, CALLER, add, adding, nobody};

fn forwarding(user: &str, to: &str) -> StoredSubscriber {
    StoredSubscriber::person(ACME, user, "Night Line")
        .devices(&[])
        .voicemail(false)
        .answering_rules(vec![StoredAnsweringRule::forward_always(to)])
}

/// A customer whose number goes to a user that no name tells to be the Route by
/// ANI user, directly or through another one, with a VIP rule.
fn unnamed(habits: PbxHabits, through: Option<&str>) -> Tenant {
    let mut tenant = customer(habits)
        .subscriber(forwarding("700", "route_by_ani"))
        .route(StoredRoute::new(ACME, CALLER, "101"));
    if let Some(user) = through {
        tenant = tenant.subscriber(forwarding(user, "700"));
    }
    // The first number goes to a user who was deleted.
    tenant.numbers = vec![
        StoredNumber::to_user("16165550150", ACME, "199"),
        StoredNumber::to_user(DID, ACME, through.unwrap_or("700")),
    ];
    tenant
}

async fn explained(app: &App, dnis: Option<&str>) -> DecidedBy {
    let args = ExplainCall {
        ani: CALLER.parse().unwrap(),
        domain: Some(ACME.parse().unwrap()),
        dnis: dnis.map(|dnis| dnis.parse().unwrap()),
        account_id: None,
    };
    let call = explain_call(app, &args).await.unwrap();
    assert_eq!(call.reaches_vip_list, Some(true), "{call:?}");
    assert!(call.warnings.is_empty(), "{call:?}");
    call.decided_by
}

#[tokio::test]
async fn a_user_of_any_name_that_hands_calls_to_the_list_is_noticed_everywhere() {
    for through in [None, Some("710")] {
        let bench = Bench::with(unnamed(closed(), through)).await;
        assert_eq!(bench.sandbox.dropped_numbers(), [DID]);
        for api in [PbxApi::V1, PbxApi::V2] {
            let app = app_on(&bench, api);
            let table = status(&app).await;
            assert_eq!(table.unverified, 1, "{table:?}");
            assert_eq!(table.customers[0].dids, [DID]);

            let all = ListNumbers::default();
            let list = list_numbers(&app, &all, PageSize::All).await.unwrap();
            let doubts = list.numbers.iter().map(|row| row.unverified);
            assert_eq!(doubts.collect::<Vec<_>>(), [false, true], "{list:?}");

            for dnis in [None, Some(DID)] {
                let decides = explained(&app, dnis).await;
                assert_eq!(decides, DecidedBy::CallerRule, "{api:?} {dnis:?}");
            }
            let steps = checklist(&app).await;
            assert_eq!(state(&steps.steps, "route_did"), StepState::Done);
            assert!(steps.warning.unwrap().contains("NOT VERIFIED"));

            let added = add(&app, &adding("16165550155", ACME, "100"), &nobody()).await;
            let warnings = added.unwrap().warnings.join("\n");
            assert!(!warnings.contains("no effect"), "{warnings}");
        }
    }
}

#[tokio::test]
async fn the_rule_behind_two_users_is_verified_like_any_other() {
    let tenant =
        unnamed(PbxHabits::default(), Some("710")).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
    assert!(checklist(&app).await.ready);
}

#[tokio::test]
async fn users_that_forward_in_a_circle_or_outside_hand_nothing_to_the_list() {
    let mut tenant = customer(closed())
        .subscriber(forwarding("700", "710"))
        .subscriber(forwarding("710", "700"))
        .subscriber(forwarding("720", "16165550199"))
        .route(StoredRoute::new(ACME, CALLER, "101"));
    tenant.numbers = vec![
        StoredNumber::to_user(DID, ACME, "700"),
        StoredNumber::to_user("16165550181", ACME, "720"),
    ];
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
    let added = add(&app, &adding("16165550155", ACME, "100"), &nobody()).await;
    let warnings = added.unwrap().warnings.join("\n");
    assert!(warnings.contains("no effect yet"), "{warnings}");
}

#[tokio::test]
async fn a_table_looks_further_only_where_no_number_goes_to_a_known_user() {
    let bench = Bench::demo().await;
    let app = app_on(&bench, PbxApi::V2);
    status(&app).await;
    let requests = bench.sandbox.requests();
    let routes = requests.iter().filter(|r| r.path.ends_with("/route"));
    for request in routes {
        let of_known = ["16165550100", "16165550160"];
        let is_known = of_known.iter().any(|did| request.path.contains(did));
        assert!(!is_known, "{request:?}");
    }
}

#[tokio::test]
async fn a_table_looks_further_for_a_number_of_customers_without_rules_and_says_for_whom_not() {
    let domains = (0..53).map(|n| format!("customer{n}.12345.service"));
    let tenant = domains.fold(customer(closed()), |tenant, domain| {
        tenant.domain(&domain, "One")
    });
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let table = status(&app).await;
    assert_eq!(table.not_followed, 4, "{} customers", table.total);
    let fresh = StatusQuery {
        fresh: Some(true),
        ..StatusQuery::default()
    };
    let table = onboarding_status(&app, &fresh, PageSize::All, &Watch::default()).await;
    assert_eq!(table.unwrap().not_followed, 0);
    // Without the PBX API nothing of it is shown.
    let table = status(&app_on(&bench, PbxApi::NotConfigured)).await;
    assert_eq!(table.not_followed, 0);
}
