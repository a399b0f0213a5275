//! Changes to one caller's rule take turns, so that a second call plans on
//! what the first has left and not on what both have read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// The turn itself.
pub(super) type Turn = OwnedMutexGuard<()>;

/// Who may change what just now, within this process.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    /// Waits for the turn of that name; it ends when the guard is dropped.
    pub async fn take(&self, name: String) -> Turn {
        let turn = self.turn(name);
        turn.lock_owned().await
    }

    fn turn(&self, name: String) -> Arc<tokio::sync::Mutex<()>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = taken.get(&name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        taken.insert(name, Arc::downgrade(&turn));
        turn
    }
}
