//! Picks diverse songs from a pool of hits by maximal marginal relevance.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::QueryError;
use crate::index::{Hits, SongIndex};
use crate::progress::Progress;

/// A song that may be picked.
struct Candidate {
    /// An upper bound on the gain of picking this song: comparing it with further picks can only
    /// lower the gain.
    gain: f64,
    /// The song's position in the pool.
    rank: usize,
    /// The greatest similarity to the picks it has been compared with. It starts at 0, so an
    /// opposite song has no advantage over an unrelated one: songs should differ enough, not as
    /// much as possible.
    nearest: f64,
    seen: usize,
}

/// If two gains are equal, the song with the better rank is greater.
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_gain = self.gain.total_cmp(&other.gain);
        by_gain.then(other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// Picks `k` songs from `pool`, which is sorted best first, by maximal marginal relevance; see
/// [`QueryOptions::diversity`](super::QueryOptions::diversity).
///
/// A gain never grows with more picks. So a song is compared with new picks only when it is the
/// best candidate, and is picked if it is still the best after that (accelerated greedy search,
/// Minoux 1978). This makes the same picks as comparing every song with every pick, with far fewer
/// comparisons.
pub(super) fn diversify(
    index: &SongIndex,
    pool: &Hits,
    k: usize,
    diversity: f64,
    progress: &mut dyn Progress,
) -> Result<Hits, QueryError> {
    const LOOKS_A_REPORT: usize = 256;
    let (Some(best), Some(worst)) = (pool.first(), pool.last()) else {
        return Ok(pool.clone());
    };
    let top = best.corrected_score;
    let span = top - worst.corrected_score;
    let gain = |rank: usize, nearest: f64| {
        let relevance =
            if span > 0.0 { 1.0 - (top - pool[rank].corrected_score) / span } else { 1.0 };
        (1.0 - diversity) * relevance - diversity * nearest
    };
    let vector = |rank: usize| index.vector(pool[rank].row);
    let mut left: BinaryHeap<Candidate> = (0..pool.len())
        .map(|rank| Candidate { gain: gain(rank, 0.0), rank, nearest: 0.0, seen: 0 })
        .collect();
    let wanted = k.min(pool.len());
    let mut picks: Vec<usize> = Vec::with_capacity(wanted);
    let mut looks = 0_usize;
    while picks.len() < wanted
        && let Some(mut next) = left.pop()
    {
        if looks.is_multiple_of(LOOKS_A_REPORT) {
            progress.at("picking songs that differ", picks.len() as u64, Some(wanted as u64))?;
        }
        looks += 1;
        if next.seen == picks.len() {
            picks.push(next.rank);
            continue;
        }
        for &pick in &picks[next.seen..] {
            next.nearest = next.nearest.max(cosine(vector(next.rank), vector(pick)));
        }
        next.seen = picks.len();
        next.gain = gain(next.rank, next.nearest);
        left.push(next);
    }
    Ok(pool.pick(&picks))
}

/// Uses sixteen partial sums, so that the compiler can use wide registers. `f32` is precise enough
/// for comparing songs.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Embedding;
    use crate::index::{SearchOptions, SongHit, SongIndexError, SongIndexWriter, WriterOptions};
    use crate::progress::Update;
    use crate::query::{HybridQuery, QueryOptions};
    use crate::song::{Song, SongId};
    use proptest::prelude::*;
    use std::ops::ControlFlow;

    /// Compares every song with every pick, following the definition.
    fn by_definition(index: &SongIndex, pool: &[SongHit], k: usize, diversity: f64) -> Vec<usize> {
        let (top, last) = (pool[0].score, pool[pool.len() - 1].score);
        let mut left: Vec<&SongHit> = pool.iter().collect();
        let mut picks: Vec<&SongHit> = Vec::new();
        while picks.len() < k && !left.is_empty() {
            let gain = |hit: &SongHit| {
                let relevance = match top > last {
                    true => 1.0 - (top - hit.score) / (top - last),
                    false => 1.0,
                };
                let similar =
                    |pick: &&SongHit| cosine(index.vector(hit.row), index.vector(pick.row));
                let nearest = picks.iter().map(similar).fold(0.0, f64::max);
                (1.0 - diversity) * relevance - diversity * nearest
            };
            let mut best = 0;
            for at in 1..left.len() {
                if gain(left[at]) > gain(left[best]) {
                    best = at;
                }
            }
            picks.push(left.remove(best));
        }
        picks.iter().map(|hit| hit.row).collect()
    }

    fn index(vectors: &[[i8; 3]]) -> (tempfile::TempDir, SongIndex) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("songs.arrow");
        let options = WriterOptions { normalize: true, ..WriterOptions::new(3) };
        let mut writer = SongIndexWriter::create(&path, options).unwrap();
        for (row, vector) in vectors.iter().enumerate() {
            let song = Song::new(SongId::new(row.to_string()).unwrap());
            writer.push(&song, &vector.map(f32::from)).unwrap();
        }
        writer.finish().unwrap();
        let index = SongIndex::open(&path).unwrap();
        (folder, index)
    }

    proptest! {
        #[test]
        fn the_picks_are_those_of_the_definition(
            // There are few directions, so many gains are equal.
            vectors in prop::collection::vec([-2_i8..3, -2_i8..3, 1_i8..3], 1..60),
            diversity in prop_oneof![Just(1.0), 0.01_f64..1.0],
            k in 1_usize..40,
        ) {
            let (_folder, index) = index(&vectors);
            let query = Embedding::normalize(vec![1.0, 0.5, 0.25], None).unwrap();
            let pool = index.search(&query, &SearchOptions::top(4 * k)).unwrap();
            let picks = diversify(&index, &pool, k, diversity, &mut ()).unwrap();
            let picks: Vec<usize> = picks.iter().map(|hit| hit.row).collect();
            prop_assert_eq!(picks, by_definition(&index, &pool, k, diversity));
        }
    }

    #[test]
    fn picking_can_be_stopped() {
        let (_folder, index) = index(&[[1, 0, 1]; 50]);
        let query = HybridQuery::new().image(index.embedding(0).unwrap());
        let options = QueryOptions { diversity: 0.5, ..QueryOptions::default() };
        let stopped = query.search_with(&index, &options, &mut |_: Update| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(QueryError::Index(SongIndexError::Cancelled))));
        let calm = QueryOptions::default();
        assert!(query.search_with(&index, &calm, &mut |_: Update| ControlFlow::Break(())).is_ok());
    }
}
