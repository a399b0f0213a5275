//! Changes to one caller's rule, or to one customer's setup, take turns, so
//! that a second call plans on what the first has left and not on what both
//! have read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::app::App;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain, PhoneNumber};
use skyswitch_guard::store::{ChangeRecord, FileLock, TargetRecord};

/// Lock files for single changes; callers that share one only wait for each other.
const LOCK_FILES: u8 = 64;

/// What waits for each other.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) enum Turn<'a> {
    /// Changes to the rules of one caller in a domain.
    Caller(&'a PbxDomain, Option<&'a PhoneNumber>),
    /// Changes to one customer's setup.
    Setup(&'a AccountId, &'a PbxDomain),
    /// Imports into one domain.
    Import(&'a AccountId, &'a PbxDomain),
}

impl Turn<'_> {
    /// Whether a change that is open concerns whoever has this turn.
    pub fn is_needed_for(&self, change: &ChangeRecord) -> bool {
        let is_in = |account: &AccountId, domain: &PbxDomain| {
            change.account == account.as_str() && domain.is(&change.domain)
        };
        match (self, &change.target) {
            (Turn::Caller(domain, number), TargetRecord::VipRule(rule)) => {
                let caller = PhoneNumber::from_stored(rule.key.ani.as_str());
                domain.is(&change.domain) && caller.as_ref() == *number
            }
            (Turn::Import(account, domain), TargetRecord::VipRule(_))
            | (Turn::Setup(account, domain), TargetRecord::Piece(_)) => is_in(account, domain),
            _ => false,
        }
    }
}

/// Whose turn it is; it ends when the last of those who share this is gone.
pub(in crate::ops) type Held = Arc<(Option<OwnedMutexGuard<()>>, FileLock)>;

/// The turn of a caller in a domain; callers that are not numbers share one.
pub(in crate::ops) fn of_caller(domain: &PbxDomain, number: Option<&PhoneNumber>) -> String {
    format!("{domain} {}", number.map_or("*", PhoneNumber::as_str))
}

impl App {
    /// Waits for a turn, within this process and between processes.
    pub(in crate::ops) async fn wait_for(&self, turn: Turn<'_>) -> Result<Held> {
        let (in_process, file) = match turn {
            Turn::Caller(domain, number) => {
                let name = of_caller(domain, number);
                let slot = digest(&name)[0] % LOCK_FILES;
                let taken = self.turns().take(name).await;
                (Some(taken), format!("turn-{slot:02}.lock"))
            }
            Turn::Setup(account, domain) => (None, self.lock_file("setup", account, domain)),
            Turn::Import(account, domain) => (None, self.lock_file("import", account, domain)),
        };
        let folder = self.journal().store().folder();
        Ok(Arc::new((in_process, folder.lock_in_turn(&file).await?)))
    }

    /// The name of a lock file for work on one domain.
    fn lock_file(&self, what: &str, account: &AccountId, domain: &PbxDomain) -> String {
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
    pub async fn take(&self, name: String) -> OwnedMutexGuard<()> {
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
