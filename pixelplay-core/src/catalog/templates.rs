//! The phrases that songs are described with: data, with a version, to be replaced at will.

use serde::Deserialize;

use super::CatalogError;

pub(super) const EMBEDDED: &str = include_str!("templates.json");

/// The phrases of [`describe`](super::describe), each something a photograph could be captioned with.
///
/// The embedded ones ([`Templates::default`]) are a JSON file in the source tree; [`Templates::from_json`]
/// takes others in the same form. Lists may have any number of phrases, but at least one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    version: String,
    /// Scenes by energy (rows) and valence (columns), both from low to high.
    pub(super) scenes: [[Phrases; 5]; 5],
    /// Light and colours by valence.
    pub(super) light: [Phrases; 7],
    /// How much moves, by energy.
    pub(super) motion: [Phrases; 5],
    pub(super) mode: Modes,
    pub(super) traits: Traits,
    /// By decade, for songs without a known genre; `{decade}` becomes `1980s`.
    pub(super) eras: Vec<Era>,
    pub(super) genres: Vec<Genre>,
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

/// Scenes for what stands out in a song.
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
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Era {
    /// The last year.
    pub(super) until: i64,
    pub(super) scenes: Phrases,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Genre {
    /// In [`genre_words`] form, between spaces.
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
        let usable =
            |phrase: &String| !phrase.trim().is_empty() && !phrase.chars().any(char::is_control);
        if phrases.is_empty() {
            Err("a list of phrases is empty")
        } else if phrases.iter().all(usable) {
            Ok(Self(phrases))
        } else {
            Err("a phrase is empty or has control characters")
        }
    }
}

impl Default for Templates {
    #[expect(clippy::expect_used, reason = "embedded, and a test reads it")]
    fn default() -> Self {
        Self::from_json(EMBEDDED).expect("the embedded templates are valid")
    }
}

impl Templates {
    /// Reads templates; the embedded file `templates.json` shows the form.
    ///
    /// # Errors
    /// [`CatalogError::BadTemplates`] where the JSON has another form, or an empty list or phrase.
    pub fn from_json(json: &str) -> Result<Self, CatalogError> {
        let mut templates: Self =
            serde_json::from_str(json).map_err(|source| CatalogError::BadTemplates { source })?;
        for genre in &mut templates.genres {
            for name in &mut genre.names {
                *name = padded(name);
            }
        }
        Ok(templates)
    }

    /// The version that the file itself names.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The genre with the longest name that stands, in whole words, in `genre`.
    pub(super) fn genre(&self, genre: &str) -> Option<&Genre> {
        let text = padded(genre);
        let length = |genre: &Genre| {
            let found = genre.names.iter().filter(|name| text.contains(*name));
            found.map(String::len).max()
        };
        // The first of equals, so that the order of the file decides, not that of an iterator.
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

/// So that only whole words are found in one another.
fn padded(genre: &str) -> String {
    format!(" {} ", genre_words(genre))
}

/// `Hip-Hop/Rap` is `hip hop rap`, `R&B` is `r&b`.
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
        assert_eq!(templates.version(), "1");
        let mut seen = std::collections::BTreeSet::new();
        for name in templates.genres.iter().flat_map(|genre| &genre.names) {
            assert!(seen.insert(name), "{name} stands twice");
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
        let good: serde_json::Value = serde_json::from_str(EMBEDDED).unwrap();
        let change = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut json = good.clone();
            change(&mut json);
            Templates::from_json(&json.to_string())
        };
        assert_eq!(change(&|_| {}).unwrap(), Templates::default());
        for bad in [
            change(&|json| json["light"][0] = serde_json::json!([])),
            change(&|json| json["light"][0][0] = " ".into()),
            change(&|json| json["motion"] = serde_json::json!([["still"]])),
            change(&|json| json["colour"] = "red".into()),
            Templates::from_json(&EMBEDDED[..500]),
        ] {
            assert!(matches!(bad, Err(CatalogError::BadTemplates { .. })));
        }
    }
}
