//! Reusable blocked matrices.

use std::ops::Range;

use crate::simd::{Blocked, BlockedMut, Lanes, WIDTH};

/// A blocked matrix (see [`Blocked`]). Columns come in whole blocks; padding columns are 0.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    pub(super) lines: Vec<Lanes>,
    pub(super) rows: usize,
}

impl Matrix {
    /// Resizes the matrix. It keeps old values, which must be overwritten before they are read.
    pub(super) fn reshape(&mut self, rows: usize, columns: usize) {
        self.rows = rows;
        self.lines.resize(rows * columns.div_ceil(WIDTH), Lanes::ZERO);
    }

    /// Returns a view of all rows.
    pub(super) fn view(&self) -> Blocked<'_> {
        Blocked::whole(&self.lines, self.rows)
    }

    /// Returns a view of all rows of several blocks, given as lines.
    pub(super) fn view_of(&self, lines: Range<usize>) -> Blocked<'_> {
        Blocked::whole(&self.lines[lines], self.rows)
    }

    /// Returns a writable view of all rows.
    pub(super) fn view_mut(&mut self) -> BlockedMut<'_> {
        BlockedMut::whole(&mut self.lines, self.rows)
    }

    /// Replaces the contents with a copy of several rows of another matrix.
    pub(super) fn gather(
        &mut self,
        from: &Self,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
    ) {
        self.rows = rows.len();
        self.lines.clear();
        for block in from.lines.chunks_exact(from.rows) {
            self.lines.extend(rows.clone().map(|row| block[row]));
        }
    }

    /// Returns one value.
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.lines[column / WIDTH * self.rows + row].0[column % WIDTH]
    }

    /// Writes consecutive values of a row.
    pub(super) fn set(&mut self, row: usize, mut column: usize, mut values: &[f32]) {
        while !values.is_empty() {
            let line = &mut self.lines[column / WIDTH * self.rows + row].0[column % WIDTH..];
            let count = line.len().min(values.len());
            line[..count].copy_from_slice(&values[..count]);
            column += count;
            values = &values[count..];
        }
    }

    /// Writes a whole row.
    pub(super) fn set_row(&mut self, row: usize, values: &[f32]) {
        for (block, values) in values.chunks(WIDTH).enumerate() {
            let mut line = Lanes::ZERO;
            line.0[..values.len()].copy_from_slice(values);
            self.lines[block * self.rows + row] = line;
        }
    }

    /// Returns the first `columns` values of a row.
    pub(super) fn row(&self, row: usize, columns: usize) -> Vec<f32> {
        let blocks = self.lines.chunks_exact(self.rows);
        blocks.flat_map(|block| block[row].0).take(columns).collect()
    }
}
