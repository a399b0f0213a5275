//! A wanted list is planned, agreed to as a whole, and applied row by row.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::domain::PhoneNumber;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Channel, Settled};
use skyswitch_mcp::ops::{Action, RowState, SyncMode, SyncOutcome, SyncStatus, SyncVips};
use skyswitch_mcp::sandbox::{
    Effect, Fault, Gate, StoredDnis, StoredRoute, StoredSubscriber, Tenant,
};
use tokio::process::Child;

use crate::support::imports::{Watch, args, ask, dry, sync};
use crate::support::process::{
    DOMAIN, Home, demo_sandbox, eventually, received, sandbox_of, writes,
};
use crate::support::protocol::{ERAS, Wire};
use crate::support::{
    Bench, CALLER, DENTAL, Person, VET, add, adding, done, failure, first_call, nobody, question,
    second_call, tenant_of, token,
};

fn resuming(run: &str) -> SyncVips {
    SyncVips {
        resume: Some(run.to_owned()),
        ..args(SyncMode::Merge)
    }
}

/// `ani,destination` rows with a header.
fn csv(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(ani, rings)| format!("{ani},{rings}\n"));
    format!("ani,destination\n{}", rows.collect::<String>())
}

/// That many new callers.
fn new_callers(count: usize) -> String {
    let rows = (0..count).map(|n| format!("1616555{:04},10{}\n", 1000 + n, n % 3));
    format!("ani,destination\n{}", rows.collect::<String>())
}

/// What the domain has: caller and destination.
fn stored_rules(bench: &Bench) -> BTreeMap<String, String> {
    let routes = bench.sandbox.routes().into_iter();
    routes
        .filter(|route| route.domain == DENTAL)
        .map(|route| (route.ani, route.destination))
        .collect()
}

/// How often each caller's rule was put.
fn puts(bench: &Bench) -> BTreeMap<String, usize> {
    let mut puts = BTreeMap::new();
    for request in bench.sandbox.requests() {
        if request.method == "PUT" {
            *puts
                .entry(request.parameter("ani").unwrap().to_owned())
                .or_default() += 1;
        }
    }
    puts
}

fn three_vips() -> Tenant {
    tenant_of(&[
        ("16165550123", "101"),
        ("16165550124", "102"),
        ("6165550125", "103"),
    ])
}

const WANTED: [(&str, &str); 3] = [
    ("(616) 555-0123", "101"),
    ("16165550125", "104"),
    ("6165550126", "105"),
];

#[tokio::test]
async fn merging_adds_and_replaces_and_removes_nothing() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let outcome = sync(&app, &args(SyncMode::Merge), &csv(&WANTED), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);
    let plan = outcome.plan;
    assert_eq!(
        (plan.add, plan.replace, plan.remove, plan.keep, plan.invalid),
        (1, 1, 0, 1, 0)
    );
    assert_eq!(
        stored_rules(&bench).into_iter().collect::<Vec<_>>(),
        [
            ("16165550123".to_owned(), "101".to_owned()),
            ("16165550124".to_owned(), "102".to_owned()),
            ("16165550126".to_owned(), "105".to_owned()),
            ("6165550125".to_owned(), "104".to_owned()),
        ]
    );
    assert_eq!(
        bench.count("GET"),
        2,
        "one list serves the whole plan, and one shows what was made"
    );
    assert_eq!(bench.count("PUT"), 2);
}

#[tokio::test]
async fn mirroring_also_removes_what_is_not_on_the_list() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let outcome = sync(
        &app,
        &args(SyncMode::Mirror),
        &csv(&WANTED),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!((outcome.plan.remove, outcome.plan.keep), (1, 1));
    assert_eq!(outcome.done.unwrap().made, 3);
    assert!(outcome.rows.is_empty(), "what was made is counted");
    assert!(!stored_rules(&bench).contains_key("16165550124"));
    let again = sync(
        &app,
        &args(SyncMode::Mirror),
        &csv(&WANTED),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(again.status, SyncStatus::Unchanged);
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_asks_nobody() {
    let bench = Bench::with(three_vips()).await;
    let dry = dry(SyncMode::Mirror);
    let outcome = sync(&bench.app(), &dry, &csv(&WANTED), &nobody())
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Planned);
    assert_eq!(outcome.rows.len(), 3);
    let removed = &outcome.rows[0];
    assert_eq!((removed.action, removed.line), (Action::Remove, None));
    assert_eq!(removed.ani, "16165550124");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn only_the_number_of_changes_is_agreement_also_to_additions_alone() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let list = csv(&[("6165550130", "101"), ("6165550131", "101")]);
    for wrong in ["", "yes", "1", "3", "6165550130", "2 changes"] {
        let person = Person::typing(wrong);
        let outcome = sync(
            &app,
            &args(SyncMode::Merge),
            &list,
            &Channel::During(&person),
        )
        .await
        .unwrap();
        assert_eq!(outcome.status, SyncStatus::WrongValue, "{wrong:?}");
        assert_eq!(person.shown()[0].asks_for().text(), "2");
        bench.age_declines(60);
    }
    bench.assert_nothing_written();
    bench.sandbox.clear_requests();
    let person = Person::typing(" 2 ");
    let outcome = sync(
        &app,
        &args(SyncMode::Merge),
        &list,
        &Channel::During(&person),
    )
    .await
    .unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);
    assert_eq!(
        bench.count("GET"),
        3,
        "once more after the form, and at the end"
    );
    let shown = person.shown()[0].text().to_owned();
    let counted = "Add 2, replace 0, remove 0; 3 stay as they are";
    assert!(
        shown.contains(counted),
        "rules that are not on the list stay, too: {shown}"
    );
    assert!(shown.contains("Add +1 616-555-0130"), "{shown}");
}

#[tokio::test]
async fn an_import_that_only_replaces_or_removes_one_rule_asks_for_its_caller() {
    let replacing = csv(&[("16165550124", "103")]);
    let rest = csv(&[("16165550123", "101"), ("16165550125", "103")]);
    for (mode, list) in [(SyncMode::Merge, replacing), (SyncMode::Mirror, rest)] {
        let bench = Bench::with(three_vips()).await;
        let app = bench.app();
        for (typed, status) in [
            ("1", SyncStatus::WrongValue),
            ("(616) 555-0124", SyncStatus::Applied),
        ] {
            let person = Person::typing(typed);
            let outcome = sync(&app, &args(mode), &list, &Channel::During(&person)).await;
            let outcome = outcome.expect("an outcome");
            assert_eq!(outcome.status, status, "{typed}: {outcome:?}");
            bench.age_declines(60);
            let shown = &person.shown()[0];
            assert!(shown.text().contains("16165550124"), "{}", shown.text());
            assert_eq!(shown.asks_for().text(), "16165550124");
        }
    }
}

