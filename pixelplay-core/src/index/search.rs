//! Exact top-k by cosine: a scan in `f32` that screens, and scores in `f64` that decide.

use std::num::NonZeroUsize;
use std::ops::Range;

use rayon::prelude::*;

use super::calibrate::Calibration;
use super::filter::{Filter, FilterError};
use super::filter_eval::{self, Bound};
use super::top_k::{Scored, TopK};
use super::{SongIndex, SongIndexError};
use crate::embedding::{Embedding, same_space};
use crate::simd::Backend;
use crate::song::SongId;

/// How much of the matrix is scanned at once: small enough to stay in a core's cache while several queries pass over.
const TILE_BYTES: usize = 128 << 10;
/// How many queries pass over a tile before their scores are looked at.
const QUERY_GROUP: usize = 16;
/// How many scores are compared with the cutoff at once.
const SCREEN_CHUNK: usize = 16;
/// Below this much work, in bytes of matrix times queries, waking other threads costs more than it saves: on two cores
/// one and two threads were equally fast at 8 MB (0.40 ms), and two won at 16 MB (0.41 against 0.66 ms).
const PARALLEL_BYTES: usize = 8 << 20;
/// Pieces for each thread: more than one, so that a thread that was held up does not hold up the rest.
const PIECES_A_THREAD: usize = 4;
/// A piece has at least as many rows, because each piece keeps its own best rows and all are merged.
const MIN_PIECE_ROWS: usize = 64;
/// Far more than there are threads in any machine.
const MAX_PIECES: usize = 1024;

/// What to search for beside the query.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// How many songs to return; fewer where the index, filter or floor allow no more. 10 by default.
    pub k: usize,
    /// Return only songs that fulfil this.
    pub filter: Option<Filter>,
    /// Do not return these songs; ids that the index does not have are passed over.
    pub exclude: Vec<SongId>,
    /// Return only songs with at least this score.
    pub min_score: Option<f64>,
    /// How many threads to use at most. By default all of rayon's current pool, or one where the catalogue is small.
    pub threads: Option<NonZeroUsize>,
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
            backend: None,
        }
    }
}

/// A song found by a search.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SongHit {
    /// Its row in the index.
    pub row: usize,
    /// Its id.
    pub id: SongId,
    /// The cosine between its vector and the query: greater is closer, 1 is the same direction.
    pub score: f64,
    /// How well it matches compared with the rest of the catalogue, 0 to 100: 50 is the average song.
    ///
    /// Cosines of pictures with texts mean little to a person: CLIP's lie between 0.15 and 0.35. So the score is
    /// placed among the scores that the same query gives to up to 512 songs, evenly spaced over the whole
    /// catalogue: `100 * Phi((score - mean) / (2 * sd))`, with the normal distribution function `Phi`. It does not
    /// depend on `k`, filter, threads or backend. Where there is no spread it is 50.
    pub match_percent: f64,
}

impl SearchOptions {
    /// The least score that is wanted.
    pub(super) fn floor(&self) -> Result<f64, SongIndexError> {
        let value = self.min_score.unwrap_or(f64::NEG_INFINITY);
        if value.is_nan() {
            let column = "score".to_owned();
            return Err(FilterError::NotFinite { column, value }.into());
        }
        Ok(value)
    }
}

impl SongIndex {
    /// The `k` songs whose vectors have the greatest cosine with the query, best first.
    ///
    /// The result is exact: songs are ranked by the dot product of the stored vector and the query in `f64` (summed
    /// in 16 interleaved partial sums, which are then added pairwise), equal scores by row. It is the same, to the
    /// last bit, on every processor and with any number of threads.
    ///
    /// Costs one pass over the vectors of the songs that fulfil the filter, about as long as it takes to read them
    /// from memory (`cargo bench -p pixelplay-benches --bench search` measures both side by side).
    ///
    /// # Errors
    /// If the query has another dimension or comes from another encoder, if the filter does not fit the columns, or
    /// if a vector met on the way is not a unit vector, so that the file must be damaged.
    pub fn search(
        &self,
        query: &Embedding,
        options: &SearchOptions,
    ) -> Result<Vec<SongHit>, SongIndexError> {
        let mut results = self.search_many(std::slice::from_ref(query), options)?;
        Ok(results.pop().unwrap_or_default())
    }

