//! Composes the vector of a song from its sentences.

use super::options::WordWeights;
use super::recipe::Recipe;
use super::visibility::{Visibility, mean};
use crate::catalog::CatalogError;
use crate::catalog::describe::{Source, Templates};
use crate::embedding::normalize_in_place;
use crate::encoder::{EncodeOptions, Encoder};

/// The share of the common component of all songs that is subtracted from each song. Songs are
/// described in similar words, so their vectors lie close together, and a few songs would be found
/// for every picture. The value was chosen on training pictures. Compared with using neither titles
/// nor this subtraction, using both (titles at their default weight) raises the number of distinct
/// songs that the pictures find by 1 %; titles alone lower it by 9 % (`benches/record/titles.md`).
const SHARE_OF_COMMON: f64 = 0.4;

/// How the vectors of an index are composed; see [`WordWeights`].
pub(super) struct Composition {
    words: WordWeights,
    common: Vec<f64>,
    /// `None` if the weights of all words are 0.
    visibility: Option<Visibility>,
}

impl Composition {
    /// Creates the composition that a recipe specifies. Without a recipe, creates that of format 1
    /// indexes, which is the mean direction of the scenes alone.
    ///
    /// This costs about 220 passes of the text tower.
    pub(super) fn new(
        encoder: &Encoder,
        templates: &Templates,
        recipe: Option<&Recipe>,
    ) -> Result<Self, CatalogError> {
        let mut common = vec![0.0; encoder.dim()];
        if recipe.is_some() {
            let moods: Vec<&str> = templates.mood_phrases().collect();
            let moods = encoder.encode_texts(&moods, EncodeOptions::default(), &mut ())?;
            common = mean(&moods).into_iter().map(|value| SHARE_OF_COMMON * value).collect();
        }
        let words = recipe.map_or(WordWeights::NONE, Recipe::words);
        let visibility = (words != WordWeights::NONE).then(|| Visibility::new(encoder, templates));
        Ok(Self { words, common, visibility: visibility.transpose()? })
    }

    /// Returns the vector of a song with these sentences.
    pub(super) fn vector(&self, told: &[(Source, &[f32])]) -> Result<Vec<f32>, CatalogError> {
        let of = |wanted: Option<Source>| {
            let told = told.iter();
            told.filter(move |(source, _)| match wanted {
                None => !source.is_own_words(),
                Some(wanted) => *source == wanted,
            })
            .map(|(_, vector)| *vector)
        };
        let mut sum = vec![0.0_f64; self.common.len()];
        add_mean(&mut sum, 1.0, of(None).map(|vector| (1.0, vector)));
        let has_scenes = scale_to_unit(&mut sum);
        if has_scenes {
            sum.iter_mut().zip(&self.common).for_each(|(sum, common)| *sum -= common);
        }
        for (source, weight) in self.words.by_source() {
            // If a song has nothing but its own words, use them even if nothing in them is visible.
            let seen = |vector| match &self.visibility {
                Some(visibility) if has_scenes => visibility.of(vector),
                _ => 1.0,
            };
            add_mean(&mut sum, weight, of(Some(source)).map(|vector| (seen(vector), vector)));
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
        let mut vector: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
        normalize_in_place(&mut vector)?;
        Ok(vector)
    }
}

/// Adds `weight` times the mean of unit vectors, each multiplied by its share.
fn add_mean<'v>(
    sum: &mut [f64],
    weight: f64,
    vectors: impl Iterator<Item = (f64, &'v [f32])> + Clone,
) {
    let count = vectors.clone().count() as f64;
    for (share, vector) in vectors {
        let factor = weight * share / count;
        for (sum, &value) in sum.iter_mut().zip(vector) {
            *sum += factor * f64::from(value);
        }
    }
}

/// Normalises the vector; returns `false` if it has no direction.
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

    const EAST: &[f32] = &[1.0, 0.0];
    const NORTH: &[f32] = &[0.0, 1.0];
    const WEST: &[f32] = &[-1.0, 0.0];

    fn composed(words: WordWeights, common: [f64; 2], told: &[(Source, &[f32])]) -> Vec<f32> {
        let composition = Composition { words, common: common.into(), visibility: None };
        composition.vector(told).unwrap()
    }

    fn assert_close(found: &[f32], expected: [f64; 2]) {
        let length = (expected[0] * expected[0] + expected[1] * expected[1]).sqrt();
        let far = found.iter().zip(expected).map(|(x, y)| (f64::from(*x) - y / length).abs());
        assert!(far.fold(0.0, f64::max) < 1e-6, "{found:?} {expected:?}");
    }

    #[test]
    fn scenes_count_one_together_and_words_what_their_weights_say() {
        let words = WordWeights { title: 0.5, tags: 2.0, lyrics: 0.25 };
        let scenes = [(Source::Genre, EAST), (Source::Mood, EAST), (Source::Trait, NORTH)];
        assert_close(&composed(words, [0.0; 2], &scenes), [2.0, 1.0]);
        let root = 5.0_f64.sqrt();
        let mut told = scenes.to_vec();
        told.push((Source::Title, NORTH));
        assert_close(&composed(words, [0.0; 2], &told), [2.0 / root, 1.0 / root + 0.5]);
        assert_close(&composed(WordWeights::NONE, [0.0; 2], &told), [2.0, 1.0]);
        told.extend([(Source::Tags, NORTH), (Source::Tags, WEST), (Source::Lyrics, WEST)]);
        let expected = [2.0 / root - 1.0 - 0.25, 1.0 / root + 0.5 + 1.0];
        assert_close(&composed(words, [0.0; 2], &told), expected);
    }

    #[test]
    fn what_all_songs_have_in_common_is_taken_off_scenes_alone() {
        let words = WordWeights::default();
        assert_close(&composed(words, [0.3, 0.3], &[(Source::Mood, EAST)]), [0.7, -0.3]);
        assert_close(&composed(words, [0.3, 0.3], &[(Source::Title, EAST)]), [1.0, 0.0]);
    }

    #[test]
    fn sentences_that_cancel_each_other_out_have_no_direction() {
        let composition =
            Composition { words: WordWeights::NONE, common: vec![0.0; 2], visibility: None };
        assert!(composition.vector(&[(Source::Mood, EAST), (Source::Mood, WEST)]).is_err());
        assert!(composition.vector(&[]).is_err());
    }

    #[cfg(feature = "mini")]
    #[test]
    fn a_title_counts_by_how_much_of_it_can_be_seen() {
        let encoder = Encoder::mini().unwrap();
        let recipe = Recipe::of(&super::super::BuildOptions::default());
        let composition = Composition::new(&encoder, &Templates::default(), Some(&recipe)).unwrap();
        let encode = |text: &str| encoder.encode_text(text).unwrap();
        let scene = encode("a dj behind decks in red light");
        let moved = |title: &str| {
            let title = encode(&format!("a photo of {title}"));
            let told = [(Source::Genre, scene.as_slice()), (Source::Title, title.as_slice())];
            let vector = composition.vector(&told).unwrap();
            let alone = composition.vector(&told[..1]).unwrap();
            1.0 - vector.iter().zip(&alone).map(|(a, b)| f64::from(a * b)).sum::<f64>()
        };
        assert!(moved("Wild Horses") > 0.03 + moved("Untitled 4"));
    }
}
