//! What a user may be called, and when two names are one.

use precis_profiles::precis_core::profile::Profile;
use precis_profiles::precis_core::{CodepointInfo, Error as PrecisError, UnexpectedError};
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

/// The longest e-mail address that mail can be sent to (RFC 5321 section 4.5.3.1.3, and erratum
/// 1690 to RFC 3696), since addresses are what many apps log in with. It counts bytes, so that it
/// is known before a character is decoded.
const MAX_NAME_BYTES: usize = 254;

/// A user name: as it is shown, as it is looked up, and as it looks.
///
/// Names follow the profile UsernameCaseMapped of RFC 8265: letters and digits of any script and
/// the visible characters of ASCII, which makes e-mail addresses names. The tables of the profile
/// are those of Unicode 6.3, so letters that are younger are not accepted yet; a later table only
/// ever accepts more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserName {
    /// As typed, in NFC.
    shown: String,
    /// Equal for names that differ in case, width or composition alone: who is meant.
    key: String,
    /// Equal for names that look alike as they are shown: no two users may share it, or one could
    /// pass for the other. It is made of what is shown, for it is there that `paypaI` passes for
    /// `paypal`, and a capital Eta for an H.
    skeleton: String,
}

impl UserName {
    pub(super) fn parse(text: &str) -> Result<Self, NameProblem> {
        // Before anything is read of it: a name of 10 MB costs nothing.
        if text.len() > MAX_NAME_BYTES {
            return Err(NameProblem::TooLong { max_bytes: MAX_NAME_BYTES });
        }
        if text.is_empty() {
            return Err(NameProblem::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(NameProblem::Space);
        }
        let shown: String = text.nfc().collect();
        let case_mapped = UsernameCaseMapped::new();
        let key = enforce(&case_mapped, &shown)?;
        // Mapping may make what the profile forbids, as a full-width `=` and a stroke become
        // U+2260: RFC 8264 section 7 has the result go through again.
        let again = enforce(&case_mapped, &key)?;
        if again != key {
            let changed = key.chars().zip(again.chars()).find(|(a, b)| a != b);
            return Err(NameProblem::Forbidden {
                code_point: changed.map_or('\u{fffd}', |(before, _)| before) as u32,
            });
        }
        // Lower case may be longer, and the key is a name too.
        if key.len() > MAX_NAME_BYTES {
            return Err(NameProblem::TooLong { max_bytes: MAX_NAME_BYTES });
        }
        Ok(Self {
            skeleton: looks_like(&enforce(&UsernameCasePreserved::new(), &shown)?),
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

/// Why a name cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// There is none.
    #[error("the name is empty; choose one of at least one character")]
    Empty,
    /// It is longer than any e-mail address.
    #[error("the name is longer than {max_bytes} bytes; choose a shorter one")]
    TooLong {
        /// The most bytes a name may have in UTF-8.
        max_bytes: usize,
    },
    /// It holds a space, a tab or a line break, at an end or inside.
    #[error(
        "a name cannot hold a space, not even at its end; write it as one word, as in ana.lima"
    )]
    Space,
    /// It holds a character that no name may have, at least not there.
    #[error(
        "a name cannot hold the character U+{code_point:04X} in that place; use letters, digits and the punctuation of ASCII"
    )]
    Forbidden {
        /// Its code point.
        code_point: u32,
    },
    /// It mixes directions of writing in a way that would be shown in another order than it is
    /// stored.
    #[error(
        "the name mixes right-to-left and left-to-right writing; use one of them, and start and end it with a letter"
    )]
    Direction,
}

fn enforce(profile: &impl Profile, text: &str) -> Result<String, NameProblem> {
    match profile.enforce(text) {
        Ok(key) => Ok(key.into_owned()),
        // A name that is not empty has only its direction left to be invalid by.
        Err(PrecisError::Invalid) => Err(NameProblem::Direction),
        Err(PrecisError::BadCodepoint(at)) => Err(forbidden(text, &at)),
        Err(PrecisError::Unexpected(
            UnexpectedError::ContextRuleNotApplicable(at) | UnexpectedError::MissingContextRule(at),
        )) => Err(forbidden(text, &at)),
        // A rule looked for a neighbour beyond an end of the name; the character that asked for it
        // is not said.
        Err(PrecisError::Unexpected(_)) => {
            let needs_neighbour = |c: &char| profile.prepare(c.to_string()).is_err();
            Err(NameProblem::Forbidden {
                code_point: text.chars().find(needs_neighbour).unwrap_or('\u{fffd}') as u32,
            })
        }
    }
}

/// The character as it was typed: the profile names the one it was mapped to.
fn forbidden(text: &str, at: &CodepointInfo) -> NameProblem {
    NameProblem::Forbidden { code_point: text.chars().nth(at.position).map_or(at.cp, |c| c as u32) }
}

/// The skeleton of UTS 39 section 4 without regard to case, which the standard keeps: `0` looks
/// like `O`, and so like `o`.
fn looks_like(name: &str) -> String {
    let mut looks = name.to_owned();
    // A letter in lower case may look like yet another one; twice is as far as any goes, see the
    // tests.
    for _ in 0..2 {
        looks = skeleton(&looks).flat_map(char::to_lowercase).nfd().collect();
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
            (" ana", NameProblem::Space),
            ("ana ", NameProblem::Space),
            ("ana\u{a0}lima", NameProblem::Space),
            ("ana\u{3000}lima", NameProblem::Space),
            ("ana\n", NameProblem::Space),
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
            // A middle dot wants an l on either side, a joiner a virama before it.
            ("\u{b7}l", forbidden(0xb7)),
            ("ana\u{b7}", forbidden(0xb7)),
            ("ana\u{200d}", forbidden(0x200d)),
            ("\u{200d}ana", forbidden(0x200d)),
            // Full-width `=` and a combining stroke: only once mapped are they U+2260.
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
            // A capital I, and a capital Eta, whose lower case looks like no h.
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
    fn a_name_may_be_as_long_as_an_address() {
        let address = format!("{}@{}.org", "a".repeat(64), "b".repeat(185));
        assert_eq!(address.len(), MAX_NAME_BYTES);
        parse(&address);
        let too_long = Err(NameProblem::TooLong { max_bytes: 254 });
        assert_eq!(UserName::parse(&format!("{address}x")), too_long);
        assert_eq!(UserName::parse(&"\u{e9}".repeat(5 << 20)), too_long);
        // 254 bytes that are 381 in lower case.
        assert_eq!(UserName::parse(&"\u{130}".repeat(127)), too_long);
    }

    /// Of every character there is, alone and with a mark: what is a name stays one, and stays the
    /// same one.
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
