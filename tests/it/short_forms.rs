//! What a command line may say in short, and what it shows until it is stopped.

use std::process::Stdio;

use serde_json::json;
use skyswitch_mcp::sandbox::{StoredRoute, Tenant};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

use crate::support::process::{
    CALLER, DOMAIN, Home, PATIENCE, demo_sandbox, sandbox_of, signal, stored, writes,
};
use crate::support::protocol::{Era, Wire};

#[tokio::test]
async fn a_caller_and_a_destination_need_no_flags() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for words in [
        &["vip", "add", "6165550177", "101", "-d", "lakeside"][..],
        &["vip", "rm", "6165550177", "-d", "lakeside", "--yes"],
        &["vip", "ls", "-d", "lakeside"],
        &["explain", CALLER, "-d", "lakeside"],
    ] {
        let ran = home.run(words).await;
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    }
    let [added, removed] = &writes(&sandbox)[..] else {
        panic!("two changes were expected");
    };
    assert_eq!(added.parameter("ani"), Some("16165550177"));
    assert_eq!(added.parameter("destination"), Some("101"));
    assert_eq!(removed.parameter("ani"), Some("16165550177"));
    let listed = home.run(&["vip", "list", "6165550123", "--json"]).await;
    let found = listed.json()["vips"].clone();
    let rows = found.as_array().unwrap().iter();
    assert!(
        rows.clone().count() > 0 && rows.clone().all(|row| row["ani"] == CALLER),
        "{found}"
    );
}

#[tokio::test]
async fn a_value_that_is_given_twice_must_be_the_same() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let twice = |flag: &'static str| {
        [
            "vip",
            "add",
            "6165550177",
            "101",
            "-d",
            DOMAIN,
            "--ani",
            flag,
        ]
    };
    let refused = home.run(&twice("6165550178")).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--ani"), "{refused:?}");
    assert!(refused.stderr.contains("differ"), "{refused:?}");
    assert_eq!(writes(&sandbox), []);
    let added = home.run(&twice("(616) 555-0177")).await;
    assert_eq!(added.code, 0, "{added:?}");
    let missing = home.run(&["vip", "add", "6165550177", "-d", DOMAIN]).await;
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("--destination"), "{missing:?}");
}

#[tokio::test]
async fn changes_are_found_by_words_for_days() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    home.run(&["vip", "add", "6165550177", "101", "-d", DOMAIN])
        .await;
    for (words, found) in [
        (&["--since", "yesterday"][..], 1),
        (&["--since", "last week", "--until", "today"], 1),
        (&["--since", "3d", "--until", "1h"], 0),
        (&["--until", "yesterday"], 0),
        (&["--since", "2026-01-01"], 1),
    ] {
        let all = [&["changes", "--json"][..], words].concat();
        let ran = home.run(&all).await;
        assert_eq!(ran.json()["total"], found, "{words:?}: {ran:?}");
    }
    for (since, until) in [
        ("2026-03-15", "2026-03-14"),
        ("today", "yesterday"),
        ("1h", "3h"),
    ] {
        let times = ["changes", "--since", since, "--until", until];
        let refused = home.run(&times).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        for flag in ["`--since`", "`--until`"] {
            assert!(refused.stderr.contains(flag), "{refused:?}");
        }
    }
    let refused = home.run(&["changes", "--since", "some day"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    let mut server = Wire::ready(&home, &[], Era::Legacy, false).await;
    let asked = json!({"since": "last week", "until": "yesterday"});
    let listed = server.call("list_changes", asked).await;
    assert_eq!(listed["structuredContent"]["total"], 0, "{listed}");
}

#[tokio::test]
async fn the_first_words_of_a_description_name_a_customer_unless_several_begin_so() {
    let tenant = Tenant::demo().domain("lakesideoptics.12345.service", "Lakeside Optics");
    let sandbox = sandbox_of(tenant).await;
    let home = Home::of(&sandbox);
    let add = |customer| ["vip", "add", "6165550177", "101", "-d", customer];
    let refused = home.run(&add("lakeside")).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("Lakeside Optics"), "{refused:?}");
    let refused = home.run(&add("maple")).await;
    assert_eq!(refused.code, 1, "half a word names nobody: {refused:?}");
    assert_eq!(writes(&sandbox), []);
    let found = home
        .run(&["vip", "list", "-d", "maplewood", "--json"])
        .await;
    assert_eq!(found.code, 0, "{found:?}");
}

