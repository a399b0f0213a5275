//! `/oauth/token`: the two grants and the description of a token.
//!
//! Source: SkySwitch API reference, OAuth token. Error bodies follow Laravel Passport, which the
//! vendor's tokens resemble; the vendor does not publish them.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::state::Upstream;
use crate::telco::access::bearer;
use crate::tenant::TokenAnswer;
use crate::{CLIENT_ID, CLIENT_SECRET, USERNAME};

/// Fields of a token request; which are required depends on the grant.
#[derive(Default, Deserialize)]
pub(crate) struct GrantRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
    scope: Option<String>,
    refresh_token: Option<String>,
}

/// Marks the answer to a token request, for the record of requests.
#[derive(Clone)]
pub(crate) struct GrantType(pub(crate) String);

/// POST `/oauth/token`, as a form (samples) or JSON (schema).
pub(crate) async fn grant(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let asked = read_grant(request).await;
    let mut response = match grant_scopes(&upstream, &asked) {
        Ok(scopes) => issue(&upstream, scopes),
        Err(refusal) => *refusal,
    };
    if let Some(grant_type) = asked.grant_type {
        response.extensions_mut().insert(GrantType(grant_type));
    }
    response
}

/// GET `/oauth/token`: describes the caller's token; 400 with `{}` for a bad one.
pub(crate) async fn describe(
    State(upstream): State<Arc<Upstream>>,
    headers: HeaderMap,
) -> Response {
    let token = bearer(&headers).and_then(|token| upstream.held().tokens.access(token).cloned());
    match token {
        Some(token) => Json(json!({
            "username": USERNAME,
            "scopes": token.scopes,
            "expires": token.expires,
        }))
        .into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({}))).into_response(),
    }
}

/// Reads the body; an unreadable one counts as empty and is refused for what it lacks.
async fn read_grant(request: Request) -> GrantRequest {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|media_type| media_type.starts_with("application/json"));
    if is_json {
        let read = Json::<GrantRequest>::from_request(request, &()).await;
        read.map_or_else(|_| GrantRequest::default(), |Json(asked)| asked)
    } else {
        let read = Form::<GrantRequest>::from_request(request, &()).await;
        read.map_or_else(|_| GrantRequest::default(), |Form(asked)| asked)
    }
}

/// Checks the grant and returns the scopes of the token to issue.
///
/// The refusal is boxed because a response is large compared with the usual result.
fn grant_scopes(upstream: &Upstream, asked: &GrantRequest) -> Result<Vec<String>, Box<Response>> {
    let grant_type = asked.grant_type.as_deref().unwrap_or_default();
    if !matches!(grant_type, "password" | "refresh_token") {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
            Some("Check that all required parameters have been provided"),
        ));
    }
    let client_id = required(asked.client_id.as_ref(), "client_id")?;
    let client_secret = required(asked.client_secret.as_ref(), "client_secret")?;
    if client_id != CLIENT_ID || client_secret != CLIENT_SECRET {
        return Err(refusal(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed",
            None,
        ));
    }
    if grant_type == "refresh_token" {
        let refresh_token = required(asked.refresh_token.as_ref(), "refresh_token")?;
        let scopes = upstream.held().tokens.redeem(refresh_token);
        return scopes.ok_or_else(|| {
            refusal(
                StatusCode::UNAUTHORIZED,
                "invalid_request",
                "The refresh token is invalid.",
                Some("Token has been revoked"),
            )
        });
    }
    let username = required(asked.username.as_ref(), "username")?;
    let password = required(asked.password.as_ref(), "password")?;
    let scope = required(asked.scope.as_ref(), "scope")?;
    if username != USERNAME || password != upstream.held().password {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "The user credentials were incorrect.",
            None,
        ));
    }
    allowed_scopes(&upstream.held().tenant.scopes, scope)
}

fn allowed_scopes(allowed: &[String], asked: &str) -> Result<Vec<String>, Box<Response>> {
    let mut granted = Vec::new();
    for scope in asked.split_whitespace() {
        if scope == "*" {
            return Ok(allowed.to_vec());
        }
        if !allowed.iter().any(|known| known == scope) {
            return Err(refusal(
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "The requested scope is invalid, unknown, or malformed",
                Some(&format!("Check the `{scope}` scope")),
            ));
        }
        granted.push(scope.to_owned());
    }
    Ok(granted)
}

fn required<'a>(value: Option<&'a String>, name: &str) -> Result<&'a str, Box<Response>> {
    match value {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request is missing a required parameter, includes an invalid parameter value, \
             includes a parameter more than once, or is otherwise malformed.",
            Some(&format!("Check the `{name}` parameter")),
        )),
    }
}

fn refusal(
    status: StatusCode,
    error: &str,
    description: &str,
    hint: Option<&str>,
) -> Box<Response> {
    let mut body = json!({
        "error": error,
        "error_description": description,
        "message": description,
    });
    if let Some(hint) = hint {
        body["hint"] = Value::from(hint);
    }
    Box::new((status, Json(body)).into_response())
}

fn issue(upstream: &Upstream, scopes: Vec<String>) -> Response {
    let mut held = upstream.held();
    let lifetime = held.tenant.token_lifetime;
    let form = held.tenant.token_answer;
    let issued = held.tokens.issue(scopes, lifetime);

    let seconds = lifetime.as_secs();
    let mut body = json!({ "token_type": "Bearer", "access_token": issued.access });
    match form {
        TokenAnswer::WithoutExpiry => {}
        TokenAnswer::ExpiryAsString => body["expires_in"] = Value::from(seconds.to_string()),
        TokenAnswer::Full | TokenAnswer::WithoutRefreshToken => {
            body["expires_in"] = Value::from(seconds);
        }
    }
    if form != TokenAnswer::WithoutRefreshToken {
        body["refresh_token"] = Value::from(issued.refresh);
    }
    Json(body).into_response()
}