    /// [`search`](Self::search) for several queries at once: the same results, in one pass over the vectors.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_many(
        &self,
        queries: &[Embedding],
        options: &SearchOptions,
    ) -> Result<Vec<Vec<SongHit>>, SongIndexError> {
        let excluded = self.rows_of(&options.exclude);
        self.search_excluding(queries, options, excluded)
    }

    pub(super) fn search_excluding(
        &self,
        queries: &[Embedding],
        options: &SearchOptions,
        mut excluded: Vec<usize>,
    ) -> Result<Vec<Vec<SongHit>>, SongIndexError> {
        for query in queries {
            same_space(
                (self.dim(), self.fingerprint()),
                (query.dim(), query.fingerprint()),
            )?;
        }
        let floor = options.floor()?;
        excluded.sort_unstable();
        let filter = options.filter.as_ref();
        let scan = Scan {
            index: self,
            queries: queries
                .iter()
                .flat_map(|query| query.as_slice())
                .copied()
                .collect(),
            filter: filter
                .map(|filter| filter_eval::bind(filter, self))
                .transpose()?,
            excluded,
            k: options.k.min(self.len()),
            floor,
            backend: options.backend.unwrap_or_default(),
            error: screening_error(self.dim()),
        };
        let threads = options.threads.map(NonZeroUsize::get);
        let tops = scan.run(threads)?;
        if tops.iter().all(Vec::is_empty) {
            return Ok(vec![Vec::new(); queries.len()]);
        }
        let calibrations = scan.calibrations(threads)?;
        let hits = |(top, calibration): (Vec<Scored>, _)| {
            let hits = top.into_iter().map(|scored| self.hit(scored, &calibration));
            hits.collect()
        };
        tops.into_iter().zip(calibrations).map(hits).collect()
    }

    pub(super) fn rows_of(&self, ids: &[SongId]) -> Vec<usize> {
        ids.iter().filter_map(|id| self.row(id.as_str())).collect()
    }

    pub(super) fn hit(
        &self,
        scored: Scored,
        calibration: &Calibration,
    ) -> Result<SongHit, SongIndexError> {
        Ok(SongHit {
            row: scored.row,
            id: self.song_id(scored.row)?,
            score: scored.score,
            match_percent: calibration.percent(scored.score),
        })
    }
}

/// How far the `f32` scan may be from [`Backend::dot_f64`] for unit vectors of `n` values.
///
/// Let `u = 2^-24`. Each product passes through at most `n` roundings on its way into the sum, in whatever order the
/// sums are taken and whether products are fused or not (zeros added as padding change nothing), so the error is at
/// most `g * sum |x_i q_i|` with `g = n u / (1 - n u)` (Higham, Accuracy and Stability of Numerical Algorithms,
/// 2nd ed., section 3.1), and by Cauchy-Schwarz at most `g |x| |q|`. Lengths are at most 1.001 on both sides. The `f64`
/// score obeys the same with `u = 2^-53`. Products that underflow lose at most `2^-126` each.
fn screening_error(n: usize) -> f64 {
    let n = n as f64;
    let gamma = |u: f64| n * u / (1.0 - n * u);
    let lengths = 1.0011 * 1.0011;
    (gamma(2.0_f64.powi(-24)) + gamma(2.0_f64.powi(-53))) * lengths + n * 2.0_f64.powi(-126)
}

/// Into how many pieces to cut a scan. Pieces bound the threads: there is nothing to do for one more.
fn pieces(threads: Option<usize>, rows: usize, work: usize) -> usize {
    let wanted = match threads {
        Some(threads) => threads,
        None if work < PARALLEL_BYTES => 1,
        None => match rayon::current_num_threads() {
            1 => 1,
            threads => threads * PIECES_A_THREAD,
        },
    };
    wanted.clamp(1, MAX_PIECES.min((rows / MIN_PIECE_ROWS).max(1)))
}

