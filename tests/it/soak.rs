//! Several servers work on one state folder at a service that fails now and
//! then, and are killed at any time: in the end the journal and the service's
//! own record agree, change by change, and nothing has grown.
//!
//! `SOAK_CALLS` and `SOAK_SERVERS` make it longer; `tests/soak/full_run` does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Fault, Sandbox};

use crate::support::journal;
use crate::support::number_from;
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::protocol::{ERAS, Wire};

/// Callers who are added, sent elsewhere and removed by all servers.
const CALLERS: u32 = 12;

/// Longer than a request may be on its way, in milliseconds.
const SETTLED: i64 = 60_000;

/// Numbers that look random, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn caller(&mut self) -> String {
        format!("161655502{:02}", self.below(u64::from(CALLERS)))
    }

    /// A tool and its arguments.
    fn call(&mut self) -> (&'static str, Value) {
        let caller = self.caller();
        match self.below(10) {
            0..=3 => {
                let destination = format!("10{}", self.below(4));
                (
                    "add_vip",
                    json!({"domain": DOMAIN, "ani": caller, "destination": destination}),
                )
            }
            4 | 5 => ("remove_vip", json!({"domain": DOMAIN, "ani": caller})),
            6 => ("explain_call", json!({"domain": DOMAIN, "ani": caller})),
            7 => ("list_changes", json!({"limit": 5})),
            _ => ("list_vips", json!({"domain": DOMAIN})),
        }
    }

    fn fault(&mut self) -> Fault {
        match self.below(6) {
            0 => Fault::status("", "route-by-ani", 500),
            1 => Fault::status_after("", "route-by-ani", 502),
            2 => Fault::status("", "route-by-ani", 429),
            3 => Fault::drop_before("", "route-by-ani"),
            4 => Fault::drop_after("", "route-by-ani"),
            _ => Fault::truncate("", "route-by-ani"),
        }
    }
}

/// What a process holds: resident memory in KiB, and open files.
fn held_by(wire: &Wire) -> (u64, usize) {
    let id = wire.child.id().expect("the server runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let memory = line.unwrap().split_whitespace().nth(1).unwrap();
    let files = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    (memory.parse().unwrap(), files.count())
}

/// The calls that are left, for all servers.
struct Work {
    sandbox: Arc<Sandbox>,
    home: Home,
    left: AtomicU32,
}

impl Work {
    fn next(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.is_ok()
    }

    /// Calls until nothing is left; the server is killed now and then.
    async fn done_by(&self, seed: u64, is_killed: bool) {
        let mut chance = Chance(seed);
        let era = if seed.is_multiple_of(2) {
            ERAS[0]
        } else {
            ERAS[1]
        };
        let mut wire = Wire::ready(&self.home, &[], era, true).await;
        let mut early = None;
        let mut calls = 0_u32;
        while self.next() {
            calls += 1;
            let (tool, arguments) = chance.call();
            if chance.below(100) == 0 {
                self.sandbox.inject(chance.fault());
            }
            if is_killed && chance.below(40) == 0 {
                wire.post_call(tool, arguments).await;
                tokio::time::sleep(Duration::from_millis(chance.below(30))).await;
                wire.child.kill().await.unwrap();
                wire = Wire::ready(&self.home, &[], era, true).await;
                continue;
            }
            wire.agreed(tool, &arguments).await;
            wire.seen.clear();
            if !is_killed && calls == 100 {
                early = Some(held_by(&wire));
            }
        }
        if let Some((memory, files)) = early {
            let (memory_now, files_now) = held_by(&wire);
            assert!(
                memory_now < memory * 3 / 2 + 16_384,
                "{memory} KiB became {memory_now}"
            );
            assert!(
                files_now < files + 16,
                "{files} open files became {files_now}"
            );
        }
        let ended = wire.finish().await;
        assert!(ended.status.success(), "{}", ended.stderr);
    }
}

/// Lets every change of the journal be over for good.
fn age_journal(home: &Home) {
    let older = "UPDATE changes SET started_at = started_at - ?1, given_up_at = given_up_at - ?1";
    let database = journal::open(&home.path().join("state"));
    database.execute(older, [SETTLED]).unwrap();
}

/// Every change of the journal, page by page.
async fn all_changes(home: &Home) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let mut words = vec!["changes", "--json", "--limit", "500"];
        words.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
        let page = home.run(&words).await.json();
        rows.extend_from_slice(page["changes"].as_array().unwrap());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return rows,
        }
    }
}

