//! Puts a file in its place in one step, so that nobody ever sees half of one.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::SongIndexError;

/// A file that is being written beside its final place. Dropped unfinished, it leaves nothing behind.
pub(crate) struct Draft {
    file: NamedTempFile,
    target: PathBuf,
}

impl Draft {
    pub(crate) fn create(target: &Path) -> Result<Self, SongIndexError> {
        if target.is_dir() {
            return Err(SongIndexError::Io {
                action: "write",
                path: target.to_owned(),
                source: io::ErrorKind::IsADirectory.into(),
            });
        }
        let mut builder = tempfile::Builder::new();
        // The dot and the ending keep it out of a folder of shards, should we be killed before it is removed.
        builder.prefix(".pixelplay-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the umask is taken off by the system.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder_of(target))
            .map_err(SongIndexError::io("write", target))?;
        Ok(Self {
            file,
            target: target.to_owned(),
        })
    }

    /// Makes the bytes durable, then moves them over whatever was there.
    pub(crate) fn publish(self) -> Result<(), SongIndexError> {
        let Self { file, target } = self;
        file.as_file()
            .sync_all()
            .map_err(SongIndexError::io("write", &target))?;
        file.persist(&target)
            .map_err(|error| SongIndexError::io("write", &target)(error.error))?;
        sync_folder(folder_of(&target)).map_err(SongIndexError::io("write", &target))
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

/// The rename itself must survive a power cut too; only Unix lets a folder be synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
