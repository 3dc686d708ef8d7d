//! A song and the sentences that describe it.

use super::options::BuildOptions;
use crate::catalog::CatalogError;
use crate::catalog::describe::Sentence;
use crate::song::Song;

/// A song with the sentences that describe it.
pub(super) struct Described {
    pub(super) song: Song,
    pub(super) sentences: Vec<Sentence>,
}

impl Described {
    pub(super) fn new(song: Song, options: &BuildOptions) -> Result<Self, CatalogError> {
        let mut sentences = options.describer.sentences(&song)?;
        let left_out = |source| options.words.by_source().contains(&(source, 0.0));
        sentences.retain(|sentence| !left_out(sentence.source));
        Ok(Self { song, sentences })
    }

    /// Returns the sentences in the form in which an index stores them.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.sentences.iter().map(|sentence| &*sentence.text).collect();
        texts.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::indexing::WordWeights;
    use crate::catalog::{Templates, describe};
    use crate::song::SongId;

    #[test]
    fn own_descriptions_go_before_templates_and_words_can_be_left_out() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Rain".into());
        song.energy = Some(0.5);
        let mut options = BuildOptions::default();
        let text = |song: &Song, options: &BuildOptions| {
            Described::new(song.clone(), options).unwrap().text()
        };
        let templated = describe(&song, &Templates::default());
        let templated: Vec<String> = templated.into_iter().map(|told| told.text).collect();
        assert_eq!(text(&song, &options), templated.join("\n"));
        song.description = Some(" \n".into());
        assert_eq!(text(&song, &options), templated.join("\n"));
        song.description = Some("rain on a window\n\n a dark street ".into());
        assert_eq!(text(&song, &options), "rain on a window\na dark street\na photo of Rain");
        options.words = WordWeights::NONE;
        assert_eq!(text(&song, &options), "rain on a window\na dark street");
        // A description from an index includes the sentence for the title, which is left out too if
        // words have no weight.
        song.description = Some("a dark street\na photo of Rain".into());
        assert_eq!(text(&song, &options), "a dark street");
    }
}
