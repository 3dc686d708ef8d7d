//! Dot products of vectors, generic over [`Accumulator`].

use std::array::from_fn;

use super::reduce::tree_sum;
use crate::simd::{Backend, dispatch};

impl Backend {
    /// Computes the dot products of rows and queries in `f32`. The order of summation is not fixed,
    /// so results may differ in rounding.
    ///
    /// `rows` has shape `(n, dim)` and `queries` `(m, dim)`. `out[j * c + i]` becomes the product
    /// of query `j` and the `i`-th of the `c` rows, which are the picked rows or all rows.
    ///
    /// # Panics
    /// If a length is not a multiple of `dim`, `out` does not have `m * c` values, or a picked row
    /// does not exist.
    #[track_caller]
    pub(crate) fn dots(
        self,
        dim: usize,
        rows: &[f32],
        picked: Option<&[u32]>,
        queries: &[f32],
        out: &mut [f32],
    ) {
        check(dim, rows, picked, queries, out.len());
        if out.is_empty() {
            return;
        }
        // SAFETY: the lengths were checked.
        unsafe { dispatch!(self, dots(dim, rows, picked, queries, out)) }
    }

    /// Like [`dots`](Self::dots), in `f64`, with each product summed as in
    /// [`dot_f64`](Self::dot_f64).
    ///
    /// # Panics
    /// As [`dots`](Self::dots).
    #[track_caller]
    pub(crate) fn dots_f64(
        self,
        dim: usize,
        rows: &[f32],
        picked: Option<&[u32]>,
        queries: &[f32],
        out: &mut [f64],
    ) {
        check(dim, rows, picked, queries, out.len());
        if out.is_empty() {
            return;
        }
        // SAFETY: as in `dots`.
        unsafe { dispatch!(self, dots_f64(dim, rows, picked, queries, out)) }
    }

    /// Computes the dot product in `f64`, summed in a fixed order (see [`F64_LANES`]): the result
    /// is bit-identical on every backend.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub(crate) fn dot_f64(self, a: &[f32], b: &[f32]) -> f64 {
        assert_eq!(a.len(), b.len());
        // SAFETY: as in `dots`.
        unsafe { dispatch!(self, dot_f64(a, b)) }
    }
}

#[track_caller]
fn check(dim: usize, rows: &[f32], picked: Option<&[u32]>, queries: &[f32], out: usize) {
    assert!(dim > 0 && rows.len().is_multiple_of(dim) && queries.len().is_multiple_of(dim));
    let count = picked.map_or(rows.len() / dim, <[u32]>::len);
    assert_eq!(out, queries.len() / dim * count);
}

/// `L` partial sums of products, in registers of an instruction set.
///
/// Left to itself, the compiler vectorises some shapes of [`microkernel`] but splits others lane by
/// lane, so the instructions are given explicitly; the portable implementation is a plain array.
/// Instructions inside closures are not inlined, so this code uses loops instead of closures.
pub(in crate::simd) trait Accumulator<const L: usize>: Copy {
    /// `f32` or `f64`.
    type Total: Copy + Default;

    /// # Safety
    /// As for all functions here, the processor must have the instructions of the implementing
    /// type.
    unsafe fn zero() -> Self;

    /// Adds product `i` to sum `i`.
    ///
    /// # Safety
    /// See [`Accumulator::zero`].
    unsafe fn accumulate(self, a: &[f32; L], b: &[f32; L]) -> Self;

    /// Adds the products of two tails of fewer than `L` values, then adds up all sums.
    ///
    /// # Safety
    /// See [`Accumulator::zero`].
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> Self::Total;
}

#[inline(always)]
pub(in crate::simd) fn reduce_f32<const L: usize>(
    mut sums: [f32; L],
    a_tail: &[f32],
    b_tail: &[f32],
) -> f32 {
    for (sum, (a, b)) in sums.iter_mut().zip(a_tail.iter().zip(b_tail)) {
        *sum += a * b;
    }
    tree_sum(&mut sums)
}

/// The number of partial sums of an exact dot product. They are added in a fixed order: product `i`
/// is added to sum `i % 16`, in order; then 8 sums are added to the other 8, 4 to 4, 2 to 2 and 1
/// to 1.
///
/// The product of two `f32` values is exact in `f64`, so this order alone determines every bit of
/// the result, for any instruction set, fused or not.
pub(in crate::simd) const F64_LANES: usize = 16;

