//! Checks every byte and every row of an index.

use crate::embedding::UNIT_TOLERANCE;
use crate::index::{SongIndex, SongIndexError};
use crate::progress::Progress;
use crate::simd::Backend;

/// The number of rows checked between two progress reports.
const ROWS_A_REPORT: usize = 16_384;

/// Reports how many rows are done. An error stops the work.
type Report<'a> = dyn FnMut(usize) -> Result<(), SongIndexError> + 'a;

impl SongIndex {
    /// Checks everything that [`open`](Self::open) does not: every batch matches its checksum (if
    /// the file has checksums); every vector is finite, has length 1 and is close to its quantized
    /// copy; ids are unique; and every column can be read.
    ///
    /// This takes one pass over the file: about a third of a second per gigabyte on one core, if
    /// the file is in memory.
    ///
    /// # Errors
    /// The first problem found: [`SongIndexError::Damaged`], or [`SongIndexError::Unusable`] if two
    /// rows have the same id, which damage cannot cause in a file with checksums.
    pub fn verify(&self) -> Result<(), SongIndexError> {
        self.verify_with(&mut ())
    }

    /// [`verify`](Self::verify) with progress reports, in rows. Each stage passes over all rows.
    ///
    /// # Errors
    /// The same as for [`verify`](Self::verify), or [`SongIndexError::Cancelled`].
    pub fn verify_with(&self, progress: &mut dyn Progress) -> Result<(), SongIndexError> {
        let total = Some(self.len() as u64);
        let mut report =
            |stage, done: usize| Ok::<_, SongIndexError>(progress.at(stage, done as u64, total)?);
        self.check_batches(&mut |done| report("comparing checksums", done))?;
        self.check_unique_ids()?;
        self.check_vectors(&mut |done| report("checking vectors", done))?;
        self.check_columns(&mut |done| report("checking columns", done))
    }

    fn check_batches(&self, report: &mut Report<'_>) -> Result<(), SongIndexError> {
        let mut rows = 0;
        report(rows)?;
        for shard in &self.opened.shards {
            for (at, batch) in shard.segment.batches.iter().enumerate() {
                shard.segment.check_batch(at, &mut || report(rows))?;
                rows += batch.rows;
                report(rows)?;
            }
        }
        Ok(())
    }

    fn check_vectors(&self, report: &mut Report<'_>) -> Result<(), SongIndexError> {
        let backend = Backend::detect();
        for span in self.spans(0..self.len()) {
            for at in span.range.clone() {
                let row = span.first_row + at;
                if row % ROWS_A_REPORT == 0 {
                    report(row)?;
                }
                let vector = self.vector(row);
                // A NaN or infinity in any position makes the sum NaN or infinite.
                let length = backend.dot_f64(vector, vector).sqrt();
                let is_unit = (length - 1.0).abs() <= UNIT_TOLERANCE;
                if !is_unit {
                    return Err(self.bad_vector(row));
                }
                let quantized = span.batch.quantized.as_ref();
                if quantized.is_some_and(|quantized| !quantized.bounds_hold(at, vector)) {
                    return Err(SongIndexError::damaged(
                        &span.shard.segment.path,
                        format_args!("row {row}: its quantized vector does not match its vector"),
                    ));
                }
            }
        }
        report(self.len())
    }

    fn check_columns(&self, report: &mut Report<'_>) -> Result<(), SongIndexError> {
        for span in self.spans(0..self.len()) {
            report(span.first_row)?;
            for column in 0..self.columns().len() {
                self.cells(span.shard, span.batch, column)?;
            }
        }
        report(self.len())
    }

    pub(crate) fn check_unique_ids(&self) -> Result<(), SongIndexError> {
        let Some(row) = self.lookup().duplicate else {
            return Ok(());
        };
        let (shard, ..) = self.locate(row);
        Err(SongIndexError::unusable(
            &shard.segment.path,
            format_args!(
                "row {row} repeats the id {:?} of an earlier row; ids must be unique",
                self.id(row)
            ),
        ))
    }
}
