//! The SQLite file: opening, checking, reading and writing. The only file that opens a connection.
//!
//! Acknowledged means on the disk: WAL with `synchronous=FULL` syncs the log before a commit returns. Readers never wait for
//! the writer. In this process one connection writes at a time; between processes SQLite's lock decides, and waiting for it
//! is done here, so that no caller sees "database is locked" before [`PATIENCE`] is over.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::UserError;

/// "Pixp", SQLite's `application_id` of a user store.
const APPLICATION_ID: i64 = 0x5069_7870;

/// What leads from each version of the schema to the next; version 0 is an empty file.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// How long to wait for the lock of another process.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often to ask for it. SQLite's own waiting asks ever more seldom, up to 0.1 s: then a process of many writers, which
/// hands the lock on among its threads within microseconds, keeps it from any other for seconds.
const POLL: Duration = Duration::from_micros(500);

/// How often SQLite itself asks, before `patiently` begins anew: some seconds.
const POLLS: i32 = 10_000;

/// Readers that are kept open for the next ones.
const SPARE_READERS: usize = 16;

/// An open user store file.
pub(super) struct Storage {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// Why a transaction is rolled back.
pub(super) enum Abort {
    Sqlite(rusqlite::Error),
    Refused(UserError),
}

impl From<rusqlite::Error> for Abort {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<UserError> for Abort {
    fn from(error: UserError) -> Self {
        Self::Refused(error)
    }
}

impl Storage {
    /// Opens a file, or makes it, for its owner alone.
    pub(super) fn open(path: &Path) -> Result<Self, UserError> {
        let io = |action, source| UserError::Io {
            action,
            path: path.to_owned(),
            source,
        };
        // Absolute, as SQLite takes a path that begins with `file:` for a URI.
        let absolute = std::path::absolute(path).map_err(|source| io("open", source))?;
        if absolute.is_dir() {
            return Err(io("open", io::ErrorKind::IsADirectory.into()));
        }
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                UserError::ReadOnly {
                    path: path.to_owned(),
                }
            }
            _ => io("open", source),
        };
        create_private(&absolute).map_err(refused)?;
        let opening = |abort| settle(abort, "open", path);
        let mut writer = patiently(|| connect(&absolute)).map_err(opening)?;
        // Not before it is known to be ours.
        #[cfg(unix)]
        close_to_others(&absolute).map_err(refused)?;
        patiently(|| migrate(&mut writer, path, &MIGRATIONS)).map_err(opening)?;
        patiently(|| check_schema(&writer, path)).map_err(opening)?;
        Ok(Self {
            path: absolute,
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads from one state of the file, whatever is written meanwhile.
    pub(super) fn read<T>(
        &self,
        action: &'static str,
        mut run: impl FnMut(&Connection) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let spare = locked(&self.readers).pop();
        let settled = |abort| settle(abort, action, &self.path);
        let reader = match spare {
            Some(reader) => reader,
            None => patiently(|| connect(&self.path)).map_err(settled)?,
        };
        let answer = patiently(|| {
            let transaction = reader.unchecked_transaction()?;
            let value = run(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        // After a failure of SQLite the next reader had better be a new one.
        if !matches!(answer, Err(Abort::Sqlite(_))) {
            let mut readers = locked(&self.readers);
            if readers.len() < SPARE_READERS {
                readers.push(reader);
            }
        }
        answer.map_err(settled)
    }

    /// Writes all or nothing; on the disk when it returns.
    pub(super) fn write<T>(
        &self,
        action: &'static str,
        mut run: impl FnMut(&Transaction<'_>) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let mut writer = locked(&self.writer);
        patiently(|| {
            // Immediate: a transaction that first reads and then cannot get the lock to write would have to begin again.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = run(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .map_err(|abort| settle(abort, action, &self.path))
    }

    /// Writes the file anew, without what is deleted. `secure_delete` overwrites that where it was last, but where pages were
    /// split or merged it leaves copies in their unused parts.
    pub(super) fn erase_deleted(&self) -> Result<(), UserError> {
        let writer = locked(&self.writer);
        let action = "erase what was deleted";
        patiently(|| Ok(writer.execute_batch("VACUUM")?)).map_err(|abort| match abort {
            // "Nothing was changed" would be wrong.
            Abort::Sqlite(error) if !is_busy(&error) => UserError::Storage {
                action,
                path: self.path.clone(),
                source: Box::new(error),
            },
            other => settle(other, action, &self.path),
        })
    }

    /// Moves the log into the file and empties it, so that nothing deleted is left in it; `false` while somebody reads
    /// from the log.
    pub(super) fn empty_log(&self) -> Result<bool, UserError> {
        let writer = locked(&self.writer);
        let busy: Result<i64, rusqlite::Error> =
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        match busy {
            Ok(busy) => Ok(busy == 0),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(settle(error.into(), "empty the log", &self.path)),
        }
    }

    /// Reads every page and checks it.
    pub(super) fn verify(&self) -> Result<(), UserError> {
        let damaged = |what| UserError::Damaged {
            path: self.path.clone(),
            what,
        };
        self.read("verify", |reader| {
            let found: String =
                reader.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(damaged(found).into());
            }
            let mut dangling = reader.prepare("PRAGMA foreign_key_check")?;
            if dangling.query([])?.next()?.is_some() {
                return Err(damaged("a row belongs to no account".into()).into());
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
                return Err(damaged("its kinds of hashes are miscounted".into()).into());
            }
            Ok(())
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // After a panic the connection is as good as before: its transaction was rolled back.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file if it is not there. Nobody but its owner may read it, nor the files that SQLite makes beside it, which
/// take over its mode.
///
/// A file that is there is never opened here: on Unix, closing any handle of a file drops the locks that this process has
/// on it, also those of another store that is open ("How To Corrupt An SQLite Database File", section 2.2).
fn create_private(path: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = locked(&ONE_AT_A_TIME);
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => {
            file.sync_all()?;
            #[cfg(unix)]
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        }
        // It is there, unless it is a link to nowhere.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::metadata(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

/// The file that SQLite names by a suffix.
#[cfg(unix)]
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A copy, or a file of an older umask, may be open to others; so may what lies beside it.
#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    // SQLite makes its files beside the one that a link leads to.
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

/// A connection with every safeguard on. A file of another program is left as it is.
fn connect(path: &Path) -> Result<Connection, Abort> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // SQLite opens what it may not write for reading.
    if connection.is_readonly("main")? {
        return Err(Abort::Refused(UserError::ReadOnly {
            path: path.to_owned(),
        }));
    }
    connection.busy_handler(Some(|tries| {
        sleep(POLL);
        tries < POLLS
    }))?;
    // The log of another program is not even moved into its file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let (id, tables): (i64, i64) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if id != APPLICATION_ID && (id != 0 || tables != 0) {
        return Err(Abort::Refused(UserError::NotAUserStore {
            path: path.to_owned(),
            what: "it is an SQLite file of another program",
        }));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    // A file from elsewhere may hold what runs when it is read; nothing of that is trusted.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Abort::Refused(UserError::NotAUserStore {
            path: path.to_owned(),
            what: "its file system cannot share memory, which SQLite's log needs; keep it on a local disk",
        }));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;",
    )?;
    Ok(connection)
}

/// Brings the schema to the newest version, in one step.
fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Abort> {
    let version = |connection: &Connection| {
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
    };
    let newest = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if version(connection)? == newest {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another process may have been faster.
    let found = version(&transaction)?;
    if found > newest {
        return Err(Abort::Refused(UserError::NewerSchema {
            path: path.to_owned(),
            found,
            supported: newest,
        }));
    }
    let done = usize::try_from(found).map_err(|_| UserError::Damaged {
        path: path.to_owned(),
        what: format!("its schema has version {found}"),
    })?;
    for migration in &migrations[done..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

/// Compares the schema with a new one, word by word: a trigger or a view that was slipped in would run with our rights.
fn check_schema(connection: &Connection, path: &Path) -> Result<(), Abort> {
    let mut fresh = Connection::open_in_memory()?;
    migrate(&mut fresh, path, &MIGRATIONS)?;
    if schema_of(connection)? == schema_of(&fresh)? {
        return Ok(());
    }
    Err(Abort::Refused(UserError::Damaged {
        path: path.to_owned(),
        what: "its tables are not those of a user store".into(),
    }))
}

fn schema_of(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    // SQLite's own, like `sqlite_sequence`, come and go as it sees fit.
    connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Tries again while another process holds the lock. SQLite waits by itself, but not everywhere: while a file turns to WAL,
/// or its log is recovered after a crash, it gives up at once.
fn patiently<T>(mut run: impl FnMut() -> Result<T, Abort>) -> Result<T, Abort> {
    let start = Instant::now();
    loop {
        match run() {
            Err(Abort::Sqlite(error)) if is_busy(&error) && start.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(10));
            }
            answer => return answer,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

fn settle(abort: Abort, action: &'static str, path: &Path) -> UserError {
    let error = match abort {
        Abort::Refused(error) => return error,
        Abort::Sqlite(error) => error,
    };
    let path = path.to_owned();
    match error.sqlite_error_code() {
        _ if is_busy(&error) => UserError::Busy {
            path,
            waited: PATIENCE,
        },
        Some(ErrorCode::DiskFull) => UserError::DiskFull { path },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            UserError::ReadOnly { path }
        }
        Some(ErrorCode::NotADatabase) => UserError::NotAUserStore {
            path,
            what: "it is no SQLite file, or its beginning is damaged",
        },
        Some(ErrorCode::DatabaseCorrupt) => UserError::Damaged {
            path,
            what: error.to_string(),
        },
        _ => UserError::Storage {
            action,
            path,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connection of the store is set to.
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

    /// No test can cut the power: `synchronous=2` (FULL) is what makes SQLite sync the log before a commit returns.
    #[test]
    fn what_is_acknowledged_is_synced_and_what_is_deleted_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&folder.path().join("users.db")).unwrap();
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
        let storage = Storage::open(&folder.path().join("users.db")).unwrap();
        let attempts = || {
            storage.read("count", |reader| {
                Ok(reader.query_row("SELECT count(*) FROM attempt", [], |row| {
                    row.get::<_, i64>(0)
                })?)
            })
        };
        let write = |panics: bool| {
            storage.write("write", |transaction| {
                transaction.execute("INSERT INTO attempt VALUES (x'00', 1, 1, 1)", [])?;
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
