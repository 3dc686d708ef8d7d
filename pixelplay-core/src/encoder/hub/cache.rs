//! The cache folder that all hub clients share.
//!
//! ```text
//! .locks/models--openai--clip-vit-base-patch32/<etag>.lock     one download of a blob at a time
//! models--openai--clip-vit-base-patch32/
//!   blobs/<etag>                             contents, named by their hash
//!   blobs/<etag>.incomplete                  the part downloaded so far
//!   refs/main                                the commit of a branch at the last request
//!   refs/refs/pr/66                          and a pull request
//!   snapshots/<commit>/config.json           -> ../../blobs/<etag>
//!   .no_exist/<commit>/processor_config.json the commit has no such file
//! ```
//!
//! A blob appears under its name only when it is complete and its hash is correct. A ref changes
//! only when the snapshot that it names is complete, or, if a pull request is used instead, the
//! snapshot of that pull request.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::HubError;
use super::name::{Commit, Etag, Repo, Revision};
use super::settings::Settings;

pub(super) struct Cache {
    repo: PathBuf,
    locks: PathBuf,
    symlinks: bool,
}

impl Cache {
    pub(super) fn new(settings: &Settings, repo: &Repo) -> Self {
        Self {
            repo: settings.cache.join(repo.folder()),
            locks: settings.cache.join(".locks").join(repo.folder()),
            symlinks: settings.symlinks,
        }
    }

    pub(super) fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.repo.join("snapshots").join(commit.as_str())
    }

    /// Returns the path of a file of a snapshot, if it exists.
    pub(super) fn file(&self, commit: &Commit, file: &str) -> Option<PathBuf> {
        Some(self.snapshot(commit).join(file)).filter(|path| path.is_file())
    }

    /// Returns the commit of a revision at the last request.
    pub(super) fn commit_of(&self, revision: &Revision) -> Option<Commit> {
        revision.as_commit().or_else(|| {
            let text = fs::read_to_string(self.ref_path(revision)).ok()?;
            Commit::parse(text.trim())
        })
    }

    /// Records the commit of a revision. If the cache cannot be written to, only this record is
    /// lost.
    pub(super) fn set_ref(&self, revision: &Revision, commit: &Commit) {
        let known =
            revision.as_commit().is_some() || self.commit_of(revision).as_ref() == Some(commit);
        if !known {
            let _ = write_whole(&self.ref_path(revision), commit.as_str().as_bytes());
        }
    }

    /// Returns all pull requests that were ever requested, newest first.
    pub(super) fn pull_requests(&self) -> Vec<Revision> {
        let Ok(entries) = fs::read_dir(self.repo.join("refs/refs/pr")) else {
            return Vec::new();
        };
        let mut numbers: Vec<u64> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers
            .into_iter()
            .filter_map(|number| Revision::parse(&format!("refs/pr/{number}")).ok())
            .collect()
    }

    fn ref_path(&self, revision: &Revision) -> PathBuf {
        self.repo.join("refs").join(revision.as_str())
    }

    pub(super) fn is_known_missing(&self, commit: &Commit, file: &str) -> bool {
        self.no_exist(commit, file).is_file()
    }

    pub(super) fn set_missing(&self, commit: &Commit, file: &str) {
        let _ = write_whole(&self.no_exist(commit, file), b"");
    }

    fn no_exist(&self, commit: &Commit, file: &str) -> PathBuf {
        self.repo.join(".no_exist").join(commit.as_str()).join(file)
    }

    pub(super) fn blob(&self, etag: &Etag) -> PathBuf {
        self.repo.join("blobs").join(etag.as_str())
    }

    pub(super) fn partial(&self, etag: &Etag) -> PathBuf {
        self.repo.join("blobs").join(format!("{}.incomplete", etag.as_str()))
    }

    /// Waits until no other process is downloading the same content, and calls `wait` in the
    /// meantime.
    ///
    /// The lock only avoids duplicate work. On a file system without locks the download runs
    /// without one, and the hash is still checked before publishing.
    pub(super) fn lock(
        &self,
        etag: &Etag,
        mut wait: impl FnMut() -> Result<(), HubError>,
    ) -> Result<File, HubError> {
        let path = self.locks.join(format!("{}.lock", etag.as_str()));
        create_dir(&self.locks)?;
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(HubError::write(&path))?;
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => wait()?,
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
            }
        }
    }

    /// Creates the folders that `blob`, `partial` and `link` need.
    pub(super) fn create_dirs(&self, commit: &Commit) -> Result<(), HubError> {
        create_dir(&self.repo.join("blobs"))?;
        create_dir(&self.snapshot(commit))
    }

    /// Adds a complete blob to the snapshot: as a link, or, where links are not available, by
    /// moving a new blob or copying one that another snapshot may use.
    pub(super) fn link(
        &self,
        etag: &Etag,
        commit: &Commit,
        file: &str,
        blob_is_new: bool,
    ) -> Result<PathBuf, HubError> {
        let pointer = self.snapshot(commit).join(file);
        self.try_link(etag, &pointer, blob_is_new).map_err(HubError::write(&pointer))?;
        Ok(pointer)
    }

    fn try_link(&self, etag: &Etag, pointer: &Path, blob_is_new: bool) -> io::Result<()> {
        if self.symlinks {
            // A relative link, so that the whole cache can be moved.
            let target = Path::new("../../blobs").join(etag.as_str());
            match symlink(&target, pointer) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if pointer.is_file() {
                        return Ok(());
                    }
                    // A dangling link: its blob was removed.
                    fs::remove_file(pointer)?;
                    return symlink(&target, pointer);
                }
                // Windows without the permission to create links, or a file system without links.
                Err(_) => {}
            }
        }
        let blob = self.blob(etag);
        if blob_is_new {
            return fs::rename(blob, pointer);
        }
        let copy = pointer.with_extension(format!("{}.tmp", std::process::id()));
        fs::copy(blob, &copy)?;
        fs::rename(copy, pointer)
    }
}

