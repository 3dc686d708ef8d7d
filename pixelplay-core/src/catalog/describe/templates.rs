//! The phrases used to describe songs: versioned data that callers can replace.

use std::ops::Deref;
use std::path::Path;

use serde::Deserialize;

use crate::catalog::CatalogError;
use crate::catalog::digest::PartsHasher;

/// The phrases that [`describe`](super::describe) uses. Each could be the caption of a photograph.
///
/// The embedded templates ([`Templates::default`]) are a commented TOML file,
/// [`Templates::EMBEDDED`]. [`Templates::from_toml`] and [`Templates::open`] read other templates
/// in the same form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    version: String,
    /// See [`hash`](Self::hash).
    #[serde(skip)]
    hash: String,
    /// The sentence for a title; contains `{title}`.
    title: String,
    /// The sentence for a tag; contains `{tag}`.
    tag: String,
    /// Scenes by energy (rows) and valence (columns), each from low to high.
    pub(super) scenes: Levels<Levels<Phrases, 5>, 5>,
    /// Light and colours by valence.
    pub(super) light: Levels<Phrases, 7>,
    /// Movement, by energy.
    pub(super) motion: Levels<Phrases, 5>,
    /// The mood in plain words.
    pub(super) words: Words,
    pub(super) mode: Modes,
    pub(super) traits: Traits,
    /// Scenes by decade; `{decade}` is replaced with `1980s`, for example.
    pub(super) eras: Vec<Era>,
    pub(super) genres: Vec<Genre>,
}

/// One item per level. Deserialising a plain array would silently accept more items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<T>", bound = "T: Deserialize<'de>")]
pub(super) struct Levels<T, const N: usize>([T; N]);

impl<T, const N: usize> TryFrom<Vec<T>> for Levels<T, N> {
    type Error = String;

    fn try_from(levels: Vec<T>) -> Result<Self, Self::Error> {
        let levels = levels.try_into();
        levels.map(Self).map_err(|levels: Vec<T>| {
            let found = levels.len();
            format!("{found} levels, expected {N}")
        })
    }
}

