//! Edits an existing index: adds songs, removes songs, merges its files.
//!
//! | index | add | remove | compact |
//! |---|---|---|---|
//! | a file | rewritten, with the songs appended | rewritten, without the songs | rewritten |
//! | a folder | one new shard; shards that lose a replaced song are rewritten | shards that lose a song are rewritten | one new shard with all songs |
//!
//! A file is replaced atomically, as the writer does it. Copying a large file takes time; a folder
//! of files avoids that, and [`manifest`] explains how several of its files change atomically.
//!
//! | | |
//! |---|---|
//! | this file | the editor |
//! | `copy` | copying all or some rows into a new file, with or without changes |
//! | `cells` | cells to change while copying |
//! | `folder`, `manifest` | moving a folder from one state to the next, and how a state is recorded |
//! | `shards` | finding and opening the files of an index, even while it is being edited |
//! | `lock`, `publish` | one writer at a time, and atomic replacement of a file |

#[cfg_attr(not(feature = "enrich"), allow(dead_code, reason = "only enriching changes cells"))]
mod cells;
mod copy;
mod folder;
pub(crate) mod lock;
pub(super) mod manifest;
pub(crate) mod publish;
mod shards;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

#[cfg(feature = "enrich")]
pub(crate) use self::cells::Changes;
#[cfg(all(feature = "catalog", feature = "encoder"))]
pub(crate) use self::copy::join;
pub(super) use self::shards::open as open_segments;

use self::copy::{Part, RowCopier};
use self::folder::{ShardPlan, changed_shards, write_folder};
use self::lock::{WriterLock, lock_of_file};
use self::manifest::Manifest;
use super::error::SongIndexError;
use super::file::{self, Load, MAX_COLUMNS, describe};
use super::hubness::QueryBank;
use super::id_table::MAX_ROWS;
use super::{SongIndex, WriterOptions};
use crate::embedding::same_space;
use crate::progress::Progress;

/// The maximum number of ids that an error names.
const MAX_NAMED: usize = 5;

/// Options of [`SongIndexEditor`].
#[derive(Debug, Clone)]
pub struct EditOptions {
    /// Whether an added song replaces one with the same id. Otherwise such songs are an error.
    pub replace: bool,
    /// Whether to ignore ids to remove that no song has. Otherwise they are an error.
    pub ignore_missing: bool,
    /// [`WriterOptions::batch_rows`] of rewritten files.
    pub batch_rows: usize,
}

impl Default for EditOptions {
    /// Known and missing ids are errors; batches have the writer's default size.
    fn default() -> Self {
        Self { replace: false, ignore_missing: false, batch_rows: WriterOptions::new(1).batch_rows }
    }
}

/// The result of an edit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EditReport {
    /// Songs added with a new id.
    pub added: usize,
    /// Songs added in place of one with the same id.
    pub replaced: usize,
    /// Songs removed.
    pub removed: usize,
    /// Ids to remove that were not in the index.
    pub missing: usize,
    /// Songs in the index now.
    pub songs: usize,
}

impl fmt::Display for EditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.added, "added"),
            (self.replaced, "replaced"),
            (self.removed, "removed"),
            (self.missing, "not found"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{count} {what}, ")?;
        }
        write!(f, "{} songs in the index", self.songs)
    }
}

