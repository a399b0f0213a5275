//! Whether the body of a success says that a change was made, and nothing against it.

use reqwest::Method;
use serde_json::{Map, Value};

use super::call::{Body, Call};

/// A longer body is no acknowledgement: whatever it says, it is more than a yes.
const LONGEST: usize = 64 * 1024;

/// Whether the body of a success of the Telco API is one: it is empty, or an
/// object that says yes or repeats what was sent. What else it may hold is
/// documented nowhere, so anything more is settled by a read.
pub(super) fn is_a_plain_yes(body: &[u8], call: &Call) -> bool {
    match read(body) {
        Some(Value::Object(said)) => is_yes(&said, &sent(call), done(&call.method)),
        Some(_) => false,
        None => body.trim_ascii().is_empty(),
    }
}

/// What a change of this kind does, in the service's words.
fn done(method: &Method) -> &'static str {
    match *method {
        Method::DELETE => "deleted",
        _ => "created",
    }
}

/// What a change was sent with.
fn sent(call: &Call) -> Map<String, Value> {
    let query = call.query.iter();
    let mut sent: Map<String, Value> = query
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    if let Body::Json(Value::Object(body)) = &call.body {
        sent.extend(body.clone());
    }
    sent
}

fn is_yes(said: &Map<String, Value>, sent: &Map<String, Value>, done: &str) -> bool {
    let nothing = Map::new();
    said.iter()
        .all(|(name, value)| match (name.as_str(), value) {
            ("data", Value::Object(inner)) => is_yes(inner, sent, done),
            ("route", Value::Object(inner)) => {
                let route = sent.get(name).and_then(Value::as_object);
                is_yes(inner, route.unwrap_or(&nothing), done)
            }
            ("success" | "ok" | "status" | "code" | "result", _) => says_yes(value, done),
            ("created" | "deleted", _) => name == done && says_yes(value, done),
            // The service's own, whatever it is.
            ("id", Value::String(_) | Value::Number(_)) => !says_no(value),
            // The called number that a rule for all called numbers is stored for.
            ("dnis", _) if value == "*" => true,
            _ => is_empty_handed(value) || sent.get(name).is_some_and(|sent| repeats(value, sent)),
        })
}

/// Whether a value is the one that was sent, in whatever case and JSON type.
fn repeats(value: &Value, sent: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    value == sent || text(value).is_some_and(|said| text(sent).as_ref() == Some(&said))
}

/// No value, so neither yes nor no.
fn is_empty_handed(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn says_yes(value: &Value, done: &str) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::String(text) if number_in(value).is_none() => {
            let words = ["ok", "success", "true", "yes", done];
            words
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word))
        }
        // 202 says that it will be done.
        _ => number_in(value).is_some_and(|status| [1.0, 200.0, 201.0, 204.0].contains(&status)),
    }
}

/// A number that may be written as a text.
fn number_in(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether the body of a success says nothing that speaks against it: it is
/// empty, or a JSON object without a word of trouble at any depth. What the
/// objects hold is documented nowhere; but a sentence for people is not an
/// acknowledgement, except for the documented one of the PBX API.
pub(super) fn is_free_of_trouble(body: &[u8]) -> bool {
    match read(body) {
        Some(said @ Value::Object(_)) => is_free(&said),
        Some(_) => false,
        None => body.trim_ascii().is_empty(),
    }
}

fn is_free(said: &Value) -> bool {
    match said {
        Value::Object(said) => {
            let is_accepted = said.get("code").and_then(number_in) == Some(202.0)
                && said.get("message").is_some_and(|words| words == "Accepted");
            said.iter().all(|(name, value)| {
                let is_documented = is_accepted && name == "message";
                (is_documented || !speaks_against(&name.to_ascii_lowercase(), value))
                    && is_free(value)
            })
        }
        Value::Array(list) => list.iter().all(is_free),
        _ => true,
    }
}

/// Whether a field is a word of trouble.
fn speaks_against(name: &str, value: &Value) -> bool {
    const TROUBLES: [&str; 9] = [
        "message",
        "msg",
        "exception",
        "fault",
        "failure",
        "failed",
        "denied",
        "rejected",
        "reason",
    ];
    match name {
        "success" | "ok" | "created" | "accepted" => says_no(value) || says_failure(value),
        "status" | "code" | "result" | "statuscode" | "status_code" => {
            let is_success = |status: f64| (200.0..300.0).contains(&status);
            *value == false
                || says_failure(value)
                || number_in(value).is_some_and(|status| !is_success(status))
        }
        name => (name.starts_with("error") || TROUBLES.contains(&name)) && !says_no(value),
    }
}

fn says_failure(value: &Value) -> bool {
    const FAILURES: [&str; 8] = [
        "error", "errors", "fail", "failed", "failure", "denied", "rejected", "false",
    ];
    let word = value.as_str().unwrap_or_default().trim();
    FAILURES
        .iter()
        .any(|failure| word.eq_ignore_ascii_case(failure))
}

/// Nothing, or no, in the forms that services write it.
fn says_no(value: &Value) -> bool {
    is_empty_handed(value)
        || *value == false
        || number_in(value) == Some(0.0)
        || value.as_str().is_some_and(|text| {
            let no = ["no", "false"];
            no.iter().any(|no| text.trim().eq_ignore_ascii_case(no))
        })
}

/// What a body says, where it is short enough to be an acknowledgement.
fn read(body: &[u8]) -> Option<Value> {
    let is_short = body.len() <= LONGEST;
    is_short
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
}
