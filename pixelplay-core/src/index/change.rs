//! A copy of an index with other cells in some columns.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::error::SongIndexError;
use super::rewrite::{Copy, Part};
use super::storage::Stamp;
use super::{Shard, SongIndex};
use crate::progress::Progress;
use crate::song::{COLUMNS, Kind, Value};

/// Cells to change, in columns that are there or are added.
pub(crate) struct Changes {
    columns: Vec<(String, Kind)>,
    /// By row: the place among the columns, and the cell, or `None` to empty it.
    cells: HashMap<usize, Vec<(usize, Option<Value>)>>,
}

impl Changes {
    /// These columns are added where they are not there, whether or not a cell of them is set.
    pub(crate) fn new(columns: &[(&str, Kind)]) -> Self {
        let columns = columns.iter().map(|&(name, kind)| (name.to_owned(), kind));
        Self { columns: columns.collect(), cells: HashMap::new() }
    }

    /// Sets a cell of one of the columns, or of a known column of songs.
    pub(crate) fn set(&mut self, row: usize, column: &str, cell: Option<Value>) {
        let place = self.columns.iter().position(|(name, _)| name == column);
        let known = || COLUMNS.iter().find(|(name, _)| *name == column);
        let Some(place) = place.or_else(|| {
            let &(name, kind) = known()?;
            self.columns.push((name.to_owned(), kind));
            Some(self.columns.len() - 1)
        }) else {
            return;
        };
        self.cells.entry(row).or_default().push((place, cell));
    }

    pub(super) fn columns(&self) -> &[(String, Kind)] {
        &self.columns
    }

    /// The changed cells of a row, by place among [`columns`](Self::columns).
    pub(super) fn of_row(&self, row: usize) -> &[(usize, Option<Value>)] {
        self.cells.get(&row).map_or(&[], Vec::as_slice)
    }
}

impl SongIndex {
    /// Writes a copy with changed cells to `out`, which may be this index's own file, in one step.
    /// Ids, vectors and order stay; the batches are as large as the largest here.
    ///
    /// [`SongIndexError::Changed`] if it is its own file and no longer what was opened.
    pub(crate) fn write_changed(
        &self,
        out: &Path,
        changes: &Changes,
        progress: &mut dyn Progress,
    ) -> Result<(), SongIndexError> {
        let without = std::collections::HashSet::new();
        let parts = [Part {
            index: self,
            shards: 0..usize::MAX,
            without: &without,
            changes: Some(changes),
        }];
        let batches = self.shards.iter().flat_map(Shard::batch_rows);
        let batch_rows = batches.max().unwrap_or(0).max(1);
        let mut copy = Copy::new(batch_rows, &parts, progress);
        copy.write(out, &parts)?.publish_alone_if(|real| self.check_unchanged(real))
    }

    /// That this file, if it is one of the index's own, is still the one that was opened.
    fn check_unchanged(&self, real: &Path) -> Result<(), SongIndexError> {
        let changed = self.shards.iter().any(|Shard { segment, .. }| {
            fs::canonicalize(&segment.path).is_ok_and(|own| own == real)
                && Stamp::of(fs::metadata(real)) != segment.stamp
        });
        if changed {
            return Err(SongIndexError::Changed { path: self.path.clone() });
        }
        Ok(())
    }
}
