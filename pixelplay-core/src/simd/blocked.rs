//! Blocked matrices: how the encoder keeps what it multiplies.
//!
//! 16 neighbouring columns of a row fill one cache line. Such lines of all rows lie one after the
//! other and form a block; then come the lines of the next 16 columns. A matrix of 3 rows and 40
//! columns, with the number that each line has in memory:
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
//! lines and stride; it begins at another row. Matrices of 8 bits have four neighbouring values of
//! 8 bits where these have one of 32, so that a line has 64 columns, or 16 columns of 4 rows.
//!
//! What lies so serves as either factor of a product without being re-ordered:
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

/// Some rows of a blocked matrix; a line holds 16 values, or 16 times 4 bytes.
#[derive(Debug)]
pub(crate) struct Blocked<'a, L = Lanes> {
    pub(super) lines: &'a [L],
    /// How many lines a block has.
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

/// As [`Blocked`], to be written.
#[derive(Debug)]
pub(crate) struct BlockedMut<'a> {
    pub(super) lines: &'a mut [Lanes],
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl<'a, L> Blocked<'a, L> {
    /// All rows of a matrix.
    pub(crate) fn whole(lines: &'a [L], rows: usize) -> Self {
        Self { lines, stride: rows, first: 0, rows }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub(crate) fn slice(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        Self { first: self.first + rows.start, rows: rows.len(), ..self }
    }

    /// The blocks from one on.
    pub(super) fn skip_blocks(self, block: usize) -> Self {
        Self { lines: &self.lines[block * self.stride..], ..self }
    }

    /// The lines of a block, one for each row.
    pub(crate) fn block(self, block: usize) -> &'a [L] {
        &self.lines[block * self.stride + self.first..][..self.rows]
    }

    /// Whether there are so many blocks.
    pub(super) fn has(&self, blocks: usize) -> bool {
        let before = blocks.saturating_sub(1).checked_mul(self.stride);
        before.is_some_and(|before| {
            self.first + self.rows <= self.stride
                && before + self.first + self.rows <= self.lines.len()
        })
    }
}

impl<'a> BlockedMut<'a> {
    /// All rows of a matrix.
    pub(crate) fn whole(lines: &'a mut [Lanes], rows: usize) -> Self {
        Self { lines, stride: rows, first: 0, rows }
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub(crate) fn slice(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        Self { first: self.first + rows.start, rows: rows.len(), ..self }
    }

    /// The same once more, for a shorter time.
    pub(crate) fn reborrow(&mut self) -> BlockedMut<'_> {
        BlockedMut { lines: &mut *self.lines, ..*self }
    }

    /// The same to be read.
    pub(super) fn as_blocked(&self) -> Blocked<'_> {
        Blocked { lines: self.lines, stride: self.stride, first: self.first, rows: self.rows }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.lines.len() / self.stride
    }
}
