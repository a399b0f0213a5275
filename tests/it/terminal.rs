//! How results look: at a terminal of any width, and in a pipe.

use std::process::Stdio;

use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute, Tenant};

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::support::process::{
    CALLER, DOMAIN, Home, PATIENCE, demo_sandbox, sandbox_of, stored, writes,
};

const REMOVE: [&str; 6] = ["vip", "rm", "6165550123", "-d", DOMAIN, "--dnis=*"];

/// What a terminal of so many columns shows of a command; None where there is
/// no terminal to try it at.
async fn shown_at(columns: usize, home: &Home, arguments: &[&str]) -> Option<String> {
    if !std::path::Path::new("/usr/bin/script").exists() {
        return None;
    }
    let words: String = arguments.iter().map(|word| format!(" '{word}'")).collect();
    let binary = env!("CARGO_BIN_EXE_skyswitch");
    let line = format!("stty cols {columns} rows 24; '{binary}'{words}");
    let mut script = home.program("/usr/bin/script", &["-qec", &line, "/dev/null"]);
    let script = script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    let ran = script
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .await;
    let shown = String::from_utf8(ran.unwrap().stdout).unwrap();
    Some(shown.replace('\r', ""))
}

fn widest(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn texts_are_broken_at_the_width_of_the_terminal_and_not_in_a_pipe() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let words = ["checklist", "-d", "sunrisebakery"];
    let piped = home.run(&words).await.stdout;
    assert!(widest(&piped) > 100, "{piped}");
    for columns in [60, 100] {
        let Some(shown) = shown_at(columns, &home, &words).await else {
            return eprintln!("not tried: `script` of util-linux is missing");
        };
        assert!(widest(&shown) <= columns, "{columns}: {shown}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&shown), words(&piped));
    }
    let error = [
        "vip",
        "list",
        "-d",
        "no such customer anywhere in the world",
    ];
    let shown = shown_at(60, &home, &error).await.unwrap();
    assert!(widest(&shown) <= 60, "{shown}");
}

#[tokio::test]
async fn a_narrow_terminal_shows_blocks_and_a_wide_one_a_table() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let words = ["vip", "list", "-d", DOMAIN];
    let Some(narrow) = shown_at(60, &home, &words).await else {
        return eprintln!("not tried: `script` of util-linux is missing");
    };
    assert!(narrow.contains("Caller: +1 616-555-0123\n"), "{narrow}");
    assert!(
        narrow.contains("Destination: Maya Lindgren (101)\n"),
        "{narrow}"
    );
    assert!(!narrow.contains('│') && widest(&narrow) <= 60, "{narrow}");
    let wide = shown_at(100, &home, &words).await.unwrap();
    assert!(wide.contains('│') && widest(&wide) <= 100, "{wide}");
}

#[tokio::test]
async fn a_table_cuts_no_word_into_pieces() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write("list.csv", "ani,destination\n6165550126,102\n");
    let import = ["vip", "import", file.to_str().unwrap(), "-d", DOMAIN];
    let import = [&import[..], &["--dry-run"]].concat();
    let whole = ["translation", "616-555-0160", "maplewoodvet.12345.service"];
    for (list, words) in [
        (&["status"][..], &whole[..]),
        (
            &["numbers"],
            &["616-555-0140", "(harborlegal.12345.service)"],
        ),
        (&import, &["Lindgren", "616-555-0126"]),
    ] {
        for columns in [80, 100] {
            let Some(shown) = shown_at(columns, &home, list).await else {
                return eprintln!("not tried: `script` of util-linux is missing");
            };
            for word in words {
                assert!(shown.contains(word), "{columns}, {word}: {shown}");
            }
            let table = shown.lines().filter(|line| line.starts_with('│'));
            assert!(
                table.into_iter().all(|line| widest(line) <= columns),
                "{shown}"
            );
        }
    }
    let narrow = shown_at(80, &home, &["status"]).await.unwrap();
    assert!(narrow.contains("┆ not started"), "still a table: {narrow}");
    assert!(!narrow.contains("Maplewood"), "{narrow}");
    let wide = shown_at(120, &home, &["status"]).await.unwrap();
    assert!(wide.contains("Maplewood Vet"), "{wide}");
}

