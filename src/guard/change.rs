//! A change to one route, and the permission to make it.

use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Preview;
use crate::domain::{AccountId, Ani, Route, RouteKey, Vip};

/// A state older than this is read again before anything is sent.
const RECENT: Duration = Duration::from_secs(1);

/// One route as it stands and as it shall be. Fields are private so that a
/// change is what it was planned to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteChange {
    account: AccountId,
    tool: &'static str,
    key: RouteKey,
    before: Option<Route>,
    after: Option<Route>,
    /// Rules of the same caller that the service may remove along with this one.
    at_risk: Vec<Route>,
}

impl RouteChange {
    /// Creates a route, or replaces the one that stands under its key.
    pub fn put(
        account: AccountId,
        tool: &'static str,
        before: Option<Route>,
        after: Route,
    ) -> Self {
        RouteChange {
            account,
            tool,
            key: after.key.clone(),
            before,
            after: Some(after),
            at_risk: Vec::new(),
        }
    }

    /// Removes a route. `at_risk` are the caller's rules that the service may
    /// remove along with it, which a person has to know.
    pub fn remove(
        account: AccountId,
        tool: &'static str,
        before: Route,
        at_risk: Vec<Route>,
    ) -> Self {
        RouteChange {
            account,
            tool,
            key: before.key.clone(),
            before: Some(before),
            after: None,
            at_risk,
        }
    }

    /// The account it is made in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Which rule changes.
    pub fn key(&self) -> &RouteKey {
        &self.key
    }

    /// The caller it is about.
    pub fn ani(&self) -> &Ani {
        &self.key.ani
    }

    /// The route as it stood when the change was planned.
    pub fn before(&self) -> Option<&Route> {
        self.before.as_ref()
    }

    /// The route as it shall be; `None` for a removal.
    pub fn after(&self) -> Option<&Route> {
        self.after.as_ref()
    }

    /// Rules of the same caller that the service may remove along with this one.
    pub fn at_risk(&self) -> &[Route] {
        &self.at_risk
    }

    /// Whether something that stands is lost: a removal or a replacement.
    pub fn is_destructive(&self) -> bool {
        self.before.is_some()
    }

    /// What a person is shown.
    pub fn preview(&self) -> Preview {
        Preview::of(self)
    }

    /// The change in one line, for messages.
    pub fn summary(&self) -> String {
        Preview::of(self).summary().to_owned()
    }

    /// Digest of the state that was seen.
    pub(super) fn fingerprint(&self) -> String {
        let at_risk: Vec<Vip> = self.at_risk.iter().map(Vip::from).collect();
        digest(&(self.before.as_ref().map(Vip::from), at_risk))
    }

    /// What was asked for, independent of the state it met.
    pub(super) fn binding(&self) -> impl Serialize {
        (
            self.account.as_str().to_owned(),
            self.tool,
            (
                self.key.domain.to_ascii_lowercase(),
                self.key.ani.as_str().to_owned(),
                self.key.dnis.as_str().to_owned(),
            ),
            self.after.as_ref().map(Vip::from),
        )
    }
}

/// Hex digest of a value's JSON form, which is unambiguous where joined text is not.
pub(super) fn digest(value: &impl Serialize) -> String {
    // The values are strings and options: serialising them cannot fail, and an
    // empty text would only make a confirmation invalid.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Permission to make exactly one change. Only the guard can make one, the
/// client's writing methods demand one, and using it uses it up: an unguarded
/// write does not compile.
///
/// ```compile_fail
/// # use skyswitch_mcp::guard::{Clearance, RouteChange};
/// fn forge(change: RouteChange) -> Clearance {
///     Clearance { change }
/// }
/// ```
///
/// ```compile_fail
/// # use skyswitch_mcp::guard::{Clearance, RouteChange};
/// fn forge(change: RouteChange) -> Clearance {
///     Clearance::grant(change)
/// }
/// ```
#[derive(Debug)]
#[must_use = "a clearance that is not used means that the change was not made"]
pub struct Clearance {
    change: RouteChange,
    granted_at: Instant,
}

impl Clearance {
    pub(super) fn grant(change: RouteChange) -> Self {
        Clearance {
            change,
            granted_at: Instant::now(),
        }
    }

    /// Whether the state it was granted on was seen just now. Waiting for the
    /// pace or a login can take longer than a state may be trusted.
    pub fn is_recent(&self) -> bool {
        self.granted_at.elapsed() < RECENT
    }

    /// The change that may be made.
    pub fn change(&self) -> &RouteChange {
        &self.change
    }
}
