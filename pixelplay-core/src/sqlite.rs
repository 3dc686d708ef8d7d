//! Opens our SQLite files: recognises them, migrates them to the newest schema, and turns on every
//! safeguard.
//!
//! Acknowledged changes are on disk: WAL with `synchronous=FULL` syncs the log before a commit
//! returns. SQLite's lock coordinates processes. This module waits for the lock, so callers get
//! "database is locked" only after [`PATIENCE`].

#[cfg(unix)]
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// How long to wait for the lock of another process.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The interval between attempts to take the lock. SQLite's own busy handler backs off to 0.1 s. A
/// process with many writers passes the lock between its threads within microseconds, and would
/// then keep it from other processes for seconds.
const POLL: Duration = Duration::from_micros(500);

/// The number of attempts within SQLite, which take a few seconds, before `patiently` tries again.
const POLLS: i32 = 10_000;

/// A kind of SQLite file: how it is identified, and how its tables are created.
pub(crate) struct FileKind {
    /// SQLite's `application_id`.
    pub(crate) application_id: i64,
    /// The statements that migrate each version of the schema to the next. Version 0 is an empty
    /// file.
    pub(crate) migrations: &'static [&'static str],
    /// Converts what SQL alone cannot, in the transaction of the migration. Takes the version that
    /// the file had.
    pub(crate) convert: fn(&Connection, i64) -> rusqlite::Result<()>,
    /// The name with its article, for messages.
    pub(crate) is_called: &'static str,
}

/// Why a transaction is rolled back.
pub(crate) enum Abort<E> {
    Sqlite(rusqlite::Error),
    Refused(E),
}

impl<E> From<rusqlite::Error> for Abort<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl<E> Abort<E> {
    pub(crate) fn map_refused<F>(self, map: impl FnOnce(E) -> F) -> Abort<F> {
        match self {
            Self::Sqlite(error) => Abort::Sqlite(error),
            Self::Refused(refused) => Abort::Refused(map(refused)),
        }
    }
}

/// Why a file is not opened.
pub(crate) enum Refusal {
    ReadOnly,
    /// It is not one of our files. The text says what it is instead.
    Foreign(&'static str),
    /// It has a newer schema than this version of PixelPlay supports.
    Newer {
        found: i64,
        supported: i64,
    },
    Damaged(String),
}

/// Creates the file if it does not exist, readable by its owner only. The files that SQLite creates
/// next to it inherit its mode.
///
/// An existing file is never opened here: on Unix, closing any handle to a file releases the locks
/// that this process has on it, including those of another open store ("How To Corrupt An SQLite
/// Database File", section 2.2).
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
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
        // The file exists, unless it is a dangling link.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::metadata(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

impl FileKind {
    /// Opens a connection with all safeguards turned on. Does not change other programs' files.
    pub(crate) fn connect(&self, path: &Path) -> Result<Connection, Abort<Refusal>> {
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        // If SQLite is not allowed to write to a file, it opens it read-only.
        if connection.is_readonly("main")? {
            return Err(Abort::Refused(Refusal::ReadOnly));
        }
        connection.busy_handler(Some(|tries| {
            sleep(POLL);
            tries < POLLS
        }))?;
        // Do not even checkpoint the log of another program's file.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let (id, tables, pages): (i64, i64, i64) = connection.query_row(
            "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema),
                    (SELECT page_count FROM pragma_page_count)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let foreign = |what| Err(Abort::Refused(Refusal::Foreign(what)));
        if id != self.application_id {
            match (id, tables, pages) {
                // Migrated before it has a log, so that a copy of the file alone always has the
                // tables.
                (0, 0, 0) => self.migrate(&mut connection)?,
                (0, 0, _) => {
                    return foreign(
                        "it has no tables, like a copy that was made without its log (-wal); copy that file as well",
                    );
                }
                // `sqlite3 .dump` writes the tables, but neither the id nor the version.
                (0, ..) if self.has_newest_schema(&connection)? => self.stamp(&connection)?,
                _ => return foreign("it is an SQLite file from another program"),
            }
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        // A file from an unknown source may contain SQL code that runs when the file is read, so
        // nothing in it is trusted.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(Abort::Refused(Refusal::Foreign(
                "its file system cannot share memory, which SQLite's log needs; keep it on a local disk",
            )));
        }
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;
             PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA wal_autocheckpoint = 250;",
        )?;
        Ok(connection)
    }

    /// Migrates the schema to the newest version, in one transaction.
    pub(crate) fn migrate(&self, connection: &mut Connection) -> Result<(), Abort<Refusal>> {
        let version = |connection: &Connection| {
            connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        };
        let newest = self.newest();
        if version(connection)? == newest {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Checked again under the lock: another process may have been faster.
        let found = version(&transaction)?;
        if found > newest {
            return Err(Abort::Refused(Refusal::Newer { found, supported: newest }));
        }
        let done = usize::try_from(found).map_err(|_| {
            Abort::Refused(Refusal::Damaged(format!("its schema has version {found}")))
        })?;
        for migration in &self.migrations[done..] {
            transaction.execute_batch(migration)?;
        }
        (self.convert)(&transaction, found)?;
        self.stamp(&transaction)?;
        transaction.commit()?;
        Ok(())
    }

    fn newest(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    fn stamp(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "application_id", self.application_id)?;
        connection.pragma_update(None, "user_version", self.newest())
    }

    /// Compares the schema with a fresh one, word by word: a trigger or view smuggled in would run
    /// with our rights.
    pub(crate) fn check_schema(&self, connection: &Connection) -> Result<(), Abort<Refusal>> {
        if self.has_newest_schema(connection)? {
            return Ok(());
        }
        Err(Abort::Refused(Refusal::Damaged(format!(
            "its tables are not those of {}",
            self.is_called
        ))))
    }

    fn has_newest_schema(&self, connection: &Connection) -> Result<bool, Abort<Refusal>> {
        let mut fresh = Connection::open_in_memory()?;
        self.migrate(&mut fresh)?;
        Ok(schema_of(connection)? == schema_of(&fresh)?)
    }
}

/// The tables that Litestream adds to every file it replicates, word by word. We never touch them.
const OF_LITESTREAM: [&str; 2] = [
    "CREATE TABLE _litestream_lock (id INTEGER)",
    "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)",
];

fn schema_of(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    // SQLite creates and drops its own tables, like `sqlite_sequence`, as needed.
    connection
        .prepare(
            "SELECT name, sql FROM sqlite_schema
             WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql NOT IN (?, ?) ORDER BY name",
        )?
        .query_map(OF_LITESTREAM, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Tries again while another process holds the lock. SQLite also waits, but not always: while a
/// file is being converted to WAL, or its log is being recovered after a crash, it gives up at
/// once.
pub(crate) fn patiently<T, E>(mut run: impl FnMut() -> Result<T, Abort<E>>) -> Result<T, Abort<E>> {
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

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}
