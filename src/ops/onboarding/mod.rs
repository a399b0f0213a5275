//! A customer's setup: what exists, what a person attested, what is missing,
//! and making it, in the order that keeps every caller's line open.

mod actions;
pub(in crate::ops) mod alarm;
pub(in crate::ops) mod ani_user;
pub(in crate::ops) mod ani_users;
mod checklist;
mod customer_row;
pub(in crate::ops) mod dial_plan;
pub(in crate::ops) mod evidence;
pub(in crate::ops) mod forwards;
mod judge;
mod mark;
mod onboard;
mod plan;
pub(in crate::ops) mod plan_number;
mod remembered;
mod stage;
mod status;
mod steps;
mod ticket;

pub(crate) use actions::title;
pub use checklist::{Checklist, SetupChecklist, setup_checklist};
pub use mark::{MarkOutcome, MarkSetupStep, MarkStatus, mark_setup_step};
pub use onboard::{
    OnboardChange, OnboardDomain, OnboardOutcome, OnboardStatus, OnboardSteps, PieceState,
    onboard_domain,
};
pub(in crate::ops) use plan::TOOL as ONBOARD;
pub(in crate::ops) use plan_number::no_way_back;
pub use remembered::{TicketArgs, TicketOutcome, ticket};
pub use stage::Stage;
pub use status::{CustomerRow, SetupStatus, StageCount, StatusQuery, onboarding_status};
pub use steps::{Step, StepState, readiness};
pub use ticket::Ticket;
