//! Outcomes and errors into tool results.

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::json;

use super::consent;
use crate::ops::Asked;
use skyswitch_domain::error::{Error, Result};

/// A result with its structured and its text form.
pub(super) fn outcome<T: Serialize>(outcome: &T, text: String) -> CallToolResponse {
    match serde_json::to_value(outcome) {
        Ok(value) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(value);
            result.into()
        }
        Err(_) => error(&Error::internal(
            "the result could not be written as JSON",
            "Please report this as a bug.",
        )),
    }
}

/// The result of an operation that may have to ask first.
pub(super) fn asked<T: Serialize>(
    asked: Result<Asked<T>>,
    text: impl Fn(&T) -> String,
) -> CallToolResponse {
    match asked {
        Ok(Asked::Done(done)) => outcome(&done, text(&done)),
        Ok(Asked::Question(question)) => consent::input_required(&question).into(),
        Err(failure) => error(&failure),
    }
}

/// A failure a model can act on.
pub(super) fn error(error: &Error) -> CallToolResponse {
    let detail = error.detail();
    let text = format!(
        "{}: {}\n{}",
        detail.code.as_str(),
        detail.message,
        detail.hint
    );
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({ "error": detail }));
    result.into()
}
