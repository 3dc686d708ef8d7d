//! Puts a file in place atomically, so that readers never see a partial file.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::lock::{WriterLock, is_linked, lock_of_file};
use crate::index::error::SongIndexError;

/// The prefix and suffix of the names of unfinished files. Because of the dot and the extension,
/// they are not mistaken for shards of a folder.
const DRAFT_PREFIX: &str = ".pixelplay-";
const DRAFT_SUFFIX: &str = ".tmp";

/// A file that is being written next to its final path. If it is dropped unfinished, it is removed.
pub(crate) struct Draft {
    file: NamedTempFile,
    /// The path as the caller gave it.
    target: PathBuf,
    /// The same path with symbolic links resolved, so that a link is followed and not replaced.
    real: PathBuf,
    /// The folder of `real`, on Unix.
    folder: Option<File>,
}

impl Draft {
    pub(crate) fn create(target: &Path) -> Result<Self, SongIndexError> {
        Self::begin(target).map_err(SongIndexError::io("write", target))
    }

    fn begin(target: &Path) -> io::Result<Self> {
        let old = existing(target)?;
        let real = match old {
            Some(_) => fs::canonicalize(target)?,
            None => target.to_owned(),
        };
        sweep(folder_of(&real));
        let file = temporary(folder_of(&real), old.as_ref())?;
        #[cfg(unix)]
        if old.is_some() {
            // Set the mode again, because the system applies the umask to the mode of a new file.
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(mode(old.as_ref())))?;
        }
        // Open the folder before replacing the old file: a failure after that could not be undone.
        let folder = cfg!(unix).then(|| File::open(folder_of(&real))).transpose()?;
        Ok(Self { file, target: target.to_owned(), real, folder })
    }

    /// Syncs the bytes to disk, then renames the file over the old one.
    pub(crate) fn publish(self) -> Result<(), SongIndexError> {
        let Self { file, target, real, folder } = self;
        file.as_file().sync_all().map_err(SongIndexError::io("write", &target))?;
        file.persist(&real).map_err(|error| SongIndexError::io("write", &target)(error.error))?;
        match folder {
            Some(folder) => accept_unsupported(folder.sync_all())
                .map_err(SongIndexError::io("make durable", &target)),
            None => Ok(()),
        }
    }

    /// Like [`publish`](Self::publish), but waits until no editor is changing the file, so that no
    /// edit is based on the old contents.
    pub(crate) fn publish_alone(self) -> Result<(), SongIndexError> {
        self.publish_alone_if(|_| Ok(()))
    }

    /// Like [`publish_alone`](Self::publish_alone), but only if `check` succeeds under the lock.
    /// `check` gets the path with links resolved.
    pub(crate) fn publish_alone_if(
        self,
        check: impl FnOnce(&Path) -> Result<(), SongIndexError>,
    ) -> Result<(), SongIndexError> {
        let lock = WriterLock::take(lock_of_file(&self.real), || Ok(()));
        let _lock = match lock {
            // A file system without locks can still replace a file atomically.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            lock => lock.map_err(SongIndexError::io("write", &self.target))?,
        };
        check(&self.real)?;
        self.publish()
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Creates a temporary file that stays locked while it is open. The lock tells [`sweep`] that the
/// writer is alive.
fn temporary(folder: &Path, old: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(DRAFT_PREFIX).suffix(DRAFT_SUFFIX);
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode(old));
    #[cfg(not(unix))]
    let _ = old;
    loop {
        // We open the file ourselves, so that an error does not show the user an unfamiliar file
        // name.
        let file = builder.make_in(folder, |path| options.open(path))?;
        // On other systems a lock would keep readers out of the finished file.
        if cfg!(not(unix)) || is_ours(file.as_file()) {
            return Ok(file);
        }
    }
}

/// Locks a new file. Returns `false` if another process has just swept it away.
fn is_ours(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => is_linked(file).unwrap_or(true),
        Err(fs::TryLockError::WouldBlock) => false,
        // If locks are unsupported, other processes do not sweep either.
        Err(fs::TryLockError::Error(_)) => true,
    }
}

/// Removes the files that killed writers left: unlocked files with names like ours.
///
/// Skips files that cannot be removed. They only take up space.
fn sweep(folder: &Path) {
    if cfg!(not(unix)) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_draft = name.starts_with(DRAFT_PREFIX.as_bytes())
            && name.ends_with(DRAFT_SUFFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_draft
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the metadata of the target, following links; only a regular file may be replaced.
fn existing(target: &Path) -> io::Result<Option<Metadata>> {
    match fs::metadata(target) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, pipe or socket and would be replaced by a file; choose another path",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if !folder_of(target).exists() => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no folder {}; create it first", folder_of(target).display()),
        )),
        Err(_) if fs::symlink_metadata(target).is_ok() => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "it is a symbolic link to a file that does not exist; create that file or remove the link",
        )),
        Err(_) => Ok(None),
    }
}

/// Returns the mode of the file to be replaced, or the default for new files, to which the system
/// applies the umask.
#[cfg(unix)]
fn mode(old: Option<&Metadata>) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    old.map_or(0o666, |old| old.permissions().mode() & 0o777)
}

/// The rename must also survive a power cut, but some file systems cannot sync a folder and report
/// that as an error.
fn accept_unsupported(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_what_a_dead_writer_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let alive = Draft::create(&path("songs.arrow")).unwrap();
        let alive_name = alive.file.path().to_owned();
        fs::write(path(".pixelplay-dead.tmp"), b"half").unwrap();
        for other in [".pixelplay-x.lock", "pixelplay-x.tmp", ".other.tmp"] {
            fs::write(path(other), b"").unwrap();
        }
        fs::create_dir(path(".pixelplay-folder.tmp")).unwrap();
        std::os::unix::fs::symlink(path(".other.tmp"), path(".pixelplay-link.tmp")).unwrap();
        drop(Draft::create(&path("other.arrow")).unwrap());
        assert!(alive_name.exists());
        assert!(!path(".pixelplay-dead.tmp").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
        drop(alive);
        assert!(!alive_name.exists());
    }

    #[cfg(unix)]
    #[test]
    fn sweepers_and_new_drafts_do_not_hurt_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    for turn in 0..100 {
                        let name = format!("{writer} {turn}.arrow");
                        let mut draft = Draft::create(&folder.join(name)).unwrap();
                        draft.write_all(b"all of it").unwrap();
                        draft.publish_alone().unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 400);
    }

    #[test]
    fn only_a_folder_that_cannot_be_synced_is_passed_over() {
        for kind in [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported] {
            assert!(accept_unsupported(Err(kind.into())).is_ok());
        }
        assert!(accept_unsupported(Ok(())).is_ok());
        let full = accept_unsupported(Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
