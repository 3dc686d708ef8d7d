//! The finished parts of an index that is being built.
//!
//! They are stored in a folder next to the future index: `songs.arrow.parts/000003-9f2c...arrow` is
//! the fourth batch, named after a hash of everything it depends on. A build that finds a part with
//! the name it needs reuses it. Nothing else has to be recorded about an interrupted build, and an
//! outdated part is never used. In the end, the parts are copied into the index one after another
//! and deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::catalog::CatalogError;
use crate::index::lock::WriterLock;
use crate::index::{self, SongIndex, SongIndexError};
use crate::progress::Progress;

/// Returns the folder in which [`build_index`](super::build_index) keeps the finished parts of an
/// index at `out`. It exists while a build is running, and after a build was interrupted. It may be
/// deleted; the next build then starts from the beginning.
#[must_use]
pub fn parts_folder(out: impl AsRef<Path>) -> PathBuf {
    let mut name = out.as_ref().as_os_str().to_owned();
    name.push(".parts");
    name.into()
}

pub(super) struct Parts {
    folder: PathBuf,
    /// The parts of this build, in order.
    files: Vec<PathBuf>,
    /// `None` once the lock has been released, which happens before the folder is removed.
    lock: Option<WriterLock>,
}

impl Parts {
    /// Opens the folder. Waits while another build of the same index is running.
    pub(super) fn open(out: &Path, progress: &mut dyn Progress) -> Result<Self, CatalogError> {
        let folder = parts_folder(out);
        let failed = |error| CatalogError::from(SongIndexError::io("write", &folder)(error));
        let lock = loop {
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(error));
                }
                _ => {}
            }
            let waiting = || progress.at("waiting for another build of the same index", 0, None);
            match WriterLock::take(folder.join(".lock"), waiting) {
                Ok(Some(lock)) => break Some(lock),
                Ok(None) => return Err(CatalogError::Cancelled),
                // The other build has finished and removed the folder.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::Unsupported => break None,
                Err(error) => return Err(failed(error)),
            }
        };
        Ok(Self { folder, files: Vec::new(), lock })
    }

    /// Returns the file of the next part, whose key is `key`.
    pub(super) fn next(&mut self, key: &str) -> PathBuf {
        let path = self.folder.join(format!("{:06}-{key}.arrow", self.files.len()));
        self.files.push(path.clone());
        path
    }

    /// Opens a part that an earlier build finished; returns `None` if it is missing or damaged.
    pub(super) fn finished(path: &Path, songs: usize) -> Option<SongIndex> {
        let index = SongIndex::open(path).ok()?;
        (index.len() == songs && index.verify().is_ok()).then_some(index)
    }

    /// Joins the parts into one index, and deletes them.
    pub(super) fn join(
        mut self,
        out: &Path,
        batch_rows: usize,
        songs: usize,
        progress: &mut dyn Progress,
    ) -> Result<(), CatalogError> {
        index::join(&self.files, out, batch_rows, songs, progress)?;
        self.delete();
        Ok(())
    }

    /// Deletes files created by builds, and nothing else. A file that cannot be deleted does no
    /// harm.
    fn delete(&mut self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(is_ours) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.lock = None;
        // This removes only an empty folder, not one with finished parts or other files.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Recognises `000003-0123456789abcdef0123456789abcdef.arrow`, and drafts left behind when a build
/// was killed.
fn is_ours(name: &str) -> bool {
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let part = name.strip_suffix(".arrow").and_then(|name| name.split_once('-'));
    let is_draft = name.starts_with(".pixelplay-") && name.ends_with(".tmp");
    is_draft || part.is_some_and(|(number, key)| digits(number, 6) && digits(key, 32))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn the_folder_goes_with_its_last_file_and_foreign_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("songs.arrow");
        let home = parts_folder(&out);
        let mut parts = Parts::open(&out, &mut ()).unwrap();
        let first = parts.next("0123456789abcdef0123456789abcdef");
        assert!(is_ours(first.file_name().unwrap().to_str().unwrap()));
        fs::write(&first, "x").unwrap();
        drop(parts);
        assert!(first.exists() && Parts::finished(&first, 1).is_none());
        fs::write(home.join("notes.arrow"), "mine").unwrap();
        let mut parts = Parts::open(&out, &mut ()).unwrap();
        parts.delete();
        drop(parts);
        assert!(!first.exists());
        assert_eq!(fs::read_to_string(home.join("notes.arrow")).unwrap(), "mine");
        fs::remove_file(home.join("notes.arrow")).unwrap();
        drop(Parts::open(&out, &mut ()).unwrap());
        assert!(!home.exists());
    }

    #[test]
    fn two_builds_of_one_index_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("songs.arrow");
        let first = Parts::open(&out, &mut ()).unwrap();
        let mut asked = 0;
        let stopped = Parts::open(&out, &mut |update: crate::progress::Update| {
            assert!(update.stage.starts_with("waiting"));
            asked += 1;
            if asked < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(stopped, Err(CatalogError::Cancelled)));
        drop(first);
        assert!(Parts::open(&out, &mut ()).is_ok());
    }
}
