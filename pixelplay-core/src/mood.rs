//! The mood of a song or a picture, in numbers and in one to three words.

use crate::song::Song;

/// The mood of a picture on the scales of songs' audio features, each 0 to 1; see `Encoder::mood`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mood {
    /// How intense and active it is.
    pub energy: f64,
    /// How positive it is.
    pub valence: f64,
    /// How much it suggests dancing.
    pub danceability: f64,
    /// How far it is from electric light and machines.
    pub acousticness: f64,
    /// The words with the greatest influence, strongest first; at most [`Mood::MOST_WORDS`].
    pub words: Vec<&'static str>,
}

impl Mood {
    /// The names of the scales.
    pub const AXES: [&'static str; 4] = ["energy", "valence", "danceability", "acousticness"];
    /// The maximum number of words that are kept.
    pub const MOST_WORDS: usize = 4;

    /// Returns the value on a scale; `None` if the scale is not one of [`Mood::AXES`].
    #[must_use]
    pub fn get(&self, axis: &str) -> Option<f64> {
        match axis {
            "energy" => Some(self.energy),
            "valence" => Some(self.valence),
            "danceability" => Some(self.danceability),
            "acousticness" => Some(self.acousticness),
            _ => None,
        }
    }
}

/// The circle of moods after Russell's circumplex model of affect (1980): from pleasant (0 degrees)
/// through active (90) and unpleasant (180) to calm (270). Each direction has a mild and a strong
/// word.
const CIRCLE: [(&str, &str); 16] = [
    ("pleasant", "delighted"),
    ("cheerful", "joyful"),
    ("upbeat", "euphoric"),
    ("lively", "exhilarated"),
    ("restless", "frenetic"),
    ("edgy", "fierce"),
    ("tense", "angry"),
    ("uneasy", "menacing"),
    ("gloomy", "bleak"),
    ("wistful", "sorrowful"),
    ("melancholy", "desolate"),
    ("sombre", "lonely"),
    ("subdued", "hushed"),
    ("calm", "tranquil"),
    ("gentle", "peaceful"),
    ("warm", "blissful"),
];

/// The word for valence and energy that are both close to the middle.
const NEUTRAL: &str = "easygoing";

const BY_VALENCE: [&str; 5] = ["dark", "melancholy", "bittersweet", "bright", "joyful"];
const BY_ENERGY: [&str; 5] = ["hushed", "calm", "steady", "driving", "wild"];

/// Returns one to three words for the mood of a song, the most telling first, or no words if
/// nothing is known.
///
/// The first word is chosen from 33 words by the direction and strength of valence and energy, or
/// by only one of the two if the other is unknown. The other words are for songs that are almost
/// certainly acoustic or instrumental, or very danceable.
///
/// ```
/// use pixelplay_core::{Song, SongId, mood::mood_words};
///
/// let mut song = Song::new(SongId::new("a").unwrap());
/// assert!(mood_words(&song).is_empty());
/// song.valence = Some(0.95);
/// song.energy = Some(0.7);
/// song.danceability = Some(0.9);
/// assert_eq!(mood_words(&song), ["joyful", "groovy"]);
/// ```
#[must_use]
pub fn mood_words(song: &Song) -> Vec<&'static str> {
    let valence = known(song.valence);
    let energy = known(song.energy);
    let mut words = Vec::new();
    match (valence, energy) {
        (Some(valence), Some(energy)) => words.push(circumplex(valence, energy)),
        (Some(valence), None) => words.push(graded(valence, &BY_VALENCE)),
        (None, Some(energy)) => words.push(graded(energy, &BY_ENERGY)),
        (None, None) => {}
    }
    let still = energy.is_none_or(|energy| energy < 0.5);
    if known(song.acousticness).is_some_and(|x| x >= 0.75) {
        words.push(if still { "intimate" } else { "earthy" });
    }
    if known(song.instrumentalness).is_some_and(|x| x >= 0.75) {
        words.push(if still { "dreamy" } else { "hypnotic" });
    }
    if known(song.danceability).is_some_and(|x| x >= 0.75) {
        words.push("groovy");
    }
    words.truncate(3);
    words
}

