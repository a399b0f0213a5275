//! Times for people: in the local time of this machine, and with what is left
//! until then. JSON has UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment as the store keeps it, in seconds since 1970.
pub(crate) fn from_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// `in 5 minutes (at 14:32)`.
pub(crate) fn until(moment: Timestamp) -> String {
    let seconds = moment.duration_since(Timestamp::now()).as_secs();
    let left = match (seconds + 59) / 60 {
        ..=0 => "now".to_owned(),
        1 => "in 1 minute".to_owned(),
        minutes @ 2..=120 => format!("in {minutes} minutes"),
        minutes => format!("in {} hours", minutes / 60),
    };
    format!("{left} (at {})", local(moment, "%H:%M"))
}

/// `14:32`.
pub(crate) fn clock(moment: Timestamp) -> String {
    local(moment, "%H:%M")
}

/// `2026-03-14 14:32`.
pub(crate) fn minute(moment: Timestamp) -> String {
    local(moment, "%Y-%m-%d %H:%M")
}

/// The end of a day here, where there is one.
pub(crate) fn end_of(day: Date) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?;
    let end = next.to_zoned(TimeZone::system()).ok()?;
    Some(end.timestamp())
}

/// A moment in RFC 3339, as results carry it, in other words.
pub(crate) fn written(moment: &str, words: fn(Timestamp) -> String) -> String {
    moment.parse().map_or(moment.to_owned(), words)
}

/// Says so where local time is UTC: it may be that no time zone was found.
fn local(moment: Timestamp, format: &str) -> String {
    let local = moment.to_zoned(TimeZone::system());
    let zone = match local.offset().is_zero() {
        true => " UTC",
        false => "",
    };
    format!("{}{zone}", local.strftime(format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_left_is_rounded_up_to_a_minute() {
        let left = |seconds| until(Timestamp::now() + Duration::from_secs(seconds));
        assert!(left(300).starts_with("in 5 minutes (at "), "{}", left(300));
        assert!(left(30).starts_with("in 1 minute (at "), "{}", left(30));
        assert!(left(86_400).starts_with("in 24 hours"), "{}", left(86_400));
        assert!(left(0).starts_with("now (at "), "{}", left(0));
    }
}
