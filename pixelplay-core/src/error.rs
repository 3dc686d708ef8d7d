//! One error type that covers all modules, for callers who want a single type.

use crate::embedding::EmbeddingError;
use crate::index::SongIndexError;
use crate::query::QueryError;

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector is not an embedding, or two vectors cannot be compared.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// An index could not be written, opened or searched.
    #[error(transparent)]
    SongIndex(#[from] SongIndexError),
    /// A blended query cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An encoder cannot be opened, or cannot encode.
    #[cfg(feature = "encoder")]
    #[error(transparent)]
    Encode(#[from] crate::encoder::EncodeError),
    /// A song table cannot be read, or an index cannot be built from it.
    #[cfg(feature = "catalog")]
    #[error(transparent)]
    Catalog(#[from] crate::catalog::CatalogError),
    /// Songs cannot be looked up on the web.
    #[cfg(feature = "enrich")]
    #[error(transparent)]
    Enrich(#[from] crate::enrich::EnrichError),
    /// An operation on accounts, sessions or their file failed.
    #[cfg(feature = "users")]
    #[error(transparent)]
    User(#[from] crate::users::UserError),
}

/// If a checkpoint cannot be obtained, the encoder cannot be opened.
#[cfg(feature = "hub")]
impl From<crate::encoder::hub::HubError> for Error {
    fn from(error: crate::encoder::hub::HubError) -> Self {
        Self::Encode(error.into())
    }
}
