//! Candidates: rows that may be among the best for a query, judging by the bounds of their scores.

use super::top_k::{Scored, TopK};
use crate::index::{SongIndex, SongIndexError};
use crate::simd::Backend;

/// The number of candidates that a query collects, in addition to `4 * k`, before exact scores thin
/// them out.
const EXTRA_CANDIDATES: usize = 1024;

/// Returns the number of candidates at which they are thinned out.
fn max_candidates(k: usize) -> usize {
    k.saturating_mul(4).saturating_add(EXTRA_CANDIDATES)
}

/// Slightly more than the product of two lengths of at most 1.001.
const MAX_SCORE: f64 = 1.0021;

/// Scores queries exactly.
#[derive(Clone, Copy)]
pub(super) struct Scorer<'a> {
    pub(super) index: &'a SongIndex,
    pub(super) backend: Backend,
    /// The share of each row's bias that is subtracted from its score.
    pub(super) correction: f64,
    /// The queries, shape `(n, dim)`.
    pub(super) queries: &'a [f32],
}

impl Scorer<'_> {
    /// Returns the score by which a row is ranked.
    fn score(
        &self,
        query: usize,
        row: usize,
        scratch: &mut Vec<f32>,
    ) -> Result<f64, SongIndexError> {
        let correction = self.index.correction(row, self.correction)?;
        // Adding 0 turns -0.0 into 0.0, so that equal scores compare equal.
        Ok(self.cosine(query, row, scratch)? - correction + 0.0)
    }

    pub(super) fn cosine(
        &self,
        query: usize,
        row: usize,
        scratch: &mut Vec<f32>,
    ) -> Result<f64, SongIndexError> {
        let dim = self.index.dim();
        let query = &self.queries[query * dim..(query + 1) * dim];
        let vector = self.index.fetch_vector(row, scratch)?;
        let score = self.backend.dot_f64(vector, query);
        // This comparison is false for NaN.
        if score.abs() <= MAX_SCORE { Ok(score + 0.0) } else { Err(self.index.bad_vector(row)) }
    }
}

/// The candidates for one query.
pub(super) struct Candidates<'a> {
    scorer: Scorer<'a>,
    query: usize,
    k: usize,
    floor: f64,
    /// The k greatest lower bounds. A row that cannot reach the smallest of them is not among the
    /// best.
    lower: TopK,
    cutoff: f64,
    list: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The upper bound of its score.
    most: f64,
    row: usize,
}

impl<'a> Candidates<'a> {
    /// Returns the maximum memory that the candidates for one query take. A growing list briefly
    /// needs twice its size.
    pub(super) fn max_bytes(k: usize) -> usize {
        let list = max_candidates(k).saturating_mul(2 * size_of::<Candidate>());
        list.saturating_add(k.saturating_mul(2 * size_of::<Scored>()))
    }

    /// Collects candidates for the `k` best rows with a score of at least `floor`. The caller knows
    /// that at least `k` different eligible rows reach `cutoff`.
    pub(super) fn new(scorer: Scorer<'a>, query: usize, k: usize, floor: f64, cutoff: f64) -> Self {
        Self {
            scorer,
            query,
            k,
            floor,
            lower: TopK::new(k, f64::NEG_INFINITY),
            cutoff: cutoff.max(floor),
            list: Vec::new(),
        }
    }

    /// Returns a cutoff: rows with a lower score are not among the best.
    pub(super) fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Adds a row whose cosine lies between two bounds.
    pub(super) fn offer(
        &mut self,
        row: usize,
        (least, most): (f64, f64),
    ) -> Result<(), SongIndexError> {
        // Rounding is monotonic, so the bounds stay valid.
        let correction = self.scorer.index.correction(row, self.scorer.correction)?;
        let (least, most) = (least - correction, most - correction);
        if most < self.cutoff {
            return Ok(());
        }
        // A damaged row can have any bounds, and must not displace other rows.
        let (least, most) = match least <= MAX_SCORE {
            true => (least, most),
            false => (f64::NEG_INFINITY, f64::INFINITY),
        };
        // Adding 0 turns -0.0 into 0.0.
        let score = least + 0.0;
        self.list.push(Candidate { most, row });
        self.lower.push(Scored { score, row });
        self.cutoff = self.cutoff.max(self.lower.threshold());
        if self.list.len() >= max_candidates(self.k) {
            self.rescore()?;
        }
        Ok(())
    }

    /// Adds candidates that were collected from other rows.
    pub(super) fn merge(&mut self, other: Self) {
        for scored in other.lower.into_unsorted() {
            self.lower.push(scored);
        }
        self.cutoff = self.cutoff.max(other.cutoff).max(self.lower.threshold());
        self.list.extend(other.list);
    }

    /// Returns the best rows by their exact scores. Computes only as many scores as needed,
    /// starting with the most promising rows.
    pub(super) fn best(&self) -> Result<TopK, SongIndexError> {
        let promising = self.list.iter().filter(|candidate| candidate.most >= self.cutoff);
        let mut promising: Vec<&Candidate> = promising.collect();
        promising.sort_unstable_by(|a, b| b.most.total_cmp(&a.most).then(a.row.cmp(&b.row)));
        let mut best = TopK::new(self.k, self.floor);
        let mut scratch = Vec::new();
        for candidate in promising {
            if candidate.most < best.threshold() {
                break;
            }
            let row = candidate.row;
            let score = self.scorer.score(self.query, row, &mut scratch)?;
            best.push(Scored { score, row });
        }
        Ok(best)
    }

    /// Replaces the candidates with the best of them, with exact scores.
    fn rescore(&mut self) -> Result<(), SongIndexError> {
        let best = self.best()?;
        *self = Self::new(self.scorer, self.query, self.k, self.floor, self.cutoff);
        for Scored { score, row } in best.into_unsorted() {
            self.list.push(Candidate { most: score, row });
            self.lower.push(Scored { score, row });
        }
        self.cutoff = self.cutoff.max(self.lower.threshold());
        Ok(())
    }
}
