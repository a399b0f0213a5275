//! Local state: a private folder with the token cache, the confirmation key and the store.
//!
//! `records.rs` says what the store holds, in no database's words; `sqlite/`
//! is its one implementation. Another database is another folder beside it
//! with a `Store` of the same methods.

mod approval_records;
mod ends;
mod folder;
mod health;
mod note_records;
mod records;
mod run_records;
mod setup_records;
mod shared;
mod sqlite;
mod stored_text;
mod trust;

use approval_records::REMEMBERED;
pub use approval_records::{Approval, ApprovalState, Ending, NewApproval};
pub use ends::ends_later;
pub use folder::{FileLock, StateFolder};
pub use health::{StoreHealth, StorePruned};
pub use note_records::{NewText, NotNoted, NoteRecord, NotedByRun, RunNotes};
pub use records::{
    After, Begun, ChangeFilter, ChangeRecord, ChangeStatus, Closing, Counted, JournalPosition,
    NewChange, PieceRecord, RuleRecord, TargetRecord, TimeSpan,
};
pub use run_records::{KeptPlan, NewRun, NotedRun, RulesBefore, Run, RunBasis};
pub use setup_records::{Attestation, NewAttestation, SetupMemory};
pub use shared::SharedStore;
pub use sqlite::Store;
