//! Enriching an index: what stays, what is filled, and what is recorded.

use std::fs;
use std::ops::ControlFlow;

use pixelplay_core::enrich::{EnrichError, EnrichOptions, EnrichReport, ITunes, enrich};
use pixelplay_core::index::{
    SongIndex, SongIndexEditor, SongIndexError, WriterOptions, write_index,
};
use pixelplay_core::{Fingerprint, Song};

use crate::{Scene, song};

fn songs() -> Vec<Song> {
    let mut songs: Vec<Song> =
        (0..40).map(|n| song(&format!("id {n}"), &format!("Rain {n}"), "Ana")).collect();
    songs[0].artwork_url = Some("https://mine.example/a.jpg".into());
    songs[0].genre = Some("Schlager".into());
    songs[1].extra.insert("playlist".into(), "p".into());
    songs[2].title = None;
    songs
}

/// An index of the songs, and a shop that has every second song.
fn scene() -> (Scene, std::path::PathBuf) {
    let scene = Scene::new();
    let songs = songs();
    let vectors: Vec<f32> = (0..songs.len())
        .flat_map(|n| {
            let angle = n as f32;
            [angle.cos(), angle.sin(), 0.0]
        })
        .collect();
    let options = WriterOptions {
        fingerprint: Some(Fingerprint::new("a space").unwrap()),
        ..WriterOptions::new(3)
    };
    let path = scene.folder.path().join("songs.arrow");
    write_index(&path, &songs, &vectors, options).unwrap();
    for song in songs.iter().filter(|song| song.title.is_some()).step_by(2) {
        scene.sell(song);
    }
    (scene, path)
}

fn run(scene: &Scene, index: &SongIndex, out: &std::path::Path, overwrite: bool) -> EnrichReport {
    let options = EnrichOptions { overwrite, ..scene.options() };
    enrich(index, out, &scene.provider(), &options, &mut ()).unwrap()
}

#[test]
fn vectors_ids_and_order_stay_and_empty_cells_are_filled() {
    let (scene, path) = scene();
    let before = SongIndex::open(&path).unwrap();
    let out = scene.folder.path().join("out.arrow");
    let report = run(&scene, &before, &out, false);
    println!("{report}");
    assert_eq!((report.songs, report.unnamed.count), (40, 1));
    assert_eq!(report.filled["artwork_url"], report.matched - 1, "one had a cover");

    let after = SongIndex::open(&out).unwrap();
    after.verify().unwrap();
    assert_eq!(after.ids().collect::<Vec<_>>(), before.ids().collect::<Vec<_>>());
    let bits = |index: &SongIndex| {
        index.vectors().unwrap().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&after), bits(&before), "in one batch, as before");
    assert_eq!((after.dim(), after.fingerprint()), (before.dim(), before.fingerprint()));

    let first = after.song(0).unwrap();
    assert_eq!(first.artwork_url.as_deref(), Some("https://mine.example/a.jpg"));
    assert_eq!(first.genre.as_deref(), Some("Schlager"));
    assert_eq!((first.album.as_deref(), first.year), (Some("Album"), Some(1999)));
    assert_eq!(first.extra["enriched_from"], "itunes");
    assert_eq!(first.extra["enriched_columns"], "album, year, explicit, preview_url, external_url");
    assert_eq!(first.extra["enriched_at"], "2027-01-15T08:00:00Z");
    assert!(first.extra["enriched_id"].parse::<u64>().is_ok());
    let second = after.song(1).unwrap();
    assert_eq!(second.extra["playlist"], "p");
    assert_eq!(second.extra["enriched_note"], "itunes: nothing found");
    assert_eq!(second.artwork_url, None);
    let unnamed = after.song(2).unwrap();
    assert_eq!(unnamed, before.song(2).unwrap());
    // A filter can compare the confidence as a number.
    let sure = pixelplay_core::index::Filter::parse("enriched_confidence >= 0.9").unwrap();
    let query =
        pixelplay_core::Embedding::new(vec![1.0, 0.0, 0.0], after.fingerprint().cloned()).unwrap();
    let options = pixelplay_core::index::SearchOptions {
        k: 100,
        filter: Some(sure),
        ..pixelplay_core::index::SearchOptions::default()
    };
    assert_eq!(after.search(&query, &options).unwrap().len() as u64, report.matched);
}

#[test]
fn the_same_file_again_changes_nothing_and_overwriting_is_asked_for() {
    let (scene, path) = scene();
    let index = SongIndex::open(&path).unwrap();
    let out = scene.folder.path().join("out.arrow");
    run(&scene, &index, &out, false);
    let once = fs::read(&out).unwrap();
    // Enrich an enriched index in place.
    let enriched = SongIndex::open(&out).unwrap();
    let report = run(&scene, &enriched, &out, false);
    assert_eq!((report.requests, report.filled.len()), (0, 0));
    assert_eq!(fs::read(&out).unwrap(), once);
    let enriched = SongIndex::open(&out).unwrap();
    let report = run(&scene, &enriched, &out, true);
    assert!(report.filled["artwork_url"] == 1 && report.filled["genre"] == 1, "{report}");
    let song = SongIndex::open(&out).unwrap().song(0).unwrap();
    assert_eq!(song.genre.as_deref(), Some("Pop"));
    assert!(song.artwork_url.unwrap().contains("mzstatic.com"));
}

