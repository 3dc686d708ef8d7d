//! PixelPlay turns a picture into music.

pub mod embedding;
mod error;
pub mod index;
mod mmap;
pub mod mood;
pub mod progress;
pub mod query;
mod simd;
pub mod song;

#[cfg(feature = "catalog")]
pub mod catalog;
#[cfg(feature = "encoder")]
pub mod encoder;

pub use embedding::{Embedding, EmbeddingError, Fingerprint};
#[cfg(feature = "encoder")]
pub use encoder::{EncodeError, EncodeOptions, Encoder, EncoderOptions, ImageSource, Picture};
pub use error::Error;
pub use index::{SongIndex, SongIndexError, SongIndexWriter};
pub use query::{HybridQuery, QueryError, QueryOptions};
pub use song::{Song, SongId};
