//! The command line for people and scripts: exit codes, JSON, tables, settings.

use std::fmt::Write;

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault, RetryAfter, Sandbox, StoredRoute, Tenant};

use crate::support::process::{
    CALLER, CALLER_AS_WRITTEN, DOMAIN, Home, Ran, demo_sandbox, received, sandbox_of, stored,
    vip_add, writes,
};
use crate::support::protocol::{Era, Wire};

const REMOVE: [&str; 6] = [
    "vip",
    "remove",
    "--ani",
    CALLER_AS_WRITTEN,
    "--domain",
    DOMAIN,
];
const REPLACE: [&str; 8] = [
    "vip",
    "add",
    "--ani",
    CALLER_AS_WRITTEN,
    "--domain",
    DOMAIN,
    "--destination",
    "777",
];
const OTHER_ACCOUNT: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn and<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

fn accounts_asked(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let paths = requests
        .iter()
        .filter_map(|seen| seen.path.strip_prefix("/accounts/"));
    paths
        .map(|path| path.split('/').next().unwrap().to_owned())
        .collect()
}

/// Asserts that a command failed and names what to do.
fn names_fix(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for word in words {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
    let fixes = ran.stdout.lines().filter_map(|line| line.split_once("-> "));
    for (_, begins) in fixes {
        let times = ran.stdout.matches(begins).count();
        assert_eq!(times, 1, "`{begins}`: {}", ran.stdout);
    }
}

#[tokio::test]
async fn exit_code_0_says_done() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = vip_add("6165550177", "101");
    for arguments in [
        ["vip", "list"].as_slice(),
        &add,
        &["domains"],
        &["checklist", "--domain", DOMAIN],
        &["token"],
        &["doctor"],
        &["approve"],
        &["--help"],
        &["--version"],
    ] {
        let ran = home.run(arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        assert!(!ran.stdout.is_empty(), "{arguments:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
    assert_eq!(stored(&sandbox, "16165550177").len(), 1);
}

#[tokio::test]
async fn exit_code_1_says_that_the_service_refused() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home.run(&["vip", "list", "-a", OTHER_ACCOUNT]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.is_empty(), "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
    let late = RetryAfter::Seconds(3600);
    for (status, code) in [(500, "upstream_unavailable"), (429, "rate_limited")] {
        sandbox.inject(Fault::status("GET", "route-by-ani", status).retry_after(late));
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        let error = ran.json_error();
        assert_eq!(error["code"], code);
        assert_eq!(error["status"], status);
        assert_eq!(error["retryable"], true);
    }
}

#[tokio::test]
async fn exit_code_2_says_that_the_command_line_is_wrong() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let no_number = vip_add("12", "101");
    let contradiction = [&vip_add(CALLER, "user:1")[..], &["--application", "device"]].concat();
    let several_rules = [
        "vip",
        "remove",
        "--ani",
        "16165550126",
        "--domain",
        DOMAIN,
        "--yes",
    ];
    for arguments in [
        ["frobnicate"].as_slice(),
        &[],
        &["vip", "list", "--colour", "red"],
        &["vip", "remove", "--ani", CALLER],
        &["mcp", "--confirm", "never"],
        &["vip", "list", "--account", "../x"],
        &no_number,
        &contradiction,
        &several_rules,
    ] {
        let ran = home.run(arguments).await;
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(
        received(&sandbox),
        ["GET route-by-ani"],
        "more than the last read"
    );
}

#[tokio::test]
async fn exit_code_3_says_that_nobody_confirmed_and_nothing_is_sent() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for arguments in [REMOVE.as_slice(), &REPLACE] {
        let ran = home.run(arguments).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains("--yes"), "{ran:?}");
        let ran = home.run(&and(arguments, &["--json"])).await;
        assert_eq!((ran.code, &ran.json()["status"]), (3, &json!("no_answer")));
    }
    assert_eq!(writes(&sandbox), []);
    assert_eq!(stored(&sandbox, CALLER).len(), 1);
}

#[tokio::test]
async fn exit_code_4_says_that_credentials_are_missing_or_refused() {
    let sandbox = demo_sandbox().await;
    let missing = Home::bare();
    let refused = Home::of(&sandbox).with("SKYSWITCH_PASSWORD", "not-the-password");
    let wrong_client = Home::of(&sandbox).with("SKYSWITCH_CLIENT_SECRET", "not-the-secret");
    let placeholder = Home::of(&sandbox).with("SKYSWITCH_PASSWORD", "${PASSWORD}");
    let broken = Home::of(&sandbox).with_config("{");
    let no_account = Home::of(&sandbox).without("SKYSWITCH_ACCOUNT_ID");
    for home in [
        missing,
        refused,
        wrong_client,
        placeholder,
        broken,
        no_account,
    ] {
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{ran:?}");
        let code = ran.json_error()["code"].clone();
        assert!(
            code == "not_configured" || code == "unauthorized",
            "{ran:?}"
        );
    }
    assert_eq!(received(&sandbox), [""; 0]);
}

#[tokio::test]
async fn yes_removes_and_replaces() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home.run(&and(&REPLACE, &["--yes"])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Replaced"), "{ran:?}");
    assert_eq!(stored(&sandbox, CALLER)[0].destination, "777");
    let ran = home.run(&and(&REMOVE, &["--yes", "--json"])).await;
    assert_eq!((ran.code, &ran.json()["status"]), (0, &json!("removed")));
    assert_eq!(stored(&sandbox, CALLER), []);
    let ran = home.run(&and(&REMOVE, &["--yes", "--json"])).await;
    assert_eq!((ran.code, &ran.json()["status"]), (0, &json!("not_found")));
    assert_eq!(writes(&sandbox).len(), 2);
}

#[tokio::test]
async fn block_wins_over_yes() {
    let sandbox = demo_sandbox().await;
    let by_environment = Home::of(&sandbox).with("SKYSWITCH_CONFIRM", "block");
    let by_file = Home::of(&sandbox).with_config(r#"{"confirm": "block"}"#);
    for home in [by_environment, by_file] {
        for arguments in [REMOVE.as_slice(), &REPLACE] {
            let ran = home.run(&and(arguments, &["--yes", "--json"])).await;
            assert_eq!(ran.code, 3, "{ran:?}");
            assert_eq!(ran.json_error()["code"], "blocked");
        }
    }
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn read_only_wins_over_yes() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_READ_ONLY", "true");
    let add = vip_add("6165550177", "101");
    for arguments in [REMOVE.as_slice(), &REPLACE, &add] {
        let ran = home.run(&and(arguments, &["--yes", "--json"])).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(ran.json_error()["code"], "read_only");
    }
    assert_eq!(writes(&sandbox), []);
    assert_eq!(home.run(&["vip", "list"]).await.code, 0);
}

#[tokio::test]
async fn at_a_terminal_the_typed_number_decides() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for (reply, code) in [("\ryes\rx", 3), ("no", 3), ("yes\r616-555-0123", 0)] {
        let asked = Some(("number, or \"no\" to decline", reply));
        let Some(ran) = home.run_at_terminal(&REMOVE, asked).await else {
            return eprintln!(
                "not tried: `script` of util-linux, which gives a terminal, is missing"
            );
        };
        assert_eq!(ran.code, code, "{reply:?}: {ran:?}");
        assert!(ran.stdout.contains("Remove VIP +1 616-555-0123"), "{ran:?}");
        let left = stored(&sandbox, CALLER).len();
        assert_eq!(left, usize::from(code == 3), "{reply:?}");
    }
    assert_eq!(writes(&sandbox).len(), 1);
}

#[tokio::test]
async fn json_results_are_the_tools_structured_content() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let pairs = [
        (vec!["vip", "list"], "list_vips", json!({})),
        (
            vec![
                "vip",
                "list",
                "--domain",
                DOMAIN,
                "--ani",
                CALLER_AS_WRITTEN,
            ],
            "list_vips",
            json!({"domain": DOMAIN, "ani": CALLER}),
        ),
        (
            vec!["vip", "list", "--dnis", "*"],
            "list_vips",
            json!({"dnis": "*"}),
        ),
        (vec!["domains"], "list_domains", json!({})),
        (
            vec!["domains", "--query", "vet", "--refresh"],
            "list_domains",
            json!({"query": "vet", "refresh": true}),
        ),
        (
            vec!["checklist", "--domain", DOMAIN, "--did", "6165550100"],
            "setup_checklist",
            json!({"domain": DOMAIN, "did": "6165550100"}),
        ),
        (
            vec![
                "vip",
                "add",
                "--ani",
                CALLER,
                "--domain",
                DOMAIN,
                "--destination",
                "101",
            ],
            "add_vip",
            json!({"ani": CALLER, "domain": DOMAIN, "destination": "101"}),
        ),
        (
            vec!["vip", "remove", "--ani", "6165550199", "--domain", DOMAIN],
            "remove_vip",
            json!({"ani": "6165550199", "domain": DOMAIN}),
        ),
    ];
    for (arguments, tool, tool_arguments) in pairs {
        let ran = home.run(&and(&["--json"], &arguments)).await;
        let result = wire.call(tool, tool_arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.json(), result["structuredContent"], "{arguments:?}");
    }
    let ran = home.run(&and(&REMOVE, &["--yes", "--json"])).await;
    assert_eq!(
        ran.json(),
        json!({"status": "removed", "change_id": "1", "vip": {
            "ani": CALLER, "domain": DOMAIN, "application": "user", "destination": "101",
        }})
    );
}

