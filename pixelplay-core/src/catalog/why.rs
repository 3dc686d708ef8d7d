//! Explains why a song was found, by comparing its sentences with the query.

use std::collections::HashSet;

use serde::Serialize;

use super::CatalogError;
use super::describe::{Sentence, Templates, describe, lines};
use super::indexing::Visibility;
use crate::embedding::Embedding;
use crate::encoder::{EncodeOptions, Encoder};
use crate::song::Song;

/// A sentence that describes a song, and how well it fits a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The sentence, and what it was made from.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// The cosine between the sentence and the query; higher is more similar.
    pub score: f64,
}

/// Explains why a song was found: returns its sentences, ordered from the best to the worst
/// reason.
///
/// For a song of an index these are the sentences that its vector was made from, read from its
/// [`description`](Song::description). `templates` are needed to determine what each sentence was
/// made from, so pass the ones that the index was built with.
///
/// The cosines of a title, tags and lyrics are weighed by how visible the things they name are, as
/// in the song's vector: a title that names nothing visible is seldom the reason.
///
/// Each sentence costs one pass of the text tower; a song has about ten. The first call for an
/// encoder takes some 200 more.
///
#[cfg_attr(feature = "starter", doc = "```")]
#[cfg_attr(not(feature = "starter"), doc = "```ignore")]
/// use pixelplay_core::Encoder;
/// use pixelplay_core::catalog::{Source, Templates, why};
/// use pixelplay_core::{Song, SongId};
///
/// let encoder = Encoder::mini()?;
/// let query = encoder.encode_text("horses running across a field")?;
/// let mut song = Song::new(SongId::new("a").unwrap());
/// song.title = Some("Wild Horses".into());
/// song.genre = Some("techno".into());
/// let reasons = why(&song, &query, &encoder, &Templates::default())?;
/// assert_eq!(reasons[0].sentence.source, Source::Title);
/// # Ok::<(), pixelplay_core::Error>(())
/// ```
///
/// # Errors
/// Returns [`CatalogError::Encode`] if the encoder fails, [`CatalogError::Embedding`] if the query
/// is from another space.
pub fn why(
    song: &Song,
    query: &Embedding,
    encoder: &Encoder,
    templates: &Templates,
) -> Result<Vec<Reason>, CatalogError> {
    let mut told = describe(song, templates);
    let kept: HashSet<String> = lines(song.description.as_deref().unwrap_or_default()).collect();
    // The description does not include titles if the index was built without them.
    told.retain(|sentence| kept.is_empty() || kept.contains(&sentence.text));
    let texts: Vec<&str> = told.iter().map(|sentence| &*sentence.text).collect();
    let vectors = encoder.encode_texts(&texts, EncodeOptions::default(), &mut ())?;
    let has_own_words = told.iter().any(|sentence| sentence.source.is_own_words());
    let visibility = has_own_words.then(|| Visibility::shared(encoder, templates)).transpose()?;
    let weighed = |(sentence, vector): (Sentence, Embedding)| {
        let score = query.dot(&vector)?;
        let weight = match &visibility {
            Some(visibility) if sentence.source.is_own_words() => visibility.of(vector.as_slice()),
            _ => 1.0,
        };
        // A sentence that does not fit must not rise because it counts for little.
        Ok((score.min(score * weight), Reason { sentence, score }))
    };
    let mut reasons: Vec<(f64, Reason)> =
        told.into_iter().zip(vectors).map(weighed).collect::<Result<_, CatalogError>>()?;
    reasons.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    Ok(reasons.into_iter().map(|(_, reason)| reason).collect())
}

#[cfg(all(test, feature = "mini"))]
mod tests {
    use super::*;
    use crate::catalog::Source;
    use crate::song::SongId;

    #[test]
    fn a_title_that_names_nothing_visible_is_not_the_reason() {
        let encoder = Encoder::mini().unwrap();
        let query = encoder.encode_text("a cup of coffee on a wooden table").unwrap();
        let first = |title: &str| {
            let mut song = Song::new(SongId::new("a").unwrap());
            song.title = Some(title.into());
            song.genre = Some("arabic".into());
            song.valence = Some(0.4);
            song.energy = Some(0.2);
            let reasons = why(&song, &query, &encoder, &Templates::default()).unwrap();
            reasons.into_iter().next().unwrap().sentence.source
        };
        assert_eq!(first("Black Coffee"), Source::Title);
        assert_ne!(first("Volver"), Source::Title);
        assert_ne!(first("Pol"), Source::Title);
    }
}
