//! Outcomes and errors into tool results.

use std::borrow::Cow;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::{Value, json};

use super::consent;
use crate::ops::Asked;
use crate::spans::Ended;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::unrevealing;

/// A result with its structured and its text form.
pub(super) fn outcome<T: Serialize>(outcome: &T, text: String) -> CallToolResponse {
    match serde_json::to_value(outcome) {
        Ok(mut value) => {
            scrub(&mut value);
            let text = unrevealing(&text).into_owned();
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(value);
            result.into()
        }
        Err(_) => error(&not_json()),
    }
}

/// An outcome as compact JSON, its fields in their own order.
///
/// # Errors
/// `internal` where it cannot be written.
pub(super) fn json(outcome: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(outcome).map_err(|_| not_json())?;
    if let Cow::Borrowed(_) = unrevealing(&json) {
        return Ok(json);
    }
    let mut value = serde_json::to_value(outcome).map_err(|_| not_json())?;
    scrub(&mut value);
    Ok(value.to_string())
}

/// Takes secrets out of what the service has stored, which results give back
/// as it is.
fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = unrevealing(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(members) => members.values_mut().for_each(scrub),
        _ => {}
    }
}

/// How a tool call ended, for logs and traces.
pub(super) fn ended(response: &CallToolResponse) -> Ended {
    let CallToolResponse::Complete(result) = response else {
        return Ended {
            outcome: "input_required".to_owned(),
            rows: None,
        };
    };
    let content = result.structured_content.as_ref();
    let code = content.and_then(|content| content.pointer("/error/code")?.as_str());
    let members = content.and_then(Value::as_object).into_iter().flatten();
    let lists = members.filter_map(|(_, member)| member.as_array());
    Ended {
        outcome: code.unwrap_or("ok").to_owned(),
        rows: Some(lists.map(Vec::len).sum()).filter(|rows| *rows > 0),
    }
}

/// The same of a request that only reads.
pub(super) fn read<T, E>(read: &Result<std::result::Result<T, E>>) -> Ended {
    let outcome = match read {
        Ok(Ok(_)) => "ok",
        Ok(Err(_)) => "failed",
        Err(error) => error.code().as_str(),
    };
    Ended {
        outcome: outcome.to_owned(),
        rows: None,
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
fn not_json() -> Error {
    Error::internal(
        "the result could not be written as JSON",
        "Please report this as a bug.",
    )
}
