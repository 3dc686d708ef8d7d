//! How long to wait after a number of failures.

use std::time::Duration;

use crate::users::clock::{Millis, in_millis};

/// How failed attempts slow down later ones: per account, and per source if the application names
/// one (see [`Client::source`](crate::users::Client::source)).
///
/// Open sessions are never affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// The limit per user name, whether or not the account exists. By default 3 attempts are free.
    /// After 100 failures without a success (the most that NIST SP 800-63B-4, section 3.2.2,
    /// allows), one attempt per day is possible.
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
                max_backoff: Duration::from_secs(3600),
                max_failures: 100,
                decay_interval: Duration::from_secs(24 * 3600),
            },
            source: Limit {
                free_attempts: 50,
                initial_backoff: Duration::from_secs(1),
                max_backoff: Duration::from_secs(3600),
                max_failures: 1000,
                decay_interval: Duration::from_secs(360),
            },
        }
    }
}

/// The wait after consecutive failures: none for the first ones, then doubling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The number of failures without a wait.
    pub free_attempts: u32,
    /// The wait after the first failure that is not free. It doubles with each further failure.
    pub initial_backoff: Duration,
    /// The longest wait before [`max_failures`](Self::max_failures) is reached.
    pub max_backoff: Duration,
    /// At this number of failures, no attempt is accepted until one failure is forgiven.
    pub max_failures: u32,
    /// The time after which one failure is forgiven.
    pub decay_interval: Duration,
}

impl Limit {
    /// Returns the wait after this many failures.
    pub(super) fn wait_after(&self, failures: u32) -> Duration {
        if failures <= self.free_attempts {
            return Duration::ZERO;
        }
        if failures >= self.max_failures {
            return self.decay_interval;
        }
        let doublings = failures - self.free_attempts - 1;
        let wait = match 2_u32.checked_pow(doublings) {
            Some(times) => self.initial_backoff.saturating_mul(times),
            None => self.max_backoff,
        };
        wait.min(self.max_backoff)
    }

    /// Returns the number of failures that still count.
    pub(super) fn left_of(&self, failures: u32, since: Millis) -> u32 {
        let forgiven = since / in_millis(self.decay_interval).max(1);
        failures.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_an_hour_and_end_at_the_cap() {
        let limit = ThrottleOptions::default().account;
        let waits: Vec<u64> = [0, 1, 3, 4, 5, 6, 15, 16, 17, 60, 99]
            .map(|failures| limit.wait_after(failures).as_secs())
            .into();
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 2048, 3600, 3600, 3600, 3600]);
        assert_eq!(limit.wait_after(100).as_secs(), 86_400);
        assert_eq!(limit.wait_after(u32::MAX).as_secs(), 86_400);
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let limit = ThrottleOptions::default().account;
        let day = 86_400_000;
        assert_eq!(limit.left_of(5, day - 1), 5);
        assert_eq!(limit.left_of(5, day), 4);
        assert_eq!(limit.left_of(5, 5 * day), 0);
        assert_eq!(limit.left_of(5, Millis::MAX), 0);
    }
}
