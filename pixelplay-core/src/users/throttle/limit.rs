//! The options of the throttle, and their bounds.

use std::time::Duration;

use crate::users::error::UserError;

/// How failed attempts slow down later ones: per account, and per source if the application names
/// one (see [`Client::source`](crate::users::Client::source)).
///
/// Log-ins, changes of the password, resets and registrations are counted separately. Open sessions
/// are never affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// The limit per user name, whether or not the account exists, and per device. By default 3
    /// attempts are free, and one failure is forgiven a day. After 100 failures without a success
    /// (the most that NIST SP 800-63B-4, section 3.2.2, allows), one attempt per day is possible.
    pub account: Limit,
    /// The limit per source. Many people may share a source, so by default 50 attempts are free,
    /// and one failure is forgiven every 6 minutes.
    pub source: Limit,
}

impl Default for ThrottleOptions {
    fn default() -> Self {
        Self {
            account: Limit {
                free_attempts: 3,
                initial_backoff: Duration::from_secs(1),
                max_backoff: HOUR,
                max_failures: 100,
                decay_interval: DAY,
            },
            source: Limit {
                free_attempts: 50,
                initial_backoff: Duration::from_secs(1),
                max_backoff: HOUR,
                max_failures: 1000,
                decay_interval: Duration::from_secs(360),
            },
        }
    }
}

impl ThrottleOptions {
    pub(in crate::users) fn check(&self) -> Result<(), UserError> {
        self.account.check("per account", 100)?;
        self.source.check("per source", 100_000)
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A leaky bucket: every failure adds one, and one is forgiven after each
/// [`decay_interval`](Self::decay_interval), whatever comes in between. Some failures are free;
/// after each further one there is a wait, which doubles every time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The number of failures without a wait.
    pub free_attempts: u32,
    /// The wait after the first failure that is not free. It doubles with each further failure.
    pub initial_backoff: Duration,
    /// The longest wait before [`max_failures`](Self::max_failures) is reached. At most a day.
    pub max_backoff: Duration,
    /// At this number of failures, no attempt is accepted until one failure is forgiven. At most
    /// 100 per account, and 100,000 per source.
    pub max_failures: u32,
    /// The time after which one failure is forgiven: from a second to 30 days.
    pub decay_interval: Duration,
}

impl Limit {
    /// No limit, for an application that limits attempts by other means, and for tests.
    pub const NONE: Self = Self {
        free_attempts: u32::MAX,
        initial_backoff: Duration::ZERO,
        max_backoff: Duration::ZERO,
        max_failures: u32::MAX,
        decay_interval: Duration::from_secs(1),
    };

    fn check(&self, which: &'static str, most: u32) -> Result<(), UserError> {
        let is_safe = self.free_attempts <= self.max_failures
            && (1..=most).contains(&self.max_failures)
            && self.initial_backoff <= self.max_backoff
            && self.max_backoff <= DAY
            && (Duration::from_secs(1)..=30 * DAY).contains(&self.decay_interval);
        if is_safe || *self == Self::NONE {
            return Ok(());
        }
        Err(UserError::BadOptions {
            what: format!(
                "the limit {which} must have free_attempts <= max_failures <= {most}, initial_backoff <= max_backoff <= 1 \
                 day, and decay_interval from 1 second to 30 days"
            ),
        })
    }

    /// Returns the wait after this many failures; `None` if one has to be forgiven first.
    pub(super) fn backoff(&self, failures: u32) -> Option<Duration> {
        if failures <= self.free_attempts {
            return Some(Duration::ZERO);
        }
        if failures >= self.max_failures {
            return None;
        }
        let doublings = failures - self.free_attempts - 1;
        let wait = match 2_u32.checked_pow(doublings) {
            Some(times) => self.initial_backoff.saturating_mul(times),
            None => self.max_backoff,
        };
        Some(wait.min(self.max_backoff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_an_hour_and_end_at_the_cap() {
        let limit = ThrottleOptions::default().account;
        let waits: Vec<u64> = [0, 1, 3, 4, 5, 6, 15, 16, 17, 60, 99]
            .map(|failures| limit.backoff(failures).unwrap().as_secs())
            .into();
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 2048, 3600, 3600, 3600, 3600]);
        assert_eq!(limit.backoff(100), None);
        assert_eq!(limit.backoff(u32::MAX), None);
        assert_eq!(Limit::NONE.backoff(u32::MAX), Some(Duration::ZERO));
    }

    #[test]
    fn limits_have_bounds() {
        let with = |set: fn(&mut Limit)| {
            let mut options = ThrottleOptions::default();
            set(&mut options.account);
            options.check()
        };
        assert!(ThrottleOptions::default().check().is_ok());
        assert!(with(|limit| *limit = Limit::NONE).is_ok());
        assert!(with(|limit| limit.free_attempts = 100).is_ok());
        for unsafe_one in [
            with(|limit| limit.free_attempts = 101),
            with(|limit| limit.max_failures = 101),
            with(|limit| (limit.free_attempts, limit.max_failures) = (0, 0)),
            with(|limit| limit.max_backoff = 2 * DAY),
            with(|limit| limit.initial_backoff = 2 * HOUR),
            with(|limit| limit.decay_interval = Duration::ZERO),
        ] {
            assert!(matches!(unsafe_one, Err(UserError::BadOptions { .. })));
        }
    }
}
