//! The format of an index file: an [Arrow IPC file] with additions by PixelPlay.
//!
//! [Arrow IPC file]: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
//!
//! ```text
//! offset        bytes
//! 0             "ARROW1", zeros up to 64
//! 64            schema message: columns, and the metadata keys below
//! (64-aligned)  batch 0: message (where each buffer lies), then body: the buffers, each 64-byte aligned
//! ...           batch 1, 2, ...
//!               end-of-stream marker
//!               footer: the schema again, offset and length of each batch, and the metadata keys below
//! length - 10   length of the footer, i32 little endian
//! length - 6    "ARROW1"
//! ```
//!
//! | column | type | |
//! |---|---|---|
//! | `id` | utf8, not null | not empty, unique |
//! | the columns in [`COLUMNS`](crate::song::COLUMNS) | utf8, int64, float64 or bool | null if unknown |
//! | others | utf8 | kept as they are |
//! | `embedding` | `fixed_size_list<float32 not null>[dim]`, not null | finite, length 1 within 1e-3 |
//! | `_pp_rotated`, `_pp_scale`, `_pp_error`, `_pp_length`, `_pp_centre` | see [`quantized`](crate::index::quantized) | the vectors again, as 8-bit integers; all five columns or none; ignored in a file without checksums |
//! | `_pp_bias` | see [`hubness_correction`](crate::index::hubness::correction) | how close a song is to all queries |
//! | other `_pp_*` | any | helper columns, skipped by readers that do not know them |
//!
//! | metadata of the schema | |
//! |---|---|
//! | `pixelplay.format` | [`FORMAT`], as a decimal number |
//! | `pixelplay.dim` | length of the vectors |
//! | `pixelplay.fingerprint` | the space of the vectors; absent if unknown |
//! | `pixelplay.recipe` | since format 2: how the songs were described, a JSON object; absent if the vectors were not made from descriptions |
//! | `pixelplay.query_bank` | the query bank that the biases in `_pp_bias` come from |
//!
//! | metadata of the footer | |
//! |---|---|
//! | `pixelplay.rows` | total number of rows in all batches |
//! | `pixelplay.batch_checksums` | BLAKE3 of each batch (message and body) in hex, separated by spaces |
//! | `pixelplay.checksum` | BLAKE3 in hex of everything but the bodies, see [`MetadataHash`](super::checksum::MetadataHash) |
//!
//! A file that has none of the footer's keys, because another program wrote or rewrote it, is also
//! an index if its columns are right. It has no checksums, so its rows are checked when it is
//! opened. A file with only some of the keys is damaged: losing the name of a checksum must not
//! make a file look like one that never had any.
//!
//! # Other files
//!
//! | name | |
//! |---|---|
//! | `*.arrow` in a folder | a shard of the index in that folder; [`manifest`](crate::index::edit::manifest) explains which files count |
//! | `songs-000001.arrow`, ... | a shard written by an edit; numbers are never reused |
//! | `_pixelplay_shards.txt` | the manifest of an edited folder |
//! | `.pixelplay-XXXXXX.tmp` | a file that is being written; locked while its writer is alive (on Unix) |
//! | `.pixelplay-<16 hex digits>.lock` | held while the file next to it is changed; the digits are the start of the BLAKE3 of that file's name |
//! | `.pixelplay.lock` | held while its folder is changed |
//!
//! # Guarantees
//!
//! | guarantee | based on |
//! |---|---|
//! | readers never see a partial file, and open indexes never change | a file is complete before `rename` puts it in place, and is never written to afterwards |
//! | a reported success survives a power cut | `fsync` of the file before the rename, and of its folder after it |
//! | a folder changes in one step | the rename of its manifest: every shard that the old or the new manifest names exists at that moment |
//! | no edit overwrites another | an advisory lock of the system (`flock`, `LockFileEx`) from before the index is read until the change is in place; on network file systems, as far as they implement it |
//! | the next writer removes the files that a killed writer left, and nothing else | the system releases a lock when its owner ends; only unlocked files with our names are removed, and shards only if the manifest lists them as unused |

use std::sync::Arc;

use arrow_schema::{DataType, Field};

/// The newest format, in which files are written. Format 1 had no [`KEY_RECIPE`].
pub(crate) const FORMAT: u64 = 2;

pub(crate) const ID: &str = "id";
pub(crate) const EMBEDDING: &str = "embedding";
/// The prefix of the names of helper columns.
pub(crate) const HELPER_PREFIX: &str = "_pp_";

/// The prefix of our metadata keys.
pub(crate) const KEY_PREFIX: &str = "pixelplay.";
pub(crate) const KEY_FORMAT: &str = "pixelplay.format";
pub(crate) const KEY_DIM: &str = "pixelplay.dim";
pub(crate) const KEY_FINGERPRINT: &str = "pixelplay.fingerprint";
pub(crate) const KEY_RECIPE: &str = "pixelplay.recipe";
pub(crate) const KEY_QUERY_BANK: &str = "pixelplay.query_bank";
pub(crate) const KEY_ROWS: &str = "pixelplay.rows";
pub(crate) const KEY_BATCH_CHECKSUMS: &str = "pixelplay.batch_checksums";
pub(crate) const KEY_CHECKSUM: &str = "pixelplay.checksum";
pub(crate) const FOOTER_KEYS: [&str; 3] = [KEY_ROWS, KEY_BATCH_CHECKSUMS, KEY_CHECKSUM];

/// The alignment of every buffer, in bytes.
pub(crate) const ALIGNMENT: usize = 64;
/// The offset of the schema message, after the magic and its padding.
pub(crate) const SCHEMA_AT: usize = ALIGNMENT;
/// The maximum number of columns in a file.
pub(crate) const MAX_COLUMNS: usize = 10_000;
/// The maximum dimension of vectors.
pub(crate) const MAX_DIM: usize = 1 << 16;

pub(crate) const MAGIC: [u8; 6] = *b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Returns the length in bytes of the message at the start of `bytes`, including its prefix: a
/// marker, an `i32` length, then that many bytes.
pub(crate) fn message_len(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(&CONTINUATION)?;
    let len = i32::from_le_bytes(*rest.first_chunk()?);
    usize::try_from(len).ok()?.checked_add(8)
}

/// Returns the field of the values in a list of numbers.
pub(crate) fn value_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// Converts the dimension of vectors to Arrow's type.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most MAX_DIM")]
pub(crate) fn list_len(dim: usize) -> i32 {
    dim as i32
}
