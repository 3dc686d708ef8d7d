//! Parses the header of a JPEG, and writes the headers of its strips (ITU T.81, annex B).

use super::bits::{PADDING, Reader};

/// Codes of up to this many bits are decoded with one table lookup.
const FAST: usize = 12;
/// More coefficients than a block has, and more than any two codes cover.
const END: usize = 100;
/// The number of possible sizes of DC differences: 0 to 11 bits.
const DC_SIZES: u8 = 12;

/// The header of a JPEG of the usual kind: Huffman coded, not progressive, three components in one
/// scan without restarts.
pub(super) struct Header<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: [Component; 3],
    pub(super) dc: [Option<Table>; 4],
    pub(super) ac: [Option<Table>; 4],
    /// The number of blocks of the first component in a unit (MCU), horizontally and vertically.
    /// The other components have one.
    across: usize,
    down: usize,
    /// The segments that a decoder needs, with their markers: quantization, and how colours are
    /// stored.
    kept: Vec<&'a [u8]>,
    frame: &'a [u8],
    scan: &'a [u8],
    /// The codes, with a zero after each 0xFF, and everything that follows.
    coded: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct Component {
    /// The number of blocks in a unit.
    pub(super) blocks: usize,
    /// The Huffman tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

impl<'a> Header<'a> {
    /// Returns `None` if the file is of another kind.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (mut dc, mut ac) = ([const { None }; 4], [const { None }; 4]);
        let mut kept = Vec::new();
        let mut frame: Option<&[u8]> = None;
        let mut at = bytes.starts_with(&[0xFF, 0xD8]).then_some(2)?;
        let (scan, body) = loop {
            let [0xFF, marker] = *bytes.get(at..)?.first_chunk()? else {
                return None;
            };
            let len = usize::from(u16::from_be_bytes(*bytes.get(at + 2..)?.first_chunk()?));
            let segment = bytes.get(at..at + 2 + len)?;
            let body = segment.get(4..)?;
            at += segment.len();
            match marker {
                0xC0 | 0xC1 if frame.is_none() => frame = Some(segment),
                0xC4 => tables(body, &mut dc, &mut ac)?,
                // Quantization; JFIF; Adobe's colour information.
                0xDB | 0xE0 | 0xEE => kept.push(segment),
                // No restarts.
                0xDD if body == [0, 0] => {}
                0xDA => break (segment, body),
                // Metadata and comments.
                0xE1..=0xED | 0xEF | 0xFE => {}
                _ => return None,
            }
        };
        let frame = frame?;
        // Bits per sample, height, width, components: each has an id, its blocks and its
        // quantization.
        let &[8, h1, h0, w1, w0, 3, ref named @ ..] = frame.get(4..)? else {
            return None;
        };
        let named: &[[u8; 3]; 3] = named.as_chunks().0.try_into().ok()?;
        let (across, down) = (usize::from(named[0][1] >> 4), usize::from(named[0][1] & 15));
        let usual = matches!(across, 1 | 2) && matches!(down, 1 | 2);
        if !usual || named[1][1] != 0x11 || named[2][1] != 0x11 {
            return None;
        }
        // The components again, with their tables; all 64 coefficients of a block, with all bits.
        let &[3, a, a_tables, b, b_tables, c, c_tables, 0, 63, 0] = body else {
            return None;
        };
        if [a, b, c] != named.map(|component| component[0]) {
            return None;
        }
        let mut blocks = [across * down, 1, 1].into_iter();
        let components = [a_tables, b_tables, c_tables].map(|tables| Component {
            blocks: blocks.next().unwrap_or(1),
            dc: usize::from(tables >> 4).min(3),
            ac: usize::from(tables & 15).min(3),
        });
        let header = Self {
            width: usize::from(u16::from_be_bytes([w1, w0])),
            height: usize::from(u16::from_be_bytes([h1, h0])),
            components,
            dc,
            ac,
            across,
            down,
            kept,
            frame,
            scan,
            coded: bytes.get(at..)?,
        };
        (header.width > 0 && header.height > 0).then_some(header)
    }

    /// Returns the height of a row of units, in pixels.
    pub(super) fn row_height(&self) -> usize {
        8 * self.down
    }

    pub(super) fn rows(&self) -> usize {
        self.height.div_ceil(self.row_height())
    }

    /// Returns the number of units in a row.
    pub(super) fn columns(&self) -> usize {
        self.width.div_ceil(8 * self.across)
    }

    /// Returns the codes without the zeros after each 0xFF, and with [`PADDING`]; `None` if the end
    /// of the picture does not follow them.
    pub(super) fn unstuffed(&self) -> Option<Vec<u8>> {
        let mut data = Vec::with_capacity(self.coded.len() + PADDING);
        let mut rest = self.coded;
        loop {
            let at = rest.iter().position(|&byte| byte == 0xFF)?;
            match rest.get(at + 1)? {
                0 => data.extend_from_slice(&rest[..=at]),
                0xD9 => break data.extend_from_slice(&rest[..at]),
                _ => return None,
            }
            rest = &rest[at + 2..];
        }
        data.extend_from_slice(&[0; PADDING]);
        Some(data)
    }

    /// Returns everything that comes before the codes of a strip.
    pub(super) fn of_strip(&self, height: usize) -> Option<Vec<u8>> {
        let mut out = vec![0xFF, 0xD8];
        for segment in &self.kept {
            out.extend_from_slice(segment);
        }
        for (class, tables) in [(0, &self.dc), (0x10, &self.ac)] {
            for (at, table) in (0_u8..).zip(tables) {
                if let Some(table) = table {
                    table.write(class | at, &mut out)?;
                }
            }
        }
        let frame = out.len();
        out.extend_from_slice(self.frame);
        // After marker, length and bits per sample.
        out[frame + 5..frame + 7].copy_from_slice(&u16::try_from(height).ok()?.to_be_bytes());
        out.extend_from_slice(self.scan);
        Some(out)
    }

    /// Returns the code of a DC value (the mean of a block) without a preceding block.
    pub(super) fn mean_code(&self, component: &Component, mean: i32) -> Option<(u32, usize)> {
        let size = i32::BITS - mean.unsigned_abs().leading_zeros();
        let (code, len) = self.dc[component.dc].as_ref()?.code(u8::try_from(size).ok()?)?;
        let value = if mean < 0 { mean - 1 } else { mean };
        let value = value as u32 & ((1 << size) - 1);
        Some((code << size | value, len + size as usize))
    }
}

