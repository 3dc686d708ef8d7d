//! Why a password cannot be accepted.

/// Why a password cannot be accepted. No message contains any part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// The password is empty.
    #[error("the password is empty")]
    Empty,
    /// The password is longer than the limit.
    #[error("the password is longer than {max_bytes} bytes; choose a shorter one")]
    TooLong {
        /// The maximum length in bytes of UTF-8.
        max_bytes: usize,
    },
    /// The password is too short.
    #[error(
        "the password has fewer than {min_chars} characters; choose a longer one, such as a few words that only you would put together"
    )]
    TooShort {
        /// The minimum number of characters.
        min_chars: usize,
    },
    /// The password is among the first that an attacker would guess.
    #[error(
        "the password is easy to guess; choose a few words that do not belong together, and not your name"
    )]
    Common,
    /// The password is among those that are known from breaches of other services.
    #[error("the password is known from a breach of another service; choose a different one")]
    Breached,
    /// The password is the user's name, once or repeated.
    #[error("the password is the user name; choose a different one")]
    IsName,
    /// The password contains a control character, part of a character, or a code point that is not
    /// in Unicode. The message does not say which, since that would reveal part of a secret.
    #[error(
        "the password contains a character that cannot be typed reliably, such as a control character or an emoji made of several characters; leave it out"
    )]
    ForbiddenCharacter,
}
