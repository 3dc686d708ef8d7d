//! The report on a cleaned table: what was found, kept and left out.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// How often something occurred, and where it occurred first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How often it occurred.
    pub count: u64,
    /// The line numbers, from 1, of the first [`Tally::MOST_LINES`] occurrences.
    pub lines: Vec<u64>,
}

impl Tally {
    /// The maximum number of line numbers kept.
    pub const MOST_LINES: usize = 5;

    pub(super) fn add(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < Self::MOST_LINES {
            self.lines.push(line);
        }
    }

    /// Adds the occurrences of another tally of the same file.
    pub(super) fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.lines.extend(&other.lines);
        self.lines.sort_unstable();
        self.lines.truncate(Self::MOST_LINES);
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

/// Why a row was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// The row has more or fewer cells than the header.
    Ragged,
    /// The id is empty, `NA` or the like.
    MissingId,
    /// The title is empty, `NA` or the like.
    MissingTitle,
    /// The artist is empty, `NA` or the like.
    MissingArtist,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ragged => "more or fewer cells than the header",
            Self::MissingId => "no id",
            Self::MissingTitle => "no title",
            Self::MissingArtist => "no artist",
        })
    }
}

/// How a cell was converted if it is not a plain number in the column's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Conversion {
    /// `0,75` is 0.75.
    DecimalComma,
    /// `1 200`, `1.200.000` and, in a column of whole numbers, `1,200` have thousands separators.
    ThousandsSeparator,
    /// `50%` is 0.5 in a column from 0 to 1, and a popularity of 50.
    PercentSign,
    /// `3:45` and `PT3M45S` are minutes and seconds.
    ClockTime,
    /// The header says that the duration is in seconds.
    Seconds,
    /// The header says that the duration is in minutes.
    Minutes,
    /// The header of the duration column names no unit. The number is at most 3,600, so it is read
    /// as seconds.
    AssumedSeconds,
    /// The header of the duration column names no unit. The number is at least 20,000, so it is
    /// read as milliseconds.
    AssumedMilliseconds,
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DecimalComma => "comma read as decimal point",
            Self::ThousandsSeparator => "thousands separators removed",
            Self::PercentSign => "written with a percent sign",
            Self::ClockTime => "clock time converted to milliseconds",
            Self::Seconds => "seconds converted to milliseconds",
            Self::Minutes => "minutes converted to milliseconds",
            Self::AssumedSeconds => "no unit, read as seconds",
            Self::AssumedMilliseconds => "no unit, read as milliseconds",
        })
    }
}

/// The cells of one column that were emptied because they are not valid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// Cells that cannot be values of the column, such as `abc` or `inf` instead of a number.
    pub unreadable: Tally,
    /// Cells outside the column's range, such as an energy of 3, a tempo of 0, or the year 3019.
    pub out_of_range: Tally,
}

