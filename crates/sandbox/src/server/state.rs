//! The state one running sandbox shares between its connections.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::controls::RuleEffect;
use crate::faults::{Effect, Fault};
use crate::kept::Kept;
use crate::phone_calls::Exchange;
use crate::server::tokens::Tokens;
use crate::tenant::Tenant;
use crate::tenant::customer::StoredNumber;
use crate::tenant::customers::Customers;
use crate::tenant::rows::Rows;
use crate::tenant::stored::StoredRoute;

/// A request the sandbox received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// HTTP method in capitals.
    pub method: String,
    /// Path as sent, without the query.
    pub path: String,
    /// Decoded query pairs, in the order sent.
    pub query: Vec<(String, String)>,
    /// Decoded form fields of a PBX v1 call, in the order sent; empty for all else, so that no
    /// secret of a token request gets here.
    pub form: Vec<(String, String)>,
    /// JSON body of a request to `phone-numbers` or to PBX v2.
    pub body: Option<Value>,
    /// `grant_type` of a token request that was acted on.
    pub grant_type: Option<String>,
    /// Header `traceparent`, where there is one.
    pub traceparent: Option<String>,
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

    /// The value of a form field; the last one if it was sent twice.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Names a received request, so that its answer can be noted although others came meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival(u64);

/// Everything behind the HTTP surface.
pub(crate) struct Upstream {
    held: Mutex<Held>,
    /// Cancelled when the sandbox is dropped.
    pub(crate) shutdown: CancellationToken,
}

/// What the lock protects. Never held across an await.
pub(crate) struct Held {
    /// How it answers; the lists of the tenant are empty, their rows in [`Customers`].
    pub(crate) tenant: Tenant,
    pub(crate) customers: Customers,
    /// Where these are kept beyond this process.
    kept: Option<Kept>,
    /// Tokens of the Telco API.
    pub(crate) tokens: Tokens,
    /// Tokens of the PBX API; neither API accepts those of the other.
    pub(crate) pbx_tokens: Tokens,
    /// The password of the Telco user.
    pub(crate) password: String,
    pub(crate) latency: Duration,
    stale_read: Option<StaleRead>,
    /// Numbers on which callers are dropped now.
    dropping: BTreeSet<String>,
    /// How often something had been changed when that was looked at.
    dropping_at: u64,
    /// Numbers on which a request made callers be dropped, in order, each once.
    ever_dropped: Vec<String>,
    /// What requests did to VIP rules.
    pub(crate) rule_log: Vec<RuleEffect>,
    faults: Vec<Fault>,
    requests: Vec<(Arrival, Recorded)>,
    arrivals: u64,
}

/// VIP rules and numbers as they were before a change, shown until the read lag is over.
struct StaleRead {
    since: Instant,
    routes: Rows<StoredRoute>,
    numbers: Rows<StoredNumber>,
}

impl Upstream {
    pub(crate) fn new(
        tenant: Tenant,
        customers: Customers,
        kept: Option<Kept>,
        shutdown: CancellationToken,
    ) -> Upstream {
        let mut held = Held {
            dropping: BTreeSet::new(),
            dropping_at: 0,
            ever_dropped: Vec::new(),
            rule_log: Vec::new(),
            tenant,
            customers,
            kept,
            tokens: Tokens::new("sandbox"),
            pbx_tokens: Tokens::new("sandbox-pbx"),
            password: crate::PASSWORD.to_owned(),
            latency: Duration::ZERO,
            stale_read: None,
            faults: Vec::new(),
            requests: Vec::new(),
            arrivals: 0,
        };
        held.accept_dropped();
        Upstream {
            held: Mutex::new(held),
            shutdown,
        }
    }

