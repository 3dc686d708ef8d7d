//! Why a password cannot be taken.

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
