//! Every operation of a server meets every fault of the service: what is told
//! is so, the journal says what was made, and an answer comes in time.
//!
//! The table of all cells is docs/faults.md. Here a quarter of them is run;
//! `FAULT_CELLS=all` runs all (or those of one fault, by its name), for both PBX APIs and both eras of the protocol.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault, RetryAfter, Sandbox, Tenant};

use crate::support::faults::{OPERATIONS, Operation, Truth};
use crate::support::number_from;
use crate::support::process::Home;
use crate::support::protocol::{ERAS, Era, Wire};

/// Later than this no client waits for an answer.
const PATIENCE_OF_CLIENTS: Duration = Duration::from_secs(60);

/// What goes wrong with requests.
struct Strike {
    name: &'static str,
    about: &'static str,
    times: usize,
    fault: fn(&str, &str) -> Fault,
}

const fn once(name: &'static str, about: &'static str, fault: fn(&str, &str) -> Fault) -> Strike {
    Strike {
        name,
        about,
        times: 1,
        fault,
    }
}

const fn always(name: &'static str, about: &'static str, fault: fn(&str, &str) -> Fault) -> Strike {
    Strike {
        name,
        about,
        times: usize::MAX,
        fault,
    }
}

fn answer(method: &str, path: &str, status: u16, text: &str, media_type: &str) -> Fault {
    Fault::status(method, path, status).body(text, media_type)
}

fn after(method: &str, path: &str, status: u16, text: &str) -> Fault {
    Fault::status_after(method, path, status).body(text, "application/json")
}

const JSON: &str = "application/json";

const STRIKES: [Strike; 35] = [
    once("401-once", "one request is refused with 401", |m, p| {
        Fault::status(m, p, 401)
    }),
    always("401", "every request is refused with 401", |m, p| {
        Fault::status(m, p, 401)
    }),
    always("403", "every request is refused with 403", |m, p| {
        Fault::status(m, p, 403)
    }),
    always("404", "every request is answered with 404", |m, p| {
        Fault::status(m, p, 404)
    }),
    once("408-once", "one request is answered with 408", |m, p| {
        Fault::status(m, p, 408)
    }),
    always("409", "every request is answered with 409", |m, p| {
        Fault::status(m, p, 409)
    }),
    once("420-once", "one request is answered with 420", |m, p| {
        Fault::status(m, p, 420)
    }),
    always("422", "every request is answered with 422", |m, p| {
        Fault::status(m, p, 422)
    }),
    once("425-once", "one request is answered with 425", |m, p| {
        Fault::status(m, p, 425)
    }),
    once(
        "429-once",
        "one request is answered with 429 and no time",
        |m, p| Fault::status(m, p, 429),
    ),
    once(
        "429-one-second",
        "one request is answered with 429, to be sent again in a second",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Seconds(1)),
    ),
    once(
        "429-date",
        "one request is answered with 429 and a date that has passed",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Date(std::time::UNIX_EPOCH)),
    ),
    always(
        "429-next-day",
        "every request is answered with 429, to be sent again tomorrow",
        |m, p| Fault::status(m, p, 429).retry_after(RetryAfter::Seconds(86_400)),
    ),
    once("500-once", "one request fails with 500", |m, p| {
        Fault::status(m, p, 500)
    }),
    always("500", "every request fails with 500", |m, p| {
        Fault::status(m, p, 500)
    }),
    always(
        "502",
        "every request is answered with 502 and a page of HTML",
        |m, p| {
            answer(
                m,
                p,
                502,
                "<html><body>Bad Gateway</body></html>",
                "text/html",
            )
        },
    ),
    once("503-once", "one request is answered with 503", |m, p| {
        Fault::status(m, p, 503)
    }),
    once(
        "reset-before-once",
        "one connection is closed before the service acts",
        Fault::drop_before,
    ),
    always(
        "reset-before",
        "every connection is closed before the service acts",
        Fault::drop_before,
    ),
    once(
        "reset-after-once",
        "one connection is closed after the service acted",
        Fault::drop_after,
    ),
    always(
        "half-body",
        "every answer ends in the middle",
        Fault::truncate,
    ),
    always(
        "html",
        "every answer is a page of HTML with status 200",
        Fault::html,
    ),
    always(
        "too-large",
        "every answer is larger than any list",
        |m, p| Fault::huge(m, p, 80 << 20),
    ),
    always(
        "wrong-type",
        "every answer is JSON that calls itself text",
        |m, p| answer(m, p, 200, "[]", "text/plain"),
    ),
    always(
        "wrong-charset",
        "every answer names a character set that nobody knows",
        |m, p| answer(m, p, 200, "[]", "application/json; charset=x-unknown"),
    ),
    always("text", "every answer is the text OK", |m, p| {
        answer(m, p, 200, "OK", "text/plain")
    }),
    always(
        "cut-json",
        "every answer is JSON without its end",
        |m, p| answer(m, p, 200, "[{\"ani\":\"1616", JSON),
    ),
    always(
        "empty",
        "every answer is status 200 without a body",
        |m, p| answer(m, p, 200, "", JSON),
    ),
    always(
        "no-content",
        "every answer is 204, and nothing is done",
        |m, p| answer(m, p, 204, "", JSON),
    ),
    always("partial-content", "every answer is 206", |m, p| {
        answer(m, p, 206, "[]", JSON)
    }),
    always("redirect", "every answer is 302", |m, p| {
        answer(m, p, 302, "", "text/html")
    }),
    always("acts-500", "the service acts and answers 500", |m, p| {
        Fault::status_after(m, p, 500)
    }),
    always("acts-404", "the service acts and answers 404", |m, p| {
        Fault::status_after(m, p, 404)
    }),
    always(
        "acts-empty",
        "the service acts and answers 200 without a body",
        |m, p| after(m, p, 200, ""),
    ),
    always(
        "acts-no",
        "the service acts and answers 200 with `success` false",
        |m, p| after(m, p, 200, r#"{"success":false}"#),
    ),
];

