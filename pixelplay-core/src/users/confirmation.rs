//! Actions that are confirmed with a single-use token: a password reset and, with hidden names, a
//! registration or a renaming.
//!
//! The application sends the token to the owner of the name. Until the token comes back, it makes
//! no difference whether the account exists or the name is taken: the same row is written.

use rusqlite::{OptionalExtension, Transaction, params};

use super::account::{insert, rename};
use super::clock::{Millis, in_millis};
use super::database::Abort;
use super::error::UserError;
use super::name::UserName;
use super::options::Client;
use super::password::{Password, StoredHash};
use super::session::{Claim, SecretToken, TokenHash, end_all, hash_of};
use super::store::UserStore;
use super::throttle::Counted;

/// The maximum number of expired rows that one request cleans up.
const SWEPT_AT_ONCE: u32 = 100;

/// The data stored with the hash of a token.
struct Waiting<'a> {
    purpose: &'static str,
    account: Option<i64>,
    name: Option<&'a str>,
    hash: Option<&'a StoredHash>,
}

impl UserStore {
    /// Creates a single-use token for setting a new password, valid for 30 minutes. Send it to the
    /// owner of the name, and give the person who asked the same answer whether or not the account
    /// exists: this function does not reveal it either.
    ///
    /// # Errors
    /// [`UserError::Throttled`] after too many requests, and if the file cannot be written.
    pub fn start_password_reset(&self, name: &str) -> Result<SecretToken, UserError> {
        self.start_password_reset_from(name, &Client::default())
    }

    /// Like [`start_password_reset`](Self::start_password_reset), with information about the
    /// client.
    ///
    /// # Errors
    /// As [`start_password_reset`](Self::start_password_reset).
    pub fn start_password_reset_from(
        &self,
        name: &str,
        client: &Client<'_>,
    ) -> Result<SecretToken, UserError> {
        let claim = Claim::new(name)?;
        self.start(&claim, client, |transaction| {
            Ok(Waiting {
                purpose: "reset",
                account: claim.account(transaction)?,
                name: None,
                hash: None,
            })
        })
    }

    /// Sets a new password, given the token. All sessions end, other tokens become invalid, and
    /// failed attempts are cleared. The user then has to [`log_in`](Self::log_in).
    ///
    /// # Errors
    /// [`UserError::InvalidToken`]; [`UserError::Password`] if the password cannot be accepted, in
    /// which case the token stays valid; [`UserError::Overloaded`], and if the file cannot be
    /// written.
    pub fn finish_password_reset(&self, token: &str, new: &str) -> Result<(), UserError> {
        let token = hash_of(token).ok_or(UserError::InvalidToken)?;
        let new = Password::new(new)?;
        let now = self.now();
        let name = self.storage.read("find a token", |reader| {
            Ok(reader
                .prepare_cached(
                    "SELECT account.name FROM confirmation JOIN account ON account.id = account
                     WHERE token_hash = ? AND purpose = 'reset' AND expires > ?",
                )?
                .query_row(params![token, now], |row| row.get::<_, String>(0))
                .optional()?)
        })?;
        let name = UserName::parse(&name.ok_or(UserError::InvalidToken)?)?;
        let hash = self.hash_new(&new, &name)?;
        self.storage.write("reset the password", |transaction| {
            let (account, ..) = take(transaction, "reset", &token, now)?;
            let account = account.ok_or(UserError::InvalidToken)?;
            let key: String = transaction.query_row(
                "UPDATE account SET hash = ?, scheme = ?, input = ? WHERE id = ? RETURNING name_key",
                params![
                    hash.text(),
                    hash.scheme().to_string(),
                    hash.input().to_string(),
                    account
                ],
                |row| row.get(0),
            )?;
            end_all(transaction, account)?;
            self.throttle.forget(transaction, key.as_bytes())
        })
    }

