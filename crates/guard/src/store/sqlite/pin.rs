//! How often a PIN was tried, over all processes.

use rusqlite::params;

use super::Store;
use super::statements::{first_row, run};
use crate::pin::AnsweredAt;
use skyswitch_domain::error::Result;

/// PINs that may be tried before a pause.
const TRIES: i64 = 3;
/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 86_400;

impl AnsweredAt {
    /// Its name in the table, its first pause in seconds, and how many times as
    /// long each further one is. Whoever only knows the link guesses on the page
    /// and nowhere else, so that its pauses soon leave three tries a day; the
    /// person is let in at a terminal or in a form meanwhile.
    const fn pauses(self) -> (&'static str, i64, i64) {
        match self {
            AnsweredAt::Person => ("person", 60, 2),
            AnsweredAt::Page => ("page", 900, 4),
        }
    }
}

impl Store {
    /// Takes one try, before the PIN is looked at, so that no number of
    /// processes has more of them. During a pause there is none: gives when it
    /// ends.
    ///
    /// # Errors
    /// `internal`: the PIN may not be looked at.
    pub(crate) async fn take_pin_try(&self, at: AnsweredAt, now: i64) -> Result<Option<i64>> {
        let (place, first, times_as_long) = at.pauses();
        self.write(|database| {
            let sql = "SELECT tries, blocked_until FROM pin_tries WHERE place = ?";
            let row = first_row(database, sql, [place], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (tries, blocked): (i64, i64) = row.unwrap_or_default();
            let pause_after = |tries: i64| match tries % TRIES {
                0 => now + pause(first, times_as_long, tries / TRIES),
                _ => 0,
            };
            // Where the clock was set back, the pause begins again now: it would last
            // until the clock has caught up.
            let pause = (blocked > now).then(|| blocked.min(pause_after(tries)));
            if pause == Some(blocked) {
                return Ok(pause);
            }
            let tries = tries.saturating_add(i64::from(pause.is_none()));
            let until = pause.unwrap_or_else(|| pause_after(tries));
            run(
                database,
                "INSERT INTO pin_tries (place, tries, blocked_until) VALUES (?3, ?1, ?2)
                 ON CONFLICT DO UPDATE SET tries = ?1, blocked_until = ?2",
                params![tries, until, place],
            )?;
            Ok(pause)
        })
        .await
    }

    /// The right PIN was given: what was tried before counts no more.
    ///
    /// # Errors
    /// `internal`: the tries still count.
    pub async fn forget_pin_tries(&self) -> Result<()> {
        self.write(|database| {
            run(database, "DELETE FROM pin_tries", [])?;
            Ok(())
        })
        .await
    }
}

/// The pause after so many times three wrong PINs.
fn pause(first: i64, times_as_long: i64, times: i64) -> i64 {
    let further = u32::try_from(times - 1).unwrap_or(u32::MAX);
    let grown = times_as_long.saturating_pow(further);
    first.saturating_mul(grown).min(LONGEST_PAUSE)
}
