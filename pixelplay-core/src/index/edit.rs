//! Changes an index that is there: adds songs, removes some, puts its files together.
//!
//! | index | add | remove | compact |
//! |---|---|---|---|
//! | a file | written anew, with the songs behind | written anew, without the songs | written anew |
//! | a folder | one new shard; those that lose a replaced song are written anew | those that lose a song are written anew | one new shard of all |
//!
//! A file is put in its place as by the writer, in one step; so that nobody has to wait for large files to be copied
//! there are folders, and [`manifest`](super::manifest) says how many of their files change in one step.
//!
//! Every batch that is copied is compared with its checksum on the way, since the copy gets a new one.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::columns::{Cells, describe};
use super::error::SongIndexError;
use super::lock::{WriterLock, lock_of_file};
use super::manifest::Manifest;
use super::publish::Draft;
use super::storage::{self, Load};
use super::table::{Layout, TableWriter};
use super::verify::check_batch;
use super::{SongIndex, WriterOptions, format, lookup, shards};
use crate::embedding::same_space;
use crate::progress::{OnProgress, Progress};
use crate::song::Kind;

/// After how many rows an edit reports.
const ROWS_A_REPORT: usize = 1024;
/// How many ids an error names.
const MOST_NAMED: usize = 5;

/// How [`SongIndexEditor`] changes an index.
#[derive(Debug, Clone)]
pub struct EditOptions {
    /// Whether an added song takes the place of one with the same id; otherwise such songs are refused.
    pub replace: bool,
    /// Whether ids to remove that no song has are passed over; otherwise they are refused.
    pub ignore_missing: bool,
    /// See [`WriterOptions::batch_rows`]; for what is written anew.
    pub batch_rows: usize,
}

