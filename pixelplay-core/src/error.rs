//! The union of the domains' errors, for callers who want one type.

use crate::embedding::EmbeddingError;

/// Anything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector that is no embedding, or two that cannot be compared.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// An encoder that cannot be opened, or cannot encode.
    #[cfg(feature = "encoder")]
    #[error(transparent)]
    Encode(#[from] crate::encoder::EncodeError),
}
