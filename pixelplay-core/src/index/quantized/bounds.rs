//! The bounds of a row's score that its codes and those of the query give; their proof is in
//! [`super`].

use super::query::QuantizedQuery;
use super::{F32_ROUNDING, F32_SHARE, HIGH, QuantizedVectors, ROUNDING};
use crate::simd::Backend;

impl QuantizedQuery {
    /// What the score of a row is at least and at most. `high` is its dot product with the high
    /// part, without bias, and `offset` the product of query and centre.
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

    /// [`bounds`](Self::bounds) of a row that has these raw dot products with the parts.
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

/// What it takes to decide, from the dot product with `high` alone, that a row cannot reach a
/// cutoff. All is in units of `128 * step`, which spares a product for each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryBounds {
    pub(crate) offset: f64,
    unit: f64,
    pub(crate) error_weight: f32,
    pub(crate) length_weight: f32,
}

impl QueryBounds {
    /// For a query whose product with the centre is `offset`.
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

    /// A row whose `scale * dot + error * error_weight + length * length_weight` is below this, all
    /// in `f32`, has a score below `cutoff`.
    pub(crate) fn least(&self, cutoff: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "`F32_ROUNDING` has room for it")]
        let least = {
            let rounding = F32_ROUNDING + F32_SHARE * self.offset.abs();
            ((cutoff - self.offset - rounding) / self.unit) as f32
        };
        least
    }
}
