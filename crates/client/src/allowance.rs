//! What a piece of work may take in all: time and bytes, over all requests,
//! repetitions, pages, logins and looks that it leads to. It counts them, too,
//! and knows the trace that they belong to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::retry::TO_SETTLE;
use super::trace::Trace;
use skyswitch_domain::Operation;
use skyswitch_domain::error::{Code, Error, Result};

tokio::task_local! {
    static CURRENT: Allowance;
}

/// How far away the end is while nothing counts.
const FAR: Duration = Duration::from_secs(365 * 86_400);

/// What a piece of work may take in all. Without one, every request has its
/// own bounds alone.
#[derive(Debug, Clone)]
pub struct Allowance {
    shared: Arc<Shared>,
    trace: Option<Trace>,
}

#[derive(Debug)]
struct Shared {
    time: Duration,
    ends: watch::Sender<Instant>,
    bytes: AtomicUsize,
    most_bytes: usize,
    requests: AtomicUsize,
}

impl Allowance {
    /// So much time from now, and so many bytes of answers.
    pub fn new(time: Duration, bytes: usize) -> Allowance {
        Allowance {
            shared: Arc::new(Shared {
                time,
                ends: watch::Sender::new(Instant::now() + time),
                bytes: AtomicUsize::new(bytes),
                most_bytes: bytes,
                requests: AtomicUsize::new(0),
            }),
            trace: None,
        }
    }

    /// As much as the work takes, which is only counted.
    pub fn unbounded() -> Allowance {
        Allowance::new(FAR, usize::MAX)
    }

    /// For work that is a part of a trace.
    #[must_use]
    pub fn traced(self, trace: Trace) -> Allowance {
        Allowance {
            trace: Some(trace),
            ..self
        }
    }

    /// The place of the work in a trace.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// How many requests the work has led to.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many bytes of answers it has taken in.
    pub fn bytes(&self) -> usize {
        self.shared.most_bytes - self.shared.bytes.load(Ordering::Relaxed)
    }

    /// That of the work that this is a part of.
    pub fn current() -> Option<Allowance> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Does work within an allowance, where there is one. A task that is spawned
    /// needs that of its parent expressly.
    pub async fn within<T>(allowance: Option<Allowance>, work: impl Future<Output = T>) -> T {
        match allowance {
            Some(allowance) => CURRENT.scope(allowance, work).await,
            None => work.await,
        }
    }

    /// Waits until the time is over.
    pub async fn is_over(&self) {
        let mut ends = self.shared.ends.subscribe();
        loop {
            let end = *ends.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(end) => return,
                // Its sender is held here.
                _ = ends.changed() => {}
            }
        }
    }

    /// Gives the whole time again, to work that goes on.
    pub fn goes_on(&self) {
        let end = Instant::now() + self.shared.time;
        self.shared.ends.send_replace(end);
    }

    /// Whether a change can still be sent and settled within it.
    pub fn has_time_for_a_change(&self) -> bool {
        self.left() > self.shared.time / TO_SETTLE
    }

    /// Lets the time be over at that moment, where it is not over before.
    pub fn ends_by(&self, end: Instant) {
        let earlier = (*self.shared.ends.borrow()).min(end);
        self.shared.ends.send_replace(earlier);
    }

    /// Waits for a person, whose time does not count.
    pub async fn not_counting<T>(wait: impl Future<Output = T>) -> T {
        let Some(allowance) = Allowance::current() else {
            return wait.await;
        };
        let left = allowance.left();
        let ends = &allowance.shared.ends;
        ends.send_replace(Instant::now() + FAR);
        let waited = wait.await;
        ends.send_replace(Instant::now() + left);
        waited
    }

    fn left(&self) -> Duration {
        let end = *self.shared.ends.borrow();
        end.saturating_duration_since(Instant::now())
    }
}

/// The time that is left, and the whole of it, where it is bounded.
pub(super) fn time() -> Option<(Duration, Duration)> {
    let current = Allowance::current()?;
    Some((current.left(), current.shared.time))
}

/// Waits for something other than an answer for as long as there is time.
pub(super) async fn in_time<T>(wait: impl Future<Output = Result<T>>) -> Result<T> {
    match time() {
        Some((left, _)) => tokio::time::timeout(left, wait)
            .await
            .unwrap_or_else(|_| Err(used_up())),
        None => wait.await,
    }
}

/// Takes bytes of an answer, if there are so many left.
pub(super) fn takes(bytes: usize) -> bool {
    Allowance::current().is_none_or(|current| {
        let take = |left: usize| left.checked_sub(bytes);
        let left = &current.shared.bytes;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    })
}

/// Counts a request, and gives its own place in the trace.
pub(super) fn begins_request() -> Option<Trace> {
    let current = Allowance::current()?;
    current.shared.requests.fetch_add(1, Ordering::Relaxed);
    current.trace.map(Trace::part)
}

/// The error of work that has no time left, before a request was sent.
pub(super) fn used_up() -> Error {
    Error::new(
        Code::Timeout,
        "the time that this may take in all is used up, so the next request was not sent",
        format!(
            "Try again later, or ask for less; what was changed before is in {}.",
            Operation::ListChanges
        ),
    )
}
