//! How songs are described when an index is built: with templates, or with a custom function.

use std::fmt;
use std::sync::Arc;

use super::own_words::own_words;
use super::sentence::Sentence;
use super::sentences::{describe, each_once};
use super::templates::Templates;
use crate::catalog::CatalogError;
use crate::song::Song;

/// Turns songs into sentences, with [`Templates`] or with a function of your own.
///
/// ```
/// use pixelplay_core::catalog::{Describer, Sentence, Templates, describe};
///
/// let templates = Templates::default();
/// let mine = Describer::new(move |song| {
///     let mut sentences = describe(song, &templates);
///     let label = song.extra.get("label");
///     sentences.extend(label.map(|label| Sentence::from(format!("a record of {label}"))));
///     Ok(sentences)
/// });
/// # let _ = mine;
/// ```
#[derive(Clone)]
pub struct Describer {
    templates: Arc<Templates>,
    /// Replaces the sentences that the templates make from a song's features.
    own: Option<Arc<Describe>>,
}

type Describe =
    dyn Fn(&Song) -> Result<Vec<Sentence>, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

impl Describer {
    /// Describes songs by calling `describe`, which must always return the same sentences for the
    /// same song. The song's own words (title, tags, lyrics) are appended, unless they are already
    /// included. If a song has a description, that is used and `describe` is not called. A song
    /// without any sentence, not even from a title, is left out of the index.
    pub fn new(
        describe: impl Fn(&Song) -> Result<Vec<Sentence>, Box<dyn std::error::Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { templates: Arc::default(), own: Some(Arc::new(describe)) }
    }

    /// Returns the sentences of a song, without duplicates or empty sentences.
    ///
    /// # Errors
    /// Returns [`CatalogError::Describe`] if a custom describer fails.
    pub fn sentences(&self, song: &Song) -> Result<Vec<Sentence>, CatalogError> {
        let Some(own) = self.own.as_ref().filter(|_| !has_description(song)) else {
            return Ok(describe(song, &self.templates));
        };
        let told = own(song)
            .map_err(|source| CatalogError::Describe { id: song.id.to_string(), source })?;
        let each_line = |Sentence { text, source }: Sentence| {
            let lines: Vec<_> = lines(&text).map(|text| Sentence::new(source, text)).collect();
            lines
        };
        let mut told: Vec<Sentence> = told.into_iter().flat_map(each_line).collect();
        told.extend(own_words(song, &self.templates));
        Ok(each_once(told))
    }

    /// Returns the templates for the sentences of titles and tags. A custom describer uses the
    /// embedded templates.
    #[cfg(feature = "encoder")]
    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Returns the hash of the templates' content, or `None` for a custom describer.
    #[cfg(feature = "encoder")]
    pub(crate) fn templates_hash(&self) -> Option<String> {
        self.own.is_none().then(|| self.templates.hash().to_owned())
    }
}

impl From<Templates> for Describer {
    fn from(templates: Templates) -> Self {
        Self { templates: Arc::new(templates), own: None }
    }
}

impl Default for Describer {
    /// Returns a describer with the embedded templates.
    fn default() -> Self {
        Templates::default().into()
    }
}

fn has_description(song: &Song) -> bool {
    lines(song.description.as_deref().unwrap_or_default()).next().is_some()
}

impl fmt::Debug for Describer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Describer").finish_non_exhaustive()
    }
}

/// Returns the lines of a text that are not blank.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    #[test]
    fn a_describer_of_ones_own_is_asked_and_its_failures_are_told() {
        let without = Song::new(SongId::new("b").unwrap());
        let with_energy = Song { energy: Some(0.95), ..without.clone() };
        let own = Describer::new(|song| match song.energy {
            Some(_) => Ok(vec![" one\n\ntwo ".into(), String::new().into(), "one".into()]),
            None => Err("no energy".into()),
        });
        let texts = |song: &Song| -> Vec<String> {
            own.sentences(song).unwrap().into_iter().map(|sentence| sentence.text).collect()
        };
        assert_eq!(texts(&with_energy), ["one", "two"]);
        let titled = Song { title: Some("Rain".into()), ..with_energy.clone() };
        assert_eq!(texts(&titled), ["one", "two", "a photo of Rain"]);
        let described = Song { description: Some("snow\n\n a street ".into()), ..titled };
        assert_eq!(texts(&described), ["snow", "a street", "a photo of Rain"]);
        let error = own.sentences(&without).unwrap_err();
        assert!(error.to_string().contains("\"b\""), "{error}");
    }
}