/// Reads the tables of a segment.
fn tables(mut body: &[u8], dc: &mut [Option<Table>; 4], ac: &mut [Option<Table>; 4]) -> Option<()> {
    while let [which, rest @ ..] = body {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let count: usize = counts.iter().copied().map(usize::from).sum();
        let symbols = rest.get(..count)?.to_vec();
        body = &rest[count..];
        let (tables, symbols, counts) = match which >> 4 {
            0 => {
                let (symbols, counts) = with_all_sizes(symbols, *counts)?;
                (&mut *dc, symbols, counts)
            }
            1 => (&mut *ac, symbols, *counts),
            _ => return None,
        };
        *tables.get_mut(usize::from(which & 15))? = Some(Table::new(symbols, counts)?);
    }
    Some(())
}

/// Adds a code for each size of a DC value that has none. The existing codes do not change.
fn with_all_sizes(mut symbols: Vec<u8>, mut counts: [u8; 16]) -> Option<(Vec<u8>, [u8; 16])> {
    for size in 0..DC_SIZES {
        if !symbols.contains(&size) {
            symbols.push(size);
            counts[15] = counts[15].checked_add(1)?;
        }
    }
    Some((symbols, counts))
}

/// A table of Huffman codes.
pub(super) struct Table {
    counts: [u8; 16],
    symbols: Vec<u8>,
    /// Indexed by the next bits: a symbol and the length of its code, or 0 if the code is longer.
    fast: Vec<(u8, u8)>,
    /// Indexed by the next bits: the number of bits taken by one code and its value, and the number
    /// of coefficients it covers, as `places << 5 | bits`; 0 if the code is longer. The end of a
    /// block covers [`END`] coefficients.
    one: Vec<u16>,
    /// Like `one`, but for two codes if both fit into the bits.
    two: Vec<u16>,
    /// For each code length: the code after the last one of this length, and the number to add to a
    /// code to get the position of its symbol.
    limits: [(u32, i32); 17],
}

