//! The SQLite file: opening, checking, reading and writing. Only this file opens connections.
//!
//! Readers never wait for the writer. Within this process, one connection writes at a time;
//! [`sqlite`] describes what applies between processes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::error::UserError;
use super::foreign_log::refuse_log_of_another;
use super::name::UserName;
use crate::sqlite::{self, FileKind, PATIENCE, Refusal, create_private, is_busy, patiently};

const USER_STORE: FileKind = FileKind {
    // "Pixp"
    application_id: 0x5069_7870,
    migrations: &[include_str!("schema.sql"), include_str!("schema_2.sql")],
    convert,
    is_called: "a user store",
};

/// Recomputes the skeletons of email addresses: since version 2, fewer characters count as looking
/// alike in them than in other names.
fn convert(connection: &Connection, from: i64) -> rusqlite::Result<()> {
    if from != 1 {
        return Ok(());
    }
    let mut addresses =
        connection.prepare("SELECT id, name FROM account WHERE instr(name_key, '@') > 0")?;
    let addresses: Vec<(i64, String)> = addresses
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, name) in addresses {
        // A name that the current rules reject keeps its skeleton.
        if let Ok(name) = UserName::parse(&name) {
            connection
                .prepare_cached("UPDATE OR IGNORE account SET name_skeleton = ? WHERE id = ?")?
                .execute(rusqlite::params![name.skeleton(), id])?;
        }
    }
    Ok(())
}

/// The number of idle readers that are kept open for reuse.
const SPARE_READERS: usize = 16;

