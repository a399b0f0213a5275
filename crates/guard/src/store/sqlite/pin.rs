//! How often a PIN was tried, over all processes.

use sqlx::Row;

use super::{Store, failed};
use crate::pin::AnsweredAt;
use skyswitch_domain::error::Result;

/// PINs that may be tried before a pause.
const TRIES: i64 = 3;
/// The first pause, in seconds; each further one is twice as long.
const FIRST_PAUSE: i64 = 60;
/// The longest pause.
const LONGEST_PAUSE: i64 = 86_400;
/// The longest one on the approval page: a flood of wrong PINs there keeps nobody
/// from it for long, and three in fifteen minutes guess no PIN.
const LONGEST_PAUSE_ON_PAGE: i64 = 900;

impl Store {
    /// Takes one try, before the PIN is looked at, so that no number of
    /// processes has more of them. During a pause there is none: gives when it
    /// ends.
    ///
    /// # Errors
    /// `internal`: the PIN may not be looked at.
    pub(crate) async fn take_pin_try(&self, at: AnsweredAt, now: i64) -> Result<Option<i64>> {
        let (place, longest) = match at {
            AnsweredAt::Person => ("person", LONGEST_PAUSE),
            AnsweredAt::Page => ("page", LONGEST_PAUSE_ON_PAGE),
        };
        self.write(async |database| {
            let row = sqlx::query("SELECT tries, blocked_until FROM pin_tries WHERE place = ?")
                .bind(place)
                .fetch_optional(&mut *database)
                .await
                .map_err(failed)?;
            let column = |name| row.as_ref().map_or(Ok(0), |row| row.try_get(name));
            let (tries, blocked): (i64, i64) = (
                column("tries").map_err(failed)?,
                column("blocked_until").map_err(failed)?,
            );
            if blocked > now {
                return Ok(Some(blocked));
            }
            let tries = tries.saturating_add(1);
            let until = match tries % TRIES {
                0 => now + pause(tries / TRIES).min(longest),
                _ => 0,
            };
            sqlx::query(
                "INSERT INTO pin_tries (place, tries, blocked_until) VALUES (?3, ?1, ?2)
                 ON CONFLICT DO UPDATE SET tries = ?1, blocked_until = ?2",
            )
            .bind(tries)
            .bind(until)
            .bind(place)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            Ok(None)
        })
        .await
    }

    /// The right PIN was given: what was tried before counts no more.
    ///
    /// # Errors
    /// `internal`: the tries still count.
    pub async fn forget_pin_tries(&self) -> Result<()> {
        self.write(async |database| {
            sqlx::query("DELETE FROM pin_tries")
                .execute(database)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }
}

/// The pause after so many times three wrong PINs.
fn pause(times: i64) -> i64 {
    let doubled = u32::try_from(times - 1).unwrap_or(u32::MAX).min(20);
    (FIRST_PAUSE << doubled).min(LONGEST_PAUSE)
}
