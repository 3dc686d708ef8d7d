//! Songs and their vectors in one Arrow file, and exact search over them.
//!
//! [`SongIndexWriter`] writes a file, [`SongIndex`] opens it and searches, [`SongIndexEditor`]
//! changes it. The file is an ordinary Arrow IPC file: a table of songs with a column `embedding`,
//! which pyarrow, pandas and polars can open directly.
//!
//! ```
//! use pixelplay_core::index::{SearchOptions, SongIndex, SongIndexWriter, WriterOptions, col};
//! use pixelplay_core::{Embedding, Song, SongId};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("songs.arrow");
//! let mut writer = SongIndexWriter::create(&path, WriterOptions { normalize: true, ..WriterOptions::new(2) })?;
//! for (id, year, vector) in [("a", 1979, [1.0, 0.1]), ("b", 1999, [1.0, 0.2]), ("c", 2009, [0.0, 1.0])] {
//!     let song = Song { year: Some(year), ..Song::new(SongId::new(id).unwrap()) };
//!     writer.push(&song, &vector)?;
//! }
//! writer.finish()?;
//!
//! let index = SongIndex::open(&path)?;
//! let query = Embedding::normalize(vec![1.0, 0.0], None)?;
//! let options = SearchOptions { k: 1, filter: Some(col("year").ge(1990)), ..SearchOptions::default() };
//! let hits = index.search(&query, &options)?;
//! assert_eq!(hits[0].id.as_str(), "b");
//! assert_eq!(index.song(hits[0].row)?.year, Some(1999));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to find what
//!
//! | | |
//! |---|---|
//! | `song_index` | opening an index, and reading its songs and vectors |
//! | `shard` | joining the files of an index, and finding the file and batch of a row |
//! | `id_table` | finding the row with a given id |
//! | `file` | one index file: format, reading, writing, verifying |
//! | `quantized` | vectors as 8-bit integers, and the proof of their score bounds |
//! | `search` | exact top-k: bounds, candidates, threads, percentages, similar songs |
//! | `filter` | conditions on columns: parsing, formatting and evaluation |
//! | `edit` | changing an index atomically |
//! | `hubness` | songs that are found for nearly every query: measuring and correcting |
//! | `arrow` | songs, indexes and hits as Arrow record batches |
//! | `error` | the error type |

#[cfg(feature = "arrow")]
mod arrow;
mod edit;
mod error;
mod file;
mod filter;
mod hubness;
mod id_table;
mod quantized;
mod search;
mod shard;
mod song_index;

#[cfg(feature = "arrow")]
pub use self::arrow::ArrowTable;
pub use self::edit::{EditOptions, EditReport, SongIndexEditor};
pub use self::error::SongIndexError;
pub use self::file::{SongIndexWriter, WriterOptions, write_index, write_index_with};
pub use self::filter::{Column, Filter, FilterError, col};
pub use self::hubness::{HubSong, Hubness, HubnessReport, QueryBank};
pub use self::search::{AUDIO_FEATURES, By, Hits, SearchOptions, SongHit};
pub use self::song_index::SongIndex;
pub use crate::simd::Backend;

#[cfg(feature = "enrich")]
pub(crate) use self::edit::Changes;
#[cfg(feature = "catalog")]
pub(crate) use self::edit::publish;
#[cfg(all(feature = "catalog", feature = "encoder"))]
pub(crate) use self::edit::{join, lock};
