//! Where in the file a row stands, and whether it swallowed its neighbours.

use super::report::CleanReport;

/// Line numbers for byte offsets that only grow.
///
/// The csv crate's own are those of the end of the row before: blank lines and the second half of
/// `\r\n` come after it.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of the first character at or after `offset` that does not end a line.
    pub(super) fn at(&mut self, offset: usize) -> u64 {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.at >= offset && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.at += 1;
            let ends = byte == b'\n' || (byte == b'\r' && self.bytes.get(self.at) != Some(&b'\n'));
            self.line += u64::from(ends);
        }
        self.line
    }
}

/// Looks for quotes that were never closed: they swallow rows that nobody would miss otherwise.
#[derive(Default)]
pub(super) struct Unclosed {
    /// The row before, if it has line breaks: its first byte and line, and whether it is ragged.
    pub(super) suspect: Option<(usize, u64, bool)>,
    found: u32,
}

impl Unclosed {
    /// Judges the row before, which ends at byte `end` in line `last`.
    pub(super) fn judge(&mut self, text: &str, end: usize, last: u64, report: &mut CleanReport) {
        const MOST: u32 = 3;
        let Some((start, first, ragged)) = self.suspect.take() else {
            return;
        };
        let row = text.get(start..end).unwrap_or_default();
        // Well-formed quotes come in pairs.
        if ragged || row.matches('"').count() % 2 == 1 {
            self.found += 1;
            if self.found <= MOST {
                report.notes.push(format!(
                    "the row in line {first} runs to line {last}: is a quote opened there and never closed?"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_over_every_kind_of_line_end() {
        let text = "a\r\n\r\nb\rc\n\"x\ny\"\n\nlast";
        let mut lines = Lines::new(text);
        for (start, line) in [("a", 1), ("b", 3), ("c", 4), ("\"x", 5), ("last", 8)] {
            assert_eq!(lines.at(text.find(start).unwrap()), line, "{start}");
        }
        // From the end of a row to the beginning of the next.
        assert_eq!(Lines::new(text).at(1), 3);
    }
}
