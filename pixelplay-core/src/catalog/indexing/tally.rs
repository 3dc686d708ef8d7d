//! Counts the songs of a build, and measures how similar they are.

use std::collections::{BinaryHeap, HashSet};
use std::path::Path;

use super::described::Described;
use super::report::{BuildReport, Likeness};
use crate::catalog::CatalogError;
use crate::catalog::digest::{Digest, digest};
use crate::index::{SongIndex, SongIndexError};
use crate::song::Song;

/// The number of songs that are compared with each other.
const SAMPLE: usize = 512;

/// Counts distinct sentences, descriptions and vectors by their hashes.
#[derive(Default)]
pub(super) struct BuildTally {
    ids: HashSet<Digest>,
    sentences: HashSet<u64>,
    descriptions: HashSet<u64>,
    vectors: HashSet<u64>,
    /// The songs whose ids have the smallest hashes, with the bits of their vectors, because a heap
    /// cannot hold floats.
    sample: BinaryHeap<(Digest, Vec<u32>)>,
    left_out: usize,
    left_out_ids: Vec<String>,
    resumed: usize,
}

impl BuildTally {
    /// Counts a song, whose id must be new.
    pub(super) fn add(
        &mut self,
        Described { song, sentences }: &Described,
        vector: &[f32],
        out: &Path,
    ) -> Result<(), CatalogError> {
        let id = digest([song.id.as_str().as_bytes()]);
        if !self.ids.insert(id) {
            return Err(CatalogError::Index(SongIndexError::BadRow {
                row: self.ids.len(),
                id: song.id.to_string(),
                what: format!(
                    "duplicate id; the ids of the songs for {} must be unique",
                    out.display()
                ),
            }));
        }
        for sentence in sentences {
            self.sentences.insert(short_digest([sentence.text.as_bytes()]));
        }
        self.descriptions
            .insert(short_digest(sentences.iter().map(|sentence| sentence.text.as_bytes())));
        let bits: Vec<u32> = vector.iter().map(|value| value.to_bits()).collect();
        self.vectors.insert(short_digest([bytemuck::cast_slice(&bits)]));
        let is_wanted = self.sample.len() < SAMPLE
            || self.sample.peek().is_some_and(|(greatest, _)| id < *greatest);
        if is_wanted {
            self.sample.push((id, bits));
            if self.sample.len() > SAMPLE {
                self.sample.pop();
            }
        }
        Ok(())
    }

    /// Counts the songs of an index part that an earlier build had finished.
    pub(super) fn add_finished(
        &mut self,
        batch: &[Described],
        index: &SongIndex,
        out: &Path,
    ) -> Result<(), CatalogError> {
        for (row, described) in batch.iter().enumerate() {
            self.add(described, index.vector(row), out)?;
        }
        self.resumed += batch.len();
        Ok(())
    }

    pub(super) fn leave_out(&mut self, song: &Song) {
        const MOST_IDS: usize = 5;
        self.left_out += 1;
        if self.left_out_ids.len() < MOST_IDS {
            self.left_out_ids.push(song.id.to_string());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn songs(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    pub(super) fn report(self) -> BuildReport {
        BuildReport {
            songs: self.ids.len(),
            sentences: self.sentences.len(),
            descriptions: self.descriptions.len(),
            vectors: self.vectors.len(),
            likeness: likeness(&self.sample.into_sorted_vec()),
            left_out: self.left_out,
            left_out_ids: self.left_out_ids,
            resumed: self.resumed,
        }
    }
}

/// Returns half a digest, for items that are only counted: among a million items, the chance that
/// two are counted as one is 1 in 37 million.
fn short_digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let [first, ..] = bytemuck::cast::<Digest, [u64; 2]>(digest(parts));
    first
}

fn likeness(sample: &[(Digest, Vec<u32>)]) -> Option<Likeness> {
    let value = |bits: &u32| f64::from(f32::from_bits(*bits));
    let mut cosines = Vec::new();
    for (at, (_, one)) in sample.iter().enumerate() {
        for (_, other) in &sample[..at] {
            let products = one.iter().zip(other).map(|(a, b)| value(a) * value(b));
            cosines.push(products.sum::<f64>());
        }
    }
    cosines.sort_by(f64::total_cmp);
    let last = cosines.len().checked_sub(1)?;
    Some(Likeness {
        mean: cosines.iter().sum::<f64>() / cosines.len() as f64,
        low: cosines[last / 20],
        high: cosines[last - last / 20],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    fn described(id: &str, sentences: &[&str]) -> Described {
        Described {
            song: Song::new(SongId::new(id).unwrap()),
            sentences: sentences.iter().map(|&text| text.into()).collect(),
        }
    }

    #[test]
    fn what_is_distinct_is_counted_once() {
        let mut tally = BuildTally::default();
        let out = Path::new("songs.arrow");
        for (id, sentences, vector) in [
            ("a", &["one", "two"][..], [1.0, 0.0]),
            ("b", &["one", "two"], [1.0, 0.0]),
            ("c", &["two"], [0.0, 1.0]),
        ] {
            tally.add(&described(id, sentences), &vector, out).unwrap();
        }
        let twin = tally.add(&described("a", &["new"]), &[1.0, 0.0], out);
        assert!(twin.unwrap_err().to_string().contains("unique"));
        let report = tally.report();
        let counts = [report.songs, report.sentences, report.descriptions, report.vectors];
        assert_eq!(counts, [3, 2, 2, 2]);
        // There are three pairs, with cosines of 0, 0 and 1.
        let Likeness { mean, low, high } = report.likeness.unwrap();
        assert!((mean - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((low, high), (0.0, 1.0));
        assert_eq!(likeness(&[]), None);
    }

    #[test]
    fn the_sample_does_not_depend_on_the_order() {
        let of = |ids: &[u32]| {
            let mut tally = BuildTally::default();
            for id in ids {
                let sign = if id % 3 == 0 { 1.0 } else { -1.0 };
                let song = described(&id.to_string(), &["x"]);
                tally.add(&song, &[sign], Path::new("x")).unwrap();
            }
            tally.report().likeness
        };
        let mut ids: Vec<u32> = (0..2000).collect();
        let one = of(&ids);
        ids.reverse();
        assert_eq!(one, of(&ids));
        assert!(one.is_some());
    }
}
