//! Exact top-k search by cosine: a scan bounds the score of every row, and exact `f64` scores
//! decide between the few rows that may be among the best.
//!
//! | | |
//! |---|---|
//! | this file | search options and the search itself |
//! | `hits` | search results |
//! | `scan` | a pass over the rows for some queries, shared between threads |
//! | `screening` | score bounds of all rows, which rule most of them out |
//! | `candidates` | the remaining rows, until exact scores decide |
//! | `top_k` | the k best scores of a stream |
//! | `match_percent` | scores as percentages that are meaningful to people |
//! | `threads` | choosing the number of threads, and keeping them awake |
//! | `similar` | songs similar to a given song |

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

/// Options of a search.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// The number of songs to return, 10 by default. Fewer are returned if fewer songs match the
    /// filter and the minimum score.
    pub k: usize,
    /// Return only songs that match this filter.
    pub filter: Option<Filter>,
    /// Do not return these songs. Ids that are not in the index are ignored.
    pub exclude: Vec<SongId>,
    /// Return only songs with at least this score, after any hubness correction.
    pub min_score: Option<f64>,
    /// The maximum number of threads. By default, all threads of rayon's current pool; for a small
    /// catalogue, only the threads that are awake, or a single one. If searches follow each other
    /// closely, threads stay awake for a tenth of a millisecond after each.
    pub threads: Option<NonZeroUsize>,
    /// The share of each song's bias that is subtracted from its score, from 0 (the default) to 1.
    /// Songs are ranked by the result, [`SongHit::corrected_score`], which lowers songs that are
    /// found for nearly every query. The index needs biases; see
    /// [`SongIndexEditor::correct_hubness`](super::SongIndexEditor::correct_hubness).
    pub hubness_correction: f64,
    /// The instruction set to compute with; the fastest by default. It does not change the results.
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
    /// Returns options for the best `k` songs, with defaults otherwise.
    #[must_use]
    pub fn top(k: usize) -> Self {
        Self { k, ..Self::default() }
    }

    /// Returns the minimum score.
    pub(super) fn floor(&self) -> Result<f64, SongIndexError> {
        let value = self.min_score.unwrap_or(f64::NEG_INFINITY);
        if value.is_nan() {
            let column = "score".to_owned();
            return Err(FilterError::NotFinite { column, value }.into());
        }
        Ok(value)
    }

    /// Binds the filter to the columns of the index.
    fn bind_filter(&self, index: &SongIndex) -> Result<Option<BoundFilter>, FilterError> {
        self.filter.as_ref().map(|filter| filter::bind(filter, index)).transpose()
    }

    /// Checks the weight of the correction, and that the index has biases if it is not 0.
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
    /// Returns the `k` songs whose vectors have the greatest cosine with the query, best first.
    ///
    /// The result is exact: songs are ranked by the dot product of the stored vector and the query
    /// in `f64` (16 interleaved partial sums, which are then added pairwise), and equal scores by
    /// row. It is identical to the last bit, regardless of the processor and the number of threads.
    ///
    /// A search takes one pass over the songs that match the filter, limited by memory bandwidth:
    /// it reads their quantized vectors, `dim` bytes per song, or the vectors themselves if the
    /// file is not quantized. The first search of an open index also gathers a sample of it, up to
    /// 512 songs. `cargo bench -p pixelplay-benches --bench search` measures both against a plain
    /// read of memory; `benches/compare` compares with other libraries.
    ///
    /// # Errors
    /// If the query has another dimension or comes from another encoder, if the filter does not fit
    /// the columns, or if a vector turns out not to be a unit vector, which means that the file is
    /// damaged.
    pub fn search(
        &self,
        query: &Embedding,
        options: &SearchOptions,
    ) -> Result<Hits, SongIndexError> {
        let mut results = self.search_many(std::slice::from_ref(query), options)?;
        Ok(results.pop().unwrap_or_else(|| self.hits(Vec::new())))
    }

    /// Runs [`search`](Self::search) for several queries at once: the same results, in one pass
    /// over the vectors.
    ///
    /// # Errors
    /// The same as for [`search`](Self::search).
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

    /// Returns the sample that scores are compared with. The first search gathers it.
    fn sample(&self) -> Result<&Sample, SongIndexError> {
        if let Some(sample) = self.opened.sample.get() {
            return Ok(sample);
        }
        let (mut vectors, mut scratch) = (Vec::new(), Vec::new());
        for row in sample_rows(self.len()) {
            let vector = self.fetch_vector(row, &mut scratch)?;
            // A damaged vector can have any length, which would make the bounds of all scores
            // wrong.
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

    /// Builds the hit of a row that is ranked by its score: its cosine, or its cosine minus a
    /// correction.
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
