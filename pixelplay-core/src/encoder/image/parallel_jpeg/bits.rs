//! Reads and writes the bits of a scan, highest bit of a byte first.

/// The number of zeros after the data, so that a whole word can be read at any position.
pub(super) const PADDING: usize = 16;

/// Reads bits. After the data it reads zeros.
pub(super) struct Reader<'a> {
    data: &'a [u8],
    /// The next byte to load.
    next: usize,
    /// Loaded bits, the next one highest.
    word: u64,
    left: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader. `data` must end with [`PADDING`].
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, next: 0, word: 0, left: 0 }
    }

    /// Returns the number of the next bit.
    pub(super) fn at(&self) -> usize {
        self.next * 8 - self.left
    }

    /// Returns at least the next 32 bits, the first one highest.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u64 {
        if self.left < 32 {
            let Some(bytes) = self.data.get(self.next..).and_then(<[u8]>::first_chunk) else {
                return self.word;
            };
            self.word |= u64::from(u32::from_be_bytes(*bytes)) << (32 - self.left);
            self.next += 4;
            self.left += 32;
        }
        self.word
    }

    /// Skips up to 32 bits.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: usize) {
        self.word <<= bits;
        // There is no more data after the padding.
        self.left = self.left.saturating_sub(bits);
    }
}

/// Writes bits in the format of a scan: a zero byte follows each 0xFF.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    word: u64,
    count: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, word: 0, count: 0 }
    }

    /// Appends the lowest `len` bits, up to 32.
    pub(super) fn push(&mut self, bits: u32, len: usize) {
        self.word = self.word << len | u64::from(bits);
        self.count += len;
        if self.count >= 32 {
            self.count -= 32;
            let bytes = ((self.word >> self.count) as u32).to_be_bytes();
            if bytes.contains(&0xFF) {
                bytes.iter().for_each(|&byte| self.byte(byte));
            } else {
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xFF {
            self.out.push(0);
        }
    }

    /// Appends the bits of `data` from bit `from` up to, but not including, bit `to`.
    pub(super) fn copy(&mut self, data: &[u8], from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let len = (to - at).min(32);
            let word = data.get(at / 8..).and_then(<[u8]>::first_chunk);
            let word = word.map_or(0, |bytes| u64::from_be_bytes(*bytes)) << (at % 8);
            self.push((word >> 32 >> (32 - len)) as u32, len);
            at += len;
        }
    }

    /// Fills the last byte with ones, and writes the end of the picture.
    pub(super) fn finish(mut self) {
        let rest = self.count.next_multiple_of(8) - self.count;
        self.push((1 << rest) - 1, rest);
        for at in (0..self.count / 8).rev() {
            self.byte((self.word >> (8 * at)) as u8);
        }
        self.out.extend_from_slice(&[0xFF, 0xD9]);
    }
}
