//! Bodies that are read before a request is acted on: for the record, and for faults.
//!
//! All calls of the PBX form API have one address, so a fault can only tell them apart by what
//! their form says. Bodies of token requests are never read here: they hold secrets.

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use serde_json::Value;

use crate::netsapiens::v1::Fields;

/// Address of the PBX form API, without its closing slash.
pub(crate) const V1_PATH: &str = "/ns-api";
/// Where the PBX REST API begins.
const V2_PATH: &str = "/ns-api/v2/";

/// What the body of a request says.
#[derive(Default)]
pub(crate) struct Read {
    /// Form fields of a PBX v1 call.
    pub(crate) form: Vec<(String, String)>,
    /// JSON of a write to phone numbers or PBX v2.
    pub(crate) json: Option<Value>,
    /// `/ns-api/?object=…&action=…` and the other fields as they are, for a PBX v1 call.
    pub(crate) v1_target: Option<String>,
}

/// Reads the body where it is wanted and hands the request back whole.
pub(crate) async fn read(request: Request) -> (Request, Read) {
    match kind_of(request.method(), request.uri().path()) {
        Kind::Form => read_form(request).await,
        Kind::Json => read_json(request).await,
        Kind::Unread => (request, Read::default()),
    }
}

enum Kind {
    Form,
    Json,
    Unread,
}

fn kind_of(method: &Method, path: &str) -> Kind {
    if path.trim_end_matches('/') == V1_PATH {
        Kind::Form
    } else if *method != Method::GET
        && (path.starts_with(V2_PATH) || path.contains("/phone-numbers"))
    {
        Kind::Json
    } else {
        Kind::Unread
    }
}

async fn read_form(request: Request) -> (Request, Read) {
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let mut fields = query.map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
    let is_form = is_form(request.headers());
    let (mut request, bytes) = buffered(request).await;
    let form: Vec<(String, String)> = if is_form {
        url::form_urlencoded::parse(&bytes).into_owned().collect()
    } else {
        Vec::new()
    };
    fields.extend(form.iter().cloned());
    let fields = Fields(fields);
    let read = Read {
        form,
        json: None,
        v1_target: Some(target_of(&fields)),
    };
    request.extensions_mut().insert(fields);
    (request, read)
}

async fn read_json(request: Request) -> (Request, Read) {
    let (request, bytes) = buffered(request).await;
    let read = Read {
        json: serde_json::from_slice(&bytes).ok(),
        ..Read::default()
    };
    (request, read)
}

async fn buffered(request: Request) -> (Request, Bytes) {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    (request, bytes)
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|media_type| media_type.starts_with("application/x-www-form-urlencoded"))
}

/// Object and action first, whatever order they were sent in.
fn target_of(fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).unwrap_or_default();
    let mut target = format!(
        "{V1_PATH}/?object={}&action={}",
        text("object"),
        text("action")
    );
    for (name, value) in &fields.0 {
        if name != "object" && name != "action" {
            target.push_str(&format!("&{name}={value}"));
        }
    }
    target
}
