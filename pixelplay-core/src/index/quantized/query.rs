//! A query in integers, and the bounds of a row's score that they give.

use super::rotation::rotate;
use super::{F32_ROUNDING, F32_SHARE, HIGH, MAX_CODE, QuantizedVectors, ROUNDING, ZERO_POINT};
use crate::simd::Backend;

/// A query, rotated and in integers.
#[derive(Debug)]
pub(crate) struct QuantizedQuery {
    pub(crate) high: Vec<i8>,
    pub(crate) low: Vec<i8>,
    /// The sum of each part, which [`ZERO_POINT`] times comes with every dot product.
    high_sum: i32,
    low_sum: i32,
    step: f64,
    /// `|r|`, `|r - step * 128 * high|` and `|r - step * code_q|`, or a little more.
    norm: f64,
    high_error: f64,
    error: f64,
}

impl QuantizedQuery {
    pub(crate) fn new(query: &[f32]) -> Self {
        let mut rotated: Vec<f64> = query.iter().copied().map(f64::from).collect();
        rotate(&mut rotated);
        let most = rotated.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        // The smallest positive number, so that nothing is divided by zero.
        let step = (most / (MAX_CODE * f64::from(HIGH))).max(f64::MIN_POSITIVE);
        let steps = 1.0 / step;
        let (mut norm, mut high_error, mut error) = (0.0, 0.0, 0.0);
        let (mut high_sum, mut low_sum) = (0, 0);
        let parts = rotated.iter().map(|&value| {
            // Rounded to the nearest by the cut that a conversion is, which unlike `round` is one
            // instruction.
            const SHIFT: i32 = 1 << 15;
            #[expect(clippy::cast_possible_truncation, reason = "at most 127 * 128, and cut")]
            let code = (value * steps + (f64::from(SHIFT) + 0.5)) as i32 - SHIFT;
            let high = (code + HIGH / 2).div_euclid(HIGH);
            let low = code - high * HIGH;
            norm += value.powi(2);
            high_error += (value - step * f64::from(high * HIGH)).powi(2);
            error += (value - step * f64::from(code)).powi(2);
            high_sum += high;
            low_sum += low;
            #[expect(clippy::cast_possible_truncation, reason = "-127 to 127, and -64 to 63")]
            (high as i8, low as i8)
        });
        let (high, low) = parts.unzip();
        let at_least = |square: f64| square.sqrt() + ROUNDING;
        Self {
            high,
            low,
            high_sum,
            low_sum,
            step,
            norm: at_least(norm),
            high_error: at_least(high_error),
            error: at_least(error),
        }
    }

    /// What to add to the raw dot product of a row and `high`, so that the bias is gone.
    pub(crate) fn bias(&self) -> i32 {
        -ZERO_POINT * self.high_sum
    }

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
        backend.dots_int8(vectors.row(row), None, &self.low, &mut low);
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

    fn low_bias(&self) -> i32 {
        -ZERO_POINT * self.low_sum
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