impl Default for EditOptions {
    /// Refuses, and writes batches of the writer's own size.
    fn default() -> Self {
        Self {
            replace: false,
            ignore_missing: false,
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// What an edit did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EditReport {
    /// Songs added that were not there before.
    pub added: usize,
    /// Songs added in place of one with the same id.
    pub replaced: usize,
    /// Songs removed.
    pub removed: usize,
    /// Ids to remove that no song had.
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

/// Changes an index; one of [`add`](Self::add), [`remove`](Self::remove) and [`compact`](Self::compact) does it.
///
/// Readers, in any process, see the index as it was or as it will be, whenever they open it and whenever the editor
/// is killed; an index that is open stays as it was. While an editor is there, other editors of the same index wait,
/// and so does a [`SongIndexWriter`](super::SongIndexWriter) that wants to replace it: do not finish one while
/// holding an editor of the same file.
///
/// Songs keep their order, added ones come last, and columns that one side lacks are not known there. All columns
/// of song data are carried along, also those that PixelPlay does not know; helper columns (`_pp_*`) are not.
///
/// ```
/// use pixelplay_core::index::{EditOptions, SongIndex, SongIndexEditor, SongIndexWriter, WriterOptions};
/// use pixelplay_core::progress::ignore;
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
/// let editor = SongIndexEditor::open(&path, EditOptions::default(), &mut ignore)?;
/// let report = editor.add(&SongIndex::open(&more)?, &mut ignore)?;
/// assert_eq!((report.added, report.songs), (2, 4));
/// SongIndexEditor::open(&path, EditOptions::default(), &mut ignore)?.remove(["b"], &mut ignore)?;
/// assert_eq!(SongIndex::open(&path)?.ids().collect::<Vec<_>>(), ["a", "c", "d"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "an editor does nothing until it is told to add, remove or compact"]
pub struct SongIndexEditor {
    options: EditOptions,
    index: SongIndex,
    home: Home,
    /// Given up last.
    _lock: WriterLock,
}

/// Where the index is, without links on the way.
#[derive(Debug)]
enum Home {
    File(PathBuf),
    Folder(PathBuf, Manifest),
}

/// Rows of some shards of an index.
struct Part<'a> {
    index: &'a SongIndex,
    shards: Range<usize>,
    without: &'a HashSet<usize>,
}

impl<'a> Part<'a> {
    fn shards(&self) -> impl Iterator<Item = &'a super::Shard> {
        let shards = self.index.shards.iter().enumerate();
        let wanted = self.shards.clone();
        shards
            .filter(move |(at, _)| wanted.contains(at))
            .map(|(_, shard)| shard)
    }
}

/// A shard of a folder after an edit.
enum Shard<'a> {
    Old(String),
    New(Vec<Part<'a>>),
}

impl SongIndexEditor {
    /// Waits until nobody else changes the index, a file or a folder, and reads it into memory.
    ///
    /// # Errors
    /// As [`SongIndex::open`]; if the folder cannot be written to, or its file system has no locks;
    /// [`SongIndexError::Cancelled`] while waiting.
    pub fn open(
        path: impl AsRef<Path>,
        options: EditOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self, SongIndexError> {
        Self::open_with(path.as_ref(), options, &storage::read, on_progress)
    }

    /// [`open`](Self::open) without reading the index into memory, so that an edit holds about one batch of it. On
    /// Windows a file that is mapped cannot be replaced, so that only folders can be edited this way.
    ///
    /// # Safety
    /// As [`SongIndex::open_mmap`], until the edit is done.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[expect(
        unsafe_code,
        reason = "what the caller must promise stands in the signature"
    )]
    pub unsafe fn open_mmap(
        path: impl AsRef<Path>,
        options: EditOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self, SongIndexError> {
        // SAFETY: our caller promises what the function asks for.
        let map: Load<'_> = &|file| unsafe { storage::map(file) };
        Self::open_with(path.as_ref(), options, map, on_progress)
    }

    fn open_with(
        path: &Path,
        options: EditOptions,
        load: Load<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self, SongIndexError> {
        if options.batch_rows == 0 {
            return Err(SongIndexError::BadOptions {
                what: "batches of 0 rows".to_owned(),
            });
        }
        let real = fs::canonicalize(path).map_err(SongIndexError::io("open", path))?;
        let is_folder = real.is_dir();
        let lock_path = if is_folder {
            real.join(".pixelplay.lock")
        } else {
            lock_of_file(&real)
        };
        let lock = WriterLock::take(lock_path, || {
            on_progress(Progress {
                stage: "waiting for another writer",
                done: 0,
                total: None,
            })
        });
        let lock = lock
            .map_err(SongIndexError::io("lock", path))?
            .ok_or(SongIndexError::Cancelled)?;
        let index = SongIndex::open_with(path, load)?;
        let home = if is_folder {
            let manifest = match Manifest::read(&real)? {
                Some(manifest) => manifest,
                None => Manifest::of_files(&real, &shards::arrow_files(&real)?)?,
            };
            Home::Folder(real, manifest)
        } else {
            Home::File(real)
        };
        Ok(Self {
            options,
            index,
            home,
            _lock: lock,
        })
    }

    /// The index as it is before the edit.
    #[must_use]
    pub fn index(&self) -> &SongIndex {
        &self.index
    }

    /// Adds all songs of another index, which may have any number of files.
    ///
    /// In a folder they become one new shard; songs that they replace leave theirs. Costs a copy of what is added and
    /// of each file that changes, and 16 bytes of memory a song of the index that is changed.
    ///
    /// # Errors
    /// [`SongIndexError::KnownIds`] unless they are to be [replaced](EditOptions::replace);
    /// [`SongIndexError::CannotJoin`] if the vectors are of another encoder or dimension, or a column holds something
    /// else here than there; [`SongIndexError::Damaged`] if a batch that would be copied does not match its checksum;
    /// [`SongIndexError::Cancelled`]; or if it cannot be written. The index then is as it was, with the one exception
    /// that [`SongIndexWriter::finish`](super::SongIndexWriter::finish) names.
    pub fn add(
        self,
        songs: &SongIndex,
        on_progress: &mut OnProgress<'_>,
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
            self.write(&known, Some(songs), false, on_progress)?;
        }
        Ok(report)
    }

    /// Removes the songs with these ids; one that is named twice is removed once.
    ///
    /// Costs a copy of each file that a song is removed from.
    ///
    /// # Errors
    /// [`SongIndexError::UnknownIds`] unless missing ones are to be [passed over](EditOptions::ignore_missing);
    /// otherwise as [`add`](Self::add).
    pub fn remove<I: AsRef<str>>(
        self,
        ids: impl IntoIterator<Item = I>,
        on_progress: &mut OnProgress<'_>,
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
                None if missing.insert(id.to_owned()) && named.len() < MOST_NAMED => {
                    named.push(id.to_owned());
                }
                None => {}
            }
        }
        if !missing.is_empty() && !self.options.ignore_missing {
            return Err(SongIndexError::UnknownIds {
                count: missing.len(),
                ids: named,
            });
        }
        let report = EditReport {
            removed: rows.len(),
            missing: missing.len(),
            songs: self.index.len() - rows.len(),
            ..EditReport::default()
        };
        if !rows.is_empty() {
            self.write(&rows, None, false, on_progress)?;
        }
        Ok(report)
    }

    /// Writes everything anew: one file, in batches of [`EditOptions::batch_rows`], with checksums.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn compact(self, on_progress: &mut OnProgress<'_>) -> Result<EditReport, SongIndexError> {
        let report = EditReport {
            songs: self.index.len(),
            ..EditReport::default()
        };
        self.write(&HashSet::new(), None, true, on_progress)?;
        Ok(report)
    }

    /// The rows that songs with these ids would replace; an error if they must not.
    pub(crate) fn known_rows<'i>(
        &self,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<HashSet<usize>, SongIndexError> {
        let mut rows = HashSet::new();
        let mut named = Vec::new();
        for id in ids {
            if let Some(row) = self.index.row(id) {
                rows.insert(row);
                if named.len() < MOST_NAMED {
                    named.push(id.to_owned());
                }
            }
        }
        if rows.is_empty() || self.options.replace {
            return Ok(rows);
        }
        Err(SongIndexError::KnownIds {
            count: rows.len(),
            ids: named,
        })
    }

    /// What the songs of another index must have in common with ours.
    fn check_fit(&self, songs: &SongIndex) -> Result<(), SongIndexError> {
        let refuse = |what: String| {
            Err(SongIndexError::CannotJoin {
                path: songs.path().to_owned(),
                what,
            })
        };
        if let Err(error) = same_space(
            (self.index.dim(), self.index.fingerprint()),
            (songs.dim(), songs.fingerprint()),
        ) {
            return refuse(error.to_string());
        }
        // Beside each other they must be told to be of one space, not only not be known to differ.
        if self.index.fingerprint() != songs.fingerprint() {
            return refuse(
                "only one of the two says which encoder its vectors are from; write both with the same fingerprint"
                    .to_owned(),
            );
        }
        for (name, kind) in songs.columns() {
            let ours = self.index.columns().iter().find(|(ours, _)| ours == name);
            if let Some((_, ours)) = ours
                && ours != kind
            {
                return refuse(format!(
                    "column {name:?} holds {} there and {} in the index; convert or rename it",
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
        if all.len() + 2 > format::MAX_COLUMNS {
            return refuse(format!(
                "there would be more than {} columns",
                format::MAX_COLUMNS
            ));
        }
        if self.index.len() + songs.len() > lookup::MAX_ROWS {
            return refuse(format!(
                "there would be more than {} rows",
                lookup::MAX_ROWS
            ));
        }
        Ok(())
    }

    /// Writes what changes: drops the rows `without`, then appends `added`.
    fn write(
        self,
        without: &HashSet<usize>,
        added: Option<&SongIndex>,
        compact: bool,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<(), SongIndexError> {
        let none = HashSet::new();
        let all = |index, without| Part {
            index,
            shards: 0..usize::MAX,
            without,
        };
        let added = added.map(|songs| all(songs, &none));
        match self.home {
            Home::File(path) => {
                let parts: Vec<_> = [all(&self.index, without)]
                    .into_iter()
                    .chain(added)
                    .collect();
                let mut copy = Copy::new(self.options.batch_rows, &parts, on_progress);
                copy.write(&path, &parts)?.publish()
            }
            Home::Folder(folder, manifest) => {
                let mut shards = if compact {
                    vec![Shard::New(vec![all(&self.index, without)])]
                } else {
                    changed_shards(&self.index, &manifest, without, added.is_some())
                };
                shards.extend(added.map(|songs| Shard::New(vec![songs])));
                let new_parts = shards.iter().flat_map(|shard| match shard {
                    Shard::Old(_) => &[],
                    Shard::New(parts) => parts.as_slice(),
                });
                let mut copy = Copy::new(self.options.batch_rows, new_parts, on_progress);
                write_folder(&folder, manifest, &shards, &mut copy)
            }
        }
    }
}

/// The shards of a folder after some rows are gone: untouched, written anew, or left out where no row is left.
fn changed_shards<'a>(
    index: &'a SongIndex,
    manifest: &Manifest,
    without: &'a HashSet<usize>,
    more_follow: bool,
) -> Vec<Shard<'a>> {
    let mut dropped = vec![0; index.shards.len()];
    for &row in without {
        dropped[index.shard_of(row)] += 1;
    }
    let mut shards = Vec::new();
    for (at, name) in manifest.shards.iter().enumerate() {
        let is_only_one = shards.is_empty() && at + 1 == manifest.shards.len() && !more_follow;
        let rows: usize = index.shards[at].batch_rows().sum();
        if dropped[at] == 0 {
            shards.push(Shard::Old(name.clone()));
        } else if dropped[at] < rows || is_only_one {
            // An index without songs still says what its vectors would be.
            shards.push(Shard::New(vec![Part {
                index,
                shards: at..at + 1,
                without,
            }]));
        }
    }
    shards
}

/// Takes a folder from one state to the next; the steps are those of [`manifest`](super::manifest).
fn write_folder(
    folder: &Path,
    mut old: Manifest,
    shards: &[Shard<'_>],
    copy: &mut Copy<'_, '_>,
) -> Result<(), SongIndexError> {
    delete(folder, &mut old.unused);
    let mut new = Manifest {
        shards: Vec::new(),
        ..old.clone()
    };
    for shard in shards {
        let name = match shard {
            Shard::Old(name) => name.clone(),
            Shard::New(_) => new.new_shard(folder),
        };
        new.shards.push(name);
    }
    let only_in = |names: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<&String> = others.iter().collect();
        let names = names.iter().filter(|name| !others.contains(name));
        names.cloned().collect()
    };
    let replaced = only_in(&old.shards, &new.shards);
    old.next = new.next;
    old.unused.extend(only_in(&new.shards, &old.shards));
    old.publish(folder)?;

    let mut written = Ok(());
    for (shard, name) in shards.iter().zip(&new.shards) {
        if let Shard::New(parts) = shard {
            written = copy
                .write(&folder.join(name), parts)
                .and_then(Draft::publish);
        }
        if written.is_err() {
            // Should this fail, the next editor does it.
            delete(folder, &mut old.unused);
            let _ = old.publish(folder);
            return written;
        }
    }
    new.unused.extend(replaced);
    new.publish(folder)?;

    // The edit is done. What cannot be tidied up now is left to the next one.
    delete(folder, &mut new.unused);
    let _ = new.publish(folder);
    Ok(())
}

/// Deletes files; those that cannot be deleted stay in the list.
fn delete(folder: &Path, names: &mut Vec<String>) {
    names.retain(|name| match fs::remove_file(folder.join(name)) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    });
}

/// Copies rows into new files, and reports.
struct Copy<'a, 'b> {
    batch_rows: usize,
    done: u64,
    total: u64,
    on_progress: &'a mut OnProgress<'b>,
}

impl<'a, 'b> Copy<'a, 'b> {
    fn new<'p>(
        batch_rows: usize,
        parts: impl IntoIterator<Item = &'p Part<'p>>,
        on_progress: &'a mut OnProgress<'b>,
    ) -> Self {
        let rows = parts
            .into_iter()
            .flat_map(Part::shards)
            .flat_map(super::Shard::batch_rows);
        Self {
            batch_rows,
            done: 0,
            total: rows.sum::<usize>() as u64,
            on_progress,
        }
    }

    fn report(&mut self) -> Result<(), SongIndexError> {
        let progress = Progress {
            stage: "writing songs",
            done: self.done,
            total: Some(self.total),
        };
        match (self.on_progress)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SongIndexError::Cancelled),
        }
    }

    fn write(&mut self, path: &Path, parts: &[Part<'_>]) -> Result<Draft, SongIndexError> {
        let first = parts[0].index;
        let columns = joint_columns(parts)?;
        let mut table = TableWriter::create(
            path,
            Layout {
                dim: first.dim(),
                fingerprint: first.fingerprint().cloned(),
                columns: columns.clone(),
                batch_rows: self.batch_rows,
            },
        )?;
        for part in parts {
            let place = |(name, _): &(String, Kind)| {
                let mut ours = part.index.columns().iter();
                ours.position(|(ours, _)| ours == name)
            };
            let places: Vec<Option<usize>> = columns.iter().map(place).collect();
            for at in &part.index.batches {
                if part.shards.contains(&at.shard) {
                    self.copy_batch(part, *at, &places, &mut table)?;
                }
            }
        }
        self.report()?;
        table.finish()
    }

    fn copy_batch(
        &mut self,
        part: &Part<'_>,
        at: super::BatchAt,
        places: &[Option<usize>],
        table: &mut TableWriter,
    ) -> Result<(), SongIndexError> {
        let (shard, batch) = part.index.batch(at);
        check_batch(&shard.segment, at.batch, &mut || self.report())?;
        let cells = places
            .iter()
            .map(|place| match place {
                Some(column) => part.index.cells(shard, batch, *column),
                None => Ok(Cells::Missing),
            })
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.rows {
            if row % ROWS_A_REPORT == 0 {
                self.report()?;
            }
            self.done += 1;
            if part.without.contains(&(at.first_row + row)) {
                continue;
            }
            let id = batch.ids.value(row);
            let text: usize = cells.iter().map(|cells| cells.text_len(row)).sum();
            table.push(
                id,
                part.index.vector(at.first_row + row),
                id.len() + text,
                |column, builder| builder.append_from(&cells[column], row),
            )?;
        }
        Ok(())
    }
}

/// The columns that the parts have together, in the order in which they are met.
fn joint_columns(parts: &[Part<'_>]) -> Result<Vec<(String, Kind)>, SongIndexError> {
    let mut columns = Vec::new();
    let mut names = HashSet::new();
    for part in parts {
        for shard in part.shards() {
            if let Some(name) = shard.segment.foreign_column() {
                return Err(SongIndexError::CannotJoin {
                    path: shard.segment.path.clone(),
                    what: format!(
                        "column {name:?} has a type that no song column has (text, numbers, true or false), so it \
                         would be lost; convert it or leave it out"
                    ),
                });
            }
        }
        for (at, (name, kind)) in part.index.columns().iter().enumerate() {
            let is_there = part.shards().any(|shard| shard.columns[at].is_some());
            if is_there && names.insert(name) {
                columns.push((name.clone(), *kind));
            }
        }
    }
    Ok(columns)
}
