//! From a song's features to sentences that a photograph could be captioned with.

use super::templates::{Phrases, Templates, genre_words};
use crate::mood::mood_words;
use crate::song::Song;

/// Where tables say more about the genre than [`Song::genre`] does.
const FINER_GENRES: [&str; 2] = ["playlist_subgenre", "subgenre"];

/// Describes a song in one to four short sentences; in none where nothing is known to go by.
///
/// CLIP matches scenes, not numbers, so the sentences are scenes with the mood of the song: one for
/// the genre and the decade, one for valence and energy, one for what stands out (acoustic, danced
/// to, fast, ...), one for light and movement. What is not known is left out. Artist and title play
/// no part.
///
/// The choice among phrases depends on the id and on nothing else that could change: not on the
/// platform, nor on the order of the songs. Features move the odds rather than jump from one bin to
/// the next: a valence of 0.6 picks brighter scenes more often than one of 0.55.
///
/// ```
/// use pixelplay_core::catalog::{Templates, describe};
/// use pixelplay_core::{Song, SongId};
///
/// let mut song = Song::new(SongId::new("a").unwrap());
/// assert!(describe(&song, &Templates::default()).is_empty());
/// song.genre = Some("techno".into());
/// song.year = Some(1994);
/// song.energy = Some(0.95);
/// song.valence = Some(0.2);
/// let sentences = describe(&song, &Templates::default());
/// assert!(sentences[0].ends_with("1990s techno"));
/// assert_eq!(sentences.len(), 3);
/// ```
#[must_use]
pub fn describe(song: &Song, templates: &Templates) -> Vec<String> {
    [
        genre_and_decade(song, templates),
        mood_scene(song, templates),
        outstanding(song, templates),
        light_and_motion(song, templates),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `a dusty road past a wooden barn, 1970s country`
fn genre_and_decade(song: &Song, templates: &Templates) -> Option<String> {
    let mut dice = Dice::new(song, templates, "genre");
    let decade = song
        .year
        .filter(|year| (0..=9999).contains(year))
        .map(|year| format!("{}s", year - year % 10));
    let finer = FINER_GENRES.iter().filter_map(|name| song.extra.get(*name));
    let names = finer.chain(&song.genre);
    for name in names.clone() {
        if let Some(genre) = templates.genre(name) {
            let scene = dice.pick(&genre.scenes);
            let words = [
                decade.unwrap_or_default(),
                shown_genre(name).unwrap_or_default(),
            ];
            let text = format!("{scene}, {}", words.join(" ").trim());
            return Some(text.trim_end_matches(", ").to_owned());
        }
    }
    // A genre of which no scenes are known can still be named.
    let unknown = names.filter_map(|name| shown_genre(name)).next();
    let era = song
        .year
        .and_then(|year| templates.eras.iter().find(|era| year <= era.until));
    let scene = match (era, &decade) {
        (Some(era), Some(decade)) => Some(dice.pick(&era.scenes).replace("{decade}", decade)),
        _ => None,
    };
    match (scene, unknown) {
        (Some(scene), Some(genre)) => Some(format!("{scene}, {genre}")),
        (None, Some(genre)) => Some(format!("musicians playing {genre}")),
        (scene, None) => scene,
    }
}

/// The genre as a caption would say it, unless it is more of a story than a name.
fn shown_genre(genre: &str) -> Option<String> {
    const LONGEST: usize = 40;
    let words = genre_words(genre);
    (!words.is_empty() && words.len() <= LONGEST).then_some(words)
}

/// `a surfer riding a green wave, joyful and groovy`
fn mood_scene(song: &Song, templates: &Templates) -> Option<String> {
    let mut dice = Dice::new(song, templates, "mood");
    let (valence, energy) = (known(song.valence)?, known(song.energy)?);
    let row = &templates.scenes[dice.level(energy, templates.scenes.len())];
    let cell = &row[dice.level(valence, row.len())];
    let scene = dice.pick(cell);
    Some(format!("{scene}, {}", mood(song)))
}

fn mood(song: &Song) -> String {
    let mut words = mood_words(song);
    words.truncate(2);
    words.join(" and ")
}

/// A scene for one of the things that stand out, the more likely the more it does.
fn outstanding(song: &Song, templates: &Templates) -> Option<String> {
    let mut dice = Dice::new(song, templates, "trait");
    let traits = &templates.traits;
    let tempo = song.tempo.filter(|tempo| tempo.is_finite());
    // From where a trait can be told at all to where it is certain; the other way round, the less the more.
    let candidates = [
        (&traits.acoustic, known(song.acousticness), 0.4, 0.9),
        (&traits.instrumental, known(song.instrumentalness), 0.3, 0.8),
        (&traits.dance, known(song.danceability), 0.55, 0.9),
        (&traits.live, known(song.liveness), 0.6, 0.9),
        (&traits.spoken, known(song.speechiness), 0.15, 0.5),
        (&traits.fast, tempo, 130.0, 190.0),
        (&traits.slow, tempo, 90.0, 60.0),
    ]
    .map(|(phrases, value, from, to)| {
        let strength = value.map_or(0.0, |value| (value - from) / (to - from));
        (phrases, strength.clamp(0.0, 1.0))
    });
    let sum: f64 = candidates.iter().map(|(_, strength)| strength).sum();
    // Where little stands out, there is little chance that anything is said about it.
    let mut left = dice.unit() * sum.max(1.0);
    for (phrases, strength) in candidates {
        if left < strength {
            return Some(dice.pick(phrases).to_owned());
        }
        left -= strength;
    }
    None
}

/// `warm evening light, people strolling by, full of shadows`
fn light_and_motion(song: &Song, templates: &Templates) -> Option<String> {
    let mut dice = Dice::new(song, templates, "light");
    let (valence, energy) = (known(song.valence), known(song.energy));
    let mut parts = Vec::new();
    if let Some(valence) = valence {
        let level = dice.level(valence, templates.light.len());
        parts.push(dice.pick(&templates.light[level]).to_owned());
    }
    if let Some(energy) = energy {
        let level = dice.level(energy, templates.motion.len());
        parts.push(dice.pick(&templates.motion[level]).to_owned());
    }
    match song.mode {
        Some(1) => parts.push(dice.pick(&templates.mode.major).to_owned()),
        Some(0) => parts.push(dice.pick(&templates.mode.minor).to_owned()),
        _ => {}
    }
    // With one of the two there was no scene to carry the mood.
    if valence.is_some() != energy.is_some() {
        parts.push(mood(song));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A feature on its scale from 0 to 1; a song made by hand may hold anything.
fn known(feature: Option<f64>) -> Option<f64> {
    feature.filter(|x| x.is_finite()).map(|x| x.clamp(0.0, 1.0))
}

/// Chance that a song's id decides: the same on every platform, in every version.
struct Dice(blake3::OutputReader);

impl Dice {
    /// Each sentence throws its own, so that a cell more or less changes only the sentences it is for.
    fn new(song: &Song, templates: &Templates, sentence: &str) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in [templates.version(), sentence, song.id.as_str()] {
            hash.update(part.as_bytes()).update(b"\0");
        }
        Self(hash.finalize_xof())
    }

    /// Uniform in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<'a>(&mut self, phrases: &'a Phrases) -> &'a str {
        let phrases = phrases.as_slice();
        &phrases[floor(self.unit() * phrases.len() as f64, phrases.len())]
    }

    /// One of the two levels next to `x` (0 to 1), the nearer the likelier.
    fn level(&mut self, x: f64, levels: usize) -> usize {
        floor(x * (levels - 1) as f64 + self.unit(), levels)
    }
}

fn floor(place: f64, count: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; rounding down is the point"
    )]
    let place = place as usize;
    place.min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;
    use proptest::prelude::*;

    fn song(id: &str) -> Song {
        Song::new(SongId::new(id).unwrap())
    }

    fn full(id: &str) -> Song {
        let mut song = song(id);
        song.title = Some("Secret Title".into());
        song.artist = Some("Secret Artist".into());
        song.genre = Some("Techno".into());
        song.year = Some(1994);
        song.energy = Some(0.95);
        song.valence = Some(0.2);
        song.danceability = Some(0.9);
        song.mode = Some(0);
        song
    }

    /// A change of phrases or of chance changes every index: then the version must change as well.
    #[test]
    fn version_1_says_what_it_always_said() {
        let templates = Templates::default();
        assert_eq!(templates.version(), "1");
        assert_eq!(
            describe(&full("a"), &templates),
            [
                "strobe lights in a dark warehouse, 1990s techno",
                "a tornado over a dark plain, fierce and groovy",
                "a woman spinning in a red dress",
                "cold dark tones, a frenzied crowd, seen through haze"
            ]
        );
    }

    #[test]
    fn neither_artist_nor_title_is_told() {
        let templates = Templates::default();
        for i in 0..100 {
            let text = describe(&full(&i.to_string()), &templates).join(" ");
            assert!(!text.contains("Secret"), "{text}");
        }
    }

    #[test]
    fn a_feature_moves_the_odds_and_does_not_jump() {
        let templates = Templates::default();
        let sunny = |valence: f64| {
            (0..2000)
                .filter(|i| {
                    let mut song = song(&i.to_string());
                    (song.valence, song.energy) = (Some(valence), Some(0.5));
                    let text = describe(&song, &templates).join(" ");
                    ["sun", "bright", "rainbow"]
                        .iter()
                        .any(|w| text.contains(w))
                })
                .count()
        };
        // Neighbours fall between the same two levels, so that without odds some counts would be equal.
        let counts = [0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9].map(sunny);
        assert!(counts.is_sorted_by(|a, b| a < b), "{counts:?}");
        assert!(counts[6] > counts[0] + 1000, "{counts:?}");
    }

    #[test]
    fn a_missing_cell_changes_only_the_sentences_it_is_for() {
        let templates = Templates::default();
        let with = full("a");
        let mut without = with.clone();
        without.valence = None;
        let (with, without) = (describe(&with, &templates), describe(&without, &templates));
        assert_eq!(with[0], without[0]);
        assert_eq!(with[2], without[1]);
        assert_eq!((with.len(), without.len()), (4, 3));
    }

    #[test]
    fn a_genre_without_scenes_is_still_named_unless_it_is_a_story() {
        let templates = Templates::default();
        let mut song = song("a");
        song.genre = Some("Zeuhl".into());
        assert_eq!(describe(&song, &templates), ["musicians playing zeuhl"]);
        song.genre = Some("x".repeat(41));
        assert!(describe(&song, &templates).is_empty());
        song.year = Some(1987);
        assert!(describe(&song, &templates)[0].contains("1980s"));
        song.extra
            .insert("playlist_subgenre".into(), "hard rock".into());
        assert!(describe(&song, &templates)[0].ends_with("1980s hard rock"));
    }

    fn feature() -> impl Strategy<Value = Option<f64>> {
        prop::option::of(prop_oneof![0.0..=1.0, prop::num::f64::ANY])
    }

    proptest! {
        #[test]
        fn describing_never_fails_and_never_varies(
            id in ".{1,12}",
            features in prop::array::uniform8(feature()),
            genre in prop::option::of("\\PC{0,50}"),
            year in prop::option::of(any::<i64>()),
            mode in prop::option::of(any::<i64>()),
        ) {
            let mut song = song(&id);
            [
                song.energy, song.valence, song.danceability, song.acousticness,
                song.instrumentalness, song.liveness, song.speechiness, song.tempo,
            ] = features;
            (song.genre, song.year, song.mode) = (genre, year, mode);
            let templates = Templates::default();
            let sentences = describe(&song, &templates);
            prop_assert_eq!(&sentences, &describe(&song, &templates));
            prop_assert!(sentences.len() <= 4);
            let finite = |x: Option<f64>| x.is_some_and(f64::is_finite);
            if finite(song.energy) || finite(song.valence) {
                prop_assert!(!sentences.is_empty());
            }
            for sentence in sentences {
                let told = !sentence.trim().is_empty() && !sentence.contains("{decade}");
                prop_assert!(told, "{}", sentence);
                prop_assert!(!sentence.chars().any(char::is_control));
            }
        }
    }
}
