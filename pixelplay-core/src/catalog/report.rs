//! What cleaning a table found, kept and left out.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// How often something was met, and where the first few times were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The lines of the file, from 1, of the first [`Tally::MOST_LINES`].
    pub lines: Vec<u64>,
}

impl Tally {
    /// How many lines are remembered.
    pub const MOST_LINES: usize = 5;

    pub(super) fn add(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < Self::MOST_LINES {
            self.lines.push(line);
        }
    }
}

impl fmt::Display for Tally {
    /// `3 (lines 4, 9 and 12)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        let lines: Vec<_> = self.lines.iter().map(u64::to_string).collect();
        match lines.as_slice() {
            [] => Ok(()),
            [line] => write!(f, " (line {line})"),
            lines if self.count > lines.len() as u64 => {
                write!(f, " (lines {}, ...)", lines.join(", "))
            }
            [init @ .., last] => write!(f, " (lines {} and {last})", init.join(", ")),
        }
    }
}

/// Why a row was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// It has more or fewer cells than the header.
    Ragged,
    /// Its id is empty or `NA`.
    MissingId,
    /// Its title is empty or `NA`.
    MissingTitle,
    /// Its artist is empty or `NA`.
    MissingArtist,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ragged => "not as many cells as the header has",
            Self::MissingId => "no id",
            Self::MissingTitle => "no title",
            Self::MissingArtist => "no artist",
        })
    }
}

/// The cells of one column that were emptied because they cannot be right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// Cells that do not hold what the column holds: `abc` or `NaN` for a number.
    pub unreadable: Tally,
    /// Cells outside the column's range: an energy of 3, a tempo of 0, a year 3019.
    pub out_of_range: Tally,
}

/// What [`clean`](super::clean) did to a table. Its text form is for people, its JSON for programs.
///
/// `kept + merged.count +` the sum of `dropped` is always `rows_read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CleanReport {
    /// The file, as it was named.
    pub source: String,
    /// Which known table this is, by its header.
    pub schema: String,
    /// Character encoding and compression.
    pub encoding: String,
    /// What stands between two cells: `comma`, `tab` or `semicolon`.
    pub delimiter: String,
    /// Which header became which column, by the name of the column.
    pub columns: BTreeMap<String, String>,
    /// Unknown columns that are carried along under their own names.
    pub extra: Vec<String>,
    /// Columns left out: without a name, or with one that is taken.
    pub ignored: Vec<String>,
    /// Rows below the header; blank lines do not count.
    pub rows_read: u64,
    /// Songs that came out.
    pub kept: u64,
    /// Rows left out, by reason.
    pub dropped: BTreeMap<DropReason, Tally>,
    /// Rows whose id an earlier row already had; they only filled its gaps.
    pub merged: Tally,
    /// Those of the merged rows whose title or artist is not the one kept: perhaps not the same song.
    pub conflicting: Tally,
    /// Cells emptied, by column.
    pub cells_cleared: BTreeMap<String, Cleared>,
    /// Columns that held 0 to 100 and were divided by 100.
    pub rescaled: Vec<String>,
    /// Anything else worth knowing, in sentences.
    pub notes: Vec<String>,
}

impl CleanReport {
    pub(super) fn cleared(&mut self, column: &str) -> &mut Cleared {
        // Not `entry`: it would allocate the name for every bad cell of a hopeless column.
        if !self.cells_cleared.contains_key(column) {
            self.cells_cleared
                .insert(column.to_owned(), Cleared::default());
        }
        self.cells_cleared.entry(column.to_owned()).or_default()
    }
}

impl fmt::Display for CleanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} ({}, {}-separated)",
            self.source, self.schema, self.encoding, self.delimiter
        )?;
        let dropped: u64 = self.dropped.values().map(|tally| tally.count).sum();
        writeln!(
            f,
            "{} rows read: {} songs kept, {} repeats merged, {dropped} rows dropped",
            self.rows_read, self.kept, self.merged.count,
        )?;
        for (reason, tally) in &self.dropped {
            writeln!(f, "  dropped, {reason}: {tally}")?;
        }
        if self.conflicting.count > 0 {
            writeln!(
                f,
                "  repeats with another title or artist: {}",
                self.conflicting
            )?;
        }
        for (column, cleared) in &self.cells_cleared {
            for (tally, what) in [
                (&cleared.unreadable, "unreadable"),
                (&cleared.out_of_range, "out of range"),
            ] {
                if tally.count > 0 {
                    writeln!(f, "  cells emptied, {column} {what}: {tally}")?;
                }
            }
        }
        if !self.rescaled.is_empty() {
            writeln!(f, "  divided by 100: {}", self.rescaled.join(", "))?;
        }
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|(column, header)| {
                if column == header {
                    column.clone()
                } else {
                    format!("{column} <- {header}")
                }
            })
            .collect();
        writeln!(f, "  columns: {}", columns.join(", "))?;
        for (names, what) in [(&self.extra, "carried along"), (&self.ignored, "left out")] {
            if !names.is_empty() {
                writeln!(f, "  {what}: {}", names.join(", "))?;
            }
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_its_first_lines() {
        let mut tally = Tally::default();
        let mut seen = vec![tally.to_string()];
        for line in 2..9 {
            tally.add(line);
            seen.push(tally.to_string());
        }
        assert_eq!(seen[0], "0");
        assert_eq!(seen[1], "1 (line 2)");
        assert_eq!(seen[3], "3 (lines 2, 3 and 4)");
        assert_eq!(seen[7], "7 (lines 2, 3, 4, 5, 6, ...)");
    }
}
