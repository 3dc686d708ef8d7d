//! Bounds the scores of rows by their vectors or their quantized vectors. Rows that may be among
//! the best become candidates.

use arrow_buffer::BooleanBuffer;

use super::candidates::Candidates;
use super::match_percent::{Sample, ScoreDistribution, score_distribution};
use crate::index::SongIndexError;
use crate::index::hubness::Corrections;
use crate::index::quantized::{QuantizedQuery, QuantizedVectors, QueryBounds};
use crate::index::shard::Span;
use crate::simd::{Backend, LANES, Panel, RowErrors, Thresholds, screen};

/// The size of the tile that is multiplied with one or more queries before the products are
/// examined. It is small enough to stay in a core's cache.
const TILE_BYTES: usize = 128 << 10;
/// Limits a tile so that its products with two panels stay in the cache too, however short the
/// vectors are.
const MAX_TILE_ROWS: usize = 1024;
/// The number of queries that are multiplied with a tile of `f32` vectors at a time.
const QUERY_GROUP: usize = 16;
/// The number of `f32` scores that are compared with the cutoff at a time.
const SCORE_CHUNK: usize = 16;
/// The number of rows of a tile that are compared with the thresholds of a panel before these are
/// updated.
const PANEL_ROWS: usize = 64;
/// If a filter matches fewer than one row in this many, only the matching rows are multiplied.
/// Otherwise all rows are, since memory delivers consecutive rows faster than selected ones: a
/// selected row took twice as long on a Xeon, and three times as long on an EPYC.
const SPARSE: usize = 3;

/// Queries of unit length, prepared for multiplication.
pub(super) struct Queries {
    backend: Backend,
    dim: usize,
    /// Shape `(n, dim)`.
    pub(super) values: Vec<f32>,
    pub(super) codes: Vec<QuantizedQuery>,
    /// The same codes in panels of [`LANES`] queries.
    high: Vec<Panel>,
    low: Vec<Panel>,
    /// The maximum difference between `f32` products and exact scores.
    error: f64,
}

/// Rows of one batch, and which of the rows are eligible.
pub(super) struct Rows<'a> {
    pub(super) span: Span<'a>,
    /// Which of the span's rows match the filter.
    pub(super) mask: Option<BooleanBuffer>,
    /// The corrections of the batch's rows.
    pub(super) corrections: Option<Corrections<'a>>,
    /// Rows of the index, in ascending order.
    pub(super) excluded: &'a [usize],
}

/// Rows that are multiplied together: a whole range, or selected rows. Rows are numbered within the
/// span.
#[derive(Clone, Copy)]
struct Tile<'a> {
    start: usize,
    end: usize,
    picked: Option<&'a [u32]>,
}

