//! How songs become an index.

use crate::catalog::Describer;
use crate::encoder::EncodeOptions;
use crate::index::WriterOptions;

/// How to describe, encode and write songs.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// How songs without a description of their own are described.
    pub describer: Describer,
    /// Whether `TITLE by ARTIST` is one more sentence of each song. Names pull a song towards
    /// pictures of what they mean, whatever it sounds like; so they stay out unless asked for.
    pub names: bool,
    /// How the sentences go through the encoder.
    pub encode: EncodeOptions,
    /// See [`WriterOptions::batch_rows`]. Also after how many songs a build can go on that was
    /// interrupted.
    pub batch_rows: usize,
}

impl Default for BuildOptions {
    /// The embedded templates, no names, and the encoder's and the writer's own defaults.
    fn default() -> Self {
        Self {
            describer: Describer::default(),
            names: false,
            encode: EncodeOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}