#[tokio::test]
async fn json_errors_are_the_tools_errors_on_stderr() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let result = wire
        .call(
            "remove_vip",
            json!({"ani": "16165550126", "domain": DOMAIN}),
        )
        .await;
    let several = [
        "vip",
        "remove",
        "--ani",
        "16165550126",
        "--domain",
        DOMAIN,
        "-j",
    ];
    let ran = home.run(&several).await;
    assert!(ran.stdout.is_empty(), "{ran:?}");
    assert_eq!(ran.json_error(), result["structuredContent"]["error"]);
    assert_eq!(ran.json_error()["field"], "dnis");
}

#[tokio::test]
async fn usage_errors_are_json_too_where_json_is_asked_for() {
    let home = Home::bare();
    for arguments in [
        ["--json", "frobnicate"].as_slice(),
        &["vip", "list", "--json", "--colour"],
        &["vip", "add", "-j"],
        &[
            "vip",
            "add",
            "--json",
            "--ani",
            "12",
            "--domain",
            DOMAIN,
            "--destination",
            "1",
        ],
        &["-j"],
    ] {
        let ran = home.run(arguments).await;
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        let error = ran.json_error();
        assert_eq!(error["code"], "invalid_argument", "{arguments:?}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert!(!error["hint"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_short_json_flag_counts_in_a_cluster_too() {
    let ran = Home::bare().run(&["-vj", "frobnicate"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.json_error()["code"], "invalid_argument");
}

#[tokio::test]
async fn with_json_an_approval_without_a_terminal_is_refused_in_json() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let removal = json!({"ani": CALLER, "domain": DOMAIN});
    let result = wire.call("remove_vip", removal).await;
    let code = result["structuredContent"]["approval_code"]
        .as_str()
        .unwrap();
    let ran = home.run(&["--json", "approve", code]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.json_error()["code"].is_string(), "{ran:?}");
}

#[tokio::test]
async fn with_json_stderr_holds_nothing_but_json() {
    let sandbox = demo_sandbox().await;
    let ran = Home::of(&sandbox).run(&and(&REMOVE, &["--json"])).await;
    assert_eq!((ran.code, &ran.json()["status"]), (3, &json!("no_answer")));
    let is_json = serde_json::from_str::<Value>(&ran.stderr).is_ok();
    assert!(ran.stderr.is_empty() || is_json, "{ran:?}");
}

#[tokio::test]
async fn global_flags_stand_before_or_after_the_command() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write("other.json", r#"{"default_account_id": "unused"}"#);
    let file = file.display().to_string();
    let flags = [
        "--json",
        "--account",
        sandbox::ACCOUNT_ID,
        "--config",
        &file,
        "-v",
    ];
    let before = home.run(&and(&flags, &["vip", "list"])).await;
    let between = home.run(&and(&and(&["vip"], &flags), &["list"])).await;
    let after = home.run(&and(&["vip", "list"], &flags)).await;
    assert_eq!(before.json()["total"], 11);
    assert_eq!(before.stdout, between.stdout);
    assert_eq!(before.stdout, after.stdout);
    for arguments in [
        ["--sandbox", "-j", "domains"],
        ["domains", "-j", "--sandbox"],
    ] {
        let ran = Home::bare().run(&arguments).await;
        assert_eq!(ran.json()["total"], 5, "{ran:?}");
    }
}

#[tokio::test]
async fn the_table_shows_numbers_as_people_write_them() {
    let sandbox = demo_sandbox().await;
    sandbox.put_route(StoredRoute::new(DOMAIN, "*", "evil\u{1b}[31m\u{202e}"));
    let ran = Home::of(&sandbox).run(&["vip", "list", "-d", DOMAIN]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for cell in [
        "+1 616-555-0123",
        "+1 616-555-0100",
        "any",
        "Maya Lindgren (101)",
        "*",
        "7 VIP rules",
    ] {
        assert!(
            ran.stdout.contains(cell),
            "{cell} is missing: {}",
            ran.stdout
        );
    }
    assert!(!ran.stdout.contains("16165550123"), "{}", ran.stdout);
    for raw in ['\u{1b}', '\u{202e}'] {
        assert!(!ran.stdout.contains(raw), "{:?}", ran.stdout);
    }
}

#[tokio::test]
async fn a_list_of_any_length_is_shown_whole_after_one_request() {
    let sandbox = sandbox_of(Tenant::with_routes(1200)).await;
    let ran = Home::of(&sandbox).run(&["vip", "list", "--json"]).await;
    assert_eq!(ran.json()["count"], 1200);
    assert_eq!(ran.json()["vips"].as_array().unwrap().len(), 1200);
    assert!(ran.json().get("next_cursor").is_none());
    assert_eq!(received(&sandbox), ["GET route-by-ani"]);
}

#[tokio::test]
async fn colours_are_for_terminals_that_want_them() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let commands = [
        vec!["checklist", "--domain", DOMAIN],
        vec!["doctor"],
        vec!["vip", "list"],
        vec!["vip", "list", "-a", OTHER_ACCOUNT],
        vec!["frobnicate"],
    ];
    for arguments in &commands {
        let ran = home.run(arguments).await;
        assert!(!ran.stdout.contains('\u{1b}'), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{arguments:?}: {ran:?}");
    }
    let Some(coloured) = home.run_at_terminal(&["doctor"], None).await else {
        return eprintln!("not tried: `script` of util-linux, which gives a terminal, is missing");
    };
    assert!(coloured.stdout.contains("\u{1b}[32m"), "{coloured:?}");
    let plain_home = Home::of(&sandbox).with("NO_COLOR", "1");
    for arguments in &commands {
        let ran = plain_home.run_at_terminal(arguments, None).await.unwrap();
        assert!(!ran.stdout.contains("\u{1b}["), "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn doctor_finds_nothing_where_all_is_well() {
    let sandbox = demo_sandbox().await;
    let ran = Home::of(&sandbox).run(&["doctor", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    assert_eq!(report["ok"], true);
    let checks = report["checks"].as_array().unwrap();
    let ids: Vec<_> = checks.iter().map(|check| check["id"].clone()).collect();
    let expected = [
        "config",
        "credentials",
        "login",
        "scopes",
        "account",
        "domains",
        "vip_rules",
        "numbers",
        "pbx_api",
        "learned",
        "state_folder",
    ];
    assert_eq!(ids, expected);
    assert!(
        checks.iter().all(|check| check["state"] == "ok"
            || ((check["id"] == "pbx_api" || check["id"] == "learned")
                && check["state"] == "skipped")),
        "{report}"
    );
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn doctor_names_the_fix_of_each_failure() {
    let sandbox = demo_sandbox().await;
    let home = || Home::of(&sandbox);

    let ran = Home::bare().run(&["doctor"]).await;
    let variables = [
        "SKYSWITCH_CLIENT_ID",
        "SKYSWITCH_PASSWORD",
        "config.json",
        "skipped",
    ];
    names_fix(&ran, 4, &variables);

    let wrong = home().with("SKYSWITCH_PASSWORD", "not-the-password");
    let ran = wrong.run(&["doctor"]).await;
    names_fix(&ran, 4, &["FAILED   login", "password", "-> "]);

    let unscoped = home().with("SKYSWITCH_SCOPE", "account");
    let ran = unscoped.run(&["doctor"]).await;
    names_fix(&ran, 1, &["FAILED   scopes", "`pbx`", "SKYSWITCH_SCOPE"]);

    let refused = sandbox_of(Tenant::demo().scopes(&["account"])).await;
    let ran = Home::of(&refused).run(&["doctor"]).await;
    names_fix(&ran, 4, &["FAILED   login", "scope", "-> "]);

    let elsewhere = home().with("SKYSWITCH_ACCOUNT_ID", OTHER_ACCOUNT);
    let ran = elsewhere.run(&["doctor"]).await;
    names_fix(&ran, 1, &["FAILED   account", "account id", "-> "]);

    let reseller = home().with("SKYSWITCH_ACCOUNT_ID", "12345");
    let ran = reseller.run(&["doctor"]).await;
    names_fix(&ran, 1, &["FAILED   account", "reseller number", "UUID"]);

    let no_account = home().without("SKYSWITCH_ACCOUNT_ID");
    let ran = no_account.run(&["doctor"]).await;
    names_fix(&ran, 4, &["FAILED   account", "SKYSWITCH_ACCOUNT_ID"]);

    // Below a regular file nobody can make a folder, whatever their rights.
    let blocked = home();
    let file = blocked.write("file", "").join("state");
    let blocked = blocked.with("SKYSWITCH_STATE_DIR", &file.display().to_string());
    let ran = blocked.run(&["doctor"]).await;
    let words = [
        "ok       login",
        "FAILED   state_folder",
        "SKYSWITCH_STATE_DIR",
    ];
    names_fix(&ran, 1, &words);

    let broken = home().with_config("{");
    let ran = broken.run(&["doctor"]).await;
    names_fix(&ran, 4, &["config.json", "SKYSWITCH_CONFIG"]);
}

#[tokio::test]
async fn the_demo_shows_every_stage_and_needs_no_account() {
    let ran = Home::bare().run(&["demo"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let stages = [
        "skyswitch mcp --sandbox",
        "> list_domains",
        "> setup_checklist",
        "Support ticket",
        "> add_vip",
        "Added: ",
        "> list_vips",
        "7 of 7 VIP rules",
        "> remove_vip",
        "Remove VIP +1 616-555-0177",
        "[the person closes the question]",
        "Not answered",
        "[the person types (616) 555-0177]",
        "Removed: ",
        "6 of 6 VIP rules",
        "The input ended",
    ];
    let mut rest = ran.stdout.as_str();
    for stage in stages {
        let Some((_, after)) = rest.split_once(stage) else {
            panic!("{stage:?} is missing or comes too early: {}", ran.stdout);
        };
        rest = after;
    }
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn token_shows_whose_it_is_and_quiet_prints_only_the_token() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home.run(&["token"]).await;
    for fact in [sandbox::USERNAME, "pbx account", "Expires in "] {
        assert!(ran.stdout.contains(fact), "{fact} is missing: {ran:?}");
    }
    assert!(!ran.stdout.contains("sandbox-access-"), "{ran:?}");
    let ran = home.run(&["token", "--json"]).await;
    assert_eq!(ran.json()["username"], sandbox::USERNAME);
    assert!(!ran.stdout.contains("sandbox-access-"), "{ran:?}");

    let quiet = home.run(&["token", "--quiet"]).await;
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let token = quiet.stdout.strip_suffix('\n').unwrap();
    assert!(token.starts_with("sandbox-access-"), "{token}");
    assert!(!token.contains(char::is_whitespace), "{token}");
    let same = home.run(&["token", "--quiet"]).await;
    assert_eq!(same.stdout, quiet.stdout, "logged in again without need");
    let renewed = home.run(&["token", "--quiet", "--refresh"]).await;
    assert_ne!(renewed.stdout, quiet.stdout);
}

#[tokio::test]
async fn the_help_of_every_command_is_the_published_one() {
    let home = Home::bare();
    let mut whole = String::new();
    let commands: [&[&str]; 13] = [
        &[],
        &["mcp"],
        &["approve"],
        &["vip"],
        &["vip", "list"],
        &["vip", "add"],
        &["vip", "remove"],
        &["domains"],
        &["checklist"],
        &["token"],
        &["doctor"],
        &["demo"],
        &["sandbox"],
    ];
    for command in commands {
        let ran = home.run(&and(command, &["-h"])).await;
        assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
        assert_eq!(ran.stderr, "", "{command:?}");
        let line = and(&["skyswitch"], command).join(" ");
        writeln!(whole, "$ {line} -h\n{}", ran.stdout).unwrap();
    }
    insta::assert_snapshot!("help", whole);
}

#[tokio::test]
async fn the_account_comes_from_flag_then_environment_then_file() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox)
        .with("SKYSWITCH_ACCOUNT_ID", "from-environment")
        .with_config(r#"{"default_account_id": "from-file"}"#);
    home.run(&["vip", "list", "--account", "from-flag"]).await;
    home.run(&["vip", "list"]).await;
    let home = home.without("SKYSWITCH_ACCOUNT_ID");
    home.run(&["vip", "list"]).await;
    let empty = home.with("SKYSWITCH_ACCOUNT_ID", "");
    empty.run(&["vip", "list"]).await;
    assert_eq!(
        accounts_asked(&sandbox),
        ["from-flag", "from-environment", "from-file", "from-file"]
    );
}

#[tokio::test]
async fn credentials_may_come_from_the_file_and_the_environment_wins() {
    let sandbox = demo_sandbox().await;
    let config = |password: &str| {
        json!({
            "client_id": sandbox::CLIENT_ID, "client_secret": sandbox::CLIENT_SECRET,
            "username": sandbox::USERNAME, "password": password,
            "default_account_id": sandbox::ACCOUNT_ID, "base_url": sandbox.base_url(),
        })
        .to_string()
    };
    let home = Home::bare().with_config(&config(sandbox::PASSWORD));
    let ran = home.run(&["vip", "list", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["total"]), (0, &json!(11)));

    let home = Home::bare().with_config(&config("outdated"));
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let home = home.with("SKYSWITCH_PASSWORD", sandbox::PASSWORD);
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn the_config_file_is_found_by_flag_then_variable_then_place() {
    let sandbox = demo_sandbox().await;
    let account = |id: &str| json!({ "default_account_id": id }).to_string();
    let home = Home::of(&sandbox)
        .without("SKYSWITCH_ACCOUNT_ID")
        .with_config(&account("by-home"));
    home.run(&["vip", "list"]).await;
    home.write("xdg/skyswitch/config.json", &account("by-xdg"));
    let xdg = home.path().join("xdg").display().to_string();
    let home = home.with("XDG_CONFIG_HOME", &xdg);
    home.run(&["vip", "list"]).await;
    let by_variable = home.write("variable.json", &account("by-variable"));
    let home = home.with("SKYSWITCH_CONFIG", &by_variable.display().to_string());
    home.run(&["vip", "list"]).await;
    let by_flag = home.write("flag.json", &account("by-flag"));
    let by_flag = by_flag.display().to_string();
    home.run(&["--config", &by_flag, "vip", "list"]).await;
    assert_eq!(
        accounts_asked(&sandbox),
        ["by-home", "by-xdg", "by-variable", "by-flag"]
    );
}

#[tokio::test]
async fn the_confirmation_mode_comes_from_flag_then_environment_then_file() {
    let sandbox = demo_sandbox().await;
    let removal = json!({"ani": CALLER, "domain": DOMAIN});
    let by_file = Home::of(&sandbox).with_config(r#"{"confirm": "token"}"#);
    let by_environment = Home::of(&sandbox)
        .with("SKYSWITCH_CONFIRM", "token")
        .with_config(r#"{"confirm": "block"}"#);
    let by_flag = Home::of(&sandbox).with("SKYSWITCH_CONFIRM", "block");
    let flag = ["--confirm", "token"];
    for (home, arguments) in [
        (by_file, [].as_slice()),
        (by_environment, &[]),
        (by_flag, &flag),
    ] {
        let mut wire = Wire::ready(&home, arguments, Era::Legacy, false).await;
        let result = wire.call("remove_vip", removal.clone()).await;
        let outcome = &result["structuredContent"];
        assert!(outcome["confirmation"].is_string(), "{result}");
    }
}

#[tokio::test]
async fn plain_http_is_for_this_machine_only() {
    let sandbox = demo_sandbox().await;
    for address in [
        "http://api.skyswitch.example",
        "http://192.0.2.1",
        "http://localhost.example",
    ] {
        let home = Home::of(&sandbox).with("SKYSWITCH_BASE_URL", address);
        let ran = home.run(&["vip", "list", "--json"]).await;
        assert_eq!(ran.code, 4, "{address}: {ran:?}");
        assert_eq!(ran.json_error()["code"], "not_configured");
        assert_eq!(ran.json_error()["field"], "base_url");
    }
    let local = sandbox.base_url().replace("127.0.0.1", "localhost");
    let home = Home::of(&sandbox).with("SKYSWITCH_BASE_URL", &local);
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn unknown_config_fields_are_warned_about_and_kept() {
    let sandbox = demo_sandbox().await;
    let content = r#"{"colour": "red", "nested": {"a": [1]}}"#;
    let home = Home::of(&sandbox).with_config(content);
    let ran = home.run(&["vip", "list", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["total"]), (0, &json!(11)));
    for field in ["`colour`", "`nested`"] {
        assert!(ran.stderr.contains(field), "{field} is not named: {ran:?}");
    }
    let file = home.path().join("home/.config/skyswitch/config.json");
    assert_eq!(std::fs::read_to_string(file).unwrap(), content);
}

#[tokio::test]
async fn ten_commands_at_once_log_in_once() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let runs = (0..10).map(|_| home.run(&["vip", "list", "--json"]));
    for ran in futures_util::future::join_all(runs).await {
        assert_eq!((ran.code, &ran.json()["total"]), (0, &json!(11)));
    }
    assert_eq!(crate::support::process::logins(&sandbox), 1);
}

#[tokio::test]
async fn state_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    wire.call("remove_vip", json!({"ani": CALLER, "domain": DOMAIN}))
        .await;
    let folder = home.path().join("state");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 2, "a token and a store were expected");
}

#[tokio::test]
async fn the_sandbox_command_serves_what_it_prints() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let home = Home::bare();
    let mut command = home.command(&["sandbox"]);
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut user = Home::bare();
    let mut given = 0;
    while given < 6 {
        let line = tokio::time::timeout(crate::support::process::PATIENCE, lines.next_line());
        let line = line.await.unwrap().unwrap().expect("six settings");
        if let Some((name, value)) = line
            .strip_prefix("export ")
            .and_then(|setting| setting.split_once('='))
        {
            user = user.with(name, value.trim_matches('\''));
            given += 1;
        }
    }
    let ran = user.run(&["vip", "list", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["total"]), (0, &json!(11)));
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_sample_is_not_written_to_the_standard_output() {
    let sandbox = demo_sandbox().await;
    let ran = Home::of(&sandbox).run(&["doctor", "--sample", "-"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("private file"), "{ran:?}");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn habits_that_no_service_can_have_together_are_refused_by_name() {
    let habits = "lagging-lists,empty-list-is-null,empty-list-is-404";
    let ran = Home::bare().run(&["sandbox", "--habits", habits]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let told = "empty-list-is-null and empty-list-is-404 contradict each other";
    assert!(ran.stderr.contains(told), "{ran:?}");
}

#[tokio::test]
async fn a_moment_with_a_minus_is_refused_with_the_field_named() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Modern, false).await;
    let result = wire.call("list_changes", json!({"since": "-1d"})).await;
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "invalid_argument", "{result}");
    assert_eq!(error["field"], "since", "{result}");
    let ran = home.run(&["changes", "--since=-1d"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("--since"), "{ran:?}");
}
