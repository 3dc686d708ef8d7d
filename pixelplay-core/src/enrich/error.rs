//! What can go wrong while songs are looked up.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why songs could not be enriched. Answers that were got by then are in the cache, and another run
/// goes on from there.
///
/// A song that is not found is no error: it is counted, with its reason, in the
/// [`EnrichReport`](super::EnrichReport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrichError {
    /// An option makes no sense.
    #[error("{what}")]
    BadOptions {
        /// What is wrong, and what it should be.
        what: String,
    },
    /// So many requests failed one after the other that there is no point in going on.
    #[error(
        "{failures} requests to {provider} failed one after the other, the last one with: {last}; {} answers are in the \
         cache: run it again later, and it goes on from there",
        answers
    )]
    Failing {
        /// The provider.
        provider: String,
        /// How many.
        failures: u32,
        /// What the last one failed with.
        last: String,
        /// How many answers this run has put into the cache.
        answers: u64,
    },
    /// The provider asks to wait for longer than is waited for.
    #[error(
        "{provider} asks to wait for {} s; {answers} answers are in the cache: run it again after that time, and it goes \
         on from there", wait.as_secs()
    )]
    AskedToWait {
        /// The provider.
        provider: String,
        /// How long.
        wait: Duration,
        /// How many answers this run has put into the cache.
        answers: u64,
    },
    /// The cache cannot be used.
    #[error("the cache {} cannot be used: {problem}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: CacheProblem,
    },
    /// The index cannot be read or written.
    #[error(transparent)]
    Index(crate::index::SongIndexError),
    /// The caller's progress callback asked to stop; nothing was written but the cache.
    #[error(
        "stopped on request; what was found is in the cache, and another run goes on from there"
    )]
    Cancelled,
}

/// What is wrong with a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheProblem {
    /// The operating system refused.
    #[error("{0}")]
    Io(io::Error),
    /// The file, or its folder, cannot be written.
    #[error(
        "it, or files beside it, cannot be written; check the rights of the file and its folder"
    )]
    ReadOnly,
    /// It is another file.
    #[error("{0}; name a file of its own")]
    Foreign(&'static str),
    /// It was written by a later version of PixelPlay.
    #[error(
        "it has schema {found}, this version of PixelPlay knows up to {supported}; update PixelPlay"
    )]
    Newer {
        /// The version of the file.
        found: i64,
        /// The newest that is known.
        supported: i64,
    },
    /// It contradicts itself.
    #[error("it is damaged ({0}); delete it, and songs are asked for anew")]
    Damaged(String),
    /// Another program holds it locked.
    #[error("another program locks it")]
    Busy,
    /// There is no room for it.
    #[error("its disk is full; make room, and run it again")]
    DiskFull,
    /// SQLite says something else.
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
