//! A day in the future, as people write it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::parsed_from_text;
use crate::error::Refused;

/// A day of the calendar, such as `2026-12-25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(Date);

impl Day {
    /// The day itself.
    pub fn date(self) -> Date {
        self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let day = text.trim().parse::<Date>();
        // A time is no day, although it begins like one.
        let is_day = text.trim().len() == "2026-12-25".len();
        day.ok()
            .filter(|_| is_day)
            .map(Day)
            .ok_or_else(|| Refused::new(text, "is not a day", "give a day such as `2026-12-25`"))
    }
}

parsed_from_text!(Day, "A day, such as 2026-12-25");