#[tokio::test]
async fn nothing_of_a_plan_is_hidden_from_whoever_agrees_to_it() {
    let unwanted: Vec<String> = (0..250).map(|n| format!("1616444{n:04}")).collect();
    let rules: Vec<(&str, &str)> = unwanted.iter().map(|ani| (ani.as_str(), "100")).collect();
    let tenant = ["100", "101"]
        .iter()
        .fold(tenant_of(&rules), |tenant, user| {
            tenant.subscriber(StoredSubscriber::person(DENTAL, user, "Somebody"))
        });
    let bench = Bench::with(tenant).await;
    let mut rows: Vec<String> = (0..120)
        .map(|n| format!("1616555{n:04},10{}", n % 2))
        .collect();
    rows[90] = "16165550090,sip:+19005550000@evil.example".to_owned();
    let list = format!("ani,destination\n{}", rows.join("\n"));
    let person = Person::typing("");
    let mirror = SyncVips {
        allow_large_removal: Some(true),
        ..args(SyncMode::Mirror)
    };
    sync(&bench.app(), &mirror, &list, &Channel::During(&person))
        .await
        .unwrap();
    let shown = person.shown()[0].text().to_owned();
    for ani in &unwanted {
        assert!(
            shown.contains(&format!("(\"{ani}\"): Somebody (user \"100\")")),
            "{ani}"
        );
    }
    assert!(
        shown.contains("SIP address \"sip:+19005550000@evil.example\""),
        "{shown}"
    );
    let one_by_one = shown.matches("\nAdd +1").count();
    assert_eq!(one_by_one, 51);
    // 119 callers ring inside, every second one the same extension; row 90 is not one of them.
    for counted in ["\"100\"): 34", "\"101\"): 35"] {
        let line = format!("\nAdd more callers whose calls go to Somebody (user {counted}\n");
        assert!(shown.contains(&line), "{counted}: {shown}");
    }
}

#[tokio::test]
async fn a_confirmation_is_good_for_exactly_that_plan() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app_in(ConfirmMode::Token);
    let merge = args(SyncMode::Merge);
    let one = csv(&[("6165550130", "101")]);
    let other = csv(&[("6165550130", "102")]);
    let waiting = sync(&app, &merge, &one, &nobody()).await.unwrap();
    assert_eq!(waiting.status, SyncStatus::ConfirmationRequired);
    let confirmation = waiting.confirmation.confirmation.unwrap();
    failure(
        sync(&app, &merge, &other, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
    failure(
        sync(&app, &args(SyncMode::Mirror), &one, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
    let outcome = sync(&app, &merge, &one, &token(&confirmation))
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);

    let asked = ask(&app, &merge, Some(&other), &first_call(), &Watch::default()).await;
    let state = question(asked.unwrap()).state;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, "16165550130", "777"));
    let answer = second_call(&state, "16165550130");
    let stale = sync(&app, &merge, &other, &answer).await;
    failure(stale, Code::ConfirmationStale);
    assert_eq!(bench.rings(DENTAL, "16165550130").as_deref(), Some("777"));
}

#[tokio::test]
async fn a_plan_can_be_approved_elsewhere_and_then_acts_once() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let (merge, list) = (args(SyncMode::Merge), csv(&WANTED));
    let waiting = sync(&app, &merge, &list, &nobody()).await.unwrap();
    let code = waiting.confirmation.approval_code.unwrap();
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let typed = skyswitch_mcp::guard::Answer::Typed("2".to_owned());
    let settled = app.guard().settle(&approval, &typed).await;
    assert_eq!(settled.unwrap(), Settled::Approved);
    let outcome = sync(&app, &merge, &list, &nobody()).await.unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);
    let again = sync(&app, &merge, &list, &nobody()).await.unwrap();
    assert_eq!(again.status, SyncStatus::Unchanged);
}

#[tokio::test]
async fn a_blocked_server_plans_and_sends_nothing() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app_in(ConfirmMode::Block);
    let blocked = sync(&app, &args(SyncMode::Merge), &csv(&WANTED), &Channel::Given).await;
    failure(blocked, Code::Blocked);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_list_with_one_row_that_cannot_be_used_changes_nothing() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let list = csv(&[
        ("6165550130", "101"),
        ("+1 616 555 0130", "101"),
        ("6165550131", "101"),
        ("16165550131", "102"),
        ("anonymous", "101"),
        ("6165550132", "device:"),
    ]);
    let outcome = sync(&app, &args(SyncMode::Mirror), &list, &Channel::Given)
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Invalid);
    let bad: Vec<(Option<usize>, &str)> = outcome
        .rows
        .iter()
        .filter(|row| row.action == Action::Invalid)
        .map(|row| (row.line, row.reason.as_deref().unwrap()))
        .collect();
    let expected = [
        (3, "repeats line 2"),
        (4, "contradicts line 5"),
        (5, "contradicts line 4"),
        (6, "no rule is stored exactly like that"),
        (7, "names nothing after its prefix"),
    ];
    assert_eq!(bad.len(), expected.len(), "{bad:?}");
    for ((line, reason), (expected_line, words)) in bad.iter().zip(expected) {
        assert_eq!(*line, Some(expected_line));
        assert!(reason.contains(words), "{reason}");
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_rows_that_can_be_used_are_imported_where_that_was_asked_for() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let list = csv(&[
        ("6165550130", "101"),
        ("nan", "101"),
        ("6165550131", "#N/A"),
    ]);
    let skipping = SyncVips {
        skip_invalid: Some(true),
        ..args(SyncMode::Merge)
    };
    let person = Person::typing("1");
    let outcome = sync(&app, &skipping, &list, &Channel::During(&person)).await;
    let outcome = outcome.unwrap();
    let shown = person.shown()[0].text();
    let left_out = "2 rows cannot be used and would be left out (line 3: ";
    assert!(shown.contains(left_out), "whoever agrees is told: {shown}");
    assert!(shown.contains("line 4: "), "{shown}");
    assert_eq!(outcome.status, SyncStatus::Applied);
    assert_eq!((outcome.plan.add, outcome.plan.invalid), (1, 2));
    let named: Vec<_> = outcome.rows.iter().map(|row| row.line).collect();
    assert_eq!(named, [Some(3), Some(4)], "the others are listed");
    assert!(stored_rules(&bench).contains_key("16165550130"));
    // Continuing it finds nothing left to do.
    let again = sync(&app, &skipping, &list, &Channel::Given).await.unwrap();
    assert_eq!(again.status, SyncStatus::Unchanged);

    let mirroring = SyncVips {
        skip_invalid: Some(true),
        ..args(SyncMode::Mirror)
    };
    let refused = sync(&app, &mirroring, &list, &Channel::Given).await;
    let error = failure(refused, Code::InvalidArgument);
    assert_eq!(error.detail().field.as_deref(), Some("skip_invalid"));
}

