//! Compares blended queries with results computed by hand and with a naive ranking.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;

use pixelplay_core::index::{SearchOptions, SongHit, SongIndexWriter, WriterOptions, col};
use pixelplay_core::query::{DEFAULT_TEXT_WEIGHT, QueryError};
use pixelplay_core::song::Value;
use pixelplay_core::{Embedding, Fingerprint, HybridQuery, QueryOptions, Song, SongId, SongIndex};
use proptest::prelude::*;
use tempfile::TempDir;

struct Row<'a> {
    id: &'a str,
    artist: Option<&'a str>,
    vector: Vec<f32>,
}

fn row<'a>(id: &'a str, artist: &'a str, vector: &[f32]) -> Row<'a> {
    Row { id, artist: Some(artist), vector: vector.to_vec() }
}

fn space() -> Option<Fingerprint> {
    Some(Fingerprint::new("here").unwrap())
}

fn unit(values: &[f32]) -> Embedding {
    Embedding::normalize(values.to_vec(), space()).unwrap()
}

fn index(rows: &[Row<'_>]) -> (TempDir, SongIndex) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let options = WriterOptions {
        fingerprint: space(),
        normalize: true,
        ..WriterOptions::new(rows[0].vector.len())
    };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    for row in rows {
        let mut song = Song::new(SongId::new(row.id).unwrap());
        song.title = Some(row.id.to_owned());
        if let Some(artist) = row.artist {
            song.set("artist", Value::Text(artist.to_owned()));
        }
        writer.push(&song, &row.vector).unwrap();
    }
    writer.finish().unwrap();
    let index = SongIndex::open(&path).unwrap();
    (folder, index)
}

