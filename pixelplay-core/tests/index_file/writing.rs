//! What is written can be read back, and a file is replaced completely or not at all.

use super::*;

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
    let columns: Vec<_> = COLUMNS.iter().map(|&(_, kind)| prop::option::of(value(kind))).collect();
    (columns, prop::option::of(any::<String>().prop_map(Value::Text))).prop_map(
        |(mut cells, extra)| {
            cells.push(extra);
            cells
        },
    )
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
    let songs: Vec<_> = (0..50).map(|i| (song(&format!("s{i}")), vec![0.6, 0.8, 0.0])).collect();
    let options = WriterOptions { batch_rows: 20, ..WriterOptions::new(3) };
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
    let options = WriterOptions { normalize: true, ..WriterOptions::new(2) };
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
        (Song { energy: Some(f64::NAN), ..song("bad") }, "energy"),
        (Song { year: Some(1999), ..song("bad") }, "year"),
        (Song { extra: [("mood".to_owned(), "x".to_owned())].into(), ..song("bad") }, "mood"),
        (
            Song { extra: [("energy".to_owned(), "0.5".to_owned())].into(), ..song("bad") },
            "`extra` holds \"energy\"",
        ),
        (
            Song { extra: [("id".to_owned(), "x".to_owned())].into(), ..song("bad") },
            "`extra` holds \"id\"",
        ),
        (
            Song { extra: [("_pp_rotated".to_owned(), "x".to_owned())].into(), ..song("bad") },
            "`extra` holds \"_pp_rotated\"",
        ),
    ];
    for (song, word) in bad_songs {
        match writer.push(&song, &[0.0, 1.0]) {
            Err(error @ SongIndexError::BadRow { row: 1, .. }) => {
                let text = error.to_string();
                assert!(text.contains(word) && text.contains(song.id.as_str()), "{text}");
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
        WriterOptions { batch_rows: 0, ..WriterOptions::new(2) },
        with_columns(&["id"]),
        with_columns(&["embedding"]),
        with_columns(&["_pp_rotated"]),
        with_columns(&[""]),
        with_columns(&["title", "title"]),
        WriterOptions {
            columns: (0..9_999).map(|column| column.to_string()).collect(),
            ..WriterOptions::new(2)
        },
    ];
    for options in bad {
        let result = SongIndexWriter::create(folder.path("songs.arrow"), options.clone());
        assert!(matches!(result, Err(SongIndexError::BadOptions { .. })), "{options:?}");
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
    write(&path, WriterOptions::new(2), &[(song("new"), vec![1.0, 0.0])]);
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
        (0..40).map(|i| (song(&format!("{n} {i}")), vec![0.6, 0.8])).collect()
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
            let generations: std::collections::BTreeSet<String> =
                index.ids().map(|id| id.split(' ').next().unwrap().to_owned()).collect();
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
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("songs.arrow"), mode("plain"));
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    // One mode that is stricter than that of a new file, and one that the umask would restrict.
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
    for path in [folder.path("no such folder/songs.arrow"), folder.0.path().to_owned()] {
        match SongIndexWriter::create(&path, WriterOptions::new(1)) {
            Err(error @ SongIndexError::Io { .. }) => {
                assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}
