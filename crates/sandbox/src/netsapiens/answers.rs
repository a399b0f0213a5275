//! Answers of the PBX API: lists, refusals, rate limit headers.
//!
//! Sources: NetSapiens v1 (202 for writes, `[]` for what is absent, XML by default) and v2
//! (`{code, message}`); SkySwitch PBX API, rate limiting.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::tenant::habits::PbxHabits;

/// Seconds until the limit is over, when a fault does not say.
const RATE_LIMIT_SECONDS: u64 = 30;

/// Why a call is refused; each generation puts it in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No token, a bad one, or one that waits for a second factor.
    Unauthenticated,
    /// Not allowed; the status v1 says it with.
    Forbidden(u16),
    /// This is not there.
    Missing(&'static str),
    /// This is there already.
    Duplicate(&'static str),
    /// These fields are missing or wrong.
    Invalid(Vec<&'static str>),
}

impl Trouble {
    fn message(&self) -> String {
        match self {
            Trouble::Unauthenticated => "Invalid or expired token".to_owned(),
            Trouble::Forbidden(_) => "Permission denied".to_owned(),
            Trouble::Missing(what) => format!("{what} not found"),
            Trouble::Duplicate(what) => format!("{what} already exists."),
            Trouble::Invalid(fields) => {
                format!("Missing or invalid parameters: {}", fields.join(", "))
            }
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Trouble::Unauthenticated => StatusCode::UNAUTHORIZED,
            Trouble::Forbidden(_) => StatusCode::FORBIDDEN,
            Trouble::Missing(_) => StatusCode::NOT_FOUND,
            Trouble::Duplicate(_) => StatusCode::CONFLICT,
            Trouble::Invalid(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refusal of the form API: a status and a plain sentence.
pub(crate) fn v1_trouble(trouble: &Trouble) -> Response {
    let status = match trouble {
        Trouble::Forbidden(status) => {
            StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN)
        }
        _ => trouble.status(),
    };
    (status, trouble.message()).into_response()
}

/// A refusal of the REST API: `{code, message}`.
pub(crate) fn v2_trouble(trouble: &Trouble) -> Response {
    let status = trouble.status();
    let body = json!({ "code": status.as_u16(), "message": trouble.message() });
    (status, Json(body)).into_response()
}

/// The rows from `start` on, at most `limit`, as the installation puts lists.
pub(crate) fn list(
    rows: Vec<Value>,
    start: Option<&str>,
    limit: Option<&str>,
    habits: &PbxHabits,
) -> Value {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok());
    let most = habits.list_limit.unwrap_or(usize::MAX);
    let limit = number(limit).map_or(most, |limit| limit.min(most));
    let mut rows: Vec<Value> = rows
        .into_iter()
        .skip(number(start).unwrap_or(0))
        .take(limit)
        .collect();
    if habits.single_record_as_object && rows.len() == 1 {
        return rows.remove(0);
    }
    Value::Array(rows)
}

/// 200 with rows of the form API: JSON if asked for, else XML with one element for each row.
pub(crate) fn v1_rows(object: &str, rows: &Value, is_json: bool) -> Response {
    if is_json {
        return Json(rows).into_response();
    }
    let one = std::slice::from_ref(rows);
    let records = rows.as_array().map_or(one, Vec::as_slice);
    let mut xml = String::from("<?xml version=\"1.0\"?>\n");
    if records.is_empty() {
        xml.push_str("<xml/>");
    } else {
        xml.push_str("<xml>");
        for record in records {
            push_element(&mut xml, object, record);
        }
        xml.push_str("</xml>");
    }
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
}

fn push_element(xml: &mut String, name: &str, value: &Value) {
    xml.push_str(&format!("<{name}>"));
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                push_element(xml, field, value);
            }
        }
        Value::Array(_) | Value::Null => {}
        Value::String(text) => xml.push_str(&escaped(text)),
        other => xml.push_str(&other.to_string()),
    }
    xml.push_str(&format!("</{name}>"));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The headers beside a 429: both policies in one line each.
pub(crate) fn rate_limit_headers(wait: Option<u64>) -> HeaderMap {
    let wait = wait.unwrap_or(RATE_LIMIT_SECONDS);
    let policy = r#""subscriber";q=60;w=60;pk=:c2FuZA==:, "client";q=90;w=60;pk=:Ym94:"#;
    let state =
        format!(r#""subscriber";r=0;t={wait};pk=:c2FuZA==:, "client";r=30;t={wait};pk=:Ym94:"#);
    let mut headers = HeaderMap::new();
    headers.insert("ratelimit-policy", HeaderValue::from_static(policy));
    if let Ok(state) = HeaderValue::try_from(state) {
        headers.insert("ratelimit", state);
    }
    headers
}
