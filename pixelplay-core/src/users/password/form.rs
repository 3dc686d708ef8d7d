//! Prepares a password for hashing: limits its length and normalises it.

use std::fmt;

use precis_profiles::precis_core::stringclasses::StringClass;
use precis_profiles::precis_core::{DerivedPropertyValue, FreeformClass};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_public_assigned;
use zeroize::Zeroizing;

use super::problem::PasswordProblem;

/// The maximum length of a password, in bytes of UTF-8. NIST SP 800-63B-4 section 3.1.1.2 requires
/// that at least 64 characters are allowed. Passwords longer than a page of text are not typed by
/// people, and every byte costs work before the client is authenticated.
const MAX_PASSWORD_BYTES: usize = 1024;

/// A password as typed. Its `Debug` does not show it, and our copies of it are wiped; the temporary
/// copies that zxcvbn and the normaliser make are not.
pub(in crate::users) struct Password<'a> {
    typed: &'a str,
    normalised: Result<Normalised, PasswordProblem>,
}

/// A password in the form of the profile OpaqueString of RFC 8265: the same characters give the
/// same bytes, whichever keyboard composed them. This form is hashed.
pub(in crate::users) struct Normalised(Zeroizing<String>);

impl Normalised {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'a> Password<'a> {
    /// Rejects only a password that is too long, before any of it is read. A password that cannot
    /// be normalised may still match a hash that another program made from the typed bytes.
    pub(in crate::users) fn new(typed: &'a str) -> Result<Self, PasswordProblem> {
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordProblem::TooLong { max_bytes: MAX_PASSWORD_BYTES });
        }
        Ok(Self { typed, normalised: normalise(typed) })
    }

    pub(in crate::users) fn typed(&self) -> &[u8] {
        self.typed.as_bytes()
    }

    /// Returns the form of a new password to hash.
    pub(super) fn checked(&self) -> Result<&Normalised, PasswordProblem> {
        self.normalised.as_ref().map_err(Clone::clone)
    }

    /// Returns the normalised password; `None` if none of our hashes can match it.
    pub(in crate::users) fn normalised(&self) -> Option<&Normalised> {
        self.normalised.as_ref().ok()
    }
}

fn normalise(typed: &str) -> Result<Normalised, PasswordProblem> {
    if typed.is_empty() {
        return Err(PasswordProblem::Empty);
    }
    // The tables of the class are those of Unicode 6.3, which lacks most of today's emoji.
    // Characters assigned later also have a stable normal form, which is what the class requires.
    let class = FreeformClass::default();
    let is_younger = |c| {
        class.get_value_from_char(c) == DerivedPropertyValue::Unassigned && is_public_assigned(c)
    };
    let mut in_class = wiped(typed.len());
    in_class.extend(typed.chars().map(|c| if is_younger(c) { 'x' } else { c }));
    if class.allows(in_class.as_str()).is_err() {
        return Err(PasswordProblem::ForbiddenCharacter);
    }
    // The class allows only white space of General_Category Zs.
    let spaced = typed.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    // NFC makes UTF-8 at most three times as long (the Unicode FAQ on normalization).
    let mut normalised = wiped(3 * typed.len());
    normalised.extend(spaced.nfc());
    Ok(Normalised(normalised))
}

/// Allocates a string that never has to grow, since growing would leave an unwiped copy behind.
pub(super) fn wiped(capacity: usize) -> Zeroizing<String> {
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
        // Case and width are significant in a password.
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
        /// Characters that the profile's own tables contain are treated as the crate treats them.
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
    }
}
