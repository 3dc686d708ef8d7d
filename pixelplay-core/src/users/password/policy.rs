//! Decides whether a new password is good enough.

use zeroize::Zeroizing;

use super::form::{Normalised, Password, wiped};
use super::problem::PasswordProblem;
use crate::users::error::UserError;
use crate::users::name::UserName;

const MIN_CHARS: usize = 8;
const MAX_MIN_CHARS: usize = 64;

/// The upper end of "very guessable" on zxcvbn's scale: fewer guesses are within reach even of an
/// attacker who can only try throttled log-ins.
const MIN_GUESSES: u64 = 1_000_000;

/// How much of a password zxcvbn is given. It tries every way to read `4` as `a`, `1` as `i` or `l`
/// and so on, over every part of the text: that takes 0.8 s of one core for 100 such characters,
/// its own limit, and 0.07 s for 32.
const MAX_JUDGED_CHARS: usize = 32;

/// Parts of a name shorter than this occur in any text.
const MIN_NAME_PART: usize = 3;

/// The requirements for a new password. There are no rules about its composition, and it does not
/// expire: both lead to worse passwords (NIST SP 800-63B-4 section 3.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::users) struct PasswordPolicy {
    /// The minimum number of characters, counted in code points after normalisation.
    min_chars: usize,
}

impl PasswordPolicy {
    /// For applications that also ask for a second factor: 8 characters are enough, following NIST
    /// SP 800-63B-4 section 3.1.1.2.
    pub(in crate::users) const WITH_SECOND_FACTOR: Self = Self { min_chars: MIN_CHARS };

    /// For applications that choose the minimum length: from 8 characters, the least that NIST
    /// allows, to 64, a length that every application has to accept.
    pub(in crate::users) fn at_least(chars: u32) -> Result<Self, UserError> {
        match usize::try_from(chars) {
            Ok(min_chars) if (MIN_CHARS..=MAX_MIN_CHARS).contains(&min_chars) => {
                Ok(Self { min_chars })
            }
            _ => Err(UserError::BadOptions {
                what: format!(
                    "min_password_chars is {chars}; it must be from {MIN_CHARS} to {MAX_MIN_CHARS}"
                ),
            }),
        }
    }

    /// Checks whether a user with this name may use this new password.
    ///
    /// Whether it can be guessed is judged by its first 32 characters. At worst this takes as long
    /// as three hashes of the default cost, so it must run where concurrent hashes are limited.
    pub(in crate::users) fn check_new<'a>(
        &self,
        password: &'a Password<'_>,
        name: &UserName,
    ) -> Result<&'a Normalised, PasswordProblem> {
        let normalised = password.checked()?;
        let text = normalised.as_str();
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
    /// 15 characters, for applications where the password is the only factor (NIST SP 800-63B-4
    /// section 3.1.1.2).
    fn default() -> Self {
        Self { min_chars: 15 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn any_new_password_has_an_answer(text in any::<String>(), name in "\\p{L}{1,20}") {
            if let (Ok(password), Ok(name)) = (Password::new(&text), UserName::parse(&name)) {
                let policy = PasswordPolicy { min_chars: 1 };
                let _ = policy.check_new(&password, &name);
            }
        }
    }
}
