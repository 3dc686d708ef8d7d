//! Writes an index file, song by song.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::batch_writer::{BatchWriter, MAX_BATCH_TEXT};
use super::cells::{known_kind, written_kind};
use super::layout;
use super::schema::FileSchema;
use crate::embedding::{self, EmbeddingError, Fingerprint, UNIT_TOLERANCE};
use crate::index::error::SongIndexError;
use crate::progress::{Progress, Stage};
use crate::song::{COLUMNS, Song, SongId, Value};

/// Options of [`SongIndexWriter`].
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The dimension of the vectors, 1 to 65,536.
    pub dim: usize,
    /// The space of the vectors, if known. Queries from another space are then rejected.
    pub fingerprint: Option<Fingerprint>,
    /// How the songs were described, if their vectors were made from descriptions: a JSON object
    /// that `catalog::build_index` writes and reads.
    pub recipe: Option<String>,
    /// Scale each vector to length 1. Otherwise a vector of another length is rejected.
    pub normalize: bool,
    /// The number of rows per batch. The writer holds about one batch in memory; an index with a
    /// single batch gives all vectors as one slice. A batch is closed early if its text reaches a
    /// gigabyte.
    pub batch_rows: usize,
    /// The columns other than `id` and the vector. Columns that PixelPlay does not know hold text.
    /// A song with a value in a column that is not listed is rejected, so that no data is lost
    /// silently. At most 9,998.
    pub columns: Vec<String>,
    /// Also write each vector as 8-bit integers. The file is a quarter larger, and searches read
    /// the integers instead of the vectors, which is a quarter of the bytes. The results are the
    /// same.
    pub quantized: bool,
}

impl WriterOptions {
    /// Returns options for vectors of `dim` values that have length 1 and come from an unknown
    /// space, with all known columns, batches of 16,384 rows, and quantized vectors.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            fingerprint: None,
            recipe: None,
            normalize: false,
            batch_rows: 16_384,
            columns: COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            quantized: true,
        }
    }
}

/// Writes an index file. Readers cannot see it until [`finish`](Self::finish) puts it in place
/// atomically.
///
/// If the writer is dropped without `finish`, no file is left behind and the old file is unchanged.
/// Readers that have the old file open keep using it.
///
/// ```
/// use pixelplay_core::index::{SongIndex, SongIndexWriter, WriterOptions};
/// use pixelplay_core::{Song, SongId};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("songs.arrow");
/// let mut writer = SongIndexWriter::create(&path, WriterOptions::new(2))?;
/// for (id, vector) in [("east", [1.0, 0.0]), ("north", [0.0, 1.0])] {
///     writer.push(&Song::new(SongId::new(id).unwrap()), &vector)?;
/// }
/// writer.finish()?;
/// assert_eq!(SongIndex::open(&path)?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SongIndexWriter {
    options: WriterOptions,
    table: BatchWriter,
    ids: HashSet<SongId>,
    /// The names in [`WriterOptions::columns`].
    listed: HashSet<String>,
}

impl SongIndexWriter {
    /// Starts writing a temporary file next to `path`. If `path` exists, the new file takes over
    /// its permissions (on Unix); if it is a symbolic link, the file that it points to is replaced.
    ///
    /// # Errors
    /// If the options are invalid, if the folder cannot be written to, or if `path` exists and is
    /// not a regular file (for example a folder or a device).
    pub fn create(path: impl AsRef<Path>, options: WriterOptions) -> Result<Self, SongIndexError> {
        check(&options)?;
        let kind = |name: &String| (name.clone(), written_kind(name));
        let file = FileSchema {
            dim: options.dim,
            fingerprint: options.fingerprint.clone(),
            recipe: options.recipe.clone(),
            columns: options.columns.iter().map(kind).collect(),
            batch_rows: options.batch_rows,
            quantized: options.quantized,
            query_bank: None,
        };
        Ok(Self {
            table: BatchWriter::create(path.as_ref(), file)?,
            ids: HashSet::new(),
            listed: options.columns.iter().cloned().collect(),
            options,
        })
    }

