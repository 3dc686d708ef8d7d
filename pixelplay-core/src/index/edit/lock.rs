//! A lock that allows one writer at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::progress::Cancelled;

/// The time between attempts while another writer holds the lock.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The exclusive right to change an index. Readers do not need it.
///
/// It is an operating-system lock on an empty file, so it is released when its owner ends, even if
/// it is killed. On Unix the file is removed with the lock. On other systems a removed file cannot
/// be distinguished from a locked one, so the file stays.
#[derive(Debug)]
pub(crate) struct WriterLock {
    /// Stays locked while it is open.
    file: File,
    path: PathBuf,
}

impl WriterLock {
    /// Waits for the lock. `waiting` is called from time to time; if it cancels, `None` is
    /// returned.
    pub(crate) fn take(
        path: PathBuf,
        mut waiting: impl FnMut() -> Result<(), Cancelled>,
    ) -> io::Result<Option<Self>> {
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) if is_linked(&file)? => return Ok(Some(Self { file, path })),
                // The owner removed the file after we opened it and before we locked it.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if waiting().is_err() {
                        return Ok(None);
                    }
                    sleep(LOOK_EVERY);
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        if cfg!(unix) {
            // Remove the file before unlocking it, while we still own it. If it remains, the next
            // writer reuses it.
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// Returns the lock file of an index that is a single file; links in `index` must be resolved. The
/// lock file is named after a hash of the index's name, which can have any length.
pub(crate) fn lock_of_file(index: &Path) -> PathBuf {
    let name = index.file_name().unwrap_or_default();
    let hash = blake3::hash(name.as_encoded_bytes()).to_hex();
    index.with_file_name(format!(".pixelplay-{}.lock", &hash[..16]))
}

/// Returns whether an open file still has a name in a folder.
pub(crate) fn is_linked(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    let linked = std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0;
    #[cfg(not(unix))]
    let linked = file.metadata().is_ok();
    Ok(linked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_owner_at_a_time_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let lock = WriterLock::take(path.clone(), || Ok(()));
                        assert!(matches!(lock, Ok(Some(_))));
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        turns.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(turns.into_inner(), 100);
        assert_eq!(path.exists(), cfg!(not(unix)));
    }

    #[test]
    fn whoever_waits_may_give_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let _held = WriterLock::take(path.clone(), || Ok(())).unwrap();
        let mut looks = 0;
        let refused = WriterLock::take(path, || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err(Cancelled) }
        });
        assert!(refused.unwrap().is_none());
        assert_eq!(looks, 3);
    }
}
