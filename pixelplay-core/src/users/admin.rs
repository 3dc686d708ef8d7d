//! Functions for the operator of a store: listing, unlocking and disabling accounts.

use std::time::{Duration, SystemTime};

use rusqlite::{Row, params};

use super::clock::{Millis, in_millis, time};
use super::error::UserError;
use super::name::UserName;
use super::password::Password;
use super::session::{end_all, set_hash};
use super::store::UserStore;
use super::throttle::{Attempted, Counted};

/// The data of an account, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The user name as it was registered.
    pub username: String,
    /// When it was registered.
    pub created: SystemTime,
    /// When it was disabled; `None` if it is not disabled.
    pub disabled: Option<SystemTime>,
    /// The id by which another service knows the person; see [`UserStore::register_external`].
    pub external_id: Option<String>,
    /// The kind of its password hash and what it costs, such as `argon2id:19:19456:2:1` or
    /// `bcrypt:12`; `None` if it has no password.
    pub hash_kind: Option<String>,
}

const COLUMNS: &str = "name, created, disabled, external_id, nullif(scheme, 'none')";

impl Account {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            username: row.get(0)?,
            created: time(row.get(1)?),
            disabled: row.get::<_, Option<Millis>>(2)?.map(time),
            external_id: row.get(3)?,
            hash_kind: row.get(4)?,
        })
    }
}

impl UserStore {
    /// Returns the data of an account, without its secrets.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn account(&self, name: &str) -> Result<Account, UserError> {
        self.read_for("look up an account", name, |reader, account| {
            Ok(reader
                .prepare_cached(&format!("SELECT {COLUMNS} FROM account WHERE id = ?"))?
                .query_row([account], Account::read)?)
        })
    }

    /// Returns accounts in the order of their names, at most `limit` of them: those after the name
    /// `after`, or the first ones.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn accounts(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, UserError> {
        let after = match after {
            Some(name) => UserName::parse(name)?.key().to_owned(),
            None => String::new(),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.storage.read("list accounts", |reader| {
            let sql = format!(
                "SELECT {COLUMNS} FROM account WHERE name_key > ? ORDER BY name_key LIMIT ?"
            );
            let accounts: rusqlite::Result<Vec<Account>> = reader
                .prepare_cached(&sql)?
                .query_map(params![after, limit], Account::read)?
                .collect();
            Ok(accounts?)
        })
    }

    /// Returns how long a log-in with this name has to wait if it comes from a client that the
    /// account does not know; zero if it does not have to wait.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn log_in_wait(&self, name: &str) -> Result<Duration, UserError> {
        let now = self.now();
        let key = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        let counted = Counted::Account(Attempted::LogIn, key.key().as_bytes());
        self.read_for("look up attempts", name, |reader, _| {
            self.throttle.wait_of(reader, counted, now)
        })
    }

    /// Forgets all failed attempts for an account: its next log-in does not have to wait.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn unlock(&self, name: &str) -> Result<(), UserError> {
        let key = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        self.write_for("unlock the account", name, |transaction, _| {
            self.throttle.forget(transaction, key.key().as_bytes())
        })
    }

    /// Disables an account: its sessions end, its single-use tokens become invalid, and nobody can
    /// log in. Its data is kept. Returns `false` if it was already disabled.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn disable(&self, name: &str) -> Result<bool, UserError> {
        let now = self.now();
        self.write_for("disable the account", name, |transaction, account| {
            let disabled = transaction.execute(
                "UPDATE account SET disabled = ? WHERE id = ? AND disabled IS NULL",
                [now, account],
            )?;
            end_all(transaction, account)?;
            Ok(disabled > 0)
        })
    }

    /// Enables a disabled account again. Returns `false` if it was not disabled.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn enable(&self, name: &str) -> Result<bool, UserError> {
        self.write_for("enable the account", name, |transaction, account| {
            let enabled = transaction.execute(
                "UPDATE account SET disabled = NULL WHERE id = ? AND disabled IS NOT NULL",
                [account],
            )?;
            Ok(enabled > 0)
        })
    }

    /// Sets the password of an account, without the old one. All sessions end, single-use tokens
    /// become invalid, and failed attempts are forgotten.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::Password`], [`UserError::Overloaded`], and if the
    /// file cannot be written.
    pub fn set_password(&self, name: &str, new: &str) -> Result<(), UserError> {
        self.account(name)?;
        let user = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        let hash = self.hash_new(&Password::new(new)?, &user)?;
        self.write_for("set the password", name, |transaction, account| {
            set_hash(transaction, account, &hash)?;
            end_all(transaction, account)?;
            self.throttle.forget(transaction, user.key().as_bytes())
        })
    }

    /// Removes the password hashes of accounts that were imported longer ago than this and have not
    /// logged in since. These accounts keep their data, but need a new password from
    /// [`start_password_reset`](Self::start_password_reset) or
    /// [`set_password`](Self::set_password). Returns the number of these accounts.
    ///
    /// As long as one account has an expensive imported hash, every log-in to any account costs as
    /// much. So call this some months after an import.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn expire_imported_hashes(&self, older_than: Duration) -> Result<usize, UserError> {
        let before = self.now().saturating_sub(in_millis(older_than));
        self.storage.write("expire hashes", |transaction| {
            // Only hashes from other programs were made from passwords as typed.
            Ok(transaction.execute(
                "UPDATE account SET hash = '', scheme = 'none', input = 'normalised'
                 WHERE input = 'typed' AND created <= ?",
                [before],
            )?)
        })
    }
}
