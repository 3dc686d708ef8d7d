//! Filters songs, with a condition written as text or in Rust.
//!
//! `cargo run --release --example filter`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::index::{Filter, SearchOptions, col};
use pixelplay_core::{Encoder, catalog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let encoder = Encoder::mini()?;
    let songs = catalog::starter_index(&encoder, &mut ())?;
    let sea = encoder.encode_text("waves at the sea")?;

    let text = Filter::parse("year < 1980 and energy between 0.2 and 0.6")?;
    let built = col("year").lt(1980) & col("energy").between(0.2, 0.6);
    assert_eq!(text, built);
    let options = SearchOptions { filter: Some(built), ..SearchOptions::top(5) };
    for hit in &songs.search(&sea, &options)? {
        let song = hit.song()?;
        println!("{:?}  {}", song.year, song.title.unwrap_or_default());
    }
    Ok(())
}
