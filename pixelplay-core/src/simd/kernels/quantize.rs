//! Quantizes rows of a blocked matrix to 8 bits, for [`super::gemm_i8`].

use crate::simd::vector::{Codes, Lanes, Vector, WIDTH};
use crate::simd::{Backend, dispatch};

impl Backend {
    /// Quantizes each row of a blocked matrix to codes: its smallest value becomes 0, and its
    /// greatest 255. `mask` has 1 for each column that is quantized, and 0 for columns to treat as
    /// zeros. A row with a value that is not finite becomes NaN when it is converted back.
    ///
    /// # Panics
    /// If the number of scales is not the number of rows, or if there is not one output line for
    /// every 64 columns.
    #[track_caller]
    pub(crate) fn quantize(
        self,
        rows: usize,
        input: &[Lanes],
        mask: &[Lanes],
        out: &mut [Codes],
        scales: &mut [RowScale],
    ) {
        assert!(rows > 0 && input.len().is_multiple_of(rows) && scales.len() == rows);
        assert_eq!(mask.len(), input.len() / rows);
        assert_eq!(out.len(), mask.len().div_ceil(4) * rows);
        // SAFETY: as in `Backend::gemm`.
        unsafe { dispatch!(self, quantize(rows, input, mask, out, scales)) }
    }
}

/// The quantization of a row: a value is about `least + code * step`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowScale {
    pub(crate) least: f32,
    pub(crate) step: f32,
}

/// See [`Backend::quantize`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn quantize<V: Vector>(
    rows: usize,
    input: &[Lanes],
    mask: &[Lanes],
    out: &mut [Codes],
    scales: &mut [RowScale],
) {
    let blocks = input.len() / rows;
    for row in 0..rows {
        // SAFETY: our caller guarantees that the processor has the instructions.
        unsafe {
            let mut greatest = V::splat(f32::MIN);
            let mut least = V::splat(f32::MAX);
            // 0 unless a value is not finite. No code can represent such a value.
            let mut poison = V::splat(0.0);
            for block in 0..blocks {
                let values = V::load(&input[block * rows + row]).mul(V::load(&mask[block]));
                greatest = greatest.max(values);
                least = least.min(values);
                poison = values.mul_add(V::splat(0.0), poison);
            }
            let (mut high, mut low, mut sum) = (Lanes::ZERO, Lanes::ZERO, Lanes::ZERO);
            greatest.store(&mut high);
            least.store(&mut low);
            poison.store(&mut sum);
            let poison: f32 = sum.0.iter().sum();
            let greatest = high.0.into_iter().fold(f32::MIN, f32::max);
            let least = low.0.into_iter().fold(f32::MAX, f32::min);
            let step = (greatest - least) / 255.0;
            let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
            scales[row] = RowScale { least: least + poison, step };
            for (group, line) in (0..blocks).step_by(4).zip(out[row..].iter_mut().step_by(rows)) {
                let bytes = line.0.as_flattened_mut();
                for (block, bytes) in (group..).zip(bytes.as_chunks_mut::<WIDTH>().0) {
                    if block >= blocks {
                        *bytes = [0; WIDTH];
                        continue;
                    }
                    let values = V::load(&input[block * rows + row]).mul(V::load(&mask[block]));
                    let above = values.sub(V::splat(least));
                    let codes = above.mul(V::splat(inverse)).add(V::splat(0.5));
                    *bytes = codes.min(V::splat(255.0)).to_bytes();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::kernels::oracle::uniform;

    proptest! {
        #[test]
        fn codes_are_within_half_a_step(
            rows in 1_usize..10,
            columns in 1_usize..150,
            offset in -10.0_f32..10.0,
            mut seed in any::<u64>(),
        ) {
            let blocks = columns.div_ceil(WIDTH);
            let input: Vec<Lanes> = (0..blocks * rows)
                .map(|_| Lanes(std::array::from_fn(|_| uniform(&mut seed) + offset)))
                .collect();
            for backend in Backend::available() {
                let mut out = vec![Codes::ZERO; blocks.div_ceil(4) * rows];
                let mut scales = vec![RowScale::default(); rows];
                let mask: Vec<Lanes> = (0..blocks)
                    .map(|block| Lanes(std::array::from_fn(|lane| f32::from((block + lane) % 9 != 0))))
                    .collect();
                backend.quantize(rows, &input, &mask, &mut out, &mut scales);
                for row in 0..rows {
                    let RowScale { least, step } = scales[row];
                    for column in 0..blocks * WIDTH {
                        let value = input[column / WIDTH * rows + row].0[column % WIDTH]
                            * mask[column / WIDTH].0[column % WIDTH];
                        let code = out[column / 64 * rows + row].0[column % 64 / 4][column % 4];
                        let error = (least + f32::from(code) * step - value).abs();
                        prop_assert!(error <= step * 0.501 + 2e-6, "{backend}: {error}, step {step}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_no_code_can_say_is_not_hidden() {
        for backend in Backend::available() {
            for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut input = vec![Lanes([0.5; WIDTH]); 2];
                input[1].0[7] = broken;
                let mut scales = vec![RowScale::default(); 2];
                let mask = [Lanes([1.0; WIDTH])];
                backend.quantize(2, &input, &mask, &mut [Codes::ZERO; 2], &mut scales);
                assert!(!scales[0].least.is_nan() && scales[1].least.is_nan(), "{backend}");
            }
        }
    }
}
