//! What every request passes: the route table, recording, faults, latency, the request id.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use std::{io, iter};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::faults::{Effect, RetryAfter};
use crate::netsapiens::answers::rate_limit_headers;
use crate::netsapiens::{login, v1, v2};
use crate::server::body::{self, V1_PATH};
use crate::server::bomb;
use crate::server::connection::KillSwitch;
use crate::server::state::{Recorded, Upstream};
use crate::telco::oauth::GrantType;
use crate::telco::{numbers, oauth, route_by_ani, subscribers};
use crate::tenant::WriteAnswer;

const TOKEN_PATH: &str = "/oauth/token";
const PBX_TOKEN_PATH: &str = "/ns-api/oauth2/token";
const HTML_PAGE: &str = "<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head>\
    <body><h1>We will be back soon</h1></body></html>";
/// How long the first half of a truncated answer has to reach the caller.
const TRUNCATION_PAUSE: Duration = Duration::from_millis(20);
/// Piece in which a huge answer is sent.
const HUGE_PIECE: usize = 64 * 1024;

pub(crate) fn router(upstream: Arc<Upstream>) -> Router {
    Router::new()
        .route(TOKEN_PATH, post(oauth::grant).get(oauth::describe))
        .route(
            "/accounts/{account}/pbx/domains",
            get(route_by_ani::list_domains),
        )
        .route(
            "/accounts/{account}/pbx/route-by-ani",
            get(route_by_ani::list_routes)
                .put(route_by_ani::put_route)
                .delete(route_by_ani::delete_route),
        )
        .merge(telco_numbers())
        .merge(pbx_api())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unsupported_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&upstream),
            receive,
        ))
        .with_state(upstream)
}

/// Subscribers and numbers of the Telco API, the calls that buy and disconnect included.
fn telco_numbers() -> Router<Arc<Upstream>> {
    Router::new()
        .route(
            "/accounts/{account}/pbx/subscribers",
            get(subscribers::list_subscribers),
        )
        .route(
            "/accounts/{account}/pbx/phone-numbers",
            get(subscribers::list_domain_numbers),
        )
        .route(
            "/accounts/{account}/phone-numbers",
            get(numbers::list_numbers).post(numbers::buy_named),
        )
        .route(
            "/accounts/{account}/phone-numbers/{number}",
            put(numbers::buy).delete(numbers::disconnect),
        )
        .route(
            "/accounts/{account}/phone-numbers/{number}/route",
            get(numbers::show_route)
                .put(numbers::put_route)
                .delete(numbers::delete_route),
        )
}

/// Both generations of the PBX API; the closing slash may be left out.
fn pbx_api() -> Router<Arc<Upstream>> {
    let grant = || post(login::grant);
    let call = || get(v1::call).post(v1::call);
    Router::new()
        .route(PBX_TOKEN_PATH, grant())
        .route(&format!("{PBX_TOKEN_PATH}/"), grant())
        .route(V1_PATH, call())
        .route(&format!("{V1_PATH}/"), call())
        .merge(v2::routes())
}

async fn unknown_path(uri: Uri) -> Response {
    let error = format!("The resource {} does not exist.", uri.path());
    (StatusCode::NOT_FOUND, Json(json!({ "error": error }))).into_response()
}

async fn unsupported_method(method: Method) -> Response {
    let message = format!("The {method} method is not supported for this route.");
    let body = Json(json!({ "message": message }));
    (StatusCode::METHOD_NOT_ALLOWED, body).into_response()
}

