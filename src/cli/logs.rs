//! The log on stderr.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::prelude::*;

use crate::config::process_environment;

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

/// Starts the log. Other crates' logs stay off at every level: theirs hold
/// requests, and requests hold callers and tokens. Where stderr may be left
/// unread, lines are lost rather than waited for.
pub(super) fn start(verbose: u8, may_be_unread: bool) -> Logs {
    let level = match verbose {
        0 => process_environment("SKYSWITCH_LOG")
            .and_then(|word| word.trim().parse().ok())
            .unwrap_or(LevelFilter::WARN),
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let waiting = Arc::new(AtomicUsize::new(0));
    let queue = may_be_unread.then(|| queue(&waiting)).flatten();
    let writer = match queue {
        Some(queue) => BoxMakeWriter::new(move || queue.clone()),
        None => BoxMakeWriter::new(io::stderr),
    };
    let ours = Targets::new().with_targets(OUR_CRATES.map(|name| (name, level)));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false);
    // Fails only when a subscriber is set already, as by an embedding program.
    let _ = tracing_subscriber::registry()
        .with(ours)
        .with(lines)
        .try_init();
    Logs { waiting }
}

/// The log of this process.
pub(super) struct Logs {
    waiting: Arc<AtomicUsize>,
}

impl Logs {
    /// Gives a reader of stderr the time to take the last lines.
    pub fn finish(&self) {
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
