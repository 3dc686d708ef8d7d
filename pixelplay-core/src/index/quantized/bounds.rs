//! Bounds of a row's score, computed from the codes of the row and of the query. The proof is in
//! [`super`].

use super::query::QuantizedQuery;
use super::{F32_ROUNDING, F32_SHARE, HIGH, QuantizedVectors, ROUNDING};
use crate::simd::Backend;

impl QuantizedQuery {
    /// Returns a lower and an upper bound of the score of a row. `high` is its dot product with the
    /// high part, without bias, and `offset` is the dot product of query and centre.
    pub(crate) fn bounds(
        &self,
        backend: Backend,
        vectors: &QuantizedVectors,
        row: usize,
        high: i32,
        offset: f64,
    ) -> (f64, f64) {
        let mut low = [0];
        backend.dots_i8(vectors.row(row), None, &self.low, &mut low);
        self.bounds_of(vectors, row, high, low[0] + self.low_bias(), offset)
    }

    /// Returns the [`bounds`](Self::bounds) of a row with these raw dot products with the two
    /// parts.
    pub(crate) fn bounds_of_parts(
        &self,
        vectors: &QuantizedVectors,
        row: usize,
        [high, low]: [i32; 2],
        offset: f64,
    ) -> (f64, f64) {
        self.bounds_of(vectors, row, high + self.bias(), low + self.low_bias(), offset)
    }

    fn bounds_of(
        &self,
        vectors: &QuantizedVectors,
        row: usize,
        high: i32,
        low: i32,
        offset: f64,
    ) -> (f64, f64) {
        let dot = i64::from(high) * i64::from(HIGH) + i64::from(low);
        let score = offset + f64::from(vectors.scales[row]) * self.step * dot as f64;
        let [error, length] = [vectors.errors[row], vectors.lengths[row]].map(f64::from);
        let bound = error * self.norm
            + length * self.error
            + ROUNDING * (1.0 + offset.abs() + error + length);
        (score - bound, score + bound)
    }
}

/// The values needed to decide, from the dot product with `high` alone, that a row cannot reach a
/// cutoff. All values are in units of `128 * step`, which saves a multiplication per row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryBounds {
    pub(crate) offset: f64,
    unit: f64,
    pub(crate) error_weight: f32,
    pub(crate) length_weight: f32,
}

impl QueryBounds {
    /// Computes the values for a query whose dot product with the centre is `offset`.
    pub(crate) fn new(query: &QuantizedQuery, offset: f64) -> Self {
        let unit = query.step * f64::from(HIGH);
        #[expect(clippy::cast_possible_truncation, reason = "rounded up by `next_up`")]
        let weight = |error: f64| ((error / unit) as f32).next_up();
        Self {
            offset,
            unit,
            error_weight: weight(query.norm * (1.0 + F32_SHARE)),
            length_weight: weight(query.high_error + F32_SHARE),
        }
    }

    /// Returns a threshold: if `scale * dot + error * error_weight + length * length_weight` of a
    /// row, computed in `f32`, is below it, the row's score is below `cutoff`.
    pub(crate) fn least(&self, cutoff: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "covered by `F32_ROUNDING`")]
        let least = {
            let rounding = F32_ROUNDING + F32_SHARE * self.offset.abs();
            ((cutoff - self.offset - rounding) / self.unit) as f32
        };
        least
    }
}
