//! Files that commands write: whole or not at all, told of whatever they are
//! called, and with what the call has changed besides.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use jiff::{ToSpan, Zoned};
use serde_json::Value;
use skyswitch_mcp::sandbox::StoredRoute;

use crate::support::process::{DOMAIN, Home, demo_sandbox, stored};

#[tokio::test]
async fn a_path_that_is_no_unicode_is_used_and_told_of() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let export = ["vip", "export", "-d", DOMAIN, "--json", "--output"];
    for (before, path, after, is_written) in [
        (&export[..], b"list-\xff.csv", &[][..], true),
        (
            &["doctor", "--json", "--sample"],
            b"sample-\xff.j",
            &[],
            true,
        ),
        (&["man"], b"manual-\xff..", &["--json"], true),
        (
            &["--config"],
            b"config-\xff.j",
            &["config", "path", "-j"],
            false,
        ),
    ] {
        let path = OsStr::from_bytes(path);
        let mut command = home.command(before);
        let output = command.arg(path).args(after).stdin(Stdio::null()).output();
        let output = output.await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{before:?}: {output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let name = told["file"].as_str().or(told["dir"].as_str()).unwrap();
        assert!(name.contains('\u{fffd}'), "{told}");
        assert_eq!(home.path().join(path).exists(), is_written, "{told}");
    }
}

#[tokio::test]
async fn a_path_that_a_client_cannot_keep_is_not_written_into_its_settings() {
    let home = Home::bare();
    let mut command = home.command(&["install", "cursor", "--yes", "--config"]);
    command.arg(OsStr::from_bytes(b"config-\xff.j"));
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not Unicode"), "{said}");
    assert!(!home.path().join("home/.cursor").exists());
}

/// The names in the folder in which commands run.
fn names(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.path()).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_list_that_cannot_be_written_whole_leaves_nothing_in_the_way_of_the_next_try() {
    let sandbox = demo_sandbox().await;
    for number in 0..40 {
        let caller = format!("1616555{:04}", 7_000 + number);
        sandbox.put_route(StoredRoute::new(DOMAIN, &caller, "101"));
    }
    let home = Home::of(&sandbox);
    assert_eq!(home.run(&["vip", "list"]).await.code, 0);
    let before = names(&home);
    let export = ["vip", "export", "-d", DOMAIN, "--output", "list.csv"];
    let full = home.with_files_up_to(1);
    let ran = full.run(&export).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("list.csv cannot be written"), "{ran:?}");
    assert!(ran.stderr.contains("free space"), "{ran:?}");
    assert_eq!(names(&home), before);

    let ran = home.run(&export).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let path = home.path().join("list.csv");
    let written = std::fs::read_to_string(&path).unwrap();
    let ran = full.run(&[&export[..], &["--force"]].concat()).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

/// Adds a rule, and lets its last day be over.
async fn add_one_that_is_over(home: &Home, caller: &str) {
    let tomorrow = Zoned::now()
        .date()
        .checked_add(1.day())
        .unwrap()
        .to_string();
    let add = [
        "vip", "add", caller, "101", "-d", DOMAIN, "--until", &tomorrow,
    ];
    let added = home.run(&add).await;
    assert_eq!(added.code, 0, "{added:?}");
    home.change_journal("UPDATE vip_notes SET ends_at = 1 WHERE ends_at IS NOT NULL");
}

#[tokio::test]
async fn an_export_tells_in_json_too_which_rules_it_has_removed() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let guest = "16165550177";
    add_one_that_is_over(&home, guest).await;
    let export = ["vip", "export", "-d", DOMAIN, "--json", "--output"];
    let to = |file| [&export[..], &[file]].concat();
    home.write("mine.csv", "mine");
    let ran = home.run(&to("mine.csv")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(
        stored(&sandbox, guest).len(),
        1,
        "removed by a call that was refused"
    );

    let ran = home.run(&to("list.csv")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let warning = ran.json()["warnings"][0].clone();
    assert!(warning.as_str().unwrap().contains("was removed"), "{ran:?}");
    assert_eq!(stored(&sandbox, guest).len(), 0);

    add_one_that_is_over(&home, guest).await;
    let ran = home.run(&to("no/such/folder/list.csv")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let hint = ran.json_error()["hint"].clone();
    assert!(hint.as_str().unwrap().contains("was removed"), "{ran:?}");
}
