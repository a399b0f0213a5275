//! How fast requests are sent.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

/// How fast requests are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Requests a second; 0 for no limit.
    pub rate: f64,
    /// Requests that may go out at once after a pause.
    pub burst: u32,
}

impl Pace {
    /// A rate with bursts of twice as many requests.
    pub fn of(rate: f64) -> Pace {
        Pace {
            rate,
            burst: (rate * 2.0).ceil() as u32,
        }
    }

    /// The same for the limiter; `None` for no limit.
    pub fn quota(self) -> Option<Quota> {
        let burst = NonZeroU32::new(self.burst)?;
        Quota::with_period(Duration::from_secs_f64(1.0 / self.rate))
            .map(|quota| quota.allow_burst(burst))
    }
}
