//! Joins the files of an index, and finds the file and batch of a row.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::error::SongIndexError;
use super::file::{Batch, Cells, MAX_COLUMNS, Segment};
use super::id_table::MAX_ROWS;
use super::song_index::{Opened, SongIndex};
use crate::song::Kind;

/// The position that stands for the `id` column.
pub(super) const ID_COLUMN: usize = usize::MAX;

/// One file, and the positions of the index's columns in that file.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) segment: Segment,
    pub(super) columns: Vec<Option<usize>>,
}

impl Shard {
    /// Returns whether its vectors are also stored as 8-bit integers.
    pub(super) fn is_quantized(&self) -> bool {
        self.segment.batches.iter().all(|batch| batch.quantized.is_some())
    }

    /// Returns the number of rows of each batch.
    pub(super) fn batch_rows(&self) -> impl Iterator<Item = usize> {
        self.segment.batches.iter().map(|batch| batch.rows)
    }
}

/// A batch with at least one row, and its position in the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchAt {
    pub(super) first_row: usize,
    pub(super) shard: usize,
    pub(super) batch: usize,
}

/// Consecutive rows of one batch.
pub(super) struct Span<'a> {
    pub(super) shard: &'a Shard,
    pub(super) batch: &'a Batch,
    /// The row number, in the index, of the batch's first row.
    pub(super) first_row: usize,
    /// The range of rows within the batch.
    pub(super) range: Range<usize>,
}

impl SongIndex {
    /// Joins the files of an index.
    pub(super) fn join(path: &Path, segments: Vec<Segment>) -> Result<Self, SongIndexError> {
        let mut columns: Vec<(String, Kind)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut batches = Vec::new();
        let mut rows: usize = 0;
        let Some(first) = segments.first() else {
            return Err(SongIndexError::unusable(path, "it has no files"));
        };
        let (dim, fingerprint) = (first.dim, first.fingerprint.clone());
        let recipe = first.recipe.clone();
        for (shard, segment) in segments.iter().enumerate() {
            if segment.dim != dim || segment.fingerprint != fingerprint {
                return Err(SongIndexError::unusable(
                    &segment.path,
                    "its vectors come from a different encoder, or have a different dimension, than those of the first file",
                ));
            }
            if segment.recipe != recipe {
                return Err(SongIndexError::unusable(
                    &segment.path,
                    "its songs were described differently from those of the first file (metadata key `pixelplay.recipe`)",
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
                                "column {name:?} has a different type than in an earlier file"
                            ),
                        ));
                    }
                }
            }
            if columns.len() > MAX_COLUMNS {
                return Err(SongIndexError::unusable(
                    path,
                    format_args!("its files together have more than {} columns", MAX_COLUMNS),
                ));
            }
            for (batch, found) in segment.batches.iter().enumerate() {
                if found.rows > 0 {
                    batches.push(BatchAt { first_row: rows, shard, batch });
                }
                rows = rows.checked_add(found.rows).filter(|&rows| rows <= MAX_ROWS).ok_or_else(
                    || {
                        SongIndexError::unusable(
                            path,
                            format_args!("it has more than {} rows", MAX_ROWS),
                        )
                    },
                )?;
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
        let opened = Opened {
            path: path.to_owned(),
            dim,
            fingerprint,
            recipe,
            columns,
            shards,
            batches,
            rows,
            lookup: OnceLock::new(),
            audio: OnceLock::new(),
            sample: OnceLock::new(),
        };
        Ok(Self { opened: Arc::new(opened) })
    }

    pub(super) fn batch(&self, at: BatchAt) -> (&Shard, &Batch) {
        let shard = &self.opened.shards[at.shard];
        (shard, &shard.segment.batches[at.batch])
    }

    pub(super) fn shard_of(&self, row: usize) -> usize {
        let after = self.opened.batches.partition_point(|at| at.first_row <= row);
        self.opened.batches[after - 1].shard
    }

    pub(super) fn locate(&self, row: usize) -> (&Shard, &Batch, usize) {
        assert!(row < self.opened.rows, "row {row} of an index of {} rows", self.opened.rows);
        let after = self.opened.batches.partition_point(|at| at.first_row <= row);
        let at = self.opened.batches[after - 1];
        let (shard, batch) = self.batch(at);
        (shard, batch, row - at.first_row)
    }

    /// Splits a range of rows into parts that each lie in one batch.
    pub(super) fn spans(&self, rows: Range<usize>) -> impl Iterator<Item = Span<'_>> {
        let first = self
            .opened
            .batches
            .partition_point(|at| at.first_row + self.batch(*at).1.rows <= rows.start);
        self.opened.batches[first..].iter().take_while(move |at| at.first_row < rows.end).map(
            move |&at| {
                let (shard, batch) = self.batch(at);
                let start = rows.start.saturating_sub(at.first_row);
                let end = batch.rows.min(rows.end - at.first_row);
                Span { shard, batch, first_row: at.first_row, range: start..end }
            },
        )
    }

    /// Returns the cells of a column in a batch; `column` is a position in
    /// [`columns`](Self::columns).
    pub(super) fn cells(
        &self,
        shard: &Shard,
        batch: &Batch,
        column: usize,
    ) -> Result<Cells, SongIndexError> {
        if column == ID_COLUMN {
            return Ok(Cells::Text(batch.ids.clone()));
        }
        match shard.columns[column] {
            Some(column) => shard.segment.cells(batch, column),
            None => Ok(Cells::Missing),
        }
    }
}
