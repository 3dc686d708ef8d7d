//! What of a text may reach a terminal.

/// Returns the text as it may be printed: without the characters that steer a terminal.
///
/// The titles of an index and the names in a table may come from anyone. Control characters are
/// replaced by U+FFFD, line breaks too. Bidirectional controls, which can make a line read as
/// something else, are left out: honest titles contain some of them, and show the same without.
///
/// ```
/// use pixelplay_core::printable;
///
/// assert_eq!(printable("Rain\u{1b}[2J"), "Rain\u{fffd}[2J");
/// assert_eq!(printable("gnp.\u{202e}Rain"), "gnp.Rain");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    let kept = text.chars().filter(|&c| !is_bidi_control(c));
    kept.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The characters with Unicode's property `Bidi_Control`: marks, embeddings, overrides and isolates.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        for c in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
            assert_eq!(printable(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        let bidi = (0x202a..=0x202e).chain(0x2066..=0x2069).chain([0x61c, 0x200e, 0x200f]);
        for c in bidi.filter_map(char::from_u32) {
            assert_eq!(printable(&format!("a{c}b")), "ab", "{c:?}");
        }
        // Scripts that are written from right to left, and joiners, stay as they are.
        for text in
            ["\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "\u{6a9}\u{200c}\u{647}", "caf\u{e9} \u{1f3b5}"]
        {
            assert_eq!(printable(text), text);
        }
    }
}