impl<T, const N: usize> Deref for Levels<T, N> {
    type Target = [T; N];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A list that is never empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct Phrases(Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Modes {
    pub(super) major: Phrases,
    pub(super) minor: Phrases,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) valence: Levels<Phrases, 5>,
    pub(super) energy: Levels<Phrases, 5>,
}

/// Scenes for features that stand out in a song.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traits {
    pub(super) acoustic: Phrases,
    pub(super) instrumental: Phrases,
    pub(super) dance: Phrases,
    pub(super) live: Phrases,
    pub(super) spoken: Phrases,
    pub(super) fast: Phrases,
    pub(super) slow: Phrases,
    pub(super) long: Phrases,
    pub(super) short: Phrases,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Era {
    /// The last year of the era.
    pub(super) until: i64,
    pub(super) scenes: Phrases,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Genre {
    /// Names in [`genre_words`] form, between spaces.
    names: Vec<String>,
    pub(super) scenes: Phrases,
}

impl Phrases {
    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Phrases {
    type Error = &'static str;

    fn try_from(phrases: Vec<String>) -> Result<Self, Self::Error> {
        if phrases.is_empty() {
            Err("a list of phrases is empty")
        } else if phrases.iter().all(|phrase| is_phrase(phrase)) {
            Ok(Self(phrases))
        } else {
            Err("a phrase is empty or contains control characters")
        }
    }
}

fn is_phrase(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

impl Default for Templates {
    #[expect(clippy::expect_used, reason = "embedded, and a test reads it")]
    fn default() -> Self {
        Self::from_toml(Self::EMBEDDED).expect("the embedded templates are valid")
    }
}

impl Templates {
    /// The text of the embedded templates, as a starting point for your own.
    pub const EMBEDDED: &str = include_str!("templates.toml");

    /// Reads templates; [`Templates::EMBEDDED`] shows the form.
    ///
    /// ```
    /// use pixelplay_core::catalog::Templates;
    ///
    /// let own = Templates::EMBEDDED.replace("version = \"2\"", "version = \"mine\"");
    /// assert_eq!(Templates::from_toml(&own)?.version(), "mine");
    /// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`CatalogError::BadTemplates`] if the text does not have this form, or contains an
    /// empty list or phrase.
    pub fn from_toml(text: &str) -> Result<Self, CatalogError> {
        Self::parse(text).map_err(|source| CatalogError::BadTemplates { path: None, source })
    }

    /// Reads a file of templates.
    ///
    /// # Errors
    /// Returns the errors of [`from_toml`](Self::from_toml), and [`CatalogError::ReadTemplates`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| CatalogError::ReadTemplates { path: path.to_owned(), source })?;
        Self::parse(&text)
            .map_err(|source| CatalogError::BadTemplates { path: Some(path.to_owned()), source })
    }

    fn parse(text: &str) -> Result<Self, Box<toml::de::Error>> {
        let mut templates: Self = toml::from_str(text)?;
        for (sentence, place) in [(&templates.title, "{title}"), (&templates.tag, "{tag}")] {
            if !is_phrase(sentence) || !sentence.contains(place) {
                let what =
                    format!("the sentence for {place} must be one line that contains {place}");
                return Err(Box::new(serde::de::Error::custom(what)));
            }
        }
        // The hash covers the content of the file, with sorted keys, but not comments or line
        // breaks.
        let table: toml::Table = toml::from_str(text)?;
        let mut hasher = PartsHasher::default();
        hasher.add(&serde_json::to_vec(&table).unwrap_or_default());
        templates.hash = hasher.hex();
        for genre in &mut templates.genres {
            for name in &mut genre.names {
                *name = padded(name);
            }
        }
        Ok(templates)
    }

    /// Returns the version given in the file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the sentence for a title.
    pub(crate) fn of_title(&self, title: &str) -> String {
        self.title.replace("{title}", title)
    }

    /// Returns the sentence for a tag.
    pub(super) fn of_tag(&self, tag: &str) -> String {
        self.tag.replace("{tag}", tag)
    }

    /// Returns the plain-word phrases for moods. They account for most of what all songs have in
    /// common.
    #[cfg(feature = "encoder")]
    pub(crate) fn mood_phrases(&self) -> impl Iterator<Item = &str> {
        let levels = self.words.valence.iter().chain(self.words.energy.iter());
        levels.flat_map(Phrases::as_slice).map(String::as_str)
    }

    /// Returns a hash of the content, 32 hexadecimal digits, which identifies these templates.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns the genre with the longest name that occurs as whole words in `genre`.
    pub(crate) fn genre(&self, genre: &str) -> Option<&Genre> {
        let text = padded(genre);
        let length = |genre: &Genre| {
            let found = genre.names.iter().filter(|name| text.contains(*name));
            found.map(String::len).max()
        };
        // Among names of equal length the first wins, so the result depends only on the order in
        // the file.
        let mut best: Option<(usize, &Genre)> = None;
        for genre in &self.genres {
            if let Some(length) = length(genre)
                && length > best.map_or(0, |(longest, _)| longest)
            {
                best = Some((length, genre));
            }
        }
        best.map(|(_, genre)| genre)
    }
}

/// Adds spaces at both ends, so that only whole words match.
fn padded(genre: &str) -> String {
    format!(" {} ", genre_words(genre))
}

/// Normalises a genre: `Hip-Hop/Rap` becomes `hip hop rap`, `R&B` becomes `r&b`.
pub(super) fn genre_words(genre: &str) -> String {
    genre
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '&')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_templates_are_valid_and_name_every_genre_once() {
        let templates = Templates::default();
        assert_eq!(templates.version(), "2");
        let mut seen = std::collections::BTreeSet::new();
        for name in templates.genres.iter().flat_map(|genre| &genre.names) {
            assert!(seen.insert(name), "{name} is listed twice");
        }
        assert!(templates.eras.is_sorted_by_key(|era| era.until));
        assert_eq!(templates.eras.last().map(|era| era.until), Some(2100));
    }

    #[test]
    fn the_longest_name_in_whole_words_decides() {
        let templates = Templates::default();
        let scenes = |genre: &str| templates.genre(genre).map(|genre| &genre.scenes);
        assert_eq!(scenes("Latin Hip-Hop"), scenes("rap"));
        assert_eq!(scenes("Progressive Electro House"), scenes("edm"));
        assert_eq!(scenes("contemporary R&B"), scenes("soul"));
        assert_eq!(scenes("funk and soul"), scenes("soul"), "the file's order");
        assert_ne!(scenes("rock"), scenes("hard rock"));
        assert_eq!(scenes("trapeze"), None);
        assert_eq!(scenes(""), None);
    }

    #[test]
    fn templates_of_another_form_are_refused() {
        let change = |from: &str, to: &str| {
            assert!(Templates::EMBEDDED.contains(from), "{from}");
            Templates::from_toml(&Templates::EMBEDDED.replacen(from, to, 1))
        };
        assert_eq!(change("[mode]", "\n[mode]").unwrap(), Templates::default());
        for bad in [
            change("light = [", "light = [[], "),
            change("\"perfectly still\"", "\" \""),
            change("\"perfectly still\"", "\"per\\u0007fectly still\""),
            change("a photo of {title}", "a photo"),
            change("a photo of {tag}", "{tag}\\n"),
            change("motion = [", "motion = [[\"still\"], "),
            change("[mode]", "colour = \"red\"\n[mode]"),
            Templates::from_toml(&Templates::EMBEDDED[..500]),
            Templates::from_toml(""),
        ] {
            assert!(matches!(bad, Err(CatalogError::BadTemplates { .. })));
        }
    }

    #[test]
    fn a_file_is_named_in_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let error = Templates::open(&path).unwrap_err();
        assert!(error.to_string().contains("mine.toml"), "{error}");
        std::fs::write(&path, "version = 1").unwrap();
        let error = Templates::open(&path).unwrap_err();
        assert!(error.to_string().contains("mine.toml"), "{error}");
        std::fs::write(&path, Templates::EMBEDDED).unwrap();
        assert_eq!(Templates::open(&path).unwrap(), Templates::default());
    }
}
