//! Compares the speed of `skyswitch mcp` with an rmcp server written the default way (`baseline`).
//!
//! ```text
//! cargo bench --bench compare_speed
//! cargo bench --bench compare_speed -- --json
//! cargo bench --bench compare_speed -- --rounds 3 --ours PATH --baseline PATH
//! ```
//!
//! Starts one upstream on 127.0.0.1 in a process of its own, and measures the two servers in turn, round after round
//! (A B A B ...). The figures are medians over the rounds; only the ratios within one run mean something, never a
//! figure of one run against a figure of another. Nothing here fails for a missed target: the exit code is 0 unless
//! the comparison could not be run at all. Linux only, since processor time and memory are read from `/proc`.
//!
//! What keeps it fair: both servers get the same environment and an empty state folder per process, so each logs in
//! once; concurrent calls ask for different domains, so that joining identical reads gives no advantage; the driver
//! is one thread that writes each request on its own, as a client does. The default server and the upstream are roles
//! of this program, taken before any option is read, so that starting in a role costs nothing more.

mod baseline;
mod client;
mod measure;
mod report;
mod upstream;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

use client::{Program, Wiring};
use report::{Figure, Report};
use upstream::Upstream;

/// Compare the speed of `skyswitch mcp` with a default rmcp server.
#[derive(Parser)]
struct Options {
    /// Rounds to take the medians over.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print the figures as one JSON document.
    #[arg(long)]
    json: bool,
    /// Measure this `skyswitch` binary instead of the one that was just built.
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_skyswitch"))]
    ours: PathBuf,
    /// Measure against this server instead of the default one of this program.
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// What `cargo bench` passes to every benchmark; it says nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some(baseline::ROLE) => baseline::serve(),
        Some(upstream::ROLE) => upstream::serve(),
        _ => compare(&Options::parse()),
    }
}

fn compare(options: &Options) -> anyhow::Result<()> {
    let upstream = Upstream::start()?;
    let ours = Program::new("skyswitch", &options.ours, &["mcp"], upstream.base_url())?;
    let baseline = match &options.baseline {
        Some(path) => Program::new("the baseline", path, &[], upstream.base_url())?,
        None => Program::new(
            "the baseline",
            &this_program()?,
            &[baseline::ROLE],
            upstream.base_url(),
        )?,
    };

    let mut report = Report::default();
    for round in 1..=options.rounds {
        progress(&format!("round {round} of {}", options.rounds))?;
        measure_round(&ours, &baseline, &mut report)?;
    }
    let mut stdout = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut stdout, &report.to_json(options.rounds))?;
        writeln!(stdout)?;
    } else {
        report.write_table(&mut stdout, options.rounds)?;
    }
    Ok(())
}

/// Takes every figure once, of one server right after the other.
fn measure_round(ours: &Program, baseline: &Program, report: &mut Report) -> anyhow::Result<()> {
    let start = (measure::start(ours)?, measure::start(baseline)?);
    report.add(Figure::Start, start.0.initialized, start.1.initialized);
    report.add(Figure::FirstList, start.0.listed, start.1.listed);

    let sequential = (measure::sequential(ours)?, measure::sequential(baseline)?);
    report.add(Figure::ListP50, sequential.0.p50, sequential.1.p50);
    report.add(
        Figure::Processor,
        sequential.0.processor,
        sequential.1.processor,
    );

    for (figure, wiring) in [
        (Figure::RateOverPipes, Wiring::Pipes),
        (Figure::RateOverSockets, Wiring::Sockets),
    ] {
        report.add(
            figure,
            measure::rate(ours, wiring)?,
            measure::rate(baseline, wiring)?,
        );
    }

    let writes = (measure::writes(ours)?, measure::writes(baseline)?);
    report.add(Figure::Added, writes.0.added, writes.1.added);
    report.add(Figure::Removed, writes.0.removed, writes.1.removed);

    let medium = (
        measure::read_all_pages(ours, upstream::MEDIUM)?,
        measure::read_unpaged(baseline, upstream::MEDIUM)?,
    );
    report.add(Figure::ReadTenThousand, medium.0.elapsed, medium.1.elapsed);
    let large = (
        measure::read_all_pages(ours, upstream::LARGE)?,
        measure::read_unpaged(baseline, upstream::LARGE)?,
    );
    report.add(
        Figure::ReadHundredThousand,
        large.0.elapsed,
        large.1.elapsed,
    );
    report.add(
        Figure::PeakResident,
        large.0.peak_resident,
        large.1.peak_resident,
    );
    Ok(())
}

/// Where this program lies, to be started once more in another role.
fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program lies")
}

fn progress(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}
