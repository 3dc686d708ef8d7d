//! A password on its way to a hash: how long, in which form, and whether it will do.

use std::fmt;

use precis_profiles::precis_core::stringclasses::StringClass;
use precis_profiles::precis_core::{DerivedPropertyValue, FreeformClass};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_public_assigned;
use zeroize::Zeroizing;

use super::name::UserName;

/// The longest password, in bytes of UTF-8. NIST SP 800-63B-4 section 3.1.1.2 asks for 64
/// characters at least; beyond a page of text nobody types, and every byte is work that is done
/// before anybody is known.
pub(super) const MAX_PASSWORD_BYTES: usize = 1024;

/// Where zxcvbn's scale leaves "very guessable": fewer guesses are within reach of an attacker who
/// only tries to log in, throttled as that is.
const MIN_GUESSES: u64 = 1_000_000;

/// As much of a password as zxcvbn reads. It tries every way to read `4` as `a`, `1` as `i` or `l`
/// and so on, over every part of the text: 0.8 s of a core for 100 characters of that kind, as many
/// as it would read, and 0.07 s for these.
const MAX_JUDGED_CHARS: usize = 32;

/// Parts of a name that are shorter than this are in every text.
const MIN_NAME_PART: usize = 3;

/// A password as somebody typed it. Its `Debug` shows nothing of it, and our copies of it are
/// wiped; those that zxcvbn and the normaliser make on their way are not.
pub(super) struct Password<'a> {
    typed: &'a str,
    normalised: Result<Normalised, PasswordProblem>,
}

/// A password in the form of the profile OpaqueString of RFC 8265: the same bytes for the same
/// characters, whichever keyboard composed them. This is what is hashed.
pub(super) struct Normalised(Zeroizing<String>);

impl Normalised {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'a> Password<'a> {
    /// The one thing that is refused here, and before anything is read of it, is a password that is
    /// too long. One that cannot be normalised may still be right for a hash that another program
    /// made of what was typed.
    pub(super) fn new(typed: &'a str) -> Result<Self, PasswordProblem> {
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordProblem::TooLong { max_bytes: MAX_PASSWORD_BYTES });
        }
        Ok(Self { typed, normalised: normalise(typed) })
    }

    pub(super) fn typed(&self) -> &[u8] {
        self.typed.as_bytes()
    }

    /// `None` where no hash of ours can be of it.
    pub(super) fn normalised(&self) -> Option<&Normalised> {
        self.normalised.as_ref().ok()
    }
}

/// What a new password has to be. Nothing is asked of its composition, and it does not expire: both
/// make worse passwords (NIST SP 800-63B-4 section 3.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PasswordPolicy {
    /// The fewest characters, counted in code points after normalisation.
    pub(super) min_chars: usize,
}

impl PasswordPolicy {
    /// For apps that ask for a second factor as well: 8 characters will do, as NIST SP 800-63B-4
    /// section 3.1.1.2 has it.
    pub(super) const WITH_SECOND_FACTOR: Self = Self { min_chars: 8 };

    /// Whether somebody of this name may take this password from now on.
    ///
    /// Whether it can be guessed is told by its first 32 characters. At worst it takes as long as
    /// three hashes of the default cost, so it belongs where hashes are bounded.
    pub(super) fn check_new<'a>(
        &self,
        password: &'a Password<'_>,
        name: &UserName,
    ) -> Result<&'a Normalised, PasswordProblem> {
        let normalised = password.normalised.as_ref().map_err(Clone::clone)?;
        let text = normalised.0.as_str();
        if text.chars().count() < self.min_chars {
            return Err(PasswordProblem::TooShort { min_chars: self.min_chars });
        }
        let folded = Zeroizing::new(text.to_lowercase());
        let beside_the_name = |rest: &str| rest.contains(char::is_alphanumeric);
        if !folded.split(name.key()).any(beside_the_name) {
            return Err(PasswordProblem::IsName);
        }
        let known: Vec<&str> = std::iter::once(name.key())
            .chain(name.key().split(|c: char| !c.is_alphanumeric()))
            .filter(|part| part.chars().count() >= MIN_NAME_PART)
            .chain(["pixelplay"])
            .collect();
        let mut judged = wiped(text.len());
        judged.extend(text.chars().take(MAX_JUDGED_CHARS));
        if zxcvbn::zxcvbn(&judged, &known).guesses() < MIN_GUESSES {
            return Err(PasswordProblem::Common);
        }
        Ok(normalised)
    }
}

impl Default for PasswordPolicy {
    /// 15 characters, where a password is all that is asked for (NIST SP 800-63B-4 section
    /// 3.1.1.2).
    fn default() -> Self {
        Self { min_chars: 15 }
    }
}

