//! Tracks the position of a row in its file, and whether its quotes are closed.

/// The position of a row in its file, and whether its quotes are well-formed.
///
/// csv-core accepts malformed quotes, and its line numbers count from the end of the previous row,
/// before blank lines and the second half of `\r\n`.
pub(super) struct Place {
    delimiter: u8,
    pub(super) line: u64,
    after_cr: bool,
    /// The lines of the row's first and last characters.
    pub(super) first: Option<u64>,
    pub(super) last: u64,
    pub(super) quoting: Quoting,
    pub(super) bad_quotes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// At the beginning of a cell.
    Start,
    /// In a cell without quotes.
    Outside,
    Inside,
    /// After a quote that closes the cell, unless another one follows.
    Behind,
}

impl Place {
    pub(super) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            line: 1,
            after_cr: false,
            first: None,
            last: 1,
            quoting: Quoting::Start,
            bad_quotes: false,
        }
    }

    pub(super) fn begin_row(&mut self) {
        self.first = None;
        self.quoting = Quoting::Start;
        self.bad_quotes = false;
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let ends_line = matches!(byte, b'\n' | b'\r');
            if !ends_line {
                self.first.get_or_insert(self.line);
                self.last = self.line;
            } else if !(byte == b'\n' && self.after_cr) {
                self.line += 1;
            }
            self.after_cr = byte == b'\r';
            self.quoting = match (self.quoting, byte) {
                (Quoting::Start | Quoting::Behind, b'"') => Quoting::Inside,
                (Quoting::Inside, b'"') => Quoting::Behind,
                (Quoting::Inside, _) => Quoting::Inside,
                _ if ends_line || byte == self.delimiter => Quoting::Start,
                (quoting, _) => {
                    self.bad_quotes |= quoting == Quoting::Behind;
                    Quoting::Outside
                }
            };
        }
    }
}