/// The report of [`SongTable::clean`]. `Display` formats it for people, and the JSON form is for
/// programs.
///
/// [`SongTable::clean`]: crate::catalog::SongTable::clean
///
/// `kept + merged.count + same_recording.count +` the sum of `dropped` is always `rows_read`.
///
/// The keys of the JSON are the names of the fields. Within `dropped` and `converted`, the keys are
/// the variants of [`DropReason`] and [`Conversion`] in `snake_case`. A [`Tally`] is an object with
/// `count` and `lines`:
///
/// ```
/// use pixelplay_core::catalog::SongTable;
///
/// let csv = "id,title,artist,energy\n1,Rain,Ana,\"0,5\"\n2,,Ben,0.2\n";
/// let report = SongTable::from_reader(csv.as_bytes(), "songs.csv").clean(&mut ())?.report;
/// let json = serde_json::to_value(&report)?;
/// assert_eq!(json["rows_read"], 2);
/// assert_eq!(json["dropped"]["missing_title"], serde_json::json!({ "count": 1, "lines": [3] }));
/// assert_eq!(json["converted"]["energy"]["decimal_comma"]["count"], 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CleanReport {
    /// The file name, as given by the caller.
    pub source: String,
    /// The known public table that the header matches.
    pub schema: String,
    /// Character encoding and compression.
    pub encoding: String,
    /// The delimiter: `comma`, `tab`, `semicolon`, `pipe`, or the character itself.
    pub delimiter: String,
    /// Maps each column of a song to its header in the table.
    pub columns: BTreeMap<String, String>,
    /// Unknown columns that are kept as extra columns under their own names.
    pub extra: Vec<String>,
    /// Columns left out because they have no name, or a name that is already used.
    pub ignored: Vec<String>,
    /// Rows below the header, without empty lines and `blank_rows`.
    pub rows_read: u64,
    /// Rows that contain only white space and delimiters, as spreadsheets write them.
    pub blank_rows: Tally,
    /// The number of songs kept.
    pub kept: u64,
    /// Dropped rows, by reason.
    pub dropped: BTreeMap<DropReason, Tally>,
    /// Rows with the id of an earlier row. They only filled the gaps of that row.
    pub merged: Tally,
    /// Rows of the same recording as an earlier row, but under another id: a remaster, another
    /// album, or guests named in another place. They only filled the gaps of the earlier row.
    pub same_recording: Tally,
    /// Merged rows whose title or artist differs from the one kept; they may be different songs.
    pub conflicting: Tally,
    /// Cells emptied, by column.
    pub cells_cleared: BTreeMap<String, Cleared>,
    /// Columns whose header or values show that they range from 0 to 100; they were divided by 100.
    pub rescaled: Vec<String>,
    /// Cells that were converted while reading, by column.
    pub converted: BTreeMap<String, BTreeMap<Conversion, Tally>>,
    /// Rows with cells that are not UTF-8 and were read as Windows-1252, which includes Latin-1.
    pub windows_1252: Tally,
    /// Rows with U+FFFD, which marks a character that was lost, either now or in an earlier
    /// conversion.
    pub lost_characters: Tally,
    /// Other notes, as sentences.
    pub notes: Vec<String>,
}

impl CleanReport {
    pub(super) fn drop_row(&mut self, reason: DropReason, line: u64) {
        self.dropped.entry(reason).or_default().add(line);
    }

    pub(super) fn cleared(&mut self, column: &str) -> &mut Cleared {
        self.cells_cleared.entry(column.to_owned()).or_default()
    }

    pub(super) fn converted(&mut self, column: &str, conversion: Conversion) -> &mut Tally {
        let column = self.converted.entry(column.to_owned()).or_default();
        column.entry(conversion).or_default()
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
            "{} read: {} kept, {} merged, {} dropped",
            counted(self.rows_read, "row"),
            counted(self.kept, "song"),
            counted(self.merged.count + self.same_recording.count, "repeat"),
            counted(dropped, "row"),
        )?;
        for (reason, tally) in &self.dropped {
            writeln!(f, "  dropped, {reason}: {tally}")?;
        }
        if self.same_recording.count > 0 {
            writeln!(
                f,
                "  repeats by title and artist, under another id: {}",
                self.same_recording
            )?;
        }
        if self.conflicting.count > 0 {
            writeln!(f, "  repeats with another title or artist: {}", self.conflicting)?;
        }
        for (column, cleared) in &self.cells_cleared {
            for (tally, what) in
                [(&cleared.unreadable, "unreadable"), (&cleared.out_of_range, "out of range")]
            {
                if tally.count > 0 {
                    writeln!(f, "  cells emptied, {column} {what}: {tally}")?;
                }
            }
        }
        if !self.rescaled.is_empty() {
            writeln!(f, "  divided by 100: {}", self.rescaled.join(", "))?;
        }
        for (column, conversions) in &self.converted {
            for (conversion, tally) in conversions {
                writeln!(f, "  {column}, {conversion}: {tally}")?;
            }
        }
        for (tally, what) in [
            (&self.blank_rows, "blank rows skipped"),
            (&self.windows_1252, "rows not in UTF-8, read as Windows-1252"),
            (&self.lost_characters, "rows with lost characters (\u{fffd})"),
        ] {
            if tally.count > 0 {
                writeln!(f, "  {what}: {tally}")?;
            }
        }
        let columns: Vec<_> =
            self.columns
                .iter()
                .map(|(column, header)| {
                    if column == header { column.clone() } else { format!("{column} <- {header}") }
                })
                .collect();
        writeln!(f, "  columns: {}", columns.join(", "))?;
        for (names, what) in [(&self.extra, "extra columns"), (&self.ignored, "columns left out")] {
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

/// `1 song`, `2 songs`
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
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
