//! Songs and their vectors in one Arrow file, and exact search over them.
//!
//! [`SongIndexWriter`] writes a file, [`SongIndex`] opens it and searches, [`SongIndexEditor`]
//! changes it. The file is an ordinary Arrow IPC file: a table of songs with a column `embedding`,
//! which pyarrow, pandas and polars open as it is.
//!
//! ```
//! use pixelplay_core::index::{SearchOptions, SongIndex, SongIndexWriter, WriterOptions, col};
//! use pixelplay_core::{Embedding, Song, SongId};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("songs.arrow");
//! let mut writer = SongIndexWriter::create(&path, WriterOptions { normalize: true, ..WriterOptions::new(2) })?;
//! for (id, year, vector) in [("a", 1979, [1.0, 0.1]), ("b", 1999, [1.0, 0.2]), ("c", 2009, [0.0, 1.0])] {
//!     let song = Song { year: Some(year), ..Song::new(SongId::new(id).unwrap()) };
//!     writer.push(&song, &vector)?;
//! }
//! writer.finish()?;
//!
//! let index = SongIndex::open(&path)?;
//! let query = Embedding::normalize(vec![1.0, 0.0], None)?;
//! let options = SearchOptions { k: 1, filter: Some(col("year").ge(1990)), ..SearchOptions::default() };
//! let hits = index.search(&query, &options)?;
//! assert_eq!(hits[0].id.as_str(), "b");
//! assert_eq!(index.song(hits[0].row)?.year, Some(1999));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "arrow")]
mod batches;
mod calibrate;
mod candidates;
#[cfg_attr(not(feature = "enrich"), allow(dead_code, reason = "only enriching changes cells"))]
mod change;
mod columns;
mod decode;
mod edit;
mod error;
mod filter;
mod filter_eval;
mod filter_parse;
mod format;
mod hub_correction;
mod hubness;
pub(crate) mod lock;
mod lookup;
mod manifest;
pub(crate) mod publish;
pub(crate) mod rewrite;
mod rotation;
mod screen;
mod search;
mod shards;
mod similar;
mod storage;
mod table;
mod threads;
mod top_k;
mod twin;
mod vector_file;
mod verify;
mod writer;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(feature = "arrow")]
pub use self::batches::SongTable;
pub use self::edit::{EditOptions, EditReport, SongIndexEditor};
pub use self::error::SongIndexError;
pub use self::filter::{Column, Filter, FilterError, col};
pub use self::hub_correction::QueryBank;
pub use self::hubness::{Hub, Hubness, HubnessReport};
pub use self::search::{SearchOptions, SongHit};
pub use self::similar::{AUDIO_FEATURES, By};
pub use self::writer::{SongIndexWriter, WriterOptions, write_index, write_index_with};
pub use crate::simd::Backend;

#[cfg(feature = "enrich")]
pub(crate) use self::change::Changes;

use self::calibrate::Sample;
use self::columns::Cells;
use self::lookup::Lookup;
use self::similar::Features;
use self::storage::{Batch, Load, Segment};
use crate::embedding::{Embedding, Fingerprint};
use crate::song::{Kind, Song, SongId, Value};

/// Stands for `id` where columns are counted.
const ID_COLUMN: usize = usize::MAX;

/// An open catalogue: songs and their unit vectors. Reads take no lock and can go on in any number
/// of threads.
///
/// It may be replaced by a [`SongIndexWriter`] or changed by a [`SongIndexEditor`] meanwhile; an
/// open index stays as it was opened.
#[derive(Debug)]
pub struct SongIndex {
    path: PathBuf,
    dim: usize,
    fingerprint: Option<Fingerprint>,
    columns: Vec<(String, Kind)>,
    shards: Vec<Shard>,
    batches: Vec<BatchAt>,
    rows: usize,
    lookup: OnceLock<Lookup>,
    /// The direction of each row for [`By::Audio`], `None` where it has none.
    audio: OnceLock<Vec<Option<Features>>>,
    /// The rows that the scores of a search are compared with.
    sample: OnceLock<Sample>,
}

