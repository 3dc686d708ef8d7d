//! The index file: an [Arrow IPC file], and what PixelPlay adds to one.
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
//! | those of [`COLUMNS`](crate::song::COLUMNS) | utf8, int64, float64 or bool | null where not known |
//! | others | utf8 | carried along |
//! | `embedding` | `fixed_size_list<float32 not null>[dim]`, not null | finite, length 1 within 1e-3 |
//! | `_pp_rotated`, `_pp_scale`, `_pp_error`, `_pp_length`, `_pp_centre` | see [`quantized`](crate::index::quantized) | the vectors once more, in 8-bit integers; all or none; of no meaning in a file without checksums |
//! | `_pp_bias` | see [`hubness_correction`](crate::index::hubness::correction) | how near a song is to everything |
//! | other `_pp_*` | any | helper columns, skipped by readers that do not know them |
//!
//! | metadata of the schema | |
//! |---|---|
//! | `pixelplay.format` | [`FORMAT`], as a decimal number |
//! | `pixelplay.dim` | length of the vectors |
//! | `pixelplay.fingerprint` | the space of the vectors; absent where it is not known |
//! | `pixelplay.recipe` | since format 2: how the songs were described, a JSON object; absent where the vectors were not made from descriptions |
//! | `pixelplay.query_bank` | whose biases `_pp_bias` holds |
//!
//! | metadata of the footer | |
//! |---|---|
//! | `pixelplay.rows` | rows of all batches together |
//! | `pixelplay.batch_checksums` | BLAKE3 of each batch (message and body) in hex, separated by spaces |
//! | `pixelplay.checksum` | BLAKE3 in hex of everything but the bodies, see [`MetadataHash`](super::checksum::MetadataHash) |
//!
//! A file without any key of the footer, written or rewritten by another program, is an index too
//! if its columns are right. It has no checksums, so its rows are checked when it is opened. Some
//! of the keys without the others are damage: a checksum whose name was lost must not make a file
//! pass for one that never had any.
//!
//! # Other files
//!
//! | name | |
//! |---|---|
//! | `*.arrow` in a folder | a shard of the index that the folder is; see [`manifest`](crate::index::edit::manifest) for which |
//! | `songs-000001.arrow`, ... | a shard that an edit wrote; a number is never used twice |
//! | `_pixelplay_shards.txt` | the manifest of a folder that was edited |
//! | `.pixelplay-XXXXXX.tmp` | a file that is being written; locked while its writer lives (on Unix) |
//! | `.pixelplay-<16 hex digits>.lock` | held while the file beside it is changed: the start of the BLAKE3 of its name |
//! | `.pixelplay.lock` | held while the folder that it is in is changed |
//!
//! # What the promises rest on
//!
//! | promise | rests on |
//! |---|---|
//! | nobody sees half a file, and open indexes stay as they are | a file is complete before `rename` puts it in place, and is never written into afterwards |
//! | what was reported as done survives a power cut | `fsync` of the file before the rename, and of its folder behind it |
//! | a folder changes in one step | the rename of its manifest, before and after which every shard that it names is there |
//! | no edit is lost to another one | an advisory lock of the system (`flock`, `LockFileEx`) from before the index is read until the change is in place; on network file systems as far as they implement it |
//! | what a killed writer left is removed by the next one, and nothing else is | the system drops a lock with its owner; only unlocked files of our names are removed, and shards only if the manifest says that they are unused |

use std::sync::Arc;

use arrow_schema::{DataType, Field};

/// The newest format, and the one that is written. Format 1 knew no [`KEY_RECIPE`].
pub(crate) const FORMAT: u64 = 2;

pub(crate) const ID: &str = "id";
pub(crate) const EMBEDDING: &str = "embedding";
/// What the names of helper columns start with.
pub(crate) const HELPER_PREFIX: &str = "_pp_";

/// What the names of our metadata start with.
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

/// Every buffer starts at a multiple of this.
pub(crate) const ALIGNMENT: usize = 64;
/// Where the schema message starts: behind the magic, padded.
pub(crate) const SCHEMA_AT: usize = ALIGNMENT;
/// The most columns of a file.
pub(crate) const MAX_COLUMNS: usize = 10_000;
/// The longest vector.
pub(crate) const MAX_DIM: usize = 1 << 16;

pub(crate) const MAGIC: [u8; 6] = *b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];

/// How many bytes the message at the start of `bytes` takes, prefix included: a marker, an `i32`
/// length, that many bytes.
pub(crate) fn message_len(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(&CONTINUATION)?;
    let len = i32::from_le_bytes(*rest.first_chunk()?);
    usize::try_from(len).ok()?.checked_add(8)
}

/// The type of a value in a list of numbers.
pub(crate) fn value_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// The length of vectors as Arrow counts it.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most MAX_DIM")]
pub(crate) fn list_len(dim: usize) -> i32 {
    dim as i32
}
