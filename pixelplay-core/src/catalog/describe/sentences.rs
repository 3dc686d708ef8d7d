//! Turns a song's features into sentences that could be captions of photographs.

use std::collections::{HashMap, HashSet};

use super::describer::lines;
use super::dice::Dice;
use super::own_words::own_words;
use super::sentence::{Sentence, Source};
use super::templates::{Templates, genre_words};
use crate::mood::mood_words;
use crate::song::Song;

/// Columns that are more specific about the genre than [`Song::genre`].
const FINER_GENRES: [&str; 2] = ["playlist_subgenre", "subgenre"];

/// Describes a song in sentences that could be captions of photographs. Each sentence records what
/// it was made from.
///
/// CLIP matches scenes, not numbers, so measurements are turned into scenes that have the mood of
/// the song. A song gets two to eight such sentences, and fewer only if hardly anything is known
/// about it:
///
/// | source | from | example |
/// |---|---|---|
/// | [genre](Source::Genre), two | genre, year | `strobe lights in a dark warehouse, 1990s techno`, `a dj behind decks in red light` |
/// | [mood](Source::Mood), two scenes | energy, valence | `a tornado over a dark plain, fierce and groovy` |
/// | mood in plain words, two | valence, energy | `gloomy and melancholic music`, `fast, aggressive and intense music` |
/// | [trait](Source::Trait) | acousticness, danceability, tempo, length, ... | `a woman spinning in a red dress` |
/// | mood, light and movement | valence, energy, mode | `cold dark tones, a frenzied crowd, seen through haze` |
///
/// If a song has a description, its lines replace these sentences. The song's own words follow, if
/// there are any:
///
/// | source | from | example |
/// |---|---|---|
/// | [title](Source::Title) | title without guests, editions, versions and brackets; in its place an extra column `title_en` (or `english_title`, `title_translation`, ...) | `a photo of Wild Horses` |
/// | [tags](Source::Tags), up to eight | an extra column `tags` or `keywords` | `a photo of rain` |
/// | [lyrics](Source::Lyrics), up to eight lines from all parts of the song | an extra column `lyrics` | the lines themselves |
///
/// Unknown values are left out. The artist is not used.
///
/// The choice among phrases depends on the id, but not on the platform or on the order of the
/// songs. Features shift the odds gradually instead of jumping from one bin to the next: a valence
/// of 0.6 picks brighter scenes more often than one of 0.55, and two scenes per song give finer
/// grades than one.
///
/// An index stores these sentences as the [`description`](Song::description), one per line, except
/// those that were left out of its vectors. Describing a song that was read from an index returns
/// the same sentences with the same sources, followed by the song's own words if the index left
/// them out.
///
/// ```
/// use pixelplay_core::catalog::{Source, Templates, describe};
/// use pixelplay_core::{Song, SongId};
///
/// let mut song = Song::new(SongId::new("a").unwrap());
/// assert!(describe(&song, &Templates::default()).is_empty());
/// song.title = Some("Lightning (Live)".into());
/// song.genre = Some("techno".into());
/// song.year = Some(1994);
/// song.energy = Some(0.95);
/// song.valence = Some(0.2);
/// let sentences = describe(&song, &Templates::default());
/// assert!(sentences[0].text.ends_with("1990s techno"));
/// assert_eq!(sentences.len(), 8);
/// assert_eq!(sentences[7].text, "a photo of Lightning");
/// assert_eq!(sentences[7].source, Source::Title);
/// ```
#[must_use]
pub fn describe(song: &Song, templates: &Templates) -> Vec<Sentence> {
    let mut told = scenes(song, templates);
    let words = own_words(song, templates);
    let own: Vec<String> = lines(song.description.as_deref().unwrap_or_default()).collect();
    if !own.is_empty() {
        let sources: HashMap<&str, Source> =
            told.iter().chain(&words).map(|known| (&*known.text, known.source)).collect();
        let source = |text: &str| sources.get(text).copied().unwrap_or(Source::Description);
        told = own.iter().map(|text| Sentence::new(source(text), text)).collect();
    }
    told.extend(words);
    each_once(told)
}

/// Removes sentences whose text has occurred before.
pub(super) fn each_once(mut sentences: Vec<Sentence>) -> Vec<Sentence> {
    let mut seen = HashSet::new();
    sentences.retain(|sentence| seen.insert(sentence.text.clone()));
    sentences
}

/// Returns the sentences made from genre, year and features.
fn scenes(song: &Song, templates: &Templates) -> Vec<Sentence> {
    let mut told = Vec::new();
    let mut of = |source, texts: Vec<String>| {
        told.extend(texts.into_iter().map(|text| Sentence::new(source, text)));
    };
    of(Source::Genre, of_genre_and_decade(song, templates));
    of(Source::Mood, of_mood(song, templates));
    of(Source::Mood, of_words(song, templates));
    of(Source::Trait, of_traits(song, templates).into_iter().collect());
    of(Source::Mood, light_and_motion(song, templates).into_iter().collect());
    told
}

