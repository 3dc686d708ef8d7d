//! An open index: opening it, and reading its songs and vectors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::edit::open_segments;
use super::error::SongIndexError;
use super::file::{Load, known_kind, map, plain_text, read};
use super::id_table::IdTable;
use super::search::{Features, Sample};
use super::shard::{BatchAt, Shard};
use crate::embedding::{Embedding, EmbeddingError, Fingerprint, same_space};
use crate::song::{Kind, Song, SongId, Value};

/// An open catalogue: songs and their unit vectors. Reads take no lock and can run on many threads
/// at once.
///
/// An open index is a snapshot: a [`SongIndexWriter`](super::SongIndexWriter) may replace the file,
/// or a [`SongIndexEditor`](super::SongIndexEditor) change it, without affecting it. A clone is
/// another handle to the same open index.
#[derive(Debug, Clone)]
pub struct SongIndex {
    pub(super) opened: Arc<Opened>,
}

/// The contents of an open index.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) dim: usize,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) recipe: Option<String>,
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) shards: Vec<Shard>,
    pub(super) batches: Vec<BatchAt>,
    pub(super) rows: usize,
    pub(super) lookup: OnceLock<IdTable>,
    /// The direction of each row for [`By::Audio`](super::By::Audio); `None` if the row has no
    /// direction.
    pub(super) audio: OnceLock<Vec<Option<Features>>>,
    /// The sample of rows that the scores of a search are compared with.
    pub(super) sample: OnceLock<Sample>,
}

