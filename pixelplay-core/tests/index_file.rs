//! The index file: what goes in comes out, and nothing but a whole and well-formed file is taken for one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, RecordBatch, StringArray, StringViewArray,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use pixelplay_core::index::{
    SearchOptions, SongIndex, SongIndexError, SongIndexWriter, WriterOptions, col,
};
use pixelplay_core::song::{COLUMNS, Kind, Value};
use pixelplay_core::{Embedding, Fingerprint, Song, SongId};
use proptest::prelude::*;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

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
    (0..index.len())
        .map(|row| (index.song(row).unwrap(), index.vector(row).to_vec()))
        .collect()
}

/// Maps a file that this test, which owns its folder, leaves alone.
#[expect(unsafe_code, reason = "this is the call under test")]
fn map(path: &Path) -> Result<SongIndex, SongIndexError> {
    // SAFETY: nothing writes into the files of these tests' folders while an index is open.
    unsafe { SongIndex::open_mmap(path) }
}

// ---- what goes in comes out

fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => any::<String>().prop_map(Value::Text).boxed(),
        Kind::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        Kind::Real => (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO)
            .prop_map(Value::Real)
            .boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
    }
}

fn cells() -> impl Strategy<Value = Vec<Option<Value>>> {
    let columns: Vec<_> = COLUMNS
        .iter()
        .map(|&(_, kind)| prop::option::of(value(kind)))
        .collect();
    (
        columns,
        prop::option::of(any::<String>().prop_map(Value::Text)),
    )
        .prop_map(|(mut cells, extra)| {
            cells.push(extra);
            cells
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn songs_come_back_as_they_went_in(
        rows in prop::collection::vec((cells(), prop::collection::vec(-1.0_f32..1.0, 3)), 0..20),
        batch_rows in 1_usize..8,
        fingerprint in prop::option::of("[a-z]{1,9}"),
    ) {
        let mut columns = known_columns();
        columns.push("playlist 🎵".to_owned());
        let songs: Vec<(Song, Vec<f32>)> = rows
            .into_iter()
            .enumerate()
            .filter(|(_, (_, vector))| vector.iter().any(|v| *v != 0.0))
            .map(|(row, (cells, vector))| {
                let mut song = song(&format!("é{row}"));
                for (name, cell) in columns.iter().zip(cells) {
                    if let Some(cell) = cell {
                        assert!(song.set(name, cell));
                    }
                }
                (song, Embedding::normalize(vector, None).unwrap().as_slice().to_vec())
            })
            .collect();
        let folder = Folder::new();
        let path = folder.path("songs.arrow");
        let fingerprint = fingerprint.map(|name| Fingerprint::new(name).unwrap());
        let options =
            WriterOptions { batch_rows, columns, fingerprint: fingerprint.clone(), ..WriterOptions::new(3) };
        write(&path, options, &songs);
        for index in [SongIndex::open(&path).unwrap(), map(&path).unwrap()] {
            prop_assert_eq!(contents(&index), songs.clone());
            prop_assert_eq!(index.fingerprint(), fingerprint.as_ref());
            prop_assert_eq!(index.columns().len(), COLUMNS.len() + 1);
            prop_assert!(index.has_checksums());
            let ids: Vec<&str> = index.ids().collect();
            for (row, id) in ids.iter().enumerate() {
                prop_assert_eq!(index.row(id), Some(row));
                prop_assert_eq!(index.song_by_id(id).unwrap(), index.song(row).unwrap());
            }
            prop_assert_eq!(index.row("not there"), None);
            let chunks: Vec<f32> = index.vector_chunks().flatten().copied().collect();
            prop_assert_eq!(chunks.len(), songs.len() * 3);
            prop_assert_eq!(index.vectors().is_some(), songs.len() <= batch_rows);
            index.verify().unwrap();
        }
    }
}

#[test]
fn vectors_are_aligned_and_used_where_they_lie() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    let songs: Vec<_> = (0..50)
        .map(|i| (song(&format!("s{i}")), vec![0.6, 0.8, 0.0]))
        .collect();
    let options = WriterOptions {
        batch_rows: 20,
        ..WriterOptions::new(3)
    };
    write(&path, options, &songs);
    for index in [SongIndex::open(&path).unwrap(), map(&path).unwrap()] {
        assert_eq!(index.vector_chunks().len(), 3);
        for chunk in index.vector_chunks() {
            assert_eq!(chunk.as_ptr() as usize % 64, 0);
        }
    }
}

#[test]
fn normalizing_makes_unit_vectors() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    let options = WriterOptions {
        normalize: true,
        ..WriterOptions::new(2)
    };
    write(&path, options, &[(song("a"), vec![3.0, 4.0])]);
    assert_eq!(SongIndex::open(&path).unwrap().vector(0), [0.6, 0.8]);
}

