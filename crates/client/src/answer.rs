//! What the service's failures mean: statuses, error bodies, broken transports.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::http::Failure;
use skyswitch_domain::error::{Code, Error};
use skyswitch_domain::redact::{shown, shown_words};
use skyswitch_domain::{Operation, command_line};

/// Longest piece of the service's own words that is passed on, in characters.
const QUOTE_LIMIT: usize = 500;
/// A longer body is not searched for words.
const LONGEST_WORDED: usize = 64 * 1024;
/// What to do after a request of which no answer came.
fn look_first() -> String {
    format!(
        "Try again; for a change, look first whether it was made ({}, {}, {}).",
        Operation::ListChanges,
        Operation::ListVips,
        Operation::SetupChecklist
    )
}

/// Whose answer it is, for the words of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// SkySwitch's own (Telco) API.
    Telco,
    /// The NetSapiens PBX API.
    Pbx,
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Api::Telco => "SkySwitch",
            Api::Pbx => "the PBX API",
        }
    }

    /// The setting with its address.
    fn address(self) -> &'static str {
        match self {
            Api::Telco => "`base_url`",
            Api::Pbx => "`pbx_base_url`",
        }
    }
}

/// The failure that a status and its body mean.
///
/// The service documents 400 for business errors, 401 for bad tokens *and*
/// missing permission, and 403 is seen for missing scopes (SkySwitch API
/// reference, Requests and Responses).
pub(super) fn refusal(api: Api, status: u16, body: &[u8]) -> Error {
    let said = service_words(body)
        .map(|words| format!(": \"{}\"", quoted(&words)))
        .unwrap_or_default();
    let doctor = command_line("doctor");
    let look_at_login = format!(
        "Check the PBX login (`pbx_username`, `pbx_password`) and what its role may do; {doctor} tries it."
    );
    let look_at_rights = format!(
        "The login may lack permission here: the account id, the scope `pbx` or the user's PBX role. {doctor} tells which."
    );
    let ask_for_scope = format!(
        "Ask for the scope `pbx` and a PBX Manager role for the user; {doctor} shows the scopes granted."
    );
    let (code, what, hint) = match status {
        401 if api == Api::Pbx => (
            Code::Unauthorized,
            "refused the token",
            look_at_login.as_str(),
        ),
        403 if api == Api::Pbx => (
            Code::Forbidden,
            "does not allow this login to do that",
            "A reseller's login may lack this permission; the step can be done by SkySwitch support or in the portal.",
        ),
        420 | 429 if api == Api::Pbx => (
            Code::RateLimited,
            "asks for fewer requests",
            "Wait a little and try again; SKYSWITCH_PBX_RATE_LIMIT lowers how many requests a second are sent.",
        ),
        404 if api == Api::Pbx => (
            Code::NotFound,
            "does not know this domain, user or resource",
            "Check `pbx_base_url` and `pbx_api` (`v1` or `v2`); some PBX hosts lack some resources.",
        ),
        401 => (
            Code::Unauthorized,
            "refused the token",
            look_at_rights.as_str(),
        ),
        403 => (
            Code::Forbidden,
            "does not allow this login to do that",
            ask_for_scope.as_str(),
        ),
        404 => (
            Code::NotFound,
            "does not know this account, domain or resource",
            "Check the account id and the domain; the list of customers shows those that exist.",
        ),
        408 => (
            Code::Timeout,
            "gave up waiting for the request",
            "Try again.",
        ),
        420 | 429 => (
            Code::RateLimited,
            "asks for fewer requests",
            "Wait a little and try again; SKYSWITCH_RATE_LIMIT lowers how many requests a second are sent.",
        ),
        300..=399 => (
            Code::UpstreamRejected,
            "redirected the request",
            "Check the base URL in the settings: it must be the API's own address.",
        ),
        500..=599 => (
            Code::UpstreamUnavailable,
            "failed on its side",
            "Try again later; if it persists, ask SkySwitch support with the request id.",
        ),
        _ => (
            Code::UpstreamRejected,
            "refused the request",
            "Correct what it names; if it is unclear, ask SkySwitch support with the request id.",
        ),
    };
    let who = api.name();
    Error::new(code, format!("{who} {what} (HTTP {status}){said}"), hint)
}

/// What the service says in an error body, whichever of its many forms it took.
pub(super) fn service_words(body: &[u8]) -> Option<String> {
    let body = Some(body).filter(|body| body.len() <= LONGEST_WORDED)?;
    let text = std::str::from_utf8(body).ok()?.trim();
    if text.is_empty() || looks_like_html(text) {
        return None;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => words_in(&value),
        Err(_) if text.len() <= QUOTE_LIMIT && !text.starts_with(['{', '[']) => {
            Some(text.to_owned())
        }
        Err(_) => None,
    }
}

/// The service's own words as they are passed on.
pub(super) fn quoted(words: &str) -> String {
    shown_words(words, QUOTE_LIMIT)
}