impl SongIndex {
    /// Opens an index file, or a folder of them, and reads it into memory.
    ///
    /// The files of a folder are its `*.arrow` files, sorted by name. Once a
    /// [`SongIndexEditor`](super::SongIndexEditor) has changed the folder, they are the files
    /// listed in its manifest.
    ///
    /// Checks the structure, the metadata and the checksum of both, but not every byte of the data;
    /// [`verify`](Self::verify) does that. If a file was written by another program and has no
    /// PixelPlay checksums, all its ids and vectors are checked.
    ///
    /// # Errors
    /// If a file cannot be read, is not an Arrow file, is truncated or damaged, was written by a
    /// later version, or lacks the column `id` or `embedding`; or if two files of a folder do not
    /// belong together.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SongIndexError> {
        Self::open_with(path.as_ref(), &read)
    }

    /// Opens an index without reading it into memory: the files are mapped, and pages are loaded
    /// when needed. Processes that map the same file share the memory.
    ///
    /// Opens 200,000 songs in about a millisecond. Otherwise the same as [`open`](Self::open).
    ///
    /// # Safety
    /// While the index is open, no process may truncate the files or write into them. It is safe to
    /// replace a file by renaming another one over it, and to delete it (on Unix);
    /// [`SongIndexWriter`](super::SongIndexWriter) and [`SongIndexEditor`](super::SongIndexEditor)
    /// do nothing else.
    ///
    /// # Errors
    /// The same as for [`open`](Self::open).
    #[expect(unsafe_code, reason = "the caller's obligations are part of the signature")]
    pub unsafe fn open_mmap(path: impl AsRef<Path>) -> Result<Self, SongIndexError> {
        // SAFETY: our caller upholds the contract of `map`.
        Self::open_with(path.as_ref(), &|file| unsafe { map(file) })
    }

    pub(super) fn open_with(path: &Path, load: Load<'_>) -> Result<Self, SongIndexError> {
        let index = Self::join(path, open_segments(path, load)?)?;
        // Without checksums the rows have not been checked yet.
        if index.opened.shards.iter().any(|shard| shard.segment.checksums.is_none()) {
            index.verify()?;
        } else if index.opened.shards.len() > 1 {
            index.check_unique_ids()?;
        }
        Ok(index)
    }

    /// Returns the number of songs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.opened.rows
    }

    /// Returns whether the index has no songs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened.rows == 0
    }

    /// Returns the dimension of the vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.opened.dim
    }

    /// Returns the fingerprint of the vectors' space, if the file names it.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.opened.fingerprint.as_ref()
    }

    /// Returns how the songs were described, as JSON: the description version, the templates, and
    /// the weight of the songs' own words. `None` if the vectors were not made from descriptions,
    /// or if the file has format 1, which does not record it.
    #[must_use]
    pub fn recipe(&self) -> Option<&str> {
        self.opened.recipe.as_deref()
    }

    /// Returns the file or folder that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.opened.path
    }

    /// Returns whether every file has checksums of its data, which [`verify`](Self::verify) can
    /// check.
    #[must_use]
    pub fn has_checksums(&self) -> bool {
        self.opened.shards.iter().all(|shard| shard.segment.checksums.is_some())
    }

    /// Returns the columns other than the id and the vector, in the order of the file. Columns of
    /// types that songs cannot hold (lists, dates, dictionaries, ...) are left out.
    #[must_use]
    pub fn columns(&self) -> &[(String, Kind)] {
        &self.opened.columns
    }

    /// Returns the ids in row order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        Ids { index: self, row: 0 }
    }

    /// Returns the id of a row.
    ///
    /// # Panics
    /// If the row does not exist.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        let (_, batch, row) = self.locate(row);
        batch.ids.value(row)
    }

    /// Returns the row of an id.
    ///
    /// The first call builds a table of all ids, which takes 8 to 16 bytes per song.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<usize> {
        self.lookup().row(id, |row| self.id(row))
    }

    /// Returns the song in a row, with all its columns. Columns that [`Song`] has no field for are
    /// in [`Song::extra`], as text.
    ///
    /// # Errors
    /// If a column turns out to be damaged when it is first decoded.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn song(&self, row: usize) -> Result<Song, SongIndexError> {
        let (shard, batch, at) = self.locate(row);
        let mut song = Song::new(self.song_id(row)?);
        for (column, (name, _)) in self.opened.columns.iter().enumerate() {
            let Some(value) = self.cells(shard, batch, column)?.get(at) else {
                continue;
            };
            if known_kind(name).is_some() {
                song.set(name, value);
            } else {
                song.extra.insert(name.clone(), plain_text(value));
            }
        }
        Ok(song)
    }

    /// Returns the song with this id, with all its columns.
    ///
    /// # Errors
    /// If the index has no song with this id; otherwise the same as for [`song`](Self::song).
    pub fn song_by_id(&self, id: &str) -> Result<Song, SongIndexError> {
        match self.row(id) {
            Some(row) => self.song(row),
            None => Err(SongIndexError::UnknownId { id: id.to_owned() }),
        }
    }

    /// Returns one cell of a row: `None` if the cell is empty or the column does not exist. Reads
    /// only this column, while [`song`](Self::song) reads all columns. The id is not available as a
    /// cell.
    ///
    /// # Errors
    /// If the column turns out to be damaged when it is first decoded.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn cell(&self, row: usize, column: &str) -> Result<Option<Value>, SongIndexError> {
        let (shard, batch, at) = self.locate(row);
        match self.columns().iter().position(|(name, _)| name == column) {
            Some(column) => Ok(self.cells(shard, batch, column)?.get(at)),
            None => Ok(None),
        }
    }

    /// Returns the vector of a row, shape `(dim,)`, as stored in the file.
    ///
    /// # Panics
    /// If the row does not exist.
    #[must_use]
    pub fn vector(&self, row: usize) -> &[f32] {
        let (_, batch, row) = self.locate(row);
        &batch.vectors[row * self.opened.dim..(row + 1) * self.opened.dim]
    }

    /// Returns the [`vector`](Self::vector) of a row for an exact score, possibly read into
    /// `scratch`.
    pub(super) fn fetch_vector<'a>(
        &'a self,
        row: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], SongIndexError> {
        let (shard, batch, row) = self.locate(row);
        shard.segment.vector(batch, row, scratch)
    }

    /// Returns all vectors as stored in the file, batch by batch: slices of shape `(rows, dim)`.
    pub fn vector_chunks(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.opened.batches.iter().map(|at| &*self.batch(*at).1.vectors)
    }

    /// Returns all vectors as one slice of shape `(len, dim)`, or `None` if there are several
    /// batches.
    #[must_use]
    pub fn vectors(&self) -> Option<&[f32]> {
        let mut chunks = self.vector_chunks();
        let first = chunks.next().unwrap_or_default();
        chunks.next().is_none().then_some(first)
    }

    /// Returns the vector of a row as an [`Embedding`] in the index's space.
    ///
    /// # Errors
    /// If the vector is not a unit vector, which means that the file is damaged.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn embedding(&self, row: usize) -> Result<Embedding, SongIndexError> {
        Embedding::new(self.vector(row), self.opened.fingerprint.clone())
            .map_err(|_| self.bad_vector(row))
    }

    /// Checks that the queries can be compared with the vectors.
    pub(super) fn check_queries(&self, queries: &[Embedding]) -> Result<(), EmbeddingError> {
        let space = (self.dim(), self.fingerprint());
        queries.iter().try_for_each(|query| same_space(space, (query.dim(), query.fingerprint())))
    }

    pub(super) fn song_id(&self, row: usize) -> Result<SongId, SongIndexError> {
        let (shard, batch, at) = self.locate(row);
        SongId::new(batch.ids.value(at)).ok_or_else(|| {
            SongIndexError::damaged(&shard.segment.path, format_args!("row {row} has an empty id"))
        })
    }

    pub(super) fn lookup(&self) -> &IdTable {
        self.opened.lookup.get_or_init(|| IdTable::new(self.ids(), |row| self.id(row)))
    }

    pub(super) fn bad_vector(&self, row: usize) -> SongIndexError {
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

struct Ids<'a> {
    index: &'a SongIndex,
    row: usize,
}

impl<'a> Iterator for Ids<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.row == self.index.opened.rows {
            return None;
        }
        self.row += 1;
        Some(self.index.id(self.row - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.index.opened.rows - self.row;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Ids<'_> {}
