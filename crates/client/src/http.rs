//! The one place that sends a request: pacing, timeouts, size cap, and what an
//! answer or its absence means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;
use url::Url;

use super::acknowledgement;
use super::allowance;
use super::answer::{self, Api};
use super::call::Call;
use super::pace::Pace;
use super::retry::Budget;
use super::samples;
use super::skeleton::{self, Skeleton};
use super::spans;
use super::trace::Trace;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::Secret;
use skyswitch_guard::store::StateFolder;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// No answer of this API comes near it; without a cap one bad answer takes all memory.
const BODY_CAP: usize = 64 * 1024 * 1024;
/// What is read of the body of a failure, of which only its words are of use.
const FAILURE_CAP: usize = 64 * 1024;
/// Together 64 requests in flight. A login has a place of its own: calls that
/// hold theirs may be waiting for it.
const CALLS_IN_FLIGHT: usize = 63;
const LOGINS_IN_FLIGHT: usize = 1;

/// A whole answer with a success status.
#[derive(Debug)]
pub(super) struct Answer {
    pub api: Api,
    /// What it answers, without anything that names a customer.
    pub asked: String,
    pub body: Bytes,
    pub status: u16,
    pub request_id: Option<String>,
    /// Some services announce the rest of a list there.
    pub headers: HeaderMap,
    /// Where its skeleton is kept if it is not understood.
    pub samples: Option<Arc<StateFolder>>,
}

impl Answer {
    /// Whether this is the documented answer to a change: one of these
    /// statuses, and a body that is empty or says yes (Telco), or reports no
    /// trouble (PBX).
    pub fn acknowledges(&self, call: &Call, documented: &[u16]) -> bool {
        let says_yes = match self.api {
            Api::Telco => acknowledgement::is_a_plain_yes(&self.body, call),
            // A change may be answered with the whole record.
            Api::Pbx => acknowledgement::is_free_of_trouble(&self.body),
        };
        documented.contains(&self.status) && says_yes
    }

    /// Reads the body as JSON of a known form.
    pub fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| self.not_understood(answer::unreadable(&self.body, what, &error)))
    }

    /// The error of an answer in a form that is not known: with its status and,
    /// in the hint, the file with its skeleton, so that it can be reported.
    pub fn not_understood(&self, error: Error) -> Error {
        let error = error.with_answer(self.status, self.request_id.clone());
        let kept = |folder: &Arc<StateFolder>| samples::keep(folder, &Skeleton::of(self));
        match self.samples.as_ref().and_then(kept) {
            Some(file) => error.with_more_hint(&format!(
                "The form of the answer, without names, numbers or secrets, is in {}: send that file with your report.",
                file.display()
            )),
            None => error,
        }
    }
}

/// How a single attempt failed, which decides whether it may be repeated.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service never got the request.
    NotSent(Error),
    /// The request went out and no whole answer came back: it may have acted.
    Lost(Error),
    /// An answer came that is larger than we are willing to hold, so that
    /// nobody knows what it says. A repetition would bring it again.
    TooLarge(Error),
    /// The service answered with a failure.
    Answered {
        status: u16,
        retry_after: Option<Duration>,
        error: Error,
    },
    /// Not to be repeated, whatever the reason.
    Final(Error),
}

impl Failure {
    /// HTTP status, where the service answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The error of this attempt.
    pub fn error(&self) -> &Error {
        match self {
            Failure::NotSent(error)
            | Failure::Lost(error)
            | Failure::TooLarge(error)
            | Failure::Answered { error, .. }
            | Failure::Final(error) => error,
        }
    }

    /// The error a caller sees when no further attempt is made.
    pub fn into_error(self) -> Error {
        match self {
            Failure::NotSent(error)
            | Failure::Lost(error)
            | Failure::TooLarge(error)
            | Failure::Answered { error, .. }
            | Failure::Final(error) => error,
        }
    }
}

/// The connection pool with its pacing.
pub(super) struct Http {
    api: Api,
    client: reqwest::Client,
    base_url: Url,
    samples: Option<Arc<StateFolder>>,
    pace: Option<DefaultDirectRateLimiter>,
    calls: Arc<Semaphore>,
    logins: Arc<Semaphore>,
    tells_traces: bool,
}

/// A place among the requests in flight, granted at the pace's time.
#[derive(Debug)]
pub(super) struct Place(
    #[expect(dead_code, reason = "held while the request is in flight")] OwnedSemaphorePermit,
);

