//! Products of blocked matrices, tile by tile.
//!
//! Every value of a product is summed over `k` in a fixed order, which does not depend on the
//! number of rows or columns computed together or on the number of threads. So the result is
//! bit-identical in any batch.

use super::epilogue::Epilogue;
use super::microkernel::{MAX_BLOCKS, MAX_ROWS, Microkernel, Operands, tile_of};
use crate::simd::vector::{Lanes, WIDTH};
use crate::simd::{Backend, Blocked, BlockedMut, dispatch};

/// The number of products that are summed before they are added to the output. Two blocks of this
/// many lines of the right factor and a few hundred rows of the left factor fit into a core's own
/// cache. This is a multiple of [`WIDTH`].
const DEPTH: usize = 768;

/// The number of bytes of the left factor that are multiplied by the whole right factor before
/// moving on. They fit into a core's own cache together with two blocks of the right factor.
const LEFT_BYTES: usize = 384 << 10;

impl Backend {
    /// Computes the product of two factors: `left` has as many columns as `right` has rows, and
    /// `right` has as many blocks of 16 columns as `out`.
    ///
    /// Each value is summed over `k` in order, [`DEPTH`] products at a time, no matter what else is
    /// computed with it.
    ///
    /// # Panics
    /// If `left` has fewer columns than `right` has rows, if `out` and `left` have different
    /// numbers of rows, if `right` has fewer blocks than `out`, or if a block has no bias.
    #[track_caller]
    pub(crate) fn gemm(
        self,
        left: Blocked<'_>,
        right: Blocked<'_>,
        mut out: BlockedMut<'_>,
        epilogue: Epilogue<'_>,
    ) {
        let k = right.rows;
        if left.rows == 0 || out.lines.is_empty() {
            return;
        }
        assert!(k > 0);
        check(&left, k.div_ceil(WIDTH), &right, &out, epilogue);
        let mut done = 0;
        while done < k {
            let deep = (k - done).min(DEPTH);
            let left = left.skip_blocks(done / WIDTH);
            let right = right.slice(done..done + deep);
            let epilogue = Epilogue {
                bias: epilogue.bias.filter(|_| done == 0),
                accumulate: epilogue.accumulate || done > 0,
                activation: epilogue.activation.filter(|_| done + deep == k),
            };
            // SAFETY: the lengths were checked.
            unsafe { dispatch!(self, gemm(left, right, out.reborrow(), epilogue)) }
            done += deep;
        }
    }
}

/// Checks the factors of any product; see [`Backend::gemm`].
#[track_caller]
pub(super) fn check<L>(
    left: &Blocked<'_, L>,
    left_blocks: usize,
    right: &Blocked<'_, L>,
    out: &BlockedMut<'_>,
    epilogue: Epilogue<'_>,
) {
    assert!(out.lines.len().is_multiple_of(out.stride));
    let blocks = out.blocks();
    assert!(out.rows == left.rows && out.first + out.rows <= out.stride);
    assert!(left.has(left_blocks) && right.has(blocks));
    assert!(epilogue.bias.is_none_or(|bias| bias.len() >= blocks));
}

