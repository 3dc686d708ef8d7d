//! The encoder against its references: transformers, OpenCLIP with timm, Pillow and openai/CLIP.
//!
//! Fixtures hold answers only, made by `../parity/make_*.py`; weights, pixels and ids come
//! from a formula that both sides know. Picture files are made by `../pictures/make.py`.
#![cfg(feature = "encoder")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "these are tests, their helpers included"
)]

mod backends;
#[cfg(target_os = "linux")]
mod bombs;
mod check;
#[path = "../support/checkpoints.rs"]
mod checkpoints;
mod damage;
mod efficientnet;
#[path = "../support/explain.rs"]
mod explain;
mod hostile;
mod image_properties;
mod images;
mod live;
mod mood;
mod open_clip;
#[path = "../support/open_clip.rs"]
mod open_clip_checkpoints;
mod parity;
mod pillow;
mod preprocess;
mod properties;
mod tokenize;

use std::path::{Path, PathBuf};

/// A file of `tests/fixtures/encoder`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/encoder").join(name)
}

/// A file of `tests/pictures`.
fn picture_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)
}

/// Real data beside the project, or `None` after saying that the test is skipped.
fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if !found.exists() {
        eprintln!("skipped: ../shared/data/{path} is missing");
        return None;
    }
    Some(found)
}
