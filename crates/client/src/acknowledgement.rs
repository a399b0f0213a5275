//! Whether the body of a success says that a change was made, and nothing against it.

use serde_json::Value;

/// Whether the body of a success of the Telco API is one: it is empty, or an
/// object that repeats what was asked for or says yes. What else it may hold is
/// documented nowhere, so anything more is settled by a read.
pub(super) fn is_a_plain_yes(body: &[u8]) -> bool {
    const ASKED_FOR: [&str; 8] = [
        "ani",
        "dnis",
        "domain",
        "destination",
        "application",
        "id",
        "type",
        "route",
    ];
    const YES: [&str; 7] = [
        "success", "ok", "status", "code", "result", "created", "deleted",
    ];
    if body.trim_ascii().is_empty() {
        return true;
    }
    fn is_yes(said: &serde_json::Map<String, Value>) -> bool {
        said.iter()
            .all(|(name, value)| match (name.as_str(), value) {
                ("data", Value::Object(inner)) => is_yes(inner),
                (name, _) if ASKED_FOR.contains(&name) => true,
                (name, value) => is_empty_handed(value) || (YES.contains(&name) && says_yes(value)),
            })
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(said)) => is_free_of_trouble(body) && is_yes(&said),
        _ => false,
    }
}

/// No value, so neither yes nor no. `false` is a no.
fn is_empty_handed(value: &Value) -> bool {
    !matches!(value, Value::Bool(_) | Value::Number(_)) && says_no(value) && value != "no"
}

fn says_yes(value: &Value) -> bool {
    let is_success = |status: u64| (200..300).contains(&status) || status == 1;
    match value {
        Value::Bool(yes) => *yes,
        Value::Number(status) => status.as_u64().is_some_and(is_success),
        Value::String(text) => {
            let text = text.trim();
            let words = [
                "ok", "success", "true", "yes", "created", "deleted", "accepted",
            ];
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
                || text.parse().is_ok_and(is_success)
        }
        _ => false,
    }
}

/// Whether the body of a success says nothing that speaks against it: it is
/// empty, or a JSON object without a word of trouble. What the objects hold is
/// documented nowhere; but a sentence for people is not an acknowledgement, except
/// for the documented one of the PBX API.
pub(super) fn is_free_of_trouble(body: &[u8]) -> bool {
    if body.trim_ascii().is_empty() {
        return true;
    }
    let Ok(Value::Object(said)) = serde_json::from_slice(body) else {
        return false;
    };
    let is_accepted = said.get("code").is_some_and(|code| code == 202)
        && said.get("message").is_some_and(|words| words == "Accepted");
    let speaks = |key: &str| said.get(key).is_some_and(|value| !says_no(value));
    let denies = |key: &str| said.get(key).is_some_and(says_no);
    let is_status_of_trouble = |key: &str| match said.get(key) {
        Some(Value::Number(status)) => !status.as_u64().is_some_and(|s| (200..300).contains(&s)),
        Some(Value::String(word)) => STATUSES_OF_TROUBLE
            .iter()
            .any(|trouble| word.trim().eq_ignore_ascii_case(trouble)),
        _ => false,
    };
    let is_told = !is_accepted && ["message", "msg"].into_iter().any(speaks);
    !(is_told
        || ["error", "errors", "error_description", "exception"]
            .into_iter()
            .any(speaks)
        || ["success", "ok"].into_iter().any(denies)
        || ["status", "code"].into_iter().any(is_status_of_trouble))
}

const STATUSES_OF_TROUBLE: [&str; 5] = ["error", "errors", "fail", "failed", "failure"];

/// Nothing, or no, in the forms that services write it.
fn says_no(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => {
            let text = text.trim();
            text.is_empty()
                || ["no", "false", "0"]
                    .iter()
                    .any(|no| text.eq_ignore_ascii_case(no))
        }
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
