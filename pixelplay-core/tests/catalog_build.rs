//! Builds an index from songs with the embedded encoder.
#![cfg(all(feature = "catalog", feature = "mini"))]
#![allow(clippy::expect_used, reason = "test helpers")]

use std::ops::ControlFlow;
use std::path::Path;

use pixelplay_core::catalog::{
    BuildOptions, CatalogError, Describer, SongTable, Templates, WordWeights, build_index, describe,
};
use pixelplay_core::index::{
    EditOptions, SearchOptions, SongIndexEditor, SongIndexWriter, WriterOptions,
};
use pixelplay_core::progress::Update;
use pixelplay_core::{Encoder, Song, SongId, SongIndex};

fn song(id: &str, energy: Option<f64>, valence: Option<f64>) -> Song {
    let mut song = Song::new(SongId::new(id).expect("an id"));
    song.energy = energy;
    song.valence = valence;
    song
}

/// Twenty songs of all moods: one has its own description, and two have no features.
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

fn mean(encoder: &Encoder, texts: &[&str]) -> Vec<f64> {
    let mut mean = vec![0.0_f64; encoder.dim()];
    for text in texts {
        let vector = encoder.encode_text(text).expect("a text");
        for (sum, &value) in mean.iter_mut().zip(vector.as_slice()) {
            *sum += f64::from(value) / texts.len() as f64;
        }
    }
    mean
}

fn unit(vector: Vec<f64>) -> Vec<f64> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
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
fn a_vector_is_the_mean_of_its_scenes_less_what_all_have_in_common() {
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

    let templates: toml::Table = toml::from_str(Templates::EMBEDDED).unwrap();
    let words = ["valence", "energy"].map(|axis| templates["words"][axis].as_array().unwrap());
    let words = words.into_iter().flatten().flat_map(|level| level.as_array().unwrap());
    let words: Vec<&str> = words.map(|phrase| phrase.as_str().unwrap()).collect();
    let moods = mean(&encoder, &words);

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
            let told = describe(song, &Templates::default());
            let told: Vec<String> = told.into_iter().map(|sentence| sentence.text).collect();
            assert_eq!(text, told.join("\n"));
        }
        // The scenes as a unit vector, minus 0.4 times the mean of the plain mood words.
        let lines: Vec<&str> = text.lines().collect();
        let scenes = unit(mean(&encoder, &lines));
        let expected = scenes.iter().zip(&moods).map(|(scene, mood)| scene - 0.4 * mood);
        let expected = unit(expected.collect());
        for (expected, &found) in expected.iter().zip(index.vector(row)) {
            assert!((expected - f64::from(found)).abs() < 1e-4, "{row}");
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
fn a_title_is_enough_to_go_by_unless_it_is_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let mut named = song("a", None, None);
    named.title = Some("Rain (Live)".into());
    named.artist = Some("Ana".into());
    let build = |options: &BuildOptions| {
        build_index(std::slice::from_ref(&named), &encoder, &path, options, &mut ())
    };
    for weight in [-0.1, f64::NAN, f64::INFINITY] {
        let words = WordWeights { title: weight, ..WordWeights::default() };
        let refused = build(&BuildOptions { words, ..BuildOptions::default() }).unwrap_err();
        assert!(matches!(refused, CatalogError::BadWordWeight { words: "title", .. }), "{refused}");
    }
    let nothing = BuildOptions { words: WordWeights::NONE, ..BuildOptions::default() };
    let nothing = build(&nothing).unwrap_err();
    assert!(matches!(nothing, CatalogError::NoSongs { left_out: 1, .. }));
    assert!(files(folder.path()).is_empty());
    assert_eq!(build(&BuildOptions::default()).unwrap().songs, 1);
    let index = SongIndex::open(&path).unwrap();
    assert_eq!(index.song(0).unwrap().description.as_deref(), Some("a photo of Rain"));
    let title = encoder.encode_text("a photo of Rain").unwrap();
    assert!(index.embedding(0).unwrap().dot(&title).unwrap() > 1.0 - 1e-6);
}

#[test]
fn a_picture_of_what_the_title_names_finds_the_song() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = Encoder::mini().unwrap();
    let mut songs = songs();
    songs[7].title = Some("Wild Horses".into());
    let rank = |words: WordWeights| {
        let path = folder.path().join("songs.arrow");
        let options = BuildOptions { words, ..BuildOptions::default() };
        build_index(&songs, &encoder, &path, &options, &mut ()).unwrap();
        let query = encoder.encode_text("horses running across a field").unwrap();
        let hits = SongIndex::open(&path).unwrap().search(&query, &SearchOptions::top(20)).unwrap();
        hits.iter().position(|hit| hit.id == songs[7].id).unwrap()
    };
    assert_eq!(rank(WordWeights::default()), 0);
    assert!(rank(WordWeights::NONE) > 2);
}

