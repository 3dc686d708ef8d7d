//! How long to wait after so many failures.

use std::time::Duration;

use crate::users::clock::{Millis, in_millis};

/// How failed attempts slow down the next ones: per account, and per source where the application
/// names one (see [`Client::source`](crate::users::Client::source)).
///
/// Sessions that are open are never touched by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// For one user name, whether or not there is such an account. By default 3 attempts are free;
    /// at 100 failures without a success (the most that NIST SP 800-63B-4, section 3.2.2, allows)
    /// there is one attempt a day.
    pub account: Limit,
    /// For one source. Many people may share one, so by default 50 are free, and one failure is
    /// forgiven in 6 minutes.
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

/// The wait after failures in a row: none for the first, then doubling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// This many failures cost no wait.
    pub free_attempts: u32,
    /// The wait after the first failure that is not free; it doubles with each further one.
    pub initial_backoff: Duration,
    /// The longest wait short of [`max_failures`](Self::max_failures).
    pub max_backoff: Duration,
    /// At this many failures there is no attempt until one is forgiven.
    pub max_failures: u32,
    /// After this long, one failure less is counted.
    pub decay_interval: Duration,
}

impl Limit {
    /// The wait after this many failures.
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

    /// The failures that still count.
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
