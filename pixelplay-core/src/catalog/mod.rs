//! From a table of songs to an index: clean the table, describe each song in words, embed the words.

#[cfg(feature = "encoder")]
mod build;
mod cell;
mod clean;
mod describe;
mod error;
mod lines;
mod merge;
mod report;
mod scale;
mod schema;
mod source;
#[cfg(feature = "starter")]
mod starter;
mod templates;

#[cfg(feature = "encoder")]
pub use build::{BuildOptions, BuildReport, build_index, build_index_from_csv};
pub use clean::{CleanOptions, Cleaned, clean, clean_reader};
pub use describe::describe;
pub use error::CatalogError;
pub use report::{CleanReport, Cleared, DropReason, Tally};
#[cfg(feature = "starter")]
pub use starter::starter_index;
pub use templates::Templates;