#[test]
fn an_index_says_how_it_was_made_and_more_songs_are_described_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let edit = || SongIndexEditor::open(&path, EditOptions::default(), &mut ()).unwrap();
    let table = |id: &str| {
        let csv = format!("id,title,artist,energy,valence\n{id},Wild Horses,Ana,0.5,0.5\n");
        SongTable::from_reader(std::io::Cursor::new(csv), "more.csv")
    };
    let words = WordWeights { title: 0.25, ..WordWeights::default() };
    let options = BuildOptions { words, ..BuildOptions::default() };
    table("a").build_options(options).build_index(&encoder, &path, &mut ()).unwrap();
    let recipe = SongIndex::open(&path).unwrap().recipe().unwrap().to_owned();
    let told: serde_json::Value = serde_json::from_str(&recipe).unwrap();
    assert_eq!(told["description"], 2);
    assert_eq!(told["words"]["title"], 0.25);
    assert_eq!(told["templates"].as_str().unwrap(), Templates::default().hash());

    // Songs are added with the settings that the index was built with, whatever the options say.
    table("b").add_to(edit(), &encoder, &mut ()).unwrap();
    let index = SongIndex::open(&path).unwrap();
    assert_eq!(index.recipe(), Some(&*recipe));
    let alone = folder.path().join("alone.arrow");
    let options = BuildOptions { words, ..BuildOptions::default() };
    table("b").build_options(options).build_index(&encoder, &alone, &mut ()).unwrap();
    assert_eq!(index.vector(1), SongIndex::open(&alone).unwrap().vector(0));
    table("b").build_index(&encoder, &alone, &mut ()).unwrap();
    assert_ne!(index.vector(1), SongIndex::open(&alone).unwrap().vector(0));

    // Other templates, a custom describer, and an index described in another way.
    let other = Templates::EMBEDDED.replacen("perfectly still", "quite still", 1);
    for describer in [
        Describer::from(Templates::from_toml(&other).unwrap()),
        Describer::new(|_| Ok(vec!["rain".into()])),
    ] {
        let options = BuildOptions { describer, ..BuildOptions::default() };
        let refused = table("c").build_options(options).add_to(edit(), &encoder, &mut ());
        let refused = refused.unwrap_err();
        assert!(matches!(refused, CatalogError::OtherRecipe { .. }), "{refused}");
        assert!(refused.to_string().contains("songs.arrow"), "{refused}");
    }
    let more = folder.path().join("more.arrow");
    table("d").build_index(&encoder, &more, &mut ()).unwrap();
    let refused = edit().add(&SongIndex::open(&more).unwrap(), &mut ()).unwrap_err();
    assert!(refused.to_string().contains("pixelplay.recipe"), "{refused}");
    assert_eq!(SongIndex::open(&path).unwrap().len(), 2);
}

#[test]
fn a_recipe_of_a_later_version_is_refused_by_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let encoder = Encoder::mini().unwrap();
    let templates = Templates::default();
    let recipe = |text: &str| {
        let options = WriterOptions {
            fingerprint: Some(encoder.fingerprint().clone()),
            recipe: Some(text.replace("HASH", templates.hash())),
            ..WriterOptions::new(encoder.dim())
        };
        SongIndexWriter::create(&path, options).unwrap().finish().unwrap();
        let editor = SongIndexEditor::open(&path, EditOptions::default(), &mut ()).unwrap();
        let csv = "id,title,artist\na,Rain,Ana\n";
        SongTable::from_reader(csv.as_bytes(), "more.csv").add_to(editor, &encoder, &mut ())
    };
    let words = r#""words":{"title":0.5,"tags":0,"lyrics":0}"#;
    let (_, built, _) =
        recipe(&format!(r#"{{"description":2,"templates":"HASH",{words}}}"#)).unwrap();
    assert_eq!(built.songs, 1);
    for (text, said) in [
        (format!(r#"{{"description":3,"templates":"HASH",{words}}}"#), "version 3"),
        (format!(r#"{{"description":2,"templates":"HASH","scales":1,{words}}}"#), "\"scales\""),
        (format!(r#"{{"description":2,"templates":null,{words}}}"#), "a custom describer"),
        (r#"{"description":2}"#.to_owned(), "cannot be read"),
        ("what".to_owned(), "cannot be read"),
    ] {
        let refused = recipe(&text).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
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
