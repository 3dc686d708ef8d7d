//! What one cell of a table says.

use super::schema::Artists;
use crate::song::Value;

/// A cell, read as what its column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Empty or `NA`.
    Missing,
    /// What it says.
    Known(Value),
    /// Something else than the column holds.
    Unreadable,
    /// What the column holds, but not possible.
    OutOfRange,
}

/// The features that Spotify measures from 0 to 1.
pub(super) const UNIT_FEATURES: [&str; 7] = [
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
];

/// The values that are possible in a column of numbers, both ends included.
///
/// Wide enough for what Spotify reports: a tempo of 0 and a key of -1 are its words for "not found",
/// and a loudness may lie a little above 0 dB.
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

fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell.eq_ignore_ascii_case("NA") || cell == "N/A"
}

/// Text on one line, runs of white space and control characters as one space (a title must not steer
/// the terminal it is shown in). `None` where the cell is empty or `NA`.
pub(super) fn text(cell: &str) -> Option<String> {
    let words: Vec<_> = cell
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let text = words.join(" ");
    (!is_missing(&text)).then_some(text)
}

/// Text that may have several lines, such as a description.
pub(super) fn lines(cell: &str) -> Option<String> {
    let lines: Vec<_> = cell.lines().filter_map(text).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A finite number, not checked against the column's range.
pub(super) fn real(cell: &str) -> Cell {
    let cell = cell.trim();
    if is_missing(cell) {
        return Cell::Missing;
    }
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Cell::Known(Value::Real(number)),
        _ => Cell::Unreadable,
    }
}

/// A whole number, also as `1987.0`, which is how pandas writes a column with gaps.
pub(super) fn integer(cell: &str) -> Cell {
    match real(cell) {
        Cell::Known(Value::Real(number)) if number.fract() != 0.0 => Cell::Unreadable,
        // Far beyond every range here, and the cast below saturates.
        Cell::Known(Value::Real(number)) if number.abs() > 1e15 => Cell::OutOfRange,
        #[expect(clippy::cast_possible_truncation, reason = "whole and at most 1e15")]
        Cell::Known(Value::Real(number)) => Cell::Known(Value::Integer(number as i64)),
        other => other,
    }
}

/// The year of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
pub(super) fn year(cell: &str) -> Cell {
    let cell = cell.trim();
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i64>().ok())
            .flatten()
    };
    let parts: Vec<_> = cell.split('-').collect();
    if parts[0].len() != 4 || !(2..=3).contains(&parts.len()) {
        return integer(cell);
    }
    let month = number(parts[1], 2).is_some_and(|month| (1..=12).contains(&month));
    let day = parts
        .get(2)
        .is_none_or(|day| number(day, 2).is_some_and(|day| (1..=31).contains(&day)));
    match number(parts[0], 4) {
        Some(year) if month && day => Cell::Known(Value::Integer(year)),
        _ => Cell::Unreadable,
    }
}

/// Yes or no.
pub(super) fn flag(cell: &str) -> Cell {
    let cell = cell.trim();
    if is_missing(cell) {
        return Cell::Missing;
    }
    match cell.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "1.0" => Cell::Known(Value::Flag(true)),
        "false" | "0" | "no" | "0.0" => Cell::Known(Value::Flag(false)),
        _ => Cell::Unreadable,
    }
}

/// A pitch class: 0 to 11, or its name (`C#`, `Db`).
pub(super) fn key(cell: &str) -> Cell {
    const NAMES: [(&str, i64); 17] = [
        ("C", 0),
        ("C#", 1),
        ("Db", 1),
        ("D", 2),
        ("D#", 3),
        ("Eb", 3),
        ("E", 4),
        ("F", 5),
        ("F#", 6),
        ("Gb", 6),
        ("G", 7),
        ("G#", 8),
        ("Ab", 8),
        ("A", 9),
        ("A#", 10),
        ("Bb", 10),
        ("B", 11),
    ];
    let trimmed = cell.trim();
    NAMES.iter().find(|(name, _)| *name == trimmed).map_or_else(
        || integer(cell),
        |&(_, pitch)| Cell::Known(Value::Integer(pitch)),
    )
}

/// 1 for major, 0 for minor, or the words.
pub(super) fn mode(cell: &str) -> Cell {
    match cell.trim().to_ascii_lowercase().as_str() {
        "major" => Cell::Known(Value::Integer(1)),
        "minor" => Cell::Known(Value::Integer(0)),
        _ => integer(cell),
    }
}

