//! Faults a test or a demonstration can let the sandbox commit.

use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// Something that goes wrong with the next matching requests.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which requests it strikes.
    pub matches: Matcher,
    /// How many of them.
    pub times: usize,
    /// What happens to them.
    pub effect: Effect,
}

/// Selects requests; a part left out matches all, `/oauth/token` included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    /// HTTP method, in any case.
    pub method: Option<String>,
    /// Text contained in the request target as sent: path, `?` and the encoded query.
    ///
    /// All calls of the PBX form API have one target, so their form is searched too, as if they
    /// were sent to `/ns-api/?object=dialrule&action=create&…` (other fields not encoded).
    pub path: Option<String>,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Answers this status instead of acting; comes before the check of the token.
    Status {
        /// HTTP status.
        status: u16,
        /// `Retry-After` header. A 429 of the PBX has `RateLimit` headers beside it.
        retry_after: Option<RetryAfter>,
        /// Body text.
        body: String,
        /// `Content-Type` header.
        content_type: String,
    },
    /// Acts, then answers this status whatever came of it.
    StatusAfter {
        /// HTTP status.
        status: u16,
        /// `Retry-After` header.
        retry_after: Option<RetryAfter>,
        /// Body text.
        body: String,
        /// `Content-Type` header.
        content_type: String,
    },
    /// Closes the connection without acting and without an answer.
    DropBefore,
    /// Acts, then closes the connection without an answer.
    DropAfter,
    /// Acts, announces the whole `Content-Length`, sends half of the body, closes.
    ///
    /// An answer without a body is replaced by `{}` with 200 or its own status.
    Truncate,
    /// Acts after the delay, even if the caller has hung up by then.
    Delay(Duration),
    /// Acts once the gate is open, even if the caller has hung up by then.
    Hold(Gate),
    /// Acts, and answers once the gate is open.
    HoldAnswer(Gate),
    /// Answers 200 with an HTML page instead of acting.
    Html,
    /// Answers 200 with a JSON body of that many bytes (at least 4), streamed without a
    /// `Content-Length`, instead of acting.
    Huge(usize),
    /// Acts, then answers in the same way.
    HugeAfter(usize),
    /// Answers 200 with a small body that gzip unpacks to about that many bytes, instead of
    /// acting.
    GzipBomb(usize),
}

/// Keeps requests waiting until it is opened; a clone is the same gate.
///
/// It lets a test put what happens in order, where a delay would leave it to the clock.
#[derive(Debug, Clone, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// Lets everything through that waits, and all that comes later.
    pub fn open(&self) {
        self.0.cancel();
    }

    pub(crate) async fn passed(&self) {
        self.0.cancelled().await;
    }
}

/// The two forms of a `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds from now.
    Seconds(u64),
    /// A moment, sent as an HTTP date (whole seconds).
    Date(SystemTime),
}

impl Matcher {
    /// Matches method and target; an empty text matches all.
    pub fn new(method: &str, path: &str) -> Matcher {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Matcher {
            method: given(method),
            path: given(path),
        }
    }

    pub(crate) fn covers(&self, method: &str, target: &str) -> bool {
        let method_fits = self
            .method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let target_fits = self
            .path
            .as_deref()
            .is_none_or(|part| target.contains(part));
        method_fits && target_fits
    }
}

impl Fault {
    /// An effect on one request; empty `method` or `path` matches all. See [`Fault::times`].
    pub fn new(method: &str, path: &str, effect: Effect) -> Fault {
        Fault {
            matches: Matcher::new(method, path),
            times: 1,
            effect,
        }
    }

    /// Answers `status` with a body in the vendor's style, without acting.
    pub fn status(method: &str, path: &str, status: u16) -> Fault {
        let effect = Effect::Status {
            status,
            retry_after: None,
            body: vendor_body(status).to_owned(),
            content_type: "application/json".to_owned(),
        };
        Fault::new(method, path, effect)
    }