#[tokio::test]
async fn an_import_of_the_usable_rows_can_be_resumed() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let list = csv(&[("6165550130", "101"), ("nan", "101"), ("6165550131", "102")]);
    let skipping = SyncVips {
        skip_invalid: Some(true),
        ..args(SyncMode::Merge)
    };
    let refusing = Fault::status("PUT", "route-by-ani", 400).times(1);
    bench.sandbox.inject(refusing);
    let outcome = sync(&app, &skipping, &list, &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, SyncStatus::Incomplete);
    let run = outcome.run_id.unwrap();
    let outcome = continued(&app, &run).await;
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    assert_eq!(
        outcome.plan.invalid, 0,
        "what was left out is not tried again"
    );
}

#[tokio::test]
async fn a_dry_run_of_a_list_that_cannot_be_imported_is_no_success() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write("list.csv", &csv(&[("6165550130", "101"), ("nan", "101")]));
    let import = [
        "vip",
        "import",
        file.to_str().unwrap(),
        "--domain",
        DOMAIN,
        "--dry-run",
    ];
    let planned = home.run(&import).await;
    assert_eq!(planned.code, 1, "{}", planned.stderr);
    let skipping = [&import[..], &["--skip-invalid"]].concat();
    assert_eq!(home.run(&skipping).await.code, 0);
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn a_column_is_found_under_the_name_that_the_list_has_for_it() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write("list.csv", "Phone Number,Name\n6165550130,Ann\n");
    let mut import = vec![
        "vip",
        "import",
        file.to_str().unwrap(),
        "--domain",
        DOMAIN,
        "--dry-run",
    ];
    import.extend(["--destination", "101"]);
    let refused = home.run(&import).await;
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("ani=Phone Number"),
        "{}",
        refused.stderr
    );
    import.extend(["--json", "--map", "ani=Phone Number", "--map", "note=Name"]);
    let planned = home.run(&import).await.json();
    assert_eq!(planned["plan"]["add"], 1, "{planned}");
    assert_eq!(planned["rows"][0]["note"], "Ann");
}

#[tokio::test]
async fn a_caller_in_a_column_that_is_not_read_stops_a_mirror() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let contacts = "Name,Phone,Mobile\nAnn,616-555-0123,\nBea,,616-555-0124\n";
    let file = home.write("list.csv", contacts);
    let file = file.to_str().unwrap();
    let import = ["vip", "import", file, "-d", DOMAIN, "--destination", "101"];
    let mirror = ["--map", "ani=Phone", "--mode", "mirror", "--yes"];
    let refused = home.run(&[&import[..], &mirror].concat()).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    let told = refused.stdout;
    assert!(told.contains("line 3: `ani` is empty"), "{told}");
    assert!(told.contains("invalid 1"), "{told}");
    assert!(
        !told.contains("--skip-invalid"),
        "a mirror refuses it: {told}"
    );
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn what_the_command_line_offers_for_a_header_works_there() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let refused = async |list: &str, more: &[&str]| {
        let file = home.write("list.csv", list);
        let import = ["vip", "import", file.to_str().unwrap(), "-d", DOMAIN];
        let ran = home.run(&[&import[..], more].concat()).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        ran.stderr
    };
    let phones = "Name,Phone,Goes to\nAnn,616-555-0177,101\n";
    let told = refused(phones, &["--map", "ani=Phone"]).await;
    assert!(
        told.contains("Give `--destination` for all rows") && told.contains("--map \"destination="),
        "{told}"
    );
    let told = refused("Wer,Wohin\n616-555-0177x,101\n", &[]).await;
    assert!(
        told.contains("--map \"ani=<name of the column>\""),
        "{told}"
    );
    let told = refused(phones, &["--map", "ani=Phone; ani=Name"]).await;
    assert!(told.contains("`--map` gives `ani` two columns"), "{told}");
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn every_row_of_a_nasty_list_that_cannot_be_used_is_named() {
    let bench = Bench::with(three_vips()).await;
    let list = include_str!("../fixtures/nasty.csv");
    let outcome = sync(&bench.app(), &args(SyncMode::Mirror), list, &Channel::Given)
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Invalid);
    let bad: Vec<usize> = outcome
        .rows
        .iter()
        .filter(|row| row.action == Action::Invalid)
        .map(|row| {
            assert!(row.reason.is_some(), "{row:?}");
            row.line.unwrap()
        })
        .collect();
    let expected = [
        4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 27, 28, 30, 31, 32, 33,
    ];
    assert_eq!(bad, expected);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_number_that_is_refused_alone_is_refused_in_a_list() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    for number in [
        "+1616555012",
        "616555012345",
        "161655501239",
        "00116165550123",
        "999999999999999",
        "+16165550123999",
        "sip:16165550177@evil",
    ] {
        let refused = number.parse::<PhoneNumber>().unwrap_err();
        for (ani, dnis) in [(number, ""), ("6165550155", number)] {
            let list = format!("ani,destination,dnis\n{ani},101,{dnis}\n");
            let outcome = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given)
                .await
                .unwrap();
            assert_eq!(outcome.status, SyncStatus::Invalid, "{list}");
            let reason = outcome.rows[0].reason.as_ref().unwrap();
            assert!(reason.contains(&refused.to_string()), "{reason}");
        }
    }
    bench.assert_nothing_written();
    // Rules that are stored so are found as before.
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, "sip:16165550177@*", "101"));
    let list = csv(&[("6165550177", "101"), ("01116165550123", "101")]);
    let found = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(found.unwrap().plan.keep, 2);
}

