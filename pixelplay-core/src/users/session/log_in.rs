//! Actions that need the right password: beginning a session, and changing the password.

use rusqlite::{Transaction, params};

use super::credentials::{Claim, Verified};
use super::device::keep_device;
use super::lifecycle::NewSession;
use super::token::SecretToken;
use crate::users::database::Abort;
use crate::users::error::UserError;
use crate::users::options::Client;
use crate::users::password::{Password, StoredHash};
use crate::users::store::UserStore;
use crate::users::throttle::Attempted;

impl UserStore {
    /// Logs in: checks the password and begins a session.
    ///
    /// Costs one hash, or as much as the most expensive hash in the store, whether or not the name
    /// exists.
    ///
    /// # Errors
    /// [`UserError::InvalidCredentials`], [`UserError::Throttled`] after failed attempts,
    /// [`UserError::Disabled`] if the password is right, [`UserError::Overloaded`],
    /// [`UserError::Password`] if the password is too long to be checked, and if the file cannot be
    /// written.
    pub fn log_in(&self, name: &str, password: &str) -> Result<NewSession, UserError> {
        self.log_in_from(name, password, &Client::default())
    }

    /// Like [`log_in`](Self::log_in), with information about the client.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub fn log_in_from(
        &self,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<NewSession, UserError> {
        let claim = Claim::new(name)?;
        let password = Password::new(password)?;
        self.with_verified(&claim, Attempted::LogIn, &password, client, |verified| {
            let new_hash = verified.upgrade.as_ref();
            self.begin_verified("log in", verified, new_hash, client, |_, _| Ok(()))
        })
    }

    /// Sets a new password, given the old one. All sessions end and a new one begins; outstanding
    /// single-use tokens become invalid, and all devices are forgotten except the one of the new
    /// session.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in), and [`UserError::Password`] if the new password cannot be
    /// accepted. Nothing is changed then.
    pub fn change_password(
        &self,
        name: &str,
        old: &str,
        new: &str,
    ) -> Result<NewSession, UserError> {
        self.change_password_from(name, old, new, &Client::default())
    }

    /// Like [`change_password`](Self::change_password), with information about the client.
    ///
    /// # Errors
    /// As [`change_password`](Self::change_password).
    pub fn change_password_from(
        &self,
        name: &str,
        old: &str,
        new: &str,
        client: &Client<'_>,
    ) -> Result<NewSession, UserError> {
        let claim = Claim::new(name)?;
        let old = Password::new(old)?;
        let new = Password::new(new)?;
        let attempted = Attempted::PasswordChange;
        self.with_verified(&claim, attempted, &old, client, |verified| {
            let name = claim.name.as_ref().ok_or(UserError::InvalidCredentials)?;
            let hash = match self.hash_new(&new, name) {
                Ok(hash) => hash,
                Err(error) => {
                    self.take_back(&verified.attempt)?;
                    return Err(error);
                }
            };
            self.begin_verified("change the password", verified, Some(&hash), client, end_all)
        })
    }

    /// Begins a session for the verified user, after `prepare`, and replaces the hash if there is a
    /// new one. Returns `None` if the account's hash has changed since it was checked.
    fn begin_verified(
        &self,
        action: &'static str,
        verified: &Verified<'_>,
        new_hash: Option<&StoredHash>,
        client: &Client<'_>,
        prepare: impl Fn(&Transaction<'_>, i64) -> Result<(), Abort>,
    ) -> Result<Option<NewSession>, UserError> {
        let (token, device) = (SecretToken::random()?, SecretToken::random()?);
        let now = self.now();
        let begun = self.storage.write(action, |transaction| {
            if !still_has_hash(transaction, verified)? {
                self.throttle.cancel(transaction, &verified.attempt)?;
                return Ok(None);
            }
            self.throttle.succeed(transaction, &verified.attempt)?;
            let account = verified.account;
            if is_disabled(transaction, account)? {
                return Ok(Some(Err(UserError::Disabled)));
            }
            if let Some(new_hash) = new_hash {
                set_hash(transaction, account, new_hash)?;
            }
            prepare(transaction, account)?;
            let session = self.begin_session(transaction, account, client, &token, now)?;
            let device = keep_device(transaction, account, client, &device, now)?;
            Ok(Some(Ok((session, device))))
        })?;
        let begun = begun.transpose()?;
        Ok(begun.map(|(session, device)| NewSession { token, session, device }))
    }
}

/// Returns whether the account still has the hash that was checked.
fn still_has_hash(transaction: &Transaction<'_>, verified: &Verified<'_>) -> Result<bool, Abort> {
    Ok(transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE id = ? AND hash = ?)")?
        .query_row(params![verified.account, verified.hash], |row| row.get(0))?)
}

/// Sets the hash of an account.
pub(in crate::users) fn set_hash(
    transaction: &Transaction<'_>,
    account: i64,
    new: &StoredHash,
) -> Result<(), Abort> {
    transaction
        .prepare_cached("UPDATE account SET hash = ?, scheme = ?, input = ? WHERE id = ?")?
        .execute(params![new.text(), new.scheme().to_string(), new.input().to_string(), account])?;
    Ok(())
}

pub(super) fn is_disabled(transaction: &Transaction<'_>, account: i64) -> Result<bool, Abort> {
    Ok(transaction
        .prepare_cached("SELECT disabled IS NOT NULL FROM account WHERE id = ?")?
        .query_row([account], |row| row.get(0))?)
}

/// Ends the sessions of an account, invalidates its single-use tokens and forgets its devices:
/// anyone who knew the old password may have any of them.
pub(in crate::users) fn end_all(transaction: &Transaction<'_>, account: i64) -> Result<(), Abort> {
    for sql in [
        "DELETE FROM session WHERE account = ?",
        "DELETE FROM confirmation WHERE account = ?",
        "DELETE FROM device WHERE account = ?",
    ] {
        transaction.prepare_cached(sql)?.execute([account])?;
    }
    Ok(())
}