    /// Adds a song with its vector.
    ///
    /// # Errors
    /// If the vector has another dimension, is not finite or does not have length 1, if the id is a
    /// duplicate, or if a cell cannot be written. The song is then not added, and the writer stays
    /// usable. If the file cannot be written, every later call fails too.
    pub fn push(&mut self, song: &Song, vector: &[f32]) -> Result<(), SongIndexError> {
        self.table.check_usable()?;
        let normalized = self.check_vector(song, vector)?;
        self.check_cells(song)?;
        if !self.ids.insert(song.id.clone()) {
            return Err(self.bad_row(song, "duplicate id; ids must be unique"));
        }
        let columns = &self.options.columns;
        self.table.push(
            song.id.as_str(),
            normalized.as_deref().unwrap_or(vector),
            None,
            text_len(song),
            |at, column| column.append(song.get(&columns[at])),
        )
    }

    /// Returns the number of songs added so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether no song has been added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Completes the file, syncs it to disk and moves it to the path, replacing any old file. Waits
    /// until any [`SongIndexEditor`](crate::index::SongIndexEditor) of that file, in any process,
    /// is done.
    ///
    /// # Errors
    /// If the file cannot be written. The old file, if any, is then still in place. There is one
    /// exception: if the action of [`SongIndexError::Io`] is `"make durable"`, the complete new
    /// file is already in place, but might not survive a power cut.
    pub fn finish(self) -> Result<(), SongIndexError> {
        self.table.finish()?.publish_alone()
    }

    /// Checks a vector, and returns the scaled one if scaling was asked for.
    fn check_vector(
        &self,
        song: &Song,
        vector: &[f32],
    ) -> Result<Option<Vec<f32>>, SongIndexError> {
        let bad =
            |source| SongIndexError::BadVector { row: self.len(), id: song.id.to_string(), source };
        if vector.len() != self.options.dim {
            return Err(bad(EmbeddingError::DimMismatch {
                expected: self.options.dim,
                found: vector.len(),
            }));
        }
        if self.options.normalize {
            let mut scaled = vector.to_vec();
            embedding::normalize_in_place(&mut scaled).map_err(bad)?;
            return Ok(Some(scaled));
        }
        let norm = embedding::norm(vector).map_err(bad)?;
        if (norm - 1.0).abs() > UNIT_TOLERANCE {
            return Err(bad(EmbeddingError::NotUnit { norm }));
        }
        Ok(None)
    }

    fn check_cells(&self, song: &Song) -> Result<(), SongIndexError> {
        for (name, _) in COLUMNS {
            match song.get(name) {
                None => {}
                Some(Value::Real(value)) if !value.is_finite() => {
                    return Err(
                        self.bad_row(song, format_args!("column {name:?} contains {value}"))
                    );
                }
                Some(_) if self.listed.contains(*name) => {}
                Some(_) => return Err(self.not_listed(song, name)),
            }
        }
        for name in song.extra.keys() {
            // `Song::get` reads the field of that name, so the text would be lost.
            if known_kind(name).is_some() || is_reserved(name) {
                return Err(self.bad_row(
                    song,
                    format_args!(
                        "`extra` holds {name:?}, which is a column of the index itself; set the field of that name, \
                         or rename it"
                    ),
                ));
            }
            if !self.listed.contains(name) {
                return Err(self.not_listed(song, name));
            }
        }
        if text_len(song) > MAX_BATCH_TEXT {
            return Err(self.bad_row(song, "the song has more than a gigabyte of text"));
        }
        Ok(())
    }

    fn not_listed(&self, song: &Song, name: &str) -> SongIndexError {
        self.bad_row(song, format_args!("column {name:?} is not among the columns to write"))
    }

    fn bad_row(&self, song: &Song, what: impl ToString) -> SongIndexError {
        SongIndexError::BadRow { row: self.len(), id: song.id.to_string(), what: what.to_string() }
    }
}

