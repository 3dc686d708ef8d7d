//! Layer norm of the rows of a blocked matrix, generic over [`Vector`].

use super::reduce::sum_lanes;
use crate::simd::vector::{Lanes, Vector, WIDTH};
use crate::simd::{Backend, Blocked, BlockedMut, dispatch};

impl Backend {
    /// Normalises each row to mean 0 and variance 1, then scales and shifts each column.
    ///
    /// # Panics
    /// If `input` or `out` has fewer columns than `norm`, or if their numbers of rows differ.
    #[track_caller]
    pub(crate) fn layer_norm(self, norm: &LayerNorm, input: Blocked<'_>, out: BlockedMut<'_>) {
        let blocks = norm.width.div_ceil(WIDTH);
        assert!(norm.scale.len() == blocks && norm.shift.len() == blocks);
        assert!(input.rows == out.rows && input.has(blocks) && out.as_blocked().has(blocks));
        // SAFETY: as in `Backend::gemm`.
        unsafe { dispatch!(self, layer_norm(norm, input, out)) }
    }
}

/// The factors and summands of a layer norm. There are zeros after the last column.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub(crate) width: usize,
    pub(crate) scale: Vec<Lanes>,
    pub(crate) shift: Vec<Lanes>,
    pub(crate) eps: f32,
}

/// See [`Backend::layer_norm`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn layer_norm<V: Vector>(
    norm: &LayerNorm,
    input: Blocked<'_>,
    mut out: BlockedMut<'_>,
) {
    const TOGETHER: usize = 4;
    let rows = input.rows;
    let mut row = 0;
    while row < rows {
        // SAFETY: our caller guarantees that the processor has the instructions.
        unsafe {
            if row + TOGETHER <= rows {
                norm_rows::<V, TOGETHER>(row, norm, input, &mut out);
                row += TOGETHER;
            } else {
                norm_rows::<V, 1>(row, norm, input, &mut out);
                row += 1;
            }
        }
    }
}

/// Processes `R` rows at once, since each addition to the sum of a single row has to wait for the
/// previous one.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
unsafe fn norm_rows<V: Vector, const R: usize>(
    row: usize,
    norm: &LayerNorm,
    input: Blocked<'_>,
    out: &mut BlockedMut<'_>,
) {
    let blocks = norm.scale.len();
    let width = norm.width as f32;
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe {
        let mut sums = [V::splat(0.0); R];
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            for r in 0..R {
                sums[r] = sums[r].add(V::load(&lines[r]));
            }
        }
        let mut means = [0.0; R];
        for r in 0..R {
            means[r] = sum_lanes(sums[r]) / width;
            sums[r] = V::splat(0.0);
        }
        // Centred first: the mean of the squares minus the square of the mean cancels if the mean
        // is large.
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            let inside = V::load(&INSIDE[(norm.width - block * WIDTH).min(WIDTH) - 1]);
            for r in 0..R {
                let centred = V::load(&lines[r]).sub(V::splat(means[r])).mul(inside);
                sums[r] = centred.mul_add(centred, sums[r]);
            }
        }
        let mut factors = [0.0; R];
        for r in 0..R {
            factors[r] = 1.0 / (sum_lanes(sums[r]) / width + norm.eps).sqrt();
        }
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            let outs = &mut out.lines[block * out.stride + out.first + row..][..R];
            let (scale, shift) = (V::load(&norm.scale[block]), V::load(&norm.shift[block]));
            for r in 0..R {
                let centred = V::load(&lines[r]).sub(V::splat(means[r]));
                let value = centred.mul(V::splat(factors[r])).mul_add(scale, shift);
                value.store(&mut outs[r]);
            }
        }
    }
}

/// Line `n` has 1 in its first `n + 1` lanes.
const INSIDE: [Lanes; WIDTH] = {
    let mut lines = [Lanes::ZERO; WIDTH];
    let mut n = 0;
    while n < WIDTH {
        let mut lane = 0;
        while lane <= n {
            lines[n].0[lane] = 1.0;
            lane += 1;
        }
        n += 1;
    }
    lines
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::kernels::oracle::{Part, error_bound, uniform};

    proptest! {
        #[test]
        fn layer_norms_are_those_of_f64(
            rows in 1_usize..20,
            width in 1_usize..70,
            mean in -100.0_f32..100.0,
            mut seed in any::<u64>(),
        ) {
            let mut input = Part::random(rows, width, &mut seed);
            for (at, line) in input.lines.iter_mut().enumerate() {
                let block = at / input.stride;
                for (lane, value) in line.0.iter_mut().enumerate() {
                    *value = if block * WIDTH + lane < width { *value + mean } else { 0.0 };
                }
            }
            let lines = |seed: &mut u64| -> Vec<Lanes> {
                let value = |at| if at < width { uniform(seed) } else { 0.0 };
                let values: Vec<f32> = (0..width.next_multiple_of(WIDTH)).map(value).collect();
                values.as_chunks().0.iter().map(|chunk| Lanes(*chunk)).collect()
            };
            let norm = LayerNorm { width, scale: lines(&mut seed), shift: lines(&mut seed), eps: 1e-5 };
            for backend in Backend::available() {
                let mut out = Part::random(rows, width, &mut seed);
                backend.layer_norm(&norm, input.view(), out.view_mut());
                for row in 0..rows {
                    let values = (0..width).map(|column| input.at(row, column));
                    let mean = values.clone().sum::<f64>() / width as f64;
                    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
                    let deviation = (variance + f64::from(norm.eps)).sqrt();
                    // The error of the mean in f32, and of everything else.
                    let slack = error_bound(width) * (mean.abs() + 1.0) / deviation + 1e-5;
                    for column in 0..width.next_multiple_of(WIDTH) {
                        let of = |lines: &[Lanes]| f64::from(lines[column / WIDTH].0[column % WIDTH]);
                        let expected = match column < width {
                            true => (input.at(row, column) - mean) / deviation * of(&norm.scale) + of(&norm.shift),
                            false => 0.0,
                        };
                        let error = (out.at(row, column) - expected).abs();
                        prop_assert!(error <= slack, "{backend}: {error}, at most {slack}");
                    }
                }
            }
        }
    }
}
