//! Describes songs with a custom function, which also uses an extra column of the table.
//!
//! `cargo run --release --example custom_describer`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::catalog::{BuildOptions, Describer, Sentence, SongTable, Templates, describe};
use pixelplay_core::index::SearchOptions;
use pixelplay_core::{Encoder, SongIndex};

const TABLE: &str = "title,artist,energy,setting
Storm,Ada,0.9,a ship in a storm
Dawn,Ben,0.9,a meadow at sunrise
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini()?;
    let templates = Templates::default();
    let describer = Describer::new(move |song| {
        let mut sentences = describe(song, &templates);
        sentences.extend(song.extra.get("setting").map(Sentence::from));
        Ok(sentences)
    });
    SongTable::from_reader(TABLE.as_bytes(), "songs")
        .build_options(BuildOptions { describer, ..BuildOptions::default() })
        .build_index(&encoder, &path, &mut ())?;
    let sea = encoder.encode_text("a boat on a wild sea")?;
    println!("{}", SongIndex::open(&path)?.search(&sea, &SearchOptions::default())?);
    Ok(())
}