#[test]
fn a_note_goes_when_the_song_is_found_later() {
    let (scene, path) = scene();
    let out = scene.folder.path().join("out.arrow");
    run(&scene, &SongIndex::open(&path).unwrap(), &out, false);
    scene.time.pass(std::time::Duration::from_secs(40 * 86_400));
    scene.sell(&songs()[1]);
    run(&scene, &SongIndex::open(&out).unwrap(), &out, false);
    let song = SongIndex::open(&out).unwrap().song(1).unwrap();
    assert_eq!(song.extra.get("enriched_note"), None);
    assert_eq!(song.extra["enriched_from"], "itunes");
}

#[test]
fn a_folder_of_shards_becomes_one_file() {
    let (scene, path) = scene();
    let folder = scene.folder.path().join("shards");
    fs::create_dir(&folder).unwrap();
    fs::rename(&path, folder.join("0.arrow")).unwrap();
    let more = scene.folder.path().join("more.arrow");
    let options = WriterOptions {
        fingerprint: Some(Fingerprint::new("a space").unwrap()),
        quantized: false,
        ..WriterOptions::new(3)
    };
    write_index(&more, &[song("later", "Rain 4", "Ana")], &[1.0, 0.0, 0.0], options).unwrap();
    let editor = SongIndexEditor::open(&folder, Default::default(), &mut ()).unwrap();
    editor.add(&SongIndex::open(&more).unwrap(), &mut ()).unwrap();

    let out = scene.folder.path().join("out.arrow");
    run(&scene, &SongIndex::open(&folder).unwrap(), &out, false);
    let after = SongIndex::open(&out).unwrap();
    after.verify().unwrap();
    assert_eq!(after.len(), 41);
    let later = after.song_by_id("later").unwrap();
    assert_eq!(later.artwork_url, after.song_by_id("id 4").unwrap().artwork_url);
}

#[test]
fn an_edit_made_meanwhile_is_not_undone() {
    let (scene, path) = scene();
    let index = SongIndex::open(&path).unwrap();
    let mut edited = None;
    let mut edit_once = |_| {
        edited.get_or_insert_with(|| {
            let editor = SongIndexEditor::open(&path, Default::default(), &mut ()).unwrap();
            editor.remove(["id 5"], &mut ()).unwrap();
            fs::read(&path).unwrap()
        });
        ControlFlow::Continue(())
    };
    let options = scene.options();
    let error = enrich(&index, &path, &scene.provider(), &options, &mut edit_once).unwrap_err();
    assert!(matches!(error, EnrichError::Index(SongIndexError::Changed { .. })), "{error}");
    assert_eq!(Some(fs::read(&path).unwrap()), edited);

    // Run again on the current index: all answers are cached.
    let report = run(&scene, &SongIndex::open(&path).unwrap(), &path, false);
    assert_eq!((report.requests, report.songs), (0, 39));
    assert!(report.matched > 0);
    // If the output is another file, the input may change in the meantime.
    let index = SongIndex::open(&path).unwrap();
    let editor = SongIndexEditor::open(&path, Default::default(), &mut ()).unwrap();
    editor.remove(["id 6"], &mut ()).unwrap();
    run(&scene, &index, &scene.folder.path().join("copy.arrow"), false);
}

#[test]
fn nothing_is_written_unless_all_is_done() {
    let (scene, path) = scene();
    let index = SongIndex::open(&path).unwrap();
    let out = scene.folder.path().join("out.arrow");
    fs::write(&out, "what was there").unwrap();
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        if calls > 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = scene.options();
    let error = enrich(&index, &out, &scene.provider(), &options, &mut stop).unwrap_err();
    assert!(matches!(error, EnrichError::Cancelled), "{error}");
    assert_eq!(fs::read(&out).unwrap(), b"what was there");

    // If the output folder is missing, the run fails as well.
    let missing = scene.folder.path().join("missing/out.arrow");
    let error = enrich(&index, &missing, &scene.provider(), &options, &mut ()).unwrap_err();
    assert!(matches!(error, EnrichError::Index(_)), "{error}");
    // All answers are cached nevertheless.
    let nowhere = ITunes::at("http://127.0.0.1:9", "US").unwrap();
    let report = enrich(&index, &out, &nowhere, &options, &mut ()).unwrap();
    assert_eq!(report.requests, 0);
}