/// `spotify:track:ID` is the song `ID`.
pub(super) fn id(cell: &str) -> Option<String> {
    let id = text(cell)?;
    let bare = id.strip_prefix("spotify:track:").unwrap_or(&id);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// The artists as one text, `A, B`.
pub(super) fn artist(cell: &str, artists: Artists) -> Option<String> {
    let cell = text(cell)?;
    let names: Vec<String> = match artists {
        Artists::OneText => return Some(cell),
        Artists::Semicolons => cell.split(';').filter_map(text).collect(),
        Artists::PythonList => match python_list(&cell) {
            Some(names) => names.iter().filter_map(|name| text(name)).collect(),
            None => return Some(cell),
        },
    };
    (!names.is_empty()).then(|| names.join(", "))
}

/// The strings of a Python list as `str()` writes it, or `None` where it is none.
fn python_list(cell: &str) -> Option<Vec<String>> {
    let mut rest = cell.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
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
        rest = rest[end..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: f64) -> Cell {
        Cell::Known(Value::Real(number))
    }

    fn whole(number: i64) -> Cell {
        Cell::Known(Value::Integer(number))
    }

    #[test]
    fn numbers_are_finite_or_refused() {
        assert_eq!(real(" 0.5 "), known(0.5));
        assert_eq!(real("-1e-3"), known(-0.001));
        for missing in ["", "  ", "NA", "na", "N/A"] {
            assert_eq!(real(missing), Cell::Missing);
        }
        for bad in [
            "NaN", "nan", "inf", "-inf", "1e999", "0,5", "12%", "null", "x",
        ] {
            assert_eq!(real(bad), Cell::Unreadable, "{bad}");
        }
        assert_eq!(integer("194754.0"), whole(194_754));
        assert_eq!(integer("0.5"), Cell::Unreadable);
        assert_eq!(integer("1e300"), Cell::OutOfRange);
    }

    #[test]
    fn dates_give_their_year() {
        for date in ["1987", "1987-06", "1987-06-14", " 1987.0 "] {
            assert_eq!(year(date), whole(1987), "{date}");
        }
        for bad in [
            "1987-13",
            "1987-06-32",
            "1987-6-1",
            "14/06/1987",
            "1987-",
            "June",
            "19é7-06",
            "1987-06-14-1",
        ] {
            assert_eq!(year(bad), Cell::Unreadable, "{bad}");
        }
        assert_eq!(year("NA"), Cell::Missing);
        assert_eq!(year("-44"), whole(-44));
    }

    #[test]
    fn keys_and_modes_have_names() {
        assert_eq!(key("Bb"), whole(10));
        assert_eq!(key("7"), whole(7));
        assert_eq!(key("H"), Cell::Unreadable);
        assert_eq!(mode("Minor"), whole(0));
        assert_eq!(mode("1"), whole(1));
        assert_eq!(flag("True"), Cell::Known(Value::Flag(true)));
        assert_eq!(flag("maybe"), Cell::Unreadable);
    }

    #[test]
    fn artists_are_one_text() {
        let list = |cell| artist(cell, Artists::PythonList).unwrap();
        assert_eq!(list("['A', 'B']"), "A, B");
        assert_eq!(list(r#"["Guns N' Roses", 'B']"#), "Guns N' Roses, B");
        assert_eq!(list(r"['It\'s']"), "It's");
        assert_eq!(list("['A' 'B']"), "['A' 'B']");
        assert_eq!(list("[é"), "[é");
        assert_eq!(artist("[]", Artists::PythonList), None);
        assert_eq!(
            artist("A; B;;", Artists::Semicolons).as_deref(),
            Some("A, B")
        );
        assert_eq!(artist("A;B", Artists::OneText).as_deref(), Some("A;B"));
    }

    #[test]
    fn text_is_one_line_and_descriptions_keep_theirs() {
        assert_eq!(text(" a \n\t b ").as_deref(), Some("a b"));
        assert_eq!(text("a\u{1b}[2J").as_deref(), Some("a [2J"));
        assert_eq!(text("NA"), None);
        assert_eq!(lines(" a  b \r\n\r\n c").as_deref(), Some("a b\nc"));
        assert_eq!(id("spotify:track:3n3").as_deref(), Some("3n3"));
        assert_eq!(id("spotify:track:"), None);
    }
}