/// One file, and where the index's columns stand among its own.
#[derive(Debug)]
struct Shard {
    segment: Segment,
    columns: Vec<Option<usize>>,
}

impl Shard {
    /// Whether its vectors have an int8 twin.
    fn has_twin(&self) -> bool {
        self.segment.batches.iter().all(|batch| batch.twin.is_some())
    }

    /// How many rows each batch has.
    fn batch_rows(&self) -> impl Iterator<Item = usize> {
        self.segment.batches.iter().map(|batch| batch.rows)
    }
}

/// A batch that has rows, and where they stand in the index.
#[derive(Debug, Clone, Copy)]
struct BatchAt {
    first_row: usize,
    shard: usize,
    batch: usize,
}

/// Neighbouring rows of one batch.
struct Span<'a> {
    shard: &'a Shard,
    batch: &'a Batch,
    /// The row of the index that the batch's first row is.
    first_row: usize,
    /// Counted within the batch.
    range: Range<usize>,
}

impl SongIndex {
    /// Opens an index file, or a folder of them, and reads it into memory.
    ///
    /// The files of a folder are its `*.arrow` files by name; once a [`SongIndexEditor`] has
    /// changed it, those that its manifest names.
    ///
    /// Checks structure, metadata and the checksum over both, not every byte of the data; see
    /// [`verify`](Self::verify) for that. A file without PixelPlay's checksums, written by another
    /// program, has all its ids and vectors checked.
    ///
    /// # Errors
    /// If a file cannot be read, is no Arrow file, is cut short or damaged, comes from a later
    /// version, lacks the columns `id` and `embedding`, or if two files of a folder do not belong
    /// together.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SongIndexError> {
        Self::open_with(path.as_ref(), &storage::read)
    }

    /// Opens an index without reading it into memory: its bytes are mapped and come in as they are
    /// needed. Several processes that map the same file share the memory.
    ///
    /// Opens 200,000 songs in about a millisecond. Otherwise like [`open`](Self::open).
    ///
    /// # Safety
    /// While the index is open, no process may truncate the files or write into them. Replacing a
    /// file by renaming another one over it is fine, and so is deleting it (on Unix);
    /// [`SongIndexWriter`] and [`SongIndexEditor`] do nothing else.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[expect(unsafe_code, reason = "what the caller must promise stands in the signature")]
    pub unsafe fn open_mmap(path: impl AsRef<Path>) -> Result<Self, SongIndexError> {
        // SAFETY: our caller promises what the function asks for.
        Self::open_with(path.as_ref(), &|file| unsafe { storage::map(file) })
    }

    fn open_with(path: &Path, load: Load<'_>) -> Result<Self, SongIndexError> {
        let index = Self::join(path, shards::open(path, load)?)?;
        // Without checksums nobody has vouched for the rows yet.
        if index.shards.iter().any(|shard| shard.segment.checksums.is_none()) {
            index.verify()?;
        } else if index.shards.len() > 1 {
            index.check_unique_ids()?;
        }
        Ok(index)
    }

    /// Puts the files of an index together.
    fn join(path: &Path, segments: Vec<Segment>) -> Result<Self, SongIndexError> {
        let mut columns: Vec<(String, Kind)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut batches = Vec::new();
        let mut rows: usize = 0;
        let Some(first) = segments.first() else {
            return Err(SongIndexError::unusable(path, "it has no files"));
        };
        let (dim, fingerprint) = (first.dim, first.fingerprint.clone());
        for (shard, segment) in segments.iter().enumerate() {
            if segment.dim != dim || segment.fingerprint != fingerprint {
                return Err(SongIndexError::unusable(
                    &segment.path,
                    "its vectors come from another encoder, or have another dimension, than those of the first file",
                ));
            }
            for (name, kind, _) in &segment.columns {
                match places.get(name) {
                    None => {
                        places.insert(name.clone(), columns.len());
                        columns.push((name.clone(), *kind));
                    }
                    Some(&place) if columns[place].1 == *kind => {}
                    Some(_) => {
                        return Err(SongIndexError::unusable(
                            &segment.path,
                            format_args!(
                                "column {name:?} has another type than in an earlier file"
                            ),
                        ));
                    }
                }
            }
            if columns.len() > format::MAX_COLUMNS {
                return Err(SongIndexError::unusable(
                    path,
                    format_args!(
                        "its files have more than {} columns together",
                        format::MAX_COLUMNS
                    ),
                ));
            }
            for (batch, found) in segment.batches.iter().enumerate() {
                if found.rows > 0 {
                    batches.push(BatchAt { first_row: rows, shard, batch });
                }
                rows = rows
                    .checked_add(found.rows)
                    .filter(|&rows| rows <= lookup::MAX_ROWS)
                    .ok_or_else(|| {
                        SongIndexError::unusable(
                            path,
                            format_args!("it has more than {} rows", lookup::MAX_ROWS),
                        )
                    })?;
            }
        }
        let shards = segments
            .into_iter()
            .map(|segment| {
                let mut own = vec![None; columns.len()];
                for (at, (name, ..)) in segment.columns.iter().enumerate() {
                    own[places[name]] = Some(at);
                }
                Shard { segment, columns: own }
            })
            .collect();
        Ok(Self {
            path: path.to_owned(),
            dim,
            fingerprint,
            columns,
            shards,
            batches,
            rows,
            lookup: OnceLock::new(),
            audio: OnceLock::new(),
            sample: OnceLock::new(),
        })
    }

    /// How many songs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no song.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The length of the vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The space of the vectors, where the file names it.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    /// The file or folder that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether every file has checksums of its data, which [`verify`](Self::verify) can compare.
    #[must_use]
    pub fn has_checksums(&self) -> bool {
        self.shards.iter().all(|shard| shard.segment.checksums.is_some())
    }

    /// The columns beside the id and the vector, in the order of the file. Columns of types that no
    /// song has (lists, dates, dictionaries, ...) are not among them.
    #[must_use]
    pub fn columns(&self) -> &[(String, Kind)] {
        &self.columns
    }

    /// The ids by row.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        Ids { index: self, row: 0 }
    }

    /// The id of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        let (_, batch, row) = self.locate(row);
        batch.ids.value(row)
    }

    /// The row of an id.
    ///
    /// The first call builds a table of all ids, 8 to 16 bytes a song.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<usize> {
        self.lookup().row(id, |row| self.id(row))
    }

    /// All that is known of the song in a row. Cells of columns that [`Song`] does not know are in
    /// [`Song::extra`], as text.
    ///
    /// # Errors
    /// If a column turns out to be damaged when it is first decoded.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn song(&self, row: usize) -> Result<Song, SongIndexError> {
        let (shard, batch, at) = self.locate(row);
        let mut song = Song::new(self.song_id(row)?);
        for (column, (name, _)) in self.columns.iter().enumerate() {
            let Some(value) = self.cells(shard, batch, column)?.get(at) else {
                continue;
            };
            if columns::known_kind(name).is_some() {
                song.set(name, value);
            } else {
                song.extra.insert(name.clone(), plain_text(value));
            }
        }
        Ok(song)
    }

    /// All that is known of a song.
    ///
    /// # Errors
    /// If the index has no song with this id, or as [`song`](Self::song).
    pub fn song_by_id(&self, id: &str) -> Result<Song, SongIndexError> {
        match self.row(id) {
            Some(row) => self.song(row),
            None => Err(SongIndexError::UnknownId { id: id.to_owned() }),
        }
    }

    /// The vector of a row, shape `(dim,)`, as it lies in the file.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn vector(&self, row: usize) -> &[f32] {
        let (_, batch, row) = self.locate(row);
        &batch.vectors[row * self.dim..(row + 1) * self.dim]
    }

    /// [`vector`](Self::vector) for an exact score; it may be read into `room`.
    fn fetch_vector<'a>(
        &'a self,
        row: usize,
        room: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], SongIndexError> {
        let (shard, batch, row) = self.locate(row);
        shard.segment.vector(batch, row, room)
    }

    /// All vectors as they lie in the file, batch by batch: slices of shape `(rows, dim)`.
    pub fn vector_chunks(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.batches.iter().map(|at| &*self.batch(*at).1.vectors)
    }

    /// All vectors as one slice of shape `(len, dim)`, or `None` where the file has several
    /// batches.
    #[must_use]
    pub fn vectors(&self) -> Option<&[f32]> {
        let mut chunks = self.vector_chunks();
        let first = chunks.next().unwrap_or_default();
        chunks.next().is_none().then_some(first)
    }

    /// The vector of a row as an [`Embedding`] of the index's space.
    ///
    /// # Errors
    /// If the vector is not a unit vector, so that the file must be damaged.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn embedding(&self, row: usize) -> Result<Embedding, SongIndexError> {
        Embedding::new(self.vector(row), self.fingerprint.clone()).map_err(|_| self.bad_vector(row))
    }

    fn song_id(&self, row: usize) -> Result<SongId, SongIndexError> {
        let (shard, batch, at) = self.locate(row);
        SongId::new(batch.ids.value(at)).ok_or_else(|| {
            SongIndexError::damaged(&shard.segment.path, format_args!("row {row} has an empty id"))
        })
    }

    fn lookup(&self) -> &Lookup {
        self.lookup.get_or_init(|| Lookup::new(self.ids(), |row| self.id(row)))
    }

    fn batch(&self, at: BatchAt) -> (&Shard, &Batch) {
        let shard = &self.shards[at.shard];
        (shard, &shard.segment.batches[at.batch])
    }

    fn shard_of(&self, row: usize) -> usize {
        let after = self.batches.partition_point(|at| at.first_row <= row);
        self.batches[after - 1].shard
    }

    fn locate(&self, row: usize) -> (&Shard, &Batch, usize) {
        assert!(row < self.rows, "row {row} of an index of {} rows", self.rows);
        let after = self.batches.partition_point(|at| at.first_row <= row);
        let at = self.batches[after - 1];
        let (shard, batch) = self.batch(at);
        (shard, batch, row - at.first_row)
    }

    /// The parts of a range of rows that lie in one batch each.
    fn spans(&self, rows: Range<usize>) -> impl Iterator<Item = Span<'_>> {
        let first =
            self.batches.partition_point(|at| at.first_row + self.batch(*at).1.rows <= rows.start);
        self.batches[first..].iter().take_while(move |at| at.first_row < rows.end).map(move |&at| {
            let (shard, batch) = self.batch(at);
            let start = rows.start.saturating_sub(at.first_row);
            let end = batch.rows.min(rows.end - at.first_row);
            Span { shard, batch, first_row: at.first_row, range: start..end }
        })
    }

    /// The cells of a column in a batch; the column counts through [`columns`](Self::columns).
    fn cells(&self, shard: &Shard, batch: &Batch, column: usize) -> Result<Cells, SongIndexError> {
        if column == ID_COLUMN {
            return Ok(Cells::Text(batch.ids.clone()));
        }
        match shard.columns[column] {
            Some(column) => shard.segment.cells(batch, column),
            None => Ok(Cells::Missing),
        }
    }

    fn bad_vector(&self, row: usize) -> SongIndexError {
        let (shard, ..) = self.locate(row);
        let what = match crate::embedding::norm(self.vector(row)) {
            Ok(norm) => format!("the vector has length {norm:.6}, not 1"),
            Err(error) => error.to_string(),
        };
        SongIndexError::damaged(
            &shard.segment.path,
            format_args!("row {row} (id {:?}): {what}", self.id(row)),
        )
    }
}

fn plain_text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

struct Ids<'a> {
    index: &'a SongIndex,
    row: usize,
}

impl<'a> Iterator for Ids<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.row == self.index.rows {
            return None;
        }
        self.row += 1;
        Some(self.index.id(self.row - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.index.rows - self.row;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Ids<'_> {}
