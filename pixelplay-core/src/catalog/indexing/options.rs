//! How songs become an index.

use serde::{Deserialize, Serialize};

use crate::catalog::CatalogError;
use crate::catalog::describe::{Describer, Source};
use crate::encoder::EncodeOptions;
use crate::index::WriterOptions;

/// How to describe, encode and write songs.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// How songs without a description of their own are described.
    pub describer: Describer,
    /// How much a song's own words count.
    pub words: WordWeights,
    /// How the sentences go through the encoder.
    pub encode: EncodeOptions,
    /// See [`WriterOptions::batch_rows`]. Also after how many songs a build can go on that was
    /// interrupted.
    pub batch_rows: usize,
}

impl Default for BuildOptions {
    /// The embedded templates, and the own defaults of words, encoder and writer.
    fn default() -> Self {
        Self {
            describer: Describer::default(),
            words: WordWeights::default(),
            encode: EncodeOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// How much a song's own words count in its vector, beside its scenes and moods, which count 1
/// together. 0 leaves a kind of words out.
///
/// A song's vector is the direction of `s - c + w_title * t + w_tags * g + w_lyrics * l`: `s` is the
/// mean direction of its scenes and moods, `c` a share of what all songs have in common, `t` the
/// vector of its title, `g` and `l` the means of its tags and lines of lyrics. Each title, tag and
/// line is scaled by how much of it can be seen, from 0 (`Untitled 4`) to 1 (`Sunflower`), which the
/// text tower itself tells.
///
/// The more words count, the more often a song is found for what it is called, and the less for how
/// it sounds; the table in `benches/record/titles.md` shows both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordWeights {
    /// Of the title.
    pub title: f64,
    /// Of all tags together.
    pub tags: f64,
    /// Of all lines of lyrics together.
    pub lyrics: f64,
}

impl WordWeights {
    /// Words are left out; songs are described by their features, genre and year alone.
    pub const NONE: Self = Self { title: 0.0, tags: 0.0, lyrics: 0.0 };

    /// That all can be weights.
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
    /// Chosen on training pictures for titles; tags and lyrics follow by judgement.
    fn default() -> Self {
        Self { title: 0.8, tags: 0.8, lyrics: 0.4 }
    }
}
