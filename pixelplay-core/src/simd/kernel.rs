//! The arithmetic, written once over plain arrays. [`super`] instantiates it for each instruction set.

use std::array::from_fn;

/// How many partial sums [`dot_f64`] keeps.
const F64_LANES: usize = 16;

/// The dot products of `R` rows and `Q` queries in `f32`, summed in no particular order.
///
/// `L` is the width of a register; all slices must have the length of the first query.
#[inline(always)]
pub(super) fn block<const L: usize, const R: usize, const Q: usize, const FMA: bool>(
    rows: [&[f32]; R],
    queries: [&[f32]; Q],
) -> [[f32; Q]; R] {
    let dim = queries[0].len();
    let count = dim / L;
    // Cut to one length, so that the loop below needs no bounds checks.
    let row_chunks = rows.map(|row| &row.as_chunks::<L>().0[..count]);
    let query_chunks = queries.map(|query| &query.as_chunks::<L>().0[..count]);
    let mut sums = [[[0.0_f32; L]; Q]; R];
    for at in 0..count {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (q, sums) in sums.iter_mut().enumerate() {
                add_products::<L, FMA>(sums, &row_chunks[r][at], &query_chunks[q][at]);
            }
        }
    }
    if count * L < dim {
        let rest = |values: &[f32]| -> [f32; L] {
            let rest = &values[count * L..dim];
            from_fn(|i| rest.get(i).copied().unwrap_or(0.0))
        };
        let rows = rows.map(rest);
        let queries = queries.map(rest);
        for (row, sums) in rows.iter().zip(&mut sums) {
            for (query, sums) in queries.iter().zip(sums) {
                add_products::<L, FMA>(sums, row, query);
            }
        }
    }
    sums.map(|sums| sums.map(total))
}

#[inline(always)]
fn add_products<const L: usize, const FMA: bool>(sums: &mut [f32; L], a: &[f32; L], b: &[f32; L]) {
    for i in 0..L {
        // `mul_add` without the instruction is a slow library call.
        sums[i] = if FMA {
            a[i].mul_add(b[i], sums[i])
        } else {
            sums[i] + a[i] * b[i]
        };
    }
}

#[inline(always)]
fn total<const L: usize>(mut sums: [f32; L]) -> f32 {
    let mut width = L / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The dot product in `f64`: product `i` is added to partial sum `i % 16`, in order; then 8 sums are added to the
/// other 8, 4 to 4, 2 to 2 and 1 to 1.
///
/// The product of two `f32` is exact in `f64`, so this order alone decides the result, bit by bit, whatever the
/// instruction set, and fused or not.
#[inline(always)]
pub(super) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f64; F64_LANES];
    let (a_chunks, a_rest) = a.as_chunks::<F64_LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<F64_LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..F64_LANES {
            sums[i] += f64::from(a[i]) * f64::from(b[i]);
        }
    }
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

/// See [`super::Backend::dots`].
#[inline(always)]
pub(super) fn dots<const L: usize, const R: usize, const Q: usize, const FMA: bool>(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [f32],
) {
    let count = picked.map_or(rows.len() / dim, <[u32]>::len);
    let row = |i: usize| {
        let at = picked.map_or(i, |picked| picked[i] as usize);
        &rows[at * dim..(at + 1) * dim]
    };
    let mut queries = queries.chunks_exact(dim);
    let mut outs = out.chunks_exact_mut(count);
    // Several queries at a time, so that a row once loaded serves them all; what is left goes one by one.
    while queries.len() >= Q {
        let group: [&[f32]; Q] = from_fn(|_| queries.next().unwrap_or_default());
        let mut group_outs: [&mut [f32]; Q] = from_fn(|_| outs.next().unwrap_or_default());
        let mut at = 0;
        while at + R <= count {
            let sums = block::<L, R, Q, FMA>(from_fn(|r| row(at + r)), group);
            for (r, sums) in sums.iter().enumerate() {
                for (out, sum) in group_outs.iter_mut().zip(sums) {
                    out[at + r] = *sum;
                }
            }
            at += R;
        }
        for at in at..count {
            let [sums] = block::<L, 1, Q, FMA>([row(at)], group);
            for (out, sum) in group_outs.iter_mut().zip(sums) {
                out[at] = sum;
            }
        }
    }
    for (query, out) in queries.zip(outs) {
        let mut at = 0;
        while at + 4 <= count {
            let sums = block::<L, 4, 1, FMA>(from_fn(|r| row(at + r)), [query]);
            for (r, [sum]) in sums.into_iter().enumerate() {
                out[at + r] = sum;
            }
            at += 4;
        }
        for (at, out) in out.iter_mut().enumerate().skip(at) {
            let [[sum]] = block::<L, 1, 1, FMA>([row(at)], [query]);
            *out = sum;
        }
    }
}
