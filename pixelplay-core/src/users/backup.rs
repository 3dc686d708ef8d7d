//! Backups: copying the whole store to one file, and restoring it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use tempfile::{NamedTempFile, TempPath};

use super::database::{Abort, Storage, beside, connect, copy, error_of, verify};
use super::error::UserError;
use super::store::UserStore;
use crate::sqlite::patiently;

impl UserStore {
    /// Writes a backup of the store, as it is now, to a file that does not exist yet. Other threads
    /// and processes go on reading and writing.
    ///
    /// The backup is one file, readable by its owner only. It holds everything that was
    /// acknowledged before this call. It is verified and synced before it gets its name, so a file
    /// with this name is always a complete backup. It is a store like any other: it can be opened,
    /// or restored with [`restore`](Self::restore).
    ///
    /// # Errors
    /// [`UserError::Io`] if the file exists or cannot be written, [`UserError::Damaged`] if the
    /// store is damaged, and if it cannot be read.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<(), UserError> {
        let path = path.as_ref();
        refuse_existing(path, "write a backup to")?;
        let copied = new_file_beside(path, "write a backup to")?;
        let failed = |abort| error_of(abort, "write a backup to", path);
        let mut target = Connection::open(&copied).map_err(Abort::from).map_err(failed)?;
        self.storage.copy_to(&mut target)?;
        // The backup is a single file without a log of its own. Its new id shows that the log of
        // the store does not belong to it either.
        target
            .execute_batch(
                "PRAGMA journal_mode = DELETE; UPDATE secret SET file_id = randomblob(16);",
            )
            .map_err(Abort::from)
            .map_err(failed)?;
        drop(target);
        // Not opened like a store: that would turn WAL on and leave files next to the backup.
        let checked = open_to_read(&copied).map_err(Abort::from).map_err(failed)?;
        verify(&checked, path).map_err(failed)?;
        drop(checked);
        name(copied, path, "write a backup to")
    }

    /// Restores a backup to `path`, as a store that holds everything in the backup and nothing
    /// else. The backup may also be any other store file, of this version or an earlier one. It is
    /// verified first, and is not changed.
    ///
    /// An existing file is only overwritten with `replace`. A store is overwritten in one
    /// transaction: processes that have it open continue with the restored data, and a crash leaves
    /// either the old data or the new. A log that was left behind without its file, or next to a
    /// file that is not a store, is removed; no process may have such a file open.
    ///
    /// # Errors
    /// [`UserError::Io`] if `path` exists and `replace` is `false`, or if the backup does not
    /// exist; [`UserError::NotAUserStore`] or [`UserError::Damaged`] if the backup cannot be used,
    /// and if a file cannot be read or written. Nothing is changed then.
    pub fn restore(
        backup: impl AsRef<Path>,
        path: impl AsRef<Path>,
        replace: bool,
    ) -> Result<(), UserError> {
        const ACTION: &str = "restore a backup to";
        let (backup, path) = (backup.as_ref(), path.as_ref());
        let log = beside(path, "-wal");
        if !replace {
            refuse_existing(path, ACTION)?;
            refuse_existing(&log, ACTION)?;
        }
        let copied = new_file_beside(path, ACTION)?;
        let of_backup = |abort| error_of(abort, "read", backup);
        if let Err(source) = fs::metadata(backup) {
            return Err(UserError::Io { action: "read", path: backup.to_owned(), source });
        }
        let mut target = Connection::open(&copied).map_err(Abort::from).map_err(of_backup)?;
        patiently(|| Ok(copy(&open_to_read(backup)?, &mut target)?)).map_err(of_backup)?;
        drop(target);
        // Opened like any store: its kind is checked, and an earlier version is migrated.
        Storage::open(&copied, false)
            .and_then(|storage| storage.verify())
            .map_err(|error| about(error, backup))?;
        let failed = |abort| error_of(abort, ACTION, path);
        if path.exists()
            && let Ok(store) = connect(path)
        {
            return overwrite(&copied, store).map_err(failed);
        }
        if replace {
            for left in [&log, &beside(path, "-shm"), &beside(path, "-journal"), path] {
                remove(left, ACTION)?;
            }
        }
        name(copied, path, ACTION)
    }
}

/// Replaces the contents of a store. It keeps the ids by which its processes and its log recognise
/// it.
fn overwrite(copied: &Path, mut store: Connection) -> Result<(), Abort> {
    let ids = store
        .query_row("SELECT attempt_key, file_id FROM secret", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })
        .ok();
    let source = Connection::open(copied)?;
    if let Some((attempt_key, file_id)) = ids {
        source.execute(
            "UPDATE secret SET attempt_key = ?, file_id = coalesce(?, file_id)",
            params![attempt_key, file_id],
        )?;
    }
    patiently(|| Ok::<_, Abort>(copy(&source, &mut store)?))?;
    // Afterwards the file alone holds everything, unless another process is reading from the log.
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

fn refuse_existing(path: &Path, action: &'static str) -> Result<(), UserError> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let source = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(UserError::Io { action, path: path.to_owned(), source })
}

/// Creates an empty temporary file in the same folder as `path`, readable by its owner only. It is
/// removed when it is dropped, unless `name` renames it.
fn new_file_beside(path: &Path, action: &'static str) -> Result<TempPath, UserError> {
    let failed = |source| UserError::Io { action, path: path.to_owned(), source };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let folder = absolute.parent().unwrap_or(&absolute);
    Ok(NamedTempFile::new_in(folder).map_err(failed)?.into_temp_path())
}

/// Syncs a file and renames it to `path`, which must not exist.
fn name(copied: TempPath, path: &Path, action: &'static str) -> Result<(), UserError> {
    let failed = |source| UserError::Io { action, path: path.to_owned(), source };
    // Windows syncs only what may be written.
    File::options().write(true).open(&copied).and_then(|file| file.sync_all()).map_err(failed)?;
    copied.persist_noclobber(path).map_err(|error| failed(error.error))?;
    #[cfg(unix)]
    if let Some(folder) = std::path::absolute(path).map_err(failed)?.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(())
}

fn remove(path: &Path, action: &'static str) -> Result<(), UserError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(UserError::Io { action, path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Makes an error name the backup instead of its temporary copy.
fn about(error: UserError, backup: &Path) -> UserError {
    let path = backup.to_owned();
    match error {
        UserError::NotAUserStore { what, .. } => UserError::NotAUserStore { path, what },
        UserError::Damaged { what, .. } => UserError::Damaged { path, what },
        UserError::NewerSchema { found, supported, .. } => {
            UserError::NewerSchema { path, found, supported }
        }
        other => other,
    }
}
