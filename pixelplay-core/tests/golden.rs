//! Files from earlier versions still open and give the same answers; see `fixtures/README.md`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use pixelplay_core::index::{By, Filter, SearchOptions, SongHit, SongIndex};
use pixelplay_core::users::{Clock, HashParams, Pepper, Peppers};
use pixelplay_core::{
    Embedding, Fingerprint, HybridQuery, QueryOptions, Song, SongId, UserError, UserStore,
    UserStoreOptions,
};
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(fixtures().join(path)).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// Reads a song; the file omits absent cells.
fn song(cells: &Value) -> Song {
    let mut whole = serde_json::to_value(Song::new(SongId::new("x").unwrap())).unwrap();
    for (name, value) in cells.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn assert_hits(hits: &[SongHit], expected: &Value, what: &str) {
    let expected = expected.as_array().unwrap();
    assert_eq!(hits.len(), expected.len(), "{what}");
    for (hit, expected) in hits.iter().zip(expected) {
        assert_eq!(hit.id.as_str(), expected[0], "{what}");
        assert_eq!(hit.row as u64, expected[1].as_u64().unwrap(), "{what}");
        assert_eq!(format!("{:016x}", hit.score.to_bits()), expected[2], "{what}");
        assert_eq!(format!("{:016x}", hit.corrected_score.to_bits()), expected[3], "{what}");
        assert!((hit.match_percent - expected[4].as_f64().unwrap()).abs() < 1e-9, "{what}");
    }
}

/// Checks that the index file `name` gives the answers that `v1.json` records for the file
/// `answers`.
fn check_index(name: &str, answers: &str) {
    let golden = json("index/v1.json");
    let expected = &golden["files"][answers];
    let index = SongIndex::open(fixtures().join("index").join(name)).unwrap();
    index.verify().unwrap();
    let ids = strings(&expected["ids"]);
    assert_eq!(index.ids().collect::<Vec<_>>(), ids, "{name}");
    let songs: Vec<Song> = golden["songs"].as_array().unwrap().iter().map(song).collect();
    for (row, id) in ids.iter().enumerate() {
        let expected = songs.iter().find(|song| song.id.as_str() == *id).unwrap();
        assert_eq!(&index.song(row).unwrap(), expected, "{name}");
    }
    let space = Fingerprint::new(golden["space"].as_str().unwrap()).unwrap();
    let queries: Vec<Embedding> = golden["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(strings)
        .map(|bits| {
            bits.iter().map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).unwrap())).collect()
        })
        .map(|values: Vec<f32>| Embedding::new(values, Some(space.clone())).unwrap())
        .collect();
    let answers = expected["answers"].as_array().unwrap();
    for (at, answer) in answers.iter().enumerate() {
        let query = &queries[at / (answers.len() / queries.len())];
        let options = SearchOptions {
            k: if answer["filter"].is_null() { 10 } else { 5 },
            filter: answer["filter"].as_str().map(|text| Filter::parse(text).unwrap()),
            hubness_correction: answer["correction"].as_f64().unwrap(),
            ..SearchOptions::default()
        };
        let hits = index.search(query, &options).unwrap();
        assert_hits(&hits, &answer["hits"], &format!("{name}, answer {at}"));
    }
    let five = SearchOptions::top(5);
    let similar = index.similar("song-07", By::Description, &five).unwrap();
    assert_hits(&similar, &expected["similar"], &format!("{name}, similar"));
    let blend = HybridQuery::new().image(queries[0].clone()).like("song-07", 0.5);
    let hits = blend.search(&index, &QueryOptions::top(5)).unwrap();
    assert_hits(&hits, &expected["blend"], &format!("{name}, blend"));
}

#[test]
fn an_index_of_version_1_answers_as_it_did() {
    check_index("v1.arrow", "v1.arrow");
}

#[test]
fn an_index_of_version_1_without_quantized_vectors_answers_as_it_did() {
    check_index("v1-not-quantized.arrow", "v1-not-quantized.arrow");
}

