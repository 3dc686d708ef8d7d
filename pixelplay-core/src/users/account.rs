//! Accounts: creating, importing, renaming and deleting them.

use std::time::SystemTime;

use rusqlite::{Transaction, params};

use super::clock::{Millis, time};
use super::database::Abort;
use super::error::UserError;
use super::name::UserName;
use super::password::{HashInput, Password, StoredHash};
use super::store::UserStore;

/// The public data of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The user name as it was registered.
    pub username: String,
    /// When it was registered.
    pub created: SystemTime,
}

impl UserStore {
    /// Creates an account.
    ///
    /// The name may be an email address. It is matched without regard to case, and no other account
    /// may have a name that looks the same. The password must be long enough and must not be easy
    /// to guess.
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::Password`], [`UserError::NameTaken`],
    /// [`UserError::NamesAreHidden`] (see [`hidden_names`](super::UserStoreOptions::hidden_names)),
    /// [`UserError::Overloaded`], and if the file cannot be written.
    pub fn register(&self, name: &str, password: &str) -> Result<(), UserError> {
        self.refuse_if_hidden("start_registration")?;
        let name = UserName::parse(name)?;
        let password = Password::new(password)?;
        let hash = self.hash_new(&password, &name)?;
        let now = self.now();
        self.storage.write("register", |transaction| insert(transaction, &name, &hash, now))
    }

    /// Creates an account with a password hash from another program: an Argon2 PHC string, or
    /// bcrypt as `$2a$`, `$2b$` or `$2y$`. The first log-in replaces the hash.
    ///
    /// While the store contains a hash that costs more than a current one, every failed log-in
    /// costs as much, so that timing does not reveal who has it.
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::Hash`], [`UserError::NameTaken`], and if the file cannot
    /// be written.
    pub fn import_account(&self, name: &str, hash: &str) -> Result<(), UserError> {
        let name = UserName::parse(name)?;
        let hash = StoredHash::parse(hash, HashInput::Typed)?;
        let now = self.now();
        self.storage
            .write("import an account", |transaction| insert(transaction, &name, &hash, now))
    }

    /// Returns the public data of an account.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn account(&self, name: &str) -> Result<Account, UserError> {
        self.read_for("look an account up", name, |reader, account| {
            let (username, created): (String, Millis) = reader
                .prepare_cached("SELECT name, created FROM account WHERE id = ?")?
                .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Account { username, created: time(created) })
        })
    }

    /// Renames an account. Its sessions stay valid.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::Name`], [`UserError::NameTaken`],
    /// [`UserError::NamesAreHidden`], and if the file cannot be written.
    pub fn rename(&self, name: &str, new: &str) -> Result<(), UserError> {
        self.refuse_if_hidden("start_rename")?;
        let new = UserName::parse(new)?;
        self.write_for("rename", name, |transaction, account| rename(transaction, account, &new))
    }

    /// Deletes an account and everything that belongs to it, including traces in unused parts of
    /// the file and in its log. To do so, the file is rewritten, which takes about a second per few
    /// hundred megabytes, and as much memory and disk space as the file.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written. If the account is deleted but
    /// traces of it may remain, the error is a [`UserError::Storage`] with the action
    /// `erase what was deleted`; the next deletion erases them too.
    pub fn delete_account(&self, name: &str) -> Result<(), UserError> {
        self.write_for("delete the account", name, |transaction, account| {
            let key: String = transaction.query_row(
                "DELETE FROM account WHERE id = ? RETURNING name_key",
                [account],
                |row| row.get(0),
            )?;
            self.throttle.forget(transaction, key.as_bytes())
        })?;
        self.storage.erase_deleted()?;
        // While another process reads from the log, the log stays. The next time it is emptied,
        // these traces are erased too.
        self.storage.empty_log()?;
        Ok(())
    }

    fn refuse_if_hidden(&self, instead: &'static str) -> Result<(), UserError> {
        if self.options.hidden_names { Err(UserError::NamesAreHidden { instead }) } else { Ok(()) }
    }
}

/// Inserts an account.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    name: &UserName,
    hash: &StoredHash,
    now: Millis,
) -> Result<(), Abort> {
    // Both unique columns are derived from the name.
    let added = transaction
        .prepare_cached(
            "INSERT INTO account (name, name_key, name_skeleton, hash, scheme, input, created)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            name.shown(),
            name.key(),
            name.skeleton(),
            hash.text(),
            hash.scheme().to_string(),
            hash.input().to_string(),
            now
        ])?;
    taken_if_none(added)
}

/// Changes the name of an account.
pub(super) fn rename(
    transaction: &Transaction<'_>,
    account: i64,
    new: &UserName,
) -> Result<(), Abort> {
    let renamed = transaction
        .prepare_cached(
            "UPDATE OR IGNORE account SET name = ?, name_key = ?, name_skeleton = ? WHERE id = ?",
        )?
        .execute(params![new.shown(), new.key(), new.skeleton(), account])?;
    taken_if_none(renamed)
}

fn taken_if_none(changed: usize) -> Result<(), Abort> {
    if changed == 0 { Err(UserError::NameTaken.into()) } else { Ok(()) }
}
