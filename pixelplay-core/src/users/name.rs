//! Valid user names, and when two names count as the same.

use precis_profiles::precis_core::profile::Profile;
use precis_profiles::precis_core::{CodepointInfo, Error as PrecisError, UnexpectedError};
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

/// The length of the longest email address that mail can be sent to (RFC 5321 section 4.5.3.1.3,
/// and erratum 1690 to RFC 3696), since many applications use addresses to log in. The limit is in
/// bytes, so that it can be checked before decoding characters.
const MAX_NAME_BYTES: usize = 254;

/// A user name: the form that is shown, the form for lookup, and its visual skeleton.
///
/// Names follow the profile UsernameCaseMapped of RFC 8265: letters and digits of any script, and
/// the visible ASCII characters, so email addresses are valid names. The tables of the profile are
/// those of Unicode 6.3, so letters added later are not accepted yet; newer tables only ever accept
/// more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserName {
    /// As typed, in NFC.
    shown: String,
    /// The lookup key: equal for names that differ only in case, width or composition.
    key: String,
    /// Equal for names that look alike when shown. No two users may share it, or one could
    /// impersonate the other. It is derived from the shown form, because that is where `paypaI`
    /// passes for `paypal`, and a capital Eta for an H.
    skeleton: String,
}

impl UserName {
    /// White space around a name is not part of it: the keyboards of phones add a space after a
    /// word.
    pub(super) fn parse(text: &str) -> Result<Self, NameProblem> {
        // Checked before reading the name, so that a name of 10 MB costs nothing.
        if text.len() > MAX_NAME_BYTES {
            return Err(NameProblem::TooLong { max_bytes: MAX_NAME_BYTES });
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(NameProblem::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(NameProblem::Space);
        }
        let shown: String = text.nfc().collect();
        let case_mapped = UsernameCaseMapped::new();
        let key = enforce(&case_mapped, &shown)?;
        // Mapping can produce characters that the profile forbids: a full-width `=` and a combining
        // stroke become U+2260. RFC 8264 section 7 therefore requires checking the result again.
        let again = enforce(&case_mapped, &key)?;
        if again != key {
            let changed = key.chars().zip(again.chars()).find(|(a, b)| a != b);
            return Err(NameProblem::Forbidden {
                code_point: changed.map_or('\u{fffd}', |(before, _)| before) as u32,
            });
        }
        // The lower-case form may be longer, and the key must also be a valid name.
        if key.len() > MAX_NAME_BYTES {
            return Err(NameProblem::TooLong { max_bytes: MAX_NAME_BYTES });
        }
        Ok(Self {
            skeleton: {
                let cased = enforce(&UsernameCasePreserved::new(), &shown)?;
                if key.contains('@') { address_looks_like(&cased) } else { looks_like(&cased) }
            },
            shown,
            key,
        })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn skeleton(&self) -> &str {
        &self.skeleton
    }
}

/// Why a name cannot be a user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// The name is empty.
    #[error("the name is empty; choose one with at least one character")]
    Empty,
    /// The name is longer than any email address.
    #[error("the name is longer than {max_bytes} bytes; choose a shorter one")]
    TooLong {
        /// The maximum length in bytes of UTF-8.
        max_bytes: usize,
    },
    /// The name contains a space, a tab or a line break.
    #[error("a name cannot contain spaces; write it as one word, as in ana.lima")]
    Space,
    /// The name contains a character that is not allowed, or not allowed in that position.
    #[error(
        "a name cannot contain the character U+{code_point:04X} in that position; use letters, digits and ASCII punctuation"
    )]
    Forbidden {
        /// The character's code point.
        code_point: u32,
    },
    /// The name mixes writing directions in a way that would be displayed in a different order than
    /// it is stored.
    #[error(
        "the name mixes right-to-left and left-to-right writing; use one of them, and start and end it with a letter"
    )]
    Direction,
}

fn enforce(profile: &impl Profile, text: &str) -> Result<String, NameProblem> {
    match profile.enforce(text) {
        Ok(key) => Ok(key.into_owned()),
        // For a name that is not empty, only its direction can be invalid.
        Err(PrecisError::Invalid) => Err(NameProblem::Direction),
        Err(PrecisError::BadCodepoint(at)) => Err(forbidden(text, &at)),
        Err(PrecisError::Unexpected(
            UnexpectedError::ContextRuleNotApplicable(at) | UnexpectedError::MissingContextRule(at),
        )) => Err(forbidden(text, &at)),
        // A rule needed a neighbour beyond an end of the name. The error does not say which
        // character required it.
        Err(PrecisError::Unexpected(_)) => {
            let needs_neighbour = |c: &char| profile.prepare(c.to_string()).is_err();
            Err(NameProblem::Forbidden {
                code_point: text.chars().find(needs_neighbour).unwrap_or('\u{fffd}') as u32,
            })
        }
    }
}