/// Why a password cannot be taken. No message holds anything of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// There is none.
    #[error("the password is empty")]
    Empty,
    /// It is longer than any that is looked at.
    #[error("the password is longer than {max_bytes} bytes; choose a shorter one")]
    TooLong {
        /// The most bytes a password may have in UTF-8.
        max_bytes: usize,
    },
    /// It is too short.
    #[error(
        "the password has fewer than {min_chars} characters; choose a longer one, such as a few words that only you put together"
    )]
    TooShort {
        /// The fewest characters.
        min_chars: usize,
    },
    /// It is among the first that would be guessed.
    #[error(
        "the password is easy to guess; choose a few words that do not belong together, and not your name"
    )]
    Common,
    /// It is the user's name, once or more often.
    #[error("the password is the user name; choose one that nobody can look up")]
    IsName,
    /// It holds a control character, a part of a character, or one that is not in Unicode. Which
    /// one is part of a secret.
    #[error(
        "the password holds a character that cannot be typed reliably, such as a control character; leave it out"
    )]
    ForbiddenCharacter,
}

fn normalise(typed: &str) -> Result<Normalised, PasswordProblem> {
    if typed.is_empty() {
        return Err(PasswordProblem::Empty);
    }
    // The tables of the class are those of Unicode 6.3, without most of today's emoji. A character
    // that has been assigned since has a stable normal form too, which is what the class wants of
    // one.
    let class = FreeformClass::default();
    let is_younger = |c| {
        class.get_value_from_char(c) == DerivedPropertyValue::Unassigned && is_public_assigned(c)
    };
    let mut in_class = wiped(typed.len());
    in_class.extend(typed.chars().map(|c| if is_younger(c) { 'x' } else { c }));
    if class.allows(in_class.as_str()).is_err() {
        return Err(PasswordProblem::ForbiddenCharacter);
    }
    // The only white space that the class allows is General_Category Zs.
    let spaced = typed.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    // NFC makes UTF-8 at most three times as long (the Unicode FAQ on normalization).
    let mut normalised = wiped(3 * typed.len());
    normalised.extend(spaced.nfc());
    Ok(Normalised(normalised))
}

/// Of a size that never has to grow, since growing leaves a copy behind that nobody wipes.
fn wiped(capacity: usize) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(capacity))
}

