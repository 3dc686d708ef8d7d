//! The arithmetic, written once over [`Sums`]. [`super`] instantiates it for each instruction set.

use std::array::from_fn;

/// `L` partial sums of products, in registers of some instruction set.
///
/// Left to itself the compiler vectorises some shapes of [`block`] and takes others apart lane by
/// lane, so the instructions are named; the portable twins are plain arrays. Instructions inside
/// closures are not inlined, so there are loops here where there might be closures.
pub(super) trait Sums<const L: usize>: Copy {
    /// `f32` or `f64`.
    type Total: Copy + Default;

    /// # Safety
    /// As for all functions here, the processor must have the instructions of the implementing
    /// type.
    unsafe fn zero() -> Self;

    /// Adds product `i` to sum `i`.
    ///
    /// # Safety
    /// See [`Sums::zero`].
    unsafe fn add(self, a: &[f32; L], b: &[f32; L]) -> Self;

    /// Adds the products of two tails of less than `L` values, then all sums.
    ///
    /// # Safety
    /// See [`Sums::zero`].
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> Self::Total;
}

/// `f32` sums: fast, in no particular order.
impl<const L: usize> Sums<L> for [f32; L] {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; L]
    }

    #[inline(always)]
    unsafe fn add(self, a: &[f32; L], b: &[f32; L]) -> Self {
        from_fn(|i| self[i] + a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f32 {
        total_f32(self, a_rest, b_rest)
    }
}

#[inline(always)]
pub(super) fn total_f32<const L: usize>(mut sums: [f32; L], a_rest: &[f32], b_rest: &[f32]) -> f32 {
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    let mut width = L / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// How many partial sums an exact dot product has.
pub(super) const F64_LANES: usize = 16;

/// `f64` sums in a fixed order: product `i` is added to sum `i % 16`, in order; then 8 sums are
/// added to the other 8, 4 to 4, 2 to 2 and 1 to 1.
///
/// The product of two `f32` is exact in `f64`, so this order alone decides the result, bit by bit,
/// whatever the instruction set, and fused or not.
impl Sums<F64_LANES> for [f64; F64_LANES] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; F64_LANES]
    }

    #[inline(always)]
    unsafe fn add(self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
        from_fn(|i| self[i] + f64::from(a[i]) * f64::from(b[i]))
    }

    #[inline(always)]
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f64 {
        total_f64(self, a_rest, b_rest)
    }
}

#[inline(always)]
pub(super) fn total_f64(mut sums: [f64; F64_LANES], a_rest: &[f32], b_rest: &[f32]) -> f64 {
    for (sum, (&a, &b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += f64::from(a) * f64::from(b);
    }
    let mut width = F64_LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The dot products of `R` rows and `Q` queries, all of the length of the first query.
///
/// # Safety
/// See [`Sums::zero`].
#[inline(always)]
unsafe fn block<S: Sums<L>, const L: usize, const R: usize, const Q: usize>(
    rows: [&[f32]; R],
    queries: [&[f32]; Q],
) -> [[S::Total; Q]; R] {
    let dim = queries[0].len();
    let count = dim / L;
    // Cut to one length, so that the loop below needs no bounds checks.
    let row_chunks = rows.map(|row| &row.as_chunks::<L>().0[..count]);
    let query_chunks = queries.map(|query| &query.as_chunks::<L>().0[..count]);
    // SAFETY: our caller promises what all of `S` demands, here and below.
    let mut sums = [[unsafe { S::zero() }; Q]; R];
    for at in 0..count {
        for r in 0..R {
            for q in 0..Q {
                // SAFETY: as above.
                sums[r][q] = unsafe { sums[r][q].add(&row_chunks[r][at], &query_chunks[q][at]) };
            }
        }
    }
    let mut totals = [[S::Total::default(); Q]; R];
    for r in 0..R {
        for q in 0..Q {
            let (row_rest, query_rest) = (&rows[r][count * L..dim], &queries[q][count * L..dim]);
            // SAFETY: as above.
            totals[r][q] = unsafe { sums[r][q].total(row_rest, query_rest) };
        }
    }
    totals
}

/// One dot product.
///
/// # Safety
/// See [`Sums::zero`].
#[inline(always)]
pub(super) unsafe fn dot<S: Sums<L>, const L: usize>(a: &[f32], b: &[f32]) -> S::Total {
    // SAFETY: our caller promises what `S` demands.
    let [[total]] = unsafe { block::<S, L, 1, 1>([a], [b]) };
    total
}

/// All dot products of some rows and some queries, see [`super::Backend::dots`]; `R` rows and `Q`
/// queries at a time.
///
/// # Safety
/// See [`Sums::zero`].
#[inline(always)]
pub(super) unsafe fn dots<S: Sums<L>, const L: usize, const R: usize, const Q: usize>(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [S::Total],
) {
    let count = picked.map_or(rows.len() / dim, <[u32]>::len);
    let row = |i: usize| {
        let at = picked.map_or(i, |picked| picked[i] as usize);
        &rows[at * dim..(at + 1) * dim]
    };
    let mut queries = queries.chunks_exact(dim);
    let mut outs = out.chunks_exact_mut(count);
    // Several queries at a time, so that a row once loaded serves them all; what is left goes one
    // by one.
    while queries.len() >= Q {
        let group: [&[f32]; Q] = from_fn(|_| queries.next().unwrap_or_default());
        let mut group_outs: [&mut [S::Total]; Q] = from_fn(|_| outs.next().unwrap_or_default());
        let mut at = 0;
        while at + R <= count {
            // SAFETY: our caller promises what `S` demands, here and below.
            let totals = unsafe { block::<S, L, R, Q>(from_fn(|r| row(at + r)), group) };
            for (r, totals) in totals.into_iter().enumerate() {
                for (out, total) in group_outs.iter_mut().zip(totals) {
                    out[at + r] = total;
                }
            }
            at += R;
        }
        for at in at..count {
            // SAFETY: as above.
            let [totals] = unsafe { block::<S, L, 1, Q>([row(at)], group) };
            for (out, total) in group_outs.iter_mut().zip(totals) {
                out[at] = total;
            }
        }
    }
    for (query, out) in queries.zip(outs) {
        let mut at = 0;
        while at + 4 <= count {
            // SAFETY: as above.
            let totals = unsafe { block::<S, L, 4, 1>(from_fn(|r| row(at + r)), [query]) };
            for (r, [total]) in totals.into_iter().enumerate() {
                out[at + r] = total;
            }
            at += 4;
        }
        for (at, out) in out.iter_mut().enumerate().skip(at) {
            // SAFETY: as above.
            *out = unsafe { dot::<S, L>(row(at), query) };
        }
    }
}