/// An open user store file.
pub(super) struct Storage {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// Why a transaction is rolled back.
pub(super) type Abort = sqlite::Abort<UserError>;

impl From<UserError> for Abort {
    fn from(error: UserError) -> Self {
        Self::Refused(error)
    }
}

impl Storage {
    /// Opens the file, readable by its owner only, and creates it first if `create` is set.
    pub(super) fn open(path: &Path, create: bool) -> Result<Self, UserError> {
        let io = |action, source| UserError::Io { action, path: path.to_owned(), source };
        // Absolute, since SQLite treats a path that begins with `file:` as a URI.
        let absolute = std::path::absolute(path).map_err(|source| io("open", source))?;
        if absolute.is_dir() {
            return Err(io("open", io::ErrorKind::IsADirectory.into()));
        }
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                UserError::ReadOnly { path: path.to_owned() }
            }
            _ => io("open", source),
        };
        if create {
            create_private(&absolute).map_err(refused)?;
        } else {
            std::fs::metadata(&absolute).map_err(refused)?;
        }
        let opening = |abort| error_of(abort, "open", path);
        let mut writer = connect(&absolute).map_err(opening)?;
        // Permissions are restricted only once the file is known to be ours.
        #[cfg(unix)]
        close_to_others(&absolute).map_err(refused)?;
        patiently(|| refuse_log_of_another(&absolute, &writer)).map_err(opening)?;
        patiently(|| USER_STORE.migrate(&mut writer))
            .map_err(|abort| opening(refused_as(abort, path)))?;
        patiently(|| USER_STORE.check_schema(&writer))
            .map_err(|abort| opening(refused_as(abort, path)))?;
        Ok(Self { path: absolute, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a consistent snapshot of the file, whatever is written in the meantime.
    pub(super) fn read<T>(
        &self,
        action: &'static str,
        mut run: impl FnMut(&Connection) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let spare = locked(&self.readers).pop();
        let fails = |abort| error_of(abort, action, &self.path);
        let reader = match spare {
            Some(reader) => reader,
            None => connect(&self.path).map_err(fails)?,
        };
        let answer = patiently(|| {
            let transaction = reader.unchecked_transaction()?;
            let value = run(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        // After an SQLite error the connection is not reused.
        if !matches!(answer, Err(Abort::Sqlite(_))) {
            let mut readers = locked(&self.readers);
            if readers.len() < SPARE_READERS {
                readers.push(reader);
            }
        }
        answer.map_err(fails)
    }

    /// Writes everything or nothing. On success the data is on disk.
    pub(super) fn write<T>(
        &self,
        action: &'static str,
        mut run: impl FnMut(&Transaction<'_>) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let mut writer = locked(&self.writer);
        patiently(|| {
            // Immediate: a transaction that reads first and then fails to get the write lock would
            // have to start over.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before = transaction.total_changes();
            let value = run(&transaction)?;
            if transaction.total_changes() > before {
                // So every log holds the row that says which file it belongs to.
                transaction
                    .prepare_cached("UPDATE secret SET commits = commits + 1")?
                    .execute([])?;
            }
            transaction.commit()?;
            Ok(value)
        })
        .map_err(|abort| error_of(abort, action, &self.path))
    }

    /// Rewrites the file without deleted data. `secure_delete` overwrites deleted data where it was
    /// last stored, but splitting or merging pages can leave copies in their unused parts.
    pub(super) fn erase_deleted(&self) -> Result<(), UserError> {
        let writer = locked(&self.writer);
        let action = "erase what was deleted";
        patiently(|| Ok(writer.execute_batch("VACUUM")?)).map_err(|abort| match abort {
            // "Nothing was changed" would be wrong.
            Abort::Sqlite(error) if !is_busy(&error) => {
                UserError::Storage { action, path: self.path.clone(), source: Box::new(error) }
            }
            other => error_of(other, action, &self.path),
        })
    }

    /// Moves the log into the file and empties it, so that no deleted data is left in it. Returns
    /// `false` while another connection is reading from the log.
    pub(super) fn empty_log(&self) -> Result<bool, UserError> {
        let writer = locked(&self.writer);
        let busy: Result<i64, rusqlite::Error> =
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        match busy {
            Ok(busy) => Ok(busy == 0),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(error_of(error.into(), "empty the log", &self.path)),
        }
    }

    /// Reads and checks every page.
    pub(super) fn verify(&self) -> Result<(), UserError> {
        self.read("verify", |reader| verify(reader, &self.path))
    }

    /// Copies a consistent snapshot of the file into another database, whatever is written in the
    /// meantime.
    pub(super) fn copy_to(&self, target: &mut Connection) -> Result<(), UserError> {
        self.read("copy", |reader| Ok(copy(reader, target)?))
    }
}

/// Reads and checks every page.
pub(super) fn verify(reader: &Connection, path: &Path) -> Result<(), Abort> {
    let damaged = |what| Err(UserError::Damaged { path: path.to_owned(), what }.into());
    let found: String = reader.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return damaged(found);
    }
    let mut dangling = reader.prepare("PRAGMA foreign_key_check")?;
    if dangling.query([])?.next()?.is_some() {
        return damaged("a row belongs to no account".into());
    }
    let miscounted: bool = reader.query_row(
        "SELECT EXISTS (
            SELECT scheme, input, count(*) FROM account GROUP BY scheme, input
            EXCEPT SELECT scheme, input, accounts FROM hash_kind
        ) OR (SELECT coalesce(sum(accounts), 0) FROM hash_kind) <> (SELECT count(*) FROM account)",
        [],
        |row| row.get(0),
    )?;
    if miscounted {
        return damaged("its counts of hash kinds are wrong".into());
    }
    Ok(())
}

/// Copies a whole database over another one, in one transaction on each side.
pub(super) fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    match backup.step(-1)? {
        StepResult::Done => Ok(()),
        // The callers try again.
        _ => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            None,
        )),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // After a panic the connection is still usable: its transaction was rolled back.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the path of the file that SQLite names by adding a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Restricts the permissions: a copied file, or one created with another umask, may be readable by
/// others, and so may the files next to it.
#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    // SQLite creates its files next to the link's target.
    let path = std::fs::canonicalize(path)?;
    for suffix in ["", "-wal", "-shm"] {
        let path = beside(&path, suffix);
        let mode = match std::fs::metadata(&path) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode & 0o700))?;
        }
    }
    Ok(())
}

