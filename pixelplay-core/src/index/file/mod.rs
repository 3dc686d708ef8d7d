//! One index file.
//!
//! | | |
//! |---|---|
//! | `layout` | the format: byte tables, names of columns and metadata keys |
//! | `schema` | the schema of the files that we write |
//! | `checksum` | what the checksums cover |
//! | `open`, `parser`, `segment` | loading and checking a file, and reading from it |
//! | `batch_reader`, `cells` | the buffers of a batch as arrays, and arrays as cells |
//! | `vector_file` | reading single vectors from the file itself instead of its map |
//! | `batch_writer`, `writer` | writing batches, and songs |
//! | `verify` | checking every byte and every row |

mod batch_reader;
mod batch_writer;
mod cells;
mod checksum;
pub(crate) mod layout;
mod open;
mod parser;
mod schema;
mod segment;
mod vector_file;
mod verify;
mod writer;

pub(super) use self::batch_reader::Record;
pub(super) use self::batch_writer::BatchWriter;
pub(super) use self::cells::{Cells, Text, describe, known_kind, plain_text};
pub(super) use self::layout::MAX_COLUMNS;
pub(super) use self::open::{Load, map, read};
pub(super) use self::schema::FileSchema;
pub(super) use self::segment::{Batch, Segment, Stamp};
pub use self::writer::{SongIndexWriter, WriterOptions, write_index, write_index_with};

#[cfg(feature = "arrow")]
pub(super) use self::{
    batch_writer::{ColumnBuilder, MAX_BATCH_TEXT},
    cells::written_kind,
    schema::{data_type, schema},
    writer::text_len,
};
