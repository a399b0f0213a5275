//! The state one running sandbox shares between its connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::fault::{Effect, Fault};
use super::tenant::{StoredRoute, Tenant};
use super::tokens::Tokens;

/// A request the sandbox received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// HTTP method in capitals.
    pub method: String,
    /// Path as sent, without the query.
    pub path: String,
    /// Decoded query pairs, in the order sent.
    pub query: Vec<(String, String)>,
    /// `grant_type` of a token request that was acted on.
    pub grant_type: Option<String>,
    /// HTTP status answered; 0 when the connection was dropped or no answer is out yet.
    pub status: u16,
}

impl Recorded {
    /// The value of a query parameter; the last one if it was sent twice.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Names a received request, so that its answer can be noted although others came meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival(u64);

/// Everything behind the HTTP surface.
pub(super) struct Upstream {
    held: Mutex<Held>,
    /// Cancelled when the sandbox is dropped.
    pub(super) shutdown: CancellationToken,
}

/// What the lock protects. Never held across an await.
pub(super) struct Held {
    pub(super) tenant: Tenant,
    pub(super) tokens: Tokens,
    pub(super) latency: Duration,
    stale_read: Option<StaleRead>,
    faults: Vec<Fault>,
    requests: Vec<(Arrival, Recorded)>,
    arrivals: u64,
}

/// The route list as it was before a change, shown until the read lag is over.
struct StaleRead {
    since: Instant,
    routes: Vec<StoredRoute>,
}

impl Upstream {
    pub(super) fn new(tenant: Tenant, shutdown: CancellationToken) -> Upstream {
        Upstream {
            held: Mutex::new(Held {
                tenant,
                tokens: Tokens::default(),
                latency: Duration::ZERO,
                stale_read: None,
                faults: Vec::new(),
                requests: Vec::new(),
                arrivals: 0,
            }),
            shutdown,
        }
    }

    /// Locks the state. A poisoned lock is taken over: the data has no half-done states.
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        let held = self.held();
        held.requests.iter().map(|(_, seen)| seen.clone()).collect()
    }

    pub(super) fn clear_requests(&self) {
        self.held().requests.clear();
    }

    /// Records a request on arrival, so that the order is that of arrival, not of answers.
    pub(super) fn note_arrival(&self, seen: Recorded) -> Arrival {
        let mut held = self.held();
        held.arrivals += 1;
        let arrival = Arrival(held.arrivals);
        held.requests.push((arrival, seen));
        arrival
    }

    /// Completes a recorded request; does nothing when the record was cleared meanwhile.
    pub(super) fn note_answer(&self, arrival: Arrival, status: u16, grant_type: Option<String>) {
        let mut held = self.held();
        let entry = held
            .requests
            .iter_mut()
            .rev()
            .find(|(id, _)| *id == arrival);
        if let Some((_, seen)) = entry {
            seen.status = status;
            seen.grant_type = grant_type;
        }
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.held().faults.push(fault);
    }

    /// Takes one use of the earliest fault that matches this request.
    pub(super) fn strike(&self, method: &str, target: &str) -> Option<Effect> {
        let mut held = self.held();
        held.faults.retain(|fault| fault.times > 0);
        let fault = held
            .faults
            .iter_mut()
            .find(|fault| fault.matches.covers(method, target))?;
        fault.times -= 1;
        Some(fault.effect.clone())
    }
}

impl Held {
    /// The routes a list shows now.
    pub(super) fn visible_routes(&self) -> &[StoredRoute] {
        match &self.stale_read {
            Some(stale) if self.lags(stale) => &stale.routes,
            _ => &self.tenant.routes,
        }
    }

    /// Keeps the present list for readers until the read lag is over; call before a change.
    ///
    /// A list already kept stays and is not kept longer, like a cache that is renewed at times.
    pub(super) fn lag_reads(&mut self) {
        let lagging = self
            .stale_read
            .as_ref()
            .is_some_and(|stale| self.lags(stale));
        if !lagging && !self.tenant.read_lag.is_zero() {
            self.stale_read = Some(StaleRead {
                since: Instant::now(),
                routes: self.tenant.routes.clone(),
            });
        }
    }

    fn lags(&self, stale: &StaleRead) -> bool {
        stale.since.elapsed() < self.tenant.read_lag
    }

    pub(super) fn forget_stale_read(&mut self) {
        self.stale_read = None;
    }
}
