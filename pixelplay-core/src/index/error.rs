//! Errors of writing, opening, searching and editing an index.

use std::io;
use std::path::{Path, PathBuf};

use super::filter::FilterError;
use crate::embedding::EmbeddingError;

/// Why an index could not be written, opened or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SongIndexError {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation that failed: `"open"`, `"write"`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The file is not an Arrow IPC file at all, or its end is missing.
    #[error("{} is not a complete Arrow IPC file: {what}", path.display())]
    NotArrow {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The file contradicts itself or one of its checksums.
    #[error("{} is damaged: {what}; rebuild it or restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file was written by a later version of PixelPlay.
    #[error(
        "{} has format {found}, but this version of PixelPlay reads at most format {supported}; update \
         PixelPlay",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The newest format that can be read.
        supported: u64,
    },
    /// The file is valid Arrow, but cannot be used as an index.
    #[error("{} cannot be used as an index: {what}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is missing or of the wrong type, and what to do about it.
        what: String,
    },
    /// A song or its vector cannot be written.
    #[error("row {row} (id {id:?}): {what}")]
    BadRow {
        /// The number of rows accepted before it.
        row: usize,
        /// The song's id.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// A song's vector cannot be written.
    #[error("the vector of row {row} (id {id:?}) cannot be written")]
    BadVector {
        /// The number of rows accepted before it.
        row: usize,
        /// The song's id.
        id: String,
        /// What is wrong.
        source: EmbeddingError,
    },
    /// The [`WriterOptions`](super::WriterOptions) are invalid.
    #[error("bad writer options: {what}")]
    BadOptions {
        /// What is wrong.
        what: String,
    },
    /// An earlier error made the writer unusable; nothing was published.
    #[error("the index {} was not written because of an earlier error", path.display())]
    WriterFailed {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// Songs cannot be added to the index, or the songs of its files cannot be rewritten.
    #[error("the songs of {} cannot be written into the index: {what}", path.display())]
    CannotJoin {
        /// Where the songs are.
        path: PathBuf,
        /// What does not fit, and what to do about it.
        what: String,
    },
    /// Songs to add are already in the index.
    #[error(
        "{count} of the songs to add {} already in the index: {}; replace them, or leave them out",
        if *count == 1 { "is" } else { "are" },
        named(ids, *count)
    )]
    KnownIds {
        /// The number of such ids.
        count: usize,
        /// The ids of the first few.
        ids: Vec<String>,
    },
    /// Songs to remove are not in the index.
    #[error(
        "{count} of the songs to remove {} not in the index: {}; nothing was removed",
        if *count == 1 { "is" } else { "are" },
        named(ids, *count)
    )]
    UnknownIds {
        /// The number of such ids.
        count: usize,
        /// The first few ids.
        ids: Vec<String>,
    },
    /// The query and the index cannot be compared.
    #[error("the query does not fit the index")]
    Embedding(#[from] EmbeddingError),
    /// The filter does not fit the index.
    #[error("bad filter")]
    Filter(#[from] FilterError),
    /// No song has this id.
    #[error("the index has no song with id {id:?}")]
    UnknownId {
        /// The id asked for.
        id: String,
    },
    /// The song lacks what [`By::Audio`](super::By::Audio) compares.
    #[error("song {id:?} has no audio features to compare by: {what}")]
    NoAudioFeatures {
        /// The song's id.
        id: String,
        /// What it lacks.
        what: String,
    },
    /// A [`QueryBank`](super::QueryBank) has fewer queries than `nearest`, or `nearest` is 0.
    #[error(
        "a query bank of {queries} queries cannot use the {nearest} nearest; expected 1 to {queries}"
    )]
    BadQueryBank {
        /// The number of queries in the bank.
        queries: usize,
        /// The number of nearest queries asked for.
        nearest: usize,
    },
    /// The weight of the hubness correction is out of range.
    #[error("the weight of the hubness correction is {weight}, expected 0 (none) to 1")]
    BadHubnessCorrection {
        /// The weight.
        weight: f64,
    },
    /// Not all songs have a bias from the same query bank.
    #[error(
        "not all songs of {} have a bias from the same query bank; run SongIndexEditor::correct_hubness, and run it again \
         whenever songs are added, or search without hubness correction",
        path.display()
    )]
    NoHubnessCorrection {
        /// The index.
        path: PathBuf,
    },
    /// The index was changed after it was opened, so the changes to write are based on old
    /// contents.
    #[error(
        "{} was changed after it was opened, so nothing was written; run it again on the current index",
        path.display()
    )]
    Changed {
        /// The index.
        path: PathBuf,
    },
    /// The progress callback asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<crate::progress::Cancelled> for SongIndexError {
    fn from(_: crate::progress::Cancelled) -> Self {
        Self::Cancelled
    }
}

impl SongIndexError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, what: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_string() }
    }

    pub(crate) fn unusable(path: &Path, what: impl ToString) -> Self {
        Self::Unusable { path: path.to_owned(), what: what.to_string() }
    }
}

/// Formats ids for a message. `count` may be greater than the number of ids in the list.
fn named(ids: &[String], count: usize) -> String {
    let mut names: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    if count > ids.len() {
        names.push(format!("and {} more", count - ids.len()));
    }
    names.join(", ")
}
