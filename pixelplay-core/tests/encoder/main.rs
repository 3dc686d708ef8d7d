//! Compares the encoder with its references: transformers, OpenCLIP with timm, Pillow and
//! openai/CLIP.
//!
//! Fixtures hold only the expected results, made by `../parity/make_*.py`; both sides compute
//! weights, pixels and ids from the same formula. Picture files are made by `../pictures/make.py`.
#![cfg(feature = "encoder")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

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

/// The path of a file in `tests/fixtures/encoder`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/encoder").join(name)
}

/// The path of a file in `tests/pictures`.
fn picture_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)
}

/// The path of real data next to the project. If the data is missing, prints that the test is
/// skipped and returns `None`.
fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if !found.exists() {
        eprintln!("skipped: ../shared/data/{path} is missing");
        return None;
    }
    Some(found)
}
