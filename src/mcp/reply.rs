//! Outcomes and errors into tool results.

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::json;

use super::consent;
use crate::ops::Asked;
use skyswitch_domain::error::Error;

/// A result with its structured and its text form.
pub(super) fn outcome<T: Serialize>(outcome: &T, text: String) -> CallToolResponse {
    match serde_json::to_value(outcome) {
        Ok(value) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(value);
            result.into()
        }
        Err(_) => error(&not_json()),
    }
}

/// The result of an operation that may have to ask first.
pub(super) fn asked<T: Serialize>(
    asked: Asked<T>,
    text: impl FnOnce(&T) -> String,
) -> CallToolResponse {
    match asked {
        Asked::Done(done) => outcome(&done, text(&done)),
        Asked::Question(question) => consent::input_required(&question).into(),
    }
}

/// A failure a model can act on.
pub(super) fn error(error: &Error) -> CallToolResponse {
    let mut result = CallToolResult::error(vec![ContentBlock::text(failure_text(error))]);
    result.structured_content = Some(json!({ "error": error.detail() }));
    result.into()
}

/// A failure in words: its code, what happened, and what to do next.
pub(super) fn failure_text(error: &Error) -> String {
    format!("{}: {error}\n{}", error.code().as_str(), error.hint())
}

/// A result that cannot be shown.
pub(super) fn not_json() -> Error {
    Error::internal(
        "the result could not be written as JSON",
        "Please report this as a bug.",
    )
}