/// Changes an index with one call of [`add`](Self::add), [`remove`](Self::remove),
/// [`compact`](Self::compact) or [`correct_hubness`](Self::correct_hubness).
///
/// Readers in any process see either the old or the new index, whenever they open it and even if
/// the editor is killed. An open index does not change. While an editor exists, other editors of
/// the same index wait, and so does a [`SongIndexWriter`](super::SongIndexWriter) that is about to
/// replace it: do not finish a writer while holding an editor of the same file.
///
/// Songs keep their order, and added songs come last. If only one side has a column, it is empty
/// for the songs of the other side. All columns of song data are kept, including those that
/// PixelPlay does not know; of the helper columns (`_pp_*`), only those that PixelPlay writes are
/// kept.
///
/// ```
/// use pixelplay_core::index::{EditOptions, SongIndex, SongIndexEditor, SongIndexWriter, WriterOptions};
/// use pixelplay_core::{Song, SongId};
///
/// # let folder = tempfile::tempdir()?;
/// # let (path, more) = (folder.path().join("songs.arrow"), folder.path().join("more.arrow"));
/// for (path, ids) in [(&path, ["a", "b"]), (&more, ["c", "d"])] {
///     let mut writer = SongIndexWriter::create(path, WriterOptions::new(2))?;
///     for id in ids {
///         writer.push(&Song::new(SongId::new(id).unwrap()), &[0.6, 0.8])?;
///     }
///     writer.finish()?;
/// }
///
/// let editor = SongIndexEditor::open(&path, EditOptions::default(), &mut ())?;
/// let report = editor.add(&SongIndex::open(&more)?, &mut ())?;
/// assert_eq!((report.added, report.songs), (2, 4));
/// SongIndexEditor::open(&path, EditOptions::default(), &mut ())?.remove(["b"], &mut ())?;
/// assert_eq!(SongIndex::open(&path)?.ids().collect::<Vec<_>>(), ["a", "c", "d"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "an editor does nothing until one of its methods is called"]
pub struct SongIndexEditor {
    options: EditOptions,
    index: SongIndex,
    location: Location,
    /// Released last.
    _lock: WriterLock,
}

/// The path of the index, with links resolved.
#[derive(Debug)]
enum Location {
    File(PathBuf),
    Folder(PathBuf, Manifest),
}

