//! Walks through the codes of a scan without decoding a pixel.

use super::bits::Reader;
use super::header::Header;

/// A row of blocks in a scan.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The first bit.
    pub(super) at: usize,
    /// The first block of each component.
    pub(super) firsts: [First; 3],
}

/// The code of a block's mean.
#[derive(Clone, Copy, Default)]
pub(super) struct First {
    /// The bits of the code, from `start` to before `end`.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The mean itself, independent of the previous block.
    pub(super) mean: i32,
}

pub(super) struct Scan<'a> {
    header: &'a Header<'a>,
    bits: Reader<'a>,
    /// The length of the data in bits.
    len: usize,
    /// The number of rows walked through so far.
    pub(super) rows: usize,
    means: [i32; 3],
}

impl<'a> Scan<'a> {
    /// Creates a scan of `data`, which comes from [`Header::unstuffed`].
    pub(super) fn new(header: &'a Header<'a>, data: &'a [u8]) -> Self {
        Self {
            header,
            bits: Reader::new(data),
            len: (data.len() - super::bits::PADDING) * 8,
            rows: 0,
            means: [0; 3],
        }
    }

    /// Returns the number of the next bit.
    pub(super) fn at(&self) -> usize {
        self.bits.at()
    }

    /// Returns whether nothing is left except the padding of the last byte.
    pub(super) fn is_at_end(&self) -> bool {
        self.at() + 8 > self.len
    }

    /// Walks through the next row. Returns `None` if its codes are invalid.
    pub(super) fn row(&mut self) -> Option<Row> {
        let mut row = Row { at: self.at(), firsts: [First::default(); 3] };
        for column in 0..self.header.columns() {
            for (at, component) in self.header.components.iter().enumerate() {
                for block in 0..component.blocks {
                    let start = self.at();
                    self.means[at] += self.mean(component.dc)?;
                    if column == 0 && block == 0 {
                        row.firsts[at] = First { start, end: self.at(), mean: self.means[at] };
                    }
                    self.header.ac[component.ac].as_ref()?.walk(&mut self.bits)?;
                }
            }
        }
        self.rows += 1;
        (self.at() <= self.len).then_some(row)
    }

    /// Reads the difference between a block's mean and that of the previous block.
    #[inline(always)]
    fn mean(&mut self, table: usize) -> Option<i32> {
        let word = self.bits.peek();
        let (size, len) = self.header.dc[table].as_ref()?.find(word)?;
        let size = usize::from(size);
        if size > 11 {
            return None;
        }
        self.bits.skip(len + size);
        if size == 0 {
            return Some(0);
        }
        let value = (word << len >> (64 - size)) as i32;
        // The lower half is negative.
        let negative = value < 1 << (size - 1);
        Some(if negative { value - (1 << size) + 1 } else { value })
    }
}
