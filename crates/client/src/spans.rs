//! What logs and traces tell of a request.

use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;

use super::call::Call;
use super::http::{Answer, Failure};
use super::skeleton;
use super::trace::Trace;

/// The span of one request. No path and no query as they are sent: they hold the
/// account, the domain and the caller.
pub(super) fn of_request(call: &Call, trace: Option<Trace>) -> Span {
    let span = tracing::debug_span!(
        "request",
        asked = Empty,
        span_id = Empty,
        status = Empty,
        outcome = Empty,
        bytes = Empty,
        request_id = Empty,
        duration_ms = Empty,
    );
    if !span.is_disabled() {
        span.record("asked", skeleton::asked(call));
        span.record("span_id", trace.map_or(String::new(), Trace::span));
    }
    span
}

/// Writes down what became of a request.
pub(super) fn finished(span: &Span, outcome: &Result<Answer, Failure>, took: Duration) {
    span.record(
        "duration_ms",
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    );
    let (word, request_id) = match outcome {
        Ok(answer) => {
            span.record("status", answer.status);
            span.record("bytes", answer.body.len());
            ("ok", answer.request_id.as_deref())
        }
        Err(failure) => {
            if let Some(status) = failure.status() {
                span.record("status", status);
            }
            let error = failure.error();
            (error.code().as_str(), error.detail().request_id.as_deref())
        }
    };
    span.record("outcome", word);
    if let Some(id) = request_id {
        span.record("request_id", id);
    }
    span.in_scope(|| tracing::debug!("request finished"));
}
