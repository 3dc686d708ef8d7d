//! Why a password hash cannot be made, read or checked.

/// Why a password hash cannot be made, read or checked. No message holds anything of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashProblem {
    /// It is of another kind, or damaged.
    #[error("the password hash cannot be read: {what}; have its user set a new password")]
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
    },
    /// To check one password would take seconds or more than 1 GiB.
    #[error(
        "the password hash is too dear to be checked ({scheme}); have its user set a new password"
    )]
    TooDear {
        /// Its algorithm and settings.
        scheme: String,
    },
    /// The hash was made with a pepper that is not among those given.
    #[error("the password hash needs the pepper {id:?}; give it among the older ones")]
    UnknownPepper {
        /// The pepper's id.
        id: String,
    },
    /// The memory that the hash fills cannot be had.
    #[error("not enough memory for a password hash of {memory_kib} KiB; let fewer run at once")]
    OutOfMemory {
        /// How much it is, in KiB.
        memory_kib: u32,
    },
    /// The operating system gives no random bytes for a salt.
    #[error("the system gives no random bytes: {what}")]
    NoRandomness {
        /// What it said.
        what: String,
    },
}

pub(super) const BAD_ARGON2: HashProblem =
    HashProblem::Unreadable { what: "it is no whole PHC string of Argon2" };
pub(super) const BAD_BCRYPT: HashProblem =
    HashProblem::Unreadable { what: "it is no whole bcrypt hash" };
