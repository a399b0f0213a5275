//! An import that is killed at any moment can be continued: nothing is
//! lost, and nothing is done twice.
//!
//! `KILL_POINTS` and `KILL_ROWS` make it longer; `tests/crash/full_run` does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use skyswitch_mcp::sandbox::{Fault, Gate, Sandbox, StoredRoute, Tenant};

use crate::support::number_from;
use crate::support::process::{DOMAIN, Home, eventually, sandbox_of, writes};

/// Every answer of the service takes so long.
const LATENCY: Duration = Duration::from_millis(15);

/// A customer of whom half the wanted callers are VIPs that ring elsewhere,
/// and some others are not wanted any more.
fn tenant(rows: u32) -> Tenant {
    let tenant = Tenant::empty().domain(DOMAIN, "Lakeside Dental");
    let present = (0..rows / 2).map(|n| (caller(n * 2), "100".to_owned()));
    let unwanted = (0..rows / 5).map(|n| (format!("1616444{n:04}"), "100".to_owned()));
    let routes = present.chain(unwanted);
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

fn stored_rules(sandbox: &Sandbox) -> BTreeMap<String, String> {
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
        .filter(|change| change["status"] == "done" || change["made"] == true)
        .map(|change| change["ani"].as_str().unwrap().to_owned())
        .collect()
}

/// When an import is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after the service has received that many changes.
    AtChange(usize, Duration),
}

/// Starts an import and kills it; true when it had ended before.
async fn killed(home: &Home, sandbox: &Sandbox, file: &Path, moment: Moment) -> bool {
    let mut command = home.command(&import(file));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let delay = match moment {
        Moment::After(delay) => delay,
        Moment::AtChange(number, delay) => {
            while writes(sandbox).len() < number && child.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            delay
        }
    };
    tokio::time::sleep(delay).await;
    // SIGKILL: the process can do nothing about it.
    let ended = child.try_wait().unwrap().is_some();
    child.kill().await.unwrap();
    ended
}

/// Kills one import, takes it up, and looks at everything.
async fn survives(rows: u32, moment: Moment) {
    let sandbox = sandbox_of(tenant(rows)).await;
    sandbox.set_latency(LATENCY);
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let list: String = wanted(rows)
        .iter()
        .map(|(ani, destination)| format!("{ani},{destination}\n"))
        .collect();
    let file = home.write("list.csv", &format!("ani,destination\n{list}"));
    let ended = killed(&home, &sandbox, &file, moment).await;

    // What the journal closes by what there is counts as recorded, too.
    let known = recorded(&home).await;
    sandbox.clear_requests();
    let words = import(&file);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let taken_up = home.run(&words).await;
    assert_eq!(taken_up.code, 0, "{moment:?}: {taken_up:?}");
    assert_eq!(stored_rules(&sandbox), wanted(rows), "{moment:?}");
    let requests = sandbox.requests();
    let sent: Vec<&str> = requests
        .iter()
        .filter(|request| matches!(request.method.as_str(), "PUT" | "DELETE"))
        .filter_map(|request| request.parameter("ani"))
        .collect();
    for ani in &sent {
        assert!(
            !known.iter().any(|made| made == ani),
            "{ani} was sent again although its outcome was recorded ({moment:?})"
        );
    }
    assert_eq!(home.left_open().await, 0, "{moment:?}");
    let all: Value = home.run(&["changes", "--json"]).await.json();
    let made = all["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["status"] == "done" || change["made"] == true);
    // The sandbox's wanted rules all differ from what there was: each is one change.
    assert_eq!(made.count(), (rows + rows / 5) as usize, "{moment:?}");
    eprintln!(
        "killed {moment:?}{}: {} recorded, {} sent afterwards",
        if ended { " (too late)" } else { "" },
        known.len(),
        sent.len()
    );
}

#[tokio::test]
async fn an_import_killed_at_any_moment_is_finished_without_repeating_anything() {
    let points = number_from("KILL_POINTS", 6);
    let rows = number_from("KILL_ROWS", 60);
    let changes = (rows + rows / 5) as usize;
    for point in 0..points {
        // Most of them while rows are sent, some while it starts.
        let moment = match point % 6 {
            0 => Moment::After(Duration::from_secs(1).mul_f64(rand::random())),
            _ => Moment::AtChange(
                rand::random_range(0..=changes),
                (2 * LATENCY).mul_f64(rand::random()),
            ),
        };
        survives(rows, moment).await;
    }
}

#[tokio::test]
async fn requests_that_arrive_after_the_import_was_killed_and_taken_up_do_no_harm() {
    let rows = 40;
    let sandbox = sandbox_of(tenant(rows)).await;
    // The service acts on these long after whoever sent them is gone.
    let gate = Gate::default();
    let late = Fault::hold("PUT", "route-by-ani", &gate);
    sandbox.inject(late.times(10));
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let list: String = wanted(rows)
        .iter()
        .map(|(ani, destination)| format!("{ani},{destination}\n"))
        .collect();
    let file = home.write("list.csv", &format!("ani,destination\n{list}"));
    let moment = Moment::AtChange(10, Duration::from_millis(50));
    assert!(!killed(&home, &sandbox, &file, moment).await, "too late");
    let words = import(&file);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let taken_up = home.run(&words).await;
    assert_eq!(taken_up.code, 0, "{taken_up:?}");
    gate.open();
    eventually("the late requests are acted on", || {
        writes(&sandbox).iter().all(|write| write.status != 0)
    })
    .await;
    assert_eq!(stored_rules(&sandbox), wanted(rows));
    assert_eq!(home.left_open().await, 0);
}
