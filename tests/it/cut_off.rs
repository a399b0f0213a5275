//! Imports that are stopped, killed or shut down while rows are sent: what was
//! done is said, and no wanted rule is lost.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Fault, Gate, Sandbox, StoredDnis, StoredRoute, Tenant};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::process::{
    CALLER, DOMAIN, Home, OTHER_CALLER, PATIENCE, demo_sandbox, eventually, sandbox_of, signal,
    stored, writes,
};
use crate::support::protocol::{ERAS, Era, Wire};

/// Rows that an import sends at the same time.
const AT_ONCE: usize = 32;
/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);
/// In this time a server that does not wait for its changes would be gone. A
/// slow machine makes no test fail by it.
const TIME_TO_LEAVE: Duration = Duration::from_millis(400);

fn new_callers(count: usize) -> String {
    let rows = (0..count).map(|n| format!("1616555{:04},101,\n", 1000 + n));
    format!("ani,destination,dnis\n{}", rows.collect::<String>())
}

fn for_number(ani: &str, destination: &str, called: &str) -> StoredRoute {
    StoredRoute::new(DOMAIN, ani, destination).dnis(StoredDnis::number(called))
}

/// Two callers with a rule for any number, which is to go, and one for one
/// number. The service removes the one along with the other.
async fn greedy_sandbox() -> Arc<Sandbox> {
    let tenant = Tenant {
        delete_without_dnis_removes_all: true,
        ..Tenant::empty().domain(DOMAIN, "Lakeside Dental")
    };
    let callers = [CALLER, OTHER_CALLER].into_iter();
    let tenant = callers.fold(tenant, |tenant, ani| {
        tenant
            .route(StoredRoute::new(DOMAIN, ani, "101"))
            .route(for_number(ani, "103", "16165550100"))
    });
    sandbox_of(tenant).await
}

/// The first caller keeps that rule and gets another one, the second one's
/// rings elsewhere. These rows come first.
fn wanted_beside(new: usize) -> String {
    let rows = new_callers(new);
    let (header, rows) = rows.split_once('\n').unwrap();
    format!(
        "{header}\n{CALLER},105,16165550102\n{OTHER_CALLER},104,16165550100\n{rows}{CALLER},103,16165550100\n"
    )
}

fn assert_wanted_rules_exist(sandbox: &Sandbox, new: usize) {
    let rules = stored(sandbox, CALLER);
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert!(rules.contains(&for_number(CALLER, "103", "16165550100")));
    assert!(rules.contains(&for_number(CALLER, "105", "16165550102")));
    let other = for_number(OTHER_CALLER, "104", "16165550100");
    assert_eq!(stored(sandbox, OTHER_CALLER), [other]);
    assert_eq!(sandbox.routes().len(), new + 3);
}

/// Whether the rule exists that the first caller keeps.
fn kept_rule_exists(sandbox: &Sandbox) -> bool {
    stored(sandbox, CALLER).contains(&for_number(CALLER, "103", "16165550100"))
}

/// Asks for the confirmation of an import, and then applies it, with progress.
async fn begin(wire: &mut Wire, mut arguments: Value) -> u64 {
    let waiting = wire.call("sync_vips", arguments.clone()).await;
    arguments["confirmation"] = waiting["structuredContent"]["confirmation"].clone();
    let params = json!({"name": "sync_vips", "arguments": arguments,
        "_meta": {"progressToken": "import"}});
    wire.post("tools/call", params).await
}

#[tokio::test]
async fn an_interrupted_import_gives_its_account_also_before_the_first_answer() {
    for name in ["INT", "TERM", "HUP"] {
        interrupted_by(name).await;
    }
}

async fn interrupted_by(name: &str) {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox)
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with("SKYSWITCH_LOG", "info");
    let gate = Gate::default();
    let late = Fault::hold("PUT", "route-by-ani", &gate);
    sandbox.inject(late.times(100));
    let file = home.write("list.csv", &new_callers(100));
    let file = file.to_str().unwrap();
    let words = ["vip", "import", file, "--domain", DOMAIN, "--yes", "--json"];
    let mut command = home.command(&words);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("rows are sent", || writes(&sandbox).len() == AT_ONCE).await;
    signal(&child, name).await;
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    while let Some(line) = log.next_line().await.unwrap() {
        if line.contains("interrupted") {
            break;
        }
    }
    gate.open();
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1), "{name}: {ended:?}");
    let outcome: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(outcome["status"], "cancelled");
    assert!(outcome["run_id"].as_str().unwrap().starts_with("r-"));
    let done = &outcome["done"];
    assert_eq!(
        (
            &done["made"],
            &done["failed"],
            &done["unknown"],
            &done["not_sent"]
        ),
        (&json!(AT_ONCE), &json!(0), &json!(0), &json!(100 - AT_ONCE))
    );
    let all_acknowledged = writes(&sandbox).iter().all(|write| write.status == 201);
    assert!(all_acknowledged, "the import hung up on what it had sent");
}

