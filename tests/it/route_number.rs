//! Sending a customer's number to a user, above all away from a Route by ANI
//! user that drops callers.

use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ListChanges, PageSize, RouteNumber, RouteOutcome, RouteStatus, UndoChange, list_changes,
    route_number, undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Outcome, StoredDialRule, StoredNumber, Tenant};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, assert_nothing_dangerous, closed, prepared,
};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{Bench, LEGAL, Person, VET, done, failure};

/// The alarm of the demo: nobody sent this number here through this program.
const DROPPED: &str = "16165550160";
/// The number of the customer whose setup is ready up to it.
const WAITING: &str = "16165550140";

fn sending(did: &str, to: &str) -> RouteNumber {
    RouteNumber {
        did: did.parse().unwrap(),
        to: to.parse().unwrap(),
        domain: None,
        account_id: None,
        confirmation: None,
    }
}

async fn route(app: &App, args: &RouteNumber, channel: &Channel<'_>) -> Result<RouteOutcome> {
    route_number(app, args, channel).await.map(done)
}

fn routed() -> Tenant {
    let mut tenant = prepared(closed());
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    tenant
}

#[tokio::test]
async fn a_number_that_others_routed_is_sent_away_with_the_number_typed() {
    let bench = Bench::with(routed()).await;
    for api in [PbxApi::NotConfigured, PbxApi::V1, PbxApi::V2] {
        bench
            .sandbox
            .put_number(StoredNumber::to_user(DID, ACME, "9000"));
        let app = app_on(&bench, api);
        let wrong = Person::typing(ACME);
        let args = sending(DID, "100");
        let declined = route(&app, &args, &Channel::During(&wrong)).await.unwrap();
        assert_eq!(declined.status, RouteStatus::Declined);
        let person = Person::typing("6165550180");
        let sent = route(&app, &args, &Channel::During(&person)).await.unwrap();
        assert_eq!(sent.status, RouteStatus::Routed, "{sent:?}");
        assert_eq!(sent.domain, ACME);
        let shown = person.shown()[0].text();
        assert!(
            shown.contains("user 9000") && shown.contains("user 100"),
            "{shown}"
        );
        let rings = bench.sandbox.who_rings(DID, "16165550999");
        assert_eq!(rings, Outcome::Rings("100".to_owned()));
        let again = route(&app, &args, &Channel::Given).await.unwrap();
        assert_eq!(again.status, RouteStatus::Unchanged);
    }
}

#[tokio::test]
async fn it_is_in_the_journal_and_its_undo_falls_under_the_hard_block() {
    let bench = Bench::with(routed()).await;
    let app = app_on(&bench, PbxApi::V2);
    let sent = route(&app, &sending(DID, "100"), &Channel::Given)
        .await
        .unwrap();
    let id = sent.change_id.unwrap();
    let changes = list_changes(&app, &ListChanges::default(), PageSize::All)
        .await
        .unwrap();
    assert_eq!(changes.changes[0].operation, "route_number");
    assert_eq!(changes.changes[0].change_id, id);
    let undoing = UndoChange {
        change_id: id,
        account_id: None,
        confirmation: None,
    };
    let blocked = undo_change(&app, &undoing, &Channel::Given).await;
    failure(blocked, Code::Blocked);
}

#[tokio::test]
async fn toward_the_route_by_ani_user_the_hard_block_holds() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let blocked = route(&app, &sending(DID, "9000"), &Channel::Given).await;
    failure(blocked, Code::Blocked);

    let readable = prepared(skyswitch_mcp::sandbox::PbxHabits::default())
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(readable).await;
    let app = app_on(&bench, PbxApi::V2);
    let sent = route(&app, &sending(DID, "9000"), &Channel::Given).await;
    assert_eq!(sent.unwrap().status, RouteStatus::Routed);
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn a_user_that_cannot_be_looked_at_may_hand_calls_to_the_list() {
    let tenant = prepared(closed());
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V1);
    let hidden = Fault::status("", "object=answerrule", 403).times(99);
    bench.sandbox.inject(hidden.clone());
    let refused = route(&app, &sending(DID, "101"), &Channel::Given).await;
    let error = failure(refused, Code::UpstreamUnavailable);
    assert_eq!(error.detail().field.as_deref(), Some("to"), "{error}");
    let rings = bench.sandbox.who_rings(DID, "16165550999");
    assert_eq!(
        rings,
        Outcome::Rings("100".to_owned()),
        "it goes where it went"
    );
    // A number that loses its calls gets away all the same.
    bench
        .sandbox
        .put_number(StoredNumber::to_user(DID, ACME, "9000"));
    let sent = route(&app, &sending(DID, "101"), &Channel::Given).await;
    assert_eq!(sent.unwrap().status, RouteStatus::Routed);
}

#[tokio::test]
async fn what_is_not_the_customers_is_refused() {
    let other = "other.12345.service";
    let tenant = routed()
        .domain(other, "Other")
        .number(StoredNumber::to_user("16165550190", other, "1"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let named = |did: &str, to: &str| RouteNumber {
        domain: Some(ACME.parse().unwrap()),
        ..sending(did, to)
    };
    for (args, field) in [
        (named("16165550190", "100"), "did"),
        (named(DID, "199"), "to"),
    ] {
        let refused = route(&app, &args, &Channel::Given).await;
        let refused = failure(refused, Code::InvalidArgument);
        assert_eq!(refused.detail().field.as_deref(), Some(field), "{refused}");
    }
    let mut nowhere = named(DID, "100");
    nowhere.domain = Some("nosuch.12345.service".parse().unwrap());
    failure(route(&app, &nowhere, &Channel::Given).await, Code::NotFound);

    // What it would replace has to be known, so that it can be put back.
    let unread = Fault::status("GET", "/route", 403).times(9);
    bench.sandbox.inject(unread);
    failure(
        route(&app, &named(DID, "100"), &Channel::Given).await,
        Code::UpstreamRejected,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_command_ends_the_alarm_and_says_to_call_now() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let printed = home.run(&["checklist", "--domain", LEGAL]).await;
    assert!(printed.stdout.contains("skyswitch route"), "{printed:?}");
    let args = ["route", "--did", DROPPED, "--to", "500", "--yes"];
    let printed = home.run(&args).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    let last = printed.stdout.trim_end().lines().last().unwrap().to_owned();
    assert!(last.starts_with("Call the number now"), "{printed:?}");
    assert!(
        last.contains("`skyswitch undo 1` if nobody answers"),
        "{last}"
    );
    assert_eq!(sandbox.dropped_numbers(), Vec::<String>::new());

    let args = ["route", "--did", DROPPED, "--to", "501", "--yes"];
    assert_eq!(home.run(&args).await.code, 0);
    let printed = home.run(&["undo", "2", "--yes"]).await;
    let last = printed.stdout.trim_end().lines().last().unwrap();
    assert!(
        last.contains("`skyswitch undo 3` if nobody answers"),
        "{printed:?}"
    );
}

#[tokio::test]
async fn onboarding_ends_with_the_test_call_to_make() {
    let home = Home::bare();
    let args = [
        "--sandbox",
        "onboard",
        "--domain",
        VET,
        "--did",
        WAITING,
        "--yes",
    ];
    let printed = home.run(&args).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    let last = printed.stdout.trim_end().lines().last().unwrap();
    assert!(last.starts_with("Call the number now"), "{printed:?}");
}
