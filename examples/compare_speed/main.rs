//! Compares the speed of `skyswitch mcp` with an rmcp server written the default way (`baseline_server`).
//!
//! ```text
//! cargo run --release --example compare_speed
//! cargo run --release --example compare_speed -- --json
//! cargo run --release --example compare_speed -- --rounds 3 --ours PATH --baseline PATH
//! ```
//!
//! Builds both release binaries, starts one upstream on 127.0.0.1 in a process of its own, and measures the two
//! servers in turn, round after round (A B A B ...). The figures are medians over the rounds; only the ratios within
//! one run mean something, never a figure of one run against a figure of another. Nothing here fails for a missed
//! target: the exit code is 0 unless the comparison could not be run at all. Linux only, since processor time and
//! memory are read from `/proc`.
//!
//! What keeps it fair: both servers get the same environment and an empty state folder per process, so each logs in
//! once; concurrent calls ask for different domains, so that joining identical reads gives no advantage; the driver
//! is one thread that writes each request on its own, as a client does.

mod client;
mod measure;
mod report;
mod upstream;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};

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
    /// Measure this `skyswitch` binary; with `--baseline`, nothing is built.
    #[arg(long, value_name = "PATH", requires = "baseline")]
    ours: Option<PathBuf>,
    /// Measure against this `baseline_server` binary.
    #[arg(long, value_name = "PATH", requires = "ours")]
    baseline: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the upstream, until standard input ends.
    #[command(hide = true)]
    Upstream,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(Role::Upstream) = options.role {
        return upstream::serve();
    }
    let (ours, baseline) = match (options.ours, options.baseline) {
        (Some(ours), Some(baseline)) => (ours, baseline),
        _ => build()?,
    };
    let upstream = Upstream::start()?;
    let ours = Program::new("skyswitch", &ours, &["mcp"], upstream.base_url())?;
    let baseline = Program::new("baseline_server", &baseline, &[], upstream.base_url())?;

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
        Figure::PeakResident,
        large.0.peak_resident,
        large.1.peak_resident,
    );
    Ok(())
}

/// Builds the two servers and returns where they lie.
fn build() -> anyhow::Result<(PathBuf, PathBuf)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--bin",
            "skyswitch",
            "--example",
            "baseline_server",
        ])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .status()
        .context("cannot run cargo to build the two servers")?;
    ensure!(status.success(), "building the two servers failed");

    // This program is TARGET/PROFILE/examples/compare_speed, whatever TARGET is set to.
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let Some(target) = program.ancestors().nth(3) else {
        bail!(
            "`{}` does not lie in a cargo target folder",
            program.display()
        );
    };
    let release = target.join("release");
    Ok((
        release.join("skyswitch"),
        release.join("examples/baseline_server"),
    ))
}

fn progress(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}
