//! What logs and traces tell of a tool call or a command: what was asked for, how
//! long it took, what it led to and how it ended; nothing of whom it was about.

use std::time::Instant;

use tracing::field::Empty;
use tracing::{Instrument, Span};

use skyswitch_client::{Allowance, Trace};

/// How a call ended.
pub(crate) struct Ended {
    /// `ok`, or what else came of it, such as the code of an error.
    pub outcome: String,
    /// The rows of the answer, where it has such.
    pub rows: Option<usize>,
}

/// The span of a call, which is `part` of the work that somebody `asked` for.
pub(crate) fn of_call(of: &str, asked: Trace, part: Trace) -> Span {
    tracing::info_span!(
        "call",
        of,
        id = Empty,
        trace_id = part.id(),
        span_id = part.span(),
        parent_id = asked.span(),
        outcome = Empty,
        rows = Empty,
        requests = Empty,
        bytes = Empty,
        duration_ms = Empty,
    )
}

/// Does the work of a call in its span, and writes down how it went.
pub(crate) async fn measured<T>(
    span: Span,
    allowance: &Allowance,
    work: impl Future<Output = T>,
    ended: impl FnOnce(&T) -> Ended,
) -> T {
    let started = Instant::now();
    let done = work.instrument(span.clone()).await;
    if !span.is_disabled() {
        let Ended { outcome, rows } = ended(&done);
        span.record("outcome", outcome);
        if let Some(rows) = rows {
            span.record("rows", rows);
        }
        span.record("requests", allowance.requests());
        span.record("bytes", allowance.bytes());
        let took = started.elapsed().as_millis();
        span.record("duration_ms", u64::try_from(took).unwrap_or(u64::MAX));
        span.in_scope(|| tracing::info!("call finished"));
    }
    done
}
