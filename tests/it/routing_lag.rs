//! Where a number goes is told by the journal while reads cannot show it yet, and
//! nothing is planned while another change to it may still be carried out.

use std::time::Duration;

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ListNumbers, OnboardStatus, PageSize, RouteOutcome, RouteStatus, SetupChecklist, StepState,
    UndoStatus, list_numbers, setup_checklist,
};
use skyswitch_mcp::sandbox::{PbxHabits, StoredDialRule, StoredNumber, StoredSubscriber, Tenant};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, attest, checklist, closed, is_left, onboard, onboarding, prepared,
    route, routed, sending, state, status, undo,
};
use crate::support::{Bench, failure};

/// Longer than a read is outvoted by the journal, in milliseconds.
const LATER: i64 = 100_000;

/// The same, on a service whose reads are late.
fn lagging(tenant: Tenant) -> Tenant {
    Tenant {
        read_lag: Duration::from_secs(3_600),
        ..tenant.subscriber(StoredSubscriber::person(ACME, "102", "Oscar Trent"))
    }
}

/// Where the number really goes.
fn goes_to(bench: &Bench) -> String {
    let route = bench.sandbox.numbers()[0].route["route"].clone();
    let user = route["subscriber"].as_str().unwrap();
    user.split('@').next().unwrap().to_owned()
}

async fn sent(app: &App, to: &str) -> RouteOutcome {
    let sent = route(app, &sending(DID, to), &Channel::Given).await;
    sent.unwrap()
}

#[tokio::test]
async fn a_number_is_sent_on_from_where_it_really_goes() {
    let bench = Bench::with(lagging(prepared(closed()))).await;
    for api in [PbxApi::NotConfigured, PbxApi::V2] {
        let app = app_on(&bench, api);
        assert_eq!(sent(&app, "101").await.status, RouteStatus::Routed);
        let again = sent(&app, "101").await;
        assert_eq!(again.status, RouteStatus::Unchanged, "{again:?}");
        let told = again.warnings.join("\n");
        assert!(told.contains("does not show change"), "{told}");

        let on = sent(&app, "102").await;
        assert_eq!(on.status, RouteStatus::Routed);
        assert_eq!(on.previous_setting.as_deref(), Some("Maya Lindgren (101)"));
        let told = on.warnings.join("\n");
        assert!(told.contains("not visible yet"), "{told}");
        assert!(!told.contains("something else"), "{told}");

        // The read shows it there, and has done so all the time.
        let back = sent(&app, "100").await;
        assert_eq!(back.status, RouteStatus::Routed, "{back:?}");
        assert_eq!(goes_to(&bench), "100");
    }
}

#[tokio::test]
async fn an_undo_finds_what_the_read_does_not_show() {
    let bench = Bench::with(lagging(prepared(closed()))).await;
    let app = app_on(&bench, PbxApi::V2);
    let id = sent(&app, "101").await.change_id.unwrap();
    let undone = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    assert_eq!(goes_to(&bench), "100");
    let id = undone.change_id.unwrap();
    let again = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(again.status, UndoStatus::Restored, "{again:?}");
    assert_eq!(goes_to(&bench), "101");
}

#[tokio::test]
async fn a_read_is_believed_once_it_must_have_caught_up() {
    let bench = Bench::with(lagging(prepared(closed()))).await;
    let app = app_on(&bench, PbxApi::V2);
    sent(&app, "101").await;
    bench.age_journal(LATER);
    let again = sent(&app, "101").await;
    assert_eq!(again.status, RouteStatus::Routed, "{again:?}");
}

#[tokio::test]
async fn onboarding_and_every_table_know_a_number_that_was_just_routed() {
    let bench = Bench::with(lagging(prepared(closed()))).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, OnboardStatus::Applied, "{outcome:?}");
    assert!(!is_left(&outcome, "route_did"));
    let again = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(again.status, OnboardStatus::Unchanged, "{again:?}");
    assert_eq!(
        state(&checklist(&app).await.steps, "route_did"),
        StepState::Done
    );
    assert_eq!(status(&app).await.customers[0].dids, [DID]);
    let all = ListNumbers::default();
    let list = list_numbers(&app, &all, PageSize::All).await.unwrap();
    let goes_to = list.numbers[0].goes_to.as_deref().unwrap();
    assert!(goes_to.starts_with("Route By ANI (9000)"), "{list:?}");
}

#[tokio::test]
async fn a_number_sent_away_is_not_verified_while_the_read_shows_it_there() {
    // As a late list shows it, and as one of a service that never acted.
    let bench = Bench::with(lagging(routed().pbx(PbxHabits::default()))).await;
    let app = app_on(&bench, PbxApi::V2);
    assert_eq!(status(&app).await.alarms, 1);
    sent(&app, "100").await;
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 1), "{table:?}");
    let unnamed = SetupChecklist {
        domain: ACME.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: None,
    };
    let unnamed = setup_checklist(&app, &unnamed).await.unwrap();
    for told in [
        table.customers[0].waits_for.clone(),
        checklist(&app).await.warning.unwrap(),
        unnamed.warning.unwrap(),
    ] {
        assert!(told.starts_with("NOT VERIFIED"), "{told}");
        assert!(
            told.contains("ago, and SkySwitch still shows it there"),
            "{told}"
        );
    }
    let all = ListNumbers::default();
    let list = list_numbers(&app, &all, PageSize::All).await.unwrap();
    let row = &list.numbers[0];
    assert_eq!((row.alarm, row.unverified), (false, true), "{list:?}");
    // Once a read must have caught up, what it shows is so.
    bench.age_journal(LATER);
    assert_eq!(status(&app).await.alarms, 1);
}

#[tokio::test]
async fn a_number_sent_away_that_a_read_shows_elsewhere_is_no_alarm() {
    let bench = Bench::with(routed()).await;
    let app = app_on(&bench, PbxApi::V2);
    sent(&app, "100").await;
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 0), "{table:?}");
}

#[tokio::test]
async fn nothing_is_planned_while_another_change_to_the_number_may_still_arrive() {
    let tenant = prepared(closed())
        .subscriber(StoredSubscriber::person(ACME, "102", "Oscar Trent"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    sent(&app, "101").await;
    // Its answer was lost, and it has not been carried out so far.
    bench.change_journal("UPDATE changes SET status = 'open', ended_at = NULL, route_after = NULL");
    bench
        .sandbox
        .put_number(StoredNumber::to_user(DID, ACME, "100"));
    let puts = bench.count("PUT");
    // Neither is it sent elsewhere, nor is it said to go there already.
    for to in ["9000", "100"] {
        let refused = route(&app, &sending(DID, to), &Channel::Given).await;
        let refused = failure(refused, Code::ConfirmationStale);
        assert!(refused.to_string().contains("change 1"), "{refused}");
    }
    attest(&app, "dial_translation_rule").await;
    let refused = onboard(&app, &onboarding(), &Channel::Given).await;
    failure(refused, Code::ConfirmationStale);
    assert_eq!(bench.count("PUT"), puts);
    // The very same may be sent once more. The first may still arrive after whatever
    // is sent then.
    assert_eq!(sent(&app, "101").await.status, RouteStatus::Routed);
    let refused = route(&app, &sending(DID, "102"), &Channel::Given).await;
    failure(refused, Code::ConfirmationStale);
    bench.age_journal(LATER);
    assert_eq!(sent(&app, "102").await.status, RouteStatus::Routed);
}
