//! Writes an index file, batch by batch.

use std::collections::HashSet;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::columns::known_kind;
use super::error::SongIndexError;
use super::format::{self, HashingWriter, MetadataHash};
use super::publish::Draft;
use crate::embedding::{self, EmbeddingError, Fingerprint, UNIT_TOLERANCE};
use crate::song::{COLUMNS, Kind, Song, SongId, Value};

/// Text columns have 32-bit offsets; a batch is closed before one of them can overflow.
const MAX_BATCH_TEXT: usize = 1 << 30;

/// How [`SongIndexWriter`] writes.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The length of the vectors, 1 to 65,536.
    pub dim: usize,
    /// The space of the vectors, where it is known; queries from another space are then refused.
    pub fingerprint: Option<Fingerprint>,
    /// Scale each vector to length 1; otherwise a vector of another length is refused.
    pub normalize: bool,
    /// After how many rows a batch is written. The writer holds about one batch in memory; an index of one batch
    /// gives all vectors as one slice. A batch is closed early should its text reach a gigabyte.
    pub batch_rows: usize,
    /// The columns beside `id` and the vector: known ones, and others, which hold text. A song with a cell in a
    /// column that is not listed is refused, so that nothing is lost in silence. At most 9,998.
    pub columns: Vec<String>,
}

impl WriterOptions {
    /// For vectors of `dim` values that have length 1 and come from an unknown space; all known columns; batches of
    /// 16,384 rows.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            fingerprint: None,
            normalize: false,
            batch_rows: 16_384,
            columns: COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// Writes an index file; nothing is seen of it until [`finish`](Self::finish), which puts it in place in one step.
///
/// Dropped without `finish`, it leaves no file behind and the old file as it was. Readers that have the old file open
/// keep it.
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
    path: std::path::PathBuf,
    schema: SchemaRef,
    /// `None` after an error that left the file in an unknown state.
    file: Option<FileWriter<HashingWriter<BufWriter<Draft>>>>,
    hash: MetadataHash,
    batch_checksums: Vec<String>,
    ids: HashSet<SongId>,
    /// The names of the options' columns.
    listed: HashSet<String>,
    batch: BatchBuilder,
}

struct BatchBuilder {
    rows: usize,
    text: usize,
    id: StringBuilder,
    columns: Vec<(String, ColumnBuilder)>,
    vectors: Vec<f32>,
}

enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Real(Float64Builder),
    Flag(BooleanBuilder),
}

impl SongIndexWriter {
    /// Begins a file beside `path`, which may exist. What it replaces keeps its permissions (on Unix), and a
    /// symbolic link stays one: the file that it points to is replaced.
    ///
    /// # Errors
    /// If the options make no sense, if the folder cannot be written to, or if there is something else than a regular
    /// file at `path`, such as a folder or a device.
    pub fn create(path: impl AsRef<Path>, options: WriterOptions) -> Result<Self, SongIndexError> {
        let path = path.as_ref();
        check(&options)?;
        let schema = schema(&options);
        let draft = Draft::create(path)?;
        let ipc = IpcWriteOptions::try_new(format::ALIGNMENT, false, MetadataVersion::V5)
            .map_err(|error| write_error(path, error))?;
        let sink = HashingWriter::new(BufWriter::new(draft));
        let mut file = FileWriter::try_new_with_options(sink, &schema, ipc)
            .map_err(|error| write_error(path, error))?;
        let start = file.get_mut().end_piece();
        Ok(Self {
            path: path.to_owned(),
            schema: Arc::new(schema),
            file: Some(file),
            hash: MetadataHash::new(&start.message),
            batch_checksums: Vec::new(),
            ids: HashSet::new(),
            listed: options.columns.iter().cloned().collect(),
            batch: BatchBuilder::new(&options.columns),
            options,
        })
    }

    /// Adds a song with its vector.
    ///
    /// # Errors
    /// If the vector has another dimension, is not finite or not of length 1, if the id was there before, or a cell
    /// cannot be written; the song is then not added and the writer can go on. If the file cannot be written,
    /// every later call fails too.
    pub fn push(&mut self, song: &Song, vector: &[f32]) -> Result<(), SongIndexError> {
        if self.file.is_none() {
            return Err(self.failed());
        }
        let normalized = self.check_vector(song, vector)?;
        self.check_cells(song)?;
        if !self.ids.insert(song.id.clone()) {
            return Err(self.bad_row(song, "this id was there before; ids must be unique"));
        }
        let text = self.batch.text + text_len(song);
        if self.batch.rows > 0 && text > MAX_BATCH_TEXT {
            self.write_batch()?;
        }
        self.batch
            .push(song, normalized.as_deref().unwrap_or(vector));
        if self.batch.rows >= self.options.batch_rows {
            self.write_batch()?;
        }
        Ok(())
    }

