//! What building did.

use std::fmt;

use serde::Serialize;

use crate::catalog::clean::counted;

/// What [`build_index`](super::build_index) put into the index, and how well its songs can be told
/// apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// Songs written.
    pub songs: usize,
    /// Distinct sentences.
    pub sentences: usize,
    /// Distinct descriptions.
    pub descriptions: usize,
    /// Distinct vectors: how many songs the index can tell apart.
    pub vectors: usize,
    /// How alike the songs are to each other; `None` for a single one.
    pub likeness: Option<Likeness>,
    /// Songs left out because nothing is known that a description could be made of.
    pub left_out: usize,
    /// The ids of the first five of them.
    pub left_out_ids: Vec<String>,
    /// Songs that an earlier build, interrupted, had finished.
    pub resumed: usize,
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} written, with {} and {} of {}",
            counted(self.songs as u64, "song"),
            counted(self.vectors as u64, "distinct vector"),
            counted(self.descriptions as u64, "distinct description"),
            counted(self.sentences as u64, "sentence"),
        )?;
        if let Some(Likeness { mean, low, high }) = self.likeness {
            writeln!(
                f,
                "  cosine of two songs: {mean:.2} on average, for nine pairs in ten {low:.2} to {high:.2}"
            )?;
        }
        if self.resumed > 0 {
            let songs = counted(self.resumed as u64, "song");
            writeln!(f, "  {songs} taken from the build that was interrupted")?;
        }
        if self.left_out > 0 {
            let more = if self.left_out > self.left_out_ids.len() { ", ..." } else { "" };
            writeln!(
                f,
                "  {} left out, nothing to describe by: {}{more}",
                counted(self.left_out as u64, "song"),
                self.left_out_ids.join(", ")
            )?;
        }
        Ok(())
    }
}

/// How alike two songs of a catalogue are: the cosines between its songs' vectors, of up to 512
/// songs drawn by their ids.
///
/// The lower they are, the better a question can tell songs apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// The mean cosine.
    pub mean: f64,
    /// The cosine that 5 % of the pairs stay below.
    pub low: f64,
    /// The cosine that 5 % of the pairs exceed.
    pub high: f64,
}
