//! A customer's setup: what exists, what a person attested, what is missing,
//! and making it, in the order that keeps every caller's line open.

mod actions;
mod alarm;
mod ani_user;
mod checklist;
mod dial_plan;
mod evidence;
mod judge;
mod mark;
mod onboard;
mod plan;
mod plan_number;
mod portfolio;
mod stage;
mod steps;
mod survey;
mod ticket;

pub use checklist::{Checklist, SetupChecklist, setup_checklist};
pub use mark::{MarkOutcome, MarkSetupStep, MarkStatus, mark_setup_step};
pub use onboard::{
    OnboardChange, OnboardDomain, OnboardOutcome, OnboardStatus, OnboardSteps, PieceState,
    onboard_domain,
};
pub use portfolio::{CustomerRow, ListCustomers, Portfolio, StageCount, onboarding_status};
pub use stage::Stage;
pub use steps::{Step, StepState, readiness};
pub use ticket::Ticket;
