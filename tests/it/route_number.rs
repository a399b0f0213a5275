//! Sending a customer's number to a user, above all away from a Route by ANI
//! user that drops callers.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ListChanges, PageSize, RouteNumber, RouteStatus, UndoStatus, list_changes,
};
use skyswitch_mcp::sandbox::{
    Fault, Outcome, PbxHabits, StoredAnsweringRule, StoredDialRule, StoredNumber, StoredSubscriber,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, assert_nothing_dangerous, closed, prepared, route, routed, sending,
    status, undo,
};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{Bench, KETTLE, LEGAL, Person, VET, failure};

/// The alarm of the demo: nobody sent this number here through this program.
const DROPPED: &str = "16165550160";
/// The number of the customer whose setup is ready up to it.
const WAITING: &str = "16165550140";

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
        assert_eq!(declined.status, RouteStatus::WrongValue);
        bench.age_declines(60);
        let person = Person::typing("6165550180");
        let sent = route(&app, &args, &Channel::During(&person)).await.unwrap();
        assert_eq!(sent.status, RouteStatus::Routed, "{sent:?}");
        assert_eq!(sent.domain, ACME);
        let shown = person.shown()[0].text();
        for named in [
            "Customer: Acme Dental (acme.12345.service)",
            "Today: calls go to Route By ANI (9000)",
            "Afterwards: calls go to Front Desk (100)",
            "Kept: calls taken for spam: voicemail",
            "the VIP list of Acme Dental (acme.12345.service) no longer applies to calls to",
        ] {
            assert!(shown.contains(named), "{named}: {shown}");
        }
        assert_eq!(sent.setting, "Front Desk (100)");
        assert_eq!(
            sent.previous_setting.as_deref(),
            Some("Route By ANI (9000)")
        );
        assert!(
            sent.warnings.join("\n").contains("no longer applies"),
            "{sent:?}"
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
    let id = sent.change_id.clone().unwrap();
    let changes = list_changes(&app, &ListChanges::default(), PageSize::All)
        .await
        .unwrap();
    assert_eq!(changes.changes[0].operation, "route_number");
    assert_eq!(changes.changes[0].change_id.as_ref(), Some(&id));
    failure(undo(&app, &id, &Channel::Given).await, Code::Blocked);
    // That is said in place of the advice to undo it.
    let why = sent.no_undo.unwrap();
    assert!(why.contains("dial translation rule"), "{why}");
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
    // The number would go back to where its callers were dropped.
    assert!(last.contains("`skyswitch route`"), "{last}");
    assert!(!printed.stdout.contains("undo 1"), "{printed:?}");
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
async fn where_it_goes_already_a_number_that_loses_calls_is_an_alarm() {
    let bench = Bench::with(routed().pbx(PbxHabits::default())).await;
    let app = app_on(&bench, PbxApi::V2);
    let same = route(&app, &sending(DID, "9000"), &Channel::Given).await;
    let same = same.unwrap();
    assert_eq!(same.status, RouteStatus::Unchanged);
    assert!(same.warnings.join("\n").contains("ALARM"), "{same:?}");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_user_that_forwards_to_a_route_by_ani_user_falls_under_the_hard_block() {
    let forwards = |user: &str, to: &str| {
        StoredSubscriber::person(ACME, user, "Night Line")
            .answering_rules(vec![StoredAnsweringRule::forward_always(to)])
    };
    let tenant = prepared(closed())
        .subscriber(forwards("700", "9000"))
        .subscriber(forwards("701", "sip:700@acme.12345.service"))
        .subscriber(forwards("702", "703"))
        .subscriber(forwards("703", "route_by_ani"))
        .subscriber(forwards("704", "100"));
    let bench = Bench::with(tenant).await;
    for api in [PbxApi::V1, PbxApi::V2] {
        let app = app_on(&bench, api);
        for user in ["700", "701", "702", "703"] {
            let blocked = route(&app, &sending(DID, user), &Channel::Given).await;
            failure(blocked, Code::Blocked);
        }
        bench
            .sandbox
            .put_number(StoredNumber::to_user(DID, ACME, "100"));
        let sent = route(&app, &sending(DID, "704"), &Channel::Given).await;
        assert_eq!(sent.unwrap().status, RouteStatus::Routed, "{api:?}");
    }
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn a_queue_and_an_attendant_are_written_as_what_they_are() {
    let coded = |user: &str, name: &str, code: &str| StoredSubscriber {
        srv_code: code.to_owned(),
        ..StoredSubscriber::person(ACME, user, name)
    };
    let tenant = routed()
        .subscriber(coded("2000", "Support Queue", "system-queue"))
        .subscriber(coded("2001", "Main Menu", "system-aa"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    for (to, treatment, setting, named) in [
        ("2000", "callqueue", "call_queue", "Support Queue (2000)"),
        ("2001", "attendant", "attendant", "Main Menu (2001)"),
    ] {
        let sent = route(&app, &sending(DID, to), &Channel::Given).await;
        let sent = sent.unwrap();
        assert_eq!(sent.setting, named);
        let now = bench.sandbox.numbers()[0].route.clone();
        assert_eq!(now["route"]["treatment"], treatment);
        assert_eq!(now["route"][setting], format!("{to}@{ACME}"));
        assert!(now["route"].get("subscriber").is_none(), "{now}");
        let again = route(&app, &sending(DID, to), &Channel::Given).await;
        assert_eq!(again.unwrap().status, RouteStatus::Unchanged);
    }
    let all = ListChanges::default();
    let changes = list_changes(&app, &all, PageSize::All).await.unwrap();
    let id = changes.changes[0].change_id.clone().unwrap();
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    assert_eq!(undone.setting.as_deref(), Some("Support Queue (2000)"));
}

#[tokio::test]
async fn a_user_that_a_number_was_sent_to_for_the_vip_list_is_known_from_then_on() {
    let night = StoredSubscriber::person(ACME, "700", "Night Line")
        .answering_rules(vec![StoredAnsweringRule::forward_always("route_by_ani")]);
    let tenant = prepared(PbxHabits::default())
        .subscriber(night)
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let sent = route(&app, &sending(DID, "700"), &Channel::Given).await;
    assert_eq!(sent.unwrap().status, RouteStatus::Routed);
    // Whoever cannot read answering rules knows it by the journal.
    let app = app_on(&bench, PbxApi::NotConfigured);
    let table = status(&app).await;
    assert_eq!(table.customers[0].dids, [DID], "{table:?}");
    assert!(table.customers[0].alarm, "{table:?}");
}

#[tokio::test]
async fn a_user_of_whom_nothing_is_shown_is_not_taken_for_one_ever_after() {
    let tenant = prepared(PbxHabits::default()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let hidden = Fault::status("GET", "/answerrules", 403).times(99);
    bench.sandbox.inject(hidden);
    let sent = route(&app, &sending(DID, "101"), &Channel::Given).await;
    assert_eq!(sent.unwrap().status, RouteStatus::Routed);
    let app = app_on(&bench, PbxApi::NotConfigured);
    let table = status(&app).await;
    assert_eq!(table.customers[0].dids, [""; 0], "{table:?}");
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

#[tokio::test]
async fn a_forward_to_the_vip_list_is_seen_in_whatever_writing() {
    for target in [
        "route_by_ani",
        "<sip:route_by_ani@*>",
        "SIP:route_by_ani;x=1",
        "user:9000",
        "<SIP:9000>",
        "tel:9000",
        "9000;x=1",
        "SIP:9000@ACME.12345.service.",
        "sip:9000@copperkettle.12345.service",
    ] {
        let mut tenant = prepared(closed()).domain(KETTLE, "Copper Kettle Cafe");
        for (user, code) in [("700", ""), ("710", "system-queue")] {
            let forward = StoredAnsweringRule::forward_always(target);
            let forwarding = StoredSubscriber {
                srv_code: code.to_owned(),
                ..StoredSubscriber::person(ACME, user, "Night Line")
            };
            tenant = tenant.subscriber(forwarding.answering_rules(vec![forward]));
        }
        let bench = Bench::with(tenant).await;
        for api in [PbxApi::V1, PbxApi::V2] {
            let app = app_on(&bench, api);
            for user in ["700", "710"] {
                let sent = route(&app, &sending(DID, user), &Channel::Given).await;
                assert!(sent.is_err(), "{target} {user} {api:?}: {sent:?}");
            }
        }
        let numbers = bench.sandbox.numbers();
        assert_eq!(
            numbers,
            [StoredNumber::to_user(DID, ACME, "100")],
            "{target}"
        );
    }
}
