//! Writes an index file, batch by batch. The caller has already checked the rows.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, SchemaRef};

use super::cells::{Cells, plain_text};
use super::checksum::{HashingWriter, MetadataHash};
use super::layout::{self, list_len, value_field};
use super::schema::{FileSchema, schema};
use crate::index::edit::publish::Draft;
use crate::index::error::SongIndexError;
use crate::index::quantized::QuantizedVectors;
use crate::song::{Kind, Value};

/// Text columns have 32-bit offsets; a batch is closed before one of them can overflow.
pub(crate) const MAX_BATCH_TEXT: usize = 1 << 30;

/// A file that is being written. Readers cannot see it until its draft is published.
pub(crate) struct BatchWriter {
    path: PathBuf,
    layout: FileSchema,
    schema: SchemaRef,
    /// `None` after an error that left the file in an unknown state.
    file: Option<FileWriter<HashingWriter<BufWriter<Draft>>>>,
    hash: MetadataHash,
    batch_checksums: Vec<String>,
    rows: u64,
    batch: BatchBuilder,
}

struct BatchBuilder {
    rows: usize,
    text: usize,
    id: StringBuilder,
    columns: Vec<ColumnBuilder>,
    vectors: Vec<f32>,
    biases: Vec<f32>,
}

/// A column of a batch that is being filled.
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Real(Float64Builder),
    Flag(BooleanBuilder),
}

impl BatchWriter {
    pub(crate) fn create(path: &Path, layout: FileSchema) -> Result<Self, SongIndexError> {
        let schema = schema(&layout);
        let draft = Draft::create(path)?;
        let ipc = IpcWriteOptions::try_new(layout::ALIGNMENT, false, MetadataVersion::V5)
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
            rows: 0,
            batch: BatchBuilder::new(&layout.columns),
            layout,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if an earlier error left the file in an unknown state.
    pub(crate) fn check_usable(&self) -> Result<(), SongIndexError> {
        match &self.file {
            Some(_) => Ok(()),
            None => Err(SongIndexError::WriterFailed { path: self.path.clone() }),
        }
    }

    /// Adds a row. `text` is the number of bytes of its text, id included; `fill` appends the cell
    /// of each column, by its position in the layout. A bias must be given if the layout names a
    /// query bank.
    pub(crate) fn push(
        &mut self,
        id: &str,
        vector: &[f32],
        bias: Option<f32>,
        text: usize,
        mut fill: impl FnMut(usize, &mut ColumnBuilder),
    ) -> Result<(), SongIndexError> {
        let batch = &self.batch;
        if batch.rows > 0 && batch.text.saturating_add(text) > MAX_BATCH_TEXT {
            self.write_batch()?;
        }
        let batch = &mut self.batch;
        batch.rows += 1;
        batch.text += text;
        batch.id.append_value(id);
        for (at, column) in batch.columns.iter_mut().enumerate() {
            fill(at, column);
        }
        batch.vectors.extend_from_slice(vector);
        batch.biases.extend(bias);
        self.rows += 1;
        if batch.rows >= self.layout.batch_rows {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Completes the file. The caller publishes it.
    pub(crate) fn finish(mut self) -> Result<Draft, SongIndexError> {
        self.check_usable()?;
        if self.batch.rows > 0 {
            self.write_batch()?;
        }
        let Some(mut file) = self.file.take() else {
            return Err(SongIndexError::WriterFailed { path: self.path });
        };
        file.write_metadata(layout::KEY_ROWS, self.rows.to_string());
        file.write_metadata(layout::KEY_BATCH_CHECKSUMS, self.batch_checksums.join(" "));
        file.write_metadata(layout::KEY_CHECKSUM, self.hash.finish(self.rows));
        let buffered =
            file.into_inner().map_err(|error| write_error(&self.path, error))?.into_inner();
        buffered
            .into_inner()
            .map_err(|error| SongIndexError::io("write", &self.path)(error.into_error()))
    }

    fn write_batch(&mut self) -> Result<(), SongIndexError> {
        self.check_usable()?;
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let columns = self.batch.take(&self.layout);
        RecordBatch::try_new(self.schema.clone(), columns)
            .and_then(|batch| file.write(&batch))
            .map_err(|error| write_error(&self.path, error))?;
        let piece = file.get_mut().end_piece();
        let body_len = piece.len - piece.message.len() as u64;
        self.hash.batch(piece.at, body_len, &piece.message, &piece.checksum);
        self.batch_checksums.push(piece.checksum);
        self.file = Some(file);
        Ok(())
    }
}

fn write_error(path: &Path, error: ArrowError) -> SongIndexError {
    let source = match error {
        ArrowError::IoError(_, source) => source,
        other => std::io::Error::other(other),
    };
    SongIndexError::io("write", path)(source)
}

impl ColumnBuilder {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Real => Self::Real(Float64Builder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
        }
    }

    /// Appends a cell. A value of another kind is written as null.
    pub(crate) fn append(&mut self, cell: Option<Value>) {
        match self {
            Self::Text(column) => column.append_option(match cell {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            }),
            Self::Integer(column) => column.append_option(match cell {
                Some(Value::Integer(number)) => Some(number),
                _ => None,
            }),
            Self::Real(column) => column.append_option(match cell {
                Some(Value::Real(number)) => Some(number),
                _ => None,
            }),
            Self::Flag(column) => column.append_option(match cell {
                Some(Value::Flag(flag)) => Some(flag),
                _ => None,
            }),
        }
    }

    /// Like [`append`](Self::append), but a value of any kind may go into a column of text.
    pub(crate) fn append_changed(&mut self, cell: Option<Value>) {
        match self {
            Self::Text(column) => column.append_option(cell.map(plain_text)),
            column => column.append(cell),
        }
    }

    /// Like [`append`](Self::append), for a cell of an index's column, without copying its text.
    pub(crate) fn append_from(&mut self, cells: &Cells, row: usize) {
        match (self, cells) {
            (Self::Text(column), Cells::Text(cells)) => {
                column.append_option((!cells.is_null(row)).then(|| cells.value(row)));
            }
            (column, cells) => column.append(cells.get(row)),
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Integer(column) => Arc::new(column.finish()),
            Self::Real(column) => Arc::new(column.finish()),
            Self::Flag(column) => Arc::new(column.finish()),
        }
    }
}

impl BatchBuilder {
    fn new(columns: &[(String, Kind)]) -> Self {
        Self {
            rows: 0,
            text: 0,
            id: StringBuilder::new(),
            columns: columns.iter().map(|(_, kind)| ColumnBuilder::new(*kind)).collect(),
            vectors: Vec::new(),
            biases: Vec::new(),
        }
    }

    /// Returns the columns in the order of the schema, and leaves the builder empty.
    fn take(&mut self, layout: &FileSchema) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.id.finish())];
        columns.extend(self.columns.iter_mut().map(ColumnBuilder::finish));
        let vectors = std::mem::take(&mut self.vectors);
        let dim = list_len(layout.dim);
        let quantized = layout.quantized.then(|| QuantizedVectors::new(&vectors, layout.dim));
        let values = Arc::new(Float32Array::from(vectors));
        columns.push(Arc::new(FixedSizeListArray::new(value_field(), dim, values, None)));
        columns.extend(quantized.into_iter().flat_map(|vectors| vectors.into_arrays(dim)));
        let biases = std::mem::take(&mut self.biases);
        if layout.query_bank.is_some() {
            columns.push(Arc::new(Float32Array::from(biases)));
        }
        self.rows = 0;
        self.text = 0;
        columns
    }
}