impl Table {
    fn new(symbols: Vec<u8>, counts: [u8; 16]) -> Option<Self> {
        let mut fast = vec![(0, 0); 1 << FAST];
        let mut limits = [(0, 0); 17];
        let (mut code, mut at) = (0_u32, 0_usize);
        for (len, &count) in (1..).zip(&counts) {
            limits[len].1 = at as i32 - code as i32;
            for &symbol in symbols.get(at..at + usize::from(count))? {
                if len <= FAST {
                    let first = (code as usize) << (FAST - len);
                    let same = fast.get_mut(first..first + (1 << (FAST - len)))?;
                    same.fill((symbol, len as u8));
                }
                code += 1;
            }
            at += usize::from(count);
            limits[len].0 = code;
            // A code consisting only of ones is not valid.
            if code >= 1 << len && count > 0 {
                return None;
            }
            code <<= 1;
        }
        let steps = |(symbol, len): (u8, u8)| match (symbol >> 4, symbol & 15, len) {
            // This is not a code, or one without a meaning.
            (_, _, 0) | (1..=14, 0, _) => 0,
            (0, 0, len) => (END as u16) << 5 | u16::from(len),
            (zeros, size, len) => (u16::from(zeros) + 1) << 5 | u16::from(len + size),
        };
        let one: Vec<u16> = fast.iter().copied().map(steps).collect();
        let two = one.iter().enumerate().map(|(next, &first)| {
            let bits = usize::from(first & 31);
            if first == 0 || bits >= FAST || usize::from(first >> 5) == END {
                return first;
            }
            let (symbol, len) = fast[next << bits & ((1 << FAST) - 1)];
            let second = steps((symbol, len));
            let seen = bits + usize::from(len) <= FAST && second != 0;
            first + if seen { second } else { 0 }
        });
        Some(Self { two: two.collect(), one, counts, symbols, fast, limits })
    }

    /// Returns the number of coefficients that the next entry of `one` or `two` covers, and the
    /// number of bits that it takes; `None` if the code is longer.
    #[inline(always)]
    fn steps(table: &[u16], word: u64) -> Option<(usize, usize)> {
        let found = usize::from(table[(word >> (64 - FAST)) as usize]);
        (found != 0).then_some((found >> 5, found & 31))
    }

    /// Skips the codes of a block after its DC value.
    #[inline(always)]
    pub(super) fn walk(&self, bits: &mut Reader<'_>) -> Option<()> {
        let mut at = 1;
        while at < 64 {
            let word = bits.peek();
            // Near the end of a block, the first of two codes could end the block.
            let table = if at < 48 { &self.two } else { &self.one };
            let (places, len) = match Self::steps(table, word) {
                Some(steps) => steps,
                None => self.long(word)?,
            };
            bits.skip(len);
            at += places;
        }
        (at == 64 || at > END).then_some(())
    }

    #[cold]
    fn long(&self, word: u64) -> Option<(usize, usize)> {
        let (symbol, len) = self.find(word)?;
        match (usize::from(symbol >> 4), usize::from(symbol & 15)) {
            (0, 0) => Some((END, len)),
            (1..=14, 0) => None,
            (zeros, size) => Some((zeros + 1, len + size)),
        }
    }

    /// Returns the symbol of the next code in `word`, whose first bit is the highest, and the
    /// length of the code.
    #[inline(always)]
    pub(super) fn find(&self, word: u64) -> Option<(u8, usize)> {
        let (symbol, len) = self.fast[(word >> (64 - FAST)) as usize];
        if len > 0 {
            return Some((symbol, usize::from(len)));
        }
        (FAST + 1..=16).find_map(|len| {
            let code = (word >> (64 - len)) as u32;
            let (limit, add) = self.limits[len];
            let symbol = || self.symbols.get((code as i32 + add) as usize);
            (code < limit).then(symbol).flatten().map(|&symbol| (symbol, len))
        })
    }

    fn code(&self, symbol: u8) -> Option<(u32, usize)> {
        let place = self.symbols.iter().position(|&other| other == symbol)?;
        let mut behind = 0;
        for (len, &count) in (1..).zip(&self.counts) {
            behind += usize::from(count);
            if place < behind {
                return Some(((place as i32 - self.limits[len].1) as u32, len));
            }
        }
        None
    }

    fn write(&self, which: u8, out: &mut Vec<u8>) -> Option<()> {
        let len = u16::try_from(2 + 1 + 16 + self.symbols.len()).ok()?;
        out.extend_from_slice(&[0xFF, 0xC4]);
        out.extend_from_slice(&len.to_be_bytes());
        out.push(which);
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(&self.symbols);
        Some(())
    }
}
