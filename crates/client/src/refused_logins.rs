//! Logins that were refused: how long no other is tried, so that an agent in a
//! loop does not lock the user out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::token_cache::TokenSlot;
use skyswitch_domain::error::Error;

/// After a refused login, no other is tried for so long; after each further one
/// for twice as long as before.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The refused logins of this process, since the last one that was granted.
#[derive(Default)]
pub(super) struct RefusedLogins(Mutex<Option<Refusals>>);

/// Logins that were refused one after another.
struct Refusals {
    /// The slot of the refused login: another password is another login.
    slot: TokenSlot,
    times: u32,
    last: Error,
    /// When it was refused, by a clock that nobody sets.
    at: Instant,
}

impl RefusedLogins {
    /// Why this login is not tried now, if it is not.
    pub fn pause(&self, slot: &TokenSlot) -> Option<Error> {
        let refusals = self.lock();
        let refused = refusals.as_ref().filter(|refused| refused.slot == *slot)?;
        let left = pause_after(refused.times).checked_sub(refused.at.elapsed())?;
        (!left.is_zero()).then(|| {
            let until = Timestamp::now().saturating_add(left).unwrap_or(Timestamp::MAX);
            let error = Error::new(
                refused.last.code(),
                format!(
                    "{}; no other login is tried before {} UTC, because refused logins can lock the user out",
                    refused.last,
                    until.strftime("%H:%M:%S")
                ),
                format!(
                    "{} Another password is tried at once, and so is the same one after a restart of this program.",
                    refused.last.hint()
                ),
            );
            let answer = refused.last.detail();
            match answer.status {
                Some(status) => error.with_answer(status, answer.request_id.clone()),
                None => error,
            }
        })
    }

    /// That this login was refused.
    pub fn note(&self, slot: &TokenSlot, error: &Error) {
        let mut refusals = self.lock();
        let before = refusals.as_ref().filter(|before| before.slot == *slot);
        let times = before.map_or(1, |before| before.times + 1);
        *refusals = Some(Refusals {
            slot: slot.clone(),
            times,
            last: error.clone(),
            at: Instant::now(),
        });
    }

    /// A login was granted.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refusals>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long no login is tried after so many refused ones.
fn pause_after(refused: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(refused.saturating_sub(1));
    PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_after_refused_logins_grows_up_to_an_hour() {
        let pauses = [1, 2, 3, 6, 7, 100].map(|times| pause_after(times).as_secs());
        assert_eq!(pauses, [60, 120, 240, 1920, 3600, 3600]);
    }
}
