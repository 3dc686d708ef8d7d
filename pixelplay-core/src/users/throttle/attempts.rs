//! Counts attempts in the database.
//!
//! An attempt is counted as failed before its password is checked, and the failure is taken back if
//! the password is right. So concurrent attempts cannot all slip through. Names without an account
//! are counted like any other.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;

use super::bucket::{Bucket, interval};
use super::limit::{Limit, ThrottleOptions};
use super::source::counted_as;
use crate::users::clock::Millis;
use crate::users::database::Abort;
use crate::users::error::UserError;

/// What is attempted. Each kind of attempt has its own buckets: failed log-ins by others do not
/// keep a logged-in user from changing the password, or a new user from registering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempted {
    /// Log-ins, which fail with a wrong password.
    LogIn,
    /// Changes of the password, which fail with a wrong old one.
    PasswordChange,
    /// Requests to reset a password. Each counts.
    PasswordReset,
    /// Registrations and requests to register. Each counts.
    Registration,
    /// Requests to rename an account. Each counts.
    Rename,
}

/// The bucket that an attempt is counted in.
#[derive(Debug, Clone, Copy)]
pub(in crate::users) enum Counted<'a> {
    /// By the lookup key of a user name.
    Account(Attempted, &'a [u8]),
    /// By its source.
    Source(Attempted, &'a str),
    /// Log-ins from a known device of the account, by the hash of its token. Used instead of the
    /// other two.
    Device(&'a [u8]),
}

/// An attempt that counts as failed until it is taken back.
#[derive(Debug)]
pub(in crate::users) struct Attempt {
    at: Millis,
    counts: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    key: [u8; 32],
    of_source: bool,
    /// The time of the attempt before this one.
    before: Option<Millis>,
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

    /// Rejects an attempt that would have to wait, and counts nothing.
    pub(in crate::users) fn check(
        &self,
        reader: &Connection,
        counted: &[Counted<'_>],
        now: Millis,
    ) -> Result<(), Abort> {
        let mut wait = 0;
        for &counted in counted {
            let (key, limit) = (self.key_of(counted), self.limit(counted));
            let seen = Bucket::seen_at(stored(reader, &key)?, limit, now);
            wait = wait.max(seen.wait(limit, now));
        }
        if wait > 0 {
            let retry_after = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
            let what = what(counted);
            return Err(UserError::Throttled { what, retry_after }.into());
        }
        Ok(())
    }

    /// Counts an attempt as failed, or rejects it. `now` must have been read in this transaction: a
    /// time that was read before the transaction waited for its turn may be earlier than that of
    /// the previous attempt.
    pub(in crate::users) fn begin(
        &self,
        transaction: &Connection,
        counted: &[Counted<'_>],
        now: Millis,
    ) -> Result<Attempt, Abort> {
        self.check(transaction, counted, now)?;
        let mut counts = Vec::with_capacity(counted.len());
        for &counted in counted {
            let (key, limit) = (self.key_of(counted), self.limit(counted));
            let seen = Bucket::seen_at(stored(transaction, &key)?, limit, now);
            let bucket = seen.with_failure(limit, now);
            transaction
                .prepare_cached("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?)")?
                .execute(params![key, bucket.last, bucket.forgiven])?;
            let of_source = matches!(counted, Counted::Source(..));
            let before = (seen.last != Millis::MIN).then_some(seen.last);
            counts.push(Count { key, of_source, before });
        }
        // A few at a time, so that no single attempt pays for cleaning up all earlier ones.
        transaction
            .prepare_cached(
                "DELETE FROM attempt WHERE key IN (SELECT key FROM attempt WHERE forgiven <= ? LIMIT 10)",
            )?
            .execute([now])?;
        Ok(Attempt { at: now, counts })
    }

    /// Records that the attempt succeeded: the failures of its name or device are cleared, and its
    /// source is left as it was before.
    pub(in crate::users) fn succeed(
        &self,
        transaction: &Connection,
        attempt: &Attempt,
    ) -> Result<(), Abort> {
        for count in &attempt.counts {
            if count.of_source {
                self.take_back(transaction, attempt.at, count)?;
            } else {
                delete(transaction, &count.key)?;
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
        attempt.counts.iter().try_for_each(|count| self.take_back(transaction, attempt.at, count))
    }

    /// Clears all failures of this name.
    pub(in crate::users) fn forget(
        &self,
        transaction: &Connection,
        name: &[u8],
    ) -> Result<(), Abort> {
        for attempted in ALL {
            delete(transaction, &self.key_of(Counted::Account(attempted, name)))?;
        }
        Ok(())
    }

    /// Returns how long it takes until the next attempt in this bucket is accepted.
    pub(in crate::users) fn wait_of(
        &self,
        reader: &Connection,
        counted: Counted<'_>,
        now: Millis,
    ) -> Result<Duration, Abort> {
        match self.check(reader, &[counted], now) {
            Ok(()) => Ok(Duration::ZERO),
            Err(Abort::Refused(UserError::Throttled { retry_after, .. })) => Ok(retry_after),
            Err(other) => Err(other),
        }
    }

    /// Removes every trace of the attempt, both from the number of failures and from the wait after
    /// the last one.
    fn take_back(&self, transaction: &Connection, at: Millis, count: &Count) -> Result<(), Abort> {
        let limit = if count.of_source { &self.options.source } else { &self.options.account };
        transaction
            .prepare_cached(
                "UPDATE attempt SET forgiven = forgiven - ?2,
                     last = CASE WHEN last = ?3 THEN coalesce(?4, last) ELSE last END WHERE key = ?1",
            )?
            .execute(params![count.key, interval(limit), at, count.before])?;
        transaction
            .prepare_cached("DELETE FROM attempt WHERE key = ? AND forgiven <= ?")?
            .execute(params![count.key, at])?;
        Ok(())
    }

    fn limit(&self, counted: Counted<'_>) -> &Limit {
        match counted {
            Counted::Source(..) => &self.options.source,
            Counted::Account(..) | Counted::Device(_) => &self.options.account,
        }
    }

    fn key_of(&self, counted: Counted<'_>) -> [u8; 32] {
        let source;
        let (kind, text) = match counted {
            Counted::Account(attempted, name) => (letter(attempted), name),
            Counted::Source(attempted, label) => {
                source = counted_as(label);
                (letter(attempted).to_ascii_uppercase(), source.as_bytes())
            }
            Counted::Device(token_hash) => (b'd', token_hash),
        };
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of 32 bytes");
        mac.update(&[kind]);
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

const ALL: [Attempted; 5] = [
    Attempted::LogIn,
    Attempted::PasswordChange,
    Attempted::PasswordReset,
    Attempted::Registration,
    Attempted::Rename,
];

fn letter(attempted: Attempted) -> u8 {
    match attempted {
        Attempted::LogIn => b'l',
        Attempted::PasswordChange => b'p',
        Attempted::PasswordReset => b'r',
        Attempted::Registration => b'g',
        Attempted::Rename => b'n',
    }
}

fn what(counted: &[Counted<'_>]) -> Attempted {
    match counted.first() {
        Some(Counted::Account(attempted, _) | Counted::Source(attempted, _)) => *attempted,
        Some(Counted::Device(_)) | None => Attempted::LogIn,
    }
}

fn stored(reader: &Connection, key: &[u8; 32]) -> rusqlite::Result<Option<Bucket>> {
    reader
        .prepare_cached("SELECT last, forgiven FROM attempt WHERE key = ?")?
        .query_row([key], |row| Ok(Bucket { last: row.get(0)?, forgiven: row.get(1)? }))
        .optional()
}

fn delete(transaction: &Connection, key: &[u8; 32]) -> Result<(), Abort> {
    transaction.prepare_cached("DELETE FROM attempt WHERE key = ?")?.execute([key])?;
    Ok(())
}