/// The journal's rows of a caller around the one of that many that were made.
async fn rows_around(home: &Home, caller: &str, made: usize) -> Vec<Value> {
    let mut rows = all_changes(home).await;
    rows.retain(|row| row["ani"] == caller);
    rows.sort_by_key(|row| row["change_id"].as_str().unwrap().parse::<u64>().unwrap());
    let mut count = 0;
    rows.retain(|row| {
        count += usize::from(row["status"] == "done" || row["made"] == true);
        (made.saturating_sub(3)..made + 6).contains(&count)
    });
    rows
}

/// What the journal says was made of each caller's rule, oldest first: the
/// destination before and afterwards.
async fn told(home: &Home) -> BTreeMap<String, Vec<(Option<String>, Option<String>)>> {
    let mut rows = all_changes(home).await;
    rows.sort_by_key(|row| row["change_id"].as_str().unwrap().parse::<u64>().unwrap());
    let mut told = BTreeMap::<String, Vec<_>>::new();
    for row in rows {
        assert_ne!(row["status"], "open", "{row}");
        if row["status"] == "done" || row["made"] == true {
            let user = |side: &str| {
                let text = row[side].as_str()?;
                Some(text.trim_start_matches("user ").to_owned())
            };
            let sides = (user("before"), user("wanted"));
            told.entry(row["ani"].as_str().unwrap().to_owned())
                .or_default()
                .push(sides);
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_and_the_service_agree_whatever_servers_are_killed_at_a_failing_service() {
    let servers = u64::from(number_from("SOAK_SERVERS", 3));
    let seed = u64::from(number_from("SOAK_SEED", std::process::id()));
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox)
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with_config(r#"{"max_changes_per_hour": 1000000}"#);
    let work = Arc::new(Work {
        sandbox: Arc::clone(&sandbox),
        home,
        left: AtomicU32::new(number_from("SOAK_CALLS", 240)),
    });
    let workers = (0..servers).map(|server| {
        let work = Arc::clone(&work);
        tokio::spawn(async move {
            work.done_by((seed << 8) + 2 * server + 1 + server % 2, server > 0)
                .await
        })
    });
    for worker in Vec::from_iter(workers) {
        worker.await.unwrap();
    }
    sandbox.clear_faults();
    let home = &work.home;
    age_journal(home);
    let state = home.path().join("state");
    let files = || {
        let folder = std::fs::read_dir(&state).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // There are as many turns as there will ever be.
        Vec::from_iter(names.filter(|name| !name.starts_with("turn-")))
    };
    for name in files().iter().filter(|name| name.starts_with("journal-")) {
        let lock = std::fs::File::options().write(true).open(state.join(name));
        let long_ago = SystemTime::now() - Duration::from_secs(120);
        lock.unwrap().set_modified(long_ago).unwrap();
    }
    // Whoever plans a change closes what is open, and sweeps what killed servers left.
    let words = [
        "--ani",
        "6165550299",
        "--domain",
        DOMAIN,
        "--destination",
        "101",
    ];
    let added = home.run(&[&["vip", "add"], &words[..]].concat()).await;
    assert_eq!(added.code, 0, "seed {seed}: {added:?}");

    let told = told(home).await;
    let mut really = BTreeMap::<String, Vec<_>>::new();
    for effect in sandbox.rule_log() {
        really
            .entry(effect.ani)
            .or_default()
            .push((effect.before, effect.after));
    }
    for (caller, effects) in &really {
        let told = told.get(caller).cloned().unwrap_or_default();
        let at = told
            .iter()
            .zip(effects)
            .take_while(|(told, effect)| told == effect);
        let at = at.count();
        if at < told.len().max(effects.len()) {
            let effects = &effects[at.saturating_sub(3)..effects.len().min(at + 4)];
            let rows = rows_around(home, caller, at).await;
            panic!(
                "seed {seed}, {caller}: from change {at} on, the service made {effects:?}, and the journal has {rows:#?}"
            );
        }
    }
    for (caller, told) in &told {
        assert!(
            really.contains_key(caller),
            "seed {seed}, {caller}: {told:?}"
        );
    }
    let files = files();
    assert!(files.len() < 16, "{files:?}");
}
