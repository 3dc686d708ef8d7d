//! Compares searches with a simple oracle that scores every row in `f64` and sorts all rows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hubness_correction;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pixelplay_core::index::{
    Backend, By, Filter, SearchOptions, SongHit, SongIndex, SongIndexError, SongIndexWriter,
    WriterOptions, col,
};
use pixelplay_core::{Embedding, EmbeddingError, Fingerprint, Song, SongId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The order of summation that the documentation promises.
fn score(row: &[f32], query: &[f32]) -> f64 {
    let mut sums = [0.0; 16];
    for (i, (&x, &q)) in row.iter().zip(query).enumerate() {
        sums[i % 16] += f64::from(x) * f64::from(q);
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

fn oracle(
    rows: &[Vec<f32>],
    query: &[f32],
    k: usize,
    keep: impl Fn(usize) -> bool,
) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter(|(row, _)| keep(*row))
        .map(|(row, vector)| (row, score(vector, query)))
        .collect();
    // The sort is stable, so equal scores stay in row order.
    all.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
    all.truncate(k);
    all
}

fn ranked(hits: &[SongHit]) -> Vec<(usize, f64)> {
    hits.iter().map(|hit| (hit.row, hit.score)).collect()
}

fn unit(values: Vec<f32>) -> Vec<f32> {
    Embedding::normalize(values, None).unwrap().as_slice().to_vec()
}

fn random(rng: &mut StdRng, dim: usize) -> Vec<f32> {
    // The offset prevents a zero vector in any dimension.
    unit((0..dim).map(|_| rng.random_range(-1.0_f32..1.0) + 1e-6).collect())
}

#[derive(Debug, Clone, Copy)]
enum Data {
    Random,
    Clustered,
    Duplicated,
    NearTies,
    Spiky,
}

const ALL_DATA: [Data; 5] =
    [Data::Random, Data::Clustered, Data::Duplicated, Data::NearTies, Data::Spiky];

fn rows(data: Data, rng: &mut StdRng, n: usize, dim: usize) -> Vec<Vec<f32>> {
    let centres: Vec<Vec<f32>> = (0..5).map(|_| random(rng, dim)).collect();
    (0..n)
        .map(|row| {
            let mut vector = centres[row % 5].clone();
            match data {
                Data::Random => random(rng, dim),
                Data::Clustered => {
                    vector.iter_mut().for_each(|v| *v += rng.random_range(-0.01_f32..0.01));
                    unit(vector)
                }
                Data::Duplicated => vector,
                Data::NearTies => {
                    // Change one value by one step, which `f32` sums cannot distinguish.
                    let at = rng.random_range(0..dim);
                    vector[at] =
                        if rng.random() { vector[at].next_up() } else { vector[at].next_down() };
                    vector
                }
                Data::Spiky => {
                    // One value is so great that all others are less than one quantization step.
                    let at = rng.random_range(0..dim);
                    vector[at] += 300.0;
                    unit(vector)
                }
            }
        })
        .collect()
}

fn song(row: usize) -> Song {
    Song {
        year: Some(i64::try_from(row % 100).unwrap()),
        ..Song::new(SongId::new(format!("song {row}")).unwrap())
    }
}

fn build(rows: &[Vec<f32>], batch_rows: usize) -> SongIndex {
    build_with(rows, batch_rows, true)
}

fn build_with(rows: &[Vec<f32>], batch_rows: usize, quantized: bool) -> SongIndex {
    let folder = tempfile::tempdir().unwrap();
    SongIndex::open(write(folder.path(), rows, batch_rows, quantized)).unwrap()
}

/// Writes an index into a folder.
fn write(folder: &Path, rows: &[Vec<f32>], batch_rows: usize, quantized: bool) -> PathBuf {
    let path = folder.join("songs.arrow");
    let options = WriterOptions { batch_rows, quantized, ..WriterOptions::new(rows[0].len()) };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    for (row, vector) in rows.iter().enumerate() {
        writer.push(&song(row), vector).unwrap();
    }
    writer.finish().unwrap();
    path
}

/// All combinations of backend and index.
fn pairs(indexes: &[SongIndex]) -> impl Iterator<Item = (Backend, &SongIndex)> {
    Backend::available()
        .into_iter()
        .flat_map(move |backend| indexes.iter().map(move |index| (backend, index)))
}

fn query(values: &[f32]) -> Embedding {
    Embedding::new(values, None).unwrap()
}

fn threads(threads: usize) -> Option<NonZeroUsize> {
    NonZeroUsize::new(threads)
}

/// A filter, and a function that tells which rows it should keep.
type Case = (Option<Filter>, fn(usize) -> bool);

/// Filters that match none of the songs, some, or all.
fn filters() -> Vec<Case> {
    vec![
        (None, |_| true),
        (Some(col("year").lt(0)), |_| false),
        (Some(col("year").eq(17)), |row| row % 100 == 17),
        (Some(col("year").lt(50)), |row| row % 100 < 50),
        (Some(col("year").ne(50)), |row| row % 100 != 50),
        (Some(!col("year").is_null()), |_| true),
    ]
}

#[test]
fn every_dimension_backend_and_kind_of_data_agrees_with_the_oracle() {
    let dims = [
        1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 383, 384, 511, 512, 513, 768, 1023, 1024,
    ];
    let mut rng = StdRng::seed_from_u64(1);
    for dim in dims {
        // Several tiles and batches, of which the last ones are partly filled.
        let n = if dim < 20 { 4500 } else { 230 };
        for data in ALL_DATA {
            let rows = rows(data, &mut rng, n, dim);
            let indexes = [true, false].map(|quantized| build_with(&rows, n / 3 + 1, quantized));
            let queries = [random(&mut rng, dim), rows[n / 2].clone()];
            for query_values in &queries {
                let all = oracle(&rows, query_values, n, |_| true);
                for (backend, index) in pairs(&indexes) {
                    for k in [0, 1, 10, n, n + 5] {
                        let options =
                            SearchOptions { k, backend: Some(backend), ..SearchOptions::default() };
                        let hits = index.search(&query(query_values), &options).unwrap();
                        assert_eq!(
                            ranked(&hits),
                            all[..k.min(n)],
                            "{dim} {data:?} {backend} k {k}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn filters_threads_and_batches_of_queries_change_nothing() {
    let mut rng = StdRng::seed_from_u64(2);
    let (n, dim) = (1500, 48);
    for data in ALL_DATA {
        let rows = rows(data, &mut rng, n, dim);
        let indexes = [true, false].map(|quantized| build_with(&rows, 400, quantized));
        // More than one group of queries, with the last group partly filled.
        let queries: Vec<Embedding> = (0..37).map(|_| query(&random(&mut rng, dim))).collect();
        for (filter, keep) in filters() {
            for k in [1, 10, n + 5] {
                let expected: Vec<_> =
                    queries.iter().map(|q| oracle(&rows, q.as_slice(), k, keep)).collect();
                for (backend, index) in pairs(&indexes) {
                    for count in [1, 8, usize::MAX] {
                        let options = SearchOptions {
                            k,
                            backend: Some(backend),
                            filter: filter.clone(),
                            threads: threads(count),
                            ..SearchOptions::default()
                        };
                        let context =
                            format!("{data:?} {filter:?} k {k} {backend} {count} threads");
                        let many = index.search_many(&queries, &options).unwrap();
                        let found: Vec<_> = many.iter().map(|hits| ranked(hits)).collect();
                        assert_eq!(found, expected, "{context}");
                        let one = index.search(&queries[5], &options).unwrap();
                        assert_eq!(one, many[5], "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn hits_name_their_songs_best_first() {
    let rows = rows(Data::Random, &mut StdRng::seed_from_u64(3), 300, 16);
    let index = build(&rows, 7);
    for hit in index.search(&query(&rows[3]), &SearchOptions::default()).unwrap() {
        assert_eq!(hit.id.as_str(), format!("song {}", hit.row));
        assert_eq!(hit.id.as_str(), index.id(hit.row));
        assert_eq!(index.row(hit.id.as_str()), Some(hit.row));
        assert_eq!(index.vector(hit.row), rows[hit.row]);
    }
}

#[test]
fn excluded_songs_and_low_scores_are_left_out() {
    let rows = rows(Data::Random, &mut StdRng::seed_from_u64(4), 900, 24);
    let index = build(&rows, 250);
    let values = random(&mut StdRng::seed_from_u64(5), 24);
    let all = oracle(&rows, &values, 900, |_| true);
    let out: Vec<usize> = all.iter().step_by(2).take(20).map(|&(row, _)| row).collect();
    let mut options = SearchOptions {
        k: 30,
        exclude: out.iter().map(|&row| song(row).id).collect(),
        ..SearchOptions::default()
    };
    options.exclude.push(SongId::new("not there").unwrap());
    let hits = index.search(&query(&values), &options).unwrap();
    assert_eq!(ranked(&hits), oracle(&rows, &values, 30, |row| !out.contains(&row)));

    let options = SearchOptions { k: 900, min_score: Some(all[40].1), ..SearchOptions::default() };
    let hits = index.search(&query(&values), &options).unwrap();
    assert_eq!(ranked(&hits), all[..41]);
    let nan = SearchOptions { min_score: Some(f64::NAN), ..SearchOptions::default() };
    assert!(matches!(index.search(&query(&values), &nan), Err(SongIndexError::Filter(_))));
}

#[test]
fn match_percent_depends_on_the_catalogue_alone() {
    let rows = rows(Data::Random, &mut StdRng::seed_from_u64(6), 3000, 32);
    let index = build(&rows, 1000);
    let query = query(&random(&mut StdRng::seed_from_u64(7), 32));
    let all = index.search(&query, &SearchOptions { k: 3000, ..SearchOptions::default() }).unwrap();
    let percent = |row: usize| all.iter().find(|hit| hit.row == row).unwrap().match_percent;
    let not_quantized = build_with(&rows, 300, false);
    let indexes = [index, not_quantized];
    for (filter, _) in filters() {
        for (backend, index) in pairs(&indexes) {
            let options = SearchOptions {
                k: 5,
                filter: filter.clone(),
                backend: Some(backend),
                threads: threads(3),
                ..SearchOptions::default()
            };
            for hit in index.search(&query, &options).unwrap() {
                assert_eq!(hit.match_percent, percent(hit.row));
            }
        }
    }
    assert!(all.windows(2).all(|w| w[0].match_percent >= w[1].match_percent));
    assert!(all[0].match_percent > 85.0 && all[2999].match_percent < 15.0);
    let middle = all[1500].match_percent;
    assert!((40.0..60.0).contains(&middle), "{middle}");

    let one = build(&rows[..1], 1);
    assert_eq!(one.search(&query, &SearchOptions::default()).unwrap()[0].match_percent, 50.0);
}

#[test]
fn queries_of_another_space_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let space = |name: &str| Some(Fingerprint::new(name).unwrap());
    let options = WriterOptions { fingerprint: space("ours"), ..WriterOptions::new(2) };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    writer.push(&song(0), &[1.0, 0.0]).unwrap();
    writer.finish().unwrap();
    let index = SongIndex::open(&path).unwrap();
    let search = |values: &[f32], name: &str| {
        let query = Embedding::normalize(values.to_vec(), space(name)).unwrap();
        index.search(&query, &SearchOptions::default())
    };
    assert_eq!(search(&[1.0, 1.0], "ours").unwrap().len(), 1);
    match search(&[1.0, 1.0, 1.0], "theirs") {
        Err(SongIndexError::Embedding(error @ EmbeddingError::SpaceMismatch { .. })) => {
            let text = error.to_string();
            assert!(text.contains("ours") && text.contains("theirs"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        search(&[1.0, 1.0, 1.0], "ours"),
        Err(SongIndexError::Embedding(EmbeddingError::DimMismatch { expected: 2, found: 3 }))
    ));
    assert_eq!(index.embedding(0).unwrap().fingerprint(), index.fingerprint());
}

#[test]
fn hubness_counts_what_searches_find() {
    let mut rng = StdRng::seed_from_u64(9);
    let index = build(&rows(Data::Random, &mut rng, 200, 8), 90);
    let queries: Vec<Embedding> = (0..50).map(|_| query(&random(&mut rng, 8))).collect();
    let options = SearchOptions { k: 3, ..SearchOptions::default() };
    let found = index.hubness(&queries, &options).unwrap();
    let mut counts = vec![0; 200];
    for query in &queries {
        for hit in index.search(query, &options).unwrap() {
            counts[hit.row] += 1;
        }
    }
    assert_eq!((found.queries, &found.counts), (50, &counts));
    assert!(found.never() > 0.25 && found.skewness() > 0.0 && found.gini() > 0.0);
}

#[test]
fn an_empty_index_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    SongIndexWriter::create(&path, WriterOptions::new(3)).unwrap().finish().unwrap();
    let index = SongIndex::open(&path).unwrap();
    assert!(index.is_empty() && index.dim() == 3 && index.ids().len() == 0);
    assert_eq!(index.vectors(), Some(&[][..]));
    index.verify().unwrap();
    let query = query(&[1.0, 0.0, 0.0]);
    let options = SearchOptions { filter: Some(col("year").lt(5)), ..SearchOptions::default() };
    assert!(index.search(&query, &options).unwrap().is_empty());
    assert!(index.search_many(&[], &options).unwrap().is_empty());
    assert!(matches!(
        index.similar("a", By::Description, &options),
        Err(SongIndexError::UnknownId { .. })
    ));
}

#[test]
fn similar_by_description_is_a_search_without_the_song() {
    let rows = rows(Data::Clustered, &mut StdRng::seed_from_u64(8), 500, 20);
    let index = build(&rows, 500);
    let hits = index.similar("song 77", By::Description, &SearchOptions::default()).unwrap();
    assert_eq!(ranked(&hits), oracle(&rows, &rows[77], 10, |row| row != 77));
}

#[test]
fn similar_by_audio_compares_standardised_features() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let mut writer = SongIndexWriter::create(&path, WriterOptions::new(1)).unwrap();
    let mut rng = StdRng::seed_from_u64(9);
    let songs: Vec<Song> = (0..200)
        .map(|row| Song {
            energy: Some(rng.random()),
            valence: Some(rng.random()),
            danceability: Some(rng.random()),
            acousticness: Some(rng.random()),
            instrumentalness: Some(0.0),
            liveness: Some(rng.random()),
            speechiness: Some(rng.random()),
            // Song 13 has no tempo.
            tempo: (row != 13).then(|| rng.random_range(60.0..200.0)),
            loudness: Some(rng.random_range(-30.0..0.0)),
            ..song(row)
        })
        .collect();
    for song in &songs {
        writer.push(song, &[1.0]).unwrap();
    }
    writer.finish().unwrap();
    let index = SongIndex::open(&path).unwrap();

    // Compute the same from the definition, feature by feature.
    let features = |song: &Song| -> Option<Vec<f64>> {
        [
            song.energy,
            song.valence,
            song.danceability,
            song.acousticness,
            song.liveness,
            song.speechiness,
            song.tempo,
            song.loudness,
        ]
        .into_iter()
        .collect()
    };
    let known: Vec<Vec<f64>> = songs.iter().filter_map(features).collect();
    let count = known.len() as f64;
    let mean: Vec<f64> = (0..8).map(|f| known.iter().map(|s| s[f]).sum::<f64>() / count).collect();
    let sd: Vec<f64> = (0..8)
        .map(|f| (known.iter().map(|s| (s[f] - mean[f]).powi(2)).sum::<f64>() / count).sqrt())
        .collect();
    let standard = |song: &Song| -> Option<Vec<f64>> {
        let features = features(song)?;
        Some((0..8).map(|f| (features[f] - mean[f]) / sd[f]).collect())
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let own = standard(&songs[50]).unwrap();
    let mut expected: Vec<(usize, f64)> = (0..200)
        .filter(|&row| row != 50)
        .filter_map(|row| {
            let other = standard(&songs[row])?;
            Some((row, dot(&own, &other) / (dot(&own, &own) * dot(&other, &other)).sqrt()))
        })
        .collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    let options = SearchOptions { k: 500, ..SearchOptions::default() };
    let hits = index.similar("song 50", By::Audio, &options).unwrap();
    assert_eq!(hits.len(), 198);
    for (hit, (row, score)) in hits.iter().zip(&expected) {
        assert_eq!(hit.row, *row);
        assert!((hit.score - score).abs() < 1e-12);
    }
    assert!(hits.iter().all(|hit| hit.row != 13 && hit.row != 50));
    let excluding = SearchOptions {
        exclude: [9, 3, 150, 77].map(|row| song(row).id).to_vec(),
        ..options.clone()
    };
    let left = index.similar("song 50", By::Audio, &excluding).unwrap();
    assert_eq!(left.len(), 194);
    assert!(left.iter().all(|hit| ![3, 9, 50, 77, 150].contains(&hit.row)));
    let nan = SearchOptions { min_score: Some(f64::NAN), ..SearchOptions::default() };
    for by in [By::Description, By::Audio] {
        assert!(matches!(index.similar("song 50", by, &nan), Err(SongIndexError::Filter(_))));
    }
    let few =
        SearchOptions { k: 3, filter: Some(col("energy").lt(0.5)), ..SearchOptions::default() };
    let filtered = index.similar("song 50", By::Audio, &few).unwrap();
    let wanted: Vec<&SongHit> =
        hits.iter().filter(|hit| songs[hit.row].energy < Some(0.5)).take(3).collect();
    assert_eq!(filtered.iter().collect::<Vec<_>>(), wanted);
    let error = index.similar("song 13", By::Audio, &options).unwrap_err().to_string();
    assert!(error.contains("tempo") && !error.contains("energy"), "{error}");
}

/// The matrix is so large that single vectors are read from the file instead of the map.
#[test]
fn a_large_mapped_index_gives_the_same_hits() {
    let mut rng = StdRng::seed_from_u64(31);
    let (n, dim) = (4_100, 4_096);
    let rows: Vec<Vec<f32>> = (0..n).map(|_| random(&mut rng, dim)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &rows, 1_500, true);
    let read = SongIndex::open(&path).unwrap();
    #[expect(unsafe_code, reason = "no one else has the file")]
    // SAFETY: no one writes to the file, which is in a temporary folder.
    let mapped = unsafe { SongIndex::open_mmap(&path).unwrap() };
    for values in [random(&mut rng, dim), rows[n - 1].clone()] {
        let options = SearchOptions::default();
        let hits = mapped.search(&query(&values), &options).unwrap();
        assert_eq!(ranked(&hits), oracle(&rows, &values, 10, |_| true));
        assert_eq!(hits, read.search(&query(&values), &options).unwrap());
    }
}
