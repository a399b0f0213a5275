//! Whether a rule has an effect at all: only calls to the customer's own
//! numbers match one, and only where these go to the Route by ANI user.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVip, AddVipStatus, OnboardDomain, SyncMode, SyncVips};
use skyswitch_mcp::sandbox::{Fault, StoredNumber};

use crate::support::customer::{
    ACME, PbxApi, app_on, customer, onboard, onboarding, open, route, sending,
};
use crate::support::imports::{args, dry, sync};
use crate::support::{BAKERY, Bench, DENTAL, VET, add, adding, failure, nobody, skip_seconds};

const NEW: &str = "6165550188";

fn dialling(dnis: &str) -> AddVip {
    AddVip {
        dnis: Some(dnis.parse().unwrap()),
        ..adding(NEW, DENTAL, "101")
    }
}

fn numbers_read(bench: &Bench) -> usize {
    let requests = bench.sandbox.requests().into_iter();
    let of_numbers = requests.filter(|request| request.path.ends_with("/pbx/phone-numbers"));
    of_numbers.count()
}

#[tokio::test]
async fn adding_for_a_customer_whose_number_does_not_reach_the_list_says_so() {
    let bench = Bench::demo().await;
    for domain in [BAKERY, VET] {
        let added = add(&bench.app(), &adding(NEW, domain, "300"), &Channel::Given).await;
        let warnings = added.unwrap().warnings.join("\n");
        assert!(warnings.contains("this has no effect yet"), "{warnings}");
        let next = format!("setup_checklist with domain {domain}");
        assert!(warnings.contains(&next), "{warnings}");
    }
    bench.sandbox.clear_requests();
    let added = add(&bench.app(), &adding(NEW, DENTAL, "101"), &nobody()).await;
    assert_eq!(added.unwrap().warnings, [""; 0]);
    assert_eq!(numbers_read(&bench), 1);
}

#[tokio::test]
async fn importing_for_a_customer_whose_number_does_not_reach_the_list_says_so() {
    let bench = Bench::demo().await;
    for (domain, has_no_effect) in [(BAKERY, true), (DENTAL, false)] {
        let planning = SyncVips {
            domain: domain.parse().unwrap(),
            dry_run: Some(true),
            ..args(SyncMode::Merge)
        };
        let file = "ani,destination\n6165550188,101\n";
        let planned = sync(&bench.app(), &planning, file, &nobody()).await;
        let warnings = planned.unwrap().warnings.join("\n");
        let is_said = warnings.contains("this has no effect yet");
        assert_eq!(is_said, has_no_effect, "{domain}: {warnings}");
    }
}

#[tokio::test]
async fn a_dialled_number_that_is_not_the_customers_is_a_warning() {
    let bench = Bench::demo().await;
    let added = add(&bench.app(), &dialling("6165550100"), &nobody()).await;
    assert_eq!(added.unwrap().warnings, [""; 0], "their own number");
    let added = add(&bench.app(), &dialling("6165550140"), &nobody()).await;
    let warnings = added.unwrap().warnings.join("\n");
    let foreign = "+1 616-555-0140 is not among the customer's numbers (+1 616-555-0100)";
    assert!(warnings.contains(foreign), "{warnings}");

    let file = "ani,destination,dnis\n6165550189,101,6165550100\n6165550190,101,6165550140\n";
    let planning = dry(SyncMode::Merge);
    let planned = sync(&bench.app(), &planning, file, &nobody()).await;
    let warnings = planned.unwrap().warnings;
    assert!(warnings[0].starts_with("line 3: "), "{warnings:?}");
    assert!(warnings[0].contains(foreign), "{warnings:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[tokio::test]
async fn numbers_that_cannot_be_read_are_neither_a_warning_nor_a_failure() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("GET", "phone-numbers", 403).times(usize::MAX));
    let added = add(&bench.app(), &dialling("6165550140"), &nobody()).await;
    let added = added.unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
    assert_eq!(added.warnings, [""; 0]);
}

#[tokio::test]
async fn without_looks_at_destinations_no_number_is_read_either() {
    let bench = Bench::demo().await;
    let app = bench.app_with(|settings| settings.check_destinations = false);
    let added = add(&app, &adding(NEW, BAKERY, "101"), &nobody()).await;
    assert_eq!(added.unwrap().warnings, [""; 0]);
    assert_eq!(numbers_read(&bench), 0);
}

#[tokio::test]
async fn a_number_of_somebody_else_is_refused_before_anything_is_set_up_for_it() {
    let other = "other.12345.service";
    let tenant = customer(open())
        .domain(other, "Somebody else")
        .number(StoredNumber::to_user("16165550199", other, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let wanted = OnboardDomain {
        did: Some("16165550199".parse().unwrap()),
        ..onboarding()
    };
    let error = failure(
        onboard(&app, &wanted, &Channel::Given).await,
        Code::InvalidArgument,
    );
    assert_eq!(error.detail().field.as_deref(), Some("did"));
    assert!(error.to_string().contains(ACME), "{error}");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_customer_whose_number_comes_to_the_list_is_looked_at_again_after_a_minute_or_a_change() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let looks = async |ani: &str| {
        bench.sandbox.clear_requests();
        let added = add(&app, &adding(ani, DENTAL, "101"), &nobody()).await;
        (numbers_read(&bench), added.unwrap().warnings.join("\n"))
    };
    assert_eq!(looks("6165550181").await.0, 1);
    assert_eq!(looks("6165550182").await.0, 0);
    skip_seconds(61).await;
    assert_eq!(looks("6165550183").await.0, 1);
    assert_eq!(looks("6165550184").await.0, 0);
    // Their only number is sent to a user.
    let elsewhere = sending("6165550100", "101");
    route(&app, &elsewhere, &Channel::Given).await.unwrap();
    let (read, warnings) = looks("6165550185").await;
    assert_eq!(read, 1);
    assert!(warnings.contains("no effect"), "{warnings}");
}