    /// Locks the state, with what other processes have changed in the kept data.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        let mut held = self.locked();
        held.refresh();
        held
    }

    /// Locks what does not depend on the kept data. A poisoned lock is taken over: the data has
    /// no half-done states.
    pub(crate) fn locked(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state for a request that may change what customers hold.
    ///
    /// When the lock is let go, numbers that the change made drop their callers are noted; under
    /// the lock, so that another request cannot repair it unseen.
    pub(crate) fn changing(&self) -> Changing<'_> {
        let mut held = self.held();
        if let Some(kept) = &mut held.kept {
            kept.begin_change();
        }
        // Another process may have changed something before it let this one in.
        held.refresh();
        Changing(held)
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        let held = self.locked();
        held.requests.iter().map(|(_, seen)| seen.clone()).collect()
    }

    pub(crate) fn clear_requests(&self) {
        self.locked().requests.clear();
    }

    /// Records a request on arrival, so that the order is that of arrival, not of answers.
    pub(crate) fn note_arrival(&self, seen: Recorded) -> Arrival {
        let mut held = self.locked();
        held.arrivals += 1;
        let arrival = Arrival(held.arrivals);
        held.requests.push((arrival, seen));
        arrival
    }

    /// Completes a recorded request; does nothing when the record was cleared meanwhile.
    pub(crate) fn note_answer(&self, arrival: Arrival, status: u16, grant_type: Option<String>) {
        let mut held = self.locked();
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

    pub(crate) fn inject(&self, fault: Fault) {
        self.locked().faults.push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        self.locked().faults.clear();
    }

    /// Takes one use of the earliest fault that matches this request under any of its targets.
    pub(crate) fn strike(&self, method: &str, targets: &[&str]) -> Option<Effect> {
        let mut held = self.locked();
        held.faults.retain(|fault| fault.times > 0);
        let fault = held.faults.iter_mut().find(|fault| {
            let mut targets = targets.iter();
            targets.any(|target| fault.matches.covers(method, target))
        })?;
        fault.times -= 1;
        Some(fault.effect.clone())
    }
}

/// The locked state during a change; see [`Upstream::changing`].
pub(crate) struct Changing<'a>(MutexGuard<'a, Held>);

impl Deref for Changing<'_> {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.0
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Held {
        &mut self.0
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let held = &mut *self.0;
        held.note_dropped();
        if let Some(kept) = &mut held.kept {
            kept.end_change(&held.customers);
        }
    }
}

impl Held {
    /// Takes over what other processes have changed in the kept data.
    fn refresh(&mut self) {
        let kept = self.kept.as_mut();
        if let Some(customers) = kept.and_then(Kept::refresh) {
            self.customers = customers;
            self.accept_dropped();
        }
    }

    /// Why the data could not be kept.
    pub(crate) fn not_kept(&self) -> Option<String> {
        let kept = self.kept.as_ref()?;
        kept.trouble().map(ToString::to_string)
    }

    /// Numbers that a request made drop their callers so far.
    pub(crate) fn ever_dropped(&self) -> &[String] {
        &self.ever_dropped
    }

    /// Takes the present state as given, after a change that no request made.
    pub(crate) fn accept_dropped(&mut self) {
        self.dropping = self.exchange().dropped_numbers().into_iter().collect();
        self.dropping_at = self.customers.changes_beside_rules();
    }

    fn note_dropped(&mut self) {
        // Who is no VIP is dropped whatever the rules are.
        if self.dropping_at == self.customers.changes_beside_rules() {
            return;
        }
        let before = std::mem::take(&mut self.dropping);
        self.accept_dropped();
        for number in self.dropping.difference(&before) {
            if !self.ever_dropped.contains(number) {
                self.ever_dropped.push(number.clone());
            }
        }
    }

    /// The telephone calls to what there is now.
    pub(crate) fn exchange(&self) -> Exchange<'_> {
        Exchange::new(&self.customers, self.tenant.wildcard_matches_callers)
    }

    /// The routes a list shows now.
    pub(crate) fn visible_routes(&self) -> &Rows<StoredRoute> {
        self.stale_read()
            .map_or(&self.customers.routes, |stale| &stale.routes)
    }

    /// The numbers with their routings as reads show them now.
    pub(crate) fn visible_numbers(&self) -> &Rows<StoredNumber> {
        self.stale_read()
            .map_or(&self.customers.numbers, |stale| &stale.numbers)
    }

    /// Keeps what there is for readers until the read lag is over; call before a change.
    ///
    /// What is kept already stays and is not kept longer, like a cache that is renewed at times.
    pub(crate) fn lag_reads(&mut self) {
        if self.stale_read().is_none() && !self.tenant.read_lag.is_zero() {
            self.stale_read = Some(StaleRead {
                since: Instant::now(),
                routes: self.customers.routes.clone(),
                numbers: self.customers.numbers.clone(),
            });
        }
    }

    /// What reads show in place of what there is, if the lag is not over.
    fn stale_read(&self) -> Option<&StaleRead> {
        let stale = self.stale_read.as_ref();
        stale.filter(|stale| stale.since.elapsed() < self.tenant.read_lag)
    }

    pub(crate) fn forget_stale_read(&mut self) {
        self.stale_read = None;
    }
}
