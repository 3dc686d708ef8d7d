//! The assignment of a matrix's columns to blocks.

use std::ops::Range;

use crate::simd::WIDTH;

/// Columns in groups, each of which begins a new block: one group per head, or just one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnGroups {
    pub(super) count: usize,
    pub(super) width: usize,
}

impl ColumnGroups {
    pub(super) fn single(width: usize) -> Self {
        Self { count: 1, width }
    }

    /// Returns the number of blocks of one group.
    pub(super) fn blocks_per_group(self) -> usize {
        self.width.div_ceil(WIDTH)
    }

    /// Returns the number of columns of all groups, including those that pad their blocks. A single
    /// group is not padded.
    pub(super) fn padded(self) -> usize {
        match self.count {
            1 => self.width,
            count => count * self.blocks_per_group() * WIDTH,
        }
    }

    /// Returns, for each block, the columns in it.
    pub(super) fn blocks(self) -> impl Iterator<Item = Range<usize>> {
        let of_group = move |group: usize| {
            let starts = (0..self.width).step_by(WIDTH);
            starts.map(move |at| {
                group * self.width + at..group * self.width + (at + WIDTH).min(self.width)
            })
        };
        (0..self.count).flat_map(of_group)
    }
}
