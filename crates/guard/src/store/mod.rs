//! Local state: a private folder with the token cache, the confirmation key and the store.
//!
//! `records.rs` says what the store holds, in no database's words; `sqlite/`
//! is its one implementation. Another database is another folder beside it
//! with a `Store` of the same methods.

mod folder;
mod records;
mod run_records;
mod setup_records;
mod shared;
mod sqlite;

pub use folder::{FileLock, StateFolder};
pub use records::{
    Approval, ApprovalState, Begun, Change, ChangeFilter, ChangeStatus, Closing, JournalEntry,
    JournalPosition, NewApproval, NewChange, RoutePair, TimeSpan,
};
pub use run_records::{NewRun, Run, RunBasis};
pub use setup_records::{
    Attestation, KeptDialPlan, NewAttestation, NewSetupEntry, SetupClosing, SetupEntry,
};
pub use shared::SharedStore;
pub use sqlite::Store;
