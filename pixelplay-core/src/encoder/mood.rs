//! Estimates the mood of a picture by comparing it with pairs of opposite sentences.
//!
//! The method is that of CLIP-IQA (Wang, Chan, Loy: Exploring CLIP for Assessing the Look and Feel
//! of Images, AAAI 2023), with one change: the softmax, at the checkpoint's own temperature, is
//! applied once, to the mean difference of all pairs of a scale, and not to each pair. With a
//! softmax per pair, every clear pair would count as 0 or 1, no matter how clear it is. The model
//! need not have been trained on moods, but pixelplay-mini was.

use super::encoder::Encoder;
use super::error::EncodeError;
use super::image::ImageSource;
use super::mood_scales::{Anchors, LOGIT_SCALE, SCALES};
use super::options::EncodeOptions;
use crate::embedding::Embedding;
use crate::mood::Mood;

impl Encoder {
    /// Estimates the mood of a picture on the scales of songs' audio features, for comparing
    /// pictures and songs on a radar chart and for explaining why a song fits.
    ///
    /// This is a rough estimate. On 97 photographs of OASIS, with themes that were left out of
    /// pixelplay-mini's training, valence and energy have rank correlations of 0.52 and 0.49
    /// (Spearman; 95 % intervals 0.24 to 0.72 and 0.18 to 0.71) with the valence and arousal
    /// reported by about 100 people (`benches/quality`). There are no ratings of how danceable or
    /// acoustic a picture is.
    ///
    /// The first call encodes 44 sentences, which clones of the encoder share.
    ///
    /// ```
    /// # #[cfg(feature = "mini")] {
    /// use pixelplay_core::{Encoder, Image};
    ///
    /// let encoder = Encoder::mini()?;
    /// let mood = encoder.mood(&Image::from_rgb8(1, 1, vec![250, 200, 60])?)?;
    /// assert!((0.0..=1.0).contains(&mood.valence));
    /// println!("{}", mood.words.join(", "));
    /// # }
    /// # Ok::<(), pixelplay_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as [`Encoder::encode_image`].
    pub fn mood<'a>(&self, image: impl Into<ImageSource<'a>>) -> Result<Mood, EncodeError> {
        self.mood_of(&self.encode_image(image)?)
    }

    /// Like [`mood`](Self::mood), for a picture that is already encoded.
    ///
    /// # Errors
    /// If the embedding is from another encoder, or the sentences cannot be encoded.
    pub fn mood_of(&self, image: &Embedding) -> Result<Mood, EncodeError> {
        let anchors = self.anchors()?;
        let foreign =
            |error: crate::EmbeddingError| EncodeError::BadInput { problem: error.to_string() };
        let mut values = [0.0; Mood::AXES.len()];
        let mut words = Vec::new();
        let mut encoded = anchors.pairs.iter();
        for (value, pairs) in values.iter_mut().zip(SCALES) {
            let mut differences = Vec::with_capacity(pairs.len());
            for (pair, [high, low]) in pairs.iter().zip(encoded.by_ref()) {
                let apart = image.dot(high).map_err(foreign)? - image.dot(low).map_err(foreign)?;
                differences.push((pair, apart));
            }
            let mean = differences.iter().map(|(_, apart)| apart).sum::<f64>() / pairs.len() as f64;
            *value = 1.0 / (1.0 + (-anchors.logit_scale * mean).exp());
            // Words for the other end are left out, because they were outvoted and did not decide
            // this scale.
            let is_high = mean >= 0.0;
            words.extend(
                differences.into_iter().filter(|&(_, apart)| (apart >= 0.0) == is_high).map(
                    |(pair, apart)| {
                        let (word, _) = if is_high { pair.high } else { pair.low };
                        (apart.abs(), word)
                    },
                ),
            );
        }
        words.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        words.truncate(Mood::MOST_WORDS);
        let [energy, valence, danceability, acousticness] = values;
        Ok(Mood {
            energy,
            valence,
            danceability,
            acousticness,
            words: words.into_iter().map(|(_, word)| word).collect(),
        })
    }

    fn anchors(&self) -> Result<&Anchors, EncodeError> {
        if let Some(anchors) = self.inner.anchors.get() {
            return Ok(anchors);
        }
        let sentences: Vec<&str> = SCALES
            .iter()
            .flat_map(|pairs| pairs.iter())
            .flat_map(|pair| [pair.high.1, pair.low.1])
            .collect();
        let encoded = self.encode_texts(&sentences, EncodeOptions::default(), &mut ())?;
        let (pairs, _) = encoded.as_chunks::<2>();
        let logit_scale = self.inner.weights.scalar("logit_scale")?.map(f64::exp);
        let logit_scale = logit_scale.filter(|scale| scale.is_finite());
        Ok(self.inner.anchors.get_or_init(|| Anchors {
            pairs: pairs.to_vec(),
            logit_scale: logit_scale.unwrap_or(LOGIT_SCALE).clamp(1.0, LOGIT_SCALE),
        }))
    }
}
