//! What the operator puts out of reach stays out of reach, whoever agrees.

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{Flags, Limits, Settings};
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    Action, AddVip, AddVipStatus, RemoveVip, RemoveVipStatus, SyncMode, SyncStatus, UndoChange,
    undo_change,
};
use skyswitch_mcp::sandbox::{StoredRoute, Tenant};

use crate::support::imports::{args, dry, sync};
use crate::support::process::{CALLER, DOMAIN, Home, demo_sandbox, vip_add};
use crate::support::protocol::{Era, Wire};
use crate::support::{
    Bench, DENTAL, LEGAL, Person, VET, add, adding, done, failure, remove, removing, tenant_of,
};

fn limited(bench: &Bench, change: impl FnOnce(&mut Limits)) -> App {
    bench.app_with(|settings| change(&mut settings.limits))
}

#[track_caller]
fn names(error: &Error, setting: &str) {
    assert_eq!(error.detail().field.as_deref(), Some(setting), "{error:?}");
    assert!(error.to_string().contains(setting), "{error}");
}

#[tokio::test]
async fn rules_of_protected_callers_are_neither_replaced_nor_removed() {
    let bench = Bench::demo().await;
    let app = limited(&bench, |limits| {
        limits.protected = vec!["(616) 555-0123".parse().unwrap()];
    });
    let person = Person::typing(CALLER);
    for channel in [Channel::Given, Channel::During(&person)] {
        let replaced = add(&app, &adding(CALLER, DENTAL, "102"), &channel).await;
        names(&failure(replaced, Code::Blocked), "protected");
        let removed = remove(&app, &removing(CALLER, DENTAL), &channel).await;
        names(&failure(removed, Code::Blocked), "protected");
    }
    assert!(person.shown().is_empty(), "nobody is asked in vain");
    bench.assert_nothing_written();
    // A new rule of theirs where nothing answers them yet: a person is asked.
    let asked = add(&app, &adding(CALLER, VET, "201"), &Channel::During(&person)).await;
    assert_eq!(asked.unwrap().status, AddVipStatus::Created);
    assert_eq!(person.shown().len(), 1);
    let added = add(&app, &adding("16165550124", VET, "201"), &Channel::Given).await;
    assert!(added.is_ok(), "others are not asked");
    let added = add(&app, &adding(CALLER, LEGAL, "501"), &Channel::Given).await;
    let undo = UndoChange {
        change_id: added.unwrap().change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    names(&failure(undone, Code::Blocked), "protected");
}

#[tokio::test]
async fn a_protected_number_is_protected_in_every_writing_and_with_marks_beside_it() {
    let writings = [
        "6165550123",
        "+1 (616) 555-0123",
        "sip:16165550123@10.0.0.1",
        "sip:16165550123;user=phone@x",
        "\"Maya\" <sip:+16165550123@x>",
        "tel:+1-616-555-0123;ext=1",
        "16165550123x1",
        "16165550123*",
        "16165550123+",
    ];
    let tenant = |ani| {
        Tenant::empty()
            .domain(DENTAL, "")
            .route(StoredRoute::new(DENTAL, ani, "101"))
    };
    for writing in writings {
        let bench = Bench::with(tenant(writing)).await;
        let app = limited(&bench, |limits| {
            limits.protected = vec![CALLER.parse().unwrap()]
        });
        let removed = remove(&app, &removing(writing, DENTAL), &Channel::Given).await;
        names(&failure(removed, Code::Blocked), "protected");
        bench.assert_nothing_written();
    }
    for other in ["161655501234", "16165550124", "1313*", "anonymous"] {
        let bench = Bench::with(tenant(other)).await;
        let app = limited(&bench, |limits| {
            limits.protected = vec![CALLER.parse().unwrap()]
        });
        let removed = remove(&app, &removing(other, DENTAL), &Channel::Given).await;
        assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed, "{other}");
    }
}