// ---- the writer

#[test]
fn the_writer_refuses_bad_rows_by_number_and_id_and_goes_on() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    let options = WriterOptions {
        columns: vec!["title".to_owned(), "energy".to_owned()],
        ..WriterOptions::new(2)
    };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    writer.push(&song("good"), &[1.0, 0.0]).unwrap();
    let bad_vectors: [(&[f32], &str); 5] = [
        (&[f32::NAN, 0.0], "NaN at position 0"),
        (&[1.0, f32::INFINITY], "inf at position 1"),
        (&[1.0], "expected a vector of 2 dimensions, found 1"),
        (&[0.9, 0.0], "length 0.9"),
        (&[0.0, 0.0], "length 0.0"),
    ];
    for (vector, words) in bad_vectors {
        match writer.push(&song("bad"), vector) {
            Err(SongIndexError::BadVector { row: 1, id, source }) if id == "bad" => {
                assert!(source.to_string().contains(words), "{source}");
            }
            other => panic!("{vector:?}: {other:?}"),
        }
    }
    let bad_songs = [
        (song("good"), "unique"),
        (
            Song {
                energy: Some(f64::NAN),
                ..song("bad")
            },
            "energy",
        ),
        (
            Song {
                year: Some(1999),
                ..song("bad")
            },
            "year",
        ),
        (
            Song {
                extra: [("mood".to_owned(), "x".to_owned())].into(),
                ..song("bad")
            },
            "mood",
        ),
        (
            Song {
                extra: [("energy".to_owned(), "0.5".to_owned())].into(),
                ..song("bad")
            },
            "`extra` holds \"energy\"",
        ),
        (
            Song {
                extra: [("id".to_owned(), "x".to_owned())].into(),
                ..song("bad")
            },
            "`extra` holds \"id\"",
        ),
        (
            Song {
                extra: [("_pp_codes".to_owned(), "x".to_owned())].into(),
                ..song("bad")
            },
            "`extra` holds \"_pp_codes\"",
        ),
    ];
    for (song, word) in bad_songs {
        match writer.push(&song, &[0.0, 1.0]) {
            Err(error @ SongIndexError::BadRow { row: 1, .. }) => {
                let text = error.to_string();
                assert!(
                    text.contains(word) && text.contains(song.id.as_str()),
                    "{text}"
                );
            }
            other => panic!("{song:?}: {other:?}"),
        }
    }
    writer.push(&song("bad"), &[0.0, 1.0]).unwrap();
    assert_eq!(writer.len(), 2);
    writer.finish().unwrap();
    let index = SongIndex::open(&path).unwrap();
    assert_eq!(index.ids().collect::<Vec<_>>(), ["good", "bad"]);
    index.verify().unwrap();
}

