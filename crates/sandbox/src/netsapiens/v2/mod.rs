//! The REST API below `/ns-api/v2`: its routes, and how writes are read and answered.
//!
//! Source: NetSapiens v2 OpenAPI. A write answers 202 `{"code":202,"message":"Accepted"}`, or 200
//! with the resource when the body says `"synchronous":"yes"`.

mod dial_plans;
mod domains;
mod users;

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, v2_trouble};
use crate::netsapiens::login::V2Caller;
use crate::server::state::Upstream;

pub(crate) fn routes() -> Router<Arc<Upstream>> {
    Router::new()
        .route("/ns-api/v2/version", get(version))
        .route(
            "/ns-api/v2/domains",
            get(domains::list_domains).post(domains::create),
        )
        .route("/ns-api/v2/domains/{domain}", get(domains::show))
        .route(
            "/ns-api/v2/domains/{domain}/devices",
            get(domains::list_devices),
        )
        .route(
            "/ns-api/v2/domains/{domain}/users",
            get(users::list_users).post(users::create),
        )
        .route("/ns-api/v2/domains/{domain}/users/{user}", get(users::show))
        .route(
            "/ns-api/v2/domains/{domain}/users/{user}/devices",
            get(users::list_devices),
        )
        .route(
            "/ns-api/v2/domains/{domain}/users/{user}/answerrules",
            get(users::list_answering_rules).post(users::create_answering_rule),
        )
        .route(
            "/ns-api/v2/domains/{domain}/users/{user}/answerrules/{timeframe}",
            put(users::update_answering_rule).get(users::show_answering_rule),
        )
        .route(
            "/ns-api/v2/domains/{domain}/dialplans/{plan}/dialrules",
            get(dial_plans::list_rules).post(dial_plans::create_rule),
        )
}

/// GET `version`.
async fn version(_: V2Caller, State(upstream): State<Arc<Upstream>>) -> Json<Value> {
    let version = upstream.held().tenant.pbx.v2_version;
    Json(json!({ "apiversion": version.word() }))
}

/// The JSON object of a write.
pub(crate) struct Asked(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Asked, Response> {
        let body = Bytes::from_request(request, state)
            .await
            .unwrap_or_default();
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Asked(Value::Object(fields))),
            _ => Err(v2_trouble(&Trouble::Invalid(vec!["body"]))),
        }
    }
}

impl Asked {
    /// The text of a field; numbers count as text, as extensions are sent either way.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The texts of required fields, or a refusal that names all that are missing.
    pub(crate) fn required<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[String; N], Trouble> {
        let missing: Vec<&'static str> = names
            .into_iter()
            .filter(|name| self.text(name).is_none())
            .collect();
        if missing.is_empty() {
            Ok(names.map(|name| self.text(name).unwrap_or_default()))
        } else {
            Err(Trouble::Invalid(missing))
        }
    }

    /// A switch; None when it was left out.
    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        switch(self.0.get(name)?)
    }

    /// Answers a write that was done.
    pub(crate) fn accepted(&self, resource: Value) -> Response {
        if self.switch("synchronous") == Some(true) {
            return Json(resource).into_response();
        }
        let body = json!({ "code": 202, "message": "Accepted" });
        (StatusCode::ACCEPTED, Json(body)).into_response()
    }
}

/// `yes`/`no` as text or as a JSON boolean.
pub(crate) fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => Some(text == "yes"),
        _ => None,
    }
}

pub(crate) fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// 200 with what was read, or the refusal.
pub(crate) fn read(outcome: Result<Value, Trouble>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(trouble) => v2_trouble(&trouble),
    }
}