impl Queries {
    pub(super) fn new(backend: Backend, dim: usize, values: Vec<f32>) -> Self {
        let codes: Vec<QuantizedQuery> =
            values.chunks_exact(dim).map(QuantizedQuery::new).collect();
        let panels = |part: fn(&QuantizedQuery) -> &[i8]| -> Vec<Panel> {
            let panel = |codes: &[QuantizedQuery]| Panel::new(codes.iter().map(part));
            codes.chunks(LANES).map(panel).collect()
        };
        Self {
            backend,
            dim,
            high: panels(|query| &query.high),
            low: panels(|query| &query.low),
            values,
            codes,
            error: f32_error(dim),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    /// Returns the number of bytes that the pass reads per row.
    pub(super) fn row_bytes(&self, is_quantized: bool) -> usize {
        self.dim * if is_quantized { 1 } else { size_of::<f32>() }
    }

    /// Scores a sample of the catalogue with the queries of a panel; see [`score_distribution`].
    pub(super) fn score(
        &self,
        sample: &Sample,
        panel: usize,
        k: usize,
    ) -> Vec<(ScoreDistribution, f64)> {
        let vectors = sample.vectors();
        let first = panel * LANES;
        let queries = &self.codes[first..self.len().min(first + LANES)];
        let (lanes, dots) = match queries {
            [query] => (1, [&query.high, &query.low].map(|part| self.dots(vectors, part))),
            _ => {
                (LANES, [&self.high, &self.low].map(|part| self.panel_dots(vectors, &part[panel])))
            }
        };
        let score = |(lane, query): (usize, &QuantizedQuery)| {
            let values = &self.values[(first + lane) * self.dim..][..self.dim];
            let offset = self.backend.dot_f64(vectors.centre(), values);
            let dots = dots.each_ref().map(|dots| dots.iter().skip(lane).step_by(lanes));
            let [high, low] = dots;
            score_distribution(
                high.zip(low).enumerate().map(|(row, (&high, &low))| {
                    query.bounds_of_parts(vectors, row, [high, low], offset)
                }),
                k,
            )
        };
        queries.iter().enumerate().map(score).collect()
    }

    fn dots(&self, vectors: &QuantizedVectors, query: &[i8]) -> Vec<i32> {
        let codes = vectors.all_codes();
        let mut dots = vec![0; codes.len() / self.dim];
        self.backend.dots_i8(codes, None, query, &mut dots);
        dots
    }

    fn panel_dots(&self, vectors: &QuantizedVectors, panel: &Panel) -> Vec<i32> {
        let codes = vectors.all_codes();
        let mut dots = vec![[0; LANES]; codes.len() / self.dim];
        let panel = std::slice::from_ref(panel);
        self.backend.panels_i8(self.dim, codes, None, panel, &mut dots);
        dots.into_flattened()
    }

    /// Adds the rows that may be among the best to the candidates of each query.
    pub(super) fn find_candidates(
        &self,
        rows: &Rows<'_>,
        found: &mut [Candidates<'_>],
    ) -> Result<(), SongIndexError> {
        match (&rows.span.batch.quantized, found) {
            (Some(vectors), [found]) => self.bound_quantized(rows, vectors, found),
            (Some(vectors), found) => self.bound_panels(rows, vectors, found),
            (None, found) => self.bound_vectors(rows, found),
        }
    }

    /// Bounds the scores of one query over the quantized vectors.
    fn bound_quantized(
        &self,
        rows: &Rows<'_>,
        vectors: &QuantizedVectors,
        found: &mut Candidates<'_>,
    ) -> Result<(), SongIndexError> {
        let query = &self.codes[0];
        let query_bounds =
            QueryBounds::new(query, self.backend.dot_f64(vectors.centre(), &self.values));
        let mut thresholds = Thresholds {
            bias: [query.bias()],
            error_weight: [query_bounds.error_weight],
            length_weight: [query_bounds.length_weight],
            least: [0.0],
        };
        let (mut dots, mut passed, mut lowered) = (Vec::new(), Vec::new(), Vec::new());
        rows.tiles(TILE_BYTES / self.dim, |tile| {
            let (codes, row_errors) = vectors.rows(rows.in_batch(tile));
            let row_errors = rows.corrected(tile, row_errors, &mut lowered);
            dots.resize(tile.len(), 0);
            self.backend.dots_i8(codes, tile.picked, &query.high, &mut dots);
            thresholds.least = [query_bounds.least(found.cutoff())];
            screen(&dots, &row_errors, tile.picked, &thresholds, &mut passed);
            for at in passed.drain(..) {
                if let Some((row, in_batch)) = rows.admitted(tile, at) {
                    let dot = dots[at] + query.bias();
                    let bounds =
                        query.bounds(self.backend, vectors, in_batch, dot, query_bounds.offset);
                    found.offer(row, bounds)?;
                }
            }
            Ok(())
        })
    }

    /// Bounds the scores of several queries over the quantized vectors.
    fn bound_panels(
        &self,
        rows: &Rows<'_>,
        vectors: &QuantizedVectors,
        found: &mut [Candidates<'_>],
    ) -> Result<(), SongIndexError> {
        let mut offsets = vec![0.0; self.len()];
        self.backend.dots_f64(self.dim, vectors.centre(), None, &self.values, &mut offsets);
        let each = self.codes.iter().zip(offsets);
        let query_bounds: Vec<QueryBounds> =
            each.map(|(query, offset)| QueryBounds::new(query, offset)).collect();
        let mut thresholds = vec![Thresholds::<LANES>::NEVER; self.high.len()];
        for (at, (query, query_bounds)) in self.codes.iter().zip(&query_bounds).enumerate() {
            let (thresholds, lane) = (&mut thresholds[at / LANES], at % LANES);
            thresholds.bias[lane] = query.bias();
            thresholds.error_weight[lane] = query_bounds.error_weight;
            thresholds.length_weight[lane] = query_bounds.length_weight;
            thresholds.least[lane] = query_bounds.least(found[at].cutoff());
        }
        let (mut dots, mut passed, mut lowered) = (Vec::new(), Vec::new(), Vec::new());
        rows.tiles((TILE_BYTES / self.dim).min(MAX_TILE_ROWS), |tile| {
            let (codes, row_errors) = vectors.rows(rows.in_batch(tile));
            let row_errors = rows.corrected(tile, row_errors, &mut lowered);
            // Process two panels at a time, so that their products are still in the nearest cache.
            for (pair, panels) in self.high.chunks(2).enumerate() {
                dots.resize(panels.len() * tile.len(), [0; LANES]);
                self.backend.panels_i8(self.dim, codes, tile.picked, panels, &mut dots);
                for (panel, dots) in dots.chunks(tile.len()).enumerate() {
                    let panel = pair * 2 + panel;
                    let thresholds = &mut thresholds[panel];
                    for (part, dots) in dots.chunks(PANEL_ROWS).enumerate() {
                        let part = tile.part(part * PANEL_ROWS, dots.len());
                        let row_errors =
                            row_errors.slice(part.start - tile.start..part.end - tile.start);
                        self.backend.screen_panel(
                            dots,
                            &row_errors,
                            part.picked,
                            thresholds,
                            &mut passed,
                        );
                        for (at, lane) in passed.drain(..) {
                            let query = panel * LANES + lane;
                            let (Some(code), Some((row, in_batch))) =
                                (self.codes.get(query), rows.admitted(part, at))
                            else {
                                continue;
                            };
                            let dot = dots[at][lane] + code.bias();
                            let offset = query_bounds[query].offset;
                            let bounds = code.bounds(self.backend, vectors, in_batch, dot, offset);
                            found[query].offer(row, bounds)?;
                            thresholds.least[lane] =
                                query_bounds[query].least(found[query].cutoff());
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// Bounds the scores of any number of queries over the vectors themselves, if they are not
    /// quantized.
    fn bound_vectors(
        &self,
        rows: &Rows<'_>,
        found: &mut [Candidates<'_>],
    ) -> Result<(), SongIndexError> {
        let mut scores = Vec::new();
        // A multiple of the number of rows that the kernels process at a time.
        let tile_rows = (TILE_BYTES / self.row_bytes(false)).max(12) / 12 * 12;
        rows.tiles(tile_rows, |tile| {
            let in_batch = rows.in_batch(tile);
            let vectors = &rows.span.batch.vectors;
            let vectors = &vectors[in_batch.start * self.dim..in_batch.end * self.dim];
            let groups = self.values.chunks(QUERY_GROUP * self.dim);
            for (queries, found) in groups.zip(found.chunks_mut(QUERY_GROUP)) {
                scores.resize(found.len() * tile.len(), 0.0);
                self.backend.dots(self.dim, vectors, tile.picked, queries, &mut scores);
                for (scores, found) in scores.chunks_mut(tile.len()).zip(found) {
                    if let Some(corrections) = &rows.corrections {
                        corrections.subtract(rows.all_in_batch(tile), scores);
                    }
                    self.offer_scores(rows, tile, scores, found)?;
                }
            }
            Ok(())
        })
    }

    fn offer_scores(
        &self,
        rows: &Rows<'_>,
        tile: Tile<'_>,
        scores: &[f32],
        found: &mut Candidates<'_>,
    ) -> Result<(), SongIndexError> {
        let error = match &rows.corrections {
            Some(_) => self.error + Corrections::ROUNDING,
            None => self.error,
        };
        #[expect(clippy::cast_possible_truncation, reason = "rounded down by `next_down`")]
        let least = |found: &Candidates<'_>| ((found.cutoff() - error) as f32).next_down();
        let mut cutoff = least(found);
        for (chunk, scores) in scores.chunks(SCORE_CHUNK).enumerate() {
            // All scores are nearly always below the cutoff, and the compiler compares several at
            // once. NaN is not below anything, so a damaged vector is examined and detected.
            if scores.iter().fold(true, |all, &score| all & (score < cutoff)) {
                continue;
            }
            for (at, &score) in (chunk * SCORE_CHUNK..).zip(scores) {
                if score < cutoff {
                    continue;
                }
                if let Some((row, in_batch)) = rows.admitted(tile, at) {
                    // Undo the correction: `offer` subtracts it again, exactly.
                    let score =
                        f64::from(score) + rows.corrections.map_or(0.0, |all| all.of(in_batch));
                    found.offer(row, (score - error, score + error))?;
                    cutoff = least(found);
                }
            }
        }
        Ok(())
    }
}

impl Rows<'_> {
    /// Calls `each` for all rows that may be eligible, about `tile_rows` at a time.
    fn tiles(
        &self,
        tile_rows: usize,
        mut each: impl FnMut(Tile<'_>) -> Result<(), SongIndexError>,
    ) -> Result<(), SongIndexError> {
        let tile_rows = tile_rows.max(1);
        let len = self.span.range.len();
        if let Some(mask) = &self.mask
            && mask.count_set_bits() * SPARSE < len
        {
            let picked: Vec<u32> = mask.set_indices_u32().collect();
            return picked
                .chunks(tile_rows)
                .try_for_each(|picked| each(Tile { start: 0, end: len, picked: Some(picked) }));
        }
        (0..len).step_by(tile_rows).try_for_each(|start| {
            each(Tile { start, end: len.min(start + tile_rows), picked: None })
        })
    }

    /// Returns the tile's rows, numbered within the batch.
    fn in_batch(&self, tile: Tile<'_>) -> std::ops::Range<usize> {
        let first = self.span.range.start;
        first + tile.start..first + tile.end
    }

    /// Returns the row of the batch that each product of the tile belongs to.
    fn all_in_batch(&self, tile: Tile<'_>) -> impl Iterator<Item = usize> {
        let first = self.span.range.start;
        (0..tile.len()).map(move |at| {
            first + tile.picked.map_or(tile.start + at, |picked| picked[at] as usize)
        })
    }

    /// Returns errors of the tile's rows that bound their corrected scores.
    fn corrected<'m>(
        &self,
        tile: Tile<'_>,
        row_errors: RowErrors<'m>,
        lowered: &'m mut Vec<f32>,
    ) -> RowErrors<'m> {
        let Some(corrections) = &self.corrections else {
            return row_errors;
        };
        corrections.lower(self.in_batch(tile), row_errors.errors, lowered);
        RowErrors { errors: lowered, ..row_errors }
    }

    /// Returns the row that a product of a tile belongs to, numbered within the index and within
    /// the batch; `None` if it is filtered out or excluded.
    fn admitted(&self, tile: Tile<'_>, at: usize) -> Option<(usize, usize)> {
        let in_span = tile.picked.map_or(tile.start + at, |picked| picked[at] as usize);
        let in_batch = self.span.range.start + in_span;
        let row = self.span.first_row + in_batch;
        let counts = self.mask.as_ref().is_none_or(|mask| mask.value(in_span))
            && self.excluded.binary_search(&row).is_err();
        counts.then_some((row, in_batch))
    }
}

impl Tile<'_> {
    /// Returns the number of rows that are multiplied.
    fn len(&self) -> usize {
        self.picked.map_or(self.end - self.start, <[u32]>::len)
    }

    /// Returns the tile of some of the products.
    fn part(&self, first: usize, len: usize) -> Self {
        match self.picked {
            Some(picked) => Self { picked: Some(&picked[first..first + len]), ..*self },
            None => Self { start: self.start + first, end: self.start + first + len, picked: None },
        }
    }
}

/// Returns the maximum difference between the `f32` scan and [`Backend::dot_f64`] for unit vectors
/// of `n` values.
///
/// Let `u = 2^-24`. Each product is rounded at most `n` times on its way into the sum, in any order
/// of summation and whether or not products are fused (zeros added as padding change nothing). So
/// the error is at most `g * sum |x_i q_i|` with `g = n u / (1 - n u)` (Higham, Accuracy and
/// Stability of Numerical Algorithms, 2nd ed., section 3.1), and by Cauchy-Schwarz at most
/// `g |x| |q|`. Lengths are at most 1.001 on both sides. The same holds for the `f64` score with
/// `u = 2^-53`. Each product that underflows loses at most `2^-126`.
fn f32_error(n: usize) -> f64 {
    let n = n as f64;
    let gamma = |u: f64| n * u / (1.0 - n * u);
    let lengths = 1.0011 * 1.0011;
    (gamma(2.0_f64.powi(-24)) + gamma(2.0_f64.powi(-53))) * lengths + n * 2.0_f64.powi(-126)
}
