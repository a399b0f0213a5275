//! The operations: everything both faces can do, free of MCP, terminal and HTTP.
//!
//! | folder | what it does |
//! |---|---|
//! | `write/` | how any change is made: plan, agreement, journal, sending, locks |
//! | `vips/` | lists, adds, removes and explains VIP rules; where they can lead |
//! | `import/` | applies VIP lists from files |
//! | `onboarding/` | a customer's setup: checklist, plan, attestations, status |
//! | `numbers/` | lists the customers' numbers, shows a call's way, sends a number to a user |
//! | `changes/` | lists and undoes changes |
//! | `doctor/` | checks the installation, and finds out how the service behaves |
//!
//! Reads go straight to the client. Writes go through `write/`.

mod changes;
mod customer;
mod doctor;
mod domains;
pub mod import;
mod names;
mod numbers;
mod onboarding;
mod page;
mod progress;
mod sign_in;
mod state;
mod token;
pub(crate) mod vips;
pub(crate) mod write;

pub use changes::{
    ChangeList, ChangeRow, CloseChange, CloseOutcome, CloseStatus, ListChanges, Undo, UndoChange,
    UndoOutcome, UndoStatus, Undone, close_change, list_changes, undo, undo_change,
};
pub(crate) use customer::is_reseller_admin;
pub use doctor::{
    Check, CheckState, Diagnosis, Fact, Sample, WriteProbe, WriteProbeOutcome, WriteProbeStatus,
    doctor, doctor_without_settings, sample, write_probe,
};
pub use domains::{DomainList, DomainRow, ListDomains, list_domains};
pub use import::{
    Action, Counts, Done, Format, Origin, RowState, SyncMode, SyncOutcome, SyncRow, SyncSession,
    SyncStatus, SyncVips, sync_vips,
};
pub(crate) use names::Names;
pub use numbers::{
    ListNumbers, NumberList, NumberRow, RouteNumber, RouteOutcome, RouteStatus, list_numbers,
    route_number,
};
pub(crate) use onboarding::title as step_title;
pub use onboarding::{
    Checklist, CustomerRow, MarkOutcome, MarkSetupStep, MarkStatus, OnboardChange, OnboardDomain,
    OnboardOutcome, OnboardStatus, OnboardSteps, PieceState, SetupChecklist, SetupStatus, Stage,
    StageCount, StatusQuery, Step, StepState, Ticket, TicketArgs, TicketOutcome, mark_setup_step,
    onboard_domain, onboarding_status, readiness, setup_checklist, ticket,
};
pub use page::PageSize;
pub use progress::Progress;
pub use sign_in::{Accepted, forget_tokens, try_login};
pub use state::{back_up_state, check_state, prune_state};
pub use token::{TokenReport, token};
pub(crate) use vips::notes::note_changed;
pub use vips::{
    AddVip, AddVipOutcome, AddVipStatus, CallDestination, CallExplained, DecidedBy,
    DestinationList, DestinationRow, ExplainCall, FallbackShown, FallbackState, ListDestinations,
    ListVips, NotKnown, RemoveVip, RemoveVipOutcome, RemoveVipStatus, UnknownFact, VipList,
    add_vip, explain_call, list_before, list_destinations, list_vips, remove_vip,
};
pub(crate) use write::read_only;
pub use write::{Asked, Confirmation, Question, Status};
