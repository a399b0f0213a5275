//! The form of an answer without anything that it says: what a person can
//! report of a service that nobody documents.

mod classes;

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::http::Answer;
pub use classes::class_of;
use classes::{address, key};

/// How deep a form is told; less where that comes to more than [`LONGEST_FORM`].
const DEPTHS: [usize; 4] = [8, 4, 2, 1];
/// Longest form of a body, in bytes.
const LONGEST_FORM: usize = 16 * 1024;
/// A body larger than this is not looked at.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// Forms of the rows of one list, and keys of one object, that are told.
const FORMS: usize = 5;
const KEYS: usize = 60;
/// What is left out.
const MORE: &str = "…";

/// The form of an answer: keys that the APIs are known to use, other keys and all
/// values as classes such as `1NNNNNNNNNN`, and the headers that speak of limits and pages. It holds no
/// name, no number and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skeleton {
    /// What was asked: method, path and the names of the parameters.
    pub asked: String,
    /// HTTP status.
    pub status: u16,
    /// What it says that its body is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The headers that speak of limits and pages.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The form of its body.
    pub body: Value,
}

impl Skeleton {
    /// The skeleton of an answer.
    pub(super) fn of(answer: &Answer) -> Skeleton {
        let headers = answer.headers.iter();
        let told = headers.filter_map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            Some((name.to_string(), header(name.as_str(), &value)?))
        });
        Skeleton {
            asked: answer.asked.clone(),
            status: answer.status,
            content_type: content_type(&answer.headers),
            headers: told.collect(),
            body: body(&answer.body),
        }
    }

    /// The form of its body in a line, for example `no body`.
    pub fn body_in_a_line(&self) -> String {
        match &self.body {
            Value::String(text) => text.clone(),
            form => form.to_string(),
        }
    }
}

/// What a call asks for, without the values of its parameters and without what
/// in its path names an account, a customer or a person.
pub(super) fn asked(call: &Call) -> String {
    let path: Vec<String> = call.path.iter().map(|segment| key(segment)).collect();
    let path = path.join("/");
    let form = match &call.body {
        super::call::Body::Form(form) => form.as_slice(),
        _ => &[],
    };
    // Object and action of the PBX API's form are what other APIs have in the path.
    let named = |wanted: &str| {
        let found = form.iter().find(|(name, _)| *name == wanted);
        found.map_or(String::new(), |(_, value)| format!(" {value}"))
    };
    let (object, action) = (named("object"), named("action"));
    let names = call.query.iter().chain(form).map(|(name, _)| *name);
    let names: Vec<&str> = names
        .filter(|name| !["object", "action"].contains(name))
        .collect();
    let query = match names.is_empty() {
        true => String::new(),
        false => format!("?{}", names.join("&")),
    };
    format!("{} {path}{object}{action}{query}", call.method)
}

/// The form of a body.
fn body(body: &[u8]) -> Value {
    let text = body.trim_ascii();
    if text.is_empty() {
        return "no body".into();
    }
    if text.len() > LARGEST_BODY {
        return format!("more than {} MiB", LARGEST_BODY >> 20).into();
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => bounded_form(&value),
        Err(_) if text.starts_with(b"<") => "markup, such as a page or XML".into(),
        Err(_) if text.starts_with(b"{") || text.starts_with(b"[") => {
            "JSON that breaks off or has a fault".into()
        }
        Err(_) => "neither JSON nor markup".into(),
    }
}

fn bounded_form(value: &Value) -> Value {
    let mut forms = DEPTHS.into_iter().map(|depth| form(value, depth));
    let is_short = |form: &Value| form.to_string().len() <= LONGEST_FORM;
    forms.find(is_short).unwrap_or(MORE.into())
}

/// The form of a value, so many levels deep.
fn form(value: &Value, depth: usize) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => format!("number {}", class_of(&number.to_string())).into(),
        Value::String(text) => class_of(text).into(),
        Value::Array(_) | Value::Object(_) if depth == 0 => MORE.into(),
        Value::Array(list) => forms(list.iter(), depth - 1),
        Value::Object(fields) => fields_form(fields, depth - 1),
    }
}

