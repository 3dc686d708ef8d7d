//! One index file, checked and ready to be read.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::SchemaRef;

use super::batch_reader::Record;
use super::cells::{Cells, Text};
use super::layout;
use super::vector_file::VectorFile;
use crate::embedding::Fingerprint;
use crate::index::error::SongIndexError;
use crate::index::quantized::QuantizedVectors;
use crate::song::Kind;

/// The number of bytes hashed between two progress reports.
const BYTES_A_REPORT: usize = 64 << 20;

/// Distinguishes a file from its replacement by length and modification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp(Option<(u64, SystemTime)>);

impl Stamp {
    pub(crate) fn of(metadata: io::Result<fs::Metadata>) -> Self {
        Self(metadata.ok().and_then(|m| Some((m.len(), m.modified().ok()?))))
    }
}

/// One index file.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// The file's stamp when it was opened.
    pub(crate) stamp: Stamp,
    pub(crate) dim: usize,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// How the songs were described. Only the catalogue interprets it.
    pub(crate) recipe: Option<String>,
    /// The query bank that the songs' biases come from; see
    /// [`correction`](crate::index::hubness::correction).
    pub(crate) query_bank: Option<String>,
    /// The song columns in the file's order, each with its position in the schema.
    pub(crate) columns: Vec<(String, Kind, usize)>,
    pub(crate) batches: Vec<Batch>,
    /// BLAKE3 of each batch, in hex; `None` for a file written by another program.
    pub(crate) checksums: Option<Vec<String>>,
    pub(super) schema: SchemaRef,
    pub(super) bytes: Buffer,
    /// The source of vectors for exact scores, if it is not `bytes`.
    pub(super) vector_file: Option<VectorFile>,
}

/// One batch of rows.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) ids: Text,
    /// Shape `(rows, dim)`, row by row.
    pub(crate) vectors: ScalarBuffer<f32>,
    pub(crate) quantized: Option<QuantizedVectors>,
    pub(crate) biases: Option<ScalarBuffer<f32>>,
    /// The cells of each of [`Segment::columns`], decoded on first use.
    pub(super) cells: Vec<OnceLock<Result<Cells, String>>>,
    pub(super) place: Place,
    pub(super) record: Record,
}

/// The position of a batch, checked to be inside the file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) message: Range<usize>,
    pub(super) body: Range<usize>,
}

impl Segment {
    /// Returns a vector for an exact score, possibly read into `scratch`.
    pub(crate) fn vector<'a>(
        &'a self,
        batch: &'a Batch,
        row: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], SongIndexError> {
        let mapped = &batch.vectors[row * self.dim..(row + 1) * self.dim];
        let Some(file) = &self.vector_file else {
            return Ok(mapped);
        };
        let from_start = |start: usize| mapped.as_ptr().addr().checked_sub(start);
        let Some(at) = from_start(self.bytes.as_ptr().addr())
            .filter(|&at| at + size_of_val(mapped) <= self.bytes.len())
        else {
            // The vectors were not aligned, so they were copied when the file was opened.
            return Ok(mapped);
        };
        scratch.resize(self.dim, 0.0);
        file.read(at, scratch).map_err(SongIndexError::io("read", &self.path))?;
        Ok(scratch)
    }

    /// Returns the cells of a column of a batch; `column` is a position in [`Segment::columns`].
    pub(crate) fn cells(&self, batch: &Batch, column: usize) -> Result<Cells, SongIndexError> {
        let (name, kind, at) = &self.columns[column];
        batch.cells[column]
            .get_or_init(|| {
                let field = self.schema.field(*at);
                let array = batch.record.array(&self.bytes, *at, field.data_type())?;
                Cells::new(&array, *kind)
            })
            .clone()
            .map_err(|what| {
                SongIndexError::damaged(&self.path, format_args!("column {name:?} {what}"))
            })
    }

    /// Returns the bytes that the checksum of a batch covers.
    fn batch_bytes(&self, batch: &Batch) -> &[u8] {
        &self.bytes[batch.place.message.start..batch.place.body.end]
    }

    /// Compares a batch with its checksum, if it has one, and calls `report` from time to time.
    pub(crate) fn check_batch(
        &self,
        at: usize,
        report: &mut dyn FnMut() -> Result<(), SongIndexError>,
    ) -> Result<(), SongIndexError> {
        let Some(checksums) = &self.checksums else {
            return Ok(());
        };
        let mut hasher = blake3::Hasher::new();
        for bytes in self.batch_bytes(&self.batches[at]).chunks(BYTES_A_REPORT) {
            hasher.update(bytes);
            report()?;
        }
        if hasher.finalize().to_hex().as_str() == checksums[at] {
            return Ok(());
        }
        Err(SongIndexError::damaged(
            &self.path,
            format_args!("batch {at} does not match its checksum"),
        ))
    }

    /// Returns the name of a column that is not a helper column and whose type songs cannot hold,
    /// if there is one.
    pub(crate) fn foreign_column(&self) -> Option<&str> {
        let known: HashSet<usize> = self.columns.iter().map(|(_, _, at)| *at).collect();
        let fields = self.schema.fields().iter().enumerate();
        fields.filter(|(at, _)| !known.contains(at)).map(|(_, field)| field.name().as_str()).find(
            |name| {
                ![layout::ID, layout::EMBEDDING].contains(name)
                    && !name.starts_with(layout::HELPER_PREFIX)
            },
        )
    }
}
