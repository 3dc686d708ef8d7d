//! Changes to single cells, applied while an index is copied.

use std::collections::HashMap;

use crate::index::file::known_kind;
use crate::song::{Kind, Value};

/// Cells to change, in columns that exist or are added.
pub(crate) struct Changes {
    columns: Vec<(String, Kind)>,
    /// For each row, the positions of the changed columns and the new cells; `None` clears a cell.
    cells: HashMap<usize, Vec<(usize, Option<Value>)>>,
}

impl Changes {
    /// Creates an empty set of changes. Columns that do not exist are added, even if no cell of
    /// them is set.
    pub(crate) fn new(columns: &[(&str, Kind)]) -> Self {
        let columns = columns.iter().map(|&(name, kind)| (name.to_owned(), kind));
        Self { columns: columns.collect(), cells: HashMap::new() }
    }

    /// Sets a cell of one of the columns, or of a known song column.
    pub(crate) fn set(&mut self, row: usize, column: &str, cell: Option<Value>) {
        let place = self.columns.iter().position(|(name, _)| name == column);
        let Some(place) = place.or_else(|| {
            self.columns.push((column.to_owned(), known_kind(column)?));
            Some(self.columns.len() - 1)
        }) else {
            return;
        };
        self.cells.entry(row).or_default().push((place, cell));
    }

    pub(super) fn columns(&self) -> &[(String, Kind)] {
        &self.columns
    }

    /// Returns the changed cells of a row, by position in [`columns`](Self::columns).
    pub(super) fn of_row(&self, row: usize) -> &[(usize, Option<Value>)] {
        self.cells.get(&row).map_or(&[], Vec::as_slice)
    }
}
