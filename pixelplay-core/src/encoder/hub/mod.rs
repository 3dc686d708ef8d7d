//! Checkpoints from the Hugging Face Hub, through the cache that all its clients share.
//!
//! Files that Python's `huggingface_hub` has downloaded are used without downloading them again,
//! and vice versa; `cache.rs` shows the layout. Environment variables have the same meaning as
//! there: see [`HubOptions`].
//!
//! * `download`: the whole process; `collect` determines which files are needed, and `fetch`
//!   downloads one file.
//! * `resolve`: the commit of a revision. `cache`: the folder. `http`: requests. `settings`:
//!   options and environment variables. `name`: repositories, revisions, hashes.

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
