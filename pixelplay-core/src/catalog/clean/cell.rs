//! Reads one cell of a table.

use std::collections::HashSet;

use super::number::{self, SingleComma};
use super::unit_scale::UNIT_FEATURES;
use crate::song::Value;

/// A cell, read as a value of its column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Empty or `NA`.
    Missing,
    /// The value.
    Known(Value),
    /// The cell is not a valid value for this kind of column.
    Unreadable,
    /// A value of the right kind, but out of range.
    OutOfRange,
}

/// Returns the valid range of a numeric column, both ends included.
///
/// The ranges follow what Spotify reports: a tempo of 0 and a key of -1 mean "not found" there, and
/// a loudness may be slightly above 0 dB.
pub(super) fn range(column: &str) -> Option<(f64, f64)> {
    match column {
        "popularity" => Some((0.0, 100.0)),
        "duration_ms" => Some((1.0, 86_400_000.0)),
        "tempo" => Some((1.0, 500.0)),
        "loudness" => Some((-100.0, 20.0)),
        "key" => Some((0.0, 11.0)),
        "mode" => Some((0.0, 1.0)),
        "year" => Some((1850.0, 2100.0)),
        _ => UNIT_FEATURES.contains(&column).then_some((0.0, 1.0)),
    }
}

/// Returns whether a number, a date or a flag is missing. Recognises the spellings that programs
/// use for missing values.
fn is_missing(cell: &str) -> bool {
    const WORDS: [&str; 12] =
        ["NA", "N/A", "#N/A", "<NA>", "NaN", "-NaN", "NULL", "None", "nil", "-", "--", "\\N"];
    cell.is_empty() || WORDS.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Returns whether a text is missing. Only the exact spellings that programs write count, because
/// songs and artists may be called `Na`, `none` or `-`.
fn is_missing_text(text: &str) -> bool {
    matches!(
        text,
        "" | "NA"
            | "N/A"
            | "n/a"
            | "#N/A"
            | "<NA>"
            | "NaN"
            | "nan"
            | "NULL"
            | "null"
            | "None"
            | "\\N"
    )
}

/// Reads text as one line. Runs of white space and control characters become one space, because a
/// title must not be able to control the terminal that shows it. Returns `None` if the cell is
/// empty or marked as missing.
pub(super) fn text(cell: &str) -> Option<String> {
    let mut text = String::with_capacity(cell.len());
    for word in cell.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !text.is_empty() && !word.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    (!is_missing_text(&text)).then_some(text)
}

/// Reads text that may have several lines, such as a description.
pub(super) fn lines(cell: &str) -> Option<String> {
    let lines: Vec<_> = cell.lines().filter_map(text).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Reads a whole number. Also accepts `1987.0`, which is how pandas writes a column with gaps.
pub(super) fn integer(cell: &str) -> Cell {
    match number::parse(cell, SingleComma::Thousands) {
        Some(number) if number.percent || number.value.fract() != 0.0 => Cell::Unreadable,
        // This is far beyond every valid range, and the cast below would saturate.
        Some(number) if number.value.abs() > 1e15 => Cell::OutOfRange,
        #[expect(clippy::cast_possible_truncation, reason = "whole and at most 1e15")]
        Some(number) => Cell::Known(Value::Integer(number.value as i64)),
        None => no_number(cell),
    }
}

/// Classifies a cell that is not a number.
pub(super) fn no_number(cell: &str) -> Cell {
    if is_missing(cell.trim()) { Cell::Missing } else { Cell::Unreadable }
}

/// Reads a yes/no value.
pub(super) fn flag(cell: &str) -> Cell {
    let cell = cell.trim();
    if is_missing(cell) {
        return Cell::Missing;
    }
    // The words in other languages are those that spreadsheet programs write in these languages.
    const YES: [&str; 13] = [
        "true",
        "t",
        "yes",
        "y",
        "on",
        "1",
        "1.0",
        "explicit",
        "wahr",
        "vrai",
        "vero",
        "verdadero",
        "verdadeiro",
    ];
    const NO: [&str; 14] = [
        "false",
        "f",
        "no",
        "n",
        "off",
        "0",
        "0.0",
        "clean",
        "cleaned",
        "notexplicit",
        "falsch",
        "faux",
        "falso",
        "not explicit",
    ];
    let word = cell.to_lowercase();
    if YES.contains(&word.as_str()) {
        Cell::Known(Value::Flag(true))
    } else if NO.contains(&word.as_str()) {
        Cell::Known(Value::Flag(false))
    } else {
        Cell::Unreadable
    }
}

/// Reads a pitch class: 0 to 11, or its name (`C#`, `Db`, `C♯/D♭`).
pub(super) fn key(cell: &str) -> Cell {
    let first = cell.split('/').next().unwrap_or_default().trim();
    let mut chars = first.chars();
    let note = match chars.next().map(|c| c.to_ascii_uppercase()) {
        Some('C') => 0,
        Some('D') => 2,
        Some('E') => 4,
        Some('F') => 5,
        Some('G') => 7,
        Some('A') => 9,
        Some('B') => 11,
        _ => return integer(cell),
    };
    match chars.as_str() {
        "" => Cell::Known(Value::Integer(note)),
        "#" | "♯" => Cell::Known(Value::Integer((note + 1) % 12)),
        "b" | "♭" => Cell::Known(Value::Integer((note + 11) % 12)),
        _ => integer(cell),
    }
}

/// Reads a mode: `1` or `major`, `0` or `minor`.
pub(super) fn mode(cell: &str) -> Cell {
    match cell.trim().to_ascii_lowercase().as_str() {
        "major" | "maj" => Cell::Known(Value::Integer(1)),
        "minor" | "min" => Cell::Known(Value::Integer(0)),
        _ => integer(cell),
    }
}

/// Reads an id; `spotify:track:ID` and `https://open.spotify.com/track/ID` are the song `ID`.
pub(super) fn id(cell: &str) -> Option<String> {
    let id = text(cell)?;
    let mut bare = id.as_str();
    if let Some((_, after)) = bare.rsplit_once("open.spotify.com/track/") {
        bare = after.split('?').next().unwrap_or_default();
    }
    // Repeatedly, because the result must not change when it is cleaned again.
    while let Some(after) = bare.trim().strip_prefix("spotify:track:") {
        bare = after;
    }
    text(bare)
}

/// Reads the artists as one text, `A, B`. A Python list, `['A', "B's"]`, or `A;B` is split only if
/// `several` is set: in other columns a semicolon is part of a name.
pub(super) fn artist(cell: &str, several: bool) -> Option<String> {
    let cell = text(cell)?;
    if !several {
        return Some(cell);
    }
    let names: Vec<_> = match python_list(&cell) {
        Some(names) => names.iter().filter_map(|name| text(name)).collect(),
        None => cell.split(';').filter_map(text).collect(),
    };
    text(&names.join(", "))
}

/// Reads the genres of a cell that lists several: a Python list, or separated by `,`, `;` or `|`.
pub(super) fn genres(cell: &str) -> Vec<String> {
    let Some(cell) = text(cell) else {
        return Vec::new();
    };
    let listed = python_list(&cell)
        .unwrap_or_else(|| cell.split([',', ';', '|']).map(str::to_owned).collect());
    let mut seen = HashSet::new();
    let known = listed.iter().filter_map(|genre| text(genre));
    known.filter(|genre| seen.insert(genre.clone())).collect()
}

/// Reads the strings of a Python list as `str()` writes it, or returns `None` for anything else.
fn python_list(cell: &str) -> Option<Vec<String>> {
    let mut rest = cell.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
        // A missing item.
        if let Some(after) = rest.strip_prefix("None") {
            rest = after_comma(after)?;
            continue;
        }
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut item = String::new();
        let mut chars = rest[1..].char_indices();
        let end = loop {
            match chars.next()? {
                (at, c) if c == quote => break at + 2,
                (_, '\\') => item.push(chars.next()?.1),
                (_, c) => item.push(c),
            }
        };
        items.push(item);
        rest = after_comma(&rest[end..])?;
    }
    Some(items)
}

/// Returns the text after the comma that follows an item, an empty text after the last item, or
/// `None` if anything else follows.
fn after_comma(rest: &str) -> Option<&str> {
    let rest = rest.trim_start();
    match rest.strip_prefix(',') {
        Some(after) => Some(after.trim_start()),
        None => rest.is_empty().then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: i64) -> Cell {
        Cell::Known(Value::Integer(number))
    }

    #[test]
    fn whole_numbers_are_whole_or_refused() {
        for missing in ["", "  ", "NA", "na", "N/A", "NaN", "null", "None", "-", "\\N"] {
            assert_eq!(integer(missing), Cell::Missing);
        }
        assert_eq!(integer("194754.0"), whole(194_754));
        assert_eq!(integer("194,754"), whole(194_754));
        for bad in ["0.5", "12%", "inf", "x"] {
            assert_eq!(integer(bad), Cell::Unreadable, "{bad}");
        }
        assert_eq!(integer("1e300"), Cell::OutOfRange);
    }

    #[test]
    fn keys_and_modes_have_names() {
        for (name, pitch) in [("Bb", 10), ("C♯/D♭", 1), ("Cb", 11), ("b", 11), ("7", 7)] {
            assert_eq!(key(name), whole(pitch), "{name}");
        }
        for bad in ["H", "C##", "Am"] {
            assert_eq!(key(bad), Cell::Unreadable, "{bad}");
        }
        assert_eq!(mode("Minor"), whole(0));
        assert_eq!(mode("1"), whole(1));
        for yes in ["True", "1", "Y", "WAHR"] {
            assert_eq!(flag(yes), Cell::Known(Value::Flag(true)), "{yes}");
        }
        for no in ["FALSE", "0.0", "n", "notExplicit"] {
            assert_eq!(flag(no), Cell::Known(Value::Flag(false)), "{no}");
        }
        assert_eq!(flag("maybe"), Cell::Unreadable);
        assert_eq!(flag("null"), Cell::Missing);
    }

    #[test]
    fn artists_are_one_text() {
        let list = |cell| artist(cell, true).unwrap();
        assert_eq!(list("['A', 'B']"), "A, B");
        assert_eq!(list(r#"["Guns N' Roses", 'B']"#), "Guns N' Roses, B");
        assert_eq!(list(r"['It\'s']"), "It's");
        assert_eq!(list("['A' 'B']"), "['A' 'B']");
        assert_eq!(list("[é"), "[é");
        assert_eq!(artist("[]", true), None);
        assert_eq!(artist("A; B;;", true).as_deref(), Some("A, B"));
        assert_eq!(artist("A;B", false).as_deref(), Some("A;B"));
    }

    #[test]
    fn text_is_one_line_and_descriptions_keep_theirs() {
        assert_eq!(text(" a \n\t b ").as_deref(), Some("a b"));
        assert_eq!(text("a\u{1b}[2J").as_deref(), Some("a [2J"));
        for missing in ["NA", "NaN", "null", " None ", "\\N"] {
            assert_eq!(text(missing), None);
        }
        for name in ["Na", "none", "Null", "-", "NANA"] {
            assert_eq!(text(name).as_deref(), Some(name));
        }
        assert_eq!(lines(" a  b \r\n\r\n c").as_deref(), Some("a b\nc"));
        assert_eq!(id("spotify:track:3n3").as_deref(), Some("3n3"));
        let url = "https://open.spotify.com/track/3n3?si=1";
        assert_eq!(id(url).as_deref(), Some("3n3"));
        assert_eq!(id("spotify:track:"), None);
        assert_eq!(id("spotify:track:NA"), None);
    }

    #[test]
    fn genres_are_listed_in_many_ways() {
        for cell in ["pop,rock,pop", "pop; rock", "pop|rock", "['pop', 'rock']"] {
            assert_eq!(genres(cell), ["pop", "rock"], "{cell}");
        }
        assert!(genres("[]").is_empty() && genres("NA").is_empty());
    }
}
