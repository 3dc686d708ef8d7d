//! The index file: what is written can be read back, and only a complete and well-formed file is
//! accepted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and shows its counts"
)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int32Array, LargeStringArray,
    ListArray, RecordBatch, StringArray, StringViewArray,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use pixelplay_core::index::{
    SearchOptions, SongIndex, SongIndexError, SongIndexWriter, WriterOptions, col,
};
use pixelplay_core::song::{COLUMNS, Kind, Value};
use pixelplay_core::{Embedding, Fingerprint, Song, SongId};
use proptest::prelude::*;

use folder::Folder;

mod damage;
mod damage_table;
#[path = "../support/folder.rs"]
mod folder;
mod foreign;
mod foreign_file;
mod writing;

fn song(id: &str) -> Song {
    Song::new(SongId::new(id).unwrap())
}

fn known_columns() -> Vec<String> {
    COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn write(path: &Path, options: WriterOptions, songs: &[(Song, Vec<f32>)]) {
    let mut writer = SongIndexWriter::create(path, options).unwrap();
    for (song, vector) in songs {
        writer.push(song, vector).unwrap();
    }
    writer.finish().unwrap();
}

fn contents(index: &SongIndex) -> Vec<(Song, Vec<f32>)> {
    (0..index.len()).map(|row| (index.song(row).unwrap(), index.vector(row).to_vec())).collect()
}

/// Maps a file in a folder that only this test uses, and which the test does not change.
#[expect(unsafe_code, reason = "this is the call under test")]
fn map(path: &Path) -> Result<SongIndex, SongIndexError> {
    // SAFETY: nothing writes into the files of these tests' folders while an index is open.
    unsafe { SongIndex::open_mmap(path) }
}

// ---- round trips

fn vectors(rows: &[&[f32]]) -> ArrayRef {
    let dim = rows[0].len() as i32;
    let values = Float32Array::from(rows.concat());
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    Arc::new(FixedSizeListArray::new(item, dim, Arc::new(values), None))
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

fn arrow_file(table: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &table.schema()).unwrap();
    writer.write(table).unwrap();
    writer.into_inner().unwrap()
}
