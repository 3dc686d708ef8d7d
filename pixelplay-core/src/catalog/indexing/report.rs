//! The report of a build.

use std::fmt;

use serde::Serialize;

use crate::catalog::clean::counted;

/// What [`build_index`](super::build_index) wrote to the index, and how distinct the songs are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// The number of songs written.
    pub songs: usize,
    /// The number of distinct sentences.
    pub sentences: usize,
    /// The number of distinct descriptions.
    pub descriptions: usize,
    /// The number of distinct vectors: how many songs the index can distinguish.
    pub vectors: usize,
    /// How similar the songs are to each other; `None` if there is only one song.
    pub likeness: Option<Likeness>,
    /// The number of songs left out because they have no data that could describe them.
    pub left_out: usize,
    /// The ids of the first five of these.
    pub left_out_ids: Vec<String>,
    /// The number of songs that an earlier, interrupted build had finished.
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
                "  cosine of two songs: {mean:.2} on average, {low:.2} to {high:.2} for nine pairs in ten"
            )?;
        }
        if self.resumed > 0 {
            let songs = counted(self.resumed as u64, "song");
            writeln!(f, "  {songs} taken from an interrupted build")?;
        }
        if self.left_out > 0 {
            let more = if self.left_out > self.left_out_ids.len() { ", ..." } else { "" };
            writeln!(
                f,
                "  {} left out because nothing describes them: {}{more}",
                counted(self.left_out as u64, "song"),
                self.left_out_ids.join(", ")
            )?;
        }
        Ok(())
    }
}

/// How similar the songs of a catalogue are: the cosines between the vectors of up to 512 songs,
/// sampled by their ids.
///
/// The lower they are, the better a query can distinguish songs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// The mean cosine.
    pub mean: f64,
    /// The cosine that 5 % of the pairs stay below.
    pub low: f64,
    /// The cosine that 5 % of the pairs exceed.
    pub high: f64,
}
