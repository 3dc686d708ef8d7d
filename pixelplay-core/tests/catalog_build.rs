//! From songs to an index with the embedded encoder.
#![cfg(all(feature = "catalog", feature = "mini"))]
#![allow(clippy::expect_used, reason = "helpers of tests")]

use std::ops::ControlFlow;
use std::path::Path;

use pixelplay_core::catalog::{
    BuildOptions, CatalogError, SongTable, Templates, build_index, describe,
};
use pixelplay_core::progress::Update;
use pixelplay_core::{Encoder, Song, SongId, SongIndex};

fn song(id: &str, energy: Option<f64>, valence: Option<f64>) -> Song {
    let mut song = Song::new(SongId::new(id).expect("an id"));
    song.energy = energy;
    song.valence = valence;
    song
}

/// Twenty songs of all moods, one with its own words, two of which nothing is known.
fn songs() -> Vec<Song> {
    let mut songs: Vec<_> = (0..20)
        .map(|i| {
            let x = f64::from(i) / 19.0;
            song(&format!("s{i}"), Some(x), Some((x * 7.0).fract()))
        })
        .collect();
    songs[3].description = Some("rain on a window\na dark street".into());
    songs[5].extra.insert("label".into(), "Blue".into());
    songs.push(song("unknown 1", None, None));
    songs.push(song("unknown 2", None, None));
    songs
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_vector_is_the_mean_of_its_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let songs = songs();
    let options = BuildOptions::default();
    let mut stages = Vec::new();
    let report = build_index(&songs, &encoder, &path, &options, &mut |progress: Update| {
        if stages.last() != Some(&progress.stage) {
            stages.push(progress.stage);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((report.songs, report.left_out), (20, 2));
    assert_eq!(report.left_out_ids, ["unknown 1", "unknown 2"]);
    assert_eq!(report.descriptions, 20);
    assert_eq!(stages, ["building the index"]);
    assert_eq!((report.vectors, report.resumed), (20, 0));

    let index = SongIndex::open(&path).unwrap();
    index.verify().unwrap();
    assert_eq!(index.len(), 20);
    assert_eq!(index.fingerprint(), Some(encoder.fingerprint()));
    for (row, song) in songs[..20].iter().enumerate() {
        let written = index.song(row).unwrap();
        let text = written.description.clone().unwrap();
        if row == 3 {
            assert_eq!(Some(&text), song.description.as_ref());
        } else {
            assert_eq!(text, describe(song, &Templates::default()).join("\n"));
        }
        let mut mean = vec![0.0_f64; encoder.dim()];
        for sentence in text.lines() {
            let vector = encoder.encode_text(sentence).unwrap();
            for (sum, &value) in mean.iter_mut().zip(vector.as_slice()) {
                *sum += f64::from(value);
            }
        }
        let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (expected, &found) in mean.iter().zip(index.vector(row)) {
            assert!((expected / length - f64::from(found)).abs() < 1e-4, "{row}");
        }
        let mut expected = song.clone();
        expected.description = Some(text);
        assert_eq!(written, expected);
    }
}

#[test]
fn the_same_songs_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = Encoder::mini().unwrap();
    let build = |name: &str, options: &BuildOptions| {
        let path = folder.path().join(name);
        build_index(&songs(), &encoder, &path, options, &mut ()).unwrap();
        std::fs::read(path).unwrap()
    };
    let options = BuildOptions::default();
    assert_eq!(build("a", &options), build("b", &options));
    let batches = BuildOptions { batch_rows: 7, ..BuildOptions::default() };
    build("c", &batches);
    let index = SongIndex::open(folder.path().join("c")).unwrap();
    assert_eq!((index.len(), index.vector_chunks().len()), (20, 3));
}

#[test]
fn names_count_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let mut named = song("a", None, None);
    named.title = Some("Rain".into());
    named.artist = Some("Ana".into());
    let mut options = BuildOptions::default();
    let build = |options: &BuildOptions| {
        build_index(std::slice::from_ref(&named), &encoder, &path, options, &mut ())
    };
    let nothing = build(&options).unwrap_err();
    assert!(matches!(nothing, CatalogError::NoSongs { left_out: 1, .. }));
    assert!(files(folder.path()).is_empty());
    options.names = true;
    assert_eq!(build(&options).unwrap().songs, 1);
    let written = SongIndex::open(&path).unwrap().song(0).unwrap();
    assert_eq!(written.description.as_deref(), Some("Rain by Ana"));
}

#[test]
fn stopping_or_failing_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    std::fs::write(&path, "what was there before").unwrap();
    let encoder = Encoder::mini().unwrap();
    let unchanged = || {
        assert_eq!(files(folder.path()), ["songs.arrow"]);
        assert!(std::fs::read(&path).unwrap() == b"what was there before");
    };
    let options = BuildOptions::default();

    let mut twins = songs();
    twins.push(twins[0].clone());
    let error = build_index(&twins, &encoder, &path, &options, &mut ()).unwrap_err();
    assert!(matches!(error, CatalogError::Index(_)), "{error}");
    unchanged();

    let missing = folder.path().join("no/such/folder/songs.arrow");
    let error = build_index(&songs(), &encoder, &missing, &options, &mut ()).unwrap_err();
    assert!(matches!(error, CatalogError::Index(_)), "{error}");
    assert!(error.to_string().contains("songs.arrow"), "{error}");

    let mut stops = 0;
    loop {
        let mut left = stops;
        let result = build_index(&songs(), &encoder, &path, &options, &mut |_: Update| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        });
        match result {
            Err(CatalogError::Cancelled) => unchanged(),
            Ok(_) => break,
            Err(other) => panic!("{other}"),
        }
        stops += 1;
    }
    assert!(stops >= 4, "{stops}");
    assert_eq!(SongIndex::open(&path).unwrap().len(), 20);
}

#[test]
fn a_csv_becomes_an_index_and_is_never_replaced_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("songs.csv");
    let table = "id,title,artist,genre,energy\n1,Rain,Ana,pop,0.3\n2,Sun,Ben,rock,0.9\n3,,Cem,,\n";
    std::fs::write(&csv, table).unwrap();
    let encoder = Encoder::mini().unwrap();
    let build =
        |out: &str| SongTable::open(&csv)?.build_index(&encoder, folder.path().join(out), &mut ());
    let (cleaned, built) = build("songs.arrow").unwrap();
    assert_eq!((cleaned.rows_read, cleaned.kept, built.songs), (3, 2, 2));
    let index = SongIndex::open(folder.path().join("songs.arrow")).unwrap();
    assert_eq!(index.song(1).unwrap().title.as_deref(), Some("Sun"));

    assert!(matches!(build("./songs.csv"), Err(CatalogError::OutIsTable { .. })));
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), table);
}
