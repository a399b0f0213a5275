//! The page's little server: two requests per link, and everything that is
//! refused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Links, view};
use skyswitch_domain::error::{Code, Error};
use skyswitch_domain::wording::capitalised;
use skyswitch_guard::store::Approval;
use skyswitch_guard::{Answer, Guard, Settled};

/// Connections at a time; a person needs one. With more, the oldest is closed,
/// so that nobody can keep the person out by holding all of them.
const CONNECTIONS: usize = 64;
/// A client that has not sent its request by then is cut off.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a form: one short value.
const FORM_LIMIT: usize = 4096;

/// What the page works with.
#[derive(Clone)]
pub(super) struct Desk {
    pub guard: Arc<Guard>,
    pub links: Links,
    pub port: u16,
}

/// Serves until the page ends.
pub(super) async fn serve(listener: TcpListener, desk: Desk, ended: CancellationToken) {
    let desk = Arc::new(desk);
    let router = Router::new()
        .route("/{secret}", get(show).post(settle))
        .fallback(gone)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&desk),
            only_from_this_page,
        ))
        .layer(middleware::map_response(with_strict_headers))
        .with_state(desk);
    let mut connections = JoinSet::new();
    let mut open = VecDeque::<AbortHandle>::new();
    loop {
        while connections.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        let accepted = tokio::select! {
            () = ended.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // The system has no room for another one now.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if open.len() == CONNECTIONS {
            open.pop_front().iter().for_each(AbortHandle::abort);
        }
        open.push_back(connections.spawn(converse(stream, router.clone())));
    }
}

async fn converse(stream: TcpStream, router: Router) {
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A browser may hang up; a body that never comes must not hold us.
    let _ = tokio::time::timeout(2 * REQUEST_PATIENCE, conversation).await;
}

/// What the form sends.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    pin: String,
    #[serde(default)]
    decision: String,
}

/// Shows a change, or how its question ended. Looking never decides anything.
async fn show(State(desk): State<Arc<Desk>>, Path(secret): Path<String>) -> Response {
    match desk.waiting(&secret).await {
        Ok(Some(approval)) => view::question(&approval, &secret).into_response(),
        Ok(None) => desk.over(&secret).await,
        Err(error) => not_known(&error),
    }
}

async fn settle(
    State(desk): State<Arc<Desk>>,
    Path(secret): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let Ok(Form(sent)) = form else {
        return not_understood();
    };
    let mut approval = match desk.waiting(&secret).await {
        Ok(Some(approval)) => approval,
        Ok(None) => return desk.over(&secret).await,
        Err(error) => return not_known(&error),
    };
    let answer = match sent.decision.as_str() {
        "approve" => Answer::with_pin(sent.confirm, sent.pin),
        "decline" => Answer::Declined,
        // No button of the page sends this, so nobody has decided.
        _ => return not_understood(),
    };
    match desk.guard.settle_on_page(&approval, &answer).await {
        Ok(Settled::AskAgain(preview)) => {
            approval.preview = preview;
            view::question(&approval, &secret).into_response()
        }
        Ok(Settled::Approved | Settled::NotAgreed(_) | Settled::Waits) => {
            let mut ended = desk.over(&secret).await;
            *ended.status_mut() = StatusCode::OK;
            ended
        }
        Err(error) if error.code() == Code::NotFound => desk.over(&secret).await,
        // No PIN is looked at for a while.
        Err(error) if error.code() == Code::Blocked => {
            let problem = capitalised(&format!("{error}. {}", error.hint()));
            approval.preview = approval.preview.with_problem(problem);
            let again = view::question(&approval, &secret);
            (StatusCode::TOO_MANY_REQUESTS, again).into_response()
        }
        Err(_) => said(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not recorded",
            "Your decision could not be recorded, so the change still waits and nothing was changed. Go back and try again.",
        ),
    }
}

impl Desk {
    /// The change behind a link, while it waits.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used, so that nobody knows.
    async fn waiting(&self, secret: &str) -> Result<Option<Approval>, Error> {
        let Some(code) = self.links.code(secret) else {
            return Ok(None);
        };
        match self.guard.waiting_under(&code).await {
            Err(error) if error.code() == Code::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// How the question behind a link ended, while that is remembered.
    async fn over(&self, secret: &str) -> Response {
        let remembered = match self.links.code(secret) {
            Some(code) => match self.guard.remembered(&code).await {
                Ok(remembered) => remembered,
                Err(error) => return not_known(&error),
            },
            None => None,
        };
        let now = Timestamp::now().as_second();
        let ending = remembered.and_then(|approval| Some((approval.ending(now)?, approval)));
        match ending {
            Some((ending, approval)) => {
                (StatusCode::GONE, view::ended(&approval, ending)).into_response()
            }
            None => gone().await,
        }
    }

    /// Whether a header names this page once, by either of its names.
    fn is_here(&self, headers: &HeaderMap, header: HeaderName, scheme: &str) -> bool {
        let names = ["127.0.0.1", "localhost"];
        only(headers, header).is_some_and(|value| {
            names
                .iter()
                .any(|name| value.as_bytes() == format!("{scheme}{name}:{}", self.port).as_bytes())
        })
    }
}

/// Refuses requests that another site or a rebound name brought here.
async fn only_from_this_page(
    State(desk): State<Arc<Desk>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let headers = request.headers();
    // A whole address in place of a path is what proxies are sent.
    let is_for_a_proxy = request.uri().authority().is_some();
    if is_for_a_proxy || !desk.is_here(headers, header::HOST, "") {
        return refused(StatusCode::MISDIRECTED_REQUEST);
    }
    let may_decide = || desk.is_here(headers, header::ORIGIN, "http://") && is_same_site(headers);
    if !request.method().is_safe() && !may_decide() {
        return refused(StatusCode::FORBIDDEN);
    }
    next.run(request).await
}

/// Browsers say where a request comes from; those that do not are old.
fn is_same_site(headers: &HeaderMap) -> bool {
    headers
        .get_all("sec-fetch-site")
        .iter()
        .all(|site| site == "same-origin")
}

/// A header that is there once.
fn only(headers: &HeaderMap, header: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(header).iter();
    values.next().filter(|_| values.next().is_none())
}

fn said(status: StatusCode, heading: &str, text: &str) -> Response {
    (status, view::message(heading, text)).into_response()
}

fn refused(status: StatusCode) -> Response {
    said(status, "Refused", "This page answers only to itself.")
}

fn not_understood() -> Response {
    let (heading, text) = ("Not understood", "Send the page's own form.");
    said(StatusCode::BAD_REQUEST, heading, text)
}

/// The answer where the store does not tell what became of a change.
fn not_known(error: &Error) -> Response {
    let why = capitalised(&format!("{error}. {}", error.hint()));
    let text = format!(
        "{why} Whether the change still waits cannot be seen until then, and nothing was decided. Load this page again after that."
    );
    said(StatusCode::SERVICE_UNAVAILABLE, "Not available now", &text)
}

async fn not_allowed() -> Response {
    refused(StatusCode::METHOD_NOT_ALLOWED)
}

async fn gone() -> Response {
    said(
        StatusCode::NOT_FOUND,
        "No change is waiting here",
        "The change was approved or declined, its time is over, a newer question about it replaced this one, or the link is not complete. Ask your assistant for a new one.",
    )
}

async fn with_strict_headers(mut response: Response) -> Response {
    let policy = view::content_security_policy();
    let fixed = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer`, browsers leave the origin out of the form's request.
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