/// Returns the error for the character as typed: the profile names the one it was mapped to.
fn forbidden(text: &str, at: &CodepointInfo) -> NameProblem {
    NameProblem::Forbidden { code_point: text.chars().nth(at.position).map_or(at.cp, |c| c as u32) }
}

/// Returns the skeleton of UTS 39 section 4, but without regard to case, which the standard
/// preserves: `0` looks like `O`, and so like `o`.
fn looks_like(name: &str) -> String {
    let mut looks = name.to_owned();
    // A lower-case letter may look like yet another one. Two rounds are always enough; see the
    // tests.
    for _ in 0..2 {
        looks = skeleton(&looks).flat_map(char::to_lowercase).nfd().collect();
    }
    looks
}

/// Returns the skeleton of an email address. Nobody can choose an address at will, and its owner
/// proves to own it, so an ASCII character only counts as looking like itself: mamie@ and marnie@
/// are two people. Other characters are compared as in any name: an address with a Cyrillic letter
/// cannot pass for one without.
fn address_looks_like(address: &str) -> String {
    let mut looks = address.to_owned();
    for _ in 0..2 {
        let mut next = String::with_capacity(looks.len());
        for c in looks.chars() {
            if c.is_ascii() {
                next.push(c.to_ascii_lowercase());
            } else {
                let mut buffer = [0; 4];
                next.extend(skeleton(c.encode_utf8(&mut buffer)).flat_map(char::to_lowercase));
            }
        }
        looks = next.nfd().collect();
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> UserName {
        UserName::parse(text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"))
    }

    /// RFC 8265 section 3.5, table 1: examples that conform, and how they compare.
    #[test]
    fn names_of_rfc_8265_that_conform() {
        for text in [
            "juliet@example.com",
            "fussball",
            "fu\u{df}ball",
            "\u{3c0}",
            "\u{3a3}",
            "\u{3c3}",
            "\u{3c2}",
        ] {
            assert_eq!(parse(text).shown(), text);
        }
        assert_ne!(parse("fussball").key(), parse("fu\u{df}ball").key());
        assert_eq!(parse("\u{3a3}").key(), "\u{3c3}");
        assert_eq!(parse("\u{3a3}").key(), parse("\u{3c3}").key());
        assert_ne!(parse("\u{3c2}").key(), parse("\u{3c3}").key());
    }

    /// RFC 8265 section 3.5, table 2: examples that do not.
    #[test]
    fn names_of_rfc_8265_that_do_not() {
        for (text, problem) in [
            ("foo bar", NameProblem::Space),
            ("", NameProblem::Empty),
            ("henry\u{2163}", NameProblem::Forbidden { code_point: 0x2163 }),
            ("\u{265a}", NameProblem::Forbidden { code_point: 0x265a }),
        ] {
            assert_eq!(UserName::parse(text), Err(problem), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_named() {
        let forbidden = |code_point| NameProblem::Forbidden { code_point };
        for (text, problem) in [
            ("ana lima", NameProblem::Space),
            (" \t\u{3000}", NameProblem::Empty),
            ("ana\u{a0}lima", NameProblem::Space),
            ("ana\u{3000}lima", NameProblem::Space),
            ("ana\0", forbidden(0)),
            ("ana\u{7}", forbidden(7)),
            ("ana\u{7f}", forbidden(0x7f)),
            ("ana\u{200b}", forbidden(0x200b)),
            ("ana\u{202e}nimda", forbidden(0x202e)),
            ("ana\u{2066}", forbidden(0x2066)),
            ("ana\u{378}", forbidden(0x378)),
            ("ana\u{e000}", forbidden(0xe000)),
            ("ana\u{ffff}", forbidden(0xffff)),
            ("ana\u{1f3b5}", forbidden(0x1f3b5)),
            // As typed, not as mapped: it maps to U+00A5.
            ("ana\u{ffe5}", forbidden(0xffe5)),
            // A middle dot needs an l on either side, a joiner needs a virama before it.
            ("\u{b7}l", forbidden(0xb7)),
            ("ana\u{b7}", forbidden(0xb7)),
            ("ana\u{200d}", forbidden(0x200d)),
            ("\u{200d}ana", forbidden(0x200d)),
            // Full-width `=` and a combining stroke become U+2260 only after mapping.
            ("a\u{ff1d}\u{338}", forbidden(0x2260)),
            ("a=\u{338}", forbidden(0x2260)),
        ] {
            assert_eq!(UserName::parse(text), Err(problem), "{text:?}");
        }
        let message = forbidden(7).to_string();
        assert!(message.contains("U+0007"), "{message}");
    }

    #[test]
    fn right_to_left_names_keep_to_one_direction() {
        for name in ["\u{5d0}\u{5d1}\u{5d2}", "\u{645}\u{631}\u{64a}\u{645}", "\u{5d0}1"] {
            parse(name);
        }
        for mixed in ["ana\u{5d0}", "\u{5d0}ana", "1\u{5d0}", "\u{5d0}!", "\u{5d0}\u{661}1"] {
            assert_eq!(UserName::parse(mixed), Err(NameProblem::Direction), "{mixed:?}");
        }
    }

    #[test]
    fn case_width_and_composition_make_no_other_user() {
        for (one, other) in [
            ("Ana", "aNA"),
            ("\u{ff21}\u{ff4e}\u{ff41}", "ana"),
            ("Ame\u{301}lie", "am\u{e9}lie"),
            ("\u{ff76}\u{ff9e}", "\u{30ac}"),
            ("Ana.Lima@Example.ORG", "ana.lima@example.org"),
        ] {
            assert_eq!(parse(one).key(), parse(other).key());
        }
        assert_eq!(parse("Ame\u{301}lie").shown(), "Am\u{e9}lie");
    }

    #[test]
    fn names_that_look_alike_share_a_skeleton() {
        for (one, other) in [
            ("bob0", "bobO"),
            ("\u{430}na", "ana"),
            ("paypa1", "paypal"),
            ("\u{ff41}\u{ff4e}\u{ff41}", "ana"),
            ("\u{3bf}lga", "olga"),
            // A capital I, and a capital Eta, whose lower case does not look like an h.
            ("paypaI", "paypal"),
            ("\u{397}elga", "Helga"),
            ("rn", "m"),
        ] {
            let (one, other) = (parse(one), parse(other));
            assert_eq!(one.skeleton(), other.skeleton());
        }
        assert_ne!(parse("ana").skeleton(), parse("anna").skeleton());
    }

    #[test]
    fn space_around_a_name_is_not_part_of_it() {
        for text in ["Ana ", " Ana", "Ana\n", "\u{3000}Ana\u{a0}\t"] {
            assert_eq!(parse(text), parse("Ana"));
        }
    }

    #[test]
    fn addresses_of_two_people_do_not_look_alike() {
        for (one, other) in [
            ("mamie@example.com", "marnie@example.com"),
            ("ben.l@example.com", "ben.1@example.com"),
            ("stern@example.com", "stem@example.com"),
            ("o@example.com", "0@example.com"),
            ("j\u{fc}rgen.l@example.com", "j\u{fc}rgen.1@example.com"),
        ] {
            assert_ne!(parse(one).skeleton(), parse(other).skeleton());
        }
        for (one, other) in [
            ("\u{430}na@example.com", "ana@example.com"),
            ("\u{391}na@example.com", "ana@example.com"),
            ("ana@ex\u{430}mple.com", "Ana@Example.com"),
            ("\u{3bf}lga@example.com", "olga@example.com"),
            ("\u{ff41}na@example.com", "ana@example.com"),
        ] {
            assert_eq!(parse(one).skeleton(), parse(other).skeleton());
        }
    }

    #[test]
    fn a_name_may_be_as_long_as_an_address() {
        let address = format!("{}@{}.org", "a".repeat(64), "b".repeat(185));
        assert_eq!(address.len(), MAX_NAME_BYTES);
        parse(&address);
        let too_long = Err(NameProblem::TooLong { max_bytes: 254 });
        assert_eq!(UserName::parse(&format!("{address}x")), too_long);
        assert_eq!(UserName::parse(&"\u{e9}".repeat(5 << 20)), too_long);
        // 254 bytes that become 381 in lower case.
        assert_eq!(UserName::parse(&"\u{130}".repeat(127)), too_long);
    }

    /// For every character, alone and with a combining mark: a valid name stays valid, and stays
    /// the same name.
    #[test]
    fn every_character_is_stable() {
        for c in '\0'..=char::MAX {
            for text in [format!("a{c}"), format!("{c}\u{301}")] {
                let Ok(name) = UserName::parse(&text) else {
                    continue;
                };
                stable(&name);
                let looks = name.skeleton();
                assert_eq!(looks_like(looks), looks, "{text:?}");
            }
        }
    }

    fn stable(name: &UserName) {
        let of_key = parse(name.key());
        assert_eq!(of_key.key(), name.key());
        assert_eq!(parse(name.shown()), *name);
    }

    proptest! {
        #[test]
        fn any_text_is_a_stable_name_or_none(text in any::<String>()) {
            if let Ok(name) = UserName::parse(&text) {
                stable(&name);
            }
        }

        #[test]
        fn letters_are_a_stable_name(text in "[\\p{L}\\p{N}\\p{M}@._+-]{1,12}") {
            if let Ok(name) = UserName::parse(&text) {
                stable(&name);
            }
        }
    }
}