#[tokio::test]
async fn what_is_laid_out_in_columns_goes_on_below_the_last_one() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let Some(shown) = shown_at(80, &home, &["doctor"]).await else {
        return eprintln!("not tried: `script` of util-linux is missing");
    };
    let checks = shown.lines().take_while(|line| !line.starts_with("All"));
    for line in checks.filter(|line| !line.starts_with(['o', 's'])) {
        assert!(line.starts_with(&" ".repeat(23)), "{shown}");
    }
    assert!(!shown.lines().any(|line| line.ends_with(' ')), "{shown}");
}

#[tokio::test]
async fn blocks_are_parted_from_what_is_said_after_them() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let Some(shown) = shown_at(60, &home, &["vip", "list", "-d", DOMAIN]).await else {
        return eprintln!("not tried: `script` of util-linux is missing");
    };
    assert!(shown.ends_with("\n\n6 VIP rules\n"), "{shown}");
}

#[tokio::test]
async fn nothing_is_drawn_in_a_pipe_unless_it_is_asked_for() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for list in [
        &["vip", "list"][..],
        &["domains"],
        &["status"],
        &["numbers"],
        &["destinations", "-d", DOMAIN],
        &["sandbox", "--list-habits"],
    ] {
        let piped = home.run(list).await.stdout;
        assert!(!piped.contains(['│', '─', '┌']), "{list:?}: {piped}");
        let drawn = home
            .run(&[list, &["--format", "table"]].concat())
            .await
            .stdout;
        assert!(drawn.contains('│'), "{list:?}: {drawn}");
        let csv = home.run(&[list, &["--format=csv"]].concat()).await.stdout;
        let commas = csv.lines().next().unwrap().matches(',').count();
        assert!(commas > 0, "{list:?}: {csv}");
    }
    let json = home.run(&["--format", "json", "domains"]).await;
    assert_eq!(json.json(), home.run(&["domains", "-j"]).await.json());
    let csv = home
        .run(&["vip", "list", "-d", DOMAIN, "--format", "csv"])
        .await;
    let mut lines = csv.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("Caller,Dialled number,Destination,Customer,Note,Until")
    );
    let caller = lines.next().unwrap();
    assert!(
        caller.starts_with("'+1 616-555-0123,"),
        "no formula: {caller}"
    );
    assert_eq!(lines.count(), 5, "{csv:?}");
}

#[tokio::test]
async fn what_prints_no_list_is_not_done_where_csv_is_wanted() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = [
        "vip",
        "add",
        "6165550177",
        "101",
        "-d",
        DOMAIN,
        "--format",
        "csv",
    ];
    let ran = home.run(&add).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(writes(&sandbox), []);
    let both = home.run(&["domains", "-j", "--format", "csv"]).await;
    assert_eq!(both.code, 2, "{both:?}");
}

#[tokio::test]
async fn columns_that_say_nothing_are_left_out() {
    let route = StoredRoute::new(DOMAIN, CALLER, "101");
    let dialled = route.clone().dnis(StoredDnis::number("16165550100"));
    let tenant = Tenant::empty()
        .domain(DOMAIN, "Lakeside Dental")
        .route(route);
    let sandbox = sandbox_of(tenant).await;
    let home = Home::of(&sandbox);
    let shown = home.run(&["vip", "list"]).await.stdout;
    assert!(
        shown.contains("Customer") && !shown.contains("Dialled"),
        "{shown}"
    );
    sandbox.put_route(dialled);
    let shown = home.run(&["vip", "list", "-d", DOMAIN]).await.stdout;
    assert!(
        !shown.contains("Customer") && shown.contains("Dialled"),
        "{shown}"
    );
    assert!(
        shown.contains("any") && shown.contains("+1 616-555-0100"),
        "{shown}"
    );
}

#[tokio::test]
async fn people_are_named_beside_their_extensions() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    home.run(&["vip", "add", "6165550177", "101", "-d", DOMAIN])
        .await;
    let file = home.write("list.csv", "ani,destination\n6165550181,101\n");
    for list in [
        &["vip", "list"][..],
        &["vip", "list", "-d", DOMAIN],
        &[
            "vip",
            "import",
            file.to_str().unwrap(),
            "-d",
            DOMAIN,
            "--dry-run",
        ],
        &["changes"],
        &["changes", "-d", DOMAIN],
    ] {
        let shown = home.run(list).await.stdout;
        assert!(shown.contains("Maya Lindgren (101)"), "{list:?}: {shown}");
    }
}

