//! PixelPlay turns a picture into music.
//!
//! A picture or a text becomes a point on the unit sphere: a CLIP [`Embedding`]. Songs are
//! described in sentences, which the same model maps onto the same sphere. A [`SongIndex`] stores
//! them in a file, and finds the nearest ones exactly.
//!
#![cfg_attr(feature = "starter", doc = "```")]
#![cfg_attr(not(feature = "starter"), doc = "```ignore")]
//! use pixelplay_core::{Encoder, HybridQuery, Image, QueryOptions, SongIndex};
//! use pixelplay_core::catalog::SongTable;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let index_path = folder.path().join("songs.arrow");
//! # let table_path = folder.path().join("songs.csv");
//! # std::fs::write(&table_path, "id,title,artist,energy,valence\na,Storm,Ada,0.9,0.1\nb,Dawn,Ben,0.2,0.7\n")?;
//! // The embedded checkpoint: no files, no network. Or `Encoder::open("clip-vit-base-patch32")`.
//! let encoder = Encoder::mini()?;
//!
//! // Build an index file from a table of songs ...
//! let (cleaned, _built) =
//!     SongTable::open(&table_path)?.build_index(&encoder, &index_path, &mut ())?;
//! assert_eq!(cleaned.kept, 2);
//! let index = SongIndex::open(&index_path)?;
//!
//! // ... and rank it by a picture, here a plain blue one, steered by a few words.
//! let blue = Image::from_rgb8(64, 64, [30, 60, 200].repeat(64 * 64))?;
//! let hits = HybridQuery::new()
//!     .image(encoder.encode_image(&blue)?)
//!     .text(encoder.encode_text("a stormy night")?)
//!     .search(&index, &QueryOptions::top(1))?;
//! let title = hits[0].song()?.title.unwrap_or_default();
//! println!("{:.0}%  {title}", hits[0].match_percent);
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | module | what it does |
//! |---|---|
//! | [`embedding`] | the type of every vector, and the space it belongs to |
//! | [`song`], [`mood`] | songs, their columns, and words for their mood; the mood of a picture |
//! | [`radar`] | songs and moods as an SVG chart |
//! | `encoder` | encodes pictures and texts with any Hugging Face `CLIPModel`, or an OpenCLIP model with an EfficientNet-Lite |
//! | [`index`] | the Arrow file: writing, opening, editing, exact search, filters |
//! | [`query`] | pictures, words and songs blended into one query |
//! | `catalog` | cleans tables, describes songs, builds indexes |
//! | `enrich` | looks songs up on the web |
//! | `users` | accounts, sessions, favourites and taste in one SQLite file |
//! | [`progress`] | progress reports and cancellation |
//!
//! Private modules: `simd` (the kernels), `recording` (whether two songs are the same recording),
//! and `mmap`, `http` and `sqlite` (shared code for mapping files, web requests and databases).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `encoder` | yes | the module `encoder`: candle, tokenizers, picture decoding |
//! | `mini` | yes | the embedded checkpoint, which adds about 10 MB to the binary: `Encoder::mini` |
//! | `catalog` | yes | the module `catalog`: cleaning and describing; with `encoder`, building |
//! | `starter` | yes | the embedded starter catalogue: `catalog::starter_index` |
//! | `users` | yes | the module `users`: `UserStore`, with SQLite compiled in |
//! | `enrich` | no | the module `enrich`: covers, previews and links from iTunes or MusicBrainz |
//! | `hub` | no | checkpoints from the Hugging Face Hub, through its standard cache: `Encoder::from_hub` |
//! | `arrow` | no | Arrow record batches in and out: `SongIndex::to_table`, `catalog::SongTable::from_batches`; its types change with arrow-rs |
//! | `cuda`, `metal` | no | forwarded to candle; not verified: the tests have not run on such a machine |
//!
//! Without any features, the crate still has the index, filters and blended queries over your own
//! vectors.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cause;
pub mod embedding;
mod error;
#[cfg(any(feature = "hub", feature = "enrich"))]
mod http;
pub mod index;
mod mmap;
pub mod mood;
mod printable;
pub mod progress;
pub mod query;
pub mod radar;
mod recording;
mod simd;
pub mod song;
#[cfg(any(feature = "users", feature = "enrich"))]
mod sqlite;

#[cfg(feature = "catalog")]
pub mod catalog;
#[cfg(feature = "encoder")]
pub mod encoder;
#[cfg(feature = "enrich")]
pub mod enrich;
#[cfg(feature = "users")]
pub mod users;

pub use cause::Cause;
pub use embedding::{Embedding, EmbeddingError, Fingerprint};
#[cfg(feature = "hub")]
pub use encoder::hub::{HubError, HubOptions};
#[cfg(feature = "encoder")]
pub use encoder::{EncodeError, EncodeOptions, Encoder, EncoderOptions, Image, ImageSource};
pub use error::Error;
#[cfg(any(feature = "hub", feature = "enrich"))]
pub use http::HttpProxy;
pub use index::{SongIndex, SongIndexEditor, SongIndexError, SongIndexWriter};
pub use mood::Mood;
pub use printable::printable;
pub use query::{HybridQuery, QueryError, QueryOptions};
pub use song::{Song, SongId};
#[cfg(feature = "users")]
pub use users::{UserError, UserStore, UserStoreOptions};

/// The Rust example of the README, compiled as a doctest.
#[cfg(all(doctest, feature = "starter"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The Rust example of the page on accounts, compiled as a doctest.
#[cfg(all(doctest, feature = "starter", feature = "users"))]
#[doc = include_str!("../../docs/accounts.md")]
struct AccountsPage;
