//! Checks what the README says about the starter catalogue.

#![allow(clippy::expect_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use pixelplay_data::STARTER_CSV;

const README: &str = include_str!("../README.md");

const COLUMNS: [&str; 21] = [
    "id",
    "title",
    "artist",
    "album",
    "genre",
    "year",
    "country",
    "language",
    "duration_ms",
    "explicit",
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
    "tempo",
    "loudness",
    "key",
    "mode",
];

type Song = BTreeMap<&'static str, String>;

fn songs() -> Vec<Song> {
    let mut reader = csv::Reader::from_reader(STARTER_CSV);
    assert_eq!(reader.headers().expect("a header"), &COLUMNS[..]);
    reader
        .records()
        .map(|record| {
            let record = record.expect("as many fields as the header has");
            COLUMNS.into_iter().zip(record.iter().map(str::to_owned)).collect()
        })
        .collect()
}

fn distinct(songs: &[Song], column: &str) -> BTreeSet<String> {
    songs.iter().map(|song| song[column].clone()).collect()
}

fn number(song: &Song, column: &str) -> f64 {
    song[column]
        .parse()
        .unwrap_or_else(|_| panic!("{}: {column} is {:?}", song["id"], song[column]))
}

fn decades(songs: &[Song]) -> BTreeSet<u64> {
    songs.iter().map(|song| number(song, "year") as u64 / 10 * 10).collect()
}

/// Returns the number in the README's row `| name | number |`.
fn promised(name: &str) -> usize {
    let row = format!("| {name} | ");
    README
        .lines()
        .find_map(|line| line.strip_prefix(row.as_str())?.strip_suffix(" |")?.parse().ok())
        .unwrap_or_else(|| panic!("the README has no row {row:?}"))
}

#[test]
fn the_file_is_plain_utf8_with_unix_lines() {
    let text = std::str::from_utf8(STARTER_CSV).expect("UTF-8");
    assert!(!text.starts_with('\u{feff}') && !text.contains('\r') && text.ends_with('\n'));
}

#[test]
fn ids_are_unique_sorted_slugs() {
    let songs = songs();
    let ids: Vec<&str> = songs.iter().map(|song| song["id"].as_str()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "sorted, and no id twice");
    for id in ids {
        let parts_are_words = id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        assert!(parts_are_words, "{id}");
    }
}

#[test]
fn nobody_sings_twice_the_same_or_more_than_one_song_in_a_hundred() {
    let songs = songs();
    let mut per_artist: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for song in &songs {
        let (artist, title) = (song["artist"].to_lowercase(), song["title"].to_lowercase());
        assert!(!artist.trim().is_empty() && !title.trim().is_empty(), "{}", song["id"]);
        *per_artist.entry(artist.clone()).or_default() += 1;
        assert!(seen.insert((artist, title)), "{} comes twice", song["id"]);
    }
    for (artist, count) in per_artist {
        assert!(count * 100 < songs.len(), "{artist} has {count} songs");
    }
}

#[test]
fn facts_are_well_formed() {
    for song in songs() {
        let id = &song["id"];
        let year = number(&song, "year");
        assert!((1920.0..=2025.0).contains(&year) && year.fract() == 0.0, "{id}: {year}");
        let country = &song["country"];
        assert!(country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()), "{id}");
        let language = &song["language"];
        assert!(matches!(language.len(), 2 | 3), "{id}: {language}");
        assert!(language.bytes().all(|b| b.is_ascii_lowercase()), "{id}: {language}");
        assert!(matches!(song["explicit"].as_str(), "true" | "false"), "{id}");
        if !song["duration_ms"].is_empty() {
            assert!((30_000.0..3_600_000.0).contains(&number(&song, "duration_ms")), "{id}");
        }
        assert_eq!(song["key"].is_empty(), song["mode"].is_empty(), "{id}");
        if !song["key"].is_empty() {
            assert!((0..=11).contains(&song["key"].parse::<i32>().expect("a pitch class")), "{id}");
            assert!(matches!(song["mode"].as_str(), "0" | "1"), "{id}");
        }
    }
}

#[test]
fn features_lie_on_their_scales_and_are_graded() {
    let songs = songs();
    for feature in [
        "energy",
        "valence",
        "danceability",
        "acousticness",
        "instrumentalness",
        "liveness",
        "speechiness",
    ] {
        for song in &songs {
            let value = number(song, feature);
            assert!((0.0..=1.0).contains(&value), "{}: {feature} {value}", song["id"]);
        }
    }
    for song in &songs {
        assert!((40.0..=230.0).contains(&number(song, "tempo")), "{}", song["id"]);
        assert!((-40.0..=0.0).contains(&number(song, "loudness")), "{}", song["id"]);
    }
    for feature in ["energy", "valence", "danceability", "acousticness"] {
        let steps = distinct(&songs, feature).len();
        assert!(steps >= 50, "{feature} takes only {steps} values");
    }
}

#[test]
fn the_readme_counts_what_is_there() {
    let songs = songs();
    assert_eq!(songs.len(), promised("songs"));
    assert_eq!(distinct(&songs, "artist").len(), promised("artists"));
    assert_eq!(distinct(&songs, "genre").len(), promised("genres"));
    assert_eq!(decades(&songs).len(), promised("decades"));
    assert_eq!(distinct(&songs, "country").len(), promised("countries"));
    // `zxx` marks songs without words.
    assert_eq!(distinct(&songs, "language").len() - 1, promised("languages"));

    assert!(songs.len() >= 1000);
    assert!(distinct(&songs, "genre").len() >= 25);
    assert!(decades(&songs).len() >= 10);
    assert!(distinct(&songs, "country").len() >= 40);
    for genre in distinct(&songs, "genre") {
        let count = songs.iter().filter(|song| song["genre"] == genre).count();
        assert!(count >= 10, "{genre} has only {count} songs");
    }
}

#[test]
fn the_readme_lists_the_genres() {
    let (_, after) = README.split_once("## Genres\n").expect("a section");
    let section = after.split("\n## ").next().unwrap_or(after);
    let listed: BTreeSet<String> =
        section.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(distinct(&songs(), "genre"), listed);
}
