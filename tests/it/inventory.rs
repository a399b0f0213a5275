//! The customers' numbers and where each goes, and the kinds of destinations.

use std::collections::BTreeMap;

use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{
    ListDestinations, ListNumbers, NumberList, NumberRow, PageSize, list_destinations, list_numbers,
};
use skyswitch_mcp::sandbox::{
    Fault, PbxHabits, Sandbox, StoredNumber, StoredSubscriber, Tenant, V2Version,
};

use crate::support::Bench;
use crate::support::customer::{
    ACME, DID, PbxApi, app_on, attest, closed, customer, prepared, routed, status,
};
use crate::support::process::{DOMAIN, Home};

fn of(domain: Option<&str>) -> ListNumbers {
    ListNumbers {
        domain: domain.map(|domain| domain.parse().unwrap()),
        ..ListNumbers::default()
    }
}

fn row<'a>(list: &'a NumberList, number: &str) -> &'a NumberRow {
    list.numbers
        .iter()
        .find(|row| row.number == number)
        .unwrap()
}

#[tokio::test]
async fn every_number_of_the_account_says_where_it_goes_by_name() {
    let bench = Bench::demo().await;
    let app = app_on(&bench, PbxApi::V2);
    let list = list_numbers(&app, &of(None), PageSize::All).await.unwrap();
    assert_eq!(list.total, 5, "{list:?}");
    let vet = row(&list, "16165550140");
    let goes_to = vet.goes_to.as_deref().unwrap();
    assert!(
        goes_to.starts_with("Reception Maplewood (300) of Maplewood Vet Clinic ("),
        "{goes_to}"
    );
    assert_eq!(vet.domain.as_deref(), Some("maplewoodvet.12345.service"));
    assert_eq!(vet.spam_handling.as_deref(), Some("voicemail"));
    let stock = row(&list, "16165550199");
    assert_eq!(stock.goes_to.as_deref(), Some("reseller"));
    assert_eq!(stock.domain, None);
    // The dial plan shows the rule of the first, and that the other has none.
    assert!(!row(&list, "16165550100").alarm, "{list:?}");
    assert!(row(&list, "16165550160").alarm, "{list:?}");
    assert_eq!(list.warnings.len(), 1, "{list:?}");
    assert!(list.warnings[0].contains("ALARM"), "{list:?}");
}

