//! Blocked matrices that are used again and again.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::linear::Coded;
use crate::simd::{Blocked, BlockedMut, Lanes, WIDTH};

/// A blocked matrix (see [`Blocked`]); columns come in whole blocks, and those that only fill up
/// are 0.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    pub(super) lines: Vec<Lanes>,
    pub(super) rows: usize,
}

impl Matrix {
    /// Makes room. What is in it is left over from before, and must be written first.
    pub(super) fn reshape(&mut self, rows: usize, columns: usize) {
        self.rows = rows;
        self.lines.resize(rows * columns.div_ceil(WIDTH), Lanes::ZERO);
    }

    /// All rows.
    pub(super) fn view(&self) -> Blocked<'_> {
        Blocked { lines: &self.lines, stride: self.rows, first: 0 }
    }

    /// All rows of some blocks, which are given as lines.
    pub(super) fn view_of(&self, lines: Range<usize>) -> Blocked<'_> {
        Blocked { lines: &self.lines[lines], stride: self.rows, first: 0 }
    }

    /// All rows, to be written.
    pub(super) fn view_mut(&mut self) -> BlockedMut<'_> {
        BlockedMut { lines: &mut self.lines, stride: self.rows, first: 0 }
    }

    /// Takes the shape and values of some rows of another one.
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

    /// One value.
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.lines[column / WIDTH * self.rows + row].0[column % WIDTH]
    }

    /// Writes neighbouring values of a row.
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

    /// The first `columns` values of a row.
    pub(super) fn row(&self, row: usize, columns: usize) -> Vec<f32> {
        let blocks = self.lines.chunks_exact(self.rows);
        blocks.flat_map(|block| block[row].0).take(columns).collect()
    }
}

/// What a forward pass writes on its way.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// What the layers add to.
    pub(super) x: Matrix,
    pub(super) normed: Matrix,
    /// Queries, keys and values.
    pub(super) projected: Matrix,
    /// The queries of the rows that are pooled, where only they are wanted.
    pub(super) queries: Matrix,
    pub(super) attended: Matrix,
    pub(super) hidden: Matrix,
    pub(super) pooled: Matrix,
    /// Keys as a right factor, and scores, for each head.
    pub(super) scratch: Vec<Lanes>,
    pub(super) coded: Coded,
}

/// Workspaces at rest. There are as many as forward passes ever ran at the same time.
#[derive(Debug, Default)]
pub(super) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Lends one.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        // Nothing in a workspace outlives the pass that wrote it, so one that panicked is of no
        // harm.
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = taken.unwrap_or_default();
        let result = work(&mut workspace);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }
}