#[tokio::test]
async fn nothing_takes_the_calls_of_a_protected_caller_away() {
    let tenant = Tenant::demo().route(StoredRoute::new(DENTAL, "1616*", "100"));
    let bench = Bench::with(tenant).await;
    let app = limited(&bench, |limits| {
        limits.protected = vec![CALLER.parse().unwrap()]
    });
    let person = Person::typing(CALLER);
    let taking = AddVip {
        dnis: Some("16165550100".parse().unwrap()),
        ..adding(CALLER, DENTAL, "102")
    };
    for channel in [Channel::Given, Channel::During(&person)] {
        let taken = add(&app, &taking, &channel).await;
        names(&failure(taken, Code::Blocked), "protected");
        // The pattern may answer them, and its deletion may take their rule along.
        let removed = remove(&app, &removing("1616*", DENTAL), &channel).await;
        names(&failure(removed, Code::Blocked), "protected");
    }
    let list = format!("ani,destination,dnis\n{CALLER},102,16165550100\n1616*,102,\n");
    let merge = args(SyncMode::Merge);
    let outcome = sync(&app, &merge, &list, &Channel::Given).await.unwrap();
    assert_eq!(
        (outcome.status, outcome.plan.invalid),
        (SyncStatus::Invalid, 2)
    );
    let mirror = dry(SyncMode::Mirror);
    let list = format!("ani,destination\n{CALLER},101\n");
    let planned = sync(&app, &mirror, &list, &Channel::Given).await.unwrap();
    let kept = planned.rows.iter().find(|row| row.ani == "1616*").unwrap();
    assert_eq!(kept.action, Action::Keep, "{kept:?}");
    assert!(person.shown().is_empty(), "nobody is asked in vain");
    bench.assert_nothing_written();

    // Nor does an undo bring back a rule that would take them.
    let free = bench.app();
    add(&free, &taking, &Channel::Given).await.unwrap();
    let particular = RemoveVip {
        dnis: Some("16165550100".parse().unwrap()),
        ..removing(CALLER, DENTAL)
    };
    let removed = remove(&free, &particular, &Channel::Given).await.unwrap();
    let undo = UndoChange {
        change_id: removed.change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    names(&failure(undone, Code::Blocked), "protected");
}

#[tokio::test]
async fn changes_outside_the_allowed_accounts_are_refused() {
    let bench = Bench::demo().await;
    let app = limited(&bench, |limits| {
        limits.allowed_accounts = Some(vec![
            "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap(),
        ]);
    });
    let added = add(&app, &adding("6165550188", DENTAL, "101"), &Channel::Given).await;
    names(&failure(added, Code::Blocked), "allowed_accounts");
    bench.assert_nothing_written();
    // In whatever case an id is written, it is the same account.
    let app = limited(&bench, |limits| {
        let own = skyswitch_mcp::sandbox::ACCOUNT_ID.to_uppercase();
        limits.allowed_accounts = Some(vec![own.parse().unwrap()]);
    });
    let added = add(&app, &adding("6165550188", DENTAL, "101"), &Channel::Given).await;
    assert_eq!(added.unwrap().status, AddVipStatus::Created);
}

#[tokio::test]
async fn changes_outside_the_allowed_domains_are_refused() {
    let bench = Bench::demo().await;
    let app = limited(&bench, |limits| {
        limits.allowed_domains = Some(vec![VET.parse().unwrap()]);
    });
    let added = add(&app, &adding("6165550177", DENTAL, "101"), &Channel::Given).await;
    names(&failure(added, Code::Blocked), "allowed_domains");
    bench.assert_nothing_written();
    add(&app, &adding("6165550177", VET, "201"), &Channel::Given)
        .await
        .unwrap();
}

#[tokio::test]
async fn no_more_changes_are_made_in_an_hour_than_allowed() {
    let bench = Bench::demo().await;
    let app = limited(&bench, |limits| limits.max_changes_per_hour = Some(2));
    for number in 0..2 {
        let args = adding(&format!("616555017{number}"), DENTAL, "101");
        add(&app, &args, &Channel::Given).await.unwrap();
    }
    // Also in another process, and for whoever asks.
    let other = limited(&bench, |limits| limits.max_changes_per_hour = Some(2));
    let third = add(
        &other,
        &adding("6165550179", DENTAL, "101"),
        &Channel::Given,
    )
    .await;
    names(&failure(third, Code::Blocked), "max_changes_per_hour");
    assert_eq!(bench.count("PUT"), 2);
}

#[tokio::test]
async fn where_nothing_is_set_tools_make_sixty_changes_an_hour_and_people_any_number() {
    let bench = Bench::with(tenant_of(&[])).await;
    let default = || Settings::load(&Flags::default(), &|_| None).unwrap().limits;
    let app = limited(&bench, |limits| *limits = default());
    let list = |from: usize, count: usize| {
        let rows = (from..from + count).map(|n| format!("1616555{:04},101\n", 2000 + n));
        format!("ani,destination\n{}", rows.collect::<String>())
    };
    let merge = args(SyncMode::Merge);
    // What a person does on the command line is neither limited nor counted.
    let person = limited(&bench, |limits| *limits = default()).commanded_by_a_person();
    for number in 0..61 {
        let one = adding(&format!("61655510{number:02}"), DENTAL, "101");
        add(&person, &one, &Channel::Given).await.unwrap();
    }
    // The last of the hour may be an import of any length, agreed to as a whole.
    for number in 0..59 {
        let one = adding(&format!("61655511{number:02}"), DENTAL, "101");
        add(&app, &one, &Channel::Given).await.unwrap();
    }
    let many = sync(&app, &merge, &list(0, 70), &Channel::Given).await;
    assert_eq!(many.unwrap().status, SyncStatus::Applied);
    let one_more = add(&app, &adding("6165550188", DENTAL, "101"), &Channel::Given).await;
    names(&failure(one_more, Code::Blocked), "max_changes_per_hour");
    let many = sync(&app, &merge, &list(100, 2), &Channel::Given).await;
    names(&failure(many, Code::Blocked), "max_changes_per_hour");
    add(
        &person,
        &adding("6165550188", DENTAL, "101"),
        &Channel::Given,
    )
    .await
    .unwrap();
    // A limit that the operator has set holds for everybody and for each row.
    let set = limited(&bench, |limits| limits.max_changes_per_hour = Some(192));
    let person = set.commanded_by_a_person();
    let looking = dry(SyncMode::Merge);
    for (rows, is_said) in [(1, false), (2, true)] {
        let planned = sync(&person, &looking, &list(200, rows), &Channel::Given).await;
        let said = planned.unwrap().warnings.join("\n");
        assert_eq!(said.contains("max_changes_per_hour"), is_said, "{said}");
    }
    let refused = sync(&person, &merge, &list(200, 2), &Channel::Given).await;
    names(&failure(refused, Code::Blocked), "max_changes_per_hour");
}

#[tokio::test]
async fn changes_made_at_once_do_not_exceed_the_hour_together() {
    let bench = Bench::demo().await;
    let apps: Vec<App> = (0..8)
        .map(|_| limited(&bench, |limits| limits.max_changes_per_hour = Some(3)))
        .collect();
    let all = apps.iter().enumerate().map(|(number, app)| async move {
        let args = adding(&format!("616555018{number}"), DENTAL, "101");
        add(app, &args, &Channel::Given).await.is_ok()
    });
    let made = futures_util::future::join_all(all).await;
    assert_eq!(made.iter().filter(|made| **made).count(), 3);
    assert_eq!(bench.count("PUT"), 3);
}

#[tokio::test]
async fn the_config_file_sets_them_for_the_server_too() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with_config(&format!(r#"{{"protected": ["{CALLER}"]}}"#));
    let mut wire = Wire::ready(&home, &[], Era::Modern, true).await;
    let result = wire
        .call("remove_vip", json!({"ani": CALLER, "domain": DOMAIN}))
        .await;
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "blocked", "{result}");
    assert_eq!(error["field"], "protected");
}

#[tokio::test]
async fn a_misspelt_safety_setting_stops_the_program_and_another_unknown_field_warns() {
    let files = [
        (r#"{"readonly": true}"#, "read_only"),
        (r#"{"Protected": ["6165550123"]}"#, "protected"),
        (r#"{"protected_numbers": ["6165550123"]}"#, "protected"),
        (
            r#"{"allow_domains": ["acme.12345.service"]}"#,
            "allowed_domains",
        ),
        (r#"{"allowedAccounts": []}"#, "allowed_accounts"),
        (r#"{"max_changes": 5}"#, "max_changes_per_hour"),
        (r#"{"confirmation": "block"}"#, "confirm"),
        (r#"{"aproval_page": false}"#, "approval_page"),
    ];
    let sandbox = demo_sandbox().await;
    for (content, meant) in files {
        let home = Home::of(&sandbox).with_config(content);
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{content}: {ran:?}");
        let error = ran.json_error();
        assert_eq!(error["field"], meant, "{content}: {ran:?}");
        assert!(error["hint"].as_str().unwrap().contains(meant), "{error}");
    }
    for harmless in ["colour", "client_secrett", "pbx_api_kye", "note", "a"] {
        let home = Home::of(&sandbox).with_config(&format!(r#"{{"{harmless}": 1}}"#));
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 0, "{harmless}: {ran:?}");
        assert!(ran.stderr.contains(harmless), "{ran:?}");
    }
}

#[tokio::test]
async fn a_safety_setting_within_another_field_stops_the_program() {
    let files = [
        (r#"{"safety": {"read_only": true}}"#, "read_only"),
        (
            r#"{"limits": [{"deep": {"Protected": ["6165550123"]}}]}"#,
            "protected",
        ),
    ];
    let sandbox = demo_sandbox().await;
    for (content, meant) in files {
        let home = Home::of(&sandbox).with_config(content);
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{content}: {ran:?}");
        assert_eq!(ran.json_error()["field"], meant, "{content}: {ran:?}");
    }
    let home = Home::of(&sandbox).with_config(r#"{"notes": {"by": "Kim"}}"#);
    assert_eq!(home.run(&["vip", "list"]).await.code, 0);
}

#[tokio::test]
async fn a_misspelt_variable_of_safety_stops_the_program_and_another_unknown_one_warns() {
    let sandbox = demo_sandbox().await;
    for (name, meant) in [
        ("SKYSWITCH_READONLY", "SKYSWITCH_READ_ONLY"),
        ("SKYSWITCH_CONFIRMATION", "SKYSWITCH_CONFIRM"),
        (
            "SKYSWITCH_ALLOW_DOMAINS",
            "`allowed_domains` in the config file",
        ),
        ("SKYSWITCH_PROTECTED", "`protected` in the config file"),
    ] {
        let home = Home::of(&sandbox).with(name, "1");
        for words in [&["vip", "list", "--json"][..], &["doctor", "--json"]] {
            let ran = home.run(words).await;
            assert_eq!(ran.code, 4, "{name}: {ran:?}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                said.contains(name) && said.contains(meant),
                "{name}: {ran:?}"
            );
        }
        let blank = Home::of(&sandbox).with(name, "");
        let ran = blank.run(&["vip", "list"]).await;
        assert_eq!(ran.code, 0, "a blank one counts as not set: {ran:?}");
    }
    for name in ["SKYSWITCH_USER", "SKYSWITCH_SERVICE_HOST"] {
        let ran = Home::of(&sandbox)
            .with(name, "x")
            .run(&["vip", "list"])
            .await;
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        assert!(ran.stderr.contains(name), "{name}: {ran:?}");
    }
}

#[tokio::test]
async fn a_value_that_a_field_cannot_have_is_named_with_its_field() {
    let files = [
        (r#"{"protected": "6165550123"}"#, "protected"),
        (r#"{"protected": [6165550123]}"#, "protected"),
        (r#"{"read_only": "secret-9"}"#, "read_only"),
        (r#"{"confirm": "secret-9"}"#, "confirm"),
        (r#"{"max_changes_per_hour": [1]}"#, "max_changes_per_hour"),
        (
            r#"{"doubtful_destinations": "secret-9"}"#,
            "doubtful_destinations",
        ),
        (r#"{"password": 9}"#, "password"),
    ];
    let sandbox = demo_sandbox().await;
    for (content, field) in files {
        let home = Home::of(&sandbox).with_config(content);
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{content}: {ran:?}");
        let error = ran.json_error();
        assert_eq!(error["field"], field, "{content}: {ran:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(field), "{message}");
        assert!(!message.contains("secret-9"), "{message}");
    }
}

#[tokio::test]
async fn a_limit_that_is_not_understood_is_not_taken_for_none() {
    let files = [
        (r#"{"protected": [" "]}"#, "protected"),
        // A mistyped number would protect nobody.
        (r#"{"protected": ["616555012"]}"#, "protected"),
        (r#"{"protected": ["6165550l23"]}"#, "protected"),
        (r#"{"allowed_domains": ["acme domain"]}"#, "allowed_domains"),
        (r#"{"allowed_accounts": ["a.b"]}"#, "allowed_accounts"),
        (r#"{"max_changes_per_hour": 0}"#, "max_changes_per_hour"),
        (r#"{"max_changes_per_hour": -3}"#, "max_changes_per_hour"),
        (
            r#"{"max_changes_per_hour": "many"}"#,
            "max_changes_per_hour",
        ),
        // A short name would match no domain, or several.
        (r#"{"allowed_domains": ["acme"]}"#, "allowed_domains"),
        (r#"{"allowed_domains": ["acme.12345"]}"#, "allowed_domains"),
    ];
    let sandbox = demo_sandbox().await;
    for (content, field) in files {
        let home = Home::of(&sandbox).with_config(content);
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{content}: {ran:?}");
        assert_eq!(ran.json_error()["field"], field, "{content}: {ran:?}");
    }
    let none = r#"{"max_changes_per_hour": "none"}"#;
    let ran = Home::of(&sandbox)
        .with_config(none)
        .run(&["vip", "list"])
        .await;
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, ""),
        "no limit: {ran:?}"
    );
    let home = Home::of(&sandbox).with_config(r#"{"allowed_domains": []}"#);
    let add = vip_add("6165550177", "101");
    let ran = home.run(&add).await;
    assert!(
        ran.stderr.contains("allowed_domains"),
        "none at all: {ran:?}"
    );
}

#[tokio::test]
async fn a_dry_run_says_that_the_plan_would_be_refused_by_the_limit() {
    let bench = Bench::demo().await;
    let file = "ani,destination\n6165550188,101\n6165550189,101\n";
    let planning = dry(SyncMode::Merge);
    for (most, is_refused) in [(1, true), (2, false)] {
        let app = limited(&bench, |limits| limits.max_changes_per_hour = Some(most));
        let planned = sync(&app, &planning, file, &Channel::Given).await.unwrap();
        assert_eq!(planned.status, SyncStatus::Planned);
        let told = planned.warnings.join("\n");
        let is_told = told.contains("this plan would be refused now");
        assert_eq!(is_told, is_refused, "{told}");
        assert_eq!(told.contains("max_changes_per_hour"), is_refused, "{told}");
    }
    bench.assert_nothing_written();
}
