//! Compares biases, and searches that subtract them, with the same oracle.

use super::*;
use pixelplay_core::index::{EditOptions, QueryBank, SongIndexEditor};

fn editor(path: &std::path::Path) -> SongIndexEditor {
    SongIndexEditor::open(path, EditOptions::default(), &mut ()).unwrap()
}

fn bank(rng: &mut StdRng, queries: usize, dim: usize, nearest: usize) -> QueryBank {
    let queries = (0..queries).map(|_| query(&random(rng, dim))).collect();
    QueryBank::new(queries, nearest).unwrap()
}

/// The mean of the greatest cosines, found by sorting all of them.
fn bias(row: &[f32], bank: &QueryBank, nearest: usize) -> f32 {
    let queries = bank.queries().iter();
    let mut scores: Vec<f64> = queries.map(|query| score(row, query.as_slice())).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    (scores[..nearest].iter().sum::<f64>() / nearest as f64) as f32
}

/// Writes an index with a hubness correction.
fn corrected(rows: &[Vec<f32>], quantized: bool, bank: &QueryBank) -> SongIndex {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), rows, rows.len() / 3 + 1, quantized);
    let report = editor(&path).correct_hubness(bank, &mut ()).unwrap();
    assert_eq!(report.songs, rows.len());
    SongIndex::open(&path).unwrap()
}

#[test]
fn a_corrected_search_is_that_of_the_oracle() {
    let mut rng = StdRng::seed_from_u64(21);
    for dim in [3, 64, 100] {
        let bank = bank(&mut rng, 30, dim, 4);
        for data in ALL_DATA {
            let rows = rows(data, &mut rng, 700, dim);
            let biases: Vec<f32> = rows.iter().map(|row| bias(row, &bank, 4)).collect();
            let indexes = [true, false].map(|quantized| corrected(&rows, quantized, &bank));
            let queries: Vec<Vec<f32>> = (0..20).map(|_| random(&mut rng, dim)).collect();
            let embeddings: Vec<Embedding> = queries.iter().map(|values| query(values)).collect();
            for ((backend, index), weight) in pairs(&indexes).zip([1.0, 0.3].into_iter().cycle()) {
                assert_eq!(index.query_bank(), Some(&*bank.id()));
                for (filter, keep) in filters() {
                    let options = SearchOptions {
                        filter,
                        hubness_correction: weight,
                        backend: Some(backend),
                        threads: threads(2),
                        ..SearchOptions::default()
                    };
                    let together = index.search_many(&embeddings, &options).unwrap();
                    for (values, hits) in queries.iter().zip(together) {
                        let mut all: Vec<(usize, f64, f64)> = (0..rows.len())
                            .filter(|&row| keep(row))
                            .map(|row| {
                                let cosine = score(&rows[row], values);
                                (row, cosine, cosine - f64::from(biases[row]) * weight)
                            })
                            .collect();
                        all.sort_by(|a, b| b.2.partial_cmp(&a.2).unwrap());
                        all.truncate(10);
                        let found: Vec<(usize, f64, f64)> = hits
                            .iter()
                            .map(|hit| (hit.row, hit.score, hit.corrected_score))
                            .collect();
                        assert_eq!(found, all, "{dim} {data:?} {backend} {weight}");
                        let alone = index.search(&query(values), &options).unwrap();
                        assert_eq!(alone, hits);
                    }
                }
            }
        }
    }
}

#[test]
fn biases_go_with_their_songs_and_are_missed_where_there_are_none() {
    let mut rng = StdRng::seed_from_u64(22);
    let bank = bank(&mut rng, 20, 16, 5);
    let rows = rows(Data::Clustered, &mut rng, 90, 16);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &rows, 40, true);
    let values = random(&mut rng, 16);
    let search = |weight| {
        let options = SearchOptions { hubness_correction: weight, ..SearchOptions::default() };
        let index = SongIndex::open(&path).unwrap();
        index.search(&query(&values), &options)
    };
    let plain = search(0.0).unwrap();
    assert!(matches!(search(0.5), Err(SongIndexError::NoHubnessCorrection { .. })));
    for weight in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(search(weight), Err(SongIndexError::BadHubnessCorrection { .. })));
    }
    editor(&path).correct_hubness(&bank, &mut ()).unwrap();
    SongIndex::open(&path).unwrap().verify().unwrap();
    assert_eq!(search(0.0).unwrap(), plain);
    let before = search(0.5).unwrap();

    // Remove a song that is not among the hits; the others keep their biases.
    let gone = (0..90).find(|row| before.iter().all(|hit| hit.row != *row));
    let gone = format!("song {}", gone.unwrap());
    editor(&path).remove([&gone], &mut ()).unwrap();
    let after = search(0.5).unwrap();
    let ids_and_scores = |hits: &[SongHit]| -> Vec<(SongId, f64, f64)> {
        hits.iter().map(|hit| (hit.id.clone(), hit.score, hit.corrected_score)).collect()
    };
    assert_eq!(ids_and_scores(&after), ids_and_scores(&before));

    let more = folder.path().join("more");
    std::fs::create_dir(&more).unwrap();
    let more = write(&more, &rows[..1], 40, true);
    let added = SongIndex::open(&more).unwrap();
    let options = EditOptions { replace: true, ..EditOptions::default() };
    SongIndexEditor::open(&path, options, &mut ()).unwrap().add(&added, &mut ()).unwrap();
    assert_eq!(SongIndex::open(&path).unwrap().query_bank(), None);
    assert!(matches!(search(0.5), Err(SongIndexError::NoHubnessCorrection { .. })));
}

#[test]
fn a_bank_that_makes_no_sense_is_refused() {
    let mut rng = StdRng::seed_from_u64(23);
    let queries: Vec<Embedding> = (0..3).map(|_| query(&random(&mut rng, 8))).collect();
    for (queries, nearest) in [(&queries[..], 0), (&queries, 4), (&[], 1)] {
        assert!(matches!(
            QueryBank::new(queries.to_vec(), nearest),
            Err(SongIndexError::BadQueryBank { .. })
        ));
    }
    let mixed = vec![query(&random(&mut rng, 8)), query(&random(&mut rng, 9))];
    assert!(matches!(QueryBank::new(mixed, 1), Err(SongIndexError::Embedding(_))));
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &rows(Data::Random, &mut rng, 5, 9), 40, true);
    let other = QueryBank::new(queries, 1).unwrap();
    assert!(matches!(
        editor(&path).correct_hubness(&other, &mut ()),
        Err(SongIndexError::Embedding(_))
    ));
}
