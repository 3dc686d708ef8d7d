//! Sentences and their vectors: each is encoded once, as long as memory allows.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::described::Described;
use crate::catalog::CatalogError;
use crate::embedding::{Embedding, normalize_in_place};
use crate::encoder::{EncodeOptions, Encoder};
use crate::progress::Update;

/// The most memory for vectors that may be wanted again. The templates' own sentences take a tenth
/// of it; where every song has its own, nothing is gained by keeping more.
const MOST_BYTES: usize = 128 << 20;

pub(super) struct Sentences<'a> {
    encoder: &'a Encoder,
    options: EncodeOptions,
    known: HashMap<String, Embedding>,
}

impl<'a> Sentences<'a> {
    pub(super) fn new(encoder: &'a Encoder, options: EncodeOptions) -> Self {
        Self { encoder, options, known: HashMap::new() }
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
        let mut seen = HashSet::new();
        let all = songs.iter().flat_map(|described| &described.sentences);
        let unknown: Vec<&str> = all
            .map(String::as_str)
            .filter(|sentence| !self.known.contains_key(*sentence) && seen.insert(*sentence))
            .collect();
        let mut failed = None;
        let encoded =
            self.encoder.encode_texts(&unknown, self.options.clone(), &mut |update: Update| {
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
        let known = unknown.into_iter().map(str::to_owned).zip(encoded?);
        self.known.extend(known);
        Ok(())
    }

    /// The direction of the mean of the unit vectors of sentences that were learnt.
    pub(super) fn mean(&self, sentences: &[String]) -> Result<Vec<f32>, CatalogError> {
        let vectors = sentences.iter().filter_map(|text| self.known.get(text));
        mean(vectors, self.encoder.dim())
    }
}

/// The direction of the mean of unit vectors, summed in `f64`.
fn mean<'a>(
    vectors: impl Iterator<Item = &'a Embedding>,
    dim: usize,
) -> Result<Vec<f32>, CatalogError> {
    let mut sum = vec![0.0_f64; dim];
    for vector in vectors {
        for (sum, &value) in sum.iter_mut().zip(vector.as_slice()) {
            *sum += f64::from(value);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
    let mut mean: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
    normalize_in_place(&mut mean)?;
    Ok(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_middle_direction() {
        let a = Embedding::new(vec![1.0, 0.0], None).unwrap();
        let b = Embedding::new(vec![0.0, 1.0], None).unwrap();
        let close = |found: Vec<f32>, expected: [f32; 2]| {
            let far = found.iter().zip(expected).map(|(x, y)| (x - y).abs());
            assert!(far.fold(0.0, f32::max) < 1e-6, "{found:?} {expected:?}");
        };
        close(mean([&a, &b].into_iter(), 2).unwrap(), [0.5_f32.sqrt(); 2]);
        let five = 5.0_f32.sqrt();
        close(mean([&a, &a, &b].into_iter(), 2).unwrap(), [2.0 / five, 1.0 / five]);
        let c = Embedding::new(vec![-1.0, 0.0], None).unwrap();
        assert!(mean([&a, &c].into_iter(), 2).is_err());
    }
}
