//! Every operation of a server meets every fault of the service: what is told
//! is so, the journal says what was made, and an answer comes in time.
//!
//! The table of all cells is docs/faults.md. Here a quarter of them is run;
//! `FAULT_CELLS=all` runs all (or those of one fault or operation, by its name),
//! for both PBX APIs and both eras of the protocol.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Sandbox, Tenant};
use url::Url;

use crate::support::faults::{OPERATIONS, Operation, Truth, Way};
use crate::support::number_from;
use crate::support::page::approve;
use crate::support::process::Home;
use crate::support::protocol::{ERAS, Era, Wire, asked_for};
use crate::support::strikes::{HANG, STRIKES, Strike};

/// Later than this no client waits for an answer.
const PATIENCE_OF_CLIENTS: Duration = Duration::from_secs(60);

/// A server on a service of its own, and what it was told there.
struct Bench {
    sandbox: Sandbox,
    home: Home,
    wire: Wire,
    /// A change to undo.
    added: String,
    era: Era,
    about: String,
}

impl Bench {
    async fn start(strike: &Strike, api: &str, era: Era) -> Bench {
        let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
        let home = Home::of(&sandbox)
            .with("SKYSWITCH_RATE_LIMIT", "0")
            .with("SKYSWITCH_PBX_RATE_LIMIT", "0")
            .with("SKYSWITCH_PBX_API", api)
            .with("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url())
            .with("SKYSWITCH_PBX_CLIENT_ID", sandbox::PBX_CLIENT_ID)
            .with("SKYSWITCH_PBX_CLIENT_SECRET", sandbox::PBX_CLIENT_SECRET)
            .with("SKYSWITCH_PBX_USERNAME", sandbox::PBX_USERNAME)
            .with("SKYSWITCH_PBX_PASSWORD", sandbox::PBX_PASSWORD);
        let mut wire = Wire::ready(&home, &[], era, true).await;
        let arguments =
            json!({"domain": crate::support::DENTAL, "ani": "16165550180", "destination": "101"});
        let added = wire.call("add_vip", arguments).await;
        let added = added["structuredContent"]["change_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let about = format!("{} {api} {era:?}", strike.name);
        Bench {
            sandbox,
            home,
            wire,
            added,
            era,
            about,
        }
    }

    /// The newest change, and how it ended.
    async fn newest_change(&mut self) -> Value {
        let list = self.wire.call("list_changes", json!({"limit": 1})).await;
        list["structuredContent"]["changes"][0].clone()
    }

    /// Calls the tool of an operation as a client whose person agrees.
    async fn agreed(&mut self, operation: &Operation) -> Value {
        let arguments = (operation.arguments)(&self.added);
        if operation.way == Way::Form {
            return self.wire.agreed(operation.tool, &arguments).await;
        }
        let mut wire = Wire::ready(&self.home, &[], self.era, false).await;
        let mut result = wire.call(operation.tool, arguments.clone()).await;
        let offer = &result["structuredContent"];
        if let Some(code) = offer["approval_code"].as_str() {
            let value = asked_for(offer["preview"].as_str().unwrap());
            let link: Url = offer["approval_link"].as_str().unwrap().parse().unwrap();
            let by_hand = match operation.way {
                Way::Approve => {
                    let typed = Some(("to decline", value));
                    self.home.run_at_terminal(&["approve", code], typed).await
                }
                _ => None,
            };
            // Where there is no terminal, a person has the page all the same.
            if by_hand.is_none() {
                approve(&link, value).await;
            }
            result = wire.call(operation.tool, arguments).await;
        }
        wire.finish().await;
        result
    }

    /// What came of an operation, in one word; what is told is checked against
    /// what is so.
    async fn word(&mut self, strike: &Strike, operation: &Operation) -> String {
        let about = format!("{}: {}", self.about, operation.name);
        let before = self.newest_change().await;
        for (method, path) in operation.struck {
            self.sandbox
                .inject((strike.fault)(method, path).times(strike.times));
        }
        let begun = Instant::now();
        let result = self.agreed(operation).await;
        let took = begun.elapsed();
        assert!(took < PATIENCE_OF_CLIENTS, "{about}: {took:?}");
        self.sandbox.clear_faults();
        let error = &result["structuredContent"]["error"];
        let code = error["code"].as_str().map(str::to_owned);
        if code.is_some() {
            let hint = error["hint"].as_str().unwrap_or_default();
            assert!(!hint.is_empty(), "{about}: {result}");
        }
        let Some(truth) = operation.truth else {
            return code.map_or("works".to_owned(), |code| format!("`{code}`"));
        };
        let truth = truth(&self.sandbox);
        let change = self.newest_change().await;
        let is_new = change["change_id"] != before["change_id"];
        let status = match is_new {
            true => change["status"].as_str().unwrap(),
            false => "nothing",
        };
        let made = change["made"].as_bool();
        let told = &result["structuredContent"];
        let is_plain = told["warnings"].as_array().is_none_or(Vec::is_empty);
        match (status, made) {
            ("nothing", _) | ("failed", _) | ("reconciled", Some(false)) => {
                assert_eq!(truth, Truth::Before, "{about}: {change} {result}");
            }
            // A service that says yes and does nothing is found out by the read afterwards.
            ("done", _) => {
                let is_so = truth != Truth::Before || !is_plain;
                assert!(is_so, "{about}: {change} {result}");
            }
            ("reconciled", _) => {
                assert_ne!(truth, Truth::Before, "{about}: {change} {result}");
            }
            _ => assert_eq!(status, "open", "{about}: {change}"),
        }
        let says_made = [
            "created", "replaced", "removed", "restored", "routed", "applied",
        ];
        let said = told["status"].as_str().unwrap_or_default();
        if code.is_none() && says_made.contains(&said) && is_plain {
            assert_eq!(truth, Truth::Wanted, "{about}: {result}");
        }
        let end = match (status, made) {
            ("nothing", _) => "refused",
            ("open", _) => "not known",
            ("failed", _) | (_, Some(false)) => "not made",
            _ if truth == Truth::Before => "made, says the service, with a warning",
            _ => "made",
        };
        match code {
            Some(code) => format!("{end}, `{code}`"),
            None => end.to_owned(),
        }
    }
}

/// The words of some operations under a fault.
async fn struck(
    strike: &Strike,
    api: &str,
    era: Era,
    chosen: &[&Operation],
) -> BTreeMap<&'static str, String> {
    let mut bench = Bench::start(strike, api, era).await;
    let mut words = BTreeMap::new();
    for operation in chosen {
        words.insert(operation.name, bench.word(strike, operation).await);
    }
    let ended = bench.wire.finish().await;
    assert!(ended.status.success(), "{}: {}", bench.about, ended.stderr);
    drop(bench.home);
    words
}

/// A server that meets a fault, and the operations that it is asked for.
type Cells<'a> = (usize, &'static str, Era, Vec<&'a Operation>);

fn run(cells: &[Cells<'_>], threads: usize) -> Vec<BTreeMap<&'static str, String>> {
    let done = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((strike, api, era, chosen)) = cells.get(index) else {
                        break;
                    };
                    let words = runtime.block_on(struck(&STRIKES[*strike], api, *era, chosen));
                    done.lock().unwrap().insert(index, words);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

/// `works: a, b; made: c`.
fn row(strike: &Strike, words: &BTreeMap<String, String>) -> String {
    let mut by_word = BTreeMap::<&str, Vec<&str>>::new();
    for (operation, word) in words {
        by_word.entry(word).or_default().push(operation);
    }
    let groups = by_word
        .iter()
        .map(|(word, operations)| format!("{word}: {}", operations.join(", ")));
    let groups: Vec<String> = groups.collect();
    format!(
        "| `{}` | {} | {} |\n",
        strike.name,
        strike.about,
        groups.join("; ")
    )
}

/// The words that the table has for a fault, by operation.
fn words_of(document: &str, strike: &Strike) -> BTreeMap<String, String> {
    let start = format!("| `{}` |", strike.name);
    let line = document.lines().find(|line| line.starts_with(&start));
    let groups = line.and_then(|line| line.rsplit('|').nth(1));
    let mut words = BTreeMap::new();
    for group in groups.iter().flat_map(|groups| groups.split("; ")) {
        let (word, operations) = group.trim().rsplit_once(": ").unwrap_or_default();
        for operation in operations.split(", ") {
            words.insert(operation.to_owned(), word.to_owned());
        }
    }
    words
}

#[test]
fn whatever_goes_wrong_an_operation_tells_what_is_so() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
    let wanted = skyswitch_mcp::config::process_environment("FAULT_CELLS");
    let is_all = wanted.as_deref() == Some("all");
    let document = std::fs::read_to_string(path).unwrap();
    let apis = ["v2", "v1"];
    let all: Vec<&Operation> = OPERATIONS.iter().collect();
    let mut cells: Vec<Cells> = Vec::new();
    for index in 0..STRIKES.len() {
        let Some(name) = &wanted else {
            let is_its_turn = |place: usize| (place + index).is_multiple_of(4);
            let chosen = all.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| is_its_turn(*place));
            let chosen = chosen.map(|(_, operation)| *operation).collect();
            cells.push((index, apis[index / 2 % 2], ERAS[index % 2], chosen));
            continue;
        };
        let is_whole = is_all || *name == STRIKES[index].name;
        let chosen = all.iter().copied();
        let chosen: Vec<&Operation> = chosen
            .filter(|operation| is_whole || operation.name == name)
            .collect();
        if !chosen.is_empty() {
            let combined = apis.iter().flat_map(|api| ERAS.map(|era| (*api, era)));
            cells.extend(combined.map(|(api, era)| (index, api, era, chosen.clone())));
        }
    }
    let (hanging, mut cells): (Vec<Cells>, Vec<Cells>) = cells
        .into_iter()
        .partition(|(index, ..)| STRIKES[*index].name == HANG);
    // They wait and do nothing, so they do it beside each other.
    let mut alone: Vec<Cells> = Vec::new();
    for (index, api, era, chosen) in hanging {
        alone.extend(
            chosen
                .into_iter()
                .map(|operation| (index, api, era, vec![operation])),
        );
    }
    let words = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&alone, 16));
        let mut words = run(&cells, 4);
        words.extend(waiting.join().unwrap());
        words
    });
    cells.extend(alone);
    if wanted.is_some() && number_from("UPDATE_DOCUMENTS", 0) == 1 {
        let (text, _) = document.split_once("|---|---|---|\n").unwrap();
        let mut table = String::new();
        for (place, strike) in STRIKES.iter().enumerate() {
            let mut known = words_of(&document, strike);
            let of_strike = cells
                .iter()
                .zip(&words)
                .filter(|((index, ..), _)| *index == place);
            let told = of_strike.flat_map(|(_, words)| words);
            known.extend(told.map(|(name, word)| ((*name).to_owned(), word.clone())));
            known.retain(|name, _| all.iter().any(|operation| operation.name == name));
            table.push_str(&row(strike, &known));
        }
        std::fs::write(path, format!("{text}|---|---|---|\n{table}")).unwrap();
    }
    let document = std::fs::read_to_string(path).unwrap();
    let mut differs = Vec::new();
    for ((index, api, era, _), words) in cells.iter().zip(words) {
        let strike = &STRIKES[*index];
        let known = words_of(&document, strike);
        for (operation, word) in words {
            if known.get(operation) != Some(&word) {
                differs.push(format!("{} {api} {era:?} {operation}: {word}", strike.name));
            }
        }
    }
    assert!(
        differs.is_empty(),
        "FAULT_CELLS=all UPDATE_DOCUMENTS=1 writes the table again:\n{}",
        differs.join("\n")
    );
}
