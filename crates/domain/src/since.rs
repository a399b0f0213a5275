//! A moment in the past, as people write it.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

use super::parsed_from_text;
use crate::error::Refused;

/// From when on: a time (`2026-03-14T09:00:00Z`), a day or a word for one
/// (`2026-03-14`, `yesterday`, `last week`: from its beginning in local time), or
/// how long ago (`24h`, `7d`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(Timestamp);

/// Until when: the same words, of a day or a week its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(Timestamp);

impl Since {
    /// The moment itself.
    pub fn moment(self) -> Timestamp {
        self.0
    }
}

impl Until {
    /// The first moment that is too late.
    pub fn moment(self) -> Timestamp {
        self.0
    }
}

impl FromStr for Since {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let (start, _) = span(text, &Zoned::now())?;
        Ok(Since(start))
    }
}

impl FromStr for Until {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let (_, end) = span(text, &Zoned::now())?;
        Ok(Until(end))
    }
}

/// Where what is written begins and ends; a moment does both at once.
fn span(text: &str, now: &Zoned) -> Result<(Timestamp, Timestamp), Refused> {
    let given = text.trim();
    let at_once = |moment| (moment, moment);
    let span = moment(given, now)
        .map(at_once)
        .or_else(|| days(given, now))
        .or_else(|| ago(given, now).map(at_once));
    span.ok_or_else(|| {
        Refused::new(
            text,
            "is not a point in time",
            "give a time such as `2026-03-14T09:00:00Z`, a day such as `2026-03-14`, `yesterday` or `last week`, or how long \
             ago such as `24h` or `7d`",
        )
    })
}

/// A time, which is local where it names no zone.
fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    // A zone that does not exist, or that contradicts the offset beside it, is a slip.
    if text.contains('[') {
        return text.parse::<Zoned>().ok().map(|time| time.timestamp());
    }
    let local = || {
        // A day alone would be its first moment.
        let has_time = text.contains([':', 'T', 't']);
        let time = text.parse::<DateTime>().ok().filter(|_| has_time)?;
        let zone = now.time_zone().clone();
        Some(time.to_zoned(zone).ok()?.timestamp())
    };
    let absolute = text.parse::<Timestamp>().ok();
    absolute.or_else(local)
}

/// A day, a week from Monday on, or a month, in the time zone of `now`.
fn days(text: &str, now: &Zoned) -> Option<(Timestamp, Timestamp)> {
    let today = now.date();
    let monday = today.checked_sub(Span::new().days(today.weekday().to_monday_zero_offset()));
    let words = text.to_ascii_lowercase();
    let (first, length) = match words.split_whitespace().collect::<Vec<_>>()[..] {
        ["today"] => (today, Span::new().days(1)),
        ["yesterday"] => (today.yesterday().ok()?, Span::new().days(1)),
        ["this", "week"] => (monday.ok()?, Span::new().weeks(1)),
        ["last", "week"] => {
            let week = Span::new().weeks(1);
            (monday.ok()?.checked_sub(week).ok()?, week)
        }
        ["this", "month"] => (today.first_of_month(), Span::new().months(1)),
        ["last", "month"] => {
            let month = Span::new().months(1);
            (today.first_of_month().checked_sub(month).ok()?, month)
        }
        // Followed by anything, it is no day.
        [day] if day.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            (day.parse::<Date>().ok()?, Span::new().days(1))
        }
        _ => return None,
    };
    let after = first.checked_add(length).ok()?;
    let start_of = |day: Date| begin(day, now.time_zone());
    Some((start_of(first)?, start_of(after)?))
}

fn begin(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

/// A length of time before now. A day is 24 hours.
fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    // `24h ago` is read as less than nothing, too; a minus is a slip.
    if text.starts_with('-') {
        return None;
    }
    let length = match text.strip_suffix('d').map(str::trim) {
        Some(days) => SignedDuration::from_hours(days.parse::<i64>().ok()?.checked_mul(24)?),
        None => text.parse::<SignedDuration>().ok()?,
    };
    now.timestamp().checked_sub(length.abs()).ok()
}

parsed_from_text!(Since, "A time, a day, or how long ago");
parsed_from_text!(Until, "A time, a day, or how long ago");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_days_are_read_in_local_time() {
        let now: Zoned = "2026-03-18T09:30:00-04:00[-04:00]".parse().expect("a time");
        for (words, start, end) in [
            ("2026-03-14", "2026-03-14T04:00:00Z", "2026-03-15T04:00:00Z"),
            ("Yesterday", "2026-03-17T04:00:00Z", "2026-03-18T04:00:00Z"),
            ("last  week", "2026-03-09T04:00:00Z", "2026-03-16T04:00:00Z"),
            ("this month", "2026-03-01T04:00:00Z", "2026-04-01T04:00:00Z"),
            ("last month", "2026-02-01T04:00:00Z", "2026-03-01T04:00:00Z"),
            (
                "2026-03-14T15:00",
                "2026-03-14T19:00:00Z",
                "2026-03-14T19:00:00Z",
            ),
            (
                "2026-03-14 15:00:30",
                "2026-03-14T19:00:30Z",
                "2026-03-14T19:00:30Z",
            ),
            (
                "2026-03-14T15:00[America/Chicago]",
                "2026-03-14T20:00:00Z",
                "2026-03-14T20:00:00Z",
            ),
            ("3d", "2026-03-15T13:30:00Z", "2026-03-15T13:30:00Z"),
            (
                "2026-03-14T09:00:00Z",
                "2026-03-14T09:00:00Z",
                "2026-03-14T09:00:00Z",
            ),
        ] {
            let span = span(words, &now).map(|(start, end)| (start.to_string(), end.to_string()));
            assert_eq!(span, Ok((start.to_owned(), end.to_owned())), "{words}");
        }
        for words in [
            "some day",
            "last",
            "-1d",
            "next week",
            "",
            "2026-03-14T15:00[Mars/X]",
            "2026-03-14T15:00[Europe/Berln]",
            "2026-03-14T15:00-01:00[America/Chicago]",
        ] {
            assert!(span(words, &now).is_err(), "{words}");
        }
    }
}
