//! Exact top-k by cosine: a scan that bounds the score of every row, and scores in `f64` that
//! decide between the few rows that may be among the best.
//!
//! | | |
//! |---|---|
//! | this file | what to search for |
//! | `hits` | what is found |
//! | `scan` | a pass over the rows for some queries, shared between threads |
//! | `screening` | bounds of the scores of all rows, which tell most of them apart from the best |
//! | `candidates` | the rows that are left, until exact scores decide |
//! | `top_k` | the k best of a stream of scores |
//! | `match_percent` | scores as percentages that mean something to a person |
//! | `threads` | how many threads, and how they stay awake |
//! | `similar` | songs like a song |

mod candidates;
mod hits;
mod match_percent;
mod scan;
mod screening;
mod similar;
mod threads;
mod top_k;

use std::num::NonZeroUsize;

pub use self::hits::{Hits, SongHit};
pub(super) use self::match_percent::Sample;
pub(super) use self::similar::Features;
pub use self::similar::{AUDIO_FEATURES, By};

use self::match_percent::{ScoreDistribution, sample_rows};
use self::scan::{Criteria, Scan, queries_a_pass};
use self::screening::Queries;
use self::threads::KeepAwake;
use self::top_k::Scored;
use super::filter::{self, BoundFilter, Filter, FilterError};
use super::{SongIndex, SongIndexError};
use crate::embedding::Embedding;
use crate::simd::Backend;
use crate::song::SongId;

/// What to search for beside the query.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// How many songs to return; fewer where the index, filter or floor allow no more. 10 by
    /// default.
    pub k: usize,
    /// Return only songs that fulfil this.
    pub filter: Option<Filter>,
    /// Do not return these songs; ids that the index does not have are passed over.
    pub exclude: Vec<SongId>,
    /// Return only songs with at least this score, corrected if a correction is asked for.
    pub min_score: Option<f64>,
    /// How many threads to use at most. By default all of rayon's current pool; where the catalogue
    /// is small only those that are awake, or one. Behind searches that follow each other closely,
    /// threads stay awake for a tenth of a millisecond.
    pub threads: Option<NonZeroUsize>,
    /// How much of each song's bias is subtracted from its score, 0 to 1; 0, so nothing, by
    /// default. Songs are ranked by what is left, [`SongHit::corrected_score`], so that those that
    /// turn up for everything stand back. The index needs biases, see
    /// [`SongIndexEditor::correct_hubness`](super::SongIndexEditor::correct_hubness).
    pub hubness_correction: f64,
    /// The instructions to compute with; the fastest by default. The results are the same.
    pub backend: Option<Backend>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            filter: None,
            exclude: Vec::new(),
            min_score: None,
            threads: None,
            hubness_correction: 0.0,
            backend: None,
        }
    }
}

impl SearchOptions {
    /// The best `k` songs.
    #[must_use]
    pub fn top(k: usize) -> Self {
        Self { k, ..Self::default() }
    }

    /// The least score that is wanted.
    pub(super) fn floor(&self) -> Result<f64, SongIndexError> {
        let value = self.min_score.unwrap_or(f64::NEG_INFINITY);
        if value.is_nan() {
            let column = "score".to_owned();
            return Err(FilterError::NotFinite { column, value }.into());
        }
        Ok(value)
    }

    /// The filter, its columns found in the index.
    fn bind_filter(&self, index: &SongIndex) -> Result<Option<BoundFilter>, FilterError> {
        self.filter.as_ref().map(|filter| filter::bind(filter, index)).transpose()
    }

    /// The share of the biases that is subtracted, if the index has them.
    fn correction_weight(&self, index: &SongIndex) -> Result<f64, SongIndexError> {
        let weight = self.hubness_correction;
        if !(0.0..=1.0).contains(&weight) {
            return Err(SongIndexError::BadHubnessCorrection { weight });
        }
        if weight > 0.0 && !index.is_empty() && index.query_bank().is_none() {
            return Err(SongIndexError::NoHubnessCorrection { path: index.path().to_owned() });
        }
        Ok(weight)
    }
}