struct Scan<'a> {
    index: &'a SongIndex,
    /// Shape `(m, dim)`.
    queries: Vec<f32>,
    filter: Option<Bound>,
    /// Ascending.
    excluded: Vec<usize>,
    k: usize,
    floor: f64,
    backend: Backend,
    error: f64,
}

impl Scan<'_> {
    /// The best rows for each query.
    fn run(&self, threads: Option<usize>) -> Result<Vec<Vec<Scored>>, SongIndexError> {
        let rows = self.index.len();
        let pieces = pieces(threads, rows, self.work());
        if pieces == 1 {
            let tops = self.rows(0..rows)?;
            return Ok(tops.into_iter().map(TopK::into_sorted).collect());
        }
        let pieces: Vec<Vec<TopK>> = (0..pieces)
            .into_par_iter()
            .map(|piece| self.rows(rows * piece / pieces..rows * (piece + 1) / pieces))
            .collect::<Result<_, _>>()?;
        let mut merged = self.empty();
        for piece in pieces {
            for (merged, top) in merged.iter_mut().zip(piece) {
                top.into_unsorted().for_each(|scored| merged.push(scored));
            }
        }
        Ok(merged.into_iter().map(TopK::into_sorted).collect())
    }

    /// Where the scores of each query lie over the whole catalogue.
    fn calibrations(&self, threads: Option<usize>) -> Result<Vec<Calibration>, SongIndexError> {
        let dim = self.index.dim();
        let calibrate = |queries: &[f32]| self.calibrations_of(queries);
        if threads == Some(1) || self.queries.len() <= QUERY_GROUP * dim {
            return calibrate(&self.queries);
        }
        let group = QUERY_GROUP * dim;
        let groups = self.queries.len().div_ceil(group);
        let piece = group * groups.div_ceil(threads.unwrap_or(groups));
        let calibrations: Vec<Vec<Calibration>> = self
            .queries
            .par_chunks(piece)
            .map(|queries| {
                let groups: Vec<_> = queries
                    .chunks(group)
                    .map(calibrate)
                    .collect::<Result<_, _>>()?;
                Ok(groups.concat())
            })
            .collect::<Result<_, SongIndexError>>()?;
        Ok(calibrations.into_iter().flatten().collect())
    }

    fn calibrations_of(&self, queries: &[f32]) -> Result<Vec<Calibration>, SongIndexError> {
        let dim = self.index.dim();
        let mut calibrations = vec![Calibration::default(); queries.len() / dim];
        let mut scores = vec![0.0; calibrations.len()];
        for row in Calibration::rows(self.index.len()) {
            self.backend
                .dots_f64(dim, self.index.vector(row), None, queries, &mut scores);
            for (calibration, &score) in calibrations.iter_mut().zip(&scores) {
                calibration.add(self.checked(score, row)?);
            }
        }
        Ok(calibrations)
    }

    fn work(&self) -> usize {
        self.index
            .len()
            .saturating_mul(self.queries.len() * size_of::<f32>())
    }

    fn empty(&self) -> Vec<TopK> {
        let queries = self.queries.len() / self.index.dim();
        (0..queries)
            .map(|_| TopK::new(self.k, self.floor))
            .collect()
    }

    /// The best of a range of rows.
    fn rows(&self, rows: Range<usize>) -> Result<Vec<TopK>, SongIndexError> {
        let mut tops = self.empty();
        if self.k == 0 || tops.is_empty() {
            return Ok(tops);
        }
        let dim = self.index.dim();
        let tile_rows = (TILE_BYTES / (dim * size_of::<f32>())).clamp(12, 4096) / 12 * 12;
        let mut scores = vec![0.0; tile_rows * QUERY_GROUP];
        for span in self.index.spans(rows) {
            let mask = match &self.filter {
                Some(filter) => {
                    Some(filter.rows(self.index, span.shard, span.batch, span.range.clone())?)
                }
                None => None,
            };
            for start in (0..span.range.len()).step_by(tile_rows) {
                let len = tile_rows.min(span.range.len() - start);
                let picked = mask
                    .as_ref()
                    .map(|mask| mask.slice(start, len).set_indices_u32().collect());
                let first = span.range.start + start;
                let tile = Tile {
                    first_row: span.first_row + first,
                    vectors: &span.batch.vectors[first * dim..(first + len) * dim],
                    picked: picked.filter(|picked: &Vec<u32>| picked.len() < len),
                };
                self.tile(&tile, &mut tops, &mut scores)?;
            }
        }
        Ok(tops)
    }

    fn tile(
        &self,
        tile: &Tile<'_>,
        tops: &mut [TopK],
        scores: &mut [f32],
    ) -> Result<(), SongIndexError> {
        let dim = self.index.dim();
        let count = tile.len(dim);
        if count == 0 {
            return Ok(());
        }
        let picked = tile.picked.as_deref();
        let groups = self
            .queries
            .chunks(QUERY_GROUP * dim)
            .zip(tops.chunks_mut(QUERY_GROUP));
        for (queries, tops) in groups {
            let scores = &mut scores[..tops.len() * count];
            self.backend
                .dots(dim, tile.vectors, picked, queries, scores);
            let each = queries
                .chunks_exact(dim)
                .zip(tops)
                .zip(scores.chunks_exact(count));
            for ((query, top), scores) in each {
                self.screen(tile, query, top, scores)?;
            }
        }
        Ok(())
    }

    /// Scores in `f64` whatever the `f32` scores leave a chance.
    fn screen(
        &self,
        tile: &Tile<'_>,
        query: &[f32],
        top: &mut TopK,
        scores: &[f32],
    ) -> Result<(), SongIndexError> {
        let mut cutoff = self.cutoff(top);
        for (chunk, scores) in scores.chunks(SCREEN_CHUNK).enumerate() {
            // Nearly always all are, and the compiler compares several at once. NaN is not below anything, so a
            // damaged vector is looked at, and found out.
            if scores
                .iter()
                .fold(true, |all, &score| all & (score < cutoff))
            {
                continue;
            }
            for (at, &approximate) in scores.iter().enumerate() {
                let row = tile.row(chunk * SCREEN_CHUNK + at);
                if approximate < cutoff || self.excluded.binary_search(&row).is_ok() {
                    continue;
                }
                let score = self.score(query, row)?;
                top.push(Scored { score, row });
                cutoff = self.cutoff(top);
            }
        }
        Ok(())
    }

    /// An `f32` score below this cannot stand for an `f64` score that is still wanted.
    fn cutoff(&self, top: &TopK) -> f32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounded down by `next_down`"
        )]
        ((top.threshold() - self.error) as f32).next_down()
    }

    fn score(&self, query: &[f32], row: usize) -> Result<f64, SongIndexError> {
        self.checked(self.backend.dot_f64(self.index.vector(row), query), row)
    }

    fn checked(&self, score: f64, row: usize) -> Result<f64, SongIndexError> {
        // A little more than the product of two lengths of at most 1.001; false for NaN.
        if score.abs() < 1.0021 {
            // Adding 0 turns -0.0 into 0.0, which is the same score.
            Ok(score + 0.0)
        } else {
            Err(self.index.bad_vector(row))
        }
    }
}

/// Neighbouring rows of one batch.
struct Tile<'a> {
    first_row: usize,
    vectors: &'a [f32],
    /// The rows that fulfil the filter, where not all do.
    picked: Option<Vec<u32>>,
}

impl Tile<'_> {
    fn len(&self, dim: usize) -> usize {
        self.picked
            .as_ref()
            .map_or(self.vectors.len() / dim, Vec::len)
    }

    fn row(&self, at: usize) -> usize {
        self.first_row
            + self
                .picked
                .as_ref()
                .map_or(at, |picked| picked[at] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_few_however_many_threads_are_allowed() {
        let large = usize::MAX;
        assert_eq!(pieces(Some(usize::MAX), 10_000_000, large), MAX_PIECES);
        assert_eq!(pieces(Some(usize::MAX), 640, large), 10);
        assert_eq!(pieces(Some(3), 10_000_000, large), 3);
        assert_eq!(pieces(None, 10_000_000, PARALLEL_BYTES - 1), 1);
        for rows in [0, 1, 63] {
            assert_eq!(pieces(Some(8), rows, large), 1);
        }
    }
}