fn ids(hits: &[SongHit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

/// An index with three axes and the diagonals between them.
fn compass() -> (TempDir, SongIndex) {
    index(&[
        row("x", "Ada", &[1.0, 0.0, 0.0]),
        row("y", "Ben", &[0.0, 1.0, 0.0]),
        row("z", "Ada", &[0.0, 0.0, 1.0]),
        row("xy", "ADA", &[1.0, 1.0, 0.0]),
        row("-x", "Cleo", &[-1.0, 0.0, 0.0]),
    ])
}

#[test]
fn a_picture_and_words_blend_by_weight_and_either_alone_counts_whole() {
    let (_folder, index) = compass();
    let (x, y) = (unit(&[1.0, 0.0, 0.0]), unit(&[0.0, 1.0, 0.0]));
    let both = HybridQuery::new().image(x.clone()).text(y.clone());
    let blend = both.blend(&index).unwrap();
    let expected = unit(&[(1.0 - DEFAULT_TEXT_WEIGHT) as f32, DEFAULT_TEXT_WEIGHT as f32, 0.0]);
    assert!((blend.dot(&expected).unwrap() - 1.0).abs() < 1e-7);

    let words_only = HybridQuery::new().text(y.clone()).blend(&index).unwrap();
    assert_eq!(words_only, y);
    let all_words = both.text_weight(1.0).blend(&index).unwrap();
    assert_eq!(all_words, y);
    assert_eq!(blend.fingerprint(), index.fingerprint());
}

#[test]
fn likes_pull_dislikes_push_and_named_songs_are_left_out() {
    let (_folder, index) = compass();
    let query = HybridQuery::new()
        .image(unit(&[0.0, 0.0, 1.0]))
        .like("x", 1.0)
        .unlike(unit(&[0.0, 1.0, 0.0]), 1.0);
    let blend = query.blend(&index).unwrap();
    assert!((blend.dot(&unit(&[1.0, -1.0, 1.0])).unwrap() - 1.0).abs() < 1e-7);
    let hits = query.search(&index, &QueryOptions::default()).unwrap();
    assert_eq!(ids(&hits), ["z", "xy", "y", "-x"]);

    // A query may consist only of a song to move away from.
    let away = HybridQuery::new().unlike("x", 0.5);
    let hits = away.search(&index, &QueryOptions::default()).unwrap();
    assert_eq!(hits[0].id.as_str(), "-x");
}

#[test]
fn options_narrow_the_answer() {
    let (_folder, index) = compass();
    let query = HybridQuery::new().image(unit(&[1.0, 0.5, 0.25]));
    let with = |options: QueryOptions| {
        let hits = query.search(&index, &options).unwrap();
        ids(&hits).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = QueryOptions::default();
    assert_eq!(with(all.clone()), ["xy", "x", "y", "z", "-x"]);
    assert_eq!(with(QueryOptions::top(2)), ["xy", "x"]);
    assert!(with(QueryOptions::top(0)).is_empty());
    // "Ada" and "ADA" are the same artist.
    let one_each = QueryOptions { max_per_artist: NonZeroUsize::new(1), ..all.clone() };
    assert_eq!(with(one_each), ["xy", "y", "-x"]);
    let positive = SearchOptions { min_score: Some(0.0), ..SearchOptions::default() }.into();
    assert_eq!(with(positive), ["xy", "x", "y", "z"]);
    let filter = Some(col("artist").is_in(["Ben", "Cleo"]));
    let filtered = SearchOptions { filter, ..SearchOptions::default() }.into();
    assert_eq!(with(filtered), ["y", "-x"]);
}

#[test]
fn diversity_prefers_what_differs_from_the_picks() {
    // Two similar songs near the query, and one farther away in another direction.
    let (_folder, index) = index(&[
        row("near", "a", &[1.0, 0.10, 0.0]),
        row("twin", "b", &[1.0, 0.11, 0.0]),
        row("other", "c", &[0.7, -0.7, 0.0]),
        row("far", "d", &[-1.0, 0.0, 0.0]),
    ]);
    let query = HybridQuery::new().image(unit(&[1.0, 0.0, 0.0]));
    let with = |diversity| {
        let options = QueryOptions { diversity, ..QueryOptions::top(2) };
        let hits = query.search(&index, &options).unwrap();
        ids(&hits).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(with(0.0), ["near", "twin"]);
    assert_eq!(with(0.5), ["near", "other"]);
    // Even with full diversity, the first pick is the best match, since there are no earlier picks
    // to differ from.
    assert_eq!(with(1.0), ["near", "far"]);
}

#[test]
fn what_cannot_be_answered_is_named() {
    let (_folder, index) = compass();
    let x = unit(&[1.0, 0.0, 0.0]);
    let ask = |query: HybridQuery| query.search(&index, &QueryOptions::default()).unwrap_err();
    assert!(matches!(ask(HybridQuery::new()), QueryError::Empty));
    assert!(matches!(
        ask(HybridQuery::new().image(x.clone()).unlike("x", 1.0)),
        QueryError::CancelsOut
    ));
    // What matters is the remainder relative to the weights, not their magnitude.
    let twin = unit(&[1.0, 1e-7, 0.0]);
    for weight in [1e-9, 1e9] {
        let query = HybridQuery::new().like("x", weight).unlike(twin.clone(), weight);
        assert!(matches!(ask(query), QueryError::CancelsOut), "{weight}");
        let alone = HybridQuery::new().like("x", weight);
        assert!(alone.search(&index, &QueryOptions::default()).is_ok(), "{weight}");
    }
    for weight in [0.0, f64::MAX] {
        let query = HybridQuery::new().like("x", weight).like("y", weight);
        assert!(matches!(ask(query), QueryError::CancelsOut), "{weight}");
    }
    for weight in [-0.1, f64::NAN, f64::INFINITY] {
        for query in [HybridQuery::new().like("x", weight), HybridQuery::new().unlike("x", weight)]
        {
            assert!(matches!(ask(query), QueryError::BadWeight { .. }), "{weight}");
        }
        assert!(matches!(
            ask(HybridQuery::new().image(x.clone()).text_weight(weight)),
            QueryError::BadTextWeight { .. }
        ));
    }
    let message = ask(HybridQuery::new().like("nobody", 1.0)).to_string();
    assert!(message.contains("nobody"), "{message}");

    let elsewhere = Embedding::normalize(vec![1.0, 0.0, 0.0], Fingerprint::new("there").ok());
    let message = ask(HybridQuery::new().image(elsewhere.unwrap())).to_string();
    assert!(message.contains("here") && message.contains("there"), "{message}");
    let message = ask(HybridQuery::new().image(unit(&[1.0, 0.0]))).to_string();
    assert!(message.contains('3') && message.contains('2'), "{message}");
    for diversity in [-0.1, 1.1, f64::NAN] {
        let options = QueryOptions { diversity, ..QueryOptions::default() };
        assert!(matches!(
            HybridQuery::new().image(x.clone()).search(&index, &options),
            Err(QueryError::BadDiversity { .. })
        ));
    }
}

#[test]
fn of_a_song_its_best_recording_is_shown_and_the_answer_stays_full() {
    let (_folder, index) = index(&[
        row("Song (Live)", "Ada", &[1.0, 0.0]),
        row("Song", "Ada", &[1.0, 0.1]),
        row("Song - Ben Remix", "ADA", &[1.0, 0.2]),
        row("Song ", "Cleo", &[1.0, 0.3]),
        row("Other", "Ada", &[1.0, 0.4]),
        row("Intro", "Various Artists", &[1.0, 0.5]),
        row("Intro ", "Various Artists", &[1.0, 0.6]),
        Row { id: "SONG", artist: None, vector: vec![1.0, 0.7] },
    ]);
    let query = HybridQuery::new().image(unit(&[1.0, 0.0]));
    let found = |k, max_per_artist, distinct_songs| {
        let max_per_artist = NonZeroUsize::new(max_per_artist);
        let options = QueryOptions { max_per_artist, distinct_songs, ..QueryOptions::top(k) };
        let hits = query.search(&index, &options).unwrap();
        hits.iter().map(|hit| hit.id.to_string()).collect::<Vec<_>>()
    };
    let all = ["Song (Live)", "Song ", "Other", "Intro", "Intro ", "SONG"];
    assert_eq!(found(8, 0, true), all);
    assert_eq!(found(3, 0, true), all[..3]);
    assert_eq!(found(8, 0, false).len(), 8);
    // The cap counts an artist's songs, not their recordings.
    assert_eq!(found(3, 1, true), ["Song (Live)", "Song ", "Intro"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The cap gives the same result as going through the whole ranking, however far down the scan
    /// has to go.
    #[test]
    fn the_artist_cap_is_exact(
        artists in prop::collection::vec(0_u8..4, 1..60),
        seed in any::<u64>(),
        k in 0_usize..12,
        cap in 1_usize..4,
    ) {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 16_777_216.0 - 0.499
        };
        let names: Vec<String> = (0..artists.len()).map(|i| format!("song {i}")).collect();
        let rows: Vec<Row<'_>> = artists
            .iter()
            .zip(&names)
            .map(|(&artist, id)| Row {
                id,
                // Songs without an artist do not share an artist.
                artist: ["ada", "ben", "cleo"].get(usize::from(artist)).copied(),
                vector: vec![next(), next(), next(), next()],
            })
            .collect();
        let (_folder, index) = index(&rows);
        let query = HybridQuery::new().image(unit(&[0.5, -0.2, 0.1, 0.3]));
        let options = |k, max_per_artist| QueryOptions { max_per_artist, ..QueryOptions::top(k) };
        let everything = query.search(&index, &options(rows.len(), None)).unwrap();
        prop_assert_eq!(everything.len(), rows.len());
        let mut taken = [0_usize; 3];
        let expected: Vec<_> = everything
            .iter()
            .filter(|hit| match taken.get_mut(usize::from(artists[hit.row])) {
                Some(count) => {
                    *count += 1;
                    *count <= cap
                }
                None => true,
            })
            .take(k)
            .map(|hit| hit.row)
            .collect();
        let hits = query.search(&index, &options(k, NonZeroUsize::new(cap))).unwrap();
        prop_assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_taste_leans_a_question_by_its_weight_however_many_songs_it_names() {
    let (_folder, index) = compass();
    let picture = unit(&[0.0, 0.0, 1.0]);
    let lean = |songs: &[(&str, f64)], weight| {
        let query =
            HybridQuery::new().image(picture.clone()).lean_towards(songs.iter().copied(), weight);
        query.blend(&index).unwrap().as_slice().to_vec()
    };
    // One favourite of weight 1 has the same effect as many in the same direction.
    let one = lean(&[("x", 1.0)], 0.5);
    assert_eq!(one, unit(&[0.5, 0.0, 1.0]).as_slice());
    assert_eq!(lean(&[("x", 0.2)], 0.5), one);
    assert_eq!(lean(&[("x", 1.0), ("-x", -1.0)], 0.5), one);
    // Songs that are not in the index, and songs that cancel out, have no effect.
    assert_eq!(lean(&[("x", 1.0), ("gone", 1.0)], 0.5), one);
    for nothing in [&[][..], &[("gone", 1.0)], &[("x", 1.0), ("-x", 1.0)]] {
        assert_eq!(lean(nothing, 0.5), picture.as_slice());
    }

    // A favourite may be among the results. A query may consist only of a taste, unless the taste
    // is empty.
    let options = QueryOptions::default();
    let query = HybridQuery::new().lean_towards([("x", 1.0)], 1.0);
    assert_eq!(ids(&query.search(&index, &options).unwrap())[0], "x");
    let query = HybridQuery::new().lean_towards([("gone", 1.0)], 1.0);
    assert!(matches!(query.search(&index, &options), Err(QueryError::Empty)));
    for (weight, share) in [(f64::NAN, 1.0), (1.0, f64::INFINITY), (1.0, -1.0)] {
        let query = HybridQuery::new().lean_towards([("x", weight)], share);
        assert!(matches!(query.search(&index, &options), Err(QueryError::BadWeight { .. })));
    }
}
