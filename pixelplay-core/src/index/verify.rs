//! Checks every byte and every row of an index.

use std::ops::ControlFlow;

use super::{SongIndex, SongIndexError};
use crate::embedding::UNIT_TOLERANCE;
use crate::progress::{self, OnProgress, Progress};
use crate::simd::Backend;

/// How many rows are checked between two reports.
const ROWS_A_REPORT: usize = 16_384;

impl SongIndex {
    /// Checks all that [`open`](Self::open) leaves out: the checksum of every batch, where the file has them, that
    /// every vector is finite and of length 1, every id unique, and every column readable.
    ///
    /// Costs one pass over the file: about a third of a second a gigabyte on one core, if it is in memory.
    ///
    /// # Errors
    /// [`SongIndexError::Damaged`] with the first thing found.
    pub fn verify(&self) -> Result<(), SongIndexError> {
        self.verify_with(&mut progress::ignore)
    }

    /// [`verify`](Self::verify) with reports of progress, in rows.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), or [`SongIndexError::Cancelled`].
    pub fn verify_with(&self, on_progress: &mut OnProgress<'_>) -> Result<(), SongIndexError> {
        let mut report = |done: usize| match on_progress(Progress {
            stage: "checking rows",
            done: done as u64,
            total: Some(self.len() as u64),
        }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SongIndexError::Cancelled),
        };
        report(0)?;
        self.check_batches()?;
        self.check_unique_ids()?;
        let backend = Backend::detect();
        for row in 0..self.len() {
            let vector = self.vector(row);
            // NaN and infinities anywhere make the sum NaN or infinite.
            let length = backend.dot_f64(vector, vector).sqrt();
            if (length - 1.0).abs() <= UNIT_TOLERANCE {
                if (row + 1) % ROWS_A_REPORT == 0 {
                    report(row + 1)?;
                }
            } else {
                return Err(self.bad_vector(row));
            }
        }
        for span in self.spans(0..self.len()) {
            for column in 0..self.columns().len() {
                self.cells(span.shard, span.batch, column)?;
            }
        }
        report(self.len())
    }

    fn check_batches(&self) -> Result<(), SongIndexError> {
        for shard in &self.shards {
            let segment = &shard.segment;
            for (at, checksum) in segment.checksums.iter().flatten().enumerate() {
                let found = blake3::hash(segment.batch_bytes(&segment.batches[at]));
                if found.to_hex().as_str() != checksum {
                    return Err(SongIndexError::damaged(
                        &segment.path,
                        format_args!("batch {at} does not match its checksum"),
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_unique_ids(&self) -> Result<(), SongIndexError> {
        let Some(row) = self.lookup().duplicate else {
            return Ok(());
        };
        let (shard, ..) = self.locate(row);
        Err(SongIndexError::unusable(
            &shard.segment.path,
            format_args!(
                "row {row} has the id {:?} of an earlier row; ids must be unique",
                self.id(row)
            ),
        ))
    }
}
