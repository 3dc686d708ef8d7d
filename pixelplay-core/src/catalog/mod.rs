//! From a table of songs to an index: clean the table, describe each song in words, embed the
//! words.
//!
//! * [`SongTable`] is the way in: a table as it is published, opened from CSV or TSV, gzipped or
//!   not, from a reader or from Arrow record batches. What is made of it reports every row it drops
//!   and every cell it empties: songs in memory, songs row by row, a table again, an index, more
//!   songs for an index.
//! * [`write_csv`] writes songs that are there already as a table, and `build_index` (feature
//!   `encoder`) as an index.
//! * [`describe`](describe()) turns a song's features, genre and decade into sentences that a
//!   photograph could be captioned with; the phrases are data ([`Templates`]), and a [`Describer`]
//!   of one's own can stand in.
//! * `why` (feature `encoder`) tells which of a song's sentences fits what was asked.
//! * [`import`](import()) makes an index of vectors that another program made, and the table of
//!   their songs.
//! * `starter_index` (feature `starter`) has a catalogue at hand.
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
//! Inside, each room knows those before it and none behind it: `table` (bytes to rows of text),
//! `clean` (rows to songs), `describe` (songs to sentences), `indexing` (sentences to an index),
//! `import`; `song_table` is the door to them all.

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
pub use starter::starter_index;
pub use table::{CleanOptions, write_csv};
#[cfg(feature = "encoder")]
pub use why::{Reason, why};
