//! The permission to make a change.

use std::time::{Duration, Instant};

use super::{Change, Plan};

/// A state older than this is read again before anything is sent.
const RECENT: Duration = Duration::from_secs(3);

/// Permission to make exactly one change. Only the guard can make one, the
/// client's writing methods demand one, and using it uses it up: an unguarded
/// write does not compile. Each example that must not compile is one that does
/// with one thing changed, so that nothing else can be what is wrong with it.
///
/// ```
/// # use skyswitch_guard::Clearance;
/// # use skyswitch_client::{Client, ReadyToWrite};
/// async fn write(client: Client, clearance: Clearance, [first, _]: [ReadyToWrite; 2]) {
///     let _ = client.write(clearance, first).await;
/// }
/// ```
///
/// Not without one:
///
/// ```compile_fail,E0308
/// # use skyswitch_guard::Change;
/// # use skyswitch_client::{Client, ReadyToWrite};
/// async fn write(client: Client, change: Change, [first, _]: [ReadyToWrite; 2]) {
///     let _ = client.write(change, first).await;
/// }
/// ```
///
/// Not twice with the same one:
///
/// ```compile_fail,E0382
/// # use skyswitch_guard::Clearance;
/// # use skyswitch_client::{Client, ReadyToWrite};
/// async fn write(client: Client, clearance: Clearance, [first, second]: [ReadyToWrite; 2]) {
///     let _ = client.write(clearance, first).await;
///     let _ = client.write(clearance, second).await;
/// }
/// ```
///
/// Others can read what it permits:
///
/// ```
/// # use skyswitch_guard::{Clearance, Change};
/// fn permitted(clearance: &Clearance) -> Change {
///     clearance.change().clone()
/// }
/// ```
///
/// They can neither copy it nor make one:
///
/// ```compile_fail,E0308
/// # use skyswitch_guard::Clearance;
/// fn copied(clearance: &Clearance) -> Clearance {
///     clearance.clone()
/// }
/// ```
///
/// ```compile_fail,E0624
/// # use skyswitch_guard::{Clearance, Change};
/// fn forged(clearance: &Clearance) -> Clearance {
///     Clearance::grant(clearance.change().clone(), std::time::Instant::now())
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use skyswitch_guard::{Clearance, Change};
/// fn forged(clearance: Clearance, change: Change) -> Clearance {
///     Clearance { change, ..clearance }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a clearance that is not used means that the change was not made"]
pub struct Clearance<C = Change> {
    change: C,
    seen: Seen,
}

/// When the state was read that a change was cleared on.
#[derive(Debug, Clone, Copy)]
enum Seen {
    At(Instant),
    /// By the one read that serves a whole import, however long applying it takes.
    WithThePlan,
}

impl<C> Clearance<C> {
    /// `seen` is when the read began that the change was decided on.
    pub(super) fn grant(change: C, seen: Instant) -> Self {
        Clearance {
            change,
            seen: Seen::At(seen),
        }
    }

    /// The change that may be made.
    pub fn change(&self) -> &C {
        &self.change
    }

    /// Whether it is one of many that were agreed to as a whole.
    pub fn is_of_an_import(&self) -> bool {
        matches!(self.seen, Seen::WithThePlan)
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

impl Clearance<Plan> {
    /// Divides the permission for a plan among its changes, in their order.
    pub fn divide(self) -> Vec<Clearance<Change>> {
        let seen = match self.change.is_seen_as_a_whole() {
            true => Seen::WithThePlan,
            false => self.seen,
        };
        let one = |change| Clearance { change, seen };
        self.change.into_changes().into_iter().map(one).collect()
    }
}