#[test]
fn senseless_options_are_refused() {
    let folder = Folder::new();
    let with_columns = |columns: &[&str]| WriterOptions {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        ..WriterOptions::new(2)
    };
    let bad = [
        WriterOptions::new(0),
        WriterOptions::new(70_000),
        WriterOptions {
            batch_rows: 0,
            ..WriterOptions::new(2)
        },
        with_columns(&["id"]),
        with_columns(&["embedding"]),
        with_columns(&["_pp_codes"]),
        with_columns(&[""]),
        with_columns(&["title", "title"]),
        WriterOptions {
            columns: (0..9_999).map(|column| column.to_string()).collect(),
            ..WriterOptions::new(2)
        },
    ];
    for options in bad {
        let result = SongIndexWriter::create(folder.path("songs.arrow"), options.clone());
        assert!(
            matches!(result, Err(SongIndexError::BadOptions { .. })),
            "{options:?}"
        );
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn an_unfinished_writer_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    write(&path, WriterOptions::new(1), &[(song("old"), vec![1.0])]);
    let mut writer = SongIndexWriter::create(&path, WriterOptions::new(1)).unwrap();
    writer.push(&song("new"), &[1.0]).unwrap();
    drop(writer);
    assert_eq!(folder.names(), ["songs.arrow"]);
    assert_eq!(SongIndex::open(&path).unwrap().id(0), "old");
}

#[test]
fn a_replaced_file_is_new_for_new_readers_and_old_for_old_ones() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    write(&path, WriterOptions::new(1), &[(song("old"), vec![1.0])]);
    let old = map(&path).unwrap();
    write(
        &path,
        WriterOptions::new(2),
        &[(song("new"), vec![1.0, 0.0])],
    );
    assert_eq!((old.id(0), old.dim()), ("old", 1));
    old.verify().unwrap();
    let new = SongIndex::open(&path).unwrap();
    assert_eq!((new.id(0), new.dim()), ("new", 2));
    assert_eq!(folder.names(), ["songs.arrow"]);
}

#[test]
fn readers_see_the_old_or_the_new_file_while_writers_replace_it() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    let generation = |n: usize| -> Vec<(Song, Vec<f32>)> {
        (0..40)
            .map(|i| (song(&format!("{n} {i}")), vec![0.6, 0.8]))
            .collect()
    };
    write(&path, WriterOptions::new(2), &generation(0));
    let done = std::sync::atomic::AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..60 {
                write(&path, WriterOptions::new(2), &generation(n));
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        let mut seen = std::collections::BTreeSet::new();
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let index = map(&path).unwrap();
            index.verify().unwrap();
            let generations: std::collections::BTreeSet<String> = index
                .ids()
                .map(|id| id.split(' ').next().unwrap().to_owned())
                .collect();
            assert_eq!((index.len(), generations.len()), (40, 1));
            seen.extend(generations);
        }
        writer.join().unwrap();
        seen
    });
    assert!(!seen.is_empty());
    assert_eq!(SongIndex::open(&path).unwrap().id(0), "59 0");
}

