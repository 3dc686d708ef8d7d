//! The rows of a delimited table, one at a time, in bounded memory, each with its place in the
//! file.

use std::io::BufRead;
use std::path::Path;

use csv_core::ReadRecordResult;

use super::limit::read_error;
use super::options::CleanOptions;
use super::place::{Place, Quoting};
use crate::catalog::CatalogError;

/// A row may be as long as this many cells of the maximum length.
const LONGEST_CELLS_IN_A_ROW: usize = 16;

/// One row.
#[derive(Default)]
pub(crate) struct Row {
    text: String,
    ends: Vec<usize>,
    /// The line of the file in which the row begins, from 1.
    pub(crate) line: u64,
    /// The line in which the row ends. It is a later one if cells contain line breaks.
    pub(crate) last_line: u64,
    /// Whether a quoted cell continues after its closing quote, or has no closing quote.
    pub(crate) bad_quotes: bool,
    /// Whether the row has non-ASCII characters in UTF-8.
    pub(crate) utf8: bool,
    /// Whether the row has cells that are not UTF-8 and were read as Windows-1252.
    pub(crate) windows_1252: bool,
    /// Whether the row contains U+FFFD, which marks a lost character.
    pub(crate) lost_characters: bool,
}

impl Row {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the length of all cells together, in bytes.
    pub(crate) fn text_len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        self.text.get(self.start(at)..end)
    }

    /// Returns where cell `at` begins, or would begin.
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1)
            .map_or(0, |before| self.ends.get(before).copied().unwrap_or(self.text.len()))
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Returns whether only white space and delimiters follow from cell `at` on.
    pub(crate) fn is_blank_from(&self, at: usize) -> bool {
        let blank = |c: char| c.is_whitespace() || c.is_control();
        self.text[self.start(at)..].chars().all(blank)
    }

    /// Appends a cell. Files that were concatenated may mix encodings, so each cell is decoded
    /// separately.
    fn push(&mut self, cell: &[u8]) {
        if let Ok(text) = std::str::from_utf8(cell) {
            if !text.is_ascii() {
                self.utf8 = true;
                self.lost_characters |= text.contains(char::REPLACEMENT_CHARACTER);
            }
            self.text.push_str(text);
        } else {
            // A UTF-8 cell with a broken byte still has well-formed accents elsewhere, and must not
            // become mojibake as a whole. A Windows-1252 cell hardly ever has well-formed ones.
            let (mut accents, mut broken) = (0_usize, 0_usize);
            for chunk in cell.utf8_chunks() {
                accents += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
                broken += usize::from(!chunk.invalid().is_empty());
            }
            if accents >= broken {
                self.lost_characters = true;
                self.text.push_str(&String::from_utf8_lossy(cell));
            } else {
                self.windows_1252 = true;
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(cell);
                self.text.push_str(&text);
            }
        }
        self.ends.push(self.text.len());
    }
}

/// Reads the rows of a table.
pub(crate) struct RowReader<'a, R> {
    input: R,
    parser: csv_core::Reader,
    path: &'a Path,
    options: &'a CleanOptions,
    place: Place,
    /// The cells of the current row, concatenated. `ends` contains the end of each.
    cells: Vec<u8>,
    ends: Vec<usize>,
    row: Row,
}

impl<'a, R: BufRead> RowReader<'a, R> {
    pub(crate) fn new(input: R, delimiter: u8, path: &'a Path, options: &'a CleanOptions) -> Self {
        Self {
            input,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            path,
            options,
            place: Place::new(delimiter),
            cells: vec![0; 1024],
            ends: vec![0; 32],
            row: Row::default(),
        }
    }