async fn receive(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(kill_switch): ConnectInfo<KillSwitch>,
    request: Request,
    next: Next,
) -> Response {
    // In a task of its own: like a real server, finish what was begun although the caller hung up.
    let shutdown = upstream.shutdown.clone();
    let work = answer(upstream, kill_switch.clone(), request, next);
    let task = tokio::spawn(async move { shutdown.run_until_cancelled(work).await.flatten() });
    match task.await {
        Ok(Some(response)) => response,
        Ok(None) | Err(_) => {
            // hyper wants some response; the cut connection keeps it from going out.
            kill_switch.pull();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Records the request and answers it as the first matching fault demands.
///
/// None means that the connection is to be dropped.
async fn answer(
    upstream: Arc<Upstream>,
    kill_switch: KillSwitch,
    request: Request,
    next: Next,
) -> Option<Response> {
    let (request, read) = body::read(request).await;
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let target = match request.uri().path_and_query() {
        Some(target) => target.as_str(),
        None => &path,
    };
    let targets: Vec<&str> = iter::once(target)
        .chain(read.v1_target.as_deref())
        .collect();
    let effect = upstream.strike(&method, &targets);
    let is_pbx = path.starts_with(V1_PATH);
    let latency = match path.trim_end_matches('/') {
        TOKEN_PATH | PBX_TOKEN_PATH => Duration::ZERO,
        _ => upstream.locked().latency,
    };
    let habit = match method.as_str() {
        "PUT" | "DELETE" if !is_pbx => upstream.locked().tenant.write_answer.clone(),
        _ => WriteAnswer::Documented,
    };
    let arrival = upstream.note_arrival(Recorded {
        method,
        path,
        query: Query::try_from_uri(request.uri()).map_or_else(|_| Vec::new(), |Query(q)| q),
        form: read.form,
        body: read.json,
        grant_type: None,
        traceparent: {
            let told = request.headers().get("traceparent");
            told.and_then(|told| Some(told.to_str().ok()?.to_owned()))
        },
        status: 0,
    });

    let acted = next.run(request);
    let mut response = match effect {
        None => as_is_usual(habit, acted).await,
        Some(Effect::Status {
            status,
            retry_after,
            body,
            content_type,
        }) => status_answer(status, retry_after, body, &content_type, is_pbx),
        Some(Effect::StatusAfter {
            status,
            retry_after,
            body,
            content_type,
        }) => {
            let grant_type = acted.await.extensions_mut().remove::<GrantType>();
            let mut response = status_answer(status, retry_after, body, &content_type, is_pbx);
            if let Some(grant_type) = grant_type {
                response.extensions_mut().insert(grant_type);
            }
            response
        }
        Some(Effect::DropBefore) => return None,
        Some(Effect::DropAfter) => {
            let grant_type = acted.await.extensions_mut().remove::<GrantType>();
            upstream.note_answer(arrival, 0, grant_type.map(|GrantType(name)| name));
            return None;
        }
        Some(Effect::Truncate) => truncated(acted.await, kill_switch).await,
        Some(Effect::Delay(delay)) => {
            pause(delay).await;
            acted.await
        }
        Some(Effect::Hold(gate)) => {
            gate.passed().await;
            acted.await
        }
        Some(Effect::HoldAnswer(gate)) => {
            let response = acted.await;
            gate.passed().await;
            response
        }
        Some(Effect::Html) => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (html, HTML_PAGE).into_response()
        }
        Some(Effect::Huge(bytes)) => huge(bytes),
        Some(Effect::GzipBomb(bytes)) => bomb::gzip_bomb(bytes),
        Some(Effect::HugeAfter(bytes)) => {
            acted.await;
            huge(bytes)
        }
    };
    pause(latency).await;

    let request_id = format!("{:032x}", rand::random::<u128>());
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    let grant_type = response.extensions_mut().remove::<GrantType>();
    let status = response.status().as_u16();
    upstream.note_answer(arrival, status, grant_type.map(|GrantType(name)| name));
    Some(response)
}

/// Acts and answers as this installation answers changes.
async fn as_is_usual(habit: WriteAnswer, acted: impl Future<Output = Response>) -> Response {
    let (status, body) = match habit {
        WriteAnswer::Documented => return acted.await,
        WriteAnswer::WithoutActing { status, body } => (status, body),
        WriteAnswer::Instead { status, body } => {
            let response = acted.await;
            if !response.status().is_success() {
                return response;
            }
            (status, body)
        }
    };
    status_answer(status, None, body, "application/json", false)
}

/// Waits, without giving up the turn when there is nothing to wait for.
async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn status_answer(
    status: u16,
    retry_after: Option<RetryAfter>,
    body: String,
    content_type: &str,
    is_pbx: bool,
) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    // Only the PBX publishes its limits (SkySwitch PBX API, rate limiting).
    if is_pbx && status == StatusCode::TOO_MANY_REQUESTS {
        headers = rate_limit_headers(match retry_after {
            Some(RetryAfter::Seconds(seconds)) => Some(seconds),
            Some(RetryAfter::Date(_)) | None => None,
        });
    }
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let wait = retry_after.map(|wait| match wait {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(moment) => httpdate::fmt_http_date(moment),
    });
    if let Some(Ok(value)) = wait.map(HeaderValue::try_from) {
        headers.insert(header::RETRY_AFTER, value);
    }
    (status, headers, body).into_response()
}

/// Announces the whole body, sends half of it and cuts the connection.
async fn truncated(response: Response, kill_switch: KillSwitch) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if whole.is_empty() {
        whole = Bytes::from_static(b"{}");
    }
    // A 204 has no body that could be cut.
    if parts.status == StatusCode::NO_CONTENT {
        parts.status = StatusCode::OK;
    }
    let half = whole.slice(..whole.len() / 2);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let cut = async move {
        // hyper drops what it has buffered when a body fails, so let it send the half first.
        tokio::time::sleep(TRUNCATION_PAUSE).await;
        kill_switch.pull();
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let body = stream::iter([Ok(half)]).chain(stream::once(cut));
    Response::from_parts(parts, Body::from_stream(body))
}

/// A JSON array of one very long text, produced piece by piece.
fn huge(bytes: usize) -> Response {
    let piece = Bytes::from(vec![b'x'; HUGE_PIECE]);
    let filler = bytes.saturating_sub(4);
    let rest = piece.slice(..filler % HUGE_PIECE);
    let pieces = iter::once(Bytes::from_static(b"[\""))
        .chain(iter::repeat_n(piece, filler / HUGE_PIECE))
        .chain([rest, Bytes::from_static(b"\"]")])
        .filter(|piece| !piece.is_empty())
        .map(Ok::<Bytes, Infallible>);
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Body::from_stream(stream::iter(pieces))).into_response()
}
