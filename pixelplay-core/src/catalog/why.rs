//! Explains why a song was found, by comparing its sentences with the query.

use std::collections::HashSet;

use serde::Serialize;

use super::CatalogError;
use super::describe::{Sentence, Templates, describe, lines};
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

/// Explains why a song was found: returns its sentences, ordered from the best to the worst fit to
/// the query.
///
/// For a song of an index these are the sentences that its vector was made from, read from its
/// [`description`](Song::description). `templates` are needed to determine what each sentence was
/// made from, so pass the ones that the index was built with. Each sentence costs one pass of the
/// text tower; a song has about ten.
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
    let reason = |(sentence, vector): (Sentence, Embedding)| {
        Ok(Reason { sentence, score: query.dot(&vector)? })
    };
    let mut reasons: Vec<Reason> =
        told.into_iter().zip(vectors).map(reason).collect::<Result<_, CatalogError>>()?;
    reasons.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(reasons)
}