pub(super) fn create_dir(path: &Path) -> Result<(), HubError> {
    fs::create_dir_all(path).map_err(HubError::write(path))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The mode of any file that the user's programs create; the system applies the umask.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const OTHER: &str = "76543210fedcba9876543210fedcba9876543210";

    fn cache(symlinks: bool) -> (tempfile::TempDir, Cache, Etag) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache {
            repo: folder.path().join("models--a--b"),
            locks: folder.path().join(".locks/models--a--b"),
            symlinks,
        };
        (folder, cache, Etag::parse(COMMIT).unwrap())
    }

    #[test]
    fn a_file_lies_in_its_snapshot_with_and_without_links() {
        for symlinks in [true, false] {
            let (_folder, cache, etag) = cache(symlinks);
            for (at, commit) in [COMMIT, OTHER].into_iter().enumerate() {
                let commit = Commit::parse(commit).unwrap();
                cache.create_dirs(&commit).unwrap();
                let is_new = !cache.blob(&etag).exists();
                if is_new {
                    fs::write(cache.blob(&etag), "content").unwrap();
                }
                assert_eq!(is_new, at == 0 || !symlinks);
                assert_eq!(cache.file(&commit, "config.json"), None);
                cache.link(&etag, &commit, "config.json", is_new).unwrap();
                let pointer = cache.file(&commit, "config.json").unwrap();
                assert_eq!(fs::read_to_string(&pointer).unwrap(), "content");
                assert_eq!(pointer.is_symlink(), symlinks);
            }
        }
    }

    #[test]
    fn an_old_blob_is_copied_where_there_are_no_links() {
        let (_folder, cache, etag) = cache(false);
        let commit = Commit::parse(COMMIT).unwrap();
        cache.create_dirs(&commit).unwrap();
        fs::write(cache.blob(&etag), "content").unwrap();
        cache.link(&etag, &commit, "config.json", false).unwrap();
        assert!(cache.blob(&etag).is_file() && cache.file(&commit, "config.json").is_some());
        assert_eq!(fs::read_dir(cache.snapshot(&commit)).unwrap().count(), 1);
    }

    #[test]
    fn a_dangling_link_is_replaced() {
        let (_folder, cache, etag) = cache(true);
        let commit = Commit::parse(COMMIT).unwrap();
        cache.create_dirs(&commit).unwrap();
        let pointer = cache.snapshot(&commit).join("config.json");
        symlink(Path::new("../../blobs/gone"), &pointer).unwrap();
        assert_eq!(cache.file(&commit, "config.json"), None);
        fs::write(cache.blob(&etag), "content").unwrap();
        cache.link(&etag, &commit, "config.json", true).unwrap();
        assert_eq!(fs::read_to_string(pointer).unwrap(), "content");
    }

    #[test]
    fn refs_hold_a_commit_or_nothing() {
        let (_folder, cache, _) = cache(true);
        let (commit, other) = (Commit::parse(COMMIT).unwrap(), Commit::parse(OTHER).unwrap());
        for name in ["main", "refs/pr/1"] {
            let revision = Revision::parse(name).unwrap();
            assert_eq!(cache.commit_of(&revision), None);
            cache.set_ref(&revision, &commit);
            assert_eq!(cache.commit_of(&revision), Some(commit.clone()));
            cache.set_ref(&revision, &other);
            assert_eq!(cache.commit_of(&revision), Some(other.clone()));
        }
        for damaged in ["", "../../../etc", "abc"] {
            fs::write(cache.repo.join("refs/main"), damaged).unwrap();
            assert_eq!(cache.commit_of(&Revision::parse("main").unwrap()), None);
        }
        let itself = Revision::parse(COMMIT).unwrap();
        cache.set_ref(&itself, &commit);
        assert!(!cache.ref_path(&itself).exists());
        assert_eq!(cache.commit_of(&itself), Some(commit));
    }
}
