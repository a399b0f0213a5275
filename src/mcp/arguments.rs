//! Tool arguments into operation arguments, with errors that name the field.

use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;

/// Reads the arguments of a call.
///
/// Clients fill optional arguments they have no value for with null or an
/// empty text; both mean that the argument was not given.
///
/// # Errors
/// `invalid_argument` with the field, what is wrong and what is accepted.
pub(super) fn read<T: DeserializeOwned>(arguments: Option<JsonObject>) -> Result<T> {
    let mut arguments = arguments.unwrap_or_default();
    arguments.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, &error.into_inner().to_string())
    })
}

fn explain(path: &str, problem: &str) -> Error {
    // serde names missing and unknown fields only in its message.
    if let Some(field) = quoted_after(problem, "missing field ") {
        return Error::invalid(
            field,
            format!("the argument `{field}` is missing"),
            format!("Give `{field}`; the tool's input schema says what it is."),
        );
    }
    if let Some(field) = quoted_after(problem, "unknown field ") {
        let known = problem
            .split_once("expected ")
            .map_or("", |(_, known)| known);
        return Error::invalid(
            field,
            format!("there is no argument `{}`", shown(field, 60)),
            format!("The arguments are {known}."),
        );
    }
    Error::invalid(
        path,
        format!(
            "the argument `{path}` is not accepted: {}",
            shown(problem, 400)
        ),
        format!("Correct `{path}` and call the tool again; nothing was sent."),
    )
}

fn quoted_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(start)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name)
}
