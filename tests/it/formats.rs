//! Every command in every format: a program can read what it asked for.

use std::path::Path;

use serde_json::Value;
use skyswitch_mcp::sandbox::Sandbox;

use crate::support::process::{CALLER, DOMAIN, Home, Ran, demo_sandbox};

/// What draws tables.
const DRAWN: [char; 6] = ['│', '─', '┌', '├', '└', '═'];

/// Each command that ends by itself, with arguments that let it do something.
const COMMANDS: [&[&str]; 36] = [
    &["vip", "list"],
    &["vip", "add", "6165550177", "101", "-d", DOMAIN],
    &["vip", "remove", CALLER, "-d", DOMAIN],
    &["vip", "clear", "-d", DOMAIN, "--dry-run"],
    &["vip", "move", "-d", DOMAIN, "--from", "101", "--to", "102"],
    &["vip", "import", "list.csv", "-d", DOMAIN, "--dry-run"],
    &["vip", "export", "-d", DOMAIN],
    &["domains"],
    &["explain", CALLER, "-d", DOMAIN],
    &["changes"],
    &["changes", "close", "1", "--made"],
    &["undo", "1"],
    &["checklist", "-d", DOMAIN],
    &[
        "checklist",
        "mark",
        "-d",
        DOMAIN,
        "--step=dial_translation_rule",
        "--by=Sam Reed",
        "--note=ticket 48213",
    ],
    &["ticket", "-d", DOMAIN],
    &["onboard", "-d", DOMAIN, "--dry-run"],
    &["route", "6165550100", "101", "-d", DOMAIN],
    &["status"],
    &["numbers"],
    &["destinations", "-d", DOMAIN],
    &["token"],
    &["token", "--quiet"],
    &["state", "check"],
    &["state", "prune", "--older-than", "400d"],
    &["state", "backup", "backup.db"],
    &["pin", "status"],
    &["pin", "remove"],
    &["approve"],
    &["doctor"],
    &["auth", "status"],
    &["config", "list"],
    &["config", "get", "read_only"],
    &["config", "path"],
    &["profiles"],
    &["completions", "bash"],
    &["sandbox", "--list-habits"],
];

/// Those that are not tried: they serve, converse, or print a text of somebody else.
const OTHERS: [&str; 9] = [
    "mcp",
    "demo",
    "login",
    "logout",
    "pin set",
    "config set",
    "config unset",
    "install",
    "man",
];

async fn run(home: &Home, sandbox: &Sandbox, command: &[&str], format: &str) -> Ran {
    let _ = std::fs::remove_file(home.path().join("backup.db"));
    let own = matches!(command, ["vip", "import" | "export", ..]);
    let words = match (own, format) {
        // They have a `--format` of their own, of the list.
        (true, "json") => [command, &["--json"]].concat(),
        (true, _) => command.to_vec(),
        (false, format) => [command, &["--format", format]].concat(),
    };
    let ran = home.run(&words).await;
    sandbox.clear_requests();
    ran
}

#[tokio::test]
async fn what_is_printed_is_what_was_asked_for() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with_config("{}");
    home.write(
        "list.csv",
        "ani,destination\n6165550131,101\n6165550132,102\n",
    );
    home.run(&["vip", "add", "6165550178", "101", "-d", DOMAIN])
        .await;
    for command in COMMANDS {
        for format in ["json", "csv", "plain"] {
            let ran = run(&home, &sandbox, command, format).await;
            let is_usage = ran.stderr.contains("Usage:");
            assert!(!is_usage, "{command:?}: {ran:?}");
            match format {
                "json" => {
                    let said = if ran.stdout.is_empty() {
                        &ran.stderr
                    } else {
                        &ran.stdout
                    };
                    let document = serde_json::from_str::<Value>(said);
                    assert!(document.is_ok(), "{command:?}: {ran:?}");
                }
                // What is no list refuses.
                "csv" if ran.code == 2 => assert_eq!(ran.stdout, "", "{command:?}"),
                "csv" if command.starts_with(&["vip", "import"]) => {}
                "csv" => assert_same_fields(&ran.stdout, command),
                _ => {
                    assert!(!ran.stdout.contains(DRAWN), "{command:?}: {ran:?}");
                    assert!(!ran.stderr.contains(DRAWN), "{command:?}: {ran:?}");
                }
            }
        }
    }
}