pub(super) fn words_in(value: &Value) -> Option<String> {
    let object = match value {
        Value::String(words) => return Some(words.clone()),
        Value::Object(object) => object,
        _ => return None,
    };
    for key in ["message", "error_description", "error", "msg"] {
        match object.get(key) {
            Some(Value::String(words)) if !words.trim().is_empty() => return Some(words.clone()),
            Some(nested @ Value::Object(_)) => return words_in(nested),
            _ => {}
        }
    }
    let Value::Object(fields) = object.get("errors")? else {
        return None;
    };
    let mut lines = Vec::new();
    for (field, messages) in fields {
        let messages = match messages {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            Value::String(one) => vec![one.as_str()],
            _ => continue,
        };
        lines.push(format!("{field}: {}", messages.join(" ")));
    }
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// A body without a byte order mark. One that is not UTF-8 and declares Latin-1
/// becomes UTF-8; any other is named by [`unreadable`].
pub(super) fn unmarked(body: Bytes, headers: &HeaderMap) -> Bytes {
    if let Some(rest) = body.strip_prefix(b"\xEF\xBB\xBF") {
        return body.slice_ref(rest);
    }
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let declared = declared.unwrap_or_default().to_ascii_lowercase();
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"]
        .iter()
        .any(|name| declared.contains(name));
    match is_latin && std::str::from_utf8(&body).is_err() {
        // The first 256 characters of Unicode are Latin-1.
        true => body
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into(),
        false => body,
    }
}

/// A success whose body cannot be read.
pub(super) fn unreadable(body: &[u8], what: &str, error: &serde_json::Error) -> Error {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let found = if looks_like_html(text.trim_start()) {
        "an HTML page".to_owned()
    } else if std::str::from_utf8(body).is_err() {
        "text that is not Unicode and does not declare what else it is".to_owned()
    } else if error.is_eof() {
        format!("JSON that breaks off after {} bytes", body.len())
    } else if error.is_data() {
        format!(
            "JSON of an unexpected form (line {}, column {})",
            error.line(),
            error.column()
        )
    } else {
        "something that is not JSON".to_owned()
    };
    Error::new(
        Code::UpstreamRejected,
        format!("SkySwitch answered {what} with {found}"),
        "Check `base_url`; if it is right, this may be a maintenance page or a fault: try again later.",
    )
}

/// A success that is not the documented answer to a change.
pub(super) fn no_answer(answer: &super::http::Answer) -> Error {
    let said = service_words(&answer.body)
        .map(|words| format!(": \"{}\"", quoted(&words)))
        .unwrap_or_default();
    answer.not_understood(Error::new(
        Code::UpstreamRejected,
        format!(
            "the service's answer to the change (HTTP {}) is not the documented one{said}",
            answer.status
        ),
        "Check the base URL in the settings; if it is right, this may be a maintenance page: try again later.",
    ))
}

/// A request whose answer did not come in time; it may have been carried out.
pub(super) fn timed_out(api: Api) -> Error {
    Error::new(
        Code::Timeout,
        format!("{} did not answer in time", api.name()),
        look_first(),
    )
}

/// A body larger than we are willing to hold.
pub(super) fn too_large(cap: usize) -> Error {
    Error::new(
        Code::UpstreamRejected,
        format!("SkySwitch's answer is larger than {} MiB", cap >> 20),
        "Ask for less, for example one domain at a time.",
    )
}

/// More than one call may take in.
pub(super) fn too_much_in_all() -> Error {
    Error::new(
        Code::UpstreamRejected,
        "SkySwitch's answers to this call are together larger than a call may take in",
        "Ask for less, for example one domain at a time.",
    )
}

/// What a transport error says about whether the request went out.
pub(super) fn transport_failure(api: Api, error: reqwest::Error) -> Failure {
    if error.is_connect() {
        return Failure::NotSent(unreachable_service(api, &error));
    }
    broken_off(api, error)
}

/// An answer that ended early.
pub(super) fn broken_off(api: Api, error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Lost(timed_out(api));
    }
    Failure::Lost(Error::new(
        Code::UpstreamUnavailable,
        format!(
            "the connection to {} broke before its answer was complete{}",
            api.name(),
            cause(&error)
        ),
        look_first(),
    ))
}

fn unreachable_service(api: Api, error: &reqwest::Error) -> Error {
    Error::new(
        Code::UpstreamUnavailable,
        format!("{} cannot be reached{}", api.name(), cause(error)),
        format!(
            "Check the network, a proxy or firewall, and {}.",
            api.address()
        ),
    )
}

/// The innermost cause, which is the one that helps.
fn cause(error: &reqwest::Error) -> String {
    let mut source = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = source {
        last = Some(inner);
        source = inner.source();
    }
    last.map(|inner| format!(": {}", shown(&inner.to_string(), 200)))
        .unwrap_or_default()
}

/// `Retry-After` in either form: seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// The service's id of the request, where it gives one.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    Some(shown(id, 100))
}

fn looks_like_html(text: &str) -> bool {
    text.starts_with('<')
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn marks_and_a_declared_latin_1_are_read_and_nothing_else_is_guessed() {
        let latin = "application/json; charset=ISO-8859-1";
        for (body, declared, expected) in [
            (b"\xEF\xBB\xBF[]".as_slice(), "", b"[]".as_slice()),
            (b"[\"M\xFCller\"]", latin, "[\"Müller\"]".as_bytes()),
            ("[\"Müller\"]".as_bytes(), latin, "[\"Müller\"]".as_bytes()),
            (b"[\"M\xFCller\"]", "application/json", b"[\"M\xFCller\"]"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(declared));
            let read = unmarked(Bytes::from_static(body), &headers);
            assert_eq!(read, expected, "{declared}");
        }
    }
}
