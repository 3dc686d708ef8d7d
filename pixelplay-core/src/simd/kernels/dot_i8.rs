//! Exact dot products of rows of `u8` with queries of `i8`. This file has the plain code; the files
//! of this name in `x86` use registers.

use crate::simd::{Backend, dispatch};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Isa, x86};

impl Backend {
    /// Computes the exact dot products of rows of `u8` and one query. `out[i]` becomes the product
    /// of the `i`-th picked row, or of the `i`-th row if all rows are used. Sums of up to 65,536
    /// products cannot overflow.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of the query's, `out` does not have a value for
    /// each row, or a picked row does not exist.
    #[track_caller]
    pub(crate) fn dots_i8(
        self,
        rows: &[u8],
        picked: Option<&[u32]>,
        query: &[i8],
        out: &mut [i32],
    ) {
        check_int8(query.len(), rows, picked, out.len());
        // SAFETY: the lengths were checked.
        unsafe { dispatch!(self, dots_i8(rows, picked, query, out)) }
    }

    /// Like [`dots_i8`](Self::dots_i8), for all queries of several panels: `out[p * c + i]` becomes
    /// the products of panel `p` and the `i`-th of the `c` rows.
    ///
    /// # Panics
    /// As [`dots_i8`](Self::dots_i8).
    #[track_caller]
    pub(crate) fn panels_i8(
        self,
        dim: usize,
        rows: &[u8],
        picked: Option<&[u32]>,
        panels: &[Panel],
        out: &mut [[i32; LANES]],
    ) {
        let count = picked.map_or(rows.len() / dim, <[u32]>::len);
        assert_eq!(out.len(), panels.len() * count);
        if count == 0 {
            return;
        }
        let mut panels = panels.iter();
        let mut outs = out.chunks_exact_mut(count);
        #[cfg(target_arch = "x86_64")]
        if self.0 == Isa::Avx512Vnni {
            while panels.len() >= 2
                && let (Some(a), Some(b)) = (panels.next(), panels.next())
                && let (Some(out_a), Some(out_b)) = (outs.next(), outs.next())
            {
                check_int8(dim, rows, picked, count);
                // SAFETY: only `available` creates an `Avx512Vnni`, after it has detected AVX-512F,
                // BW and VNNI; the lengths were checked.
                unsafe { x86::avx512_vnni::panels_i8(dim, rows, picked, [a, b], [out_a, out_b]) };
            }
        }
        for (panel, out) in panels.zip(outs) {
            check_int8(dim, rows, picked, count);
            // SAFETY: the lengths were checked.
            unsafe { dispatch!(self, panel_i8(dim, rows, picked, panel, out)) }
        }
    }
}

#[track_caller]
fn check_int8(dim: usize, rows: &[u8], picked: Option<&[u32]>, out: usize) {
    // The largest product is 255 * 128; the sum of 65,536 of them stays below 2^31.
    assert!((1..=1 << 16).contains(&dim) && rows.len().is_multiple_of(dim));
    assert_eq!(out, picked.map_or(rows.len() / dim, <[u32]>::len));
}

/// The number of queries in a panel.
pub(crate) const LANES: usize = 16;
/// The number of adjacent values of a query that are stored together in a panel: as many as one
/// instruction multiplies and adds.
pub(in crate::simd) const QUAD: usize = 4;

/// Up to [`LANES`] queries of equal length, interleaved so that one register holds [`QUAD`] values
/// of each: shape `(ceil(dim / 4), 16, 4)`, padded with zeros.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(in crate::simd) quads: Vec<[[i8; QUAD]; LANES]>,
}

impl Panel {
    /// # Panics
    /// If there are more than [`LANES`] queries, or their lengths differ.
    pub(crate) fn new<'a>(queries: impl ExactSizeIterator<Item = &'a [i8]>) -> Self {
        assert!(queries.len() <= LANES);
        let mut quads = Vec::new();
        for (lane, query) in queries.enumerate() {
            if lane == 0 {
                quads = vec![[[0; QUAD]; LANES]; query.len().div_ceil(QUAD)];
            }
            assert_eq!(query.len().div_ceil(QUAD), quads.len());
            for (quad, values) in quads.iter_mut().zip(query.chunks(QUAD)) {
                quad[lane][..values.len()].copy_from_slice(values);
            }
        }
        Self { quads }
    }
}

