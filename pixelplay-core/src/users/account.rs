//! Accounts: made, brought in from elsewhere, renamed, erased.

use std::time::SystemTime;

use rusqlite::{Transaction, params};

use super::clock::{Millis, time};
use super::database::Abort;
use super::error::UserError;
use super::name::UserName;
use super::password::{HashInput, Password, StoredHash};
use super::store::UserStore;

/// An account, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The user name, as it was registered.
    pub username: String,
    /// When it was registered.
    pub created: SystemTime,
}

impl UserStore {
    /// Makes an account.
    ///
    /// The name may be a mail address; it is found whatever the case of its letters, and no other
    /// account may have a name that looks the same. The password must be long enough, and not one
    /// that is tried first.
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

    /// Makes an account with a hash from elsewhere: a PHC string of Argon2, or bcrypt as `$2a$`,
    /// `$2b$` or `$2y$`. The first log-in replaces it.
    ///
    /// While a hash is in the store that costs more than a current one, every failed log-in costs as
    /// much, so that time does not tell who has one.
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

    /// What may be shown of an account.
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

    /// Gives an account another name. Its sessions go on.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::Name`], [`UserError::NameTaken`],
    /// [`UserError::NamesAreHidden`], and if the file cannot be written.
    pub fn rename(&self, name: &str, new: &str) -> Result<(), UserError> {
        self.refuse_if_hidden("start_rename")?;
        let new = UserName::parse(new)?;
        self.write_for("rename", name, |transaction, account| rename(transaction, account, &new))
    }

    /// Erases an account and all that belongs to it, also from the free parts of the file and from
    /// its log. For that the file is written anew, which takes a second for some hundred megabytes,
    /// and as much memory and room on the disk.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written. If the account is gone but
    /// traces of it may be left, that is a [`UserError::Storage`] with the action
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
        // While another process reads from the log, it stays; whoever empties it next erases this
        // with it.
        self.storage.empty_log()?;
        Ok(())
    }

    fn refuse_if_hidden(&self, instead: &'static str) -> Result<(), UserError> {
        if self.options.hidden_names { Err(UserError::NamesAreHidden { instead }) } else { Ok(()) }
    }
}

/// Adds a row.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    name: &UserName,
    hash: &StoredHash,
    now: Millis,
) -> Result<(), Abort> {
    // Both unique columns are of the name.
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

/// Changes the name of a row.
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
