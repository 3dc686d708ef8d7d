//! From a table of songs to an index: clean the table, describe each song in words, embed the words.

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
mod templates;

pub use clean::{CleanOptions, Cleaned, clean, clean_reader};
pub use describe::describe;
pub use error::CatalogError;
pub use report::{CleanReport, Cleared, DropReason, Tally};
pub use templates::Templates;