#[tokio::test]
async fn a_cancelled_mirror_puts_back_what_was_lost_and_its_account_can_be_asked_for() {
    for era in ERAS {
        let sandbox = greedy_sandbox().await;
        let home = Home::of(&sandbox)
            .with("SKYSWITCH_CONFIRM", "token")
            .with("SKYSWITCH_RATE_LIMIT", "0")
            .with_config(r#"{"max_changes_per_hour": "none"}"#);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let gate = Gate::default();
        let late = Fault::hold("PUT", "16165551", &gate);
        sandbox.inject(late.times(60));
        let list = wanted_beside(60);
        let arguments = json!({"domain": DOMAIN, "mode": "mirror", "list": list});
        let id = begin(&mut wire, arguments).await;
        // Whichever notice comes first: rows may have been made before it was sent.
        let notice = wire.notified("notifications/progress").await;
        let message = notice["params"]["message"].as_str().unwrap();
        let (_, run) = message.split_once("of import ").unwrap();
        eventually("rules are removed", || !kept_rule_exists(&sandbox)).await;
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id, "reason": "enough"}});
        wire.send(cancel).await;
        // Answered after the cancellation was read.
        wire.call("list_domains", json!({})).await;
        gate.open();
        eventually("what was lost is put back", || kept_rule_exists(&sandbox)).await;

        let look = json!({"domain": DOMAIN, "resume": "last", "dry_run": true});
        let account = wire.call("sync_vips", look).await["structuredContent"].clone();
        assert_eq!(
            (&account["status"], &account["run_id"]),
            (&json!("planned"), &json!(run)),
            "{account}"
        );
        let made = writes(&sandbox).iter().filter(|w| w.status < 300).count();
        assert!(made < 60, "{made}");
        let (done, left) = (&account["done"], account["done"]["not_sent"].as_u64());
        // One of the writes put a rule back, which was not on the plan.
        assert_eq!(done["made"], made - 1, "{account}");
        assert_eq!(done["made"].as_u64().unwrap() + left.unwrap(), 64);
        let rows = account["rows"].as_array().unwrap().iter();
        let not_sent = rows.filter(|row| row["state"] == "not_sent").count();
        assert_eq!(Some(not_sent as u64), left);

        begin_and_finish(&mut wire, json!({"domain": DOMAIN, "resume": "last"})).await;
        assert_wanted_rules_exist(&sandbox, 60);
    }
}

async fn begin_and_finish(wire: &mut Wire, arguments: Value) {
    let id = begin(wire, arguments).await;
    let outcome = wire.result_of(id).await["structuredContent"].clone();
    assert_eq!(outcome["status"], "applied", "{outcome}");
}

#[tokio::test]
async fn a_mirror_that_is_shut_down_puts_back_what_was_lost() {
    for by_signal in [false, true] {
        let sandbox = greedy_sandbox().await;
        let home = Home::of(&sandbox)
            .with("SKYSWITCH_CONFIRM", "token")
            .with("SKYSWITCH_RATE_LIMIT", "0");
        let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
        let gate = Gate::default();
        let late = Fault::hold("PUT", "16165551", &gate);
        sandbox.inject(late.times(AT_ONCE));
        let list = wanted_beside(40);
        begin(
            &mut wire,
            json!({"domain": DOMAIN, "mode": "mirror", "list": list}),
        )
        .await;
        eventually("rules are removed", || !kept_rule_exists(&sandbox)).await;
        match by_signal {
            true => signal(&wire.child, "TERM").await,
            false => wire.close_input(),
        }
        tokio::time::sleep(TIME_TO_LEAVE).await;
        gate.open();
        let ended = wire.ended_within(PATIENCE).await;
        assert!(ended.status.success(), "{ended:?}");
        assert!(kept_rule_exists(&sandbox), "by signal: {by_signal}");
    }
}

#[tokio::test]
async fn a_killed_mirror_loses_no_wanted_rule_when_it_is_continued() {
    let sandbox = greedy_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    // Six new rules and one that is replaced: all of them are under way.
    let late = Fault::delay("PUT", "route-by-ani", FOREVER);
    sandbox.inject(late.times(7));
    let file = home.write("list.csv", &wanted_beside(5));
    let file = file.to_str().unwrap();
    let import = [
        "vip", "import", file, "--domain", DOMAIN, "--mode", "mirror", "--yes",
    ];
    let mut command = home.command(&import);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    eventually("all rows are under way", || writes(&sandbox).len() == 9).await;
    assert!(!kept_rule_exists(&sandbox));
    child.kill().await.unwrap();
    assert!(stored(&sandbox, OTHER_CALLER).is_empty());

    let take_up = [
        "vip", "import", "--domain", DOMAIN, "--resume", "--yes", "--json",
    ];
    let planned = home.run(&[&take_up[..], &["--dry-run"]].concat()).await;
    // Those seven, and the rule that only went along.
    assert_eq!(
        planned.json()["done"],
        json!({"made": 2, "failed": 0, "unknown": 0, "not_sent": 8})
    );
    let taken_up = home.run(&take_up).await;
    assert_eq!(taken_up.code, 0, "{taken_up:?}");
    assert_eq!(taken_up.json()["status"], "applied");
    assert_wanted_rules_exist(&sandbox, 5);
    let nothing_left = home.run(&take_up).await;
    assert_eq!(nothing_left.json_error()["code"], "not_found");
}
