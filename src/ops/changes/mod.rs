//! The journal as people read it, and undoing changes.

mod close;
mod list;
mod noted;
mod row;
pub(in crate::ops) mod undo;
mod undo_any;
mod undo_number;
mod undo_rule;

pub use close::{CloseChange, CloseOutcome, CloseStatus, close_change};
pub use list::{ChangeList, ListChanges, list_changes};
pub use row::ChangeRow;
pub use undo::{UndoChange, UndoOutcome, UndoStatus, Undone, undo_change};
pub use undo_any::{Undo, undo};