/// See [`Backend::gemm`]. Computes `P` blocks of columns at a time, and at most `R` rows.
/// `epilogue` is called with the sums of several rows of a block, the numbers of the block and of
/// the first row, and the lines to write to.
///
/// # Safety
/// The processor must have the instructions of `M`; all of `rows`, `k` and the blocks of `out` must
/// lie in the factors.
#[inline(always)]
pub(in crate::simd) unsafe fn gemm<M: Microkernel, const R: usize, const P: usize>(
    k: usize,
    left: Blocked<'_, M::Line>,
    right: Blocked<'_, M::Line>,
    out: BlockedMut<'_>,
    epilogue: impl Fn(&[M::Sums], usize, usize, &mut [Lanes]),
) {
    let (rows, blocks) = (left.rows, out.blocks());
    let chunks = (rows * k * size_of::<f32>()).div_ceil(LEFT_BYTES).clamp(1, rows.div_ceil(R));
    let mut sums = [[M::ZERO; MAX_ROWS]; MAX_BLOCKS];
    for chunk in 0..chunks {
        let (start, end) = (rows * chunk / chunks, rows * (chunk + 1) / chunks);
        let tiles = (end - start).div_ceil(R);
        let mut block = 0;
        while block < blocks {
            let wide = block + P <= blocks;
            for tile in 0..tiles {
                let top = start + (end - start) * tile / tiles;
                let bottom = start + (end - start) * (tile + 1) / tiles;
                let from = Operands {
                    // SAFETY: our caller guarantees that the factors have these lines.
                    left: unsafe { left.lines.as_ptr().add(left.first + top) },
                    left_stride: left.stride,
                    // SAFETY: as above.
                    right: unsafe { right.lines.as_ptr().add(block * right.stride + right.first) },
                    right_stride: right.stride,
                    k,
                    ahead: match tile + 1 == tiles && block + P < blocks {
                        true => P * right.stride,
                        false => 0,
                    },
                };
                // SAFETY: our caller guarantees all requirements.
                unsafe {
                    match wide {
                        true => tile_of::<M, R, P>(bottom - top, from, &mut sums),
                        false => tile_of::<M, R, 1>(bottom - top, from, &mut sums),
                    }
                }
                for (p, sums) in sums[..if wide { P } else { 1 }].iter().enumerate() {
                    let at = (block + p) * out.stride + out.first + top;
                    let lines = &mut out.lines[at..at + bottom - top];
                    epilogue(&sums[..lines.len()], block + p, top, lines);
                }
            }
            block += if wide { P } else { 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::kernels::activation::Activation;
    use crate::simd::kernels::oracle::{self, Part, error_bound, uniform};

    proptest! {
        #[test]
        fn products_are_those_of_f64(
            rows in 1_usize..40,
            k in 1_usize..70,
            columns in 1_usize..70,
            has_bias in any::<bool>(),
            add in any::<bool>(),
            mut seed in any::<u64>(),
        ) {
            let (left, right) = (Part::random(rows, k, &mut seed), Part::random(k, columns, &mut seed));
            let before = Part::random(rows, columns, &mut seed);
            let bias: Vec<Lanes> = (0..columns.div_ceil(WIDTH))
                .map(|_| Lanes(std::array::from_fn(|_| uniform(&mut seed))))
                .collect();
            for backend in Backend::available() {
                let mut out = Part { lines: before.lines.clone(), ..before };
                let epilogue = Epilogue { bias: has_bias.then_some(&bias), activation: None, accumulate: add };
                backend.gemm(left.view(), right.view(), out.view_mut(), epilogue);
                for row in 0..rows {
                    for column in 0..columns {
                        let products = (0..k).map(|at| left.at(row, at) * right.at(at, column));
                        let mut sum: f64 = products.clone().sum();
                        let mut sizes: f64 = products.map(f64::abs).sum();
                        let bias = f64::from(bias[column / WIDTH].0[column % WIDTH]);
                        for (added, value) in [(has_bias, bias), (add, before.at(row, column))] {
                            if added {
                                sum += value;
                                sizes += value.abs();
                            }
                        }
                        let error = (out.at(row, column) - sum).abs();
                        prop_assert!(error <= error_bound(k) * sizes, "{backend}: {error} at {row}, {column}");
                    }
                }
                // The surrounding lines are unchanged.
                for (at, (line, old)) in out.lines.iter().zip(&before.lines).enumerate() {
                    let inside = (out.first..out.first + rows).contains(&(at % out.stride));
                    prop_assert!(inside || line == old);
                }
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_neighbours(
            rows in 1_usize..60,
            k in 1_usize..40,
            columns in 1_usize..80,
            mut seed in any::<u64>(),
        ) {
            let (left, right) = (Part::random(rows, k, &mut seed), Part::random(k, columns, &mut seed));
            let epilogue = Epilogue { activation: Some(Activation::Gelu), ..Epilogue::default() };
            for backend in Backend::available() {
                let mut all = Part::random(rows, columns, &mut seed);
                backend.gemm(left.view(), right.view(), all.view_mut(), epilogue);
                for row in 0..rows {
                    let mut alone = Part { lines: vec![Lanes::ZERO; columns.div_ceil(WIDTH)], stride: 1, first: 0, rows: 1 };
                    let left = left.view().slice(row..row + 1);
                    backend.gemm(left, right.view(), alone.view_mut(), epilogue);
                    for column in 0..columns {
                        prop_assert_eq!(alone.at(0, column).to_bits(), all.at(row, column).to_bits());
                    }
                }
            }
        }
    }

    /// Tests sums of more products than are summed at once: the bias and the old contents are added
    /// once, the activation is applied last, and other rows and blocks make no difference.
    #[test]
    fn deep_products_are_those_of_f64() {
        let mut seed = 5;
        for k in [DEPTH - 1, DEPTH, DEPTH + 1, DEPTH + WIDTH, 2 * DEPTH, 2 * DEPTH + 5] {
            let (rows, columns) = (17, 70);
            let left = Part::random(rows, k, &mut seed);
            let right = Part::random(k, columns, &mut seed);
            let before = Part::random(rows, columns, &mut seed);
            let bias: Vec<Lanes> = (0..columns.div_ceil(WIDTH))
                .map(|_| Lanes(std::array::from_fn(|_| uniform(&mut seed))))
                .collect();
            for backend in Backend::available() {
                for (add, activation) in [(true, None), (false, Some(Activation::QuickGelu))] {
                    let epilogue = Epilogue { bias: Some(&bias), activation, accumulate: add };
                    let mut out = Part { lines: before.lines.clone(), ..before };
                    backend.gemm(left.view(), right.view(), out.view_mut(), epilogue);
                    for row in 0..rows {
                        let mut alone = Part {
                            lines: (0..columns.div_ceil(WIDTH))
                                .map(|block| {
                                    before.lines[block * before.stride + before.first + row]
                                })
                                .collect(),
                            stride: 1,
                            first: 0,
                            rows: 1,
                        };
                        let own = left.view().slice(row..row + 1);
                        backend.gemm(own, right.view(), alone.view_mut(), epilogue);
                        for column in 0..columns {
                            let products = (0..k).map(|at| left.at(row, at) * right.at(at, column));
                            let bias = f64::from(bias[column / WIDTH].0[column % WIDTH]);
                            let there = if add { before.at(row, column) } else { 0.0 };
                            let sum = products.clone().sum::<f64>() + bias + there;
                            let sizes =
                                products.map(f64::abs).sum::<f64>() + bias.abs() + there.abs();
                            let expected = activation
                                .map_or(sum, |activation| oracle::activation(activation, sum));
                            let found = out.at(row, column);
                            // The slope of any activation is at most 1.2.
                            let error = (found - expected).abs() / 1.2;
                            assert!(
                                error <= error_bound(k) * sizes,
                                "{backend}, {k}: {error} at {row}, {column}"
                            );
                            assert_eq!(
                                found.to_bits(),
                                alone.at(0, column).to_bits(),
                                "{backend}, {k}"
                            );
                        }
                    }
                }
            }
        }
    }
}