#[tokio::test]
async fn rows_of_another_domain_are_not_taken_for_this_one() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let vet = crate::support::list(&app, &crate::support::listing(VET))
        .await
        .unwrap();
    let printed = serde_json::to_string(&vet).unwrap();
    let own = DENTAL.to_uppercase();
    let csv = format!(
        "ani,destination,domain\n6165550130,101,{own}\n6165550131,101,\n6165550132,101,{VET}\n"
    );
    for (list, lines) in [(printed.as_str(), vec![1, 2, 3, 4]), (&csv, vec![4])] {
        let outcome = sync(&app, &args(SyncMode::Merge), list, &Channel::Given)
            .await
            .unwrap();
        assert_eq!(outcome.status, SyncStatus::Invalid, "{outcome:?}");
        let bad = outcome
            .rows
            .iter()
            .filter(|row| row.action == Action::Invalid);
        let bad: Vec<usize> = bad
            .map(|row| {
                let reason = row.reason.as_ref().unwrap();
                assert!(
                    reason.starts_with(&format!("belongs to domain {VET}")),
                    "{reason}"
                );
                row.line.unwrap()
            })
            .collect();
        assert_eq!(bad, lines);
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn what_is_exported_is_kept_when_mirrored() {
    let odd = Tenant::demo()
        .route(StoredRoute::new(DENTAL, "anonymous", "104"))
        .route(StoredRoute::new(DENTAL, "6165550123", "105"))
        .route(StoredRoute::new(DENTAL, "*", "weird \"x\"").application(Some("queue")))
        .route(StoredRoute::new(DENTAL, "16165550140", ""))
        .route(StoredRoute::new(DENTAL, "16165550141", "1.6166E+10"))
        .route(StoredRoute::new(DENTAL, "6165550142 x12", "101"));
    let bench = Bench::with(odd).await;
    let app = bench.app();
    let listed = crate::support::list(&app, &crate::support::listing(DENTAL))
        .await
        .unwrap();
    for text in [
        skyswitch_mcp::ops::import::files::to_csv(&listed.vips).unwrap(),
        skyswitch_mcp::ops::import::files::to_json(&listed.vips).unwrap(),
        serde_json::to_string(&listed).unwrap(),
    ] {
        let outcome = sync(&app, &args(SyncMode::Mirror), &text, &Channel::Given)
            .await
            .unwrap();
        assert_eq!(outcome.status, SyncStatus::Unchanged, "{outcome:?}");
        assert_eq!(outcome.plan.keep, listed.total);
    }
}

#[tokio::test]
async fn an_odd_row_is_only_kept_where_exactly_that_is_stored() {
    let present = [("16165550140", "101"), ("16165550141", "")];
    let bench = Bench::with(tenant_of(&present)).await;
    let app = bench.app();
    for (row, is_kept) in [
        ("16165550140,", false),
        ("16165550141,", true),
        ("(616) 555-0141,", false),
        ("16165550142,", false),
        ("16165550140,1E+02", false),
    ] {
        let list = format!("ani,destination\n{row}\n");
        let outcome = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given)
            .await
            .unwrap();
        let expected = match is_kept {
            true => SyncStatus::Unchanged,
            false => SyncStatus::Invalid,
        };
        assert_eq!(outcome.status, expected, "{row}: {outcome:?}");
    }
}

/// A domain with that many rules, and a list of the first few of them.
async fn mirrored(rules: usize, listed: usize, allow: bool) -> Result<SyncOutcome> {
    let all: Vec<(String, String)> = (0..rules)
        .map(|n| (format!("1616555{:04}", 1000 + n), "101".to_owned()))
        .collect();
    let pairs: Vec<(&str, &str)> = all.iter().map(|(a, d)| (a.as_str(), d.as_str())).collect();
    let bench = Bench::with(tenant_of(&pairs)).await;
    let args = SyncVips {
        allow_large_removal: Some(allow),
        ..args(SyncMode::Mirror)
    };
    let outcome = sync(&bench.app(), &args, &csv(&pairs[..listed]), &Channel::Given).await;
    if outcome.is_err() {
        bench.assert_nothing_written();
    }
    outcome
}

#[tokio::test]
async fn mirroring_does_not_remove_most_of_a_domain_by_mistake() {
    let error = failure(mirrored(42, 20, false).await, Code::InvalidArgument);
    assert_eq!(error.detail().field.as_deref(), Some("allow_large_removal"));
    assert!(
        error.to_string().contains("22 of the customer's 42"),
        "{error}"
    );
    assert_eq!(mirrored(42, 20, true).await.unwrap().plan.remove, 22);
    assert_eq!(
        mirrored(42, 21, false).await.unwrap().plan.remove,
        21,
        "half"
    );
    assert_eq!(mirrored(21, 1, false).await.unwrap().plan.remove, 20, "few");
}

