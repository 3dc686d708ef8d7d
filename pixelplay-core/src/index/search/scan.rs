//! One pass over the rows for a group of queries, shared between threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::candidates::{Candidates, Scorer};
use super::match_percent::{Sample, ScoreDistribution, split_point};
use super::screening::{Queries, Rows};
use super::threads::{in_threads, split_work};
use super::top_k::{Scored, TopK};
use crate::index::filter::{self, BoundFilter};
use crate::index::hubness::Corrections;
use crate::index::shard::Shard;
use crate::index::{SongIndex, SongIndexError};
use crate::simd::{Backend, LANES};

/// The number of queries that can be compared with the sample, and their candidates scored, in the
/// time that another thread takes to wake.
const MIN_PIECE_QUERIES: usize = LANES;
/// The maximum number of queries that share a pass. At this number, memory traffic no longer
/// matters.
const MAX_QUERIES: usize = 1024;
/// The maximum size of the candidates of a pass. It is exceeded only if the queries of a single
/// panel need more.
const MAX_CANDIDATE_BYTES: usize = 256 << 20;

/// Returns the number of queries that share a pass. Each thread keeps separate candidates for each
/// query.
pub(super) fn queries_a_pass(k: usize, threads: Option<usize>) -> usize {
    let threads = threads.map_or_else(rayon::current_num_threads, |threads| {
        threads.min(rayon::current_num_threads() + 1)
    });
    let bytes = Candidates::max_bytes(k).saturating_mul(threads);
    (MAX_CANDIDATE_BYTES / bytes).clamp(LANES, MAX_QUERIES) / LANES * LANES
}

/// The search criteria that all queries share.
pub(super) struct Criteria {
    pub(super) filter: Option<BoundFilter>,
    /// In ascending order.
    pub(super) excluded: Vec<usize>,
    pub(super) k: usize,
    pub(super) floor: f64,
    /// The share of each row's bias that is subtracted from its score.
    pub(super) correction: f64,
    pub(super) backend: Backend,
}

pub(super) struct Scan<'a> {
    pub(super) index: &'a SongIndex,
    pub(super) criteria: &'a Criteria,
    pub(super) queries: Queries,
    pub(super) threads: Option<usize>,
}

impl Scan<'_> {
    /// Returns, for each query, the best rows and the distribution of its scores over the whole
    /// catalogue.
    pub(super) fn run(
        &self,
        sample: &Sample,
    ) -> Result<Vec<(Vec<Scored>, ScoreDistribution)>, SongIndexError> {
        let criteria = self.criteria;
        // Otherwise rows of the sample may be filtered out, or ranked by a corrected score.
        let all_count = criteria.filter.is_none() && criteria.excluded.is_empty();
        let k = match all_count && criteria.correction == 0.0 {
            true => criteria.k,
            false => usize::MAX,
        };
        let groups = self.queries.len().div_ceil(LANES);
        let distributions =
            self.each(groups, |group| self.queries.score(sample, group, k)).concat();
        let reached: Vec<f64> = distributions.iter().map(|(_, reached)| *reached).collect();
        let found = self.all_rows(&reached)?;
        let tops = self.each(found.len(), |at| found[at].best().map(TopK::into_sorted));
        let with_distribution =
            |(top, (distribution, _)): (Result<_, _>, _)| Ok((top?, distribution));
        tops.into_iter().zip(distributions).map(with_distribution).collect()
    }

    /// Collects the candidates of all rows.
    fn all_rows(&self, reached: &[f64]) -> Result<Vec<Candidates<'_>>, SongIndexError> {
        let rows = self.index.len();
        let (threads, pieces) = split_work(self.threads, rows, self.work());
        let next = AtomicUsize::new(0);
        // Each thread takes the next piece until none is left, so a delayed thread does not delay
        // the others.
        let work = || -> Result<Option<Vec<Candidates<'_>>>, SongIndexError> {
            let mut found = None;
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return Ok(found);
                }
                let range = split_point(rows, piece, pieces)..split_point(rows, piece + 1, pieces);
                let found = found.get_or_insert_with(|| self.candidates(reached));
                if let Err(error) = self.rows(range, found) {
                    // Skip the remaining pieces.
                    next.store(pieces, Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        let mut merged = self.candidates(reached);
        for found in in_threads(threads, work) {
            for (merged, found) in merged.iter_mut().zip(found?.into_iter().flatten()) {
                merged.merge(found);
            }
        }
        Ok(merged)
    }

    pub(super) fn scorer(&self) -> Scorer<'_> {
        Scorer {
            index: self.index,
            backend: self.criteria.backend,
            correction: self.criteria.correction,
            queries: &self.queries.values,
        }
    }

    fn candidates(&self, reached: &[f64]) -> Vec<Candidates<'_>> {
        let scorer = self.scorer();
        let (k, floor) = (self.criteria.k, self.criteria.floor);
        let of_query = |(query, &reached)| Candidates::new(scorer, query, k, floor, reached);
        reached.iter().enumerate().map(of_query).collect()
    }

    /// Adds the candidates of a range of rows.
    fn rows(&self, rows: Range<usize>, found: &mut [Candidates<'_>]) -> Result<(), SongIndexError> {
        for span in self.index.spans(rows) {
            let mask = filter::mask(self.criteria.filter.as_ref(), self.index, &span)?;
            let biases = span.batch.biases.as_ref();
            let corrections = biases.filter(|_| self.criteria.correction > 0.0);
            let rows = Rows {
                corrections: corrections
                    .map(|biases| Corrections { biases, weight: self.criteria.correction }),
                span,
                mask,
                excluded: &self.criteria.excluded,
            };
            self.queries.find_candidates(&rows, found)?;
        }
        Ok(())
    }

    /// Returns the amount of work, in bytes of vectors times queries.
    pub(super) fn work(&self) -> usize {
        let is_quantized = self.index.opened.shards.iter().all(Shard::is_quantized);
        self.index.len().saturating_mul(self.queries.len() * self.queries.row_bytes(is_quantized))
    }

    /// Calls `work` `count` times, on several threads if there are many queries.
    fn each<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let threads = self.threads.unwrap_or_else(rayon::current_num_threads);
        let pieces = threads.min(self.queries.len() / MIN_PIECE_QUERIES).clamp(1, count.max(1));
        if pieces == 1 {
            return (0..count).map(work).collect();
        }
        (0..pieces)
            .into_par_iter()
            .flat_map_iter(|piece| {
                (count * piece / pieces..count * (piece + 1) / pieces).map(&work)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_results_of_many_queries_come_in_several_passes() {
        assert_eq!(queries_a_pass(10, Some(1)), MAX_QUERIES);
        let few = queries_a_pass(100_000, Some(1));
        assert!((LANES..MAX_QUERIES).contains(&few) && few.is_multiple_of(LANES));
        assert_eq!(queries_a_pass(usize::MAX, None), LANES);
    }
}
