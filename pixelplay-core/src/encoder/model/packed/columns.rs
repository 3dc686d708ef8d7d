//! Which columns of a matrix share a block.

use std::ops::Range;

use crate::simd::WIDTH;

/// Columns in groups, each of which begins a new block: those of each head, or just one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnGroups {
    pub(super) count: usize,
    pub(super) width: usize,
}

impl ColumnGroups {
    pub(super) fn single(width: usize) -> Self {
        Self { count: 1, width }
    }

    /// The blocks of one group.
    pub(super) fn blocks_per_group(self) -> usize {
        self.width.div_ceil(WIDTH)
    }

    /// The columns of all groups, with those that only fill up their blocks. A single group is not
    /// filled up.
    pub(super) fn padded(self) -> usize {
        match self.count {
            1 => self.width,
            count => count * self.blocks_per_group() * WIDTH,
        }
    }

    /// The columns that share a block, for each block.
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
