//! Edits of an index: their effects, atomicity and failures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    reason = "children report by printing, and tests print what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};

use pixelplay_core::index::{
    EditOptions, EditReport, SearchOptions, SongIndex, SongIndexEditor, SongIndexError,
    SongIndexWriter, WriterOptions,
};
use pixelplay_core::song::COLUMNS;
use pixelplay_core::{Embedding, Fingerprint, Song, SongId};

use folder::{Folder, names};

mod editing;
#[cfg(unix)]
mod faults;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/folder.rs"]
mod folder;
mod model;
#[cfg(unix)]
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/process.rs"]
mod process;
mod processes;

const MANIFEST: &str = "_pixelplay_shards.txt";

impl Folder {
    /// Writes an index of several files, each with one song per id.
    fn shards(&self, shards: &[&[&str]]) -> PathBuf {
        let folder = self.path("songs");
        fs::create_dir(&folder).unwrap();
        for (at, ids) in shards.iter().enumerate() {
            write(&folder.join(format!("part-{at}.arrow")), &songs(ids));
        }
        folder
    }

    fn file(&self, name: &str, ids: &[&str]) -> PathBuf {
        let path = self.path(name);
        write(&path, &songs(ids));
        path
    }
}

type Row = (Song, Vec<f32>);

/// A unit vector that is different for each small seed.
fn vector(seed: u32) -> Vec<f32> {
    let angle = f64::from(seed) * 0.37;
    [angle.cos() * 0.6, angle.sin() * 0.6, 0.8].map(|v| v as f32).to_vec()
}

fn row(id: &str, seed: u32) -> Row {
    let mut song = Song::new(SongId::new(id).unwrap());
    song.title = Some(format!("title {seed}"));
    song.year = Some(1900 + i64::from(seed));
    (song, vector(seed))
}

fn songs(ids: &[&str]) -> Vec<Row> {
    ids.iter().map(|id| row(id, id.len() as u32)).collect()
}

fn write(path: &Path, rows: &[Row]) {
    let known = COLUMNS.iter().map(|(name, _)| (*name).to_owned());
    let extra: std::collections::BTreeSet<_> =
        rows.iter().flat_map(|(song, _)| song.extra.keys().cloned()).collect();
    let options = WriterOptions {
        batch_rows: 5,
        columns: known.chain(extra).collect(),
        ..WriterOptions::new(3)
    };
    let mut writer = SongIndexWriter::create(path, options).unwrap();
    for (song, vector) in rows {
        writer.push(song, vector).unwrap();
    }
    writer.finish().unwrap();
}

fn contents(index: &SongIndex) -> Vec<Row> {
    (0..index.len()).map(|row| (index.song(row).unwrap(), index.vector(row).to_vec())).collect()
}

fn ids(path: &Path) -> Vec<String> {
    let index = SongIndex::open(path).unwrap();
    index.verify().unwrap();
    index.ids().map(str::to_owned).collect()
}

fn edit(path: &Path) -> SongIndexEditor {
    SongIndexEditor::open(path, EditOptions::default(), &mut ()).unwrap()
}

fn replacing(path: &Path) -> SongIndexEditor {
    let options = EditOptions { replace: true, ..EditOptions::default() };
    SongIndexEditor::open(path, options, &mut ()).unwrap()
}

fn add(path: &Path, more: &Path) -> Result<EditReport, SongIndexError> {
    edit(path).add(&SongIndex::open(more).unwrap(), &mut ())
}

/// Maps an index that only PixelPlay changes.
#[expect(unsafe_code, reason = "this is the call under test")]
fn map(path: &Path) -> Result<SongIndex, SongIndexError> {
    // SAFETY: only PixelPlay's writers change the files of these tests, and they replace whole
    // files.
    unsafe { SongIndex::open_mmap(path) }
}
