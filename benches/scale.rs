//! How time and memory of the command line grow when there is ten times as much to do.
//!
//! ```text
//! cargo bench --bench scale
//! cargo bench --bench scale -- --ours PATH --rows 5000 --customers 1000
//! ```
//!
//! Each operation runs once with so many rows or customers and once with ten times as many, against a sandbox within
//! this program. Processor time and memory are those of `skyswitch` alone. What grows in proportion takes ten times
//! the processor time; a ratio far above ten, or memory that grows with it, shows what does not scale. Nothing here
//! fails for a figure. Linux only, since processor time and memory are read from `/proc`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use skyswitch_mcp::sandbox::{self, SCALE_DOMAIN, Sandbox, StoredSubscriber, Tenant};
use tempfile::TempDir;

/// Show how `skyswitch` grows with the work.
#[derive(Parser)]
struct Options {
    /// Measure this binary instead of the one that was just built.
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_skyswitch"))]
    ours: PathBuf,
    /// Rows of the small list; the long one has ten times as many.
    #[arg(long, default_value_t = 5_000)]
    rows: usize,
    /// Customers of the small account; the large one has ten times as many.
    #[arg(long, default_value_t = 1_000)]
    customers: usize,
    /// What `cargo bench` passes to every benchmark; it says nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much longer the longer run is.
const TIMES: usize = 10;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<26}{:>10}{:>12}{:>12}{:>12}{:>10}",
        "", "size", "elapsed", "CPU", "peak", "CPU ratio"
    )?;
    for measured in [
        Measured::Import,
        Measured::Unchanged,
        Measured::Export,
        Measured::Status,
    ] {
        let small = match measured {
            Measured::Status => options.customers,
            _ => options.rows,
        };
        let mut before = None;
        for size in [small, small * TIMES] {
            let taken = runtime.block_on(measured.run(&options.ours, size))?;
            let ratio = before.map(|before: Duration| taken.processor.div_duration_f64(before));
            writeln!(
                out,
                "{:<26}{size:>10}{:>10} s{:>10} s{:>8} MiB{:>10}",
                measured.title(),
                seconds(taken.elapsed),
                seconds(taken.processor),
                taken.peak_kib / 1_024,
                ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}x")),
            )?;
            before = Some(taken.processor);
        }
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

#[derive(Clone, Copy)]
enum Measured {
    /// A list of new callers.
    Import,
    /// The same list once more: nothing is to be changed.
    Unchanged,
    Export,
    Status,
}

impl Measured {
    fn title(self) -> &'static str {
        match self {
            Measured::Import => "vip import, all new",
            Measured::Unchanged => "vip import, all there",
            Measured::Export => "vip export",
            Measured::Status => "status --fresh",
        }
    }

    async fn run(self, ours: &Path, size: usize) -> anyhow::Result<Taken> {
        let tenant = match self {
            Measured::Status => Tenant::portfolio(size),
            Measured::Import | Measured::Unchanged | Measured::Export => Tenant::with_routes(0)
                .subscriber(StoredSubscriber::person(
                    SCALE_DOMAIN,
                    "101",
                    "Maya Lindgren",
                )),
        };
        let sandbox = Sandbox::start(0, tenant).await?;
        let home = tempfile::tempdir().context("cannot make a temporary folder")?;
        let list = home.path().join("list.csv");
        std::fs::write(&list, list_of(size)).context("cannot write the list")?;
        let list = list.to_str().context("the folder is no text")?;
        let command = |words: &[&str]| command(ours, &sandbox, &home, words);
        let import = ["vip", "import", list, "--domain", SCALE_DOMAIN, "--yes"];
        let words: &[&str] = match self {
            Measured::Import => &import,
            Measured::Unchanged | Measured::Export => {
                let filled = command(&import).status().context("cannot start it")?;
                ensure!(filled.success(), "the import failed: {filled}");
                match self {
                    Measured::Export => &["vip", "export", "--domain", SCALE_DOMAIN],
                    _ => &import,
                }
            }
            Measured::Status => &["status", "--fresh"],
        };
        let mut command = command(words);
        // The sandbox answers on this thread's runtime meanwhile.
        tokio::task::spawn_blocking(move || watch(&mut command)).await?
    }
}

/// Different callers in the form of a spreadsheet.
fn list_of(rows: usize) -> String {
    let mut list = String::from("ani,destination\n");
    for number in 0..rows {
        let _ = writeln!(list, "1616{},101", 2_000_000 + number);
    }
    list
}

fn command(ours: &Path, sandbox: &Sandbox, home: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(ours);
    command
        .args(words)
        .env_clear()
        .env("HOME", home.path())
        .env("SKYSWITCH_BASE_URL", sandbox.base_url())
        .env("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID)
        .env("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET)
        .env("SKYSWITCH_USERNAME", sandbox::USERNAME)
        .env("SKYSWITCH_PASSWORD", sandbox::PASSWORD)
        .env("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID)
        .env("SKYSWITCH_RATE_LIMIT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

struct Taken {
    elapsed: Duration,
    processor: Duration,
    peak_kib: u64,
}

/// Runs it to its end, looking at what it holds every few milliseconds.
fn watch(command: &mut Command) -> anyhow::Result<Taken> {
    let begin = Instant::now();
    let mut child = command.spawn().context("cannot start it")?;
    let (mut processor, mut peak_kib) = (Duration::ZERO, 0);
    let status = loop {
        processor = processor_time(&child).unwrap_or(processor);
        peak_kib = peak_resident(&child).unwrap_or(peak_kib);
        if let Some(status) = child.try_wait().context("cannot wait for it")? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    // Customers who lose calls have exit codes of their own.
    ensure!(
        matches!(status.code(), Some(0 | 5 | 6)),
        "it failed: {status}"
    );
    Ok(Taken {
        elapsed: begin.elapsed(),
        processor,
        peak_kib,
    })
}

/// The time of all its threads, in ticks of 10 ms.
fn processor_time(child: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks = times
        .map(|field| field.parse::<u64>().ok())
        .sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * 10))
}

fn peak_resident(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