#[tokio::test]
async fn the_last_line_says_what_comes_next() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    home.run(&["vip", "add", "6165550177", "101", "-d", DOMAIN])
        .await;
    let list = home.write("list.csv", "ani,destination\n6165550181,101\n");
    let import = [
        "vip",
        "import",
        list.to_str().unwrap(),
        "-d",
        DOMAIN,
        "--dry-run",
    ];
    for (words, next) in [
        (&["changes"][..], "skyswitch undo ID"),
        (&["status"], "skyswitch checklist --domain "),
        (&import, "without `--dry-run`"),
        (&["sandbox", "--list-habits"], "skyswitch sandbox --habits"),
    ] {
        let shown = home.run(words).await.stdout;
        let last = shown.lines().last().unwrap();
        assert!(
            last.starts_with("Next: ") && last.contains(next),
            "{words:?}: {shown}"
        );
    }
}

#[tokio::test]
async fn colours_are_where_they_are_wanted() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let is_coloured = |text: &str| text.contains("\u{1b}[");
    for (words, coloured) in [
        (&["doctor", "--color", "always"][..], true),
        (&["--color=always", "frobnicate"], true),
        (&["doctor"], false),
    ] {
        let ran = home.run(words).await;
        assert_eq!(
            is_coloured(&(ran.stdout + &ran.stderr)),
            coloured,
            "{words:?}"
        );
    }
    for (name, value, coloured) in [
        ("FORCE_COLOR", "1", true),
        ("CLICOLOR_FORCE", "1", true),
        ("FORCE_COLOR", "0", false),
    ] {
        let home = Home::of(&sandbox).with(name, value);
        assert_eq!(
            is_coloured(&home.run(&["doctor"]).await.stdout),
            coloured,
            "{name}={value}"
        );
        let never = home.with("NO_COLOR", "1");
        assert!(!is_coloured(&never.run(&["doctor"]).await.stdout), "{name}");
    }
    if let Some(ran) = home
        .run_at_terminal(&["doctor", "--color", "never"], None)
        .await
    {
        assert!(!is_coloured(&ran.stdout), "{ran:?}");
    }
}

#[tokio::test]
async fn escape_and_ctrl_d_cancel_a_question() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for key in ["\u{1b}", "\u{4}", "616\u{4}"] {
        let asked = Some(("or \"no\" to decline", key));
        let Some(ran) = home.run_at_terminal(&REMOVE, asked).await else {
            return eprintln!("not tried: `script` of util-linux is missing");
        };
        assert_eq!(ran.code, 3, "{key:?}: {ran:?}");
    }
    assert_eq!(stored(&sandbox, CALLER).len(), 1);
}

#[tokio::test]
async fn what_is_typed_is_shown_once() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let asked = Some(("or \"no\" to decline", "616.555.0123"));
    let Some(ran) = home.run_at_terminal(&REMOVE, asked).await else {
        return eprintln!("not tried: `script` of util-linux is missing");
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.matches("616.555.0123").count(), 1, "{ran:?}");
}

#[tokio::test]
async fn what_every_command_takes_has_a_heading_of_its_own() {
    let help = Home::bare().run(&["vip", "list", "-h"]).await.stdout;
    let (own, global) = help.split_once("Global options:").expect("a heading");
    assert!(own.contains("--dnis") && !own.contains("--json"), "{help}");
    for flag in ["--json", "--format", "--color", "--sandbox", "--account"] {
        assert!(global.contains(flag), "{flag}: {help}");
    }
}

#[tokio::test]
async fn a_watch_ends_with_the_last_look_where_nobody_reads_it_any_more() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let expected = home.run(&["status"]).await.code;
    for format in ["plain", "json"] {
        let mut watch = home.command(&["status", "--watch", "1", "--format", format]);
        let watch = watch.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut watch = watch.spawn().unwrap();
        let mut reader = watch.stdout.take().unwrap();
        assert!(reader.read(&mut [0; 64]).await.unwrap() > 0);
        drop(reader);
        // Also where there is nothing more to print.
        let ended = timeout(PATIENCE, watch.wait()).await;
        let code = ended.expect("it ends").unwrap().code();
        assert_eq!(code, Some(expected), "{format}");
    }
}