    /// Acts, then answers `status` with a body in the vendor's style.
    pub fn status_after(method: &str, path: &str, status: u16) -> Fault {
        let effect = Effect::StatusAfter {
            status,
            retry_after: None,
            body: vendor_body(status).to_owned(),
            content_type: "application/json".to_owned(),
        };
        Fault::new(method, path, effect)
    }

    /// See [`Effect::DropBefore`].
    pub fn drop_before(method: &str, path: &str) -> Fault {
        Fault::new(method, path, Effect::DropBefore)
    }

    /// See [`Effect::DropAfter`].
    pub fn drop_after(method: &str, path: &str) -> Fault {
        Fault::new(method, path, Effect::DropAfter)
    }

    /// See [`Effect::Truncate`].
    pub fn truncate(method: &str, path: &str) -> Fault {
        Fault::new(method, path, Effect::Truncate)
    }

    /// See [`Effect::Delay`].
    pub fn delay(method: &str, path: &str, delay: Duration) -> Fault {
        Fault::new(method, path, Effect::Delay(delay))
    }

    /// See [`Effect::Hold`].
    pub fn hold(method: &str, path: &str, gate: &Gate) -> Fault {
        Fault::new(method, path, Effect::Hold(gate.clone()))
    }

    /// See [`Effect::HoldAnswer`].
    pub fn hold_answer(method: &str, path: &str, gate: &Gate) -> Fault {
        Fault::new(method, path, Effect::HoldAnswer(gate.clone()))
    }

    /// See [`Effect::Html`].
    pub fn html(method: &str, path: &str) -> Fault {
        Fault::new(method, path, Effect::Html)
    }

    /// See [`Effect::Huge`].
    pub fn huge(method: &str, path: &str, bytes: usize) -> Fault {
        Fault::new(method, path, Effect::Huge(bytes))
    }

    /// See [`Effect::HugeAfter`].
    pub fn huge_after(method: &str, path: &str, bytes: usize) -> Fault {
        Fault::new(method, path, Effect::HugeAfter(bytes))
    }

    /// See [`Effect::GzipBomb`].
    pub fn gzip_bomb(method: &str, path: &str, bytes: usize) -> Fault {
        Fault::new(method, path, Effect::GzipBomb(bytes))
    }

    /// Does no harm, but uses up a turn: injected before another fault it lets that one strike
    /// the second or a later request.
    pub fn pass(method: &str, path: &str) -> Fault {
        Fault::new(method, path, Effect::Delay(Duration::ZERO))
    }

    /// Sets how many requests the fault strikes.
    #[must_use]
    pub fn times(mut self, times: usize) -> Fault {
        self.times = times;
        self
    }

    /// Adds a `Retry-After` header; only status faults have one.
    #[must_use]
    pub fn retry_after(mut self, wait: RetryAfter) -> Fault {
        if let Effect::Status { retry_after, .. } | Effect::StatusAfter { retry_after, .. } =
            &mut self.effect
        {
            *retry_after = Some(wait);
        }
        self
    }

    /// Replaces body and content type; only status faults have them.
    #[must_use]
    pub fn body(mut self, text: &str, media_type: &str) -> Fault {
        if let Effect::Status {
            body, content_type, ..
        }
        | Effect::StatusAfter {
            body, content_type, ..
        } = &mut self.effect
        {
            text.clone_into(body);
            media_type.clone_into(content_type);
        }
        self
    }
}

/// An error body of the kind the vendor sends with that status.
fn vendor_body(status: u16) -> &'static str {
    match status {
        200..=299 => "{}",
        401 => r#"{"message":"Unauthenticated."}"#,
        403 => r#"{"message":"Invalid scope(s) provided."}"#,
        404 => r#"{"error":"The requested resource was not found."}"#,
        429 => r#"{"message":"Too Many Attempts."}"#,
        500.. => r#"{"error":"The service encountered an error and could not perform request."}"#,
        _ => r#"{"error":"The request could not be processed."}"#,
    }
}
