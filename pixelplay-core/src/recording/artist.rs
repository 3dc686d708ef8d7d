//! The names in a credit.

use super::fold::{fold, squeezed};

/// What stands between two names, folded where it is a word.
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

/// Behind these a credit goes on with guests, whom a search does without.
pub(crate) const GUESTS: &[&str] =
    &[" feat. ", " feat ", " ft. ", " ft ", " featuring ", " with ", ";"];

/// The names of a credit without its guests, folded and squeezed.
pub(crate) fn main_names(credit: &str) -> Vec<String> {
    let lower = credit.to_ascii_lowercase();
    // Behind a semicolon there may be a guest or not: tables list all artists with it.
    let marks = GUESTS.iter().filter(|mark| **mark != ";" && **mark != " with ");
    let end = marks.filter_map(|mark| lower.find(mark)).min();
    names(&credit[..end.unwrap_or(credit.len())])
}

/// All names of a credit, folded and squeezed.
pub(crate) fn names(credit: &str) -> Vec<String> {
    // ASCII alone changes case, so that places stay what they are.
    let mut pieces = vec![credit.to_ascii_lowercase()];
    for between in BETWEEN {
        pieces = pieces.iter().flat_map(|piece| piece.split(between)).map(str::to_owned).collect();
    }
    let names = pieces.iter().map(|piece| name(piece));
    names.filter(|name| !name.is_empty()).collect()
}

/// Folded and squeezed, without the article.
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