/// Returns `a dusty road past a wooden barn, 1970s country`, and another scene of the genre, or of
/// the decade.
fn of_genre_and_decade(song: &Song, templates: &Templates) -> Vec<String> {
    let mut told = Vec::new();
    let mut dice = Dice::new(song, templates, "genre");
    let decade = decade(song);
    let finer = FINER_GENRES.iter().filter_map(|name| song.extra.get(*name));
    let names = finer.chain(&song.genre);
    for name in names.clone() {
        if let Some(genre) = templates.genre(name) {
            let [scene, another] = dice.pick_two(&genre.scenes);
            let words = [decade.unwrap_or_default(), shown_genre(name).unwrap_or_default()];
            let text = format!("{scene}, {}", words.join(" ").trim());
            told.push(text.trim_end_matches(", ").to_owned());
            told.push(another.to_owned());
            return told;
        }
    }
    // A genre without scenes in the templates can still be named.
    let unknown = names.filter_map(|name| shown_genre(name)).next();
    let era = song.year.and_then(|year| templates.eras.iter().find(|era| year <= era.until));
    if let (Some(era), Some(decade)) = (era, decade) {
        for scene in dice.pick_two(&era.scenes) {
            let genre = unknown.as_ref().map(|genre| format!(", {genre}"));
            let scene = scene.replace("{decade}", &decade);
            told.push(scene + &genre.unwrap_or_default());
        }
    } else if let Some(genre) = unknown {
        told.push(format!("musicians playing {genre}"));
        told.push(format!("a {genre} concert"));
    }
    told
}

fn decade(song: &Song) -> Option<String> {
    let year = song.year.filter(|year| (0..=9999).contains(year))?;
    Some(format!("{}s", year - year % 10))
}

/// Returns the genre as a caption would name it, or `None` if it is too long to be a name.
fn shown_genre(genre: &str) -> Option<String> {
    const LONGEST: usize = 40;
    let words = genre_words(genre);
    (!words.is_empty() && words.len() <= LONGEST).then_some(words)
}

/// Returns two scenes such as `a surfer riding a green wave, joyful and groovy`.
fn of_mood(song: &Song, templates: &Templates) -> Vec<String> {
    let (Some(valence), Some(energy)) = (known(song.valence), known(song.energy)) else {
        return Vec::new();
    };
    let mood = mood(song);
    let scene = |sentence| {
        let mut dice = Dice::new(song, templates, sentence);
        let row = &templates.scenes[dice.level(energy, templates.scenes.len())];
        let cell = &row[dice.level(valence, row.len())];
        format!("{}, {mood}", dice.pick(cell))
    };
    ["mood", "mood 2"].map(scene).into()
}

fn mood(song: &Song) -> String {
    let mut words = mood_words(song);
    words.truncate(2);
    words.join(" and ")
}

/// Returns sentences such as `gloomy and melancholic music`, `fast, aggressive and intense music`.
fn of_words(song: &Song, templates: &Templates) -> Vec<String> {
    let mut told = Vec::new();
    let mut dice = Dice::new(song, templates, "words");
    let words = &templates.words;
    for (levels, value) in [(&words.valence, song.valence), (&words.energy, song.energy)] {
        if let Some(value) = known(value) {
            let level = dice.level(value, levels.len());
            told.push(dice.pick(&levels[level]).to_owned());
        }
    }
    told
}

/// Returns a scene for one of the features that stand out. The more a feature stands out, the more
/// likely it is chosen.
fn of_traits(song: &Song, templates: &Templates) -> Option<String> {
    let mut dice = Dice::new(song, templates, "trait");
    let traits = &templates.traits;
    let tempo = song.tempo.filter(|tempo| tempo.is_finite());
    #[expect(clippy::cast_precision_loss, reason = "a rough number of minutes")]
    let minutes = song.duration_ms.map(|length| length as f64 / 60_000.0);
    // A range goes from the value at which a trait begins to the value at which it is certain. In a
    // reversed range, lower values are stronger.
    let candidates = [
        (&traits.acoustic, known(song.acousticness), 0.4, 0.9),
        (&traits.instrumental, known(song.instrumentalness), 0.3, 0.8),
        (&traits.dance, known(song.danceability), 0.55, 0.9),
        (&traits.live, known(song.liveness), 0.6, 0.9),
        (&traits.spoken, known(song.speechiness), 0.15, 0.5),
        (&traits.fast, tempo, 130.0, 190.0),
        (&traits.slow, tempo, 90.0, 60.0),
        (&traits.long, minutes, 6.0, 12.0),
        (&traits.short, minutes, 2.2, 1.0),
    ]
    .map(|(phrases, value, from, to)| {
        let strength = value.map_or(0.0, |value| (value - from) / (to - from));
        (phrases, strength.clamp(0.0, 1.0))
    });
    let sum: f64 = candidates.iter().map(|(_, strength)| strength).sum();
    // If nothing stands out much, a trait is rarely mentioned.
    let mut left = dice.unit() * sum.max(1.0);
    for (phrases, strength) in candidates {
        if left < strength {
            return Some(dice.pick(phrases).to_owned());
        }
        left -= strength;
    }
    None
}

