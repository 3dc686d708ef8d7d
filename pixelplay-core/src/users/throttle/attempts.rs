//! Counts attempts in the database.
//!
//! An attempt is counted as failed before its password is checked, and the failure is taken back if
//! the password is right. So concurrent attempts cannot all slip through. Names without an account
//! are counted like any other.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;

use super::limit::{Limit, ThrottleOptions};
use crate::users::clock::{Millis, in_millis};
use crate::users::database::Abort;
use crate::users::error::UserError;

/// The key that an attempt is counted under.
#[derive(Debug, Clone, Copy)]
pub(in crate::users) enum Counted<'a> {
    /// Passwords tried for a user name, by its lookup key.
    LogIn(&'a [u8]),
    /// Old passwords tried in order to set a new one. They are counted separately, so that failed
    /// log-ins by others do not keep a logged-in user from changing the password.
    ChangePassword(&'a [u8]),
    /// Requests for single-use tokens.
    Confirmation(&'a [u8]),
    /// All of these, from one source.
    Source(&'a [u8]),
}

/// An attempt that counts as failed until that is taken back.
#[derive(Debug)]
pub(in crate::users) struct Attempt {
    keys: Vec<([u8; 32], bool)>,
}

/// Counts attempts in the database.
pub(in crate::users) struct Throttle {
    options: ThrottleOptions,
    key: [u8; 32],
}

impl Throttle {
    /// `key` is the key of the hashes under which attempts are stored.
    pub(in crate::users) fn new(options: ThrottleOptions, key: [u8; 32]) -> Self {
        Self { options, key }
    }

    /// Counts an attempt as failed, or rejects it.
    pub(in crate::users) fn begin(
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
                in_millis(self.limit(of_source).decay_interval).saturating_mul(failures.into()),
            );
            transaction
                .prepare_cached("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)")?
                .execute(params![key, failures, now, forgotten])?;
        }
        // A few at a time, so that no single attempt pays for cleaning up all earlier ones.
        transaction
            .prepare_cached(
                "DELETE FROM attempt WHERE key IN (SELECT key FROM attempt WHERE forgotten <= ? LIMIT 10)",
            )?
            .execute([now])?;
        Ok(Attempt { keys: keys.into_iter().map(|(key, source, _)| (key, source)).collect() })
    }

    /// Records that the attempt was right: the failures of its name are cleared, and its source has
    /// one failure less.
    pub(in crate::users) fn succeed(
        &self,
        transaction: &Connection,
        attempt: &Attempt,
    ) -> Result<(), Abort> {
        for (key, of_source) in &attempt.keys {
            if *of_source {
                take_back(transaction, key)?;
            } else {
                transaction.prepare_cached("DELETE FROM attempt WHERE key = ?")?.execute([key])?;
            }
        }
        Ok(())
    }

    /// Takes back an attempt whose password was not checked.
    pub(in crate::users) fn cancel(
        &self,
        transaction: &Connection,
        attempt: &Attempt,
    ) -> Result<(), Abort> {
        for (key, _) in &attempt.keys {
            take_back(transaction, key)?;
        }
        Ok(())
    }

    /// Clears all failures of this name.
    pub(in crate::users) fn forget(
        &self,
        transaction: &Connection,
        name: &[u8],
    ) -> Result<(), Abort> {
        for counted in
            [Counted::LogIn(name), Counted::ChangePassword(name), Counted::Confirmation(name)]
        {
            transaction
                .prepare_cached("DELETE FROM attempt WHERE key = ?")?
                .execute([self.key_of(counted).0])?;
        }
        Ok(())
    }

    /// Returns the number of failures that count, and how long ago the last one was.
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
            // Setting back the clock must not make users wait longer.
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
