//! Errors of the user store. No message contains a password, a token or a name: people sometimes
//! type a secret into the wrong field.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::name::NameProblem;
use super::password::{HashParamsProblem, HashProblem, PasswordProblem, PepperProblem};
use super::throttle::Attempted;

/// Why a call of the user store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// The name and the password do not belong to an account. Neither the error nor the time it
    /// takes reveals which of them is wrong.
    #[error("wrong user name or password")]
    InvalidCredentials,
    /// Too many attempts failed, or too many requests were made. This does not reveal whether the
    /// account exists.
    #[error("{}; try again in {}", too_many(*what), in_words(*retry_after))]
    Throttled {
        /// What was attempted.
        what: Attempted,
        /// How long until the next attempt is accepted.
        retry_after: Duration,
    },
    /// More log-ins are waiting than can be served in time.
    #[error("too many log-ins at once; try again in {}", in_words(*retry_after))]
    Overloaded {
        /// A time after which an attempt is likely to be served.
        retry_after: Duration,
    },
    /// The session token is unknown, or its session has ended.
    #[error("not logged in, or the session has ended; log in again")]
    InvalidSession,
    /// The single-use token is unknown, used or expired.
    #[error("the token is wrong, used or expired; ask for a new one")]
    InvalidToken,
    /// Another account has this name, or one that looks the same.
    #[error("the user name is taken; choose another")]
    NameTaken,
    /// No account has this name, or this external id.
    #[error("no account has this user name")]
    UnknownUser,
    /// The password or the external id is right, but the account has been disabled.
    #[error("the account is disabled; ask the operator of the service")]
    Disabled,
    /// Another account has this external id.
    #[error("another account has this external id; log in with it, or remove it there first")]
    ExternalIdTaken,
    /// The external id cannot be stored.
    #[error("an external id must have 1 to {max_bytes} bytes; use the issuer and the subject")]
    ExternalId {
        /// The maximum length in bytes.
        max_bytes: usize,
    },
    /// An option is out of its safe range.
    #[error("bad options: {what}")]
    BadOptions {
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// With hidden names, functions that would reveal whether a name is taken are disabled.
    #[error("user names are hidden in this store; use `{instead}`, which needs a confirmation")]
    NamesAreHidden {
        /// The function to use instead.
        instead: &'static str,
    },
    /// The name cannot be a user name.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// The password cannot be accepted.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// A hash cannot be made, or a hash from another program cannot be accepted.
    #[error(transparent)]
    Hash(#[from] HashProblem),
    /// A pepper, or the set of them, cannot be used.
    #[error(transparent)]
    Pepper(#[from] PepperProblem),
    /// The parameters for new hashes are out of range.
    #[error(transparent)]
    HashParams(#[from] HashParamsProblem),
    /// The id of a song cannot be stored.
    #[error("a song id must have 1 to {max_bytes} bytes; this one has {found}")]
    SongId {
        /// The maximum length in bytes.
        max_bytes: usize,
        /// Its length in bytes.
        found: usize,
    },
    /// The account has reached its limit.
    #[error("an account holds at most {limit} {what}; remove some first")]
    LimitReached {
        /// `"favourites"` or `"ratings"`.
        what: &'static str,
        /// The limit.
        limit: u32,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The disk is full. Nothing was changed.
    #[error("the disk of {} is full; nothing was changed", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder cannot be written. SQLite also writes two files next to it.
    #[error("cannot write {}, or create files next to it; check the permissions of the file and its folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds the file locked.
    #[error("{} was locked by another program for {}", path.display(), in_words(*waited))]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long the call waited.
        waited: Duration,
    },
    /// The file is not a user store.
    #[error("{} is not a user store: {what}", path.display())]
    NotAUserStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// The contents of the file are inconsistent.
    #[error("{} is damaged: {what}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The log next to the file belongs to another file, so the file was put there by other means
    /// than [`UserStore::restore`](super::UserStore::restore).
    #[error(
        "{} does not belong to {}; if {} was restored by copying, move the log away, and use `restore` next time",
        log.display(), path.display(), path.display()
    )]
    LogOfAnother {
        /// The file.
        path: PathBuf,
        /// The log.
        log: PathBuf,
    },
    /// The file was written by a later version of PixelPlay.
    #[error(
        "{} has schema {found}, but this version of PixelPlay knows only up to {supported}; update PixelPlay",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: i64,
        /// The newest version that this version of PixelPlay knows.
        supported: i64,
    },
    /// SQLite failed in another way.
    #[error("cannot {action} in {}", path.display())]
    Storage {
        /// The operation that failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error from SQLite. Its type is hidden, so that updating SQLite is not a breaking
        /// change.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operating system could not provide random numbers.
    #[error("the operating system could not provide random numbers")]
    NoRandomness {
        /// The error from the operating system.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn too_many(what: Attempted) -> &'static str {
    match what {
        Attempted::LogIn => "too many failed log-ins",
        Attempted::PasswordChange => "the old password was wrong too often",
        Attempted::PasswordReset => "a new password was requested too often",
        Attempted::Registration => "too many accounts were requested",
        Attempted::Rename => "a new name was requested too often",
    }
}

/// Formats a time to wait, rounded up: `40 s`, `2 min`, `1 h`.
fn in_words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_said_shorter_than_it_is() {
        for (wait, said) in [
            (0, "0 s"),
            (1, "1 s"),
            (90_000, "90 s"),
            (90_001, "2 min"),
            (5_400_000, "90 min"),
            (5_400_001, "2 h"),
            (86_400_000, "24 h"),
        ] {
            assert_eq!(in_words(Duration::from_millis(wait)), said);
        }
    }
}
