//! One pass over the rows for some queries, shared between threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::bounds::{Queries, Rows};
use super::candidates::{Candidates, Scorer};
use super::match_percent::{Calibration, Sample, part};
use super::threads::{in_threads, share};
use super::top_k::{Scored, TopK};
use crate::index::filter::Bound;
use crate::index::hubness::Corrections;
use crate::index::shard::Shard;
use crate::index::{SongIndex, SongIndexError};
use crate::simd::{Backend, LANES};

/// So many queries are calibrated, and their candidates scored, while another thread would only
/// just have woken.
const MIN_PIECE_QUERIES: usize = LANES;
/// How many queries share a pass at most: enough that its memory traffic no longer counts.
const MAX_QUERIES: usize = 1024;
/// What the candidates of a pass take at most, unless fewer queries than a panel holds already take
/// more.
const MAX_CANDIDATE_BYTES: usize = 256 << 20;

/// How many queries share a pass: each thread has candidates of its own for each of them.
pub(super) fn queries_a_pass(k: usize, threads: Option<usize>) -> usize {
    let threads = threads.map_or_else(rayon::current_num_threads, |threads| {
        threads.min(rayon::current_num_threads() + 1)
    });
    let bytes = Candidates::most_bytes(k).saturating_mul(threads);
    (MAX_CANDIDATE_BYTES / bytes).clamp(LANES, MAX_QUERIES) / LANES * LANES
}
/// What is wanted of every query.
pub(super) struct Wanted {
    pub(super) filter: Option<Bound>,
    /// Ascending.
    pub(super) excluded: Vec<usize>,
    pub(super) k: usize,
    pub(super) floor: f64,
    /// The share of each row's bias that its score loses.
    pub(super) correction: f64,
    pub(super) backend: Backend,
}

pub(super) struct Scan<'a> {
    pub(super) index: &'a SongIndex,
    pub(super) wanted: &'a Wanted,
    pub(super) queries: Queries,
    pub(super) threads: Option<usize>,
}

impl Scan<'_> {
    /// The best rows for each query, and where its scores lie over the whole catalogue.
    pub(super) fn run(
        &self,
        sample: &Sample,
    ) -> Result<Vec<(Vec<Scored>, Calibration)>, SongIndexError> {
        let wanted = self.wanted;
        // Otherwise rows of the sample may be among those that do not count, or rank by something
        // else.
        let all_count = wanted.filter.is_none() && wanted.excluded.is_empty();
        let k = match all_count && wanted.correction == 0.0 {
            true => wanted.k,
            false => usize::MAX,
        };
        let groups = self.queries.len().div_ceil(LANES);
        let calibrated = self.each(groups, |group| self.queries.score(sample, group, k)).concat();
        let reached: Vec<f64> = calibrated.iter().map(|(_, reached)| *reached).collect();
        let found = self.all_rows(&reached)?;
        let tops = self.each(found.len(), |at| found[at].best().map(TopK::into_sorted));
        let with_calibration = |(top, (calibration, _)): (Result<_, _>, _)| Ok((top?, calibration));
        tops.into_iter().zip(calibrated).map(with_calibration).collect()
    }

    /// The candidates of all rows.
    fn all_rows(&self, reached: &[f64]) -> Result<Vec<Candidates<'_>>, SongIndexError> {
        let rows = self.index.len();
        let (threads, pieces) = share(self.threads, rows, self.work());
        let next = AtomicUsize::new(0);
        // Each thread takes the next piece until there is none, so one that is held up holds up
        // nobody.
        let work = || -> Result<Option<Vec<Candidates<'_>>>, SongIndexError> {
            let mut found = None;
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return Ok(found);
                }
                let range = part(rows, piece, pieces)..part(rows, piece + 1, pieces);
                let found = found.get_or_insert_with(|| self.candidates(reached));
                if let Err(error) = self.rows(range, found) {
                    // Nobody needs the rest.
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
            backend: self.wanted.backend,
            correction: self.wanted.correction,
            queries: &self.queries.values,
        }
    }

    fn candidates(&self, reached: &[f64]) -> Vec<Candidates<'_>> {
        let scorer = self.scorer();
        let (k, floor) = (self.wanted.k, self.wanted.floor);
        let of_query = |(query, &reached)| Candidates::new(scorer, query, k, floor, reached);
        reached.iter().enumerate().map(of_query).collect()
    }

    /// Adds the candidates of a range of rows.
    fn rows(&self, rows: Range<usize>, found: &mut [Candidates<'_>]) -> Result<(), SongIndexError> {
        for span in self.index.spans(rows) {
            let mask = match &self.wanted.filter {
                Some(filter) => {
                    Some(filter.rows(self.index, span.shard, span.batch, span.range.clone())?)
                }
                None => None,
            };
            let biases = span.batch.biases.as_ref();
            let corrections = biases.filter(|_| self.wanted.correction > 0.0);
            let rows = Rows {
                corrections: corrections
                    .map(|biases| Corrections { biases, weight: self.wanted.correction }),
                span,
                mask,
                excluded: &self.wanted.excluded,
            };
            self.queries.screen(&rows, found)?;
        }
        Ok(())
    }

    /// How many bytes are multiplied.
    pub(super) fn work(&self) -> usize {
        let has_twin = self.index.shards.iter().all(Shard::has_twin);
        self.index.len().saturating_mul(self.queries.len() * self.queries.row_bytes(has_twin))
    }

    /// Does something so many times, in several threads if the queries are many.
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