    /// Reads the next row that is not an empty line, or returns `None` at the end of the table.
    pub(crate) fn next(&mut self) -> Result<Option<&Row>, CatalogError> {
        let (mut filled, mut count) = (0, 0);
        self.place.begin_row();
        loop {
            let input = self
                .input
                .fill_buf()
                .map_err(|source| read_error(source, self.path, self.options))?;
            let (result, used, wrote, ended) =
                self.parser.read_record(input, &mut self.cells[filled..], &mut self.ends[count..]);
            self.place.pass(&input[..used]);
            self.input.consume(used);
            filled += wrote;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    self.check_length(filled, count)?;
                    self.cells.resize(self.cells.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    self.check_columns(count)?;
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        self.check_columns(count)?;
        self.check_length(filled, count)?;
        self.decode(filled, count)?;
        Ok(Some(&self.row))
    }

    fn line(&self) -> u64 {
        self.place.first.unwrap_or(self.place.line)
    }

    fn check_columns(&self, count: usize) -> Result<(), CatalogError> {
        if count > self.options.max_columns {
            return Err(CatalogError::TooManyColumns {
                path: self.path.to_owned(),
                line: self.line(),
                limit: self.options.max_columns,
            });
        }
        Ok(())
    }

    fn check_length(&self, filled: usize, count: usize) -> Result<(), CatalogError> {
        let limit = self.options.max_cell_bytes;
        let mut start = 0;
        let mut too_long = filled / LONGEST_CELLS_IN_A_ROW > limit;
        for &end in self.ends[..count].iter().chain([&filled]) {
            too_long |= end - start > limit;
            start = end;
        }
        if too_long {
            return Err(CatalogError::CellTooLong {
                path: self.path.to_owned(),
                line: self.line(),
                limit,
            });
        }
        Ok(())
    }

    fn decode(&mut self, filled: usize, count: usize) -> Result<(), CatalogError> {
        let mut row = Row {
            text: std::mem::take(&mut self.row.text),
            ends: std::mem::take(&mut self.row.ends),
            line: self.line(),
            last_line: self.place.last,
            bad_quotes: self.place.bad_quotes || self.place.quoting == Quoting::Inside,
            ..Row::default()
        };
        row.text.clear();
        row.ends.clear();
        if self.cells[..filled].contains(&0) {
            return Err(CatalogError::NotText {
                path: self.path.to_owned(),
                found: "binary data (it contains NUL characters)",
                advice: "",
            });
        }
        let mut start = 0;
        for &end in &self.ends[..count] {
            row.push(&self.cells[start..end]);
            start = end;
        }
        self.row = row;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Reads the rows through a buffer so small that every row is split.
    fn rows(bytes: &[u8]) -> Vec<(Vec<String>, u64, u64)> {
        let options = CleanOptions::default();
        let input = BufReader::with_capacity(3, bytes);
        let mut table = RowReader::new(input, b',', Path::new("t.csv"), &options);
        let mut rows = Vec::new();
        while let Some(row) = table.next().unwrap() {
            let cells = row.cells().map(str::to_owned).collect();
            rows.push((cells, row.line, row.last_line));
        }
        rows
    }

    #[test]
    fn lines_are_counted_over_every_kind_of_line_end() {
        let found = rows(b"a\r\n\r\nb\rc,\n\"x\ny\",\"q\"\"\"\n\nlast");
        let expected: [(&[&str], u64, u64); 5] = [
            (&["a"], 1, 1),
            (&["b"], 3, 3),
            (&["c", ""], 4, 4),
            (&["x\ny", "q\""], 5, 6),
            (&["last"], 8, 8),
        ];
        for (found, (cells, first, last)) in found.iter().zip(expected) {
            assert_eq!(found.0, cells);
            assert_eq!((found.1, found.2), (first, last), "{cells:?}");
        }
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn each_cell_is_decoded_alone() {
        let mut row = Row::default();
        row.push("Beyoncé".as_bytes());
        assert!(row.utf8 && !row.windows_1252 && !row.lost_characters);
        row.push(b"Beyonc\xe9 \x96 x");
        assert!(row.windows_1252 && !row.lost_characters);
        // One broken byte does not garble all accents.
        row.push(b"Beyonc\xc3\xa9, Sigur R\xc3\xb3s\xff");
        assert!(row.lost_characters);
        let cells: Vec<_> = row.cells().collect();
        assert_eq!(cells, ["Beyoncé", "Beyoncé – x", "Beyoncé, Sigur Rós\u{fffd}"]);
        assert_eq!(row.get(3), None);
    }

    #[test]
    fn rows_beyond_measure_are_errors_before_they_are_in_memory() {
        let options =
            CleanOptions { max_cell_bytes: 2000, max_columns: 100, ..CleanOptions::default() };
        let read = |bytes: &'static [u8]| {
            // The input is endless, so code that waits for its end would never return.
            let input = BufReader::new(bytes).chain(BufReader::new(Forever(bytes)));
            let mut table = RowReader::new(input, b',', Path::new("t.csv"), &options);
            loop {
                match table.next() {
                    Ok(row) => assert!(row.is_some()),
                    Err(error) => return error,
                }
            }
        };
        assert!(matches!(read(b"aaaaaaaa"), CatalogError::CellTooLong { limit: 2000, .. }));
        assert!(matches!(read(b"aaaaaaaaa,"), CatalogError::TooManyColumns { limit: 100, .. }));
        let long: &'static [u8] = Box::leak([vec![b'a'; 1000], vec![b',']].concat().into());
        assert!(matches!(read(long), CatalogError::CellTooLong { .. }));
    }

    struct Forever(&'static [u8]);

    impl std::io::Read for Forever {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            Ok(count)
        }
    }
    use std::io::Read as _;
}