    /// How many songs were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether no song was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Completes the file, makes it durable and puts it in place of whatever was at the path.
    ///
    /// # Errors
    /// If the file cannot be written; whatever was at the path is then still there. Only where the action of
    /// [`SongIndexError::Io`] is `"make durable"` has the new file taken its place already, complete, but might not
    /// survive a power cut.
    pub fn finish(mut self) -> Result<(), SongIndexError> {
        if self.batch.rows > 0 {
            self.write_batch()?;
        }
        let Some(mut file) = self.file.take() else {
            return Err(self.failed());
        };
        let rows = self.ids.len() as u64;
        file.write_metadata(format::KEY_ROWS, rows.to_string());
        file.write_metadata(format::KEY_BATCH_CHECKSUMS, self.batch_checksums.join(" "));
        file.write_metadata(format::KEY_CHECKSUM, self.hash.finish(rows));
        let buffered = file
            .into_inner()
            .map_err(|error| write_error(&self.path, error))?
            .into_inner();
        let draft = buffered
            .into_inner()
            .map_err(|error| SongIndexError::io("write", &self.path)(error.into_error()))?;
        draft.publish()
    }

    fn write_batch(&mut self) -> Result<(), SongIndexError> {
        let Some(mut file) = self.file.take() else {
            return Err(self.failed());
        };
        let columns = self.batch.take(self.options.dim);
        RecordBatch::try_new(self.schema.clone(), columns)
            .and_then(|batch| file.write(&batch))
            .map_err(|error| write_error(&self.path, error))?;
        let piece = file.get_mut().end_piece();
        let body_len = piece.len - piece.message.len() as u64;
        self.hash
            .batch(piece.at, body_len, &piece.message, &piece.checksum);
        self.batch_checksums.push(piece.checksum);
        self.file = Some(file);
        Ok(())
    }

    /// Returns the scaled vector where scaling was asked for.
    fn check_vector(
        &self,
        song: &Song,
        vector: &[f32],
    ) -> Result<Option<Vec<f32>>, SongIndexError> {
        let bad = |source| SongIndexError::BadVector {
            row: self.len(),
            id: song.id.to_string(),
            source,
        };
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
                    return Err(self.bad_row(song, format_args!("column {name:?} holds {value}")));
                }
                Some(_) if self.listed.contains(*name) => {}
                Some(_) => return Err(self.not_listed(song, name)),
            }
        }
        for name in song.extra.keys() {
            // `Song::get` answers from the field of that name, so the text would be dropped.
            if known_kind(name).is_some() || is_reserved(name) {
                return Err(self.bad_row(
                    song,
                    format_args!(
                        "`extra` holds {name:?}, which is a column of the index itself; fill the field of that name, \
                         or rename it"
                    ),
                ));
            }
            if !self.listed.contains(name) {
                return Err(self.not_listed(song, name));
            }
        }
        if text_len(song) > MAX_BATCH_TEXT {
            return Err(self.bad_row(song, "the song holds more than a gigabyte of text"));
        }
        Ok(())
    }

    fn not_listed(&self, song: &Song, name: &str) -> SongIndexError {
        self.bad_row(
            song,
            format_args!("column {name:?} is not among the columns to write"),
        )
    }

    fn bad_row(&self, song: &Song, what: impl ToString) -> SongIndexError {
        SongIndexError::BadRow {
            row: self.len(),
            id: song.id.to_string(),
            what: what.to_string(),
        }
    }

    fn failed(&self) -> SongIndexError {
        SongIndexError::WriterFailed {
            path: self.path.clone(),
        }
    }
}

impl std::fmt::Debug for SongIndexWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SongIndexWriter")
            .field("path", &self.path)
            .field("rows", &self.len())
            .finish_non_exhaustive()
    }
}

fn check(options: &WriterOptions) -> Result<(), SongIndexError> {
    let bad = |what: String| Err(SongIndexError::BadOptions { what });
    if !(1..=format::MAX_DIM).contains(&options.dim) {
        let max = format::MAX_DIM;
        return bad(format!("{} dimensions, expected 1 to {max}", options.dim));
    }
    if options.batch_rows == 0 {
        return bad("batches of 0 rows".to_owned());
    }
    // The id and the vector are columns too.
    if options.columns.len() + 2 > format::MAX_COLUMNS {
        return bad(format!(
            "{} columns, expected at most {}",
            options.columns.len(),
            format::MAX_COLUMNS - 2
        ));
    }
    let mut names = HashSet::new();
    for name in &options.columns {
        if name.is_empty() || is_reserved(name) {
            return bad(format!(
                "a column cannot be named {name:?} (not empty, not `id` or `embedding`, not starting with `{}`)",
                format::HELPER_PREFIX
            ));
        }
        if !names.insert(name) {
            return bad(format!("column {name:?} is listed twice"));
        }
    }
    Ok(())
}

