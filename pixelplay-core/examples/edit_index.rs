//! Adds songs to an index and removes a song, each in one atomic step.
//!
//! `cargo run --release --example edit_index`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::catalog::SongTable;
use pixelplay_core::index::EditOptions;
use pixelplay_core::{Encoder, SongIndex, SongIndexEditor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini()?;
    let table = |rows: &'static str| SongTable::from_reader(rows.as_bytes(), "songs");
    table("id,title,artist\na,Storm,Ada\nb,Dawn,Ben\n").build_index(&encoder, &path, &mut ())?;

    let before = SongIndex::open(&path)?;
    let editor = SongIndexEditor::open(&path, EditOptions::default(), &mut ())?;
    let more = table("id,title,artist\nc,Rain,Cem\n");
    let (.., edited) = more.add_to(editor, &encoder, &mut ())?;
    println!("{edited}");
    let editor = SongIndexEditor::open(&path, EditOptions::default(), &mut ())?;
    println!("{}", editor.remove(["a"], &mut ())?);

    // An open index does not change.
    println!("{:?}", before.ids().collect::<Vec<_>>());
    println!("{:?}", SongIndex::open(&path)?.ids().collect::<Vec<_>>());
    Ok(())
}
