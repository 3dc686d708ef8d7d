//! The union of the domains' errors, for callers who want one type.

use crate::embedding::EmbeddingError;
use crate::index::SongIndexError;

/// Anything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector that is no embedding, or two that cannot be compared.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// An index could not be written, opened or searched.
    #[error(transparent)]
    SongIndex(#[from] SongIndexError),
}
