//! From a table of songs to an index: clean the table, describe each song in words, embed the words.

mod cell;
mod clean;
mod error;
mod report;
mod schema;
mod source;

pub use clean::{CleanOptions, Cleaned, clean, clean_reader};
pub use error::CatalogError;
pub use report::{CleanReport, Cleared, DropReason, Tally};
