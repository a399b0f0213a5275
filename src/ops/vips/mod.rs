//! VIP rules: list, add, remove, explain, and where they can lead.

mod add;
pub(in crate::ops) mod cautions;
mod circle;
pub(in crate::ops) mod destinations;
mod end_rule;
pub(crate) mod ends;
mod ends_soon;
pub(in crate::ops) mod explain;
pub(in crate::ops) mod explained;
pub(crate) mod kept_lists;
pub(in crate::ops) mod list;
mod list_destinations;
pub(in crate::ops) mod note_changes;
pub(crate) mod notes;
pub(in crate::ops) mod people;
pub(crate) mod reach;
mod read;
pub(in crate::ops) mod remove;
pub(in crate::ops) mod siblings;

pub use add::{AddVip, AddVipOutcome, AddVipStatus, add_vip};
pub use explain::{ExplainCall, explain_call};
pub use explained::{
    CallDestination, CallExplained, DecidedBy, FallbackShown, FallbackState, NotKnown, UnknownFact,
};
pub use list::{ListVips, VipList, list_before, list_vips};
pub use list_destinations::{DestinationList, DestinationRow, ListDestinations, list_destinations};
pub use remove::{RemoveVip, RemoveVipOutcome, RemoveVipStatus, remove_vip};
