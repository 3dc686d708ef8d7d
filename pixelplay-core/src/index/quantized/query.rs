//! A query as integer codes.

use super::rotation::rotate;
use super::{HIGH, MAX_CODE, ROUNDING, ZERO_POINT};

/// A query, rotated and quantized.
#[derive(Debug)]
pub(crate) struct QuantizedQuery {
    pub(crate) high: Vec<i8>,
    pub(crate) low: Vec<i8>,
    /// The sum of each part. Every raw dot product contains it, multiplied by [`ZERO_POINT`].
    high_sum: i32,
    low_sum: i32,
    pub(super) step: f64,
    /// Upper bounds, a little above the exact values, of `|r|`, `|r - step * 128 * high|` and
    /// `|r - step * code_q|`.
    pub(super) norm: f64,
    pub(super) high_error: f64,
    pub(super) error: f64,
}

impl QuantizedQuery {
    pub(crate) fn new(query: &[f32]) -> Self {
        let mut rotated: Vec<f64> = query.iter().copied().map(f64::from).collect();
        rotate(&mut rotated);
        let most = rotated.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        // At least the smallest positive normal number, to avoid dividing by zero.
        let step = (most / (MAX_CODE * f64::from(HIGH))).max(f64::MIN_POSITIVE);
        let steps = 1.0 / step;
        let (mut norm, mut high_error, mut error) = (0.0, 0.0, 0.0);
        let (mut high_sum, mut low_sum) = (0, 0);
        let parts = rotated.iter().map(|&value| {
            // Rounds to nearest by truncation: a conversion is one instruction, unlike `round`.
            const SHIFT: i32 = 1 << 15;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most 127 * 128, truncated on purpose"
            )]
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

    /// Returns what to add to the raw dot product of a row and `high` to remove the bias.
    pub(crate) fn bias(&self) -> i32 {
        -ZERO_POINT * self.high_sum
    }

    pub(super) fn low_bias(&self) -> i32 {
        -ZERO_POINT * self.low_sum
    }
}
