//! The rows that may be among the best for a query, while only bounds of their scores are known.

use super::top_k::{Scored, TopK};
use crate::index::{SongIndex, SongIndexError};
use crate::simd::Backend;

/// So many candidates of a query are kept at least before exact scores thin them out.
const EXTRA_CANDIDATES: usize = 1024;

/// After so many candidates they are thinned out.
fn max_candidates(k: usize) -> usize {
    k.saturating_mul(4).saturating_add(EXTRA_CANDIDATES)
}

/// A little more than the product of two lengths of at most 1.001.
const MAX_SCORE: f64 = 1.0021;

/// Scores queries exactly.
#[derive(Clone, Copy)]
pub(super) struct Scorer<'a> {
    pub(super) index: &'a SongIndex,
    pub(super) backend: Backend,
    /// The share of each row's bias that its score loses.
    pub(super) correction: f64,
    /// The queries, shape `(n, dim)`.
    pub(super) queries: &'a [f32],
}

impl Scorer<'_> {
    /// What a row is ranked by.
    fn score(
        &self,
        query: usize,
        row: usize,
        scratch: &mut Vec<f32>,
    ) -> Result<f64, SongIndexError> {
        let correction = self.index.correction(row, self.correction)?;
        // Adding 0 turns -0.0 into 0.0, which is the same score.
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
        // False for NaN.
        if score.abs() <= MAX_SCORE { Ok(score + 0.0) } else { Err(self.index.bad_vector(row)) }
    }
}

/// The candidates for one query.
pub(super) struct Candidates<'a> {
    scorer: Scorer<'a>,
    query: usize,
    k: usize,
    floor: f64,
    /// The k greatest lower bounds: what cannot reach the least of them is not among the best.
    lower: TopK,
    cutoff: f64,
    list: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// What its score is at most.
    most: f64,
    row: usize,
}

impl<'a> Candidates<'a> {
    /// How much memory the candidates for one query take at most; a list that grows has twice its
    /// room for a moment.
    pub(super) fn max_bytes(k: usize) -> usize {
        let list = max_candidates(k).saturating_mul(2 * size_of::<Candidate>());
        list.saturating_add(k.saturating_mul(2 * size_of::<Scored>()))
    }

    /// For the `k` best of what is not below `floor`. At least `k` different rows that count are
    /// known to reach `cutoff`.
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

    /// A score below this is not among the best.
    pub(super) fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Takes a row whose cosine is between two bounds.
    pub(super) fn offer(
        &mut self,
        row: usize,
        (least, most): (f64, f64),
    ) -> Result<(), SongIndexError> {
        // Rounding keeps order, so the bounds stay bounds.
        let correction = self.scorer.index.correction(row, self.scorer.correction)?;
        let (least, most) = (least - correction, most - correction);
        if most < self.cutoff {
            return Ok(());
        }
        // Of a damaged row the bounds may be anything, and must not push others out.
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

    /// Adds the candidates of other rows.
    pub(super) fn merge(&mut self, other: Self) {
        for scored in other.lower.into_unsorted() {
            self.lower.push(scored);
        }
        self.cutoff = self.cutoff.max(other.cutoff).max(self.lower.threshold());
        self.list.extend(other.list);
    }

    /// The best rows by their exact scores. Asks for no more scores than it takes, the most
    /// promising first.
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

    /// Replaces all candidates by the best of them, whose scores are then known.
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
