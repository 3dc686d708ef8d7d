//! Files that are truncated, have flipped bits or are malicious.

use super::foreign_file::foreign_file;
use super::*;

/// A small file with a column of every kind, in two batches.
fn small_file(folder: &Folder) -> (Vec<u8>, Vec<(Song, Vec<f32>)>) {
    let mut songs = Vec::new();
    for (row, vector) in [[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]].into_iter().enumerate() {
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
        columns: ["title", "year", "energy", "explicit", "list"].map(str::to_owned).to_vec(),
        ..WriterOptions::new(2)
    };
    let path = folder.path("small.arrow");
    write(&path, options, &songs);
    (fs::read(path).unwrap(), songs)
}

/// Uses every operation of an index, to detect panics.
pub(super) fn use_all(index: &SongIndex) {
    let mut values = vec![0.0; index.dim()];
    values[0] = 1.0;
    let query = Embedding::new(values, index.fingerprint().cloned()).unwrap();
    for filter in
        [None, Some(col("year").ge(1991)), Some(col("title").eq("x") | !col("energy").lt(0.5))]
    {
        let options = SearchOptions { filter, ..SearchOptions::default() };
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
        // The last value makes the byte zero, which marks an entry of an Arrow metadata table as
        // missing.
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
            // Nor may the file be mistaken for one without checksums, whose cells cannot be
            // verified.
            assert!(index.has_checksums(), "byte {at} ^ {flip:#x}");
            assert_eq!(contents(&index), songs, "byte {at} ^ {flip:#x}");
            assert_eq!(index.fingerprint().unwrap().as_str(), "space", "byte {at} ^ {flip:#x}");
        }
    }
    // Only padding around the footer and unused bytes in it may change undetected.
    assert!(refused > 2000 && found > 500 && harmless < 1000, "{refused} {found} {harmless}");
}

#[test]
fn hostile_structure_never_panics() {
    let folder = Folder::new();
    let path = folder.path("hostile.arrow");
    let bytes = foreign_file();
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
    assert!(matches!(open(b"PAR1 and so on, certainly more"), SongIndexError::NotArrow { .. }));
    assert!(matches!(open(b"ARROW1"), SongIndexError::NotArrow { .. }));
    assert!(matches!(open(b"ARROW1ARROW1"), SongIndexError::NotArrow { .. }));
    assert!(matches!(open(b"ARROW1\0\0\xff\xff\xff\x7fARROW1"), SongIndexError::Damaged { .. }));

    match SongIndex::open(folder.path("missing")) {
        Err(SongIndexError::Io { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound)
        }
        other => panic!("{other:?}"),
    }
    let error = SongIndex::open(Folder::new().0.path()).unwrap_err().to_string();
    assert!(error.contains("arrow"), "{error}");
}
