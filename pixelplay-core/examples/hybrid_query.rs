//! Combines words, a liked song and unwanted words in one query.
//!
//! `cargo run --release --example hybrid_query`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::{Encoder, HybridQuery, QueryOptions, catalog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let encoder = Encoder::mini()?;
    let songs = catalog::starter_index(&encoder, &mut ())?;
    let liked = songs.id(0);
    let query = HybridQuery::new()
        .text(encoder.encode_text("a rainy night drive")?)
        .like(liked, 0.5)
        .unlike(encoder.encode_text("a loud party")?, 0.3);
    // At most two songs per artist, and varied results.
    let options =
        QueryOptions { max_per_artist: 2.try_into().ok(), diversity: 0.3, ..QueryOptions::top(5) };
    println!("like {:?}:\n{}", songs.song(0)?.title, query.search(&songs, &options)?);
    Ok(())
}
