//! Exact products of 8-bit matrices: rows of codes from 0 to 255 times columns of integers from
//! -127 to 127.
//!
//! They are blocked (see [`crate::simd::blocked`]), with 4 adjacent bytes of `k` where `f32`
//! matrices have one value. Each block of the right factor begins with an extra line: the sums of
//! its columns, which is the product with codes that are all 1.

use super::epilogue::Epilogue;
use super::gemm;
use super::microkernel::{Operands, Tile, prefetch};
use super::quantize::RowScale;
use crate::simd::vector::{Codes, Lanes, WIDTH};
use crate::simd::{Backend, Blocked, BlockedMut, dispatch};

impl Backend {
    /// Like [`gemm`](Self::gemm), for a left factor of codes and a right factor of integers. In
    /// each block of the right factor, all lines except the first have 4 bytes of `k`. The integers
    /// are summed exactly.
    ///
    /// # Panics
    /// As [`gemm`](Self::gemm), and if there are too many quads to rule out overflow.
    #[track_caller]
    pub(crate) fn gemm_i8(
        self,
        left: Blocked<'_, Codes>,
        right: Blocked<'_, Codes>,
        scales: Dequantization<'_>,
        out: BlockedMut<'_>,
        epilogue: Epilogue<'_>,
    ) {
        if left.rows == 0 || out.lines.is_empty() {
            return;
        }
        let quads = right.rows - 1;
        // The largest product is 255 * 127; the sum of 65,536 of them stays below 2^31.
        assert!((1..=1 << 14).contains(&quads));
        gemm::check(&left, quads.div_ceil(WIDTH), &right, &out, epilogue);
        let blocks = out.blocks();
        assert!(scales.steps.len() >= blocks && scales.column_sums.len() >= blocks);
        assert!(scales.rows.len() == left.rows);
        // SAFETY: the lengths were checked.
        unsafe { dispatch!(self, gemm_i8(left, right, scales, out, epilogue)) }
    }
}

/// Converts the sums of a block back into values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dequantization<'a> {
    pub(crate) rows: &'a [RowScale],
    /// One line per block: the value of one integer step in each column.
    pub(crate) steps: &'a [Lanes],
    /// One line per block: the sum of the integers in each column.
    pub(crate) column_sums: &'a [Lanes],
}

impl Dequantization<'_> {
    /// Converts the sums of rows in one block, starting at row `first`, to values.
    #[inline(always)]
    pub(in crate::simd) fn values(
        &self,
        sums: &[[i32; WIDTH]],
        block: usize,
        first: usize,
        out: &mut [Lanes],
    ) {
        let (steps, column_sums) = (&self.steps[block].0, &self.column_sums[block].0);
        for ((sums, row), out) in sums.iter().zip(&self.rows[first..]).zip(out) {
            for lane in 0..WIDTH {
                let value = sums[lane] as f32 * row.step + column_sums[lane] * row.least;
                out.0[lane] = value * steps[lane];
            }
        }
    }
}

/// 16 sums in registers of an instruction set.
///
/// # Safety
/// For all functions: the processor must have the instructions of the implementing type.
pub(in crate::simd) trait IntVector: Copy {
    unsafe fn zero() -> Self;
    /// Repeats four codes 16 times.
    unsafe fn splat_codes(codes: [u8; 4]) -> Self;
    /// Loads four integers of each of 16 columns.
    unsafe fn load_weights(weights: &Codes) -> Self;
    /// Adds four products to each sum.
    unsafe fn dot_add(self, codes: Self, weights: Self) -> Self;
    /// Stores the sums; `column_sums` is the first line of the block.
    unsafe fn store(self, column_sums: &Codes, to: &mut [i32; WIDTH]);
}

