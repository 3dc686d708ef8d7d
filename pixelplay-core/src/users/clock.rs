//! The time, which tests may set.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC), as they are stored.
pub(super) type Millis = i64;

/// Where a store gets the time from: by default the system, in tests any function.
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
    /// A clock that asks a function.
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

/// A length of time, cut at the greatest that can be stored.
pub(super) fn in_millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// A stored time. One before 1970, which only a damaged file holds, is 1970; one that the system
/// cannot say is the last second of the year 9999.
pub(super) fn time(stored: Millis) -> SystemTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = Duration::from_millis(u64::try_from(stored).unwrap_or(0));
    UNIX_EPOCH + since.min(LAST)
}