/// Writes an index of songs whose vectors are all in memory: `vectors` has shape `(songs, dim)`.
///
/// The index has one batch, so [`SongIndex::vectors`](crate::index::SongIndex::vectors) returns all
/// vectors as one slice; [`WriterOptions::batch_rows`] is ignored. Extra columns of the songs need
/// not be listed.
///
/// ```
/// use pixelplay_core::index::{SongIndex, WriterOptions, write_index};
/// use pixelplay_core::{Song, SongId};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("songs.arrow");
/// let songs = ["a", "b"].map(|id| Song::new(SongId::new(id).unwrap()));
/// let options = WriterOptions { normalize: true, ..WriterOptions::new(2) };
/// write_index(&path, &songs, &[3.0, 4.0, 1.0, 0.0], options)?;
/// assert_eq!(SongIndex::open(&path)?.vectors(), Some([0.6, 0.8, 1.0, 0.0].as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SongIndexError::BadOptions`] if the numbers of vectors and songs differ; otherwise the same as
/// for [`SongIndexWriter`].
pub fn write_index(
    path: impl AsRef<Path>,
    songs: &[Song],
    vectors: &[f32],
    options: WriterOptions,
) -> Result<(), SongIndexError> {
    write_index_with(path, songs, vectors, options, &mut ())
}

/// [`write_index`] that reports progress and can be cancelled.
///
/// # Errors
/// The same as for [`write_index`], or [`SongIndexError::Cancelled`].
pub fn write_index_with(
    path: impl AsRef<Path>,
    songs: &[Song],
    vectors: &[f32],
    mut options: WriterOptions,
    progress: &mut dyn Progress,
) -> Result<(), SongIndexError> {
    let mut stage = Stage::of(progress, "writing songs", songs.len());
    if songs.len().checked_mul(options.dim) != Some(vectors.len()) {
        return Err(SongIndexError::BadOptions {
            what: format!(
                "{} numbers, expected {} vectors of {} dimensions",
                vectors.len(),
                songs.len(),
                options.dim
            ),
        });
    }
    let extra: BTreeSet<&String> = songs.iter().flat_map(|song| song.extra.keys()).collect();
    for name in extra {
        // `push` rejects reserved names, with an error that names the row.
        if !options.columns.contains(name) && known_kind(name).is_none() && !is_reserved(name) {
            options.columns.push(name.clone());
        }
    }
    options.batch_rows = songs.len().max(1);
    let dim = options.dim;
    let mut writer = SongIndexWriter::create(path, options)?;
    for (row, song) in songs.iter().enumerate() {
        if row.is_multiple_of(1024) {
            stage.at(row as u64)?;
        }
        writer.push(song, &vectors[row * dim..(row + 1) * dim])?;
    }
    stage.at(songs.len() as u64)?;
    writer.finish()
}

impl std::fmt::Debug for SongIndexWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SongIndexWriter")
            .field("path", &self.table.path())
            .field("rows", &self.len())
            .finish_non_exhaustive()
    }
}

fn check(options: &WriterOptions) -> Result<(), SongIndexError> {
    let bad = |what: String| Err(SongIndexError::BadOptions { what });
    if !(1..=layout::MAX_DIM).contains(&options.dim) {
        let max = layout::MAX_DIM;
        return bad(format!("{} dimensions, expected 1 to {max}", options.dim));
    }
    if options.batch_rows == 0 {
        return bad("batches of 0 rows".to_owned());
    }
    // The id and the vector are columns too.
    if options.columns.len() + 2 > layout::MAX_COLUMNS {
        return bad(format!(
            "{} columns, expected at most {}",
            options.columns.len(),
            layout::MAX_COLUMNS - 2
        ));
    }
    let mut names = HashSet::new();
    for name in &options.columns {
        if name.is_empty() || is_reserved(name) {
            return bad(format!(
                "{name:?} cannot be a column name; it must not be empty, `id` or `embedding`, or start with `{}`",
                layout::HELPER_PREFIX
            ));
        }
        if !names.insert(name) {
            return bad(format!("column {name:?} is listed twice"));
        }
    }
    Ok(())
}

/// Returns whether the format itself uses a column of this name.
fn is_reserved(name: &str) -> bool {
    name.starts_with(layout::HELPER_PREFIX) || [layout::ID, layout::EMBEDDING].contains(&name)
}

/// Returns the number of bytes of text that a song has.
pub(crate) fn text_len(song: &Song) -> usize {
    let cells = COLUMNS.iter().filter_map(|(name, _)| match song.get(name) {
        Some(Value::Text(text)) => Some(text.len()),
        _ => None,
    });
    song.id.as_str().len()
        + cells.sum::<usize>()
        + song.extra.values().map(String::len).sum::<usize>()
}
