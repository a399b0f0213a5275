//! The log on stderr, and traces for a collector.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry};

use crate::config::process_environment;
use skyswitch_domain::error::Result;

/// The crates that take care what they log.
const OUR_CRATES: [&str; 4] = [
    env!("CARGO_CRATE_NAME"),
    "skyswitch_client",
    "skyswitch_domain",
    "skyswitch_guard",
];
/// Lines that wait for a reader of stderr; more of them are lost.
const LINES: usize = 1024;
/// The end of the process looks so often whether they were read.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(50);

/// How the lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// A sentence with its facts behind it
    Text,
    /// One JSON object per line
    Json,
}

/// Starts the log, and the export of traces where a collector is named. Other
/// crates' logs stay off at every level: theirs hold requests, and requests hold
/// callers and tokens. Where stderr may be left unread, lines are lost rather
/// than waited for.
pub(super) fn start(verbose: u8, format: LogFormat, may_be_unread: bool) -> Logs {
    let (wanted, is_known) = wanted(verbose);
    let waiting = Arc::new(AtomicUsize::new(0));
    let queue = may_be_unread.then(|| queue(&waiting)).flatten();
    let writer = match queue {
        Some(queue) => BoxMakeWriter::new(move || queue.clone()),
        None => BoxMakeWriter::new(io::stderr),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().with_current_span(false).boxed(),
    };
    let mut layers = vec![lines.with_filter(wanted).boxed()];
    let traces = traces(&mut layers);
    // Fails only when a subscriber is set already, as by an embedding program.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    if !is_known {
        tracing::warn!(
            "SKYSWITCH_LOG is not understood in full; give a level, or parts such as `skyswitch_client=debug` after it"
        );
    }
    let traces = traces.unwrap_or_else(|error| {
        tracing::warn!(%error, "no traces are exported");
        None
    });
    Logs { waiting, traces }
}

/// What is logged, and whether everything that was asked for is known.
fn wanted(verbose: u8) -> (Targets, bool) {
    match verbose {
        0 => asked_for(&process_environment("SKYSWITCH_LOG").unwrap_or_default()),
        1 => (ours(LevelFilter::DEBUG), true),
        _ => (ours(LevelFilter::TRACE), true),
    }
}

fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_targets(OUR_CRATES.map(|name| (name, level)))
}

/// A level for everything, and levels for parts of it.
fn asked_for(text: &str) -> (Targets, bool) {
    let usual = ours(LevelFilter::WARN);
    let text = text.trim();
    if text.is_empty() {
        return (usual, true);
    }
    let Ok(asked) = text.parse::<Targets>() else {
        return (usual, false);
    };
    let is_ours = |part: &str| {
        let name = part.split("::").next();
        OUR_CRATES.iter().any(|ours| name == Some(*ours))
    };
    let all = ours(asked.default_level().unwrap_or(LevelFilter::WARN));
    let parts = asked.iter().filter(|(part, _)| is_ours(part));
    let is_known = asked.iter().all(|(part, _)| is_ours(part));
    (all.with_targets(parts), is_known)
}

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

#[cfg(feature = "otlp")]
type Traces = super::otlp::Rest;
#[cfg(not(feature = "otlp"))]
type Traces = std::convert::Infallible;

/// Adds the export of traces, where a collector is named.
#[cfg(feature = "otlp")]
fn traces(layers: &mut Layers) -> Result<Option<Traces>> {
    let named = crate::config::collector(&process_environment)?;
    Ok(named.and_then(super::otlp::start).map(|(export, rest)| {
        layers.push(export.with_filter(ours(LevelFilter::DEBUG)).boxed());
        rest
    }))
}

#[cfg(not(feature = "otlp"))]
fn traces(_: &mut Layers) -> Result<Option<Traces>> {
    Ok(None)
}

/// The log of this process.
pub(super) struct Logs {
    waiting: Arc<AtomicUsize>,
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "there is none"))]
    traces: Option<Traces>,
}

impl Logs {
    /// Gives a collector of traces and a reader of stderr the time to take the
    /// last of it.
    pub fn finish(&self) {
        #[cfg(feature = "otlp")]
        self.traces.iter().for_each(Traces::finish);
        let is_waiting = |_: &u32| self.waiting.load(Ordering::Relaxed) > 0;
        (0..LOOKS)
            .take_while(is_waiting)
            .for_each(|_| std::thread::sleep(LOOK));
    }
}

/// Lines on their way to stderr.
#[derive(Clone)]
struct Queue {
    lines: SyncSender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

fn queue(waiting: &Arc<AtomicUsize>) -> Option<Queue> {
    let (lines, queued) = sync_channel(LINES);
    let counted = Arc::clone(waiting);
    let writer = std::thread::Builder::new().name("log".to_owned());
    writer.spawn(move || write_out(&queued, &counted)).ok()?;
    Some(Queue {
        lines,
        waiting: Arc::clone(waiting),
    })
}

fn write_out(queued: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {
    for line in queued {
        // Without stderr there is nobody to tell.
        let _ = io::stderr().write_all(&line);
        waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Write for Queue {
    /// Takes a whole line, which is what the log writes at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.lines.try_send(line.to_vec()).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