impl fmt::Debug for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Normalised(..)")
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use precis_profiles::OpaqueString;
    use precis_profiles::precis_core::profile::Profile;
    use proptest::prelude::*;

    fn normal(typed: &str) -> Result<String, PasswordProblem> {
        let password = Password::new(typed)?;
        password.normalised.map(|text| text.0.to_string())
    }

    /// RFC 8265 section 4.3, tables 3 and 4.
    #[test]
    fn passwords_of_rfc_8265() {
        for text in [
            "correct horse battery staple",
            "Correct Horse Battery Staple",
            "\u{3c0}\u{df}\u{e5}",
            "Jack of \u{2666}s",
        ] {
            assert_eq!(normal(text).as_deref(), Ok(text));
        }
        assert_eq!(normal("foo\u{1680}bar").as_deref(), Ok("foo bar"));
        assert_eq!(normal(""), Err(PasswordProblem::Empty));
        assert_eq!(normal("my cat is a \tby"), Err(PasswordProblem::ForbiddenCharacter));
    }

    #[test]
    fn one_password_however_it_was_composed() {
        assert_eq!(normal("cafe\u{301}"), normal("caf\u{e9}"));
        assert_eq!(normal("\u{212b}"), normal("A\u{30a}"));
        assert_eq!(normal("a\u{a0}b\u{3000}c"), normal("a b c"));
        // Neither case nor width is anybody's accident in a password.
        assert_ne!(normal("Ana"), normal("ana"));
        assert_ne!(normal("\u{ff21}"), normal("A"));
    }

    #[test]
    fn emoji_younger_than_the_tables_are_characters() {
        for emoji in ["\u{1f642}", "\u{1f914}", "\u{1fae0}"] {
            assert_eq!(
                FreeformClass::default().get_value_from_char(emoji.chars().next().unwrap()),
                DerivedPropertyValue::Unassigned
            );
            assert_eq!(normal(emoji).as_deref(), Ok(emoji));
        }
        for nothing in ["\u{378}", "\u{ffff}", "\u{e000}", "\0", "\u{7f}", "\u{85}", "\u{2028}"] {
            assert_eq!(normal(nothing), Err(PasswordProblem::ForbiddenCharacter), "{nothing:?}");
        }
    }

    #[test]
    fn too_long_is_seen_before_anything_else() {
        assert!(Password::new(&"\u{378}".repeat(MAX_PASSWORD_BYTES / 2)).is_ok());
        for long in ["x".repeat(MAX_PASSWORD_BYTES + 1), "\u{378}".repeat(5 << 20)] {
            let problem = Password::new(&long).err();
            assert_eq!(problem, Some(PasswordProblem::TooLong { max_bytes: 1024 }));
        }
    }

    fn check(text: &str, name: &str) -> Result<(), PasswordProblem> {
        let name = UserName::parse(name).unwrap();
        let password = Password::new(text).unwrap();
        PasswordPolicy::default().check_new(&password, &name).map(|_| ())
    }

    #[test]
    fn guessable_passwords_are_refused() {
        for text in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfg",
            "aaaaaaaaaaaaaaa",
            "Passw0rdPassw0rd",
            "pixelplaypixelplay",
            "ana.lima@example.org1",
            "limalimalimalima",
            "exampleexample!",
        ] {
            let refused = check(text, "ana.lima@example.org");
            assert_eq!(refused, Err(PasswordProblem::Common), "{text}");
        }
    }

    #[test]
    fn only_the_beginning_is_judged() {
        let words = "tuba rain drive";
        let refused = Err(PasswordProblem::Common);
        assert_eq!(check(&("a".repeat(32) + words), "ana"), refused);
        assert_eq!(check(&("a".repeat(22) + words), "ana"), Ok(()));
    }

    #[test]
    fn the_name_is_no_password() {
        for text in [
            "ana.lima@example.org",
            "ANA.Lima@Example.org",
            "ana.lima@example.organa.lima@example.org",
            "ana.lima@example.org - ana.lima@example.org!",
        ] {
            let refused = check(text, "Ana.Lima@example.org");
            assert_eq!(refused, Err(PasswordProblem::IsName), "{text}");
        }
        assert_eq!(check("anaanaanaanaana", "ana"), Err(PasswordProblem::IsName));
    }

    #[test]
    fn a_few_words_will_do() {
        for text in [
            "correct horse battery",
            "rainy night drive",
            "drei Fr\u{fc}chte im Wind",
            "\u{96e8}\u{306e}\u{591c}\u{306e}\u{30c9}\u{30e9}\u{30a4}\u{30d6}\u{3068}\u{97f3}\u{697d}\u{3068}\u{30b3}\u{30fc}\u{30d2}\u{30fc}",
            "ana lima plays the tuba badly",
        ] {
            assert_eq!(check(text, "ana.lima@example.org"), Ok(()), "{text}");
        }
    }

    #[test]
    fn length_counts_characters_once_normalised() {
        let too_short = Err(PasswordProblem::TooShort { min_chars: 15 });
        assert_eq!(check("tuba rain drive", "ana"), Ok(()));
        assert_eq!(check("tuba rain driv", "ana"), too_short);
        // Both have 15 code points as typed; in NFC the second has 14.
        assert_eq!(check("tuba rain driv\u{301}", "ana"), Ok(()));
        assert_eq!(check("tuba rain drie\u{301}", "ana"), too_short);
        let name = UserName::parse("ana").unwrap();
        let short = Password::new("tubarain").unwrap();
        let policy = PasswordPolicy::WITH_SECOND_FACTOR;
        assert!(policy.check_new(&short, &name).is_ok());
        let shorter = Password::new("tubarai").unwrap();
        let too_short = Some(PasswordProblem::TooShort { min_chars: 8 });
        assert_eq!(policy.check_new(&shorter, &name).err(), too_short);
    }

    #[test]
    fn what_is_said_holds_nothing_of_it() {
        let password = Password::new("open sesame").unwrap();
        let shown = format!("{password:?} {:?}", password.normalised());
        assert!(!shown.contains("sesame"), "{shown}");
        let problem = normal("sesa\u{7}me").unwrap_err();
        let said = format!("{problem} {problem:?}");
        assert!(!said.contains("sesa") && !said.contains("0007"), "{said}");
    }

    proptest! {
        /// Characters that the profile's own tables know go as the crate has them go.
        #[test]
        fn as_opaque_string_but_for_younger_characters(text in any::<String>()) {
            let ours = normal(&text);
            let is_younger = |c| {
                let class = FreeformClass::default();
                class.get_value_from_char(c) == DerivedPropertyValue::Unassigned
            };
            match OpaqueString::new().enforce(text.as_str()) {
                Ok(theirs) => prop_assert_eq!(ours.as_deref(), Ok(&*theirs)),
                Err(_) => prop_assert!(ours.is_err() || text.chars().any(is_younger)),
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(text in "[\\p{L}\\p{M}\\p{Z}\\p{So}]{1,20}") {
            if let Ok(once) = normal(&text) {
                prop_assert_eq!(normal(&once), Ok(once));
            }
        }

        #[test]
        fn any_new_password_has_an_answer(text in any::<String>(), name in "\\p{L}{1,20}") {
            if let (Ok(password), Ok(name)) = (Password::new(&text), UserName::parse(&name)) {
                let policy = PasswordPolicy { min_chars: 1 };
                let _ = policy.check_new(&password, &name);
            }
        }
    }
}