pub(super) fn connect(path: &Path) -> Result<Connection, Abort> {
    patiently(|| USER_STORE.connect(path)).map_err(|abort| refused_as(abort, path))
}

fn refused_as(abort: sqlite::Abort<Refusal>, path: &Path) -> Abort {
    let path = path.to_owned();
    abort.map_refused(|refusal| match refusal {
        Refusal::ReadOnly => UserError::ReadOnly { path },
        Refusal::Foreign(what) => UserError::NotAUserStore { path, what },
        Refusal::Newer { found, supported } => UserError::NewerSchema { path, found, supported },
        Refusal::Damaged(what) => UserError::Damaged { path, what },
    })
}

pub(super) fn error_of(abort: Abort, action: &'static str, path: &Path) -> UserError {
    let error = match abort {
        Abort::Refused(error) => return error,
        Abort::Sqlite(error) => error,
    };
    let path = path.to_owned();
    match error.sqlite_error_code() {
        _ if is_busy(&error) => UserError::Busy { path, waited: PATIENCE },
        Some(ErrorCode::DiskFull) => UserError::DiskFull { path },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            UserError::ReadOnly { path }
        }
        Some(ErrorCode::NotADatabase) => UserError::NotAUserStore {
            path,
            what: "it is not an SQLite file, or its beginning is damaged",
        },
        Some(ErrorCode::DatabaseCorrupt) => UserError::Damaged { path, what: error.to_string() },
        _ => UserError::Storage { action, path, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::config::DbConfig;

    use super::*;

    /// Returns the settings of a connection of the store.
    fn settings(connection: &Connection) -> Vec<(&'static str, String)> {
        [
            "journal_mode",
            "synchronous",
            "foreign_keys",
            "secure_delete",
            "cell_size_check",
            "mmap_size",
            "locking_mode",
        ]
        .map(|pragma| {
            let value = connection.query_row(&format!("PRAGMA {pragma}"), [], |row| {
                row.get::<_, rusqlite::types::Value>(0)
            });
            let text = match value.unwrap() {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => panic!("{pragma}: {other:?}"),
            };
            (pragma, text)
        })
        .into()
    }

    /// No test can cut the power: `synchronous=2` (FULL) is what makes SQLite sync the log before a
    /// commit returns.
    #[test]
    fn what_is_acknowledged_is_synced_and_what_is_deleted_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&folder.path().join("users.db"), true).unwrap();
        let expected = [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("secure_delete", "1"),
            ("cell_size_check", "1"),
            ("mmap_size", "0"),
            ("locking_mode", "normal"),
        ]
        .map(|(pragma, value)| (pragma, value.to_owned()));
        assert_eq!(settings(&locked(&storage.writer)), expected);
        storage
            .read("look", |reader| {
                assert_eq!(settings(reader), expected);
                for (config, on) in [
                    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
                    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
                    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
                    (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false),
                ] {
                    assert_eq!(reader.db_config(config)?, on, "{config:?}");
                }
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_panic_in_a_transaction_rolls_it_back_and_shuts_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&folder.path().join("users.db"), true).unwrap();
        let attempts = || {
            storage.read("count", |reader| {
                Ok(reader
                    .query_row("SELECT count(*) FROM attempt", [], |row| row.get::<_, i64>(0))?)
            })
        };
        let write = |panics: bool| {
            storage.write("write", |transaction| {
                transaction.execute("INSERT INTO attempt VALUES (x'00', 1, 1)", [])?;
                assert!(!panics, "a bug in a transaction");
                Ok(())
            })
        };
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| write(true)));
        assert!(panicked.is_err());
        assert_eq!(attempts().unwrap(), 0);
        write(false).unwrap();
        assert_eq!(attempts().unwrap(), 1);
    }
}
