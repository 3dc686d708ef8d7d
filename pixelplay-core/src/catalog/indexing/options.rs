//! Options for building an index from songs.

use serde::{Deserialize, Serialize};

use crate::catalog::CatalogError;
use crate::catalog::describe::{Describer, Source};
use crate::encoder::EncodeOptions;
use crate::index::WriterOptions;

/// Options for describing, encoding and writing songs.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// How to describe songs that have no description.
    pub describer: Describer,
    /// The weights of a song's own words.
    pub words: WordWeights,
    /// Options for encoding the sentences.
    pub encode: EncodeOptions,
    /// See [`WriterOptions::batch_rows`]. An interrupted build can continue after each batch.
    pub batch_rows: usize,
}

impl Default for BuildOptions {
    /// The embedded templates, and the default options for words, encoder and writer.
    fn default() -> Self {
        Self {
            describer: Describer::default(),
            words: WordWeights::default(),
            encode: EncodeOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// How much a song's own words count in its vector, relative to its scenes and moods, which
/// together have a weight of 1. A weight of 0 leaves that kind of words out.
///
/// A song's vector is the direction of `s - c + w_title * t + w_tags * g + w_lyrics * l`. Here `s`
/// is the mean direction of its scenes and moods, `c` a share of the component that all songs have
/// in common, `t` the vector of its title, and `g` and `l` the means of its tags and lines of
/// lyrics. Each title, tag and line is scaled by how visible its subject is, from 0 (`Untitled 4`)
/// to 1 (`Sunflower`), as estimated with the text tower.
///
/// The higher the weights, the more often a song is found because of its title, and the less often
/// because of its sound; the table in `benches/record/titles.md` shows both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordWeights {
    /// The weight of the title.
    pub title: f64,
    /// The weight of all tags together.
    pub tags: f64,
    /// The weight of all lines of lyrics together.
    pub lyrics: f64,
}

impl WordWeights {
    /// Leaves out all words: songs are described only by their features, genre and year.
    pub const NONE: Self = Self { title: 0.0, tags: 0.0, lyrics: 0.0 };

    /// Checks that all weights are finite and not negative.
    pub(in crate::catalog) fn check(self) -> Result<(), CatalogError> {
        for (source, weight) in self.by_source() {
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(CatalogError::BadWordWeight { words: source.name(), weight });
            }
        }
        Ok(())
    }

    pub(super) fn by_source(self) -> [(Source, f64); 3] {
        [(Source::Title, self.title), (Source::Tags, self.tags), (Source::Lyrics, self.lyrics)]
    }
}

impl Default for WordWeights {
    /// The weight of titles was chosen on training pictures, and those of tags and lyrics by
    /// judgement.
    fn default() -> Self {
        Self { title: 0.8, tags: 0.8, lyrics: 0.4 }
    }
}
