//! Walks through the codes of a scan without decoding a pixel.

use super::bits::Reader;
use super::header::Header;

/// A row of blocks in a scan.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Its first bit.
    pub(super) at: usize,
    /// The first block of each component.
    pub(super) firsts: [First; 3],
}

/// The code of a block's mean.
#[derive(Clone, Copy, Default)]
pub(super) struct First {
    /// Its bits.
    pub(super) start: usize,
    pub(super) end: usize,
    /// What it comes to, whatever was before.
    pub(super) mean: i32,
}

pub(super) struct Scan<'a> {
    header: &'a Header<'a>,
    bits: Reader<'a>,
    /// The bits of the data.
    len: usize,
    /// Rows that were walked through.
    pub(super) rows: usize,
    means: [i32; 3],
}

impl<'a> Scan<'a> {
    /// `data` as [`Header::unstuffed`] gives it.
    pub(super) fn new(header: &'a Header<'a>, data: &'a [u8]) -> Self {
        Self {
            header,
            bits: Reader::new(data),
            len: (data.len() - super::bits::PADDING) * 8,
            rows: 0,
            means: [0; 3],
        }
    }

    /// The next bit.
    pub(super) fn at(&self) -> usize {
        self.bits.at()
    }

    /// Whether no more is left than what fills up a byte.
    pub(super) fn is_at_end(&self) -> bool {
        self.at() + 8 > self.len
    }

    /// Walks through the next row; nothing if its codes are none.
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

    /// What a block's mean differs by from that of the block before.
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
        // The lower half are the negative ones.
        let negative = value < 1 << (size - 1);
        Some(if negative { value - (1 << size) + 1 } else { value })
    }
}