impl Http {
    /// Builds the pool. Nothing is sent before the first call.
    pub fn new(
        api: Api,
        base_url: Url,
        pace: Pace,
        samples: Option<Arc<StateFolder>>,
    ) -> Result<Http> {
        let client = pool(&base_url)?;
        Ok(Http {
            api,
            client,
            base_url,
            samples,
            pace: pace.quota().map(RateLimiter::direct),
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT)),
            logins: Arc::new(Semaphore::new(LOGINS_IN_FLIGHT)),
            tells_traces: false,
        })
    }

    /// The same pool, which tells the service of the trace that a request
    /// belongs to, or does not.
    pub fn telling_traces(self, tells_traces: bool) -> Http {
        Http {
            tells_traces,
            ..self
        }
    }

    /// Which API it speaks to.
    pub fn api(&self) -> Api {
        self.api
    }

    /// Sends one request once and reads its whole answer.
    ///
    /// Waits for a place in flight unless it is given one. Dropping the
    /// returned future closes the connection.
    pub async fn send(
        &self,
        call: &Call,
        bearer: Option<&Secret>,
        budget: &Budget,
        place: Option<Place>,
    ) -> Result<Answer, Failure> {
        let _place = match place {
            Some(place) => place,
            None => self.admit().await?,
        };
        let started = Instant::now();
        let trace = allowance::begins_request();
        let span = spans::of_request(call, trace);
        let outcome = tokio::time::timeout(
            REQUEST_TIMEOUT.min(budget.left()),
            self.exchange(call, bearer, trace).instrument(span.clone()),
        )
        .await
        .unwrap_or_else(|_| Err(Failure::Lost(answer::timed_out(self.api))));
        spans::finished(&span, &outcome, started.elapsed());
        outcome
    }

    /// Waits for a place in flight and for the pace.
    pub async fn admit(&self) -> Result<Place, Failure> {
        self.place_among(&self.calls).await
    }

    /// The same for a login.
    pub async fn admit_login(&self) -> Result<Place, Failure> {
        self.place_among(&self.logins).await
    }

    async fn place_among(&self, places: &Arc<Semaphore>) -> Result<Place, Failure> {
        let place = async {
            let place = Arc::clone(places).acquire_owned().await;
            let place = place.map_err(|_| Error::cancelled())?;
            if let Some(pace) = &self.pace {
                while let Err(not_yet) = pace.check() {
                    let now = governor::clock::Clock::now(pace.clock());
                    tokio::time::sleep(not_yet.wait_time_from(now)).await;
                }
            }
            Ok(Place(place))
        };
        allowance::in_time(place).await.map_err(Failure::Final)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sends")]
    async fn exchange(
        &self,
        call: &Call,
        bearer: Option<&Secret>,
        trace: Option<Trace>,
    ) -> Result<Answer, Failure> {
        let request = call.to_request(&self.base_url, bearer);
        let mut request = request.map_err(Failure::Final)?;
        let told = trace.filter(|_| self.tells_traces);
        if let Some(Ok(told)) = told.and_then(Trace::traceparent).map(HeaderValue::try_from) {
            request.headers_mut().insert("traceparent", told);
        }
        let response = self
            .client
            .execute(request)
            .await
            .map_err(|error| answer::transport_failure(self.api, error.without_url()))?;
        let status = response.status().as_u16();
        let request_id = answer::request_id(response.headers());
        let retry_after = answer::retry_after(response.headers());
        let headers = response.headers().clone();
        let is_success = (200..300).contains(&status);
        let body = match is_success {
            true => whole_body(self.api, response).await?,
            false => beginning_of_body(self.api, response).await?,
        };
        let body = answer::unmarked(body, &headers);
        if is_success {
            return Ok(Answer {
                api: self.api,
                asked: skeleton::asked(call),
                body,
                status,
                request_id,
                headers,
                samples: self.samples.clone(),
            });
        }
        Err(Failure::Answered {
            status,
            retry_after,
            error: answer::refusal(self.api, status, &body).with_answer(status, request_id),
        })
    }
}

/// Reads the body up to the cap; a body that breaks off is a lost answer.
async fn whole_body(api: Api, mut response: reqwest::Response) -> Result<Bytes, Failure> {
    let announced = announced_length(response.headers());
    if announced > BODY_CAP {
        return Err(Failure::TooLarge(answer::too_large(BODY_CAP)));
    }
    // What is announced may never come, so that no memory is reserved for it.
    let mut body = bytes::BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_CAP => {
                return Err(Failure::TooLarge(answer::too_large(BODY_CAP)));
            }
            Ok(Some(chunk)) if !allowance::takes(chunk.len()) => {
                return Err(Failure::TooLarge(answer::too_much_in_all()));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(answer::broken_off(api, error.without_url())),
        }
    }
}

/// Reads the body of a failure as far as it is of use.
async fn beginning_of_body(api: Api, mut response: reqwest::Response) -> Result<Bytes, Failure> {
    let mut body = bytes::BytesMut::new();
    while body.len() < FAILURE_CAP {
        match response.chunk().await {
            Ok(Some(chunk)) if !allowance::takes(chunk.len()) => {
                return Err(Failure::TooLarge(answer::too_much_in_all()));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(answer::broken_off(api, error.without_url())),
        }
    }
    body.truncate(FAILURE_CAP);
    Ok(body.freeze())
}

fn announced_length(headers: &HeaderMap) -> usize {
    headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

/// Connections to an address.
pub(super) fn pool(address: &Url) -> Result<reqwest::Client> {
    // Fails only when a provider was installed before, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = match address.scheme() {
        // Plain http is loopback: no proxy of the environment can reach it, and
        // reading the system's certificates would take most of the start-up time.
        "http" => reqwest::Client::builder().no_proxy().tls_certs_only([]),
        _ => reqwest::Client::builder(),
    };
    builder
        .user_agent(concat!("skyswitch-mcp/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .gzip(true)
        .build()
        .map_err(|error| {
            Error::internal(
                format!("the HTTP client cannot be set up: {}", error.without_url()),
                "Check the system's certificate store.",
            )
        })
}