/// Returns a sentence such as `warm evening light, people strolling by, full of shadows`.
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
    // The scenes of the mood need both valence and energy. If only one is known, the mood is added
    // here.
    if valence.is_some() != energy.is_some() {
        parts.push(mood(song));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Clamps a feature to its scale from 0 to 1: a song that was not read from a table may contain any
/// number.
fn known(feature: Option<f64>) -> Option<f64> {
    feature.filter(|x| x.is_finite()).map(|x| x.clamp(0.0, 1.0))
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

    fn texts(song: &Song, templates: &Templates) -> Vec<String> {
        describe(song, templates).into_iter().map(|sentence| sentence.text).collect()
    }

    /// Changing the phrases or the dice changes every index, so the version must change as well.
    #[test]
    fn version_2_says_what_it_always_said() {
        let templates = Templates::default();
        assert_eq!(templates.version(), "2");
        assert_eq!(
            texts(&full("a"), &templates),
            [
                "concrete pillars in cold blue light, 1990s techno",
                "silhouettes in fog under a white beam",
                "headlights racing down a wet road at night, fierce and groovy",
                "huge waves breaking over a sea wall in a storm, fierce and groovy",
                "gloomy and melancholic music",
                "fast, aggressive and intense music",
                "people dancing close together in a club",
                "dim grey light beneath heavy clouds, people on the move, full of shadows",
                "a photo of Secret Title"
            ]
        );
    }

    #[test]
    fn the_artist_is_not_told_and_the_title_only_as_such() {
        let templates = Templates::default();
        for i in 0..100 {
            for sentence in describe(&full(&i.to_string()), &templates) {
                assert!(!sentence.text.contains("Artist"), "{sentence}");
                let is_title = sentence.source == Source::Title;
                assert_eq!(sentence.text.contains("Secret"), is_title, "{sentence}");
            }
        }
    }

    #[test]
    fn what_an_index_keeps_is_read_back_with_its_sources() {
        let templates = Templates::default();
        let mut song = full("a");
        let told = describe(&song, &templates);
        song.description = Some(texts(&song, &templates).join("\n"));
        assert_eq!(describe(&song, &templates), told);
        song.description = Some("a street\na photo of Secret Title".into());
        let sources: Vec<Source> =
            describe(&song, &templates).iter().map(|sentence| sentence.source).collect();
        assert_eq!(sources, [Source::Description, Source::Title]);
    }

    #[test]
    fn a_feature_moves_the_odds_and_does_not_jump() {
        let templates = Templates::default();
        let sunny = |valence: f64| {
            (0..2000)
                .filter(|i| {
                    let mut song = song(&i.to_string());
                    (song.valence, song.energy) = (Some(valence), Some(0.5));
                    let text = texts(&song, &templates).join(" ");
                    ["sun", "bright", "rainbow"].iter().any(|w| text.contains(w))
                })
                .count()
        };
        // Neighbouring values fall between the same two levels, so without shifting odds some
        // counts would be equal.
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
        // The last sentence is the title.
        let (light, last) = (with.len() - 2, without.len() - 2);
        // The two scenes of the mood and the words for valence are gone, and the sentence for light
        // and movement differs.
        assert_eq!(without.len() + 3, with.len());
        assert_eq!(without[..2], with[..2]);
        assert_eq!(without[3..last], with[6..light]);
        assert_ne!(without[last], with[light]);
    }

    #[test]
    fn a_genre_without_scenes_is_still_named_unless_it_is_a_story() {
        let templates = Templates::default();
        let mut song = song("a");
        song.genre = Some("Zeuhl".into());
        assert_eq!(texts(&song, &templates), ["musicians playing zeuhl", "a zeuhl concert"]);
        song.genre = Some("x".repeat(41));
        assert!(describe(&song, &templates).is_empty());
        song.year = Some(1987);
        assert!(texts(&song, &templates)[0].contains("1980s"));
        song.extra.insert("playlist_subgenre".into(), "hard rock".into());
        assert!(texts(&song, &templates)[0].ends_with("1980s hard rock"));
    }

    #[test]
    fn what_stands_out_is_told() {
        let templates = Templates::default();
        let traits = &templates.traits;
        let told = |change: &dyn Fn(&mut Song)| {
            let mut song = song("a");
            change(&mut song);
            texts(&song, &templates)
        };
        for (told, phrases) in [
            (told(&|song| song.acousticness = Some(0.95)), &traits.acoustic),
            (told(&|song| song.tempo = Some(60.0)), &traits.slow),
            (told(&|song| song.duration_ms = Some(900_000)), &traits.long),
            (told(&|song| song.duration_ms = Some(50_000)), &traits.short),
        ] {
            assert_eq!(told.len(), 1);
            assert!(phrases.as_slice().contains(&told[0]), "{told:?}");
        }
        assert!(told(&|song| song.duration_ms = Some(200_000)).is_empty());
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
            let sentences = texts(&song, &templates);
            prop_assert_eq!(&sentences, &texts(&song, &templates));
            prop_assert!(sentences.len() <= 8);
            let finite = |x: Option<f64>| x.is_some_and(f64::is_finite);
            if finite(song.energy) && finite(song.valence) {
                prop_assert!(sentences.len() >= 2);
            }
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
