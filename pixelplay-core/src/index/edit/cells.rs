//! Cells of an index to change in a copy of it.

use std::collections::HashMap;

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
