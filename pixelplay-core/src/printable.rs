//! Makes text safe to print to a terminal.

/// Returns `text` without the characters that could control a terminal, so that it is safe to
/// print.
///
/// The titles in an index and the names in a table may come from anyone. Control characters,
/// including line breaks, are replaced by U+FFFD. Bidirectional controls, which can make a line
/// read as something else, are simply removed: some legitimate titles contain them, and look the
/// same without.
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

/// Returns whether a character has Unicode's property `Bidi_Control`: a mark, embedding, override
/// or isolate.
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
        // Right-to-left text and joiners are not changed.
        for text in
            ["\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "\u{6a9}\u{200c}\u{647}", "caf\u{e9} \u{1f3b5}"]
        {
            assert_eq!(printable(text), text);
        }
    }
}
