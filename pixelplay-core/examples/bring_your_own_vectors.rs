//! Searches vectors from any model: the index, exact search and filters need no encoder.
//!
//! `cargo run --release --example bring_your_own_vectors --no-default-features`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::index::{SearchOptions, SongIndex, SongIndexWriter, WriterOptions};
use pixelplay_core::{Embedding, Fingerprint, Song, SongId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("songs.arrow");
    // Name the vector space, so that vectors from another model are rejected.
    let space = Some(Fingerprint::new("my-model-1")?);
    let options =
        WriterOptions { fingerprint: space.clone(), normalize: true, ..WriterOptions::new(3) };
    let mut writer = SongIndexWriter::create(&path, options)?;
    for (id, vector) in [("sea", [1.0, 0.2, 0.0]), ("fire", [0.0, 0.1, 1.0])] {
        let id = SongId::new(id).ok_or("an id must not be empty")?;
        writer.push(&Song::new(id), &vector)?;
    }
    writer.finish()?;

    let index = SongIndex::open(&path)?;
    let query = Embedding::normalize(vec![0.9, 0.1, 0.1], space)?;
    println!("{}", index.search(&query, &SearchOptions::default())?);
    Ok(())
}
