//! The customers' own numbers: which there are, where each sends its calls,
//! and sending one to a user.

mod call_path;
pub(in crate::ops) mod inventory;
mod route_number;
mod route_plan;

pub(in crate::ops) use call_path::{CallPath, RoutingRead};
pub use inventory::{ListNumbers, NumberList, NumberRow, list_numbers};
pub use route_number::{RouteNumber, RouteOutcome, RouteStatus, route_number};
