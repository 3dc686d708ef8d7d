//! Checkpoints from the Hugging Face Hub, through the cache that all its clients share.
//!
//! What Python's `huggingface_hub` has downloaded is used without downloading it again, and the
//! other way round; the layout is drawn in `cache.rs`. Environment variables mean what they mean
//! there: see [`HubOptions`].
//!
//! * `download`: the whole of it; `collect` says which files are wanted, `fetch` brings one.
//! * `resolve`: which commit a revision is. `cache`: the folder. `http`: requests. `settings`: what
//!   the caller and the environment say. `name`: repositories, revisions, hashes.

mod cache;
mod collect;
mod download;
mod error;
mod fetch;
mod http;
mod name;
mod resolve;
mod settings;

pub use download::{HubSnapshot, download};
pub use error::HubError;
pub use settings::{HubOptions, HubToken};
