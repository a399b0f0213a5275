//! An import that is killed at any moment can be taken up again: nothing is
//! lost, and nothing is done twice.
//!
//! `KILL_POINTS` and `KILL_ROWS` make it longer; `tests/crash/full_run` does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that cannot go on fails its test, and the long run says how far it is"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use skyswitch_mcp::sandbox::{Sandbox, StoredRoute, Tenant};

use crate::process::{DOMAIN, Home, sandbox_of};

fn number_from(variable: &str, default: u32) -> u32 {
    let value = skyswitch_mcp::config::process_environment(variable);
    value.map_or(default, |text| text.parse().unwrap())
}

/// A customer of whom half the wanted callers are VIPs that ring elsewhere,
/// and some others are not wanted any more.
fn tenant(rows: u32) -> Tenant {
    let tenant = Tenant::empty().domain(DOMAIN, "Lakeside Dental");
    let standing = (0..rows / 2).map(|n| (caller(n * 2), "100".to_owned()));
    let unwanted = (0..rows / 5).map(|n| (format!("1616444{n:04}"), "100".to_owned()));
    let routes = standing.chain(unwanted);
    routes.fold(tenant, |tenant, (ani, destination)| {
        tenant.route(StoredRoute::new(DOMAIN, &ani, &destination))
    })
}

fn caller(number: u32) -> String {
    format!("1616555{number:04}")
}

fn wanted(rows: u32) -> BTreeMap<String, String> {
    let destination = |n: u32| format!("10{}", n % 7 + 1);
    (0..rows).map(|n| (caller(n), destination(n))).collect()
}

fn standing(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let routes = sandbox.routes().into_iter();
    routes.map(|route| (route.ani, route.destination)).collect()
}

/// Arguments of the import, which takes up what was cut off.
fn import(file: &Path) -> Vec<String> {
    let words = [
        "vip",
        "import",
        file.to_str().unwrap(),
        "--domain",
        DOMAIN,
        "--mode",
        "mirror",
        "--yes",
        "--resume",
        "--json",
    ];
    words.map(str::to_owned).to_vec()
}

/// Changes that the journal knows to be made, by caller.
async fn recorded(home: &Home) -> Vec<String> {
    let changes = home.run(&["changes", "--json"]).await.json();
    let rows = changes["changes"].as_array().unwrap().clone();
    rows.into_iter()
        .filter(|change| change["made"] == true)
        .map(|change| change["ani"].as_str().unwrap().to_owned())
        .collect()
}

/// Starts an import and kills it after `delay`; true when it had ended before.
async fn killed(home: &Home, file: &Path, delay: Duration) -> bool {
    let mut command = home.command(&import(file));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(delay).await;
    // SIGKILL: the process can do nothing about it.
    let ended = child.try_wait().unwrap().is_some();
    child.kill().await.unwrap();
    ended
}

/// Kills one import at `delay`, takes it up, and looks at everything.
async fn survives(rows: u32, latency: Duration, delay: Duration) {
    let sandbox = sandbox_of(tenant(rows)).await;
    sandbox.set_latency(latency);
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let list: String = wanted(rows)
        .iter()
        .map(|(ani, destination)| format!("{ani},{destination}\n"))
        .collect();
    let file = home.write("list.csv", &format!("ani,destination\n{list}"));
    let ended = killed(&home, &file, delay).await;

    // What the journal closes by what stands counts as recorded, too.
    let known = recorded(&home).await;
    sandbox.clear_requests();
    let words = import(&file);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let taken_up = home.run(&words).await;
    assert_eq!(taken_up.code, 0, "after {delay:?}: {taken_up:?}");
    assert_eq!(standing(&sandbox), wanted(rows), "after {delay:?}");
    let requests = sandbox.requests();
    let sent: Vec<&str> = requests
        .iter()
        .filter(|request| matches!(request.method.as_str(), "PUT" | "DELETE"))
        .filter_map(|request| request.parameter("ani"))
        .collect();
    for ani in &sent {
        assert!(
            !known.iter().any(|made| made == ani),
            "{ani} was sent again although its outcome was recorded (after {delay:?})"
        );
    }
    let open = home.run(&["changes", "--status", "open", "--json"]).await;
    assert_eq!(open.json()["total"], 0, "after {delay:?}");
    let all: Value = home.run(&["changes", "--json"]).await.json();
    let made = all["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["made"] == true);
    // The sandbox's wanted rules all differ from what stood: each is one change.
    assert_eq!(made.count(), (rows + rows / 5) as usize, "after {delay:?}");
    eprintln!(
        "killed after {delay:?}{}: {} recorded, {} sent afterwards",
        if ended { " (too late)" } else { "" },
        known.len(),
        sent.len()
    );
}

#[tokio::test]
async fn an_import_killed_at_any_moment_is_finished_without_repeating_anything() {
    let points = number_from("KILL_POINTS", 5);
    let rows = number_from("KILL_ROWS", 60);
    let latency = Duration::from_millis(15);
    // One run to its end tells how long there is to be killed in.
    let started = Instant::now();
    survives(rows, latency, Duration::from_secs(0)).await;
    let run = {
        let sandbox = sandbox_of(tenant(rows)).await;
        sandbox.set_latency(latency);
        let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
        let list: String = wanted(rows)
            .iter()
            .map(|(ani, destination)| format!("{ani},{destination}\n"))
            .collect();
        let file = home.write("list.csv", &format!("ani,destination\n{list}"));
        let words = import(&file);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let began = Instant::now();
        assert_eq!(home.run(&words).await.code, 0);
        began.elapsed()
    };
    for point in 0..points {
        // Spread over the run, each at a random place of its part.
        let part = run / points;
        let within = part.mul_f64(rand::random());
        survives(rows, latency, part * point + within).await;
    }
    eprintln!("{points} points in {:?}", started.elapsed());
}
