//! How any change is made: plan, agreement, journal, sending, locks.

pub(in crate::ops) mod agree;
mod confirmation;
pub(in crate::ops) mod disproved;
pub(crate) mod journal;
pub(crate) mod locks;
mod outcomes;
mod outvote;
pub(in crate::ops) mod present;
pub(in crate::ops) mod present_route;
pub(in crate::ops) mod reconcile;
pub(in crate::ops) mod send;
mod together;
mod unasked;
pub(crate) mod waiting;

pub(crate) use agree::read_only;
pub use agree::{Asked, Confirmation, Status};
pub use skyswitch_guard::Question;
