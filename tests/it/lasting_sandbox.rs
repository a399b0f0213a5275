//! `--sandbox` keeps its data and its journal from one command to the next,
//! apart from everything real.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::process::{Home, Ran};
use crate::support::protocol::{Era, Wire};

const DEMO_RULES: u64 = 11;

async fn add(home: &Home, caller: &str) -> Ran {
    let words = ["--sandbox", "vip", "add", caller, "101", "-d", "lakeside"];
    home.run(&words).await
}

async fn rules(home: &Home, sandbox: &str) -> u64 {
    let listed = home.run(&[sandbox, "vip", "list", "--json"]).await;
    listed.json()["total"].as_u64().unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_one_command_changes_the_next_one_sees_until_it_starts_afresh() {
    let home = Home::bare();
    assert_eq!(rules(&home, "--sandbox").await, DEMO_RULES);
    let added = add(&home, "6165550177").await;
    assert_eq!(added.code, 0, "{added:?}");
    // What is to be done next leads to the same data.
    assert!(
        added.stdout.contains("`skyswitch --sandbox undo 1`"),
        "{added:?}"
    );
    assert_eq!(rules(&home, "--sandbox").await, DEMO_RULES + 1);
    let undone = home.run(&["--sandbox", "undo", "1", "--yes"]).await;
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(rules(&home, "--sandbox").await, DEMO_RULES);
    add(&home, "6165550177").await;
    assert_eq!(rules(&home, "--sandbox=fresh").await, DEMO_RULES);
    assert_eq!(rules(&home, "--sandbox").await, DEMO_RULES);
    let changes = home.run(&["--sandbox", "changes", "--json"]).await.json();
    assert_eq!(
        changes["total"], 0,
        "a fresh sandbox has no past: {changes}"
    );
}

#[tokio::test]
async fn the_journal_of_the_sandbox_is_its_own_and_private() {
    let home = Home::bare();
    add(&home, "6165550177").await;
    let state = home.path().join("state");
    assert!(!state.join("state.db").exists(), "a real journal was begun");
    let own = state.join("sandbox");
    assert!(own.join("state.db").exists());
    assert_eq!(mode(&own), 0o700);
    for entry in std::fs::read_dir(&own).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn processes_that_use_it_at_once_lose_no_change() {
    let home = Home::bare();
    let mut server = Wire::ready(&home, &["--sandbox"], Era::Legacy, false).await;
    let callers: Vec<String> = (0..6).map(|last| format!("616555019{last}")).collect();
    let commands = join_all(callers.iter().map(|caller| add(&home, caller)));
    let arguments = json!({"domain": "lakeside", "ani": "6165550199", "destination": "101"});
    let (ran, served) = tokio::join!(commands, server.call("add_vip", arguments));
    for ran in ran {
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(served["structuredContent"]["status"], "created", "{served}");
    assert_eq!(rules(&home, "--sandbox").await, DEMO_RULES + 7);
    let listed = server
        .call("list_vips", json!({"domain": "lakeside"}))
        .await;
    assert_eq!(listed["structuredContent"]["total"], 6 + 7, "{listed}");
}

#[tokio::test]
async fn nobody_starts_afresh_beneath_another_process() {
    let home = Home::bare();
    let _server = Wire::ready(&home, &["--sandbox"], Era::Legacy, false).await;
    let refused = home.run(&["--sandbox=fresh", "vip", "list"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("another process"), "{refused:?}");
}

#[tokio::test]
async fn damaged_data_are_said_and_kept_aside() {
    let home = Home::bare();
    add(&home, "6165550177").await;
    let damaged = home.write("state/sandbox/data.json", "{\"domains\": [");
    let ran = home.run(&["--sandbox", "vip", "list", "--json"]).await;
    assert_eq!(ran.json()["total"], DEMO_RULES, "{ran:?}");
    assert!(ran.stderr.contains("damaged"), "{ran:?}");
    let aside = damaged.with_file_name("data.json.damaged-1");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"domains\": [");
    let again = home.run(&["--sandbox", "vip", "list", "--json"]).await;
    assert_eq!(again.stderr, "");
}

#[tokio::test]
async fn where_nothing_can_be_kept_the_sandbox_works_and_says_so() {
    let home = Home::bare().with("SKYSWITCH_STATE_DIR", "/dev/null/state");
    let ran = home.run(&["--sandbox", "vip", "list", "--json"]).await;
    assert_eq!(ran.json()["total"], DEMO_RULES, "{ran:?}");
    assert!(ran.stderr.contains("end with this process"), "{ran:?}");
}

#[tokio::test]
async fn the_demo_leaves_nothing_behind() {
    let home = Home::bare();
    let folder = home.path().join("tmp");
    std::fs::create_dir(&folder).unwrap();
    let home = home.with("TMPDIR", folder.to_str().unwrap());
    let ran = home.run(&["demo"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    assert!(!home.path().join("state").exists());
}
