//! How failed attempts slow down the next ones.
//!
//! An attempt is counted as failed before its password is looked at and taken back when it is
//! right, so that attempts side by side cannot all slip through. Names that nobody has are counted
//! like any other.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;

use super::clock::{Millis, in_millis};
use super::error::UserError;
use super::storage::Abort;

/// How failed attempts slow down the next ones: per account, and per source where the application
/// names one (see [`Client::source`](super::Client::source)).
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
                free: 3,
                first_wait: Duration::from_secs(1),
                longest_wait: Duration::from_secs(3600),
                most: 100,
                forgiven_after: Duration::from_secs(24 * 3600),
            },
            source: Limit {
                free: 50,
                first_wait: Duration::from_secs(1),
                longest_wait: Duration::from_secs(3600),
                most: 1000,
                forgiven_after: Duration::from_secs(360),
            },
        }
    }
}

/// The wait after failures in a row: none for the first, then doubling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// This many failures cost no wait.
    pub free: u32,
    /// The wait after the first failure that is not free; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait short of [`most`](Self::most).
    pub longest_wait: Duration,
    /// At this many failures there is no attempt until one is forgiven.
    pub most: u32,
    /// After this long, one failure less is counted.
    pub forgiven_after: Duration,
}

impl Limit {
    /// The wait after this many failures.
    fn wait_after(&self, failures: u32) -> Duration {
        if failures <= self.free {
            return Duration::ZERO;
        }
        if failures >= self.most {
            return self.forgiven_after;
        }
        let doublings = failures - self.free - 1;
        let wait = match 2_u32.checked_pow(doublings) {
            Some(times) => self.first_wait.saturating_mul(times),
            None => self.longest_wait,
        };
        wait.min(self.longest_wait)
    }

    /// The failures that still count.
    fn left_of(&self, failures: u32, since: Millis) -> u32 {
        let forgiven = since / in_millis(self.forgiven_after).max(1);
        failures.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

/// What an attempt is counted under.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counted<'a> {
    /// Passwords tried for a user name, as it is found by.
    LogIn(&'a [u8]),
    /// Old passwords tried to set a new one. Counted apart, so that failed log-ins from outside do
    /// not keep whoever is logged in from changing the password.
    ChangePassword(&'a [u8]),
    /// Single-use tokens asked for.
    Confirmation(&'a [u8]),
    /// All of that, from one source.
    Source(&'a [u8]),
}

/// An attempt that counts as failed until it is taken back.
#[derive(Debug)]
pub(super) struct Attempt {
    keys: Vec<([u8; 32], bool)>,
}

/// Counts attempts in the database.
pub(super) struct Throttle {
    options: ThrottleOptions,
    key: [u8; 32],
}

impl Throttle {
    /// `key` keys the hashes under which attempts are stored.
    pub(super) fn new(options: ThrottleOptions, key: [u8; 32]) -> Self {
        Self { options, key }
    }

    /// Counts an attempt as failed, or refuses it.
    pub(super) fn begin(
        &self,
        transaction: &Connection,
        counted: &[Counted<'_>],
        now: Millis,
    ) -> Result<Attempt, Abort> {
        let mut keys = Vec::with_capacity(counted.len());
        let mut wait = Duration::ZERO;
        for &counted in counted {
            let (key, of_source) = self.key_of(counted);
            let (failures, since) = self.state(transaction, &key, of_source, now)?;
            let waited = Duration::from_millis(u64::try_from(since).unwrap_or(0));
            let limit = self.limit(of_source);
            wait = wait.max(limit.wait_after(failures).saturating_sub(waited));
            keys.push((key, of_source, failures + 1));
        }
        if !wait.is_zero() {
            return Err(UserError::Throttled { retry_after: wait }.into());
        }
        for &(key, of_source, failures) in &keys {
            let forgotten = now.saturating_add(
                in_millis(self.limit(of_source).forgiven_after).saturating_mul(failures.into()),
            );
            transaction
                .prepare_cached("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)")?
                .execute(params![key, failures, now, forgotten])?;
        }
        // A few at a time, so that no single attempt pays for all that came before it.
        transaction
            .prepare_cached(
                "DELETE FROM attempt WHERE key IN (SELECT key FROM attempt WHERE forgotten <= ? LIMIT 10)",
            )?
            .execute([now])?;
        Ok(Attempt { keys: keys.into_iter().map(|(key, source, _)| (key, source)).collect() })
    }

    /// The attempt was right: its name starts anew, and its source has one failure less.
    pub(super) fn succeed(&self, transaction: &Connection, attempt: &Attempt) -> Result<(), Abort> {
        for (key, of_source) in &attempt.keys {
            if *of_source {
                take_back(transaction, key)?;
            } else {
                transaction.prepare_cached("DELETE FROM attempt WHERE key = ?")?.execute([key])?;
            }
        }
        Ok(())
    }

    /// The attempt was not looked at.
    pub(super) fn cancel(&self, transaction: &Connection, attempt: &Attempt) -> Result<(), Abort> {
        for (key, _) in &attempt.keys {
            take_back(transaction, key)?;
        }
        Ok(())
    }

    /// Nothing is held against this name any more.
    pub(super) fn forget(&self, transaction: &Connection, name: &[u8]) -> Result<(), Abort> {
        for counted in
            [Counted::LogIn(name), Counted::ChangePassword(name), Counted::Confirmation(name)]
        {
            transaction
                .prepare_cached("DELETE FROM attempt WHERE key = ?")?
                .execute([self.key_of(counted).0])?;
        }
        Ok(())
    }

    /// The failures that count, and how long ago the last was.
    fn state(
        &self,
        transaction: &Connection,
        key: &[u8; 32],
        of_source: bool,
        now: Millis,
    ) -> Result<(u32, Millis), Abort> {
        let stored: Option<(u32, Millis)> = transaction
            .prepare_cached("SELECT failures, last FROM attempt WHERE key = ?")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(stored.map_or((0, 0), |(failures, last)| {
            // A clock that was set back must not make anybody wait longer.
            let since = now.saturating_sub(last).max(0);
            (self.limit(of_source).left_of(failures, since), since)
        }))
    }

    fn limit(&self, of_source: bool) -> &Limit {
        if of_source { &self.options.source } else { &self.options.account }
    }

    fn key_of(&self, counted: Counted<'_>) -> ([u8; 32], bool) {
        let (kind, of_source, text) = match counted {
            Counted::LogIn(name) => (b'l', false, name),
            Counted::ChangePassword(name) => (b'p', false, name),
            Counted::Confirmation(name) => (b'c', false, name),
            Counted::Source(label) => (b's', true, label),
        };
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of 32 bytes");
        mac.update(&[kind]);
        mac.update(text);
        (mac.finalize().into_bytes().into(), of_source)
    }
}

fn take_back(transaction: &Connection, key: &[u8; 32]) -> Result<(), Abort> {
    transaction
        .prepare_cached(
            "UPDATE attempt SET failures = failures - 1 WHERE key = ? AND failures > 0",
        )?
        .execute([key])?;
    Ok(())
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
