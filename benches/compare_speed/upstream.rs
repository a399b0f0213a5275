//! The upstream that both servers ask: a token and three sizes of route lists on 127.0.0.1.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The argument that makes this program the upstream.
pub(crate) const ROLE: &str = "upstream";

pub(crate) const ROUTES_IN_A_SMALL_DOMAIN: usize = 5;

/// A domain with a known number of routes.
#[derive(Clone, Copy)]
pub(crate) struct Domain {
    pub(crate) name: &'static str,
    pub(crate) routes: usize,
}

pub(crate) const MEDIUM: Domain = Domain {
    name: "medium.12345.service",
    routes: 10_000,
};
pub(crate) const LARGE: Domain = Domain {
    name: "large.12345.service",
    routes: 100_000,
};

/// The domain in which rules are written.
pub(crate) const WRITTEN: &str = "written.12345.service";

/// The name of one of the domains with five routes.
pub(crate) fn small_domain(number: usize) -> String {
    format!("small{}.12345.service", number % 1_000)
}

/// The upstream in a process of its own; it ends with this value.
pub(crate) struct Upstream {
    process: Child,
    base_url: String,
}

impl Upstream {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(crate::this_program()?)
            .arg(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the upstream")?;
        let stdout = process
            .stdout
            .take()
            .context("the upstream has no standard output")?;
        let mut base_url = String::new();
        BufReader::new(stdout)
            .read_line(&mut base_url)
            .context("the upstream did not tell its address")?;
        Ok(Self {
            process,
            base_url: base_url.trim_end().to_owned(),
        })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[derive(Clone)]
struct Lists {
    medium: Bytes,
    large: Bytes,
    /// The rules of [`WRITTEN`], by caller.
    written: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Lists {
    fn written(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until standard input ends; the first line of output is the address.
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot listen on 127.0.0.1")?;
        let lists = Lists {
            medium: route_list(MEDIUM.name, MEDIUM.routes).into(),
            large: route_list(LARGE.name, LARGE.routes).into(),
            written: Arc::default(),
        };
        // A list of nothing leaves it open whether the domain exists.
        lists
            .written()
            .insert("16165550199".to_owned(), rule_of("16165550199", "101"));
        let application = Router::new()
            .route("/oauth/token", post(log_in))
            .route(
                "/accounts/{account}/pbx/route-by-ani",
                get(list_routes).put(write_route).delete(remove_route),
            )
            .route("/accounts/{account}/pbx/subscribers", get(list_people))
            .with_state(lists);
        writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
        std::thread::spawn(|| {
            let _ = io::stdin().lock().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        axum::serve(listener, application)
            .await
            .context("the upstream ended")
    })
}

async fn log_in() -> impl IntoResponse {
    Json(json!({
        "token_type": "Bearer",
        "expires_in": 21_600,
        "access_token": "an-access-token",
        "refresh_token": "a-refresh-token",
    }))
}

#[derive(Deserialize)]
struct Asked {
    domain: String,
}

#[derive(Deserialize)]
struct Written {
    ani: String,
    #[serde(default)]
    destination: String,
}

fn rule_of(ani: &str, destination: &str) -> Value {
    json!({ "ani": ani, "dnis": "*", "domain": WRITTEN, "application": "user", "destination": destination })
}

async fn write_route(State(lists): State<Lists>, Query(rule): Query<Written>) -> StatusCode {
    let stored = rule_of(&rule.ani, &rule.destination);
    lists.written().insert(rule.ani, stored);
    StatusCode::CREATED
}

async fn remove_route(State(lists): State<Lists>, Query(rule): Query<Written>) -> StatusCode {
    lists.written().remove(&rule.ani);
    StatusCode::NO_CONTENT
}

async fn list_people() -> impl IntoResponse {
    Json(
        json!([{ "user": "101", "domain": WRITTEN, "first_name": "Maya", "last_name": "Lindgren" }]),
    )
}

async fn list_routes(State(lists): State<Lists>, Query(asked): Query<Asked>) -> Response {
    let body = match asked.domain.as_str() {
        name if name == MEDIUM.name => lists.medium,
        name if name == LARGE.name => lists.large,
        WRITTEN => Value::from_iter(lists.written().values().cloned())
            .to_string()
            .into(),
        name if name.starts_with("small") => route_list(name, ROUTES_IN_A_SMALL_DOMAIN).into(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn route_list(domain: &str, count: usize) -> String {
    let mut list = String::from("[");
    for number in 0..count {
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(
            list,
            r#"{separator}{{"ani":"1616{}","dnis":"*","domain":"{domain}","application":"user","destination":"{}"}}"#,
            2_000_000 + number,
            100 + number % 50,
        );
    }
    list.push(']');
    list
}