/// A server on a service of its own, and what it was told there.
struct Bench {
    sandbox: Sandbox,
    home: Home,
    wire: Wire,
    /// A change to undo.
    added: String,
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
            about,
        }
    }

    /// The newest change, and how it ended.
    async fn newest_change(&mut self) -> Value {
        let list = self.wire.call("list_changes", json!({"limit": 1})).await;
        list["structuredContent"]["changes"][0].clone()
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
        let arguments = (operation.arguments)(&self.added);
        let begun = Instant::now();
        let result = self.wire.agreed(operation.tool, &arguments).await;
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

fn run(
    cells: &[(usize, &'static str, Era, Vec<&Operation>)],
) -> Vec<BTreeMap<&'static str, String>> {
    let done = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
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
fn row(strike: &Strike, words: &BTreeMap<&'static str, String>) -> String {
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

/// Whether the table has the word for an operation under a fault.
fn has(document: &str, strike: &Strike, operation: &str, word: &str) -> bool {
    let start = format!("| `{}` |", strike.name);
    let line = document.lines().find(|line| line.starts_with(&start));
    let groups = line
        .and_then(|line| line.rsplit('|').nth(1))
        .unwrap_or_default();
    groups.split("; ").any(|group| {
        let (told, operations) = group.trim().rsplit_once(": ").unwrap_or_default();
        told == word && operations.split(", ").any(|name| name == operation)
    })
}

#[test]
fn whatever_goes_wrong_an_operation_tells_what_is_so() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
    let wanted = skyswitch_mcp::config::process_environment("FAULT_CELLS");
    let is_all = wanted.as_deref() == Some("all");
    let document = std::fs::read_to_string(path).unwrap();
    let apis = ["v2", "v1"];
    let all: Vec<&Operation> = OPERATIONS.iter().collect();
    let mut cells = Vec::new();
    for index in 0..STRIKES.len() {
        match &wanted {
            Some(name) if !is_all && *name != STRIKES[index].name => {}
            Some(_) => {
                let combined = apis.iter().flat_map(|api| ERAS.map(|era| (*api, era)));
                cells.extend(combined.map(|(api, era)| (index, api, era, all.clone())));
            }
            None => {
                let chosen = all
                    .iter()
                    .enumerate()
                    .filter(|(place, _)| (place + index) % 4 == 0);
                let chosen = chosen.map(|(_, operation)| *operation).collect();
                cells.push((index, apis[index / 2 % 2], ERAS[index % 2], chosen));
            }
        }
    }
    let words = run(&cells);
    if is_all && number_from("UPDATE_DOCUMENTS", 0) == 1 {
        let firsts = cells.iter().zip(&words).step_by(4);
        let table: String = firsts
            .map(|((index, ..), words)| row(&STRIKES[*index], words))
            .collect();
        let (text, _) = document.split_once("|---|---|---|\n").unwrap();
        std::fs::write(path, format!("{text}|---|---|---|\n{table}")).unwrap();
    }
    let document = std::fs::read_to_string(path).unwrap();
    let mut differs = Vec::new();
    for ((index, api, era, _), words) in cells.iter().zip(&words) {
        for (operation, word) in words {
            if !has(&document, &STRIKES[*index], operation, word) {
                differs.push(format!(
                    "{} {api} {era:?} {operation}: {word}",
                    STRIKES[*index].name
                ));
            }
        }
    }
    assert!(
        differs.is_empty(),
        "FAULT_CELLS=all UPDATE_DOCUMENTS=1 writes the table again:\n{}",
        differs.join("\n")
    );
}
