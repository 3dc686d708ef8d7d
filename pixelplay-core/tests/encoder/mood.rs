//! Compares the mood of pictures with people's ratings.

use std::collections::BTreeMap;

use pixelplay_core::{Embedding, EncodeError, EncodeOptions, Encoder, ImageSource, Mood};

use crate::checkpoints::Checkpoint;
use crate::{picture_file, shared};

/// Spearman's rank correlation; tied values get their mean rank.
fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| -> Vec<f64> {
        let mean_rank = |value: &f64| {
            let below = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            below as f64 + (equal as f64 - 1.0) / 2.0
        };
        values.iter().map(mean_rank).collect()
    };
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 {
        let pairs = x.iter().zip(y);
        pairs.map(|(x, y)| (x - middle) * (y - middle)).sum()
    };
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

#[test]
fn ranks_are_compared_as_spearman_did() {
    assert_eq!(rank_correlation(&[1.0, 2.0, 9.0], &[0.1, 0.2, 0.3]), 1.0);
    assert_eq!(rank_correlation(&[1.0, 2.0, 9.0], &[3.0, 2.0, 1.0]), -1.0);
    // Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4.
    let found = rank_correlation(&[1.0, 2.0, 2.0, 4.0], &[1.0, 3.0, 2.0, 4.0]);
    assert!((found - 4.5 / (4.5_f64 * 5.0).sqrt()).abs() < 1e-12);
}

/// OASIS (Kurdi, Lozano, Banaji 2017): photographs, each with the mean valence and arousal that
/// about 100 people gave it. Training used the themes of 122 of the 175 photographs, so this only
/// checks scales and signs. `benches/quality` measures the quality on unseen pictures.
#[cfg(feature = "mini")]
#[test]
fn moods_agree_with_people() {
    let Some(photos) = shared("photos") else {
        return;
    };
    let labels = std::fs::read_to_string(photos.join("labels.csv")).unwrap();
    let mut lines = labels.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|cell| *cell == name).unwrap();
    let (valence, arousal) = (column("valence_mean"), column("arousal_mean"));
    let (mut paths, mut people) = (Vec::new(), [Vec::new(), Vec::new()]);
    for line in lines {
        // Only the last column, the caption, contains commas.
        let cells: Vec<_> = line.split(',').collect();
        paths.push(photos.join(cells[0].replace("oasis_cc0/", "oasis/")));
        people[0].push(cells[valence].parse().unwrap());
        people[1].push(cells[arousal].parse().unwrap());
    }

    let encoder = Encoder::mini().unwrap();
    let sources: Vec<ImageSource<'_>> = paths.iter().map(Into::into).collect();
    let embeddings = encoder.encode_images(&sources, EncodeOptions::default(), &mut ()).unwrap();
    let mut words = BTreeMap::new();
    let mut moods = [Vec::new(), Vec::new()];
    for embedding in &embeddings {
        let mood = encoder.mood_of(embedding).unwrap();
        moods[0].push(mood.valence);
        moods[1].push(mood.energy);
        *words.entry(mood.words[0]).or_insert(0) += 1;
    }
    let [valence, energy] =
        [0, 1].map(|scale: usize| rank_correlation(&moods[scale], &people[scale]));
    eprintln!(
        "{} photos: valence {valence:.2}, energy {energy:.2}, first words {words:?}",
        paths.len()
    );
    // Measured: 0.72 and 0.68. By chance, 95 of 100 such sets stay below 0.15.
    assert!(valence > 0.6 && energy > 0.5);
    // The answers must vary.
    assert!(words.len() >= 6);
}

#[cfg(feature = "mini")]
#[test]
fn a_mood_is_on_its_scales_and_of_its_encoder() {
    let encoder = Encoder::mini().unwrap();
    let mood = encoder.mood(&picture_file("interlaced.png")).unwrap();
    for axis in Mood::AXES {
        assert!((0.0..=1.0).contains(&mood.get(axis).unwrap()), "{axis}");
    }
    assert_eq!(mood.get("tempo"), None);
    assert!((1..=Mood::MOST_WORDS).contains(&mood.words.len()));
    let foreign = Embedding::new(vec![1.0], None).unwrap();
    assert!(matches!(encoder.mood_of(&foreign), Err(EncodeError::BadInput { .. })));
}

#[test]
fn the_temperature_is_the_checkpoints_own() {
    let picture = picture_file("palette.png");
    let moods = |logit_scale: Option<(Vec<usize>, Vec<f32>)>| {
        let mut checkpoint = Checkpoint::small();
        let tensor = logit_scale.map(|(shape, values)| ("logit_scale".to_owned(), shape, values));
        checkpoint.tensors.extend(tensor);
        let mood = checkpoint.open().mood(&picture).unwrap();
        Mood::AXES.map(|axis| mood.get(axis).unwrap())
    };
    let number = |value: f32| moods(Some((vec![], vec![value])));
    // If the checkpoint has no valid temperature, CLIP's 100 is used.
    let usual = moods(None);
    for other in [
        number(100_f32.ln()),
        number(20.0),
        number(f32::NAN),
        moods(Some((vec![2], vec![1.0, 2.0]))),
    ] {
        for (one, other) in usual.iter().zip(other) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
    }
    // At a temperature of one, cosines that differ by at most 2 give mild values.
    let mild = number(0.0);
    assert!(mild.iter().all(|value| (0.1..0.9).contains(value)));
    assert_ne!(mild, usual);
}