#[tokio::test]
async fn an_attested_rule_ends_the_doubt_about_a_number() {
    let tenant = prepared(closed()).number(StoredNumber::to_user("16165550181", ACME, "9000"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let list = list_numbers(&app, &of(Some(ACME)), PageSize::All)
        .await
        .unwrap();
    let other = row(&list, "16165550181");
    assert!(
        !row(&list, DID).unverified && other.unverified && !other.alarm,
        "{list:?}"
    );
    attest(&app, "dial_translation_rule").await;
    let list = list_numbers(&app, &of(Some(ACME)), PageSize::All)
        .await
        .unwrap();
    assert!(
        list.warnings.is_empty() && !list.numbers[1].unverified,
        "{list:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_told_just_now_is_marked_as_in_the_table_of_customers() {
    let bench = Bench::with(routed()).await;
    let app = app_on(&bench, PbxApi::V2);
    let refused = Fault::status("POST", "oauth2/token", 401).times(99);
    bench.sandbox.inject(refused);
    bench.sandbox.clear_requests();
    let table = status(&app).await;
    assert_eq!((table.alarms, table.unverified), (0, 1), "{table:?}");
    let list = list_numbers(&app, &of(None), PageSize::All).await.unwrap();
    let number = row(&list, DID);
    assert!(!number.alarm && number.unverified, "{list:?}");
    // A login that is refused is not tried for every user: it might be locked.
    let logins = bench.sandbox.requests();
    let logins = logins.iter().filter(|r| r.path.contains("/oauth2/token"));
    assert!(
        logins.count() <= 4,
        "one for each table, and for the dial plan"
    );
    for words in [&table.customers[0].waits_for, &list.warnings[0]] {
        assert!(words.starts_with("NOT VERIFIED: "), "{words}");
    }
}

#[tokio::test]
async fn only_the_numbers_of_a_page_are_asked_for_their_routing() {
    let mut tenant = customer(PbxHabits::default());
    for line in 100..180 {
        let number = format!("1616555{line:04}");
        tenant = tenant.number(StoredNumber::to_user(&number, ACME, "100"));
    }
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let (mut args, mut numbers) = (of(None), Vec::new());
    loop {
        let page = list_numbers(&app, &args, PageSize::Rows(30)).await.unwrap();
        let asked = bench.sandbox.requests().into_iter();
        let routings = asked.filter(|request| request.path.ends_with("/route"));
        numbers.extend(page.numbers.into_iter().map(|row| row.number));
        assert_eq!(routings.count(), numbers.len());
        match page.next_cursor {
            Some(cursor) => args.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(numbers.len(), 81);
    assert!(numbers.is_sorted());
    args = ListNumbers {
        query: Some("555-018".to_owned()),
        ..of(None)
    };
    let found = list_numbers(&app, &args, PageSize::All).await.unwrap();
    assert_eq!((found.total, found.numbers[0].number.as_str()), (1, DID));
}

#[tokio::test]
async fn an_inventory_of_more_than_one_page_is_read_whole() {
    let mut tenant = customer(PbxHabits::default());
    for area in [201, 202] {
        for line in 100..200 {
            tenant = tenant.number(StoredNumber::parked(&format!("1{area}555{line:04}"), ACME));
        }
    }
    let bench = Bench::with(tenant).await;
    let list = list_numbers(&bench.app(), &of(None), PageSize::Rows(1))
        .await
        .unwrap();
    assert_eq!(list.total, 201);
}

#[tokio::test]
async fn a_login_that_may_not_read_routings_says_so_once_and_asks_once() {
    let bench = Bench::with(prepared(closed())).await;
    let app = bench.app_with(|settings| settings.number_scope = settings.scope.clone());
    let list = list_numbers(&app, &of(Some(ACME)), PageSize::All)
        .await
        .unwrap();
    let known = row(&list, DID);
    assert_eq!((&known.goes_to, known.alarm), (&None, false));
    assert_eq!(list.warnings.len(), 1, "{list:?}");
    assert!(list.warnings[0].contains("`routing`"), "{list:?}");
    let asked = bench.sandbox.requests().into_iter();
    assert_eq!(
        asked
            .filter(|request| request.path.ends_with("/route"))
            .count(),
        1
    );
    let refused = list_numbers(&app, &of(None), PageSize::All)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Forbidden);
    let text = refused.to_string();
    assert!(
        text.contains("may not read the account's numbers"),
        "{text}"
    );
    let hint = refused.hint();
    assert!(
        hint.contains("`phone_number`") && hint.contains("domain"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_number_whose_routing_is_not_understood_says_so_itself() {
    let bench = Bench::with(customer(PbxHabits::default())).await;
    let app = bench.app();
    let odd = Fault::status("GET", "/route", 200).body("{\"kind\":1}", "application/json");
    bench.sandbox.inject(odd);
    let list = list_numbers(&app, &of(Some(ACME)), PageSize::All)
        .await
        .unwrap();
    let why = row(&list, DID).not_known.as_deref().unwrap();
    assert!(why.contains("not known"), "{why}");
}

#[tokio::test]
async fn the_command_marks_the_alarm_and_names_people() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    let home = Home::of(&sandbox);
    let ran = home.run(&["numbers", "--domain", DOMAIN]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Route By ANI (9000)"), "{ran:?}");
    assert!(ran.stdout.contains("+1 616-555-0100  ALARM"), "{ran:?}");
}

#[tokio::test]
async fn destinations_have_their_kind_in_plain_words() {
    let coded = |user: &str, code: &str| StoredSubscriber {
        srv_code: code.to_owned(),
        ..StoredSubscriber::person(ACME, user, "Some Name")
    };
    let tenant = prepared(PbxHabits::default().v2_version(V2Version::V45))
        .subscriber(coded("2000", "system-queue"))
        .subscriber(coded("2001", "system-aa"))
        .subscriber(coded("2002", "system-user"))
        .subscriber(coded("2003", "system-department"));
    let bench = Bench::with(tenant).await;
    let args = ListDestinations {
        domain: ACME.parse().unwrap(),
        query: None,
        account_id: None,
        limit: None,
        cursor: None,
    };
    let app = app_on(&bench, PbxApi::V2);
    let list = list_destinations(&app, &args, PageSize::All).await.unwrap();
    let kinds: BTreeMap<&str, &str> = list
        .destinations
        .iter()
        .map(|row| (row.destination.as_str(), row.kind.as_str()))
        .collect();
    for (destination, kind) in [
        ("100", "person"),
        ("2000", "queue"),
        ("2001", "attendant"),
        ("2002", "system user"),
        ("2003", "department"),
        ("100a", "device"),
    ] {
        assert_eq!(kinds.get(destination), Some(&kind), "{kinds:?}");
    }
    // Neither the Route by ANI user nor the one that holds the domain's defaults.
    assert!(
        !kinds.contains_key("9000") && !kinds.contains_key("domain"),
        "{kinds:?}"
    );
}
