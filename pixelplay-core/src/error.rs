//! The union of the domains' errors, for callers who want one type.

use crate::embedding::EmbeddingError;
use crate::index::SongIndexError;
use crate::query::QueryError;

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
    /// A blended question that cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An encoder that cannot be opened, or cannot encode.
    #[cfg(feature = "encoder")]
    #[error(transparent)]
    Encode(#[from] crate::encoder::EncodeError),
    /// A song table that cannot be read, or of which no index can be made.
    #[cfg(feature = "catalog")]
    #[error(transparent)]
    Catalog(#[from] crate::catalog::CatalogError),
    /// Songs that cannot be looked up on the web.
    #[cfg(feature = "enrich")]
    #[error(transparent)]
    Enrich(#[from] crate::enrich::EnrichError),
    /// An account, a session or the file that holds them.
    #[cfg(feature = "users")]
    #[error(transparent)]
    User(#[from] crate::users::UserError),
}

/// A checkpoint that cannot be had is an encoder that cannot be opened.
#[cfg(feature = "hub")]
impl From<crate::encoder::hub::HubError> for Error {
    fn from(error: crate::encoder::hub::HubError) -> Self {
        Self::Encode(error.into())
    }
}