impl SongIndex {
    /// The `k` songs whose vectors have the greatest cosine with the query, best first.
    ///
    /// The result is exact: songs are ranked by the dot product of the stored vector and the query
    /// in `f64` (summed in 16 interleaved partial sums, which are then added pairwise), equal
    /// scores by row. It is the same, to the last bit, on every processor and with any number of
    /// threads.
    ///
    /// Costs one pass over the songs that fulfil the filter: over their vectors in 8 bits, `dim`
    /// bytes a song, or in a file without those over the vectors themselves, about as long as
    /// memory takes to deliver them. The first search of an open index also gathers a sample of it,
    /// up to 512 songs. `cargo bench -p pixelplay-benches --bench search` measures both beside a
    /// plain read of memory; `benches/compare` compares with other libraries.
    ///
    /// # Errors
    /// If the query has another dimension or comes from another encoder, if the filter does not fit
    /// the columns, or if a vector met on the way is not a unit vector, so that the file must be
    /// damaged.
    pub fn search(
        &self,
        query: &Embedding,
        options: &SearchOptions,
    ) -> Result<Hits, SongIndexError> {
        let mut results = self.search_many(std::slice::from_ref(query), options)?;
        Ok(results.pop().unwrap_or_else(|| self.hits(Vec::new())))
    }

    /// [`search`](Self::search) for several queries at once: the same results, in one pass over the
    /// vectors.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_many(
        &self,
        queries: &[Embedding],
        options: &SearchOptions,
    ) -> Result<Vec<Hits>, SongIndexError> {
        let excluded = self.rows_of(&options.exclude);
        self.search_excluding(queries, options, excluded)
    }

    pub(super) fn search_excluding(
        &self,
        queries: &[Embedding],
        options: &SearchOptions,
        mut excluded: Vec<usize>,
    ) -> Result<Vec<Hits>, SongIndexError> {
        self.check_queries(queries)?;
        let floor = options.floor()?;
        excluded.sort_unstable();
        let criteria = Criteria {
            filter: options.bind_filter(self)?,
            excluded,
            k: options.k.min(self.len()),
            floor,
            correction: options.correction_weight(self)?,
            backend: options.backend.unwrap_or_default(),
        };
        let threads = options.threads.map(NonZeroUsize::get);
        let mut hits = Vec::with_capacity(queries.len());
        for queries in queries.chunks(queries_a_pass(criteria.k, threads)) {
            if criteria.k == 0 {
                hits.extend(queries.iter().map(|_| self.hits(Vec::new())));
                continue;
            }
            let values = queries.iter().flat_map(|query| query.as_slice());
            let scan = Scan {
                index: self,
                criteria: &criteria,
                queries: Queries::new(criteria.backend, self.dim(), values.copied().collect()),
                threads,
            };
            let keep_awake = KeepAwake::begin();
            let found = scan.run(self.sample()?)?;
            keep_awake.end(threads, scan.work());
            for (query, (top, distribution)) in found.into_iter().enumerate() {
                let mut scratch = Vec::new();
                let hit = |scored: Scored| {
                    let cosine = match criteria.correction {
                        0.0 => scored.score,
                        _ => scan.scorer().cosine(query, scored.row, &mut scratch)?,
                    };
                    self.hit(cosine, scored, &distribution)
                };
                hits.push(self.hits(top.into_iter().map(hit).collect::<Result<_, _>>()?));
            }
        }
        Ok(hits)
    }

    /// The rows that scores are compared with, which the first search gathers.
    fn sample(&self) -> Result<&Sample, SongIndexError> {
        if let Some(sample) = self.opened.sample.get() {
            return Ok(sample);
        }
        let (mut vectors, mut scratch) = (Vec::new(), Vec::new());
        for row in sample_rows(self.len()) {
            let vector = self.fetch_vector(row, &mut scratch)?;
            // The lengths of damaged vectors are unknown, and so would be the bounds of all scores.
            Embedding::new(vector, None).map_err(|_| self.bad_vector(row))?;
            vectors.extend_from_slice(vector);
        }
        Ok(self.opened.sample.get_or_init(|| Sample::new(&vectors, self.dim())))
    }

    pub(super) fn rows_of(&self, ids: &[SongId]) -> Vec<usize> {
        ids.iter().filter_map(|id| self.row(id.as_str())).collect()
    }

    fn hits(&self, hits: Vec<SongHit>) -> Hits {
        Hits { index: self.clone(), hits }
    }

    /// A row that is ranked by its score, which is its cosine or that less a correction.
    pub(super) fn hit(
        &self,
        cosine: f64,
        scored: Scored,
        distribution: &ScoreDistribution,
    ) -> Result<SongHit, SongIndexError> {
        Ok(SongHit {
            index: self.clone(),
            row: scored.row,
            id: self.song_id(scored.row)?,
            score: cosine,
            corrected_score: scored.score,
            match_percent: distribution.match_percent(cosine),
        })
    }
}