#[inline(always)]
pub(in crate::simd) fn reduce_f64(
    mut sums: [f64; F64_LANES],
    a_tail: &[f32],
    b_tail: &[f32],
) -> f64 {
    for (sum, (&a, &b)) in sums.iter_mut().zip(a_tail.iter().zip(b_tail)) {
        *sum += f64::from(a) * f64::from(b);
    }
    tree_sum(&mut sums)
}

/// Computes the dot products of `R` rows and `Q` queries, all with the length of the first query.
///
/// # Safety
/// See [`Accumulator::zero`].
#[inline(always)]
unsafe fn microkernel<A: Accumulator<L>, const L: usize, const R: usize, const Q: usize>(
    rows: [&[f32]; R],
    queries: [&[f32]; Q],
) -> [[A::Total; Q]; R] {
    let dim = queries[0].len();
    let count = dim / L;
    // All slices have the same length, so that the loop below needs no bounds checks.
    let row_chunks = rows.map(|row| &row.as_chunks::<L>().0[..count]);
    let query_chunks = queries.map(|query| &query.as_chunks::<L>().0[..count]);
    // SAFETY: our caller guarantees what `A` requires, here and below.
    let mut sums = [[unsafe { A::zero() }; Q]; R];
    for at in 0..count {
        for r in 0..R {
            for q in 0..Q {
                // SAFETY: as above.
                sums[r][q] =
                    unsafe { sums[r][q].accumulate(&row_chunks[r][at], &query_chunks[q][at]) };
            }
        }
    }
    let mut totals = [[A::Total::default(); Q]; R];
    for r in 0..R {
        for q in 0..Q {
            let (row_tail, query_tail) = (&rows[r][count * L..dim], &queries[q][count * L..dim]);
            // SAFETY: as above.
            totals[r][q] = unsafe { sums[r][q].reduce(row_tail, query_tail) };
        }
    }
    totals
}

/// Computes one dot product.
///
/// # Safety
/// See [`Accumulator::zero`].
#[inline(always)]
pub(in crate::simd) unsafe fn dot<A: Accumulator<L>, const L: usize>(
    a: &[f32],
    b: &[f32],
) -> A::Total {
    // SAFETY: our caller guarantees what `A` requires.
    let [[total]] = unsafe { microkernel::<A, L, 1, 1>([a], [b]) };
    total
}

/// Computes all dot products of rows and queries, `R` rows and `Q` queries at a time; see
/// [`Backend::dots`].
///
/// # Safety
/// See [`Accumulator::zero`].
#[inline(always)]
pub(in crate::simd) unsafe fn dots<
    A: Accumulator<L>,
    const L: usize,
    const R: usize,
    const Q: usize,
>(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [A::Total],
) {
    let count = picked.map_or(rows.len() / dim, <[u32]>::len);
    let row = |i: usize| {
        let at = picked.map_or(i, |picked| picked[i] as usize);
        &rows[at * dim..(at + 1) * dim]
    };
    let mut queries = queries.chunks_exact(dim);
    let mut outs = out.chunks_exact_mut(count);
    // Processes several queries at once, so that a loaded row is used for all of them. The
    // remaining queries are processed one by one.
    while queries.len() >= Q {
        let group: [&[f32]; Q] = from_fn(|_| queries.next().unwrap_or_default());
        let mut group_outs: [&mut [A::Total]; Q] = from_fn(|_| outs.next().unwrap_or_default());
        let mut at = 0;
        while at + R <= count {
            // SAFETY: our caller guarantees what `A` requires, here and below.
            let totals = unsafe { microkernel::<A, L, R, Q>(from_fn(|r| row(at + r)), group) };
            for (r, totals) in totals.into_iter().enumerate() {
                for (out, total) in group_outs.iter_mut().zip(totals) {
                    out[at + r] = total;
                }
            }
            at += R;
        }
        for at in at..count {
            // SAFETY: as above.
            let [totals] = unsafe { microkernel::<A, L, 1, Q>([row(at)], group) };
            for (out, total) in group_outs.iter_mut().zip(totals) {
                out[at] = total;
            }
        }
    }
    for (query, out) in queries.zip(outs) {
        let mut at = 0;
        while at + 4 <= count {
            // SAFETY: as above.
            let totals = unsafe { microkernel::<A, L, 4, 1>(from_fn(|r| row(at + r)), [query]) };
            for (r, [total]) in totals.into_iter().enumerate() {
                out[at + r] = total;
            }
            at += 4;
        }
        for (at, out) in out.iter_mut().enumerate().skip(at) {
            // SAFETY: as above.
            *out = unsafe { dot::<A, L>(row(at), query) };
        }
    }
}
