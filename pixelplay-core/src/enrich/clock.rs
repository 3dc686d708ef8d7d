//! The source of time and the wait function, which tests can replace.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC), the form in which times are stored.
pub(super) type Millis = i64;

/// The source of time for enriching, and the function that waits. The default is the system clock;
/// tests can pass any functions.
///
/// ```
/// use pixelplay_core::enrich::Clock;
/// use std::sync::{Arc, Mutex};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// // A clock that only advances by waiting.
/// let passed = Arc::new(Mutex::new(Duration::ZERO));
/// let slept = passed.clone();
/// let clock = Clock::new(
///     move || UNIX_EPOCH + Duration::from_secs(1_000_000_000) + *passed.lock().unwrap(),
///     move |wait| *slept.lock().unwrap() += wait,
/// );
/// # let _ = clock;
/// ```
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Clock {
    /// Creates a clock from two functions: one that returns the time, and one that waits for the
    /// given time.
    pub fn new(
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
        sleep: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), sleep: Arc::new(sleep) }
    }

    pub(super) fn now(&self) -> SystemTime {
        (self.now)()
    }

    pub(super) fn millis(&self) -> Millis {
        let since = self.now().duration_since(UNIX_EPOCH);
        in_millis(since.unwrap_or(Duration::ZERO))
    }

    pub(super) fn sleep(&self, wait: Duration) {
        (self.sleep)(wait);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now, thread::sleep)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Converts a duration, limited to the longest that can be stored.
pub(super) fn in_millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// Formats a stored time in ISO 8601: `2026-11-26T01:02:03Z`.
pub(super) fn iso(time: Millis) -> String {
    let seconds = time.max(0) / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Converts days since 1970 to a date, using years that begin in March, so that a leap day comes
    // last.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(iso(seconds * 1000), expected);
        }
    }
}
