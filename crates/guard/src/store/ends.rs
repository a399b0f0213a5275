//! When something that was stored ends, by a clock that may have been set back since.

use std::ops::RangeInclusive;

use super::records::CLOCKS_APART;

/// The seconds in which something of this lifetime can end that is not over now.
/// What ends later was stored while the clock was ahead, and is over as well:
/// otherwise it would last until the clock has caught up.
pub fn ends_later(now: i64, lifetime: i64) -> RangeInclusive<i64> {
    now + 1..=now + lifetime + CLOCKS_APART / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_further_ahead_than_it_can_is_over() {
        let ends = ends_later(1_000, 300);
        assert!(ends.contains(&1_001) && ends.contains(&1_300));
        // Another process may have looked at the clock a little later.
        assert!(ends.contains(&1_360));
        assert!(!ends.contains(&1_000) && !ends.contains(&1_361));
    }
}
