//! A customer's setup: what exists, what a person attested, what is missing,
//! and making it, in the order that keeps every caller's line open.

mod actions;
mod alarm;
mod ani_user;
mod call_path;
mod checklist;
mod customer_row;
mod dial_plan;
mod evidence;
mod inventory;
mod judge;
mod mark;
mod onboard;
mod plan;
mod plan_number;
mod route_number;
mod stage;
mod status;
mod steps;
mod ticket;

pub(in crate::ops) use call_path::{CallPath, RoutingRead};
pub use checklist::{Checklist, SetupChecklist, setup_checklist};
pub use inventory::{ListNumbers, NumberList, NumberRow, list_numbers};
pub use mark::{MarkOutcome, MarkSetupStep, MarkStatus, mark_setup_step};
pub use onboard::{
    OnboardChange, OnboardDomain, OnboardOutcome, OnboardStatus, OnboardSteps, PieceState,
    onboard_domain,
};
pub use route_number::{RouteNumber, RouteOutcome, RouteStatus, route_number};
pub use stage::Stage;
pub use status::{CustomerRow, SetupStatus, StageCount, StatusQuery, onboarding_status};
pub use steps::{Step, StepState, readiness};
pub use ticket::Ticket;