/// Returns a feature if it is on its scale from 0 to 1; a song created by the caller may contain
/// any value.
fn known(feature: Option<f64>) -> Option<f64> {
    feature.filter(|x| x.is_finite()).map(|x| x.clamp(0.0, 1.0))
}

fn circumplex(valence: f64, energy: f64) -> &'static str {
    let (pleasant, active) = (valence - 0.5, energy - 0.5);
    let strength = pleasant.hypot(active);
    if strength < 0.1 {
        return NEUTRAL;
    }
    let sectors = CIRCLE.len() as f64;
    let sector =
        (active.atan2(pleasant) / std::f64::consts::TAU * sectors).round().rem_euclid(sectors);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 15"
    )]
    let (mild, strong) = CIRCLE[sector as usize];
    if strength < 0.32 { mild } else { strong }
}

fn graded(x: f64, words: &[&'static str; 5]) -> &'static str {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "x is within 0 to 1"
    )]
    words[(x * 4.99) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;
    use proptest::prelude::*;

    fn song(valence: Option<f64>, energy: Option<f64>) -> Song {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.valence = valence;
        song.energy = energy;
        song
    }

    fn word(valence: f64, energy: f64) -> &'static str {
        mood_words(&song(Some(valence), Some(energy)))[0]
    }

    #[test]
    fn the_corners_and_sides_of_the_circumplex() {
        for (valence, energy, expected) in [
            (0.5, 0.5, "easygoing"),
            (1.0, 0.5, "delighted"),
            (0.8, 0.5, "pleasant"),
            (0.9, 0.5, "delighted"),
            (1.0, 1.0, "euphoric"),
            (0.5, 1.0, "frenetic"),
            (0.0, 1.0, "angry"),
            (0.0, 0.5, "bleak"),
            (0.0, 0.0, "desolate"),
            (0.4, 0.4, "melancholy"),
            (0.5, 0.0, "hushed"),
            (1.0, 0.0, "peaceful"),
            (0.6, 0.4, "gentle"),
        ] {
            assert_eq!(word(valence, energy), expected, "{valence} {energy}");
        }
    }

    #[test]
    fn every_word_of_the_circle_can_be_reached() {
        let mut seen = std::collections::BTreeSet::new();
        for valence in 0..=100 {
            for energy in 0..=100 {
                seen.insert(word(f64::from(valence) / 100.0, f64::from(energy) / 100.0));
            }
        }
        assert_eq!(seen.len(), 2 * CIRCLE.len() + 1);
    }

    #[test]
    fn what_is_not_known_is_not_assumed() {
        assert!(mood_words(&song(None, None)).is_empty());
        assert_eq!(mood_words(&song(Some(0.0), None)), ["dark"]);
        assert_eq!(mood_words(&song(Some(1.0), None)), ["joyful"]);
        assert_eq!(mood_words(&song(None, Some(0.5))), ["steady"]);
        assert!(mood_words(&song(Some(f64::NAN), None)).is_empty());
        let mut acoustic = song(Some(0.6), Some(0.1));
        acoustic.acousticness = Some(0.9);
        acoustic.instrumentalness = Some(0.9);
        acoustic.danceability = Some(0.9);
        assert_eq!(mood_words(&acoustic)[1..], ["intimate", "dreamy"]);
    }

    proptest! {
        #[test]
        fn there_are_one_to_three_words_whenever_something_is_known(
            features in prop::array::uniform4(prop::option::of(prop::num::f64::ANY))
        ) {
            let mut song = song(features[0], features[1]);
            (song.acousticness, song.danceability) = (features[2], features[3]);
            let words = mood_words(&song);
            prop_assert!(words.len() <= 3);
            if features[0].or(features[1]).is_some_and(f64::is_finite) {
                prop_assert!(!words.is_empty());
            }
        }
    }
}
