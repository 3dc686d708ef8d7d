//! Sentences and their vectors: each is encoded once, as long as memory allows.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::described::Described;
use super::options::{BuildOptions, WordWeights};
use super::visibility::Visibility;
use crate::catalog::CatalogError;
use crate::catalog::describe::{Sentence, Source};
use crate::embedding::{Embedding, normalize_in_place};
use crate::encoder::{EncodeOptions, Encoder};
use crate::progress::Update;

/// The most memory for vectors that may be wanted again. The templates' own sentences take a tenth
/// of it; where every song has its own, nothing is gained by keeping more.
const MOST_BYTES: usize = 128 << 20;

pub(super) struct Sentences<'a> {
    encoder: &'a Encoder,
    options: EncodeOptions,
    weights: WordWeights,
    visibility: Visibility,
    /// Of scenes, moods and tags, which many songs share.
    known: HashMap<String, Embedding>,
    /// Of titles and lyrics of the songs that were learnt last; others hardly ever have the same.
    own: HashMap<String, Embedding>,
}

impl<'a> Sentences<'a> {
    /// Encodes the captions that visibility is told by, if any words are asked for.
    pub(super) fn new(encoder: &'a Encoder, options: &BuildOptions) -> Result<Self, CatalogError> {
        Ok(Self {
            encoder,
            options: options.encode.clone(),
            weights: options.words,
            visibility: Visibility::new(encoder, options)?,
            known: HashMap::new(),
            own: HashMap::new(),
        })
    }

    /// Encodes what is not known yet of the sentences of some songs; `on_share` is told how much of
    /// that is done.
    pub(super) fn learn(
        &mut self,
        songs: &[Described],
        mut on_share: impl FnMut(f64) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let bytes_each = self.encoder.dim() * size_of::<f32>() + size_of::<(String, Embedding)>();
        if self.known.len() * bytes_each > MOST_BYTES {
            self.known.clear();
        }
        self.own.clear();
        let mut seen = HashSet::new();
        let all = songs.iter().flat_map(|described| &described.sentences);
        let unknown: Vec<&Sentence> = all
            .filter(|told| !self.known.contains_key(&told.text) && seen.insert(&*told.text))
            .collect();
        let texts: Vec<&str> = unknown.iter().map(|told| &*told.text).collect();
        let mut failed = None;
        let encoded =
            self.encoder.encode_texts(&texts, self.options.clone(), &mut |update: Update| {
                let share = match update.total {
                    Some(total) if total > 0 && update.stage == "encoding texts" => {
                        update.done as f64 / total as f64
                    }
                    _ => 0.0,
                };
                match on_share(share) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
        if let Some(error) = failed {
            return Err(error);
        }
        for (told, vector) in unknown.into_iter().zip(encoded?) {
            let is_own = matches!(told.source, Source::Title | Source::Lyrics);
            let vectors = if is_own { &mut self.own } else { &mut self.known };
            vectors.insert(told.text.clone(), vector);
        }
        Ok(())
    }

    /// The vector of a song whose sentences were learnt; see [`WordWeights`].
    pub(super) fn vector(&self, described: &Described) -> Result<Vec<f32>, CatalogError> {
        let told = || {
            let told = described.sentences.iter();
            told.filter_map(|told| {
                let vector = self.known.get(&told.text).or_else(|| self.own.get(&told.text))?;
                Some((told.source, vector.as_slice()))
            })
        };
        let mut sum = vec![0.0_f64; self.encoder.dim()];
        let scenes = told().filter(|(source, _)| self.weights.of(*source).is_none());
        add_mean(&mut sum, 1.0, scenes.map(|(_, vector)| (1.0, vector)));
        let has_scenes = scale_to_unit(&mut sum);
        for words in [Source::Title, Source::Tags, Source::Lyrics] {
            let weight = self.weights.of(words).unwrap_or_default();
            let own = told().filter(|(source, _)| *source == words);
            // With nothing else to go by, what cannot be seen is better than nothing.
            let seen = |vector| if has_scenes { self.visibility.of(vector) } else { 1.0 };
            add_mean(&mut sum, weight, own.map(|(_, vector)| (seen(vector), vector)));
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
        let mut vector: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
        normalize_in_place(&mut vector)?;
        Ok(vector)
    }
}

/// Adds the mean of unit vectors, each times its share, times a weight.
fn add_mean<'v>(
    sum: &mut [f64],
    weight: f64,
    vectors: impl Iterator<Item = (f64, &'v [f32])> + Clone,
) {
    let count = vectors.clone().count() as f64;
    for (share, vector) in vectors {
        for (sum, &value) in sum.iter_mut().zip(vector) {
            *sum += weight * share / count * f64::from(value);
        }
    }
}

/// Whether there is a direction to scale.
fn scale_to_unit(sum: &mut [f64]) -> bool {
    let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 0.0 {
        sum.iter_mut().for_each(|value| *value /= norm);
    }
    norm > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_middle_direction_and_words_add_to_it() {
        let (a, b, c) = (&[1.0_f32, 0.0][..], &[0.0_f32, 1.0][..], &[-1.0_f32, 0.0][..]);
        let mut sum = [0.0; 2];
        add_mean(&mut sum, 1.0, [(1.0, a), (1.0, a), (1.0, b)].into_iter());
        assert!(scale_to_unit(&mut sum));
        let close = |found: [f64; 2], expected: [f64; 2]| {
            let far = found.iter().zip(expected).map(|(x, y)| (x - y).abs());
            assert!(far.fold(0.0, f64::max) < 1e-12, "{found:?} {expected:?}");
        };
        close(sum, [2.0 / 5.0_f64.sqrt(), 1.0 / 5.0_f64.sqrt()]);
        let mut sum = [0.0, 1.0];
        add_mean(&mut sum, 0.5, [(1.0, a), (0.2, b)].into_iter());
        close(sum, [0.25, 1.05]);
        add_mean(&mut sum, 0.5, std::iter::empty());
        close(sum, [0.25, 1.05]);
        let mut sum = [0.0; 2];
        add_mean(&mut sum, 1.0, [(1.0, a), (1.0, c)].into_iter());
        assert!(!scale_to_unit(&mut sum));
    }
}
