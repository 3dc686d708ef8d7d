//! From a table of songs to an index: clean the table, describe each song in words, embed the
//! words.
//!
//! * [`clean`](clean()) reads CSV and TSV as they are published, gzipped or not, and reports every
//!   row it drops and every cell it empties.
//! * [`write_csv`] writes songs as a table again, and [`clean_csv`] does both.
//! * [`describe`](describe()) turns a song's features, genre and decade into sentences that a
//!   photograph could be captioned with; the phrases are data ([`Templates`]), and a [`Describer`]
//!   of one's own can stand in.
//! * [`every_row`] reads a table whose rows belong to something else, one by one, and so drops
//!   none.
//! * `BatchText` (feature `arrow`) hands either of them a table in Arrow record batches.
//! * [`import`](import()) makes an index of vectors that another program made, and the table of
//!   their songs.
//! * `build_index` (feature `encoder`) encodes the sentences and writes the index,
//!   `build_index_from_csv` does all three, `add_from_csv` adds the songs to an index that is
//!   there, and `starter_index` (feature `starter`) has a catalogue at hand.
//! * `enrich` (feature `enrich`) looks songs up on the web: covers, previews, links, what a table
//!   does not know.
//!
//! ```
//! use pixelplay_core::catalog::{CleanOptions, Templates, clean, describe};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("songs.csv");
//! # std::fs::write(&path, "track_name,artists,valence,energy\nDawn,Ana,0.8,0.2\n")?;
//! let cleaned = clean(&path, &CleanOptions::default())?;
//! println!("{}", cleaned.report);
//! for song in &cleaned.songs {
//!     println!("{}: {}", song.id, describe(song, &Templates::default()).join("; "));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "arrow")]
mod batches;
#[cfg(feature = "encoder")]
mod build;
mod cell;
mod clean;
mod describe;
mod digest;
#[cfg(feature = "enrich")]
pub mod enrich;
mod error;
mod foreign;
mod import;
mod merge;
mod npy;
mod number;
mod report;
mod row;
mod scale;
mod schema;
mod source;
mod spool;
#[cfg(feature = "starter")]
mod starter;
mod table;
mod templates;
mod time;
mod write;

#[cfg(feature = "arrow")]
pub use batches::BatchText;
#[cfg(feature = "encoder")]
pub use build::{
    BuildOptions, BuildReport, Likeness, add_from_csv, build_index, build_index_from_csv,
    build_index_from_reader, parts_folder,
};
pub use clean::{
    CleanOptions, Cleaned, clean, clean_reader, clean_with, every_row, every_row_reader,
};
pub use describe::{Describer, describe};
pub use error::CatalogError;
pub use import::{ImportOptions, ImportReport, import};
pub use report::{CleanReport, Cleared, Conversion, DropReason, Tally};
#[cfg(feature = "starter")]
pub use starter::starter_index;
pub use templates::Templates;
pub use write::{clean_csv, write_csv};
