//! How songs are described where an index is built: by templates, or by a caller's own way.

use std::fmt;
use std::sync::Arc;

use super::sentences::describe;
use super::templates::Templates;
use crate::catalog::CatalogError;
use crate::song::Song;

/// How songs become sentences: by [`Templates`], or in any way of one's own.
///
/// ```
/// use pixelplay_core::catalog::{Describer, Templates, describe};
///
/// let templates = Templates::default();
/// let mine = Describer::new(move |song| {
///     let mut sentences = describe(song, &templates);
///     sentences.extend(song.extra.get("label").map(|label| format!("a record of {label}")));
///     Ok(sentences)
/// });
/// # let _ = mine;
/// ```
#[derive(Clone)]
pub struct Describer(Arc<Describe>);

type Describe =
    dyn Fn(&Song) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

impl Describer {
    /// Describes songs by calling `describe`, which must say the same of the same song each time.
    /// No sentences leave the song out of an index.
    pub fn new(
        describe: impl Fn(&Song) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(describe))
    }

    /// The sentences of a song, without empty ones.
    ///
    /// # Errors
    /// [`CatalogError::Describe`], where a caller's own way fails.
    pub fn sentences(&self, song: &Song) -> Result<Vec<String>, CatalogError> {
        let sentences = (self.0)(song)
            .map_err(|source| CatalogError::Describe { id: song.id.to_string(), source })?;
        Ok(sentences.iter().flat_map(|text| lines(text)).collect())
    }
}

impl From<Templates> for Describer {
    fn from(templates: Templates) -> Self {
        Self::new(move |song| Ok(describe(song, &templates)))
    }
}

impl Default for Describer {
    /// By the embedded templates.
    fn default() -> Self {
        Templates::default().into()
    }
}

impl fmt::Debug for Describer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Describer").finish_non_exhaustive()
    }
}

/// The lines of a text that say something.
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
            Some(_) => Ok(vec![" one\n\ntwo ".into(), String::new()]),
            None => Err("no energy".into()),
        });
        assert_eq!(own.sentences(&with_energy).unwrap(), ["one", "two"]);
        let error = own.sentences(&without).unwrap_err();
        assert!(error.to_string().contains("\"b\""), "{error}");
    }
}
