//! Softmax of the rows of a blocked matrix, generic over [`Vector`].

use super::activation::exp;
use super::reduce::sum_lanes;
use crate::simd::vector::{Lanes, Vector, WIDTH};
use crate::simd::{Backend, dispatch};

impl Backend {
    /// Replaces scores with their softmax, after multiplying them by `scale`. In each row, only the
    /// first `visible(row)` columns count, of which there must be at least one; later columns
    /// become 0. `scores` is a blocked matrix of `rows` rows.
    ///
    /// # Panics
    /// If `scores` does not have that shape.
    #[track_caller]
    pub(crate) fn softmax(
        self,
        rows: usize,
        scores: &mut [Lanes],
        scale: f32,
        visible: &dyn Fn(usize) -> usize,
    ) {
        assert!(rows > 0 && scores.len().is_multiple_of(rows));
        // SAFETY: as in `Backend::gemm`.
        unsafe { dispatch!(self, softmax(rows, scores, scale, visible)) }
    }
}

/// See [`Backend::softmax`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn softmax<V: Vector>(
    rows: usize,
    scores: &mut [Lanes],
    scale: f32,
    visible: &dyn Fn(usize) -> usize,
) {
    let blocks = scores.len() / rows;
    for row in 0..rows {
        let visible = visible(row).min(blocks * WIDTH);
        let seen = visible.div_ceil(WIDTH);
        let last = (seen - 1) * rows + row;
        let hidden = visible - (seen - 1) * WIDTH;
        scores[last].0[hidden..].fill(f32::NEG_INFINITY);
        // SAFETY: our caller guarantees that the processor has the instructions.
        unsafe {
            let mut greatest = V::splat(f32::NEG_INFINITY);
            for block in 0..seen {
                greatest = greatest.max(V::load(&scores[block * rows + row]));
            }
            let mut line = Lanes::ZERO;
            greatest.store(&mut line);
            let greatest = line.0.into_iter().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = V::splat(0.0);
            for block in 0..seen {
                let line = &mut scores[block * rows + row];
                let distance = V::load(line).sub(V::splat(greatest));
                exp(distance.mul(V::splat(scale))).store(line);
                if block + 1 == seen {
                    line.0[hidden..].fill(0.0);
                }
                sum = sum.add(V::load(line));
            }
            let factor = V::splat(1.0 / sum_lanes(sum));
            for block in 0..seen {
                let line = &mut scores[block * rows + row];
                V::load(line).mul(factor).store(line);
            }
        }
        for block in seen..blocks {
            scores[block * rows + row] = Lanes::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::kernels::oracle::Part;

    proptest! {
        #[test]
        fn softmax_is_that_of_f64_and_hides_what_is_hidden(
            rows in 1_usize..20,
            columns in 1_usize..70,
            visible in prop::collection::vec(any::<prop::sample::Index>(), 20),
            mut seed in any::<u64>(),
        ) {
            let columns = columns.next_multiple_of(WIDTH);
            let mut scores = Part::random(rows, columns, &mut seed);
            (scores.stride, scores.first) = (rows, 0);
            scores.lines.truncate(columns / WIDTH * rows);
            let visible = |row: usize| visible[row].index(columns) + 1;
            for backend in Backend::available() {
                let mut out = Part { lines: scores.lines.clone(), ..scores };
                backend.softmax(rows, &mut out.lines, 7.0, &visible);
                for row in 0..rows {
                    let power = |column| (7.0 * scores.at(row, column)).exp();
                    let sum: f64 = (0..visible(row)).map(power).sum();
                    for column in 0..columns {
                        let expected = if column < visible(row) { power(column) / sum } else { 0.0 };
                        let error = (out.at(row, column) - expected).abs();
                        prop_assert!(error <= 5e-6 * expected, "{backend}: {error} of {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn not_a_number_spreads_over_its_row() {
        let line = |value| vec![Lanes([value; WIDTH])];
        for backend in Backend::available() {
            let mut scores = line(0.5);
            scores[0].0[3] = f32::NAN;
            backend.softmax(1, &mut scores, 1.0, &|_| WIDTH);
            assert!(scores[0].0.iter().all(|value| value.is_nan()));
        }
    }
}