/// See [`Backend::dots_i8`].
pub(in crate::simd) fn dots(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    for (at, out) in out.iter_mut().enumerate() {
        let products = row(rows, picked, query.len(), at).iter().zip(query);
        // Multiplies as `i16`, because many processors have an instruction that adds such products
        // in pairs.
        *out = products.map(|(&a, &b)| i32::from(i16::from(a)) * i32::from(i16::from(b))).sum();
    }
}

/// See [`Backend::panels_i8`].
pub(in crate::simd) fn panel(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panel: &Panel,
    out: &mut [[i32; LANES]],
) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = [0; LANES];
        let row = row(rows, picked, dim, at);
        for (values, quad) in row.chunks(QUAD).zip(&panel.quads) {
            let values = padded(values).map(i32::from);
            for (out, quad) in out.iter_mut().zip(quad) {
                let products = values.iter().zip(quad).map(|(&a, &b)| a * i32::from(b));
                *out += products.sum::<i32>();
            }
        }
    }
}

/// Returns the values of a row for one quad, padded with zeros after the end of the row.
#[inline(always)]
pub(in crate::simd) fn padded(values: &[u8]) -> [u8; QUAD] {
    match values.first_chunk() {
        Some(values) => *values,
        None => std::array::from_fn(|at| values.get(at).copied().unwrap_or(0)),
    }
}

#[inline(always)]
pub(in crate::simd) fn row<'a>(
    rows: &'a [u8],
    picked: Option<&[u32]>,
    dim: usize,
    at: usize,
) -> &'a [u8] {
    let at = picked.map_or(at, |picked| picked[at] as usize);
    &rows[at * dim..(at + 1) * dim]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::Backend;

    fn expected(row: &[u8], query: &[i8]) -> i32 {
        let products = row.iter().zip(query);
        let sum: i64 = products.map(|(&a, &b)| i64::from(a) * i64::from(b)).sum();
        i32::try_from(sum).unwrap()
    }

    fn agrees(dim: usize, rows: &[u8], picked: Option<&[u32]>, queries: &[i8]) {
        let all: Vec<u32> = (0..u32::try_from(rows.len() / dim).unwrap()).collect();
        let chosen = picked.unwrap_or(&all);
        let row = |at: u32| &rows[at as usize * dim..][..dim];
        let panels: Vec<Panel> =
            queries.chunks(LANES * dim).map(|queries| Panel::new(queries.chunks(dim))).collect();
        for backend in Backend::available() {
            let mut out = vec![[-1; LANES]; panels.len() * chosen.len()];
            backend.panels_i8(dim, rows, picked, &panels, &mut out);
            for (q, query) in queries.chunks(dim).enumerate() {
                let expected: Vec<i32> =
                    chosen.iter().map(|&at| expected(row(at), query)).collect();
                let mut dots = vec![-1; chosen.len()];
                backend.dots_i8(rows, picked, query, &mut dots);
                assert_eq!(dots, expected, "{backend}");
                let of_panel: Vec<i32> = out[q / LANES * chosen.len()..][..chosen.len()]
                    .iter()
                    .map(|lanes| lanes[q % LANES])
                    .collect();
                assert_eq!(of_panel, expected, "{backend} panel");
            }
        }
    }

    proptest! {
        #[test]
        fn all_backends_multiply_integers_exactly(
            dim in 1_usize..150,
            rows in 0_usize..30,
            queries in 1_usize..40,
            seed in any::<u64>(),
            picks in prop::option::of(prop::collection::vec(any::<u32>(), 0..30)),
        ) {
            let mut state = seed;
            let mut byte = move || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            };
            let codes: Vec<u8> = (0..rows * dim).map(|_| byte()).collect();
            let values: Vec<i8> = (0..queries * dim).map(|_| byte().cast_signed()).collect();
            let picked = picks.filter(|_| rows > 0).map(|picks| {
                picks.iter().map(|pick| pick % u32::try_from(rows).unwrap()).collect::<Vec<_>>()
            });
            agrees(dim, &codes, picked.as_deref(), &values);
        }
    }

    #[test]
    fn the_longest_rows_do_not_overflow() {
        let dim = 1 << 16;
        for (code, value) in [(255, 127), (255, -128), (0, -128)] {
            agrees(dim, &vec![code; 2 * dim], None, &vec![value; dim]);
        }
    }
}
