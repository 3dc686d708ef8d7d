//! The store itself: opening and checking it, and reading and writing for one account.

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
    /// Opens the store, creating it if needed. The file is readable by its owner only; an existing
    /// file's permissions are restricted.
    ///
    /// SQLite keeps two files next to it while it is open (`-wal`, `-shm`). To copy the store, use
    /// [`backup`](Self::backup): a copy of the file alone lacks the latest changes. Keep the file
    /// on a local disk: network file systems do not support the locks that SQLite needs. Do not
    /// open the file by other means in a process that has the store open: on Unix, closing it
    /// releases SQLite's locks.
    ///
    /// # Errors
    /// If the file cannot be opened or written, is not a user store, is damaged, has a newer
    /// schema, or is next to the log of another file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, UserError> {
        Self::open_with(path, UserStoreOptions::default())
    }

    /// Like [`open`](Self::open), with options.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`UserError::BadOptions`], and [`HashProblem::UnknownPepper`] if
    /// stored hashes need a pepper that is not in the options.
    pub fn open_with(path: impl AsRef<Path>, options: UserStoreOptions) -> Result<Self, UserError> {
        options.check()?;
        let storage = Storage::open(path.as_ref(), options.create)?;
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

    /// Reads and checks every page of the file, and checks that the tables are consistent. Takes
    /// about a second per gigabyte.
    ///
    /// # Errors
    /// [`UserError::Damaged`] with the first problem found, and if the file cannot be read.
    pub fn verify(&self) -> Result<(), UserError> {
        self.storage.verify()
    }

    pub(super) fn now(&self) -> Millis {
        self.options.clock.now()
    }

    /// Reads data of an account.
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

    /// Writes data of an account.
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

/// Returns the account with a name.
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
