//! The errors of queries.

use crate::embedding::EmbeddingError;
use crate::index::SongIndexError;
use crate::progress::Cancelled;

/// The reason why a query could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The query has no picture, no text and no songs.
    #[error("the query is empty; give it an image, a text, or something to like or unlike")]
    Empty,
    /// The text weight is not between 0 and 1.
    #[error("the text weight must be between 0 and 1, found {found}")]
    BadTextWeight {
        /// The weight given.
        found: f64,
    },
    /// A weight is negative, infinite or NaN.
    #[error("a weight must be finite and at least 0, found {found}")]
    BadWeight {
        /// The weight given.
        found: f64,
    },
    /// The diversity is not between 0 and 1.
    #[error("the diversity must be between 0 and 1, found {found}")]
    BadDiversity {
        /// The diversity given.
        found: f64,
    },
    /// The sum of the parts is so short that its direction would be rounding error.
    #[error("the parts of the query cancel each other out, or all have weight 0; change a weight")]
    CancelsOut,
    /// A vector cannot be used with this index.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The index could not be searched.
    #[error(transparent)]
    Index(#[from] SongIndexError),
}

impl From<Cancelled> for QueryError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Index(cancelled.into())
    }
}
