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
    end_in(day, TimeZone::system())
}

fn end_in(day: Date, zone: TimeZone) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?;
    Some(next.to_zoned(zone).ok()?.timestamp())
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
    fn a_day_ends_where_the_next_one_begins_however_long_it_is() {
        for (zone, day, end) in [
            // 23 hours, and 25.
            ("America/New_York", "2026-03-08", "2026-03-09T04:00:00Z"),
            ("America/New_York", "2026-11-01", "2026-11-02T05:00:00Z"),
            // There is no midnight on the day after.
            ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"),
            // A day that there was none of ended when it began.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
            ("Pacific/Kiritimati", "2026-12-25", "2026-12-25T10:00:00Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let end: Timestamp = end.parse().unwrap();
            assert_eq!(end_in(day.parse().unwrap(), zone), Some(end), "{day}");
        }
        assert_eq!(end_in(Date::MAX, TimeZone::UTC), None);
    }

    #[test]
    fn what_is_left_is_rounded_up_to_a_minute() {
        let left = |seconds| until(Timestamp::now() + Duration::from_secs(seconds));
        assert!(left(300).starts_with("in 5 minutes (at "), "{}", left(300));
        assert!(left(30).starts_with("in 1 minute (at "), "{}", left(30));
        assert!(left(86_400).starts_with("in 24 hours"), "{}", left(86_400));
        assert!(left(0).starts_with("now (at "), "{}", left(0));
    }
}
