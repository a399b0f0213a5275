//! Local state: a private folder with the token cache, the confirmation key and the store.

mod folder;
mod store;

pub(crate) use folder::FileLock;
pub use folder::StateFolder;
pub use store::{Approval, ApprovalState, NewApproval, Store};