#[test]
fn an_index_of_version_1_with_biases_answers_as_it_did() {
    check_index("v1-biases.arrow", "v1-biases.arrow");
}

#[test]
fn an_edited_folder_of_version_1_answers_as_it_did() {
    check_index("v1-folder", "v1-folder");
}

#[test]
fn an_index_of_format_2_answers_as_that_of_format_1_and_says_how_it_was_made() {
    check_index("v2.arrow", "v1.arrow");
    let index = SongIndex::open(fixtures().join("index/v2.arrow")).unwrap();
    assert_eq!(index.recipe(), Some(RECIPE));
    assert_eq!(SongIndex::open(fixtures().join("index/v1.arrow")).unwrap().recipe(), None);
}

const RECIPE: &str = r#"{"description":2,"templates":"00112233445566778899aabbccddeeff","words":{"title":0.6,"tags":0.6,"lyrics":0.3}}"#;

/// Opens a copy of the golden store in `folder`, since opening and querying write to it. Its clock
/// starts `later` after the store was written.
fn store(folder: &Path, later: Duration) -> UserStore {
    let path = folder.join("users.db");
    if !path.exists() {
        fs::copy(fixtures().join("users/v1.db"), &path).unwrap();
    }
    let written = Duration::from_secs(json("users/v1.json")["written"].as_u64().unwrap());
    let pepper = Pepper::new("golden", &[7; 32]).unwrap();
    let options = UserStoreOptions {
        hash: HashParams::new(19 * 1024, 2, 1).unwrap(),
        peppers: Peppers::new(Some(pepper), Vec::new()).unwrap(),
        clock: Clock::new(move || UNIX_EPOCH + written + later),
        ..UserStoreOptions::default()
    };
    UserStore::open_with(path, options).unwrap()
}

#[test]
fn a_user_store_of_version_1_knows_what_it_knew() {
    let folder = tempfile::tempdir().unwrap();
    let golden = json("users/v1.json");
    let users = store(folder.path(), Duration::from_secs(60));
    users.verify().unwrap();
    assert_eq!(users.resume(golden["session"].as_str().unwrap()).unwrap().username, "ana");
    assert_eq!(users.favourites("ana").unwrap(), strings(&golden["favourites"]));
    assert_eq!(users.likes("ana").unwrap(), strings(&golden["likes"]));
    assert_eq!(users.dislikes("ana").unwrap(), strings(&golden["dislikes"]));
    let history = users.history("ana", 10).unwrap();
    let heard: Vec<&str> = history.iter().map(|listen| listen.song.as_str()).collect();
    assert_eq!(heard, strings(&golden["history"]));
    let taste = users.taste("ana").unwrap();
    let expected = golden["taste"].as_object().unwrap();
    assert_eq!(taste.len(), expected.len());
    for (song, weight) in expected {
        assert!((taste[song] - weight.as_f64().unwrap()).abs() < 1e-4, "{song}");
    }
}

#[test]
fn passwords_and_tokens_of_version_1_are_as_good_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let users = store(folder.path(), Duration::from_secs(600));
    for (name, password) in [
        ("ana", "correct horse battery"),
        ("ben", "hunter2 and more words"), // bcrypt, imported
        ("cem", "a lake under the moon"),  // peppered
        ("jürgen@example.org", "rainy night drive"),
    ] {
        users.log_in(name, password).unwrap();
        let wrong = users.log_in(name, "not this one, surely not");
        assert!(matches!(wrong, Err(UserError::InvalidCredentials)), "{name}: {wrong:?}");
    }
    let reset = json("users/v1.json")["reset"].as_str().unwrap().to_owned();
    users.finish_password_reset(&reset, "a password of the summer").unwrap();
    users.log_in("Jürgen@example.org", "a password of the summer").unwrap();
    drop(users);
    let late = store(folder.path(), Duration::from_secs(3600 * 24 * 31));
    let session = json("users/v1.json")["session"].as_str().unwrap().to_owned();
    assert!(late.resume(&session).is_err(), "the session has expired");
}
