//! The clock, which tests can replace.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC), the stored form of a time.
pub(super) type Millis = i64;

/// Where a store gets the time from: the system by default, any function in tests.
///
/// ```
/// use pixelplay_core::users::Clock;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let standing = Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_000_000_000));
/// # let _ = standing;
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// Creates a clock that calls a function.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> Millis {
        let since = (self.0)().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        in_millis(since)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Converts a duration to milliseconds, limited to the greatest value that can be stored.
pub(super) fn in_millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// Converts a stored time. A time before 1970, which only a damaged file contains, becomes 1970;
/// one that the system cannot represent becomes the last second of the year 9999.
pub(super) fn time(stored: Millis) -> SystemTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = Duration::from_millis(u64::try_from(stored).unwrap_or(0));
    UNIX_EPOCH + since.min(LAST)
}