#[cfg(unix)]
#[test]
fn a_new_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    fs::write(folder.path("plain"), b"").unwrap();
    write(&folder.path("songs.arrow"), WriterOptions::new(1), &[]);
    let mode = |name: &str| {
        fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("songs.arrow"), mode("plain"));
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    // One that the umask makes narrower in a new file, and one that is narrower than a new file.
    for mode in [0o600, 0o666] {
        write(&path, WriterOptions::new(1), &[]);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(&path, WriterOptions::new(1), &[(song("a"), vec![1.0])]);
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{found:o}");
        assert_eq!(SongIndex::open(&path).unwrap().len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_and_its_file_is_replaced() {
    let folder = Folder::new();
    fs::create_dir(folder.path("real")).unwrap();
    let (link, real) = (folder.path("link.arrow"), folder.path("real/songs.arrow"));
    write(&real, WriterOptions::new(1), &[(song("old"), vec![1.0])]);
    std::os::unix::fs::symlink("real/songs.arrow", &link).unwrap();
    write(&link, WriterOptions::new(1), &[(song("new"), vec![1.0])]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(SongIndex::open(&real).unwrap().id(0), "new");
    assert_eq!(fs::read_dir(folder.path("real")).unwrap().count(), 1);

    let dangling = folder.path("dangling.arrow");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    match SongIndexWriter::create(&dangling, WriterOptions::new(1)) {
        Err(SongIndexError::Io { source, .. }) => {
            assert!(source.to_string().contains("link"), "{source}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(folder.names(), ["dangling.arrow", "link.arrow", "real"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::os::unix::fs::symlink(&path, folder.path("link")).unwrap();
    for path in [path, folder.path("link")] {
        match SongIndexWriter::create(&path, WriterOptions::new(1)) {
            Err(SongIndexError::Io { source, .. }) => {
                assert!(source.to_string().contains("device"), "{source}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(folder.names(), ["link", "socket"]);
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let folder = Folder::new();
    for path in [
        folder.path("no such folder/songs.arrow"),
        folder.0.path().to_owned(),
    ] {
        match SongIndexWriter::create(&path, WriterOptions::new(1)) {
            Err(error @ SongIndexError::Io { .. }) => {
                assert!(
                    error.to_string().contains(path.to_str().unwrap()),
                    "{error}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

// ---- hostile files

/// A small file with a column of every kind, in two batches.
fn small_file(folder: &Folder) -> (Vec<u8>, Vec<(Song, Vec<f32>)>) {
    let mut songs = Vec::new();
    for (row, vector) in [[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]]
        .into_iter()
        .enumerate()
    {
        let mut song = Song {
            title: (row != 1).then(|| format!("Título {row}")),
            year: Some(1990 + row as i64),
            energy: (row != 2).then_some(0.25),
            explicit: Some(row == 0),
            ..song(&format!("song {row}"))
        };
        song.extra.insert("list".to_owned(), "x".repeat(row));
        songs.push((song, vector.to_vec()));
    }
    let options = WriterOptions {
        batch_rows: 2,
        fingerprint: Some(Fingerprint::new("space").unwrap()),
        columns: ["title", "year", "energy", "explicit", "list"]
            .map(str::to_owned)
            .to_vec(),
        ..WriterOptions::new(2)
    };
    let path = folder.path("small.arrow");
    write(&path, options, &songs);
    (fs::read(path).unwrap(), songs)
}

/// Does with an index whatever can be done; only panics matter here.
fn use_all(index: &SongIndex) {
    let mut values = vec![0.0; index.dim()];
    values[0] = 1.0;
    let query = Embedding::new(values, index.fingerprint().cloned()).unwrap();
    for filter in [
        None,
        Some(col("year").ge(1991)),
        Some(col("title").eq("x") | !col("energy").lt(0.5)),
    ] {
        let options = SearchOptions {
            filter,
            ..SearchOptions::default()
        };
        let _ = index.search(&query, &options);
    }
    for row in 0..index.len() {
        let _ = index.song(row);
        let _ = index.embedding(row);
        assert!(index.row(index.id(row)).is_some());
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let folder = Folder::new();
    let (bytes, _) = small_file(&folder);
    let path = folder.path("cut.arrow");
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        match SongIndex::open(&path) {
            Err(SongIndexError::NotArrow { .. } | SongIndexError::Damaged { .. }) => {}
            other => panic!("cut to {len}: {other:?}"),
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_is_found_or_harmless() {
    let folder = Folder::new();
    let (bytes, songs) = small_file(&folder);
    let path = folder.path("flipped.arrow");
    let (mut refused, mut found, mut harmless) = (0, 0, 0);
    for at in 0..bytes.len() {
        // The last one makes it zero, which in a table of Arrow's metadata means that an entry is not there.
        for flip in [0x01, 0xff, bytes[at]] {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            if flip == 0 {
                continue;
            }
            fs::write(&path, flipped).unwrap();
            let Ok(index) = SongIndex::open(&path) else {
                refused += 1;
                continue;
            };
            use_all(&index);
            if index.verify().is_err() {
                found += 1;
                continue;
            }
            harmless += 1;
            // It must not pass for a file that never had checksums either, whose cells nobody can vouch for.
            assert!(index.has_checksums(), "byte {at} ^ {flip:#x}");
            assert_eq!(contents(&index), songs, "byte {at} ^ {flip:#x}");
            assert_eq!(
                index.fingerprint().unwrap().as_str(),
                "space",
                "byte {at} ^ {flip:#x}"
            );
        }
    }
    // Padding around the footer, and what Arrow does not read there, is all that may change unseen.
    assert!(
        refused > 2000 && found > 500 && harmless < 1000,
        "{refused} {found} {harmless}"
    );
}

/// The same file without our checksums: nothing but the checks of the structure stands between it and Arrow.
fn foreign_small_file() -> Vec<u8> {
    let table = table(vec![
        (
            "id",
            Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef,
        ),
        (
            "title",
            Arc::new(StringArray::from(vec![Some("Title"), None, Some("")])),
        ),
        (
            "artist",
            Arc::new(StringViewArray::from(vec![
                Some("A name too long to be inline"),
                None,
                Some("b"),
            ])),
        ),
        (
            "year",
            Arc::new(Int64Array::from(vec![Some(1990), None, Some(2000)])),
        ),
        (
            "energy",
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::NAN)])),
        ),
        (
            "explicit",
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ),
        (
            "embedding",
            vectors(&[&[0.6, 0.8], &[1.0, 0.0], &[0.0, 1.0]]),
        ),
    ]);
    arrow_file(&table)
}

#[test]
fn hostile_structure_never_panics() {
    let folder = Folder::new();
    let path = folder.path("hostile.arrow");
    let bytes = foreign_small_file();
    let (mut refused, mut opened) = (0, 0);
    let mut try_open = |hostile: Vec<u8>| {
        fs::write(&path, hostile).unwrap();
        match SongIndex::open(&path) {
            Ok(index) => {
                opened += 1;
                use_all(&index);
            }
            Err(_) => refused += 1,
        }
    };
    for at in 0..bytes.len() {
        for flip in [0x01, 0xff] {
            let mut hostile = bytes.clone();
            hostile[at] ^= flip;
            try_open(hostile);
        }
    }
    // Offsets, lengths and counts are aligned numbers of 4 and 8 bytes.
    for at in (0..bytes.len() - 8).step_by(4) {
        for number in [-1, i64::MAX, i64::from(i32::MAX), 7] {
            let mut hostile = bytes.clone();
            hostile[at..at + 8].copy_from_slice(&number.to_le_bytes());
            try_open(hostile);
            let mut hostile = bytes.clone();
            hostile[at..at + 4].copy_from_slice(&number.to_le_bytes()[..4]);
            try_open(hostile);
        }
    }
    assert!(refused > 1000 && opened > 1000, "{refused} {opened}");
}

#[test]
fn what_is_no_index_is_called_what_it_is() {
    let folder = Folder::new();
    let path = folder.path("x.arrow");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        SongIndex::open(&path).unwrap_err()
    };
    assert!(open(b"").to_string().contains("empty"));
    assert!(matches!(
        open(b"PAR1 and so on, certainly more"),
        SongIndexError::NotArrow { .. }
    ));
    assert!(matches!(open(b"ARROW1"), SongIndexError::NotArrow { .. }));
    assert!(matches!(
        open(b"ARROW1ARROW1"),
        SongIndexError::NotArrow { .. }
    ));
    assert!(matches!(
        open(b"ARROW1\0\0\xff\xff\xff\x7fARROW1"),
        SongIndexError::Damaged { .. }
    ));

    match SongIndex::open(folder.path("missing")) {
        Err(SongIndexError::Io { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound)
        }
        other => panic!("{other:?}"),
    }
    let error = SongIndex::open(Folder::new().0.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("arrow"), "{error}");
}

// ---- files of other programs

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

fn open_foreign(table: &RecordBatch) -> Result<SongIndex, SongIndexError> {
    let folder = Folder::new();
    let path = folder.path("foreign.arrow");
    fs::write(&path, arrow_file(table)).unwrap();
    SongIndex::open(&path)
}

fn with_metadata(table: &RecordBatch, pairs: &[(&str, &str)]) -> RecordBatch {
    let metadata: HashMap<String, String> = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let schema = Schema::new_with_metadata(table.schema().fields().clone(), metadata);
    RecordBatch::try_new(Arc::new(schema), table.columns().to_vec()).unwrap()
}

fn plain_table() -> RecordBatch {
    table(vec![
        (
            "id",
            Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef,
        ),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ])
}

#[test]
fn a_table_of_another_program_is_an_index_if_its_columns_are_right() {
    let index = open_foreign(&table(vec![
        (
            "id",
            Arc::new(LargeStringArray::from(vec!["a", "b"])) as ArrayRef,
        ),
        (
            "title",
            Arc::new(StringViewArray::from(vec![Some("One"), None])),
        ),
        // As pandas writes years of which some are missing.
        (
            "year",
            Arc::new(Float64Array::from(vec![Some(1999.0), Some(f64::NAN)])),
        ),
        (
            "energy",
            Arc::new(Float32Array::from(vec![0.5, f32::INFINITY])),
        ),
        ("plays", Arc::new(Int32Array::from(vec![3, -4]))),
        ("_pp_anything", Arc::new(Int32Array::from(vec![1, 2]))),
        (
            "dates",
            Arc::new(ListArray::new_null(
                Arc::new(Field::new("item", DataType::Int32, true)),
                2,
            )),
        ),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]))
    .unwrap();
    let columns: Vec<(&str, Kind)> = index
        .columns()
        .iter()
        .map(|(name, kind)| (name.as_str(), *kind))
        .collect();
    assert_eq!(
        columns,
        [
            ("title", Kind::Text),
            ("year", Kind::Integer),
            ("energy", Kind::Real),
            ("plays", Kind::Integer)
        ]
    );
    let first = index.song_by_id("a").unwrap();
    assert_eq!(
        (first.title.as_deref(), first.year, first.energy),
        (Some("One"), Some(1999), Some(0.5))
    );
    assert_eq!(first.extra["plays"], "3");
    let second = index.song_by_id("b").unwrap();
    assert_eq!(
        (second.title, second.year, second.energy),
        (None, None, None)
    );
    assert!(!index.has_checksums() && index.fingerprint().is_none());
    index.verify().unwrap();
    let query = Embedding::new(vec![0.0, 1.0], None).unwrap();
    let options = SearchOptions {
        filter: Some(col("plays").lt(0)),
        ..SearchOptions::default()
    };
    assert_eq!(index.search(&query, &options).unwrap()[0].id.as_str(), "b");
}

#[test]
fn rows_of_other_programs_are_checked_when_opened() {
    let ids = |ids: &[&str]| -> ArrayRef { Arc::new(StringArray::from(ids.to_vec())) };
    let ok = vectors(&[&[1.0, 0.0], &[0.6, 0.8]]);
    let bad: [(ArrayRef, ArrayRef, &str); 8] = [
        (
            ids(&["a", "b"]),
            vectors(&[&[1.0, 0.0], &[0.6, 0.7]]),
            "length 0.92",
        ),
        (
            ids(&["a", "b"]),
            vectors(&[&[f32::NAN, 0.0], &[0.6, 0.8]]),
            "NaN",
        ),
        (
            ids(&["a", "b"]),
            vectors(&[&[1.0, 0.0], &[f32::INFINITY, 0.8]]),
            "inf",
        ),
        (ids(&["a", "a"]), ok.clone(), "unique"),
        (ids(&["a", ""]), ok.clone(), "empty id"),
        (
            Arc::new(StringArray::from(vec![Some("a"), None])),
            ok.clone(),
            "no id",
        ),
        (
            Arc::new(Int32Array::from(vec![1, 2])),
            ok,
            "\"id\" has type",
        ),
        (
            ids(&["a", "b"]),
            Arc::new(Float32Array::from(vec![1.0, 1.0])),
            "fixed_size_list",
        ),
    ];
    for (ids, embedding, word) in bad {
        let error = open_foreign(&table(vec![("id", ids), ("embedding", embedding)])).unwrap_err();
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    let no_vectors = table(vec![("id", ids(&["a"]))]);
    assert!(
        open_foreign(&no_vectors)
            .unwrap_err()
            .to_string()
            .contains("embedding")
    );
    let text_year = table(vec![
        ("id", ids(&["a", "b"])),
        ("year", ids(&["1999", "2000"])),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]);
    assert!(
        open_foreign(&text_year)
            .unwrap_err()
            .to_string()
            .contains("\"year\"")
    );
    let half_year = table(vec![
        ("id", ids(&["a", "b"])),
        ("year", Arc::new(Float64Array::from(vec![1999.5, 2000.0]))),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]);
    assert!(
        open_foreign(&half_year)
            .unwrap_err()
            .to_string()
            .contains("not whole")
    );
}

#[test]
fn a_table_of_too_many_columns_is_refused() {
    let names: Vec<String> = (0..9_999).map(|column| column.to_string()).collect();
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let open = |count: usize| {
        let mut columns = vec![
            (
                "id",
                Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef,
            ),
            ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
        ];
        let others = names[..count].iter();
        columns.extend(others.map(|name| (name.as_str(), column.clone())));
        open_foreign(&table(columns))
    };
    assert_eq!(open(9_998).unwrap().columns().len(), 9_998);
    let error = open(9_999).unwrap_err().to_string();
    assert!(error.contains("10001 columns"), "{error}");
}

#[test]
fn a_table_that_kept_our_metadata_keeps_its_space() {
    let kept = [
        ("pixelplay.format", "1"),
        ("pixelplay.dim", "2"),
        ("pixelplay.fingerprint", "space"),
    ];
    let index = open_foreign(&with_metadata(&plain_table(), &kept)).unwrap();
    assert_eq!(index.fingerprint().unwrap().as_str(), "space");
    assert!(!index.has_checksums());

    let open =
        |pairs: &[(&str, &str)]| open_foreign(&with_metadata(&plain_table(), pairs)).unwrap_err();
    let rewritten = |footer: &[(&str, &str)], schema: &[(&str, &str)]| {
        let table = with_metadata(&plain_table(), schema);
        let mut writer = FileWriter::try_new(Vec::new(), &table.schema()).unwrap();
        writer.write(&table).unwrap();
        for (key, value) in footer {
            writer.write_metadata(*key, *value);
        }
        let folder = Folder::new();
        let path = folder.path("rewritten.arrow");
        fs::write(&path, writer.into_inner().unwrap()).unwrap();
        SongIndex::open(&path)
    };
    rewritten(&[("pandas", "{}")], &kept).unwrap();
    let all = [
        ("pixelplay.rows", "2"),
        ("pixelplay.batch_checksums", "0"),
        ("pixelplay.checksum", "0"),
    ];
    // Part of our metadata without the rest of it.
    for (footer, schema) in [
        (&all[..1], &kept[..]),
        (&all[1..], &kept[..]),
        (&all[..], &[][..]),
        (&all[..], &kept[1..]),
        (&[], &kept[..1]),
        (&[], &kept[1..]),
        (&[], &kept[2..]),
    ] {
        let error = rewritten(footer, schema).unwrap_err();
        assert!(
            matches!(&error, SongIndexError::Damaged { what, .. } if what.contains("but not all")),
            "{footer:?} {schema:?}: {error}"
        );
    }

    let newer = open(&[("pixelplay.format", "2")]);
    assert!(
        matches!(
            newer,
            SongIndexError::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{newer}"
    );
    assert!(matches!(
        open(&[("pixelplay.format", "one")]),
        SongIndexError::Damaged { .. }
    ));
    assert!(matches!(
        open(&[("pixelplay.dim", "3")]),
        SongIndexError::Damaged { .. }
    ));
    assert!(matches!(
        open(&[("pixelplay.fingerprint", "")]),
        SongIndexError::Damaged { .. }
    ));
}

// ---- folders of files

#[test]
fn a_folder_of_files_is_one_index() {
    let folder = Folder::new();
    write(
        &folder.path("b.arrow"),
        WriterOptions::new(2),
        &[(song("3"), vec![0.0, 1.0])],
    );
    let options = WriterOptions {
        batch_rows: 1,
        columns: vec!["title".to_owned()],
        ..WriterOptions::new(2)
    };
    let titled = Song {
        title: Some("One".to_owned()),
        ..song("1")
    };
    write(
        &folder.path("a.arrow"),
        options,
        &[(titled, vec![1.0, 0.0]), (song("2"), vec![0.6, 0.8])],
    );
    fs::write(folder.path("readme.txt"), "not an index").unwrap();
    fs::write(folder.path(".pixelplay-x.arrow"), "half a file").unwrap();
    let index = SongIndex::open(folder.0.path()).unwrap();
    assert_eq!(index.ids().collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(index.song(0).unwrap().title.as_deref(), Some("One"));
    // A column that a file lacks is not known there.
    let query = Embedding::new(vec![0.6, 0.8], None).unwrap();
    let options = SearchOptions {
        filter: Some(col("year").is_null()),
        ..SearchOptions::default()
    };
    let hits = index.search(&query, &options).unwrap();
    assert_eq!(
        hits.iter().map(|hit| hit.row).collect::<Vec<_>>(),
        [1, 2, 0]
    );
    index.verify().unwrap();

    write(
        &folder.path("c.arrow"),
        WriterOptions::new(2),
        &[(song("2"), vec![0.0, 1.0])],
    );
    let error = SongIndex::open(folder.0.path()).unwrap_err().to_string();
    assert!(
        error.contains("c.arrow") && error.contains("unique"),
        "{error}"
    );
    write(&folder.path("c.arrow"), WriterOptions::new(3), &[]);
    let error = SongIndex::open(folder.0.path()).unwrap_err().to_string();
    assert!(
        error.contains("c.arrow") && error.contains("dimension"),
        "{error}"
    );
}

#[test]
fn verify_can_be_stopped() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    write(&path, WriterOptions::new(1), &[(song("a"), vec![1.0])]);
    let index = SongIndex::open(&path).unwrap();
    let result = index.verify_with(&mut |_| std::ops::ControlFlow::Break(()));
    assert!(matches!(result, Err(SongIndexError::Cancelled)));
    let mut last = None;
    index
        .verify_with(&mut |progress| {
            last = Some(progress);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (1, Some(1)));

    // Each batch reports in each stage, and each report can stop.
    let options = WriterOptions {
        batch_rows: 1,
        ..WriterOptions::new(1)
    };
    let songs = ["a", "b", "c"].map(|id| (song(id), vec![1.0]));
    write(&path, options, &songs);
    let index = SongIndex::open(&path).unwrap();
    let mut reports = Vec::new();
    index
        .verify_with(&mut |progress| {
            reports.push((progress.stage, progress.done));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    for done in 0..=3 {
        assert!(
            reports.contains(&("comparing checksums", done)),
            "{reports:?}"
        );
        assert!(reports.contains(&("checking columns", done)), "{reports:?}");
    }
    for stop_at in 0..reports.len() {
        let mut seen = 0;
        let result = index.verify_with(&mut |_| {
            seen += 1;
            if seen > stop_at {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        });
        assert!(matches!(result, Err(SongIndexError::Cancelled)));
        assert_eq!(seen, stop_at + 1);
    }
}
