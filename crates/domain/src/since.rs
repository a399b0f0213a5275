//! A moment in the past, as people write it.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::parsed_from_text;
use crate::error::Refused;

/// From when on: a time (`2026-03-14T09:00:00Z`), a day (`2026-03-14`, from
/// its start in UTC), or how long ago (`24h`, `7d`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(Timestamp);

impl Since {
    /// The moment itself.
    pub fn moment(self) -> Timestamp {
        self.0
    }
}

impl FromStr for Since {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let given = text.trim();
        let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
        let moment = given
            .parse::<Timestamp>()
            .ok()
            .or_else(|| {
                utc(given
                    .parse::<Date>()
                    .ok()?
                    .to_datetime(jiff::civil::Time::MIN))
            })
            .or_else(|| ago(given));
        moment.map(Since).ok_or_else(|| {
            Refused::new(
                text,
                "is not a point in time",
                "give a time such as `2026-03-14T09:00:00Z`, a day such as `2026-03-14`, or how long ago such as `24h` or `7d`",
            )
        })
    }
}

/// A length of time before now. A day is 24 hours.
fn ago(text: &str) -> Option<Timestamp> {
    // `24h ago` is read as less than nothing, too; a minus is a slip.
    if text.starts_with('-') {
        return None;
    }
    let length = match text.strip_suffix('d').map(str::trim) {
        Some(days) => SignedDuration::from_hours(days.parse::<i64>().ok()?.checked_mul(24)?),
        None => text.parse::<SignedDuration>().ok()?,
    };
    Timestamp::now().checked_sub(length.abs()).ok()
}

parsed_from_text!(Since, "A time, a day, or how long ago");
