//! Why a password hash cannot be made, read or checked.

/// Why a password hash cannot be made, read or checked. No message contains any part of the hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashProblem {
    /// The hash is of an unknown kind, or damaged.
    #[error("the password hash cannot be read: {what}; have its user set a new password")]
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Checking one password would take seconds, or more than 1 GiB.
    #[error(
        "the password hash is too expensive to verify ({scheme}); have its user set a new password"
    )]
    TooDear {
        /// The algorithm and settings.
        scheme: String,
    },
    /// The hash was made with a pepper that was not given.
    #[error("the password hash was made with pepper {id:?}; pass it in `older_peppers`")]
    UnknownPepper {
        /// The pepper's id.
        id: String,
    },
    /// The memory for the hash cannot be allocated.
    #[error(
        "not enough memory for a password hash of {memory_kib} KiB; lower the number of concurrent hashes"
    )]
    OutOfMemory {
        /// The memory needed, in KiB.
        memory_kib: u32,
    },
    /// The operating system could not provide random bytes for a salt.
    #[error("the operating system could not provide random bytes: {what}")]
    NoRandomness {
        /// The error from the operating system.
        what: String,
    },
}

pub(super) const BAD_ARGON2: HashProblem =
    HashProblem::Unreadable { what: "it is not a complete Argon2 PHC string" };
pub(super) const BAD_BCRYPT: HashProblem =
    HashProblem::Unreadable { what: "it is not a complete bcrypt hash" };
pub(super) const BAD_PBKDF2: HashProblem = HashProblem::Unreadable {
    what: "it is not a complete PBKDF2 hash of Django, werkzeug or passlib",
};
pub(super) const BAD_SCRYPT: HashProblem = HashProblem::Unreadable {
    what: "it is not a complete scrypt hash of Django, werkzeug or passlib",
};
