//! What the command line says is for whoever types commands: no word that only a
//! model with tools can follow. JSON, which both faces share, names tools.

use serde_json::{Value, json};

use crate::support::process::{CALLER, DOMAIN, Home, demo_sandbox, writes};
use crate::support::protocol::{ERAS, Wire};

/// A command that somebody has to agree to.
const REMOVE: [&str; 5] = ["vip", "rm", CALLER, "-d", DOMAIN];

/// The texts of a result or an error that are written to be read.
fn told(value: &Value) -> Vec<String> {
    let is_told = |name: &str| {
        [
            "message",
            "hint",
            "next_step",
            "warnings",
            "fix",
            "detail",
            "stopped_by",
            "reason",
        ]
        .contains(&name)
    };
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match is_told(name) {
                true => [texts(value), told(value)].concat(),
                false => told(value),
            })
            .collect(),
        Value::Array(all) => all.iter().flat_map(told).collect(),
        _ => Vec::new(),
    }
}

/// The names of all tools.
async fn tools() -> Vec<String> {
    let mut wire = Wire::ready(&Home::bare(), &[], ERAS[0], false).await;
    let answer = wire.request("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap().iter();
    tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_plan_is_applied_by_the_command_that_its_dry_run_names() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for command in [
        &["vip", "move", "--from", "101", "--to", "102"][..],
        &["vip", "clear"],
    ] {
        let dry = [command, &["-d", DOMAIN, "--dry-run"]].concat();
        let dry = home.run(&dry).await.stdout;
        let (_, named) = dry.split_once("without the list: `skyswitch ").unwrap();
        let (named, _) = named.split_once('`').unwrap();
        let words: Vec<&str> = named.split(' ').chain(["--yes"]).collect();
        let applied = home.run(&words).await;
        assert_eq!(applied.code, 0, "{named}: {applied:?}");
        assert!(applied.stdout.starts_with("Applied"), "{applied:?}");
    }
}

#[tokio::test]
async fn without_a_terminal_json_says_how_to_agree() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let refused = home.run(&[&REMOVE[..], &["-j"]].concat()).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(refused.json()["status"], "no_answer");
    let next_step = refused.json()["next_step"].as_str().unwrap().to_owned();
    for said in ["in a terminal", "pass `--yes`"] {
        assert!(next_step.contains(said), "{next_step}");
    }
    // Where no flag agrees, none is named.
    let strict = Home::of(&sandbox).with("SKYSWITCH_ALLOW_YES", "0");
    let refused = strict.run(&[&REMOVE[..], &["-j"]].concat()).await;
    let next_step = refused.json()["next_step"].as_str().unwrap().to_owned();
    assert!(!next_step.contains("--yes"), "{next_step}");
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn no_hint_names_a_tool_or_speaks_to_a_model() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    home.write("bad.csv", "number,destination\n6165550131,101\n");
    home.write(
        "rows.csv",
        "ani,destination\n12,101\n6165550132,nobody-there\n",
    );
    let tools = tools().await;
    for command in [
        &REMOVE[..],
        &["vip", "rm", "6165550199", "-d", DOMAIN],
        &["vip", "add", CALLER, "102", "-d", DOMAIN],
        &["vip", "add", "6165550177", "777", "-d", DOMAIN],
        &["vip", "add", "12", "101", "-d", DOMAIN],
        &["vip", "list", "-d", "lakesid"],
        &["vip", "clear", "-d", DOMAIN],
        &["vip", "move", "-d", DOMAIN, "--from", "101", "--to", "102"],
        &["vip", "import", "bad.csv", "-d", DOMAIN],
        &["vip", "import", "rows.csv", "-d", DOMAIN],
        &["vip", "import", "-d", DOMAIN, "--resume", "r-1"],
        &["vip", "import", "-d", DOMAIN, "--plan", "p-1"],
        &["explain", CALLER, "-d", DOMAIN],
        &["changes", "--cursor", "x"],
        &["changes", "--since", "today", "--until", "yesterday"],
        &["undo", "1"],
        &["undo", "--run", "r-1"],
        &["checklist", "-d", DOMAIN],
        &["checklist", "-d", "sunrisebakery"],
        &["onboard", "-d", "sunrisebakery"],
        &["onboard", "-d", DOMAIN],
        &["route", "6165550100", "101", "-d", DOMAIN],
        &["status"],
        &["numbers", "--cursor", "x"],
        &["destinations", "-d", "nobody"],
        &["approve", "K7QM-3XPD"],
        &["doctor"],
        &["pin", "set"],
    ] {
        for is_json in [false, true] {
            let words = match is_json {
                true => [command, &["-j"]].concat(),
                false => command.to_vec(),
            };
            let ran = home.run(&words).await;
            let texts = match is_json {
                true => {
                    let documents = [&ran.stdout, &ran.stderr]
                        .map(|said| serde_json::from_str::<Value>(said).unwrap_or_default());
                    documents.iter().flat_map(told).collect()
                }
                false => vec![ran.stdout.clone(), ran.stderr.clone()],
            };
            for text in texts {
                // JSON is for both faces and names tools.
                for tool in tools.iter().filter(|_| !is_json) {
                    assert!(
                        !text.contains(tool.as_str()),
                        "{words:?} names {tool}: {text}"
                    );
                }
                for phrase in [
                    "the tool",
                    "this tool",
                    "tool call",
                    "Tell the person",
                    "Ask the person",
                    "word for word",
                ] {
                    assert!(!text.contains(phrase), "{words:?} says {phrase}: {text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_plan_in_json_needs_no_more_requests_than_before() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let remove = [&REMOVE[..], &["--yes", "-j"]].concat();
    assert_eq!(home.run(&remove).await.code, 0);
    let users = sandbox.requests();
    let names = users.iter().filter(|seen| seen.path.ends_with("/users"));
    assert_eq!(names.count(), 0, "a program reads no names");
}
