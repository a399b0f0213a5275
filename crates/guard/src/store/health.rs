//! What looking after the store has found and done, free of any database.

use serde::Serialize;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StorePruned {
    /// Closed changes.
    pub changes: u64,
    /// Finished imports of which no change is left.
    pub imports: u64,
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoreHealth {
    /// Changes in the journal.
    pub changes: usize,
    /// Those that are open.
    pub open: usize,
    /// What is wrong; nothing where all is well.
    pub problems: Vec<String>,
}
