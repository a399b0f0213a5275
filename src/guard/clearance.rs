//! The permission to make a change.

use std::time::{Duration, Instant};

use super::{RouteChange, RoutePlan, SetupChange, SetupPlan};

/// A state older than this is read again before anything is sent.
const RECENT: Duration = Duration::from_secs(1);

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
pub struct Clearance<C = RouteChange> {
    change: C,
    seen: Seen,
}

/// When the state was read that a change was cleared on.
#[derive(Debug, Clone, Copy)]
enum Seen {
    At(Instant),
    /// By the one read that serves a whole plan, however long applying it takes.
    WithThePlan,
}

impl<C> Clearance<C> {
    pub(super) fn grant(change: C) -> Self {
        Clearance {
            change,
            seen: Seen::At(Instant::now()),
        }
    }

    /// The change that may be made.
    pub fn change(&self) -> &C {
        &self.change
    }

    /// Whether the state it was granted on may still be trusted. Waiting for
    /// the pace or a login can take longer than that.
    pub fn is_recent(&self) -> bool {
        match self.seen {
            Seen::At(moment) => moment.elapsed() < RECENT,
            Seen::WithThePlan => true,
        }
    }
}

impl Clearance<SetupPlan> {
    /// Divides the permission for a plan among its changes, in their order.
    pub fn divide(self) -> Vec<Clearance<SetupChange>> {
        let seen = self.seen;
        let one = |change| Clearance { change, seen };
        self.change.into_changes().into_iter().map(one).collect()
    }
}

impl Clearance<RoutePlan> {
    /// Divides the permission for a plan among its changes, in their order.
    pub fn divide(self) -> Vec<Clearance<RouteChange>> {
        let one = |change| Clearance {
            change,
            seen: Seen::WithThePlan,
        };
        self.change.into_changes().into_iter().map(one).collect()
    }
}