#[tokio::test]
async fn a_mirror_that_would_be_refused_can_be_looked_at() {
    let bench = Bench::demo().await;
    let rules: Vec<(String, String)> = (0..40)
        .map(|n| (format!("1616555{:04}", 1000 + n), "101".to_owned()))
        .collect();
    let pairs: Vec<(&str, &str)> = rules
        .iter()
        .map(|(a, d)| (a.as_str(), d.as_str()))
        .collect();
    let app = bench.app();
    sync(&app, &args(SyncMode::Merge), &csv(&pairs), &Channel::Given)
        .await
        .unwrap();
    bench.sandbox.clear_requests();
    let looking = dry(SyncMode::Mirror);
    let planned = sync(&app, &looking, &csv(&pairs[..3]), &Channel::Given).await;
    let planned = planned.unwrap();
    assert_eq!(planned.status, SyncStatus::Planned);
    assert!(planned.plan.remove > 37, "{:?}", planned.plan);
    let refusal = planned.warnings.join("\n");
    assert!(refusal.contains("allow_large_removal"), "{refusal}");
    assert_eq!(planned.plan_id, None, "it could only be refused again");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn protected_callers_are_kept_by_a_mirror_and_not_replaced_by_a_list() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app_with(|settings| {
        settings.limits.protected = vec!["6165550124".parse().unwrap()];
    });
    let outcome = sync(
        &app,
        &args(SyncMode::Mirror),
        &csv(&WANTED),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(outcome.plan.remove, 0);
    assert!(outcome.warnings.iter().any(|w| w.contains("`protected`")));
    assert_eq!(bench.rings(DENTAL, "16165550124").as_deref(), Some("102"));

    let replacing = csv(&[("16165550124", "999")]);
    let outcome = sync(&app, &args(SyncMode::Merge), &replacing, &Channel::Given)
        .await
        .unwrap();
    assert_eq!(outcome.status, SyncStatus::Invalid);
    assert!(
        outcome.rows[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("`protected`")
    );
}

#[tokio::test]
async fn a_plan_beyond_the_hours_changes_is_refused_before_anybody_is_asked() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app_with(|settings| settings.limits.max_changes_per_hour = Some(4));
    let person = Person::typing("5");
    let refused = sync(
        &app,
        &args(SyncMode::Merge),
        &new_callers(5),
        &Channel::During(&person),
    )
    .await;
    let error = failure(refused, Code::Blocked);
    assert_eq!(
        error.detail().field.as_deref(),
        Some("max_changes_per_hour")
    );
    assert!(person.shown().is_empty());
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_failure_of_a_row_does_not_stop_the_others_and_is_named() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let refusal = Fault::status("PUT", "ani=16165551003", 400);
    bench.sandbox.inject(refusal);
    let outcome = sync(
        &app,
        &args(SyncMode::Merge),
        &new_callers(10),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(outcome.status, SyncStatus::Incomplete);
    let counts = outcome.done.unwrap();
    assert_eq!((counts.made, counts.failed, counts.not_sent), (9, 1, 0));
    let first = &outcome.rows[0];
    assert_eq!(first.ani, "16165551003");
    assert_eq!((first.state, first.line), (Some(RowState::Failed), Some(5)));
    assert!(first.reason.as_ref().unwrap().contains("400"));

    // Only that row is left to go on with.
    bench.sandbox.clear_requests();
    let run = outcome.run_id.unwrap();
    let again = ask(
        &app,
        &resuming(&run),
        None,
        &Channel::Given,
        &Watch::default(),
    )
    .await;
    let again = done(again.unwrap());
    assert_eq!(again.status, SyncStatus::Applied, "{again:?}");
    assert_eq!(
        puts(&bench).into_iter().collect::<Vec<_>>(),
        [("16165551003".to_owned(), 1)]
    );
}

#[tokio::test]
async fn a_refusal_that_every_row_would_meet_stops_the_run() {
    let bench = Bench::with(three_vips()).await;
    let app = bench.app();
    let refusal = Fault::status("PUT", "route-by-ani", 403).times(1_000);
    bench.sandbox.inject(refusal);
    let outcome = sync(
        &app,
        &args(SyncMode::Merge),
        &new_callers(300),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(outcome.status, SyncStatus::Incomplete);
    let counts = outcome.done.unwrap();
    assert_eq!(counts.made, 0);
    assert!(counts.not_sent > 200, "{counts:?}");
    assert_eq!(counts.failed + counts.not_sent, 300);
    assert!(outcome.stopped_by.is_some());
    assert_eq!(bench.count("PUT"), counts.failed);
}

/// A run stopped after some rows, and what upstream holds then.
async fn stopped(bench: &Bench, app: &App) -> SyncOutcome {
    bench.sandbox.set_latency(Duration::from_millis(10));
    let watch = Watch::stopping_at(40);
    let outcome = ask(
        app,
        &args(SyncMode::Merge),
        Some(&new_callers(200)),
        &Channel::Given,
        &watch,
    )
    .await;
    let outcome = done(outcome.unwrap());
    assert_eq!(outcome.status, SyncStatus::Cancelled);
    outcome
}

#[tokio::test]
async fn a_stopped_run_gives_an_exact_account_and_goes_on_without_repeating() {
    let bench = Bench::with(tenant_of(&[])).await;
    let app = bench.app();
    let outcome = stopped(&bench, &app).await;
    let counts = outcome.done.unwrap();
    assert_eq!(counts.made + counts.not_sent, 200, "{counts:?}");
    assert!(counts.made >= 40 && counts.not_sent > 0, "{counts:?}");
    assert_eq!(bench.count("PUT"), counts.made);
    let not_sent: Vec<&str> = outcome
        .rows
        .iter()
        .filter(|row| row.state == Some(RowState::NotSent))
        .map(|row| row.ani.as_str())
        .collect();
    assert_eq!(not_sent.len(), counts.not_sent);
    let stored = stored_rules(&bench);
    assert_eq!(stored.len(), counts.made);
    assert!(not_sent.iter().all(|ani| !stored.contains_key(*ani)));

    let rest = ask(
        &app,
        &resuming("last"),
        None,
        &Channel::Given,
        &Watch::default(),
    )
    .await;
    let rest = done(rest.unwrap());
    assert_eq!(rest.status, SyncStatus::Applied);
    assert_eq!(rest.run_id, outcome.run_id);
    assert_eq!(rest.done.unwrap().made, 200);
    assert_eq!(stored_rules(&bench).len(), 200);
    assert!(puts(&bench).values().all(|times| *times == 1));
    let none_left = ask(
        &app,
        &resuming("last"),
        None,
        &Channel::Given,
        &Watch::default(),
    )
    .await;
    failure(none_left.map(done), Code::NotFound);
}

#[tokio::test]
async fn taking_up_a_run_asks_again_and_for_the_rest_only() {
    let bench = Bench::with(tenant_of(&[])).await;
    let app = bench.app();
    let outcome = stopped(&bench, &app).await;
    let left = outcome.done.unwrap().not_sent;
    let person = Person::typing(&left.to_string());
    let rest = ask(
        &app,
        &resuming(&outcome.run_id.unwrap()),
        None,
        &Channel::During(&person),
        &Watch::default(),
    )
    .await;
    assert_eq!(done(rest.unwrap()).status, SyncStatus::Applied);
    assert_eq!(person.shown()[0].asks_for().text(), left.to_string());
}

#[tokio::test]
async fn what_others_changed_meanwhile_is_not_overwritten_by_the_rest_of_a_run() {
    let bench = Bench::with(tenant_of(&[])).await;
    let app = bench.app();
    let outcome = stopped(&bench, &app).await;
    let touched = outcome
        .rows
        .iter()
        .find(|row| row.state == Some(RowState::NotSent))
        .unwrap();
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, &touched.ani, "777"));
    let rest = ask(
        &app,
        &resuming("last"),
        None,
        &Channel::Given,
        &Watch::default(),
    )
    .await;
    let rest = done(rest.unwrap());
    assert_eq!(rest.status, SyncStatus::Incomplete);
    assert_eq!(rest.rows[0].ani, touched.ani);
    assert!(rest.rows[0].reason.as_ref().unwrap().contains("777"));
    assert_eq!(bench.rings(DENTAL, &touched.ani).as_deref(), Some("777"));
    assert_eq!(stored_rules(&bench).len(), 200);
}

/// A mirror of which the one rule that is to go could not be removed.
async fn mirror_without_its_removal(bench: &Bench, app: &App) -> String {
    let refused = Fault::status("DELETE", "route-by-ani", 400);
    bench.sandbox.inject(refused);
    let list = csv(&[("16165550131", "102"), ("16165550132", "102")]);
    let outcome = sync(app, &args(SyncMode::Mirror), &list, &Channel::Given).await;
    let outcome = outcome.unwrap();
    let counts = outcome.done.unwrap();
    assert_eq!((counts.made, counts.failed), (2, 1), "{outcome:?}");
    outcome.run_id.unwrap()
}

#[tokio::test]
async fn a_continued_mirror_leaves_alone_what_others_added_since_and_names_it() {
    let bench = Bench::with(tenant_of(&[("16165550130", "101")])).await;
    let app = bench.app();
    let run = mirror_without_its_removal(&bench, &app).await;
    let added = StoredRoute::new(DENTAL, "16165550133", "777");
    bench.sandbox.put_route(added);
    let rest = continued(&app, &run).await;
    assert_eq!(rest.status, SyncStatus::Applied, "{rest:?}");
    let counts = rest.done.unwrap();
    assert_eq!((counts.made, counts.failed, counts.not_sent), (3, 0, 0));
    let row = rest.rows.iter().find(|row| row.ani == "16165550133");
    let row = row.unwrap();
    assert_eq!((row.action, row.state), (Action::Keep, None), "{row:?}");
    assert!(row.reason.as_ref().unwrap().contains("777"), "{row:?}");
    let callers: Vec<String> = stored_rules(&bench).into_keys().collect();
    assert_eq!(callers, ["16165550131", "16165550132", "16165550133"]);
}

#[tokio::test]
async fn what_a_run_made_and_others_changed_since_is_left_alone_and_named() {
    let bench = Bench::with(tenant_of(&[("16165550130", "101")])).await;
    let app = bench.app();
    let run = mirror_without_its_removal(&bench, &app).await;
    let changed = StoredRoute::new(DENTAL, "16165550131", "777");
    bench.sandbox.put_route(changed);
    let dnis = StoredDnis::Absent;
    assert!(bench.sandbox.delete_route(DENTAL, "16165550132", &dnis));
    bench.sandbox.clear_requests();
    let rest = continued(&app, &run).await;
    assert_eq!(rest.status, SyncStatus::Applied, "{rest:?}");
    assert_eq!(puts(&bench), BTreeMap::new(), "{rest:?}");
    for (ani, now) in [("16165550131", "777"), ("16165550132", "does not exist")] {
        let row = rest.rows.iter().find(|row| row.ani == ani).unwrap();
        assert_eq!(row.state, Some(RowState::Made), "{row:?}");
        assert!(row.reason.as_ref().unwrap().contains(now), "{row:?}");
    }
}

#[tokio::test]
async fn a_run_is_continued_with_its_own_list_or_none() {
    let bench = Bench::with(tenant_of(&[])).await;
    let app = bench.app();
    let last = SyncVips {
        resume: Some("last".to_owned()),
        ..args(SyncMode::Merge)
    };
    // Nothing was cut off: the list starts over.
    let fresh = sync(&app, &last, &csv(&[("6165550130", "101")]), &Channel::Given).await;
    assert_eq!(fresh.unwrap().status, SyncStatus::Applied);
    stopped(&bench, &app).await;
    let other = sync(&app, &last, &csv(&[("6165550131", "101")]), &Channel::Given).await;
    let error = failure(other, Code::InvalidArgument);
    assert!(error.to_string().contains("another list"), "{error}");
    let same = sync(&app, &last, &new_callers(200), &Channel::Given).await;
    assert_eq!(same.unwrap().status, SyncStatus::Applied);
    for nonsense in ["", "7", "r-000000000000"] {
        let (args, watch) = (resuming(nonsense), Watch::default());
        let unknown = ask(&app, &args, None, &Channel::Given, &watch).await;
        unknown.unwrap_err();
    }
}

#[tokio::test]
async fn two_processes_that_import_into_one_domain_take_turns_and_lose_nothing() {
    let sandbox = sandbox_of(Tenant::empty().domain(DOMAIN, "Lakeside Dental")).await;
    sandbox.set_latency(Duration::from_millis(2));
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let lists = [
        format!("{}6165550130,101\n6165550131,101\n", new_callers(60)),
        "ani,destination\n6165550130,102\n6165550131,101\n6165550132,102\n".to_owned(),
    ];
    let [one, other] = lists;
    let imports = [
        import(&home, "one.csv", &one),
        import(&home, "other.csv", &other),
    ];
    for import in imports {
        let outcome = outcome_of(import).await;
        assert_eq!(outcome["status"], "applied", "{outcome}");
    }
    let stored: BTreeMap<String, String> = sandbox
        .routes()
        .into_iter()
        .map(|route| (route.ani, route.destination))
        .collect();
    assert_eq!(stored.len(), 63);
    let journal = home.run(&["changes", "--json"]).await.json();
    let mut last = BTreeMap::<String, Option<String>>::new();
    for change in journal["changes"].as_array().unwrap().iter().rev() {
        let ani = change["ani"].as_str().unwrap().to_owned();
        let rings = |side: &str| {
            let words = change[side].as_str()?;
            words.strip_prefix("user ").map(str::to_owned)
        };
        let known = last.get(&ani).cloned().flatten();
        assert_eq!(
            rings("before"),
            known,
            "each change begins where the last one ended"
        );
        last.insert(ani, rings("wanted"));
    }
    for (ani, destination) in &stored {
        assert_eq!(last[ani].as_ref(), Some(destination), "{ani}");
    }
}

#[tokio::test]
async fn rules_lost_along_with_a_removal_are_put_back_unless_they_are_to_go() {
    let rule_for_number =
        |ani: &str| StoredRoute::new(DENTAL, ani, "103").dnis(StoredDnis::number("16165550100"));
    let tenant = Tenant {
        delete_without_dnis_removes_all: true,
        ..tenant_of(&[(CALLER, "101"), ("16165550124", "101")])
            .route(rule_for_number(CALLER))
            .route(rule_for_number("16165550124"))
    };
    let bench = Bench::with(tenant).await;
    // The first caller keeps the rule for one number, the second none.
    let list = format!("ani,destination,dnis\n{CALLER},103,6165550100\n");
    let outcome = sync(
        &bench.app(),
        &args(SyncMode::Mirror),
        &list,
        &Channel::Given,
    )
    .await
    .unwrap();
    let routes = bench.sandbox.routes();
    assert_eq!(routes, [rule_for_number(CALLER)], "{outcome:?}");
    let told = outcome.warnings.join("\n");
    assert_eq!(told.matches("it was created again").count(), 1, "{told}");
}

/// An import by a process of its own.
fn import(home: &Home, name: &str, list: &str) -> Child {
    let file = home.write(name, list);
    let file = file.to_str().unwrap();
    let words = ["vip", "import", file, "--domain", DOMAIN, "--yes", "--json"];
    let mut command = home.command(&words);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// What an import printed; it must have ended well.
async fn outcome_of(import: Child) -> Value {
    let ended = import.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// The most memory that a process has had when it ends, in KiB; `None` where
/// the system does not say.
async fn peak_memory(process: u32) -> Option<u64> {
    let mut peak = None;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"));
        let status = status.unwrap_or_default();
        let Some(line) = status.lines().find(|line| line.starts_with("VmHWM:")) else {
            return peak;
        };
        peak = line
            .split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A mirror of which the removal of the caller's rule for any number failed.
async fn removal_failed(bench: &Bench, app: &App) -> SyncOutcome {
    bench
        .sandbox
        .inject(Fault::status("DELETE", "route-by-ani", 400));
    let list = format!("ani,destination,dnis\n{CALLER},104,6165550100\n");
    let outcome = sync(app, &args(SyncMode::Mirror), &list, &Channel::Given).await;
    let outcome = outcome.unwrap();
    let counts = outcome.done.unwrap();
    assert_eq!((counts.made, counts.failed), (1, 1), "{outcome:?}");
    outcome
}

async fn continued(app: &App, run: &str) -> SyncOutcome {
    let watch = Watch::default();
    let ended = ask(app, &resuming(run), None, &Channel::Given, &watch).await;
    done(ended.unwrap())
}

#[tokio::test]
async fn a_rule_that_could_not_be_put_back_is_put_back_when_the_run_is_continued() {
    let rule = |rings: &str| {
        StoredRoute::new(DENTAL, CALLER, rings).dnis(StoredDnis::number("16165550100"))
    };
    let tenant = Tenant {
        delete_without_dnis_removes_all: true,
        ..tenant_of(&[(CALLER, "101")]).route(rule("103"))
    };
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let run = removal_failed(&bench, &app).await.run_id.unwrap();
    assert_eq!(bench.sandbox.routes()[1], rule("104"));

    // Now the removal takes the replaced rule along.
    let refusal = Fault::status("PUT", "route-by-ani", 400);
    bench.sandbox.inject(refusal);
    let outcome = continued(&app, &run).await;
    assert_eq!(outcome.status, SyncStatus::Incomplete, "{outcome:?}");
    let told = outcome.warnings.join("\n");
    assert!(told.contains("could not be created again"), "{told}");
    assert_eq!(bench.sandbox.routes(), []);

    let outcome = continued(&app, "last").await;
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    assert_eq!(bench.sandbox.routes(), [rule("104")]);
}

#[tokio::test]
async fn a_rule_that_somebody_else_removed_is_not_put_back() {
    let called = StoredDnis::number("16165550100");
    let other = StoredDnis::number("16165550102");
    let tenant = tenant_of(&[(CALLER, "101")])
        .route(StoredRoute::new(DENTAL, CALLER, "103").dnis(called.clone()))
        .route(StoredRoute::new(DENTAL, CALLER, "104").dnis(other.clone()));
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("DELETE", "route-by-ani", 400));
    let list = format!("ani,destination,dnis\n{CALLER},103,6165550100\n{CALLER},104,6165550102\n");
    let failed = sync(&app, &args(SyncMode::Mirror), &list, &Channel::Given).await;
    let run = failed.unwrap().run_id.unwrap();
    for dnis in [&StoredDnis::Absent, &called] {
        assert!(bench.sandbox.delete_route(DENTAL, CALLER, dnis));
    }
    let outcome = continued(&app, &run).await;
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    assert_eq!(bench.sandbox.routes().len(), 1);
}

#[tokio::test]
async fn five_thousand_rows_take_one_list_a_request_each_and_little_memory() {
    let sandbox = sandbox_of(Tenant::empty().domain(DOMAIN, "Lakeside Dental")).await;
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let rows = (0..5_000).map(|n| format!("1616{:07},101\n", 2_000_000 + n * 7));
    let list = format!("ani,destination\n{}", rows.collect::<String>());
    let import = import(&home, "list.csv", &list);
    let memory = tokio::spawn(peak_memory(import.id().unwrap()));
    let outcome = outcome_of(import).await;
    assert_eq!(outcome["done"]["made"], 5_000);
    let sent = received(&sandbox);
    let count = |method: &str| sent.iter().filter(|seen| seen.starts_with(method)).count();
    // Two lists of the rules, before and afterwards, one of the domain's users and one of its
    // numbers.
    assert_eq!((count("GET"), count("PUT")), (4, 5_000));
    assert_eq!(sandbox.routes().len(), 5_000);
    if let Some(peak) = memory.await.unwrap() {
        assert!(peak < 150 * 1024, "{peak} KiB");
    }
}

/// The most memory that an import of so many rows has used when its plan is made.
#[cfg(target_os = "linux")]
async fn peak_of_plan(rows: usize) -> u64 {
    let sandbox = sandbox_of(Tenant::empty().domain(DOMAIN, "Lakeside Dental")).await;
    let gate = Gate::default();
    // The last thing that a plan needs is a look at the destinations.
    let held = Fault::hold("GET", "/pbx/subscribers", &gate);
    sandbox.inject(held);
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let rows = (0..rows).map(|n| format!("1616{:07},101,Caller {n}\n", 2_000_000 + n * 7));
    let list = format!("ani,destination,note\n{}", rows.collect::<String>());
    let file = home.write("list.csv", &list);
    let words = [
        "vip",
        "import",
        file.to_str().unwrap(),
        "-d",
        DOMAIN,
        "--dry-run",
    ];
    let mut command = home.command(&words);
    let mut import = command.stdout(Stdio::null()).spawn().unwrap();
    let is_planned = || {
        let requests = sandbox.requests();
        let mut paths = requests.iter().map(|request| &request.path);
        paths.any(|path| path.ends_with("/pbx/subscribers"))
    };
    eventually("the plan is made", is_planned).await;
    let peak = crate::support::process::peak_memory(&import);
    gate.open();
    assert!(import.wait().await.unwrap().success());
    peak
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_plan_holds_grows_by_some_kilobytes_for_each_row() {
    let (few, many) = (2_000, 12_000);
    let grown = peak_of_plan(many)
        .await
        .saturating_sub(peak_of_plan(few).await);
    let of_row = grown / (many - few) as u64;
    assert!(of_row < 8 * 1024, "{of_row} bytes for each row");
}

#[tokio::test]
async fn a_lost_answer_of_one_row_is_settled_without_sending_it_twice() {
    let bench = Bench::with(tenant_of(&[])).await;
    let lost = Fault::new("PUT", "ani=16165551004", Effect::DropAfter);
    bench.sandbox.inject(lost);
    let app = bench.app();
    let outcome = sync(
        &app,
        &args(SyncMode::Merge),
        &new_callers(10),
        &Channel::Given,
    )
    .await
    .unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied);
    assert!(puts(&bench).values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_client_follows_the_progress_and_gets_the_rows() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox)
        .with("SKYSWITCH_CONFIRM", "token")
        .with_config(r#"{"max_changes_per_hour": "none"}"#);
    for (era, first) in ERAS.into_iter().zip([1000, 2000]) {
        let rows = (0..300).map(|n| format!("1616555{:04},101\n", first + n));
        let list = format!("ani,destination\n{}", rows.collect::<String>());
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let mut arguments = json!({"domain": DOMAIN, "list": list});
        let waiting = wire.call("sync_vips", arguments.clone()).await;
        let waiting = &waiting["structuredContent"];
        assert_eq!(waiting["status"], "confirmation_required");
        arguments["confirmation"] = waiting["confirmation"].clone();
        let result = wire
            .call_with_progress("sync_vips", arguments, "import")
            .await;
        let outcome = &result["structuredContent"];
        assert_eq!(outcome["status"], "applied", "{outcome}");
        assert_eq!(outcome["rows"], json!([]), "what was made is counted");
        assert_eq!(outcome["rows_left_out"], 0);
        let told: Vec<Value> = wire
            .seen
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|message| message["method"] == "notifications/progress")
            .map(|message| message["params"].clone())
            .collect();
        let done: Vec<u64> = told
            .iter()
            .map(|progress| progress["progress"].as_f64().unwrap() as u64)
            .collect();
        assert!(done.windows(2).all(|pair| pair[0] < pair[1]), "{done:?}");
        assert_eq!(done.last(), Some(&300));
        assert!(
            told.iter()
                .all(|p| p["total"] == 300.0 && p["progressToken"] == "import")
        );
    }
}

#[tokio::test]
async fn a_call_takes_five_thousand_rows_and_the_command_line_more() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let rows = (0..5_001).map(|n| format!("1616{:07},101\n", 2_000_000 + n));
    let list = format!("ani,destination\n{}", rows.collect::<String>());
    let mut wire = Wire::ready(&home, &[], ERAS[1], false).await;
    let result = wire
        .call("sync_vips", json!({"domain": DOMAIN, "list": list}))
        .await;
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "invalid_argument", "{result}");
    assert_eq!(error["field"], "list");
    let file = home.write("list.csv", &list);
    let import = [
        "vip",
        "import",
        file.to_str().unwrap(),
        "--domain",
        DOMAIN,
        "--dry-run",
        "--json",
    ];
    let planned = home.run(&import).await.json();
    assert_eq!(planned["plan"]["add"], 5_001);
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once_and_its_run_goes_on_later() {
    let sandbox = demo_sandbox().await;
    let gate = Gate::default();
    sandbox.inject(Fault::pass("PUT", "route-by-ani").times(50));
    sandbox.inject(Fault::hold("PUT", "route-by-ani", &gate).times(150));
    let home = Home::of(&sandbox)
        .with("SKYSWITCH_CONFIRM", "token")
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with_config(r#"{"max_changes_per_hour": "none"}"#);
    let list = new_callers(200);
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let mut arguments = json!({"domain": DOMAIN, "list": list});
    let waiting = wire.call("sync_vips", arguments.clone()).await;
    arguments["confirmation"] = waiting["structuredContent"]["confirmation"].clone();
    let params = json!({"name": "sync_vips", "arguments": arguments});
    let id = wire.post("tools/call", params).await;
    eventually("the run is under way", || writes(&sandbox).len() > 50).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": id, "reason": "enough"}});
    wire.send(cancel).await;
    // Another call is answered while nothing more of the run is sent.
    wire.call("list_changes", json!({"limit": 1})).await;
    gate.open();

    let mut resume = json!({"domain": DOMAIN, "resume": "last"});
    let waiting = wire.call("sync_vips", resume.clone()).await;
    let waiting = &waiting["structuredContent"];
    assert_eq!(waiting["status"], "confirmation_required", "{waiting}");
    resume["confirmation"] = waiting["confirmation"].clone();
    let result = wire.call("sync_vips", resume).await;
    let outcome = &result["structuredContent"];
    assert_eq!(outcome["status"], "applied", "{outcome}");
    assert_eq!(outcome["done"]["made"], 200);
    assert_eq!(writes(&sandbox).len(), 200, "no row was sent twice");
}

#[tokio::test]
async fn the_command_line_exports_imports_and_says_how_it_ended() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.path().join("vips.csv");
    let file = file.to_str().unwrap();
    let export = ["vip", "export", "--domain", DOMAIN, "--output", file];
    assert_eq!(home.run(&export).await.code, 0);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.starts_with("ani,destination,application,dnis,note\n"),
        "{text}"
    );
    let printed = home.run(&["vip", "export", "--domain", DOMAIN]).await;
    assert_eq!(printed.stdout.trim_end(), text.trim_end());
    let mirror = [
        "vip", "import", file, "--domain", DOMAIN, "--mode", "mirror",
    ];
    let unchanged = home.run(&mirror).await;
    assert_eq!(unchanged.code, 0, "{unchanged:?}");
    std::fs::write(file, format!("{text}6165550190,101,,,\n")).unwrap();
    assert_eq!(home.run(&mirror).await.code, 3, "nobody is there to agree");
    let applied = home.run(&[&mirror[..], &["--yes"]].concat()).await;
    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(
        applied.stdout.contains("every change was made"),
        "{applied:?}"
    );
    std::fs::write(file, format!("{text}616,101,,,\n")).unwrap();
    let invalid = home.run(&[&mirror[..], &["--yes"]].concat()).await;
    assert_eq!(invalid.code, 2, "{invalid:?}");
    let missing = home
        .run(&["vip", "import", "nowhere.csv", "--domain", DOMAIN])
        .await;
    assert_eq!(missing.code, 2, "{missing:?}");
}

#[tokio::test]
async fn a_rule_that_somebody_changes_during_an_import_is_left_alone() {
    let bench = Bench::with(tenant_of(&[("16165550198", "100")])).await;
    let gate = Gate::default();
    let held = Fault::hold("PUT", "16165551", &gate);
    bench.sandbox.inject(held.times(150));
    let list = format!("{}6165550198,102\n", new_callers(150));
    let importing = bench.app();
    let meanwhile = async {
        bench.arrived("PUT", 1).await;
        let wanted = adding("6165550198", DENTAL, "777");
        let replaced = add(&bench.app(), &wanted, &Channel::Given).await.unwrap();
        gate.open();
        replaced
    };
    let merge = args(SyncMode::Merge);
    let (synced, replaced) =
        tokio::join!(sync(&importing, &merge, &list, &Channel::Given), meanwhile);
    let outcome = synced.unwrap();
    assert_eq!(outcome.status, SyncStatus::Incomplete, "{outcome:?}");
    let row = outcome.rows.iter().find(|row| row.ani == "16165550198");
    let row = row.unwrap();
    assert_eq!(row.state, Some(RowState::NotSent), "{row:?}");
    let reason = row.reason.as_ref().unwrap();
    let change = replaced.change_id.unwrap();
    assert!(reason.contains(&format!("change {change}")), "{reason}");
    assert_eq!(bench.rings(DENTAL, "16165550198").as_deref(), Some("777"));
}