/// The different forms among some values, each with how many have it.
fn forms<'a>(values: impl Iterator<Item = &'a Value>, depth: usize) -> Value {
    let mut known: Vec<(Value, usize)> = Vec::new();
    let mut others = 0;
    for value in values {
        let form = form(value, depth);
        match known.iter().position(|(known, _)| *known == form) {
            Some(index) => known[index].1 += 1,
            None if known.len() < FORMS => known.push((form, 1)),
            None => others += 1,
        }
    }
    known.extend((others > 0).then(|| (MORE.into(), others)));
    let rows = known.into_iter();
    rows.map(|(form, times)| json!({ "times": times, "form": form }))
        .collect()
}

/// An object: as a record with its keys, or as a map under keys that are data.
fn fields_form(fields: &Map<String, Value>, depth: usize) -> Value {
    let mut by_key: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for (name, value) in fields {
        by_key.entry(key(name)).or_default().push(value);
    }
    let more = by_key.len() > KEYS;
    let told = by_key.into_iter().take(KEYS).map(|(name, values)| {
        let form = match values.as_slice() {
            [only] if !name.starts_with('<') => form(only, depth),
            several => forms(several.iter().copied(), depth),
        };
        (name, form)
    });
    let told = told.chain(more.then(|| (MORE.to_owned(), MORE.into())));
    Value::Object(told.collect())
}

/// Media type and charset; whatever else the header says is left out.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers
        .get(CONTENT_TYPE)?
        .to_str()
        .ok()?
        .to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next()?.to_owned();
    let charset = parts.find(|part| part.starts_with("charset="));
    let is_plain = |text: &&str| text.len() <= 60 && text.bytes().all(is_of_media_type);
    let charset = charset.filter(is_plain);
    let media_type = Some(media_type).filter(|text| is_plain(&text.as_str()))?;
    Some(match charset {
        Some(charset) => format!("{media_type}; {charset}"),
        None => media_type,
    })
}

fn is_of_media_type(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+-.=_\"".contains(&byte)
}

/// A header that speaks of limits or pages, without anything else that it says.
fn header(name: &str, value: &str) -> Option<String> {
    const LIMITS: [&str; 4] = ["ratelimit", "x-ratelimit", "x-rate-limit", "retry-after"];
    const PAGES: [&str; 6] = [
        "content-range",
        "x-has-more",
        "x-next",
        "x-page",
        "x-per-page",
        "x-total",
    ];
    let begins = |with: &[&str]| with.iter().any(|start| name.starts_with(start));
    if name == LINK.as_str() {
        return Some(links(value));
    }
    if begins(&LIMITS) {
        return Some(limits(value));
    }
    (begins(&PAGES) || name.starts_with("x-pagination")).then(|| class_of(value))
}

/// The figures of a limit, which are the same for everybody; names as classes.
fn limits(value: &str) -> String {
    let told = |part: &str| {
        let (name, figure) = part.split_once('=').unwrap_or(("", part));
        let (name, figure) = (name.trim(), figure.trim());
        let is_figure = figure.len() <= 9 && figure.bytes().all(|b| b.is_ascii_digit());
        let figure = match is_figure {
            true => figure.to_owned(),
            false => class_of(figure.trim_matches('"')),
        };
        match name.len() {
            0 => figure,
            1 if name.chars().all(|c| c.is_ascii_alphabetic()) => format!("{name}={figure}"),
            _ => format!("{}={figure}", key(name)),
        }
    };
    let policies = value.split(',').map(|policy| {
        let parts: Vec<String> = policy.split(';').map(|part| told(part.trim())).collect();
        parts.join(";")
    });
    policies.take(FORMS).collect::<Vec<_>>().join(", ")
}

/// The kinds of links, each with the names of its parameters.
fn links(value: &str) -> String {
    const KINDS: [&str; 5] = ["next", "prev", "first", "last", "self"];
    let links = value.split('<').skip(1).take(FORMS).map(|link| {
        let (target, parameters) = link.split_once('>').unwrap_or((link, ""));
        let kinds = KINDS.into_iter().filter(|kind| parameters.contains(kind));
        format!(
            "{} {}",
            address(target),
            kinds.collect::<Vec<_>>().join(" ")
        )
    });
    links.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
