//! Blocked matrices: the memory layout of the encoder's matrices.
//!
//! 16 adjacent columns of a row fill one cache line. These lines of all rows are stored one after
//! another and form a block, followed by the lines of the next 16 columns. This drawing shows a
//! matrix of 3 rows and 40 columns, with the number of each line in memory:
//!
//! ```text
//!            block 0         block 1         block 2
//!            columns 0..16   columns 16..32  columns 32..40, 8 zeros
//!          +---------------+---------------+---------------+
//!    row 0 |    line 0     |    line 3     |    line 6     |
//!    row 1 |    line 1     |    line 4     |    line 7     |  stride = 3 lines
//!    row 2 |    line 2     |    line 5     |    line 8     |
//!          +---------------+---------------+---------------+
//! ```
//!
//! Value `(r, c)` is lane `c % 16` of line `c / 16 * stride + r`. A view of some rows has the same
//! lines and stride, but begins at another row. 8-bit matrices store four adjacent 8-bit values in
//! place of one 32-bit value, so a line has 64 columns, or 16 columns of 4 rows.
//!
//! A matrix in this layout can be either factor of a product without reordering:
//!
//! ```text
//!                                 right, k rows: whole lines, in order
//!                                  block p      block p + 1
//!                                 | 0 | 1 |....|15 |  ...
//!                              k  | 0 | 1 |....|15 |
//!                              |  v   v   v    v   v
//!    left, some rows:          +--------------------------+
//!    values one by one    k -> | one tile of the product: |  16 columns of a row are one register
//!    at a fixed distance  k -> | rows x blocks registers, |  until the sums over k are complete,
//!                         k -> | each 16 sums             |  and are then stored as a line
//!                              +--------------------------+
//! ```

use std::ops::Range;

use super::vector::Lanes;

/// A view of rows of a blocked matrix. A line contains 16 values, or 16 times 4 bytes.
#[derive(Debug)]
pub(crate) struct Blocked<'a, L = Lanes> {
    pub(super) lines: &'a [L],
    /// The number of lines in a block.
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl<L> Clone for Blocked<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Blocked<'_, L> {}

/// A writable [`Blocked`].
#[derive(Debug)]
pub(crate) struct BlockedMut<'a> {
    pub(super) lines: &'a mut [Lanes],
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl<'a, L> Blocked<'a, L> {
    /// Creates a view of all rows of a matrix.
    pub(crate) fn whole(lines: &'a [L], rows: usize) -> Self {
        Self { lines, stride: rows, first: 0, rows }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns a view of some of the rows.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[track_caller]
    pub(crate) fn slice(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        Self { first: self.first + rows.start, rows: rows.len(), ..self }
    }

    /// Returns a view of the blocks from `block` on.
    pub(super) fn skip_blocks(self, block: usize) -> Self {
        Self { lines: &self.lines[block * self.stride..], ..self }
    }

    /// Returns the lines of a block, one for each row.
    pub(crate) fn block(self, block: usize) -> &'a [L] {
        &self.lines[block * self.stride + self.first..][..self.rows]
    }

    /// Returns whether there are this many blocks.
    pub(super) fn has(&self, blocks: usize) -> bool {
        let before = blocks.saturating_sub(1).checked_mul(self.stride);
        before.is_some_and(|before| {
            self.first + self.rows <= self.stride
                && before + self.first + self.rows <= self.lines.len()
        })
    }
}

impl<'a> BlockedMut<'a> {
    /// Creates a view of all rows of a matrix.
    pub(crate) fn whole(lines: &'a mut [Lanes], rows: usize) -> Self {
        Self { lines, stride: rows, first: 0, rows }
    }

    /// Returns a view of some of the rows.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[track_caller]
    pub(crate) fn slice(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        Self { first: self.first + rows.start, rows: rows.len(), ..self }
    }

    /// Returns the same view with a shorter lifetime.
    pub(crate) fn reborrow(&mut self) -> BlockedMut<'_> {
        BlockedMut { lines: &mut *self.lines, ..*self }
    }

    /// Returns the same view for reading.
    pub(super) fn as_blocked(&self) -> Blocked<'_> {
        Blocked { lines: self.lines, stride: self.stride, first: self.first, rows: self.rows }
    }

    /// Returns the number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.lines.len() / self.stride
    }
}
