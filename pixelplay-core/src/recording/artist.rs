//! The names in a credit.

use super::fold::{fold, squeezed};

/// Separators between two names. Words are in lower case.
const BETWEEN: &[&str] = &[
    " feat. ",
    " feat ",
    " ft. ",
    " ft ",
    " featuring ",
    " with ",
    " presents ",
    " vs. ",
    " vs ",
    " versus ",
    " x ",
    " × ",
    " / ",
    " + ",
    " & ",
    " and ",
    ", ",
    "; ",
    ";",
];

/// Separators after which a credit lists guests. A search leaves guests out.
pub(crate) const GUESTS: &[&str] =
    &[" feat. ", " feat ", " ft. ", " ft ", " featuring ", " with ", ";"];

/// Returns the names of a credit without its guests, folded and squeezed.
pub(crate) fn main_names(credit: &str) -> Vec<String> {
    let lower = credit.to_ascii_lowercase();
    // A semicolon may or may not be followed by a guest: tables use it to list all artists.
    let marks = GUESTS.iter().filter(|mark| **mark != ";" && **mark != " with ");
    let end = marks.filter_map(|mark| lower.find(mark)).min();
    names(&credit[..end.unwrap_or(credit.len())])
}

/// Returns all names of a credit, folded and squeezed.
pub(crate) fn names(credit: &str) -> Vec<String> {
    // Only ASCII letters change case, so byte positions stay the same.
    let mut pieces = vec![credit.to_ascii_lowercase()];
    for between in BETWEEN {
        pieces = pieces.iter().flat_map(|piece| piece.split(between)).map(str::to_owned).collect();
    }
    let names = pieces.iter().map(|piece| name(piece));
    names.filter(|name| !name.is_empty()).collect()
}

/// Returns a name folded and squeezed, without a leading "the".
pub(crate) fn name(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let folded = fold(text);
    let folded = folded.strip_prefix("the ").unwrap_or(&folded);
    squeezed(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_told_from_partners() {
        for (credit, expected) in [
            ("The Beatles", &["beatles"][..]),
            ("Simon & Garfunkel", &["simon", "garfunkel"]),
            ("Mozart;Karl Böhm", &["mozart", "karlbohm"]),
            ("Ana feat. Ben & Cy", &["ana"]),
            ("Ana ft. Ben", &["ana"]),
            ("Ana with Ben", &["ana", "ben"]),
            ("", &[]),
        ] {
            assert_eq!(main_names(credit), expected, "{credit}");
        }
    }
}
