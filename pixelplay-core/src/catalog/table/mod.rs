//! Reads the rows of a table as text: opens the file, handles compression and encoding, and tracks
//! where each row is in the file. Also writes songs as a table.
//!
//! * `input`: the table to read: a file, a reader, or (feature `arrow`) record `batches` converted
//!   to text.
//! * `options`: how a table is read, its limits, and which rows are kept.
//! * `source`: bytes to text, depending on the byte order mark; `foreign` names input that is not
//!   text, and `limit` stops endless input.
//! * `rows`: text to rows, each with its `place`.
//! * `write`: songs to CSV.

#[cfg(feature = "arrow")]
mod arrow_batches;
mod foreign;
mod input;
mod limit;
mod options;
mod place;
mod rows;
mod source;
mod write;

pub(super) use input::{Input, refuse_same_file};
pub use options::CleanOptions;
pub(super) use options::Keep;
pub(super) use rows::{Row, RowReader};
pub(super) use source::{Source, open as open_source};
pub use write::write_csv;
pub(super) use write::write_to;
