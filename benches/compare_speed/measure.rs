//! One function per measurement; each starts its own servers.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use tempfile::TempDir;

use crate::client::{Program, Server, Wiring};
use crate::upstream::{self, Domain};

const STARTS: usize = 21;
const WARM_UP_CALLS: usize = 200;
const SEQUENTIAL_CALLS: usize = 1_000;
const CONCURRENT_CALLS: usize = 10_000;
const IN_FLIGHT: usize = 64;
const WRITES: usize = 200;

pub(crate) struct Start {
    /// Milliseconds until `initialize` was answered.
    pub(crate) initialized: f64,
    /// Milliseconds until the first list was answered, the login included.
    pub(crate) listed: f64,
}

/// Medians of starting the server a number of times.
pub(crate) fn start(program: &Program) -> anyhow::Result<Start> {
    let mut initialized = Vec::with_capacity(STARTS);
    let mut listed = Vec::with_capacity(STARTS);
    for number in 0..STARTS {
        let home = Server::home()?;
        let begin = Instant::now();
        let mut server = Server::spawn(program, Wiring::Pipes, home)?;
        server.initialize()?;
        initialized.push(milliseconds(begin.elapsed()));
        server.announce_initialized()?;
        server.ask_for_list(1, &upstream::small_domain(number))?;
        server.receive()?;
        listed.push(milliseconds(begin.elapsed()));
    }
    Ok(Start {
        initialized: median(&mut initialized),
        listed: median(&mut listed),
    })
}

pub(crate) struct Sequential {
    /// Microseconds from the call to its answer.
    pub p50: f64,
    /// Milliseconds of processor time for 1,000 calls.
    pub(crate) processor: f64,
}

/// One call after another, each for five routes.
pub(crate) fn sequential(program: &Program) -> anyhow::Result<Sequential> {
    let mut server = warm_server(program, Wiring::Pipes)?;
    let mut latencies = Vec::with_capacity(SEQUENTIAL_CALLS);
    let before = server.processor_time()?;
    for number in 0..SEQUENTIAL_CALLS {
        let domain = upstream::small_domain(number);
        let begin = Instant::now();
        server.ask_for_list(number, &domain)?;
        server.receive()?;
        latencies.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    let processor = milliseconds(server.processor_time()?.saturating_sub(before));
    Ok(Sequential {
        p50: median(&mut latencies),
        processor: processor * 1_000.0 / SEQUENTIAL_CALLS as f64,
    })
}

/// Calls a second with 64 of them in flight at all times.
pub(crate) fn rate(program: &Program, wiring: Wiring) -> anyhow::Result<f64> {
    let mut server = warm_server(program, wiring)?;
    let begin = Instant::now();
    for asked in 0..CONCURRENT_CALLS + IN_FLIGHT {
        if asked >= IN_FLIGHT {
            server.receive()?;
        }
        if asked < CONCURRENT_CALLS {
            server.ask_for_list(asked, &upstream::small_domain(asked))?;
        }
    }
    Ok(CONCURRENT_CALLS as f64 / begin.elapsed().as_secs_f64())
}

pub(crate) struct Writes {
    /// Microseconds until a VIP was added.
    pub(crate) added: f64,
    /// Microseconds until a VIP was removed: with us, the call that asks for the confirmation and the one that gives it.
    pub(crate) removed: f64,
}

/// Medians of adding and removing one VIP after another in a domain of a few rules.
pub(crate) fn writes(program: &Program) -> anyhow::Result<Writes> {
    let mut server = warm_server_in(program, Wiring::Pipes, Server::home_for_writes()?)?;
    let domain = upstream::WRITTEN;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for number in 0..WRITES {
        let ani = format!("1616555{:04}", 100 + number % 99);
        let mut arguments = json!({ "ani": ani, "domain": domain });
        let mut adding = arguments.clone();
        adding["destination"] = "101".into();
        let begin = Instant::now();
        server.call(number, "add_vip", &adding.to_string())?;
        let made = server.receive_structured()?;
        added.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(made["status"] == "created", "a VIP was not added: {made}");

        let begin = Instant::now();
        server.call(number, "remove_vip", &arguments.to_string())?;
        let mut made = server.receive_structured()?;
        if made["status"] == "confirmation_required" {
            arguments["confirmation"] = made["confirmation"].take();
            server.call(number, "remove_vip", &arguments.to_string())?;
            made = server.receive_structured()?;
        }
        removed.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(made["status"] == "removed", "a VIP was not removed: {made}");
    }
    Ok(Writes {
        added: median(&mut added),
        removed: median(&mut removed),
    })
}

pub(crate) struct ReadAll {
    /// Milliseconds for the whole list.
    pub(crate) elapsed: f64,
    /// MiB resident at most.
    pub(crate) peak_resident: f64,
}

/// Reads a long list in pages of 500.
pub(crate) fn read_all_pages(program: &Program, domain: Domain) -> anyhow::Result<ReadAll> {
    let mut server = warm_server(program, Wiring::Pipes)?;
    let begin = Instant::now();
    let mut cursor: Option<String> = None;
    let mut seen = 0;
    for page in 0.. {
        server.ask_for_page(page, domain.name, cursor.as_deref())?;
        let content = server.receive_structured()?;
        seen += content["vips"].as_array().map_or(0, Vec::len);
        cursor = content["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || seen > domain.routes {
            break;
        }
    }
    finish(&server, begin, seen, domain)
}

/// Reads a long list in one answer, which is all that the baseline can do.
pub(crate) fn read_unpaged(program: &Program, domain: Domain) -> anyhow::Result<ReadAll> {
    let mut server = warm_server(program, Wiring::Pipes)?;
    let begin = Instant::now();
    server.ask_for_list(0, domain.name)?;
    let content = server.receive_structured()?;
    let seen = content["vips"].as_array().map_or(0, Vec::len);
    finish(&server, begin, seen, domain)
}

fn finish(server: &Server, begin: Instant, seen: usize, domain: Domain) -> anyhow::Result<ReadAll> {
    let elapsed = milliseconds(begin.elapsed());
    ensure!(
        seen == domain.routes,
        "`{}` has {} routes, {seen} came",
        domain.name,
        domain.routes
    );
    Ok(ReadAll {
        elapsed,
        peak_resident: server.peak_resident()? as f64 / 1_024.0,
    })
}

/// A server that has logged in, keeps a connection to the upstream and gave right answers.
fn warm_server(program: &Program, wiring: Wiring) -> anyhow::Result<Server> {
    warm_server_in(program, wiring, Server::home()?)
}

fn warm_server_in(program: &Program, wiring: Wiring, home: TempDir) -> anyhow::Result<Server> {
    let mut server = Server::spawn(program, wiring, home)?;
    server.initialize()?;
    server.announce_initialized()?;
    for number in 0..WARM_UP_CALLS {
        server.ask_for_list(number, &upstream::small_domain(number))?;
        let seen = server.receive_structured()?["vips"]
            .as_array()
            .map_or(0, Vec::len);
        ensure!(
            seen == upstream::ROUTES_IN_A_SMALL_DOMAIN,
            "a small domain came with {seen} routes"
        );
    }
    Ok(server)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The middle value; 0 for none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => 0.0,
        values if values.len() % 2 == 1 => values[middle],
        values => f64::midpoint(values[middle - 1], values[middle]),
    }
}
