//! Finds songs for a picture with the embedded checkpoint and the starter catalogue, offline.
//!
//! `cargo run --release --example match_image -- PICTURE`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::index::SearchOptions;
use pixelplay_core::{Encoder, catalog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let picture = std::env::args().nth(1).ok_or("usage: match_image PICTURE")?;
    let encoder = Encoder::mini()?;
    // Built once, and stored in the user's cache.
    let songs = catalog::starter_index(&encoder, &mut ())?;
    let hits = songs.search(&encoder.encode_image(picture.as_str())?, &SearchOptions::top(5))?;
    println!("{hits}");
    Ok(())
}