/// Whether a column of this name means something to the format itself.
fn is_reserved(name: &str) -> bool {
    name.starts_with(format::HELPER_PREFIX) || [format::ID, format::EMBEDDING].contains(&name)
}

fn schema(options: &WriterOptions) -> Schema {
    let mut fields = vec![Field::new(format::ID, DataType::Utf8, false)];
    for name in &options.columns {
        let data_type = match known_kind(name).unwrap_or(Kind::Text) {
            Kind::Text => DataType::Utf8,
            Kind::Integer => DataType::Int64,
            Kind::Real => DataType::Float64,
            Kind::Flag => DataType::Boolean,
        };
        fields.push(Field::new(name, data_type, true));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "at most MAX_DIM"
    )]
    let vector = DataType::FixedSizeList(value_field(), options.dim as i32);
    fields.push(Field::new(format::EMBEDDING, vector, false));
    let mut metadata = vec![
        (format::KEY_FORMAT.to_owned(), format::FORMAT.to_string()),
        (format::KEY_DIM.to_owned(), options.dim.to_string()),
    ];
    if let Some(fingerprint) = &options.fingerprint {
        metadata.push((format::KEY_FINGERPRINT.to_owned(), fingerprint.to_string()));
    }
    Schema::new_with_metadata(
        fields,
        metadata
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>(),
    )
}

fn value_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

fn text_len(song: &Song) -> usize {
    let cells = COLUMNS.iter().filter_map(|(name, _)| match song.get(name) {
        Some(Value::Text(text)) => Some(text.len()),
        _ => None,
    });
    song.id.as_str().len()
        + cells.sum::<usize>()
        + song.extra.values().map(String::len).sum::<usize>()
}

fn write_error(path: &Path, error: ArrowError) -> SongIndexError {
    let source = match error {
        ArrowError::IoError(_, source) => source,
        other => std::io::Error::other(other),
    };
    SongIndexError::io("write", path)(source)
}

impl BatchBuilder {
    fn new(columns: &[String]) -> Self {
        let builder = |name: &String| {
            let builder = match known_kind(name).unwrap_or(Kind::Text) {
                Kind::Text => ColumnBuilder::Text(StringBuilder::new()),
                Kind::Integer => ColumnBuilder::Integer(Int64Builder::new()),
                Kind::Real => ColumnBuilder::Real(Float64Builder::new()),
                Kind::Flag => ColumnBuilder::Flag(BooleanBuilder::new()),
            };
            (name.clone(), builder)
        };
        Self {
            rows: 0,
            text: 0,
            id: StringBuilder::new(),
            columns: columns.iter().map(builder).collect(),
            vectors: Vec::new(),
        }
    }

    fn push(&mut self, song: &Song, vector: &[f32]) {
        self.rows += 1;
        self.text += text_len(song);
        self.id.append_value(song.id.as_str());
        for (name, column) in &mut self.columns {
            let cell = song.get(name);
            match column {
                ColumnBuilder::Text(column) => column.append_option(match cell {
                    Some(Value::Text(text)) => Some(text),
                    _ => None,
                }),
                ColumnBuilder::Integer(column) => column.append_option(match cell {
                    Some(Value::Integer(number)) => Some(number),
                    _ => None,
                }),
                ColumnBuilder::Real(column) => column.append_option(match cell {
                    Some(Value::Real(number)) => Some(number),
                    _ => None,
                }),
                ColumnBuilder::Flag(column) => column.append_option(match cell {
                    Some(Value::Flag(flag)) => Some(flag),
                    _ => None,
                }),
            }
        }
        self.vectors.extend_from_slice(vector);
    }

    /// The columns in the order of the schema; the builder is empty afterwards.
    fn take(&mut self, dim: usize) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.id.finish())];
        for (_, column) in &mut self.columns {
            columns.push(match column {
                ColumnBuilder::Text(column) => Arc::new(column.finish()),
                ColumnBuilder::Integer(column) => Arc::new(column.finish()),
                ColumnBuilder::Real(column) => Arc::new(column.finish()),
                ColumnBuilder::Flag(column) => Arc::new(column.finish()),
            });
        }
        let values = Arc::new(Float32Array::from(std::mem::take(&mut self.vectors)));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "at most MAX_DIM"
        )]
        columns.push(Arc::new(FixedSizeListArray::new(
            value_field(),
            dim as i32,
            values,
            None,
        )));
        self.rows = 0;
        self.text = 0;
        columns
    }
}
