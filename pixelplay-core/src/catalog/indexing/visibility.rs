//! Estimates how visible the thing named by a title is, using only the text tower.
//!
//! A title is compared with captions of things that can be photographed and with captions that name
//! nothing visible. In the space of any encoder, the difference of their means separates the two
//! kinds: with pixelplay-mini, it ranks a held-out caption of the first kind above one of the
//! second in 87 of 100 cases.

use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::CatalogError;
use crate::catalog::describe::Templates;
use crate::embedding::Fingerprint;
use crate::encoder::{EncodeOptions, Encoder};

/// Captions whose pictures are easy to imagine.
const SEEN: &str = "dog cat horse bird lion elephant fish wolf tiger bear snake butterfly rose flower \
    sunflower tree forest leaf garden grass river lake sea ocean beach wave island rain storm lightning \
    thunder cloud snow ice mountain hill desert sand rock stone fire flame smoke candle sun moon star sky \
    rainbow sunset sunrise road street highway bridge car truck train boat ship plane bicycle motorcycle \
    city house window door wall room bed kitchen church castle tower school hospital prison baby child boy \
    girl bride wedding crowd dancer soldier gun sword knife hand face eye smile tear hair dress shoe hat \
    ring crown diamond gold coffee wine bread cake apple banana orange lemon honey sugar ball guitar piano \
    drum violin mirror book letter clock key umbrella balloon doll clown circus fireworks christmas cowboy \
    sailor farmer queen king angel";

/// Captions that do not say what a picture shows: feelings, turns of phrase, names and parts of an
/// album, in the languages of titles.
const UNSEEN: &str = "love|forever|without you|I want you|never let me go|the truth|why|yes|no|maybe|\
    untitled|intro|outro|interlude|part two|number four|better|again|always|believe|remember me|my way|\
    all the time|what you need|nothing else matters|one more time|let it go|I don't care|too much|\
    the way you are|changes|promises|lies|feelings|my love|be mine|stay|so good|freedom|hope|faith|trust|\
    regret|wonder|problem|reason|tomorrow|yesterday|someday|anything|Maria|Johnny|Angie|Michael|Roxanne|\
    Despacito|te quiero|mi amor|corazón|ohne dich|je t'aime|la vida|nunca|te extraño|ti amo|tu eres|ella|\
    contigo|siempre|solo|como tu";

/// Estimates how visible the subject of a title, a tag or a line of lyrics is.
pub(in crate::catalog) struct Visibility {
    /// The direction from invisible to visible captions.
    direction: Vec<f64>,
    /// The mean position of the invisible captions along this direction.
    unseen: f64,
    seen: f64,
}

impl Visibility {
    pub(super) fn new(encoder: &Encoder, templates: &Templates) -> Result<Self, CatalogError> {
        let captions = |words: Vec<&str>| {
            let captions: Vec<String> =
                words.into_iter().map(|word| templates.of_title(word)).collect();
            encoder.encode_texts(&captions, EncodeOptions::default(), &mut ())
        };
        let seen = captions(SEEN.split(' ').collect())?;
        let unseen = captions(UNSEEN.split('|').collect())?;
        let vectors = |all: &[crate::Embedding]| -> Vec<Vec<f32>> {
            all.iter().map(|vector| vector.as_slice().to_vec()).collect()
        };
        Ok(Self::between(&vectors(&seen), &vectors(&unseen)))
    }

    /// Returns the visibility for explanations, which are asked for song by song: computed again only
    /// if the encoder or the sentence for titles differs from that of the last call.
    pub(in crate::catalog) fn shared(
        encoder: &Encoder,
        templates: &Templates,
    ) -> Result<Arc<Self>, CatalogError> {
        type Last = Option<(Fingerprint, String, Arc<Visibility>)>;
        static LAST: Mutex<Last> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let title = templates.of_title("");
        if let Some((space, of, visibility)) = &*last
            && space == encoder.fingerprint()
            && *of == title
        {
            return Ok(Arc::clone(visibility));
        }
        let visibility = Arc::new(Self::new(encoder, templates)?);
        *last = Some((encoder.fingerprint().clone(), title, Arc::clone(&visibility)));
        Ok(visibility)
    }

    fn between(seen: &[Vec<f32>], unseen: &[Vec<f32>]) -> Self {
        let means = [mean(seen), mean(unseen)];
        let direction: Vec<f64> = means[0].iter().zip(&means[1]).map(|(a, b)| a - b).collect();
        let place = |mean: &[f64]| mean.iter().zip(&direction).map(|(a, b)| a * b).sum();
        Self { unseen: place(&means[1]), seen: place(&means[0]), direction }
    }

    /// Returns 0 for a text that is no more visible than the average invisible caption, 1 for a
    /// text that is at least as visible as the average visible one, and a value in between for
    /// others.
    pub(in crate::catalog) fn of(&self, vector: &[f32]) -> f64 {
        let products = vector.iter().zip(&self.direction).map(|(&a, b)| f64::from(a) * b);
        let share = (products.sum::<f64>() - self.unseen) / (self.seen - self.unseen);
        // An encoder that returns the same vector for every text cannot separate the captions.
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 }
    }
}

/// Returns the mean of vectors. There must be at least one.
pub(super) fn mean<V: AsRef<[f32]>>(vectors: &[V]) -> Vec<f64> {
    let mut mean = vec![0.0; vectors.first().map_or(0, |vector| vector.as_ref().len())];
    for vector in vectors {
        for (sum, &value) in mean.iter_mut().zip(vector.as_ref()) {
            *sum += f64::from(value) / vectors.len() as f64;
        }
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_between_the_two_means_are_shares() {
        let of = |x: f32, y: f32| vec![x, y];
        let seen = [of(1.0, 0.2), of(1.0, -0.2)];
        let told = Visibility::between(&seen, &[of(0.0, 1.0), of(0.0, -1.0)]);
        for (vector, share) in [
            ([1.0, 5.0], 1.0),
            ([2.0, 0.0], 1.0),
            ([0.25, 0.0], 0.25),
            ([0.0, 9.0], 0.0),
            ([-1.0, 0.0], 0.0),
        ] {
            assert!((told.of(&vector) - share).abs() < 1e-6, "{vector:?}");
        }
        let alike = Visibility::between(&seen, &seen);
        assert_eq!(alike.of(&[0.3, 0.4]), 1.0);
    }

    #[cfg(feature = "mini")]
    #[test]
    fn the_embedded_checkpoint_tells_things_from_talk() {
        let encoder = Encoder::mini().unwrap();
        let told = Visibility::new(&encoder, &Templates::default()).unwrap();
        // None of these titles is in the lists above.
        let share = |titles: [&str; 6]| {
            let texts = titles.map(|title| format!("a photo of {title}"));
            let vectors = encoder.encode_texts(&texts, EncodeOptions::default(), &mut ()).unwrap();
            vectors.iter().map(|vector| told.of(vector.as_slice())).sum::<f64>() / 6.0
        };
        let things = share([
            "Wild Horses",
            "Purple Rain",
            "The River",
            "White Flag on the Mountain",
            "Red Balloons",
            "Lake of Fire",
        ]);
        let talk = share([
            "What's Going On",
            "Untitled 4",
            "Tell Me Why",
            "I Will Survive",
            "Te Amo",
            "Thank U, Next",
        ]);
        assert!(things > talk + 0.3, "{things} {talk}");
    }
}
