//! Actions that are confirmed with a single-use token: a password reset and, with hidden names, a
//! registration or a renaming.
//!
//! The application sends the token to the owner of the name. Until the token comes back, it makes
//! no difference whether the account exists or the name is taken: the same row is written.

use rusqlite::{OptionalExtension, Transaction, params};

use super::account::{NewAccount, insert, rename};
use super::clock::{Millis, in_millis};
use super::database::Abort;
use super::error::UserError;
use super::name::UserName;
use super::options::Client;
use super::password::Password;
use super::session::{Claim, SecretToken, TokenHash, end_all, hash_of, set_hash};
use super::store::UserStore;
use super::throttle::{Attempted, Counted};

/// The maximum number of expired rows that one request cleans up.
const SWEPT_AT_ONCE: u32 = 100;

/// The data stored with the hash of a token.
struct Waiting<'a> {
    purpose: &'static str,
    account: Option<i64>,
    name: Option<&'a str>,
}

impl UserStore {
    /// Creates a single-use token for setting a new password, valid for 30 minutes. Send it to the
    /// owner of the name, and give the person who asked the same answer whether or not the account
    /// exists: this function does not reveal it either. The token of an account that is disabled,
    /// or that has an external id in place of a password, is never valid.
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
        self.start(&claim, Attempted::PasswordReset, client, |transaction| {
            let account = claim.account(transaction)?;
            let may: Option<i64> = transaction
                .prepare_cached(
                    "SELECT id FROM account WHERE id = ? AND disabled IS NULL AND (hash <> '' OR external_id IS NULL)",
                )?
                .query_row([account], |row| row.get(0))
                .optional()?;
            Ok(Waiting { purpose: "reset", account: may, name: None })
        })
    }

    /// Sets a new password, given the token. All sessions end, other tokens become invalid, and
    /// failed attempts are cleared, so that the user can [`log_in`](Self::log_in) next.
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
                     WHERE token_hash = ?1 AND purpose = 'reset' AND expires > ?2 AND expires < ?3",
                )?
                .query_row(params![token, now, self.latest(now)], |row| row.get::<_, String>(0))
                .optional()?)
        })?;
        let name = UserName::parse(&name.ok_or(UserError::InvalidToken)?)?;
        let hash = self.hash_new(&new, &name)?;
        self.storage.write("reset the password", |transaction| {
            let (account, _) = self.take(transaction, "reset", &token, now)?;
            let account = account.ok_or(UserError::InvalidToken)?;
            let key: String = transaction.query_row(
                "SELECT name_key FROM account WHERE id = ?",
                [account],
                |row| row.get(0),
            )?;
            set_hash(transaction, account, &hash)?;
            end_all(transaction, account)?;
            self.throttle.forget(transaction, key.as_bytes())
        })
    }

    /// Creates a single-use token for a new account. Send it to the owner of the name, ideally with
    /// different wording if the [`account`](Self::account) already exists, and tell the person who
    /// asked only that an email is on its way.
    ///
    /// The request contains only the name. Anybody can send one with the name of somebody else: if
    /// it also set the password, the owner of the name would confirm an account whose password a
    /// stranger chose.
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::Throttled`], and if the file cannot be written; never that
    /// the name is taken.
    pub fn start_registration(
        &self,
        name: &str,
        client: &Client<'_>,
    ) -> Result<SecretToken, UserError> {
        let name = UserName::parse(name)?;
        let claim = Claim::new(name.shown())?;
        self.start(&claim, Attempted::Registration, client, |_| {
            Ok(Waiting { purpose: "register", account: None, name: Some(name.shown()) })
        })
    }

    /// Creates the account, given the token and the password of its owner, and returns its name.
    ///
    /// # Errors
    /// [`UserError::InvalidToken`]; [`UserError::Password`] if the password cannot be accepted, in
    /// which case the token stays valid; [`UserError::NameTaken`] if the account exists by now;
    /// [`UserError::Overloaded`], and if the file cannot be written.
    pub fn finish_registration(&self, token: &str, password: &str) -> Result<String, UserError> {
        let token = hash_of(token).ok_or(UserError::InvalidToken)?;
        let password = Password::new(password)?;
        let now = self.now();
        let name = self.storage.read("find a token", |reader| {
            Ok(reader
                .prepare_cached(
                    "SELECT name FROM confirmation
                     WHERE token_hash = ?1 AND purpose = 'register' AND expires > ?2 AND expires < ?3",
                )?
                .query_row(params![token, now, self.latest(now)], |row| row.get::<_, String>(0))
                .optional()?)
        })?;
        let name = UserName::parse(&name.ok_or(UserError::InvalidToken)?)?;
        let hash = self.hash_new(&password, &name)?;
        self.storage.write("register", |transaction| {
            self.take(transaction, "register", &token, now)?;
            insert(transaction, &name, &NewAccount::with(&hash, now))
        })?;
        Ok(name.shown().to_owned())
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
        self.start(&claim, Attempted::Rename, client, |transaction| {
            let account = claim.account(transaction)?;
            Ok(Waiting {
                purpose: "rename",
                account: Some(account.ok_or(UserError::UnknownUser)?),
                name: Some(new.shown()),
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
            let (account, name) = self.take(transaction, "rename", &token, now)?;
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
        attempted: Attempted,
        client: &Client<'_>,
        mut waiting: impl FnMut(&Transaction<'_>) -> Result<Waiting<'a>, Abort>,
    ) -> Result<SecretToken, UserError> {
        let mut counted = vec![Counted::Account(attempted, &claim.key)];
        counted.extend(client.source.map(|source| Counted::Source(attempted, source)));
        let token = SecretToken::random()?;
        self.storage.write("create a token", |transaction| {
            let now = self.now();
            let expires = now.saturating_add(in_millis(self.options.confirm_within));
            self.throttle.begin(transaction, &counted, now)?;
            let waiting = waiting(transaction)?;
            transaction
                .prepare_cached(
                    "DELETE FROM confirmation WHERE token_hash IN
                     (SELECT token_hash FROM confirmation WHERE expires <= ? LIMIT ?)",
                )?
                .execute(params![now, SWEPT_AT_ONCE])?;
            transaction
                .prepare_cached("INSERT INTO confirmation VALUES (?, ?, ?, ?, ?)")?
                .execute(params![
                    token.hash(),
                    waiting.purpose,
                    waiting.account,
                    waiting.name,
                    expires
                ])?;
            Ok(())
        })?;
        Ok(token)
    }

    /// Uses up the token, and returns the account and the name of the pending action.
    fn take(
        &self,
        transaction: &Transaction<'_>,
        purpose: &'static str,
        token: &TokenHash,
        now: Millis,
    ) -> Result<(Option<i64>, String), Abort> {
        let taken = transaction
            .prepare_cached(
                "DELETE FROM confirmation
                 WHERE token_hash = ? AND purpose = ? AND expires > ? AND expires < ?
                 RETURNING account, coalesce(name, '')",
            )?
            .query_row(params![token, purpose, now, self.latest(now)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(taken.ok_or(UserError::InvalidToken)?)
    }

    /// Returns the latest time at which a token that is valid now can expire. One that expires
    /// later was created before the clock was set back.
    fn latest(&self, now: Millis) -> Millis {
        now.saturating_add(in_millis(self.options.confirm_within).saturating_mul(2))
    }
}
