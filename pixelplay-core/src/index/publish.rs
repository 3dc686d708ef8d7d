//! Puts a file in its place in one step, so that nobody ever sees half of one.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::SongIndexError;

/// A file that is being written beside its final place. Dropped unfinished, it leaves nothing behind.
pub(crate) struct Draft {
    file: NamedTempFile,
    /// As it was asked for.
    target: PathBuf,
    /// The same file without symbolic links on the way to it, so that a link is followed and not replaced.
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
        let mut builder = tempfile::Builder::new();
        // The dot and the ending keep it out of a folder of shards, should we be killed before it is removed.
        builder.prefix(".pixelplay-").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(permissions(old.as_ref()));
        let file = builder.tempfile_in(folder_of(&real))?;
        #[cfg(unix)]
        if old.is_some() {
            // Again, because the system takes the umask off the mode of a file that it creates.
            file.as_file().set_permissions(permissions(old.as_ref()))?;
        }
        // Opened before the old file is replaced: afterwards it is too late to fail.
        let folder = cfg!(unix)
            .then(|| File::open(folder_of(&real)))
            .transpose()?;
        Ok(Self {
            file,
            target: target.to_owned(),
            real,
            folder,
        })
    }

    /// Makes the bytes durable, then moves them over whatever was there.
    pub(crate) fn publish(self) -> Result<(), SongIndexError> {
        let Self {
            file,
            target,
            real,
            folder,
        } = self;
        file.as_file()
            .sync_all()
            .map_err(SongIndexError::io("write", &target))?;
        file.persist(&real)
            .map_err(|error| SongIndexError::io("write", &target)(error.error))?;
        match folder {
            Some(folder) => accept_unsupported(folder.sync_all())
                .map_err(SongIndexError::io("make durable", &target)),
            None => Ok(()),
        }
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What is at the target, or behind a link there; only a regular file may be replaced.
fn existing(target: &Path) -> io::Result<Option<Metadata>> {
    match fs::metadata(target) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, pipe or socket, which would be replaced by a file; choose another path",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if fs::symlink_metadata(target).is_ok() => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "it is a symbolic link to a file that does not exist; create that file or remove the link",
        )),
        Err(_) => Ok(None),
    }
}

/// Those of the file that is replaced, or those of any new file, from which the system takes the umask off.
#[cfg(unix)]
fn permissions(old: Option<&Metadata>) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(old.map_or(0o666, |old| old.permissions().mode() & 0o777))
}

/// The rename must survive a power cut too, but not every file system can sync a folder, and those that cannot say so.
fn accept_unsupported(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