/// Like [`microkernel`](super::microkernel::microkernel), for integers.
///
/// # Safety
/// See [`gemm`](super::gemm::gemm).
#[expect(clippy::needless_range_loop, reason = "registers are indexed, see `dot::Accumulator`")]
#[inline(always)]
pub(in crate::simd) unsafe fn microkernel<I: IntVector, const R: usize, const P: usize>(
    from: Operands<Codes>,
    out: &mut Tile<[i32; WIDTH]>,
) {
    // SAFETY: our caller guarantees that the processor has the instructions, and that both factors
    // contain all of these rows, columns and `k`.
    unsafe {
        let mut a = from.left.cast::<[u8; 4]>();
        let mut b = from.right;
        let mut sums = [[I::zero(); P]; R];
        b = b.add(1);
        let mut left_over = from.k;
        while left_over > 0 {
            let count = left_over.min(WIDTH);
            let next = a.wrapping_add(from.left_stride * WIDTH);
            for r in 0..R {
                prefetch(next.wrapping_add(r * WIDTH));
            }
            for i in 0..count {
                let mut values = [I::zero(); P];
                for p in 0..P {
                    let line = b.add(p * from.right_stride);
                    prefetch(line.wrapping_add(from.ahead));
                    values[p] = I::load_weights(&*line);
                }
                b = b.add(1);
                for r in 0..R {
                    let codes = I::splat_codes(*a.add(r * WIDTH + i));
                    for p in 0..P {
                        sums[r][p] = sums[r][p].dot_add(codes, values[p]);
                    }
                }
            }
            left_over -= count;
            a = a.wrapping_add(from.left_stride * WIDTH);
        }
        for p in 0..P {
            for r in 0..R {
                sums[r][p].store(&*from.right.add(p * from.right_stride), &mut out[p][r]);
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
        fn products_of_codes_are_exact(
            rows in 1_usize..40,
            quads in 1_usize..40,
            blocks in 1_usize..5,
            extreme in any::<bool>(),
            mut seed in any::<u64>(),
        ) {
            let mut byte = |from: f32, to: f32| match extreme {
                true => if uniform(&mut seed) < 0.0 { from } else { to },
                false => (from + (uniform(&mut seed) + 1.0) / 2.0 * (to - from)).round(),
            };
            let mut codes = |count: usize, from, to| -> Vec<Codes> {
                let mut one = || (byte(from, to) as i16).to_le_bytes()[0];
                (0..count).map(|_| Codes(std::array::from_fn(|_| std::array::from_fn(|_| one())))).collect()
            };
            let left = codes(quads.div_ceil(WIDTH) * rows, 0.0, 255.0);
            let mut right = codes(blocks * (quads + 1), -127.0, 127.0);
            let weight = |right: &[Codes], block: usize, k: usize, lane: usize| {
                i32::from(right[block * (quads + 1) + 1 + k / 4].0[lane][k % 4].cast_signed())
            };
            for block in 0..blocks {
                let sum = |lane| (0..quads * 4).map(|k| weight(&right, block, k, lane)).sum::<i32>();
                right[block * (quads + 1)] = Codes(std::array::from_fn(|lane| sum(lane).to_ne_bytes()));
            }
            let scales = vec![RowScale { least: 0.0, step: 1.0 }; rows];
            let ones = vec![Lanes([1.0; WIDTH]); blocks];
            let scales = Dequantization { rows: &scales, steps: &ones, column_sums: &ones };
            for backend in Backend::available() {
                let mut out = vec![Lanes::ZERO; blocks * rows];
                let left_view = Blocked::whole(&left, rows);
                let right_view = Blocked::whole(&right, quads + 1);
                let target = BlockedMut::whole(&mut out, rows);
                backend.gemm_i8(left_view, right_view, scales, target, Epilogue::default());
                for row in 0..rows {
                    for column in 0..blocks * WIDTH {
                        let (block, lane) = (column / WIDTH, column % WIDTH);
                        let code = |k: usize| i32::from(left[k / 64 * rows + row].0[k % 64 / 4][k % 4]);
                        let products = (0..quads * 4).map(|k| code(k) * weight(&right, block, k, lane));
                        let expected = products.sum::<i32>() as f32;
                        prop_assert_eq!(out[block * rows + row].0[lane], expected, "{}", backend);
                    }
                }
            }
        }
    }
}
