//! The one error type of the library: what happened, why, and what to do next.

use schemars::JsonSchema;
use serde::Serialize;

use crate::face::Operation;
use crate::wording::capitalised;

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure this is. The words are part of the published contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Code {
    /// An argument is missing, malformed, ambiguous or contradicts another.
    InvalidArgument,
    /// Credentials or settings are missing or unusable.
    NotConfigured,
    /// The service refused the login or the token (HTTP 401).
    Unauthorized,
    /// The login is good, but a scope or role is missing (HTTP 403).
    Forbidden,
    /// The account, domain or other resource does not exist (HTTP 404).
    NotFound,
    /// The service asked to slow down and kept doing so (HTTP 429).
    RateLimited,
    /// The service refused the request, or answered with something unreadable.
    UpstreamRejected,
    /// The service could not be reached, or failed on its side.
    UpstreamUnavailable,
    /// The service did not answer in time.
    Timeout,
    /// A confirmation is forged, expired, used before, or belongs to another change.
    ConfirmationInvalid,
    /// What the person was shown has changed since.
    ConfirmationStale,
    /// The operator switched destructive changes off.
    Blocked,
    /// The server runs without its writing tools.
    ReadOnly,
    /// The caller withdrew the request.
    Cancelled,
    /// A fault of this program or of its local state.
    Internal,
}

impl Code {
    /// The contract's word for this code, for example `rate_limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::InvalidArgument => "invalid_argument",
            Code::NotConfigured => "not_configured",
            Code::Unauthorized => "unauthorized",
            Code::Forbidden => "forbidden",
            Code::NotFound => "not_found",
            Code::RateLimited => "rate_limited",
            Code::UpstreamRejected => "upstream_rejected",
            Code::UpstreamUnavailable => "upstream_unavailable",
            Code::Timeout => "timeout",
            Code::ConfirmationInvalid => "confirmation_invalid",
            Code::ConfirmationStale => "confirmation_stale",
            Code::Blocked => "blocked",
            Code::ReadOnly => "read_only",
            Code::Cancelled => "cancelled",
            Code::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without anything being changed.
    fn retryable(self) -> bool {
        matches!(
            self,
            Code::RateLimited | Code::UpstreamUnavailable | Code::Timeout
        )
    }
}

/// A failure, in the form both faces show it: the message says what happened
/// and why, the hint says what to do next.
///
/// Messages never hold a secret, a token or a list of callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.message)]
pub struct Error(Box<Detail>);

/// The published form of an [`Error`]: the value under `"error"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Detail {
    /// What kind of failure this is.
    pub code: Code,
    /// What happened and why, in one or two sentences.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// HTTP status of the service's answer, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// The argument or setting at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The service's id of the request, for a support ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Error {
    /// A failure of the given kind.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error(Box::new(Detail {
            code,
            message: message.into(),
            hint: hint.into(),
            status: None,
            retryable: code.retryable(),
            field: None,
            request_id: None,
        }))
    }

    /// A refused argument: the field, what is wrong with it, and the remedy.
    pub fn invalid(
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Error::new(Code::InvalidArgument, message, hint).with_field(field)
    }

    /// A fault of the local state folder or of this program.
    pub fn internal(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::new(Code::Internal, message, hint)
    }

    /// The caller withdrew. A change that was sent before is carried through.
    pub fn cancelled() -> Self {
        Error::new(
            Code::Cancelled,
            "the request was cancelled; a change that had already been sent is carried through",
            format!("Look with {} before trying again.", Operation::ListVips),
        )
    }

    /// Names the argument or setting at fault.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Adds what the service said of the request.
    #[must_use]
    pub fn with_answer(mut self, status: u16, request_id: Option<String>) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self
    }

    /// Adds a sentence to what to do next.
    #[must_use]
    pub fn with_more_hint(mut self, sentence: &str) -> Self {
        self.0.hint = format!("{} {sentence}", self.0.hint);
        self
    }

    /// What kind of failure this is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        &self.0.hint
    }

    /// The published form.
    pub fn detail(&self) -> &Detail {
        &self.0
    }
}

/// Text that a typed value refuses, with the reason and the remedy.
///
/// The newtypes of this crate return it from `FromStr`; the faces turn
/// it into an [`Error`] that names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {remedy}")]
pub struct Refused {
    /// What is wrong, with the value quoted.
    pub problem: String,
    /// What a good value looks like.
    pub remedy: String,
}

impl Refused {
    /// A refusal of `value`.
    pub fn new(value: &str, problem: &str, remedy: impl Into<String>) -> Self {
        Refused {
            problem: format!("`{}` {problem}", crate::redact::shown(value, 80)),
            remedy: remedy.into(),
        }
    }

    /// The refusal as an error that names its field.
    pub fn into_error(self, field: &str) -> Error {
        Error::invalid(
            field,
            self.problem,
            format!("{}.", capitalised(&self.remedy)),
        )
    }
}
