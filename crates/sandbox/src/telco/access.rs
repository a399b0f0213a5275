//! Who calls the Telco API: token, scope and account of a request.
//!
//! Source: SkySwitch API reference, scopes by section: `pbx` for `pbx/*`, `routing` for the route
//! of a number, `phone_number` for the inventory.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::ACCOUNT_ID;
use crate::server::state::Upstream;

/// A caller with a good token that has the scope, and the right account in the path.
pub(crate) struct Caller<S>(PhantomData<S>);

pub(crate) type PbxCaller = Caller<PbxScope>;
pub(crate) type RoutingCaller = Caller<RoutingScope>;
pub(crate) type NumberCaller = Caller<NumberScope>;

/// A scope of the Telco API.
pub(crate) trait Scope {
    const NAME: &'static str;
}

pub(crate) struct PbxScope;
pub(crate) struct RoutingScope;
pub(crate) struct NumberScope;

impl Scope for PbxScope {
    const NAME: &'static str = "pbx";
}

impl Scope for RoutingScope {
    const NAME: &'static str = "routing";
}

impl Scope for NumberScope {
    const NAME: &'static str = "phone_number";
}

impl<S: Scope> FromRequestParts<Arc<Upstream>> for Caller<S> {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        upstream: &Arc<Upstream>,
    ) -> Result<Caller<S>, Response> {
        let refuse = |status: StatusCode, body: Value| (status, Json(body)).into_response();
        let token = bearer(&parts.headers);
        let scopes = token.and_then(|token| {
            let held = upstream.locked();
            held.tokens.access(token).map(|known| known.scopes.clone())
        });
        let Some(scopes) = scopes else {
            let body = json!({ "message": "Unauthenticated." });
            return Err(refuse(StatusCode::UNAUTHORIZED, body));
        };
        if !scopes.iter().any(|scope| scope == S::NAME) {
            let body = json!({ "message": "Invalid scope(s) provided." });
            return Err(refuse(StatusCode::FORBIDDEN, body));
        }
        let path = RawPathParams::from_request_parts(parts, upstream).await;
        let account_is_known = path.is_ok_and(|path| {
            let mut parameters = path.iter();
            parameters.any(|(name, value)| name == "account" && value == ACCOUNT_ID)
        });
        if !account_is_known {
            let body = json!({ "error": "The account does not exist." });
            return Err(refuse(StatusCode::NOT_FOUND, body));
        }
        Ok(Caller(PhantomData))
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
