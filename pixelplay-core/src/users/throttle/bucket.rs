//! A leaky bucket, and how it handles a clock that jumps.

use super::limit::Limit;
use crate::users::clock::{Millis, in_millis};

/// A stored time may be ahead of the clock by this much. Within it, a wait starts again, so that
/// attempts cannot slip through while the clock is corrected by a little.
const SLACK: Millis = 60_000;

/// The failures that count. One is forgiven after each interval, so the time at which all are
/// forgiven determines how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The time of the last attempt.
    pub(super) last: Millis,
    /// When all failures will be forgiven.
    pub(super) forgiven: Millis,
}

impl Bucket {
    /// Returns the stored bucket, corrected for changes of the clock: no wait, counted from now, is
    /// longer than the limit allows.
    pub(super) fn seen_at(stored: Option<Self>, limit: &Limit, now: Millis) -> Self {
        let Some(Self { last, forgiven }) = stored else {
            return Self { last: Millis::MIN, forgiven: now };
        };
        let interval = interval(limit);
        let most = interval.saturating_mul(limit.max_failures.into());
        if last.saturating_sub(now) > SLACK {
            // The clock has been set back since. The failures still count, but how long ago the
            // last one was is unknown: one attempt is accepted, and dated by the new clock.
            let owed = forgiven.saturating_sub(last).clamp(0, most.saturating_sub(interval));
            return Self { last: Millis::MIN, forgiven: now.saturating_add(owed) };
        }
        // Within the slack, both times move back with the clock.
        let ahead = last.saturating_sub(now).max(0);
        let forgiven = forgiven.saturating_sub(ahead);
        Self { last: last.min(now), forgiven: forgiven.clamp(now, now.saturating_add(most)) }
    }

    /// Returns how long to wait for the next attempt.
    pub(super) fn wait(&self, limit: &Limit, now: Millis) -> Millis {
        let interval = interval(limit);
        let owed = self.forgiven.saturating_sub(now).max(0);
        let since = now.saturating_sub(self.last).max(0);
        let mut failures = owed / interval + Millis::from(owed % interval > 0);
        let mut earliest = 0;
        loop {
            let backoff = limit.backoff(u32::try_from(failures).unwrap_or(u32::MAX));
            let ready = backoff.map(|wait| earliest.max(in_millis(wait).saturating_sub(since)));
            // By then, one more failure is forgiven.
            let next = owed.saturating_sub((failures - 1).saturating_mul(interval));
            match ready {
                Some(ready) if failures == 0 || ready <= next => return ready,
                _ => (earliest, failures) = (next, failures - 1),
            }
        }
    }

    /// Adds a failure.
    pub(super) fn with_failure(&self, limit: &Limit, now: Millis) -> Self {
        Self { last: now, forgiven: self.forgiven.max(now).saturating_add(interval(limit)) }
    }
}

pub(super) fn interval(limit: &Limit) -> Millis {
    in_millis(limit.decay_interval).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::throttle::ThrottleOptions;

    const DAY: Millis = 86_400_000;
    const YEAR: Millis = 365 * DAY;
    const NOW: Millis = 1_700_000_000_000;

    fn after(failures: u32, limit: &Limit) -> Bucket {
        (0..failures)
            .fold(Bucket::seen_at(None, limit, NOW), |bucket, _| bucket.with_failure(limit, NOW))
    }

    #[test]
    fn failures_are_forgiven_one_by_one_whatever_comes_between() {
        let limit = ThrottleOptions::default().source;
        let mut bucket = after(60, &limit);
        // One new failure for each that is forgiven: the bucket stays equally full.
        for n in 1..50 {
            let now = NOW + n * 360_000;
            let seen = Bucket::seen_at(Some(bucket), &limit, now);
            assert_eq!(seen.forgiven - now, 59 * 360_000);
            bucket = seen.with_failure(&limit, now);
        }
    }

    #[test]
    fn a_wait_ends_early_when_failures_are_forgiven_meanwhile() {
        let limit = ThrottleOptions::default().source;
        // The 62nd failure asks for 2,048 s, but after 360, 720, 1,080 s ... fewer failures count.
        let bucket = after(62, &limit);
        assert_eq!(bucket.wait(&limit, NOW), 720_000);
        assert_eq!(bucket.wait(&limit, NOW + 719_999), 1);
        assert_eq!(bucket.wait(&limit, NOW + 720_000), 0);
    }

    #[test]
    fn at_the_cap_one_has_to_be_forgiven() {
        let limit = ThrottleOptions::default().account;
        let bucket = after(100, &limit);
        assert_eq!(bucket.wait(&limit, NOW), DAY);
        assert_eq!(bucket.wait(&limit, NOW + DAY), 0);
    }

    #[test]
    fn a_clock_that_jumps_makes_nobody_wait_longer_than_the_limit_allows() {
        let limit = ThrottleOptions::default().account;
        for failures in [4, 20, 100] {
            let bucket = after(failures, &limit);
            for now in [NOW - YEAR, NOW - 2 * SLACK, NOW + YEAR] {
                let seen = Bucket::seen_at(Some(bucket), &limit, now);
                assert_eq!(seen.wait(&limit, now), 0, "{failures} {now}");
                let next = seen.with_failure(&limit, now);
                assert!(next.wait(&limit, now) <= DAY);
                // A jump forward forgives all failures; a jump back forgives none.
                let left = (next.forgiven - now) / DAY;
                let expected = Millis::from(failures.min(99)) + 1;
                assert_eq!(left, if now > NOW { 1 } else { expected });
            }
            // Within the slack the wait starts again, and no more failures count than before.
            let seen = Bucket::seen_at(Some(bucket), &limit, NOW - SLACK);
            assert_eq!(seen.wait(&limit, NOW - SLACK), after(failures, &limit).wait(&limit, NOW));
        }
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let bucket = after(1000, &Limit::NONE);
        assert_eq!(bucket.wait(&Limit::NONE, NOW), 0);
    }
}