impl SongIndexEditor {
    /// Waits until no other writer is changing the index, a file or a folder, and reads it into
    /// memory.
    ///
    /// # Errors
    /// The same as for [`SongIndex::open`]; also if the folder is not writable or its file system
    /// does not support locks, and [`SongIndexError::Cancelled`] if cancelled while waiting.
    pub fn open(
        path: impl AsRef<Path>,
        options: EditOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, SongIndexError> {
        Self::open_with(path.as_ref(), options, &file::read, progress)
    }

    /// Like [`open`](Self::open), but without reading the index into memory: an edit then holds
    /// about one batch of it. On Windows a mapped file cannot be replaced, so only folders can be
    /// edited this way.
    ///
    /// # Safety
    /// The same as for [`SongIndex::open_mmap`], until the edit is done.
    ///
    /// # Errors
    /// The same as for [`open`](Self::open).
    #[expect(unsafe_code, reason = "the caller's obligations are part of the signature")]
    pub unsafe fn open_mmap(
        path: impl AsRef<Path>,
        options: EditOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, SongIndexError> {
        // SAFETY: our caller upholds the contract of `map`.
        let map: Load<'_> = &|file| unsafe { file::map(file) };
        Self::open_with(path.as_ref(), options, map, progress)
    }

    fn open_with(
        path: &Path,
        options: EditOptions,
        load: Load<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Self, SongIndexError> {
        if options.batch_rows == 0 {
            return Err(SongIndexError::BadOptions { what: "batches of 0 rows".to_owned() });
        }
        let real = fs::canonicalize(path).map_err(SongIndexError::io("open", path))?;
        let is_folder = real.is_dir();
        let lock_path = if is_folder { real.join(".pixelplay.lock") } else { lock_of_file(&real) };
        let waiting = || progress.at("waiting for another writer", 0, None);
        let lock = WriterLock::take(lock_path, waiting);
        let lock =
            lock.map_err(SongIndexError::io("lock", path))?.ok_or(SongIndexError::Cancelled)?;
        let index = SongIndex::open_with(path, load)?;
        let location = if is_folder {
            let manifest = match Manifest::read(&real)? {
                Some(manifest) => manifest,
                None => Manifest::of_files(&real, &shards::arrow_files(&real)?)?,
            };
            Location::Folder(real, manifest)
        } else {
            Location::File(real)
        };
        Ok(Self { options, index, location, _lock: lock })
    }

    /// Returns the index as it is before the edit.
    #[must_use]
    pub fn index(&self) -> &SongIndex {
        &self.index
    }

    /// Adds all songs from another index, which may consist of any number of files.
    ///
    /// In a folder they become one new shard, and songs that they replace are removed from their
    /// shards. This copies the added songs and each file that changes, and takes 16 bytes of memory
    /// per song of the changed index.
    ///
    /// # Errors
    /// [`SongIndexError::KnownIds`] if ids are already in the index, unless they are to be
    /// [replaced](EditOptions::replace); [`SongIndexError::CannotJoin`] if the vectors come from
    /// another encoder or have another dimension, or if a column has different types on the two
    /// sides; [`SongIndexError::Damaged`] if a batch to copy does not match its checksum;
    /// [`SongIndexError::Cancelled`]; or if the index cannot be written. The index is then
    /// unchanged, with the one exception that
    /// [`SongIndexWriter::finish`](super::SongIndexWriter::finish) describes.
    pub fn add(
        self,
        songs: &SongIndex,
        progress: &mut dyn Progress,
    ) -> Result<EditReport, SongIndexError> {
        self.check_fit(songs)?;
        let known = self.known_rows(songs.ids())?;
        let report = EditReport {
            added: songs.len() - known.len(),
            replaced: known.len(),
            songs: self.index.len() - known.len() + songs.len(),
            ..EditReport::default()
        };
        if !songs.is_empty() {
            self.write(&known, Some(songs), false, progress)?;
        }
        Ok(report)
    }

    /// Removes the songs with these ids. An id may be given more than once.
    ///
    /// This copies each file from which a song is removed.
    ///
    /// # Errors
    /// [`SongIndexError::UnknownIds`] if ids are not in the index, unless they are to be
    /// [ignored](EditOptions::ignore_missing); otherwise the same as for [`add`](Self::add).
    pub fn remove<I: AsRef<str>>(
        self,
        ids: impl IntoIterator<Item = I>,
        progress: &mut dyn Progress,
    ) -> Result<EditReport, SongIndexError> {
        let mut rows = HashSet::new();
        let mut missing = HashSet::new();
        let mut named = Vec::new();
        for id in ids {
            let id = id.as_ref();
            match self.index.row(id) {
                Some(row) => {
                    rows.insert(row);
                }
                None if missing.insert(id.to_owned()) && named.len() < MAX_NAMED => {
                    named.push(id.to_owned());
                }
                None => {}
            }
        }
        if !missing.is_empty() && !self.options.ignore_missing {
            return Err(SongIndexError::UnknownIds { count: missing.len(), ids: named });
        }
        let report = EditReport {
            removed: rows.len(),
            missing: missing.len(),
            songs: self.index.len() - rows.len(),
            ..EditReport::default()
        };
        if !rows.is_empty() {
            self.write(&rows, None, false, progress)?;
        }
        Ok(report)
    }

    /// Rewrites everything into one file, in batches of [`EditOptions::batch_rows`], with
    /// checksums.
    ///
    /// # Errors
    /// The same as for [`add`](Self::add).
    pub fn compact(self, progress: &mut dyn Progress) -> Result<EditReport, SongIndexError> {
        let report = EditReport { songs: self.index.len(), ..EditReport::default() };
        self.write(&HashSet::new(), None, true, progress)?;
        Ok(report)
    }

    /// Rewrites everything as [`compact`](Self::compact) does, with a bias for each song that
    /// [`SearchOptions::hubness_correction`](super::SearchOptions::hubness_correction) can
    /// subtract.
    ///
    /// Removing songs and compacting keep the biases. Songs that are added later have none, so the
    /// index cannot be searched with a correction until it is corrected again.
    ///
    /// This multiplies all vectors with all queries of the bank in `f64`, on all threads of rayon's
    /// pool.
    ///
    /// # Errors
    /// [`SongIndexError::Embedding`] if the bank comes from another encoder or has another
    /// dimension; otherwise the same as for [`add`](Self::add).
    pub fn correct_hubness(
        self,
        bank: &QueryBank,
        progress: &mut dyn Progress,
    ) -> Result<EditReport, SongIndexError> {
        self.index.check_queries(bank.queries())?;
        let report = EditReport { songs: self.index.len(), ..EditReport::default() };
        self.write_with(&HashSet::new(), None, true, Some(bank), progress)?;
        Ok(report)
    }

    /// Returns the rows that songs with these ids would replace, or an error if replacing is not
    /// allowed.
    pub(crate) fn known_rows<'i>(
        &self,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<HashSet<usize>, SongIndexError> {
        let mut rows = HashSet::new();
        let mut named = Vec::new();
        for id in ids {
            if let Some(row) = self.index.row(id) {
                rows.insert(row);
                if named.len() < MAX_NAMED {
                    named.push(id.to_owned());
                }
            }
        }
        if rows.is_empty() || self.options.replace {
            return Ok(rows);
        }
        Err(SongIndexError::KnownIds { count: rows.len(), ids: named })
    }

    /// Checks that the songs of another index fit ours.
    fn check_fit(&self, songs: &SongIndex) -> Result<(), SongIndexError> {
        let refuse =
            |what: String| Err(SongIndexError::CannotJoin { path: songs.path().to_owned(), what });
        if let Err(error) = same_space(
            (self.index.dim(), self.index.fingerprint()),
            (songs.dim(), songs.fingerprint()),
        ) {
            return refuse(error.to_string());
        }
        // Vectors are stored together only if both sides name the same space. If either space is
        // unknown, that is not enough.
        if self.index.fingerprint() != songs.fingerprint() {
            return refuse(
                "only one of the two names the encoder of its vectors; write both with the same fingerprint"
                    .to_owned(),
            );
        }
        if self.index.recipe() != songs.recipe() {
            let told = |index: &SongIndex| index.recipe().unwrap_or("not recorded").to_owned();
            return refuse(format!(
                "they were described differently (`pixelplay.recipe`: {}) from those of the index ({}); \
                 add their table instead, rebuild the index with all songs, or, if the vectors were \
                 made in the same way, write them with the same `WriterOptions::recipe`",
                told(songs),
                told(&self.index)
            ));
        }
        for (name, kind) in songs.columns() {
            let ours = self.index.columns().iter().find(|(ours, _)| ours == name);
            if let Some((_, ours)) = ours
                && ours != kind
            {
                return refuse(format!(
                    "column {name:?} holds {} in the new songs, {} in the index; convert or rename it",
                    describe(*kind),
                    describe(*ours)
                ));
            }
        }
        let all: HashSet<&str> = [self.index.columns(), songs.columns()]
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        if all.len() + 2 > MAX_COLUMNS {
            return refuse(format!("there would be more than {} columns", MAX_COLUMNS));
        }
        if self.index.len() + songs.len() > MAX_ROWS {
            return refuse(format!("there would be more than {} rows", MAX_ROWS));
        }
        Ok(())
    }

    /// Writes the changes: drops the rows `without`, then appends `added`.
    fn write(
        self,
        without: &HashSet<usize>,
        added: Option<&SongIndex>,
        compact: bool,
        progress: &mut dyn Progress,
    ) -> Result<(), SongIndexError> {
        self.write_with(without, added, compact, None, progress)
    }

    fn write_with(
        self,
        without: &HashSet<usize>,
        added: Option<&SongIndex>,
        compact: bool,
        bank: Option<&QueryBank>,
        progress: &mut dyn Progress,
    ) -> Result<(), SongIndexError> {
        let none = HashSet::new();
        let all = |index, without| Part { index, shards: 0..usize::MAX, without, changes: None };
        let added = added.map(|songs| all(songs, &none));
        match self.location {
            Location::File(path) => {
                let parts: Vec<_> = [all(&self.index, without)].into_iter().chain(added).collect();
                let mut copy =
                    RowCopier::new(self.options.batch_rows, &parts, progress).with_biases_of(bank);
                copy.write(&path, &parts)?.publish()
            }
            Location::Folder(folder, manifest) => {
                let mut shards = if compact {
                    vec![ShardPlan::Write(vec![all(&self.index, without)])]
                } else {
                    changed_shards(&self.index, &manifest, without, added.is_some())
                };
                shards.extend(added.map(|songs| ShardPlan::Write(vec![songs])));
                let new_parts = shards.iter().flat_map(|shard| match shard {
                    ShardPlan::Keep(_) => &[],
                    ShardPlan::Write(parts) => parts.as_slice(),
                });
                let mut copy = RowCopier::new(self.options.batch_rows, new_parts, progress)
                    .with_biases_of(bank);
                write_folder(&folder, manifest, &shards, &mut copy)
            }
        }
    }
}
