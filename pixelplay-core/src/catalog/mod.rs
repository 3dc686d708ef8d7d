//! Builds an index from a table of songs: cleans the table, describes each song in sentences, and
//! embeds the sentences.
//!
//! * [`SongTable`] is the entry point: a published table, opened from a CSV or TSV file, gzipped or
//!   not, from a reader, or from Arrow record batches. It can be read as songs, read with one song
//!   per row, written as a cleaned table, built into an index, or added to an existing index. All
//!   of these report every row they drop and every cell they empty.
//! * [`write_csv`] writes songs you already have as a table, and `build_index` (feature `encoder`)
//!   builds an index from them.
//! * [`describe`](describe()) turns a song's features, genre and decade into sentences that could
//!   be captions of photographs. The phrases are data ([`Templates`]), and a custom [`Describer`]
//!   can replace them.
//! * `why` (feature `encoder`) shows which of a song's sentences fit a query best.
//! * [`import`](import()) builds an index from vectors made by another program and a table of their
//!   songs.
//! * `starter_index` (feature `starter`) opens an embedded catalogue.
//!
//! ```
//! use pixelplay_core::catalog::{SongTable, Templates, describe};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("songs.csv");
//! # std::fs::write(&path, "track_name,artists,valence,energy\nDawn,Ana,0.8,0.2\n")?;
//! let cleaned = SongTable::open(&path)?.clean(&mut ())?;
//! println!("{}", cleaned.report);
//! for song in &cleaned.songs {
//!     println!("{}: {}", song.id, describe(song, &Templates::default())[0]);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Internally, each module uses only the modules before it: `table` (bytes to rows of text),
//! `clean` (rows to songs), `describe` (songs to sentences), `indexing` (sentences to an index),
//! `import`, and `song_table`, which joins them all.

mod clean;
mod describe;
mod digest;
mod error;
mod import;
#[cfg(feature = "encoder")]
mod indexing;
mod song_table;
#[cfg(feature = "starter")]
mod starter;
mod table;
#[cfg(feature = "encoder")]
mod why;

pub use clean::{CleanReport, Cleaned, Cleared, Conversion, DropReason, Tally};
pub use describe::{Describer, Sentence, Source, Templates, describe};
pub use error::CatalogError;
pub use import::{ImportOptions, ImportReport, import};
#[cfg(feature = "encoder")]
pub use indexing::{BuildOptions, BuildReport, Likeness, WordWeights, build_index, parts_folder};
pub use song_table::SongTable;
#[cfg(feature = "starter")]
pub use starter::{starter_index, starter_index_in};
pub use table::{CleanOptions, write_csv};
#[cfg(feature = "encoder")]
pub use why::{Reason, why};
