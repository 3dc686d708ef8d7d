//! Accounts: creating, importing, renaming and deleting them.

use rusqlite::{Transaction, params};

use super::clock::Millis;
use super::database::Abort;
use super::error::UserError;
use super::name::UserName;
use super::options::Client;
use super::password::{HashInput, Password, StoredHash};
use super::store::UserStore;
use super::throttle::{Attempted, Counted};

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
        self.register_from(name, password, &Client::default())
    }

    /// Like [`register`](Self::register), with information about the client. Registrations are
    /// counted per source, whether or not the name is free.
    ///
    /// # Errors
    /// As [`register`](Self::register), and [`UserError::Throttled`] after too many from one
    /// source.
    pub fn register_from(
        &self,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<(), UserError> {
        self.refuse_if_hidden("start_registration")?;
        let name = UserName::parse(name)?;
        let password = Password::new(password)?;
        if let Some(source) = client.source {
            let counted = [Counted::Source(Attempted::Registration, source)];
            self.storage.write("count a registration", |transaction| {
                self.throttle.begin(transaction, &counted, self.now())
            })?;
        }
        let hash = self.hash_new(&password, &name)?;
        let now = self.now();
        self.storage.write("register", |transaction| {
            insert(transaction, &name, &NewAccount::with(&hash, now))
        })
    }

    /// Creates an account with a password hash from another program. The first log-in replaces the
    /// hash.
    ///
    /// | kind | form |
    /// |---|---|
    /// | Argon2 | `$argon2id$v=19$...` (PHC string); Django's `argon2$argon2id$...` |
    /// | bcrypt | `$2a$`, `$2b$`, `$2y$`; Django's `bcrypt$...` and `bcrypt_sha256$...` |
    /// | PBKDF2 | Django's `pbkdf2_sha256$...`, werkzeug's `pbkdf2:sha256:...`, passlib's `$pbkdf2-sha256$...`; also with SHA-1 and SHA-512 |
    /// | scrypt | werkzeug's `scrypt:...`, Django's `scrypt$...`, passlib's `$scrypt$...` |
    ///
    /// While the store contains a hash that costs more than a current one, every log-in costs as
    /// much, right or wrong, so that timing does not reveal who has it. See
    /// [`expire_imported_hashes`](Self::expire_imported_hashes).
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::Hash`], [`UserError::NameTaken`], and if the file cannot
    /// be written.
    pub fn import_account(&self, name: &str, hash: &str) -> Result<(), UserError> {
        let name = UserName::parse(name)?;
        let hash = StoredHash::parse(hash, HashInput::Typed)?;
        let now = self.now();
        self.storage.write("import an account", |transaction| {
            insert(transaction, &name, &NewAccount::with(&hash, now))
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

/// The initial data of an account, except its name.
pub(super) struct NewAccount<'a> {
    /// `None` for an account without a password.
    pub(super) hash: Option<&'a StoredHash>,
    pub(super) external_id: Option<&'a str>,
    pub(super) created: Millis,
}

impl<'a> NewAccount<'a> {
    pub(super) fn with(hash: &'a StoredHash, created: Millis) -> Self {
        Self { hash: Some(hash), external_id: None, created }
    }
}

/// Inserts an account.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    name: &UserName,
    new: &NewAccount<'_>,
) -> Result<(), Abort> {
    let text = |of: fn(&StoredHash) -> String, none: &str| new.hash.map_or(none.to_owned(), of);
    // All unique columns except the external id are derived from the name.
    let added = transaction
        .prepare_cached(
            "INSERT INTO account (name, name_key, name_skeleton, hash, scheme, input, external_id, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            name.shown(),
            name.key(),
            name.skeleton(),
            text(|hash| hash.text().to_owned(), ""),
            text(|hash| hash.scheme().to_string(), "none"),
            text(|hash| hash.input().to_string(), "normalised"),
            new.external_id,
            new.created
        ])?;
    if added == 0
        && let Some(external_id) = new.external_id
    {
        let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE external_id = ?)";
        if transaction.query_row(sql, [external_id], |row| row.get(0))? {
            return Err(UserError::ExternalIdTaken.into());
        }
    }
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