fn assert_same_fields(text: &str, command: &[&str]) {
    // Not flexible: a row with another number of fields is an error.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    assert!(header.len() > 1, "{command:?}: {text}");
    for row in reader.records() {
        let row = row.unwrap_or_else(|error| panic!("{command:?}: {error}\n{text}"));
        // Each column holds one thing: no mark before a number or a stage.
        let marked = row.iter().any(|cell| cell.starts_with("ALARM: "));
        assert!(!marked, "{command:?}: {row:?}");
    }
}

#[test]
fn no_command_is_left_out() {
    let page = include_str!("../../docs/reference/commands.md");
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix("## skyswitch "));
    for command in commands {
        let tried = COMMANDS
            .iter()
            .any(|words| words.join(" ").starts_with(command));
        assert!(tried || OTHERS.contains(&command), "{command} is not tried");
    }
}

#[tokio::test]
async fn an_alarm_has_a_column_of_its_own() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let csv = home
        .run(&["numbers", "-d", DOMAIN, "--format", "csv"])
        .await;
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let header: Vec<_> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(header[..2], ["Number", "Alarm"], "{csv:?}");
    let rows = reader.records().map(Result::unwrap);
    let alarms: Vec<_> = rows
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let expected = ("'+1 616-555-0100".to_owned(), "ALARM".to_owned());
    assert!(alarms.contains(&expected), "{alarms:?}");
    let csv = home.run(&["status", "--format", "csv"]).await;
    assert!(csv.stdout.starts_with("Customer,Alarm,"), "{csv:?}");
}

#[tokio::test]
async fn one_list_after_another_is_no_csv() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home.run(&["status", "--watch", "--format", "csv"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr
            .contains("`--watch` prints one list after another"),
        "{ran:?}"
    );
}

/// Reads a file that holds callers.
fn private(path: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it lists callers");
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn an_exported_file_is_private_told_of_in_json_and_replaced_only_when_forced() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let path = home.path().join("vips.csv");
    let export = ["vip", "export", "-d", DOMAIN, "--output", "vips.csv"];
    let ran = home.run(&[&export[..], &["-j"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["file"], "vips.csv");
    assert_eq!(ran.json()["rules"], 6);
    let written = private(&path);
    assert!(written.starts_with("ani,"), "{written}");

    std::fs::write(&path, "mine").unwrap();
    let ran = home.run(&export).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("--force"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let ran = home.run(&[&export[..], &["--force"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(private(&path), written);

    // The format of what is printed may be said before the command, too.
    let ran = home
        .run(&[&["--format", "csv"], &export[..4]].concat())
        .await;
    assert_eq!((ran.code, &ran.stdout), (0, &written), "{ran:?}");

    // A pipe is no file that could be lost.
    let to_stdout = ["vip", "export", "-d", DOMAIN, "-o", "/dev/null"];
    let ran = home.run(&to_stdout).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_list_as_csv_that_is_not_all_says_on_stderr_how_to_get_the_rest() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for ani in ["6165550177", "6165550178"] {
        let added = home.run(&["vip", "add", ani, "101", "-d", DOMAIN]).await;
        assert_eq!(added.code, 0, "{added:?}");
    }
    let page = ["changes", "--limit", "1", "--format", "csv"];
    let ran = home.run(&page).await;
    assert_eq!(ran.stdout.lines().count(), 2, "{ran:?}");
    assert!(ran.stderr.contains("--cursor"), "{ran:?}");
    let ran = home.run(&["changes", "--format", "csv"]).await;
    assert_eq!(ran.stdout.lines().count(), 3, "{ran:?}");
    assert!(!ran.stderr.contains("--cursor"), "{ran:?}");
}

#[tokio::test]
async fn a_list_that_is_exported_to_the_standard_output_is_all_that_is_there() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let export = ["vip", "export", "-d", DOMAIN];
    let list = home.run(&export).await.stdout;
    let to_stdout = [&export[..], &["-o", "/dev/stdout"]].concat();
    for words in [to_stdout.clone(), [&to_stdout[..], &["--json"]].concat()] {
        let ran = home.run(&words).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.stdout, list);
    }
}
