//! Why a query cannot be answered.

use crate::embedding::EmbeddingError;
use crate::index::SongIndexError;
use crate::progress::Cancelled;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Neither a picture nor words nor songs were given.
    #[error("the query is empty; give it an image, a text, or something to like or unlike")]
    Empty,
    /// The share of the words is not between 0 and 1.
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
    /// The parts add up to nothing that stands above rounding.
    #[error("the parts of the query cancel each other out, or all weigh nothing; change a weight")]
    CancelsOut,
    /// A vector cannot be used with this index.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The index could not answer.
    #[error(transparent)]
    Index(#[from] SongIndexError),
}

impl From<Cancelled> for QueryError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Index(cancelled.into())
    }
}
