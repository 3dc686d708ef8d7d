//! What can go wrong with an index.

use std::io;
use std::path::{Path, PathBuf};

use super::filter::FilterError;
use crate::embedding::EmbeddingError;

/// Why an index could not be written, opened or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SongIndexError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `"open"`, `"write"`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
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
    #[error("{} is damaged: {what}; build it again or restore a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The file was written by a later version of PixelPlay.
    #[error(
        "{} has format {found}, this version of PixelPlay reads up to {supported}; update PixelPlay",
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
    /// The file is well-formed Arrow, but cannot serve as an index.
    #[error("{} cannot serve as an index: {what}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is missing or of the wrong type, and what to do about it.
        what: String,
    },
    /// A song or its vector cannot be written.
    #[error("row {row} (id {id:?}): {what}")]
    BadRow {
        /// How many rows were accepted before it.
        row: usize,
        /// The song's id.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// A song's vector cannot be written.
    #[error("the vector of row {row} (id {id:?}) cannot be written")]
    BadVector {
        /// How many rows were accepted before it.
        row: usize,
        /// The song's id.
        id: String,
        /// What is wrong.
        source: EmbeddingError,
    },
    /// [`WriterOptions`](super::WriterOptions) make no sense.
    #[error("bad writer options: {what}")]
    BadOptions {
        /// What is wrong.
        what: String,
    },
    /// An earlier error left the writer unable to go on; nothing was published.
    #[error("the index {} was not written because of an earlier error", path.display())]
    WriterFailed {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// Songs cannot be added to an index, or those of its files not be rewritten.
    #[error("the songs of {} cannot be written into the index: {what}", path.display())]
    CannotJoin {
        /// Where the songs are.
        path: PathBuf,
        /// What does not fit, and what to do about it.
        what: String,
    },
    /// Songs to be added are in the index already.
    #[error(
        "{count} of the songs to add {} in the index already: {}; replace them, or leave them out",
        if *count == 1 { "is" } else { "are" },
        named(ids, *count)
    )]
    KnownIds {
        /// How many.
        count: usize,
        /// The ids of the first few.
        ids: Vec<String>,
    },
    /// Songs to be removed are not in the index.
    #[error(
        "{count} of the songs to remove {} not in the index: {}; nothing was removed",
        if *count == 1 { "is" } else { "are" },
        named(ids, *count)
    )]
    UnknownIds {
        /// How many.
        count: usize,
        /// The first few of them.
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
    /// A [`QueryBank`](super::QueryBank) needs at least as many queries as make a bias, and one of
    /// them.
    #[error("a bank of {queries} queries has no {nearest} nearest ones; expected 1 to {queries}")]
    BadQueryBank {
        /// How many queries there are.
        queries: usize,
        /// How many were to make a bias.
        nearest: usize,
    },
    /// The weight of the hubness correction makes no sense.
    #[error("the weight of the hubness correction is {weight}, expected 0 (none) to 1")]
    BadHubnessCorrection {
        /// The weight.
        weight: f64,
    },
    /// Not all songs have a bias from the same query bank.
    #[error(
        "not all songs of {} have a bias from the same query bank; write them with SongIndexEditor::correct_hubness, again \
         after songs were added, or search without hubness correction",
        path.display()
    )]
    NoHubnessCorrection {
        /// The index.
        path: PathBuf,
    },
    /// The index was changed after it was opened, and what was to be written is based on what it
    /// was.
    #[error(
        "{} was changed after it was opened, and stays as it is now; run it again, on the index as it is now",
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

/// Ids for a message, of which there may be more than stand in the list.
fn named(ids: &[String], count: usize) -> String {
    let mut names: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    if count > ids.len() {
        names.push(format!("and {} more", count - ids.len()));
    }
    names.join(", ")
}
