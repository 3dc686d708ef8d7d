//! Builds an index file from a table of songs.
//!
//! `cargo run --release --example build_index`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::ops::ControlFlow;

use pixelplay_core::catalog::SongTable;
use pixelplay_core::index::SearchOptions;
use pixelplay_core::progress::Update;
use pixelplay_core::{Encoder, SongIndex};

const TABLE: &str = "Werk,Artist,Energy,Valence,Genre
Storm,Ada,0.9,0.1,metal
Dawn,Ben,0.2,0.7,folk
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini()?;
    // Or `SongTable::open("songs.csv")`. PixelPlay does not recognise the header of the title
    // column.
    let table = SongTable::from_reader(TABLE.as_bytes(), "songs").columns([("title", "Werk")]);
    let (cleaned, built) = table.build_index(&encoder, &path, &mut |update: Update| {
        println!("{}: {} of {:?}", update.stage, update.done, update.total);
        ControlFlow::Continue(())
    })?;
    println!("{cleaned}\n{built}");
    let calm = encoder.encode_text("a calm morning")?;
    println!("{}", SongIndex::open(&path)?.search(&calm, &SearchOptions::default())?);
    Ok(())
}
