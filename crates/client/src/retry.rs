//! When a call is repeated: exponential backoff with jitter, `Retry-After`
//! obeyed, thirty seconds in all.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};

use super::allowance;
use super::http::Failure;

/// All attempts of one call together take no longer than this.
const TOTAL: Duration = Duration::from_secs(30);

/// The part of a bounded time that is kept for reading what became of a change.
pub(super) const TO_SETTLE: u32 = 4;

/// The time one call may take, over all its attempts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    ends: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        let left = allowance::time().map_or(TOTAL, |(left, _)| left.min(TOTAL));
        Budget {
            ends: Instant::now() + left,
        }
    }
}

impl Budget {
    /// That of a change, which leaves time to read whether it was made.
    pub fn of_change() -> Budget {
        let left = allowance::time().map_or(TOTAL, |(left, whole)| {
            left.saturating_sub(whole / TO_SETTLE).min(TOTAL)
        });
        Budget {
            ends: Instant::now() + left,
        }
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// How long to wait before the next attempt: at least what the service
    /// asked for. `None` when the wait does not fit any more.
    pub fn wait(&self, failure: &Failure, backoff: Duration) -> Option<Duration> {
        let asked = match failure {
            Failure::Answered { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let wait = backoff.max(asked);
        (wait < self.left()).then_some(wait)
    }
}

/// The waits between attempts.
pub(super) fn backoff() -> impl Iterator<Item = Duration> {
    schedule().build()
}

fn schedule() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(8))
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(4)
}

/// Repeats a read while that is worth it.
pub(super) async fn read<T, F>(budget: &Budget, attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    attempt
        .retry(schedule())
        .when(is_passing)
        .adjust(|failure, wait| budget.wait(failure, wait?))
        .await
}

/// Whether a failure may pass by itself. Of the 4xx only 408, 425 and 429 do,
/// and 420, which some NetSapiens hosts send in place of 429;
/// 401 has its own rule.
pub(super) fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::NotSent(_) | Failure::Lost(_) => true,
        Failure::Answered { status, .. } => matches!(status, 408 | 420 | 425 | 429 | 500..=599),
        Failure::TooLarge(_) | Failure::Final(_) => false,
    }
}