async fn next_line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    line.expect("a line").unwrap().expect("it goes on")
}

#[tokio::test]
async fn watching_prints_what_has_changed_and_ends_with_the_code_of_the_last_look() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut command = home.command(&["status", "--watch", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut first = Vec::new();
    while !first
        .last()
        .is_some_and(|line: &String| line.starts_with("Next: "))
    {
        first.push(next_line(&mut lines).await);
    }
    assert!(
        first.iter().any(|line| line.starts_with(DOMAIN)),
        "{first:?}"
    );
    sandbox.put_route(StoredRoute::new(DOMAIN, "16165550199", "101"));
    let news = next_line(&mut lines).await;
    assert!(news.starts_with(DOMAIN) && !first.contains(&news), "{news}");
    signal(&child, "INT").await;
    let ended = child.wait().await.unwrap();
    // The demo tenant has a customer who is losing calls.
    assert_eq!(ended.code(), Some(5));
}

#[tokio::test]
async fn the_server_says_what_it_is_to_whoever_starts_it_at_a_terminal() {
    let typed = Some(("It serves now", "\u{4}"));
    let words = ["mcp", "--sandbox"];
    let Some(ran) = Home::bare().run_at_terminal(&words, typed).await else {
        return eprintln!("not tried: `script` of util-linux, which gives a terminal, is missing");
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("claude mcp add"), "{ran:?}");
}

/// The examples below `--help` of a command.
async fn examples(home: &Home, command: &[&str]) -> Vec<String> {
    let help = home.run(&[command, &["--help"]].concat()).await;
    let (_, below) = help.stdout.split_once("Examples:\n").unwrap_or_default();
    let lines = below.lines().map_while(|line| line.strip_prefix("  "));
    lines.map(str::to_owned).collect()
}

/// The commands that the help of a command names.
async fn subcommands(home: &Home, command: &[&str]) -> Vec<String> {
    let help = home.run(&[command, &["--help"]].concat()).await;
    let (_, below) = help.stdout.split_once("Commands:\n").unwrap_or_default();
    let lines = below.lines().map_while(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_command_has_examples_and_each_of_them_works() {
    let home = Home::bare();
    home.write("list.csv", "ani,destination\n6165550181,101\n");
    // The first change, which the examples of `undo` are about.
    let first = [
        "--sandbox",
        "vip",
        "add",
        "6165550180",
        "101",
        "-d",
        "lakeside",
    ];
    assert_eq!(home.run(&first).await.code, 0);
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    for name in subcommands(&home, &[]).await {
        for below in subcommands(&home, &[&name]).await {
            commands.push(vec![name.clone(), below]);
        }
        commands.push(vec![name]);
    }
    assert!(commands.len() > 25, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let examples = examples(&home, &words).await;
        assert!(!examples.is_empty(), "{command:?} has no example");
        for example in examples {
            let line = example.strip_prefix("skyswitch ").expect("a command line");
            let sandbox = match line.contains("--sandbox") {
                true => "",
                false => "--sandbox ",
            };
            let binary = env!("CARGO_BIN_EXE_skyswitch");
            let shell = format!("'{binary}' {sandbox}{line}");
            let mut run = home.program("/bin/sh", &["-c", &shell]);
            let ran = run.stdin(Stdio::null()).output().await.unwrap();
            let text = String::from_utf8_lossy(&ran.stderr).into_owned();
            // 3 and 4 of those that wait for a person at a terminal, 5 of an alarm;
            // `close` finds the change closed already.
            let code = ran.status.code();
            let is_fine = match command.last().map(String::as_str) {
                Some("close") => code != Some(2),
                Some("status") if command.len() == 1 => code == Some(5),
                // They ask at a terminal, and not for the sandbox; nothing is set yet.
                Some("login" | "auth" | "status") => matches!(code, Some(0 | 2)),
                Some("get") => matches!(code, Some(0 | 1)),
                _ => matches!(code, Some(0 | 3)),
            };
            assert!(is_fine, "{example}: {code:?} {text}");
        }
    }
    let sandbox = demo_sandbox().await;
    assert_eq!(
        stored(&sandbox, CALLER).len(),
        1,
        "the examples touch nothing else"
    );
}
