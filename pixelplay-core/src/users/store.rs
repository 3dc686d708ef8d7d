//! The store itself: opened, checked, and read and written for one account.

use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::clock::Millis;
use super::database::{Abort, Storage};
use super::error::UserError;
use super::name::UserName;
use super::options::UserStoreOptions;
use super::password::{HashInput, HashProblem, HashSlots};
use super::throttle::{AccountLocks, Throttle};

/// Accounts, sessions and taste in one SQLite file.
///
/// It is shared by reference between threads; see [the module](super) for an example.
pub struct UserStore {
    pub(super) storage: Storage,
    pub(super) options: UserStoreOptions,
    pub(super) throttle: Throttle,
    pub(super) slots: HashSlots,
    pub(super) account_locks: AccountLocks,
}

impl UserStore {
    /// Opens a store, or makes it; a new file can be read by its owner only, and an existing one is
    /// closed to others.
    ///
    /// SQLite keeps two files beside it while it is open (`-wal`, `-shm`); whoever copies the file
    /// must take the first along, or close the store before. Keep it on a local disk: network file
    /// systems do not lock as SQLite needs. And do not open the file by other means in a process
    /// that has it open: on Unix, closing it drops SQLite's locks.
    ///
    /// # Errors
    /// If the file cannot be opened or written, is none of ours, is damaged, or has a newer schema.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, UserError> {
        Self::open_with(path, UserStoreOptions::default())
    }

    /// [`open`](Self::open) with options.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`HashProblem::UnknownPepper`] if stored hashes hold a pepper
    /// that is not in the options.
    pub fn open_with(path: impl AsRef<Path>, options: UserStoreOptions) -> Result<Self, UserError> {
        let storage = Storage::open(path.as_ref())?;
        let attempt_key = storage.read("open", |reader| {
            let mut kinds = reader.prepare("SELECT DISTINCT input FROM hash_kind")?;
            let mut inputs = kinds.query([])?;
            while let Some(row) = inputs.next()? {
                let input = row.get::<_, String>(0)?.parse().map_err(UserError::Hash)?;
                if let HashInput::Peppered { pepper: id } = input
                    && options.peppers.find(&id).is_none()
                {
                    return Err(UserError::Hash(HashProblem::UnknownPepper { id }).into());
                }
            }
            Ok(reader.query_row("SELECT attempt_key FROM secret", [], |row| row.get(0))?)
        })?;
        Ok(Self {
            storage,
            throttle: Throttle::new(options.throttle.clone(), attempt_key),
            slots: HashSlots::new(options.concurrent_hashes.get()),
            account_locks: AccountLocks::default(),
            options,
        })
    }

    /// Reads every page of the file and checks it, and that all belongs together. Takes a second
    /// per gigabyte or so.
    ///
    /// # Errors
    /// [`UserError::Damaged`] with what was found first, and if the file cannot be read.
    pub fn verify(&self) -> Result<(), UserError> {
        self.storage.verify()
    }

    pub(super) fn now(&self) -> Millis {
        self.options.clock.now()
    }

    /// Reads something of an account.
    pub(super) fn read_for<T>(
        &self,
        action: &'static str,
        name: &str,
        mut run: impl FnMut(&Connection, i64) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let name = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        self.storage.read(action, |reader| {
            let account = account_of(reader, &name)?.ok_or(UserError::UnknownUser)?;
            run(reader, account)
        })
    }

    /// Writes something of an account.
    pub(super) fn write_for<T>(
        &self,
        action: &'static str,
        name: &str,
        mut run: impl FnMut(&Transaction<'_>, i64) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let name = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        self.storage.write(action, |transaction| {
            let account = account_of(transaction, &name)?.ok_or(UserError::UnknownUser)?;
            run(transaction, account)
        })
    }
}

/// The account of a name.
pub(super) fn account_of(reader: &Connection, name: &UserName) -> rusqlite::Result<Option<i64>> {
    reader
        .prepare_cached("SELECT id FROM account WHERE name_key = ?")?
        .query_row([name.key()], |row| row.get(0))
        .optional()
}

impl fmt::Debug for UserStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserStore").field("path", &self.storage.path()).finish_non_exhaustive()
    }
}
