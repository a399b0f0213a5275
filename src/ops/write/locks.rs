//! Changes to one caller's rule, or to one customer's set-up, take turns, so
//! that a second call plans on what the first has left and not on what both
//! have read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::app::App;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};
use skyswitch_guard::store::FileLock;

/// The turn itself, within this process.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Lock files for single changes; callers that share one only wait for each other.
const LOCK_FILES: u8 = 64;

impl App {
    /// Waits for the turn of that name, within this process and between processes.
    pub(in crate::ops) async fn turn(&self, name: String) -> Result<(Turn, FileLock)> {
        let slot = digest(&name)[0] % LOCK_FILES;
        let turn = self.turns().take(name).await;
        let folder = self.journal().store().folder();
        let lock = folder.lock_in_turn(&format!("turn-{slot:02}.lock")).await?;
        Ok((turn, lock))
    }

    /// The name of a lock file for work on one domain.
    pub(in crate::ops) fn lock_name(
        &self,
        what: &str,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> String {
        let place = digest(&format!("{} {account} {domain}", self.journal().realm()));
        let place: String = place[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{what}-{place}.lock")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Who may change what just now, within this process.
#[derive(Debug, Default)]
pub(crate) struct Turns {
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
