//! Errors that occur when songs are looked up.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error that stops enriching. Answers received before the error are in the cache, and the next
/// run continues from there.
///
/// A song that is not found is not an error: it is counted, with its reason, in the
/// [`EnrichReport`](super::EnrichReport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrichError {
    /// An option has an invalid value.
    #[error("{what}")]
    BadOptions {
        /// The problem, and the valid values.
        what: String,
    },
    /// Too many requests failed in a row.
    #[error(
        "{failures} requests to {provider} failed in a row, the last one with: {last}; {} answers are in the \
         cache; run it again later to continue",
        answers
    )]
    Failing {
        /// The provider.
        provider: String,
        /// How many requests failed.
        failures: u32,
        /// The error of the last one.
        last: String,
        /// The number of answers that this run has written to the cache.
        answers: u64,
    },
    /// The provider asks for a longer wait than a run allows.
    #[error(
        "{provider} asks for a wait of {} s; {answers} answers are in the cache; run it again after that time to \
         continue", wait.as_secs()
    )]
    AskedToWait {
        /// The provider.
        provider: String,
        /// How long to wait.
        wait: Duration,
        /// The number of answers that this run has written to the cache.
        answers: u64,
    },
    /// The cache cannot be used.
    #[error("the cache {} cannot be used: {problem}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: CacheProblem,
    },
    /// The index cannot be read or written.
    #[error(transparent)]
    Index(crate::index::SongIndexError),
    /// The caller's progress callback asked to stop; only the cache was written.
    #[error(
        "stopped on request; the answers so far are in the cache, and the next run continues from there"
    )]
    Cancelled,
}

/// A problem with a cache file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheProblem {
    /// The operating system returned an error.
    #[error("{0}")]
    Io(io::Error),
    /// The file or its folder cannot be written.
    #[error(
        "it or a file next to it cannot be written; check the permissions of the file and its folder"
    )]
    ReadOnly,
    /// The file is not a cache.
    #[error("{0}; use another file for the cache")]
    Foreign(&'static str),
    /// It was written by a later version of PixelPlay.
    #[error(
        "it has schema {found}, but this version of PixelPlay supports at most {supported}; update PixelPlay"
    )]
    Newer {
        /// The version of the file.
        found: i64,
        /// The newest version that is supported.
        supported: i64,
    },
    /// The file is damaged.
    #[error("it is damaged ({0}); delete it, and the songs are looked up again")]
    Damaged(String),
    /// Another program has the file locked.
    #[error("another program has the file locked")]
    Busy,
    /// The disk is full.
    #[error("the disk is full; free some space and run it again")]
    DiskFull,
    /// Another error of SQLite.
    #[error("{0}")]
    Storage(Box<dyn std::error::Error + Send + Sync>),
}

impl From<crate::progress::Cancelled> for EnrichError {
    fn from(_: crate::progress::Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<crate::index::SongIndexError> for EnrichError {
    fn from(error: crate::index::SongIndexError) -> Self {
        match error {
            crate::index::SongIndexError::Cancelled => Self::Cancelled,
            other => Self::Index(other),
        }
    }
}