    /// Creates a single-use token for a new account. Send it to the owner of the name, ideally with
    /// different wording if the [`account`](Self::account) already exists, and tell the person who
    /// asked only that an email is on its way.
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::Password`], [`UserError::Throttled`],
    /// [`UserError::Overloaded`], and if the file cannot be written; never that the name is taken.
    pub fn start_registration(
        &self,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<SecretToken, UserError> {
        let name = UserName::parse(name)?;
        let password = Password::new(password)?;
        let hash = self.hash_new(&password, &name)?;
        let claim = Claim::new(name.shown())?;
        self.start(&claim, client, |_| {
            Ok(Waiting {
                purpose: "register",
                account: None,
                name: Some(name.shown()),
                hash: Some(&hash),
            })
        })
    }

    /// Creates the account, given the token, and returns its name.
    ///
    /// # Errors
    /// [`UserError::InvalidToken`], [`UserError::NameTaken`] if the account exists by now, and if
    /// the file cannot be written.
    pub fn finish_registration(&self, token: &str) -> Result<String, UserError> {
        let token = hash_of(token).ok_or(UserError::InvalidToken)?;
        let now = self.now();
        self.storage.write("register", |transaction| {
            let (_, name, hash, input) = take(transaction, "register", &token, now)?;
            let name = UserName::parse(&name).map_err(UserError::from)?;
            let input = input.parse().map_err(UserError::Hash)?;
            let hash = StoredHash::parse(&hash, input).map_err(UserError::from)?;
            insert(transaction, &name, &hash, now)?;
            Ok(name.shown().to_owned())
        })
    }

    /// Creates a single-use token for renaming an account. Send it to the owner of the new name.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::Name`], [`UserError::Throttled`], and if the file
    /// cannot be written; never that the new name is taken.
    pub fn start_rename(
        &self,
        name: &str,
        new: &str,
        client: &Client<'_>,
    ) -> Result<SecretToken, UserError> {
        let new = UserName::parse(new)?;
        let claim = Claim::new(name)?;
        self.start(&claim, client, |transaction| {
            let account = claim.account(transaction)?;
            Ok(Waiting {
                purpose: "rename",
                account: Some(account.ok_or(UserError::UnknownUser)?),
                name: Some(new.shown()),
                hash: None,
            })
        })
    }

    /// Renames the account, given the token, and returns the new name.
    ///
    /// # Errors
    /// [`UserError::InvalidToken`], [`UserError::NameTaken`], and if the file cannot be written.
    pub fn finish_rename(&self, token: &str) -> Result<String, UserError> {
        let token = hash_of(token).ok_or(UserError::InvalidToken)?;
        let now = self.now();
        self.storage.write("rename", |transaction| {
            let (account, name, ..) = take(transaction, "rename", &token, now)?;
            let account = account.ok_or(UserError::InvalidToken)?;
            let name = UserName::parse(&name).map_err(UserError::from)?;
            rename(transaction, account, &name)?;
            Ok(name.shown().to_owned())
        })
    }

    /// Counts the request and stores the pending action.
    fn start<'a>(
        &self,
        claim: &Claim,
        client: &Client<'_>,
        mut waiting: impl FnMut(&Transaction<'_>) -> Result<Waiting<'a>, Abort>,
    ) -> Result<SecretToken, UserError> {
        let mut counted = vec![Counted::Confirmation(&claim.key)];
        counted.extend(client.source.map(|source| Counted::Source(source.as_bytes())));
        let token = SecretToken::random()?;
        let now = self.now();
        let expires = now.saturating_add(in_millis(self.options.confirm_within));
        self.storage.write("make a token", |transaction| {
            self.throttle.begin(transaction, &counted, now)?;
            let waiting = waiting(transaction)?;
            transaction
                .prepare_cached(
                    "DELETE FROM confirmation WHERE token_hash IN
                     (SELECT token_hash FROM confirmation WHERE expires <= ? LIMIT ?)",
                )?
                .execute(params![now, SWEPT_AT_ONCE])?;
            transaction
                .prepare_cached("INSERT INTO confirmation VALUES (?, ?, ?, ?, ?, ?, ?)")?
                .execute(params![
                    token.hash(),
                    waiting.purpose,
                    waiting.account,
                    waiting.name,
                    waiting.hash.map(StoredHash::text),
                    waiting.hash.map(|hash| hash.input().to_string()),
                    expires
                ])?;
            Ok(())
        })?;
        Ok(token)
    }
}

/// Uses up the token, and returns account, name, hash and hash input of the pending action.
fn take(
    transaction: &Transaction<'_>,
    purpose: &'static str,
    token: &TokenHash,
    now: Millis,
) -> Result<(Option<i64>, String, String, String), Abort> {
    let taken = transaction
        .prepare_cached(
            "DELETE FROM confirmation WHERE token_hash = ? AND purpose = ? AND expires > ?
             RETURNING account, coalesce(name, ''), coalesce(hash, ''), coalesce(input, '')",
        )?
        .query_row(params![token, purpose, now], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    Ok(taken.ok_or(UserError::InvalidToken)?)
}
