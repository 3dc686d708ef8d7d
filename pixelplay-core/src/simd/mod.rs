//! Dot products and weighted sums by the instructions that the processor has.

#![allow(
    unsafe_code,
    reason = "a function compiled for an instruction set may only be called where the processor has it"
)]

#[cfg(feature = "encoder")]
#[path = "kernels/gemm_i8.rs"]
mod codes;
#[cfg(feature = "encoder")]
#[path = "kernels/activation.rs"]
mod curve;
#[cfg(feature = "encoder")]
#[path = "kernels/gemm.rs"]
mod dense;
#[path = "kernels/dot_i8.rs"]
mod int8;
#[path = "kernels/dot.rs"]
mod kernel;
#[cfg(feature = "encoder")]
#[path = "kernels/microkernel.rs"]
mod product;
#[cfg(feature = "encoder")]
#[path = "kernels/layer_norm.rs"]
mod rows;
#[cfg(feature = "encoder")]
#[path = "kernels/resample.rs"]
mod taps;
#[cfg(feature = "encoder")]
mod vector;
#[cfg(target_arch = "x86_64")]
#[path = "x86/avx2/dot.rs"]
mod x86;
#[cfg(all(target_arch = "x86_64", feature = "encoder"))]
#[path = "x86/vnni/gemm_i8.rs"]
mod x86_codes;
#[cfg(target_arch = "x86_64")]
#[path = "x86/vnni/dot_i8.rs"]
mod x86_int8;
#[cfg(all(target_arch = "x86_64", feature = "encoder"))]
#[path = "x86/avx2/resample.rs"]
mod x86_taps;
#[cfg(all(target_arch = "x86_64", feature = "encoder"))]
#[path = "x86/avx2/vector.rs"]
mod x86_vector;

use std::fmt;

pub(crate) use self::int8::{Cutoffs, LANES, Measures, Panel, screen as screen_int8};
use self::kernel::F64_LANES;
#[cfg(feature = "encoder")]
pub(crate) use self::{
    codes::{ColumnScales, RowScale},
    curve::Curve,
    product::{Blocked, BlockedMut, Finish},
    rows::Norm,
    taps::{FRACTION_BITS, Taps},
    vector::{Codes, Lanes, WIDTH},
};

/// A set of instructions to compute with. Holding one proves that the processor has it.
///
/// All give the same search results. The default is the fastest; the others exist for tests and
/// measurements.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Backend(Isa);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Isa {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Backend {
    /// What this processor can do, slowest first; never empty, since the portable one runs
    /// anywhere.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self(Isa::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Isa::Avx2));
            }
            // Whatever has AVX-512 has AVX2, which integers are multiplied with where VNNI is
            // missing.
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx2") {
                found.push(Self(Isa::Avx512));
                if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni") {
                    found.push(Self(Isa::Avx512Vnni));
                }
            }
        }
        found
    }

    /// The fastest one that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self(Isa::Portable))
    }

    /// `portable`, `avx2`, `avx512` or `avx512-vnni`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Isa::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => "avx512-vnni",
        }
    }

    /// The dot products of rows and queries in `f32`, within rounding of any order of summation.
    ///
    /// `rows` has shape `(n, dim)` and `queries` `(m, dim)`. `out[j * c + i]` becomes the product
    /// of query `j` and the `i`-th of the `c` rows: of those picked, or of all.
    ///
    /// # Panics
    /// If a length is not a multiple of `dim`, `out` does not have `m * c` values, or a picked row
    /// is not there.
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
        match self.0 {
            // SAFETY: the portable sums need no special instructions.
            Isa::Portable => unsafe {
                kernel::dots::<[f32; 4], 4, 2, 2>(dim, rows, picked, queries, out)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes an `Avx2`, after it has seen that the processor has
            // AVX2 and FMA.
            Isa::Avx2 => unsafe { x86::dots_avx2(dim, rows, picked, queries, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes an `Avx512`, after it has seen that the processor has
            // AVX-512F.
            Isa::Avx512 | Isa::Avx512Vnni => unsafe {
                x86::dots_avx512(dim, rows, picked, queries, out)
            },
        }
    }

    /// [`dots`](Self::dots) in `f64`, each summed as [`dot_f64`](Self::dot_f64) does.
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
        match self.0 {
            // SAFETY: the portable sums need no special instructions.
            Isa::Portable => unsafe {
                kernel::dots::<[f64; F64_LANES], F64_LANES, 1, 1>(dim, rows, picked, queries, out);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots`.
            Isa::Avx2 => unsafe { x86::dots_f64_avx2(dim, rows, picked, queries, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots`.
            Isa::Avx512 | Isa::Avx512Vnni => unsafe {
                x86::dots_f64_avx512(dim, rows, picked, queries, out)
            },
        }
    }

    /// The dot product in `f64`, summed in a fixed order (see [`kernel::Sums`]): the same bits on
    /// every backend.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub(crate) fn dot_f64(self, a: &[f32], b: &[f32]) -> f64 {
        assert_eq!(a.len(), b.len());
        match self.0 {
            // SAFETY: the portable sums need no special instructions.
            Isa::Portable => unsafe { kernel::dot::<[f64; F64_LANES], F64_LANES>(a, b) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots`.
            Isa::Avx2 => unsafe { x86::dot_f64_avx2(a, b) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots`.
            Isa::Avx512 | Isa::Avx512Vnni => unsafe { x86::dot_f64_avx512(a, b) },
        }
    }

    /// The dot products of rows of `u8` and one query, exactly. `out[i]` is that of the `i`-th row:
    /// of those picked, or of all. Lengths up to 65,536 cannot overflow.
    ///
    /// # Panics
    /// If a length is not a multiple of the query's, `out` does not have a value for each row, or a
    /// picked row is not there.
    #[track_caller]
    pub(crate) fn dots_int8(
        self,
        rows: &[u8],
        picked: Option<&[u32]>,
        query: &[i8],
        out: &mut [i32],
    ) {
        check_int8(query.len(), rows, picked, out.len());
        match self.0 {
            Isa::Portable => int8::dots(rows, picked, query, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots`; `available` has seen AVX2 before it makes an `Avx512` too.
            Isa::Avx2 | Isa::Avx512 => unsafe { x86_int8::dots_avx2(rows, picked, query, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes an `Avx512Vnni`, after it has seen AVX-512F, BW and
            // VNNI.
            Isa::Avx512Vnni => unsafe { x86_int8::dots_vnni(rows, picked, query, out) },
        }
    }

    /// [`dots_int8`](Self::dots_int8) for all queries of some panels: `out[p * c + i]` has the
    /// products of panel `p` and the `i`-th of the `c` rows.
    ///
    /// # Panics
    /// As [`dots_int8`](Self::dots_int8).
    #[track_caller]
    pub(crate) fn panels_int8(
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
                // SAFETY: as in `dots_int8`.
                unsafe { x86_int8::panels_vnni(dim, rows, picked, [a, b], [out_a, out_b]) };
            }
        }
        for (panel, out) in panels.zip(outs) {
            check_int8(dim, rows, picked, count);
            match self.0 {
                Isa::Portable => int8::panel(dim, rows, picked, panel, out),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as in `dots_int8`.
                Isa::Avx2 | Isa::Avx512 => unsafe {
                    x86_int8::panel_avx2(dim, rows, picked, panel, out);
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as in `dots_int8`.
                Isa::Avx512Vnni => unsafe {
                    x86_int8::panel_vnni(dim, rows, picked, panel, out);
                },
            }
        }
    }

    /// [`screen_int8`] for the queries of a panel: appends places among `dots` with lanes.
    ///
    /// # Panics
    /// As [`screen_int8`].
    pub(crate) fn screen_panel_int8(
        self,
        dots: &[[i32; LANES]],
        measures: &Measures<'_>,
        picked: Option<&[u32]>,
        cutoffs: &Cutoffs<LANES>,
        passed: &mut Vec<(usize, usize)>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots_int8`.
            Isa::Avx512Vnni => unsafe {
                x86_int8::screen_panel_avx512(dots, measures, picked, cutoffs, passed);
            },
            _ => int8::screen_panel(dots, measures, picked, cutoffs, passed),
        }
    }
}

/// Resizing.
#[cfg(feature = "encoder")]
impl Backend {
    /// How many rows [`weigh_pixels`](Self::weigh_pixels) is best given at once.
    pub(crate) const ROWS: usize = 4;

    /// The horizontal pass over some rows of RGB pixels, `width` each; pixel 0 of a row is pixel
    /// `offset` of the source. A row of `out` has as many pixels as there are `taps`. The same
    /// bytes on every backend.
    ///
    /// # Panics
    /// If `out` has another number of rows, or a tap reaches outside of a row.
    #[track_caller]
    pub(crate) fn weigh_pixels(
        self,
        rows: &[u8],
        width: usize,
        offset: usize,
        taps: &[Taps],
        out: &mut [u8],
    ) {
        assert!(width > 0 && rows.len().is_multiple_of(width * 3));
        assert_eq!(out.len(), rows.len() / width * taps.len());
        for taps in taps {
            assert!(offset <= taps.first() && taps.end() <= offset + width);
        }
        if taps.is_empty() {
            return;
        }
        let mut rows = rows.chunks_exact(width * 3);
        let mut outs = out.chunks_exact_mut(taps.len() * 3);
        #[cfg(target_arch = "x86_64")]
        if self.0 != Isa::Portable && taps.iter().all(Taps::has_quads) {
            while rows.len() >= Self::ROWS {
                let rows: [_; Self::ROWS] =
                    std::array::from_fn(|_| rows.next().unwrap_or_default());
                let outs: [_; Self::ROWS] =
                    std::array::from_fn(|_| outs.next().unwrap_or_default());
                // SAFETY: only `available` makes another backend than the portable one, after it
                // has seen AVX2.
                unsafe { x86_taps::rows_avx2::<{ Self::ROWS }>(rows, offset, taps, outs) };
            }
            for (row, out) in rows.by_ref().zip(outs.by_ref()) {
                // SAFETY: as above.
                unsafe { x86_taps::rows_avx2([row], offset, taps, [out]) };
            }
        }
        for (row, out) in rows.zip(outs) {
            taps::row(row, offset, taps, out);
        }
    }

    /// One row of the vertical pass: the weighted sum of `rows`, each as long as `out`; `sums` is
    /// room for as many. The same bytes on every backend.
    pub(crate) fn weigh_rows<'a>(
        self,
        rows: impl Iterator<Item = &'a [u8]>,
        weights: &[i32],
        sums: &mut [i32],
        out: &mut [u8],
    ) {
        match self.0 {
            Isa::Portable => taps::column(rows, weights, sums, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `weigh_pixels`.
            _ => unsafe { x86_taps::column_avx2(rows, weights, sums, out) },
        }
    }
}

#[track_caller]
fn check_int8(dim: usize, rows: &[u8], picked: Option<&[u32]>, out: usize) {
    // The largest product is 255 * 128; 65,536 of them stay below 2^31.
    assert!((1..=1 << 16).contains(&dim) && rows.len().is_multiple_of(dim));
    assert_eq!(out, picked.map_or(rows.len() / dim, <[u32]>::len));
}

#[track_caller]
fn check(dim: usize, rows: &[f32], picked: Option<&[u32]>, queries: &[f32], out: usize) {
    assert!(dim > 0 && rows.len().is_multiple_of(dim) && queries.len().is_multiple_of(dim));
    let count = picked.map_or(rows.len() / dim, <[u32]>::len);
    assert_eq!(out, queries.len() / dim * count);
}

impl Default for Backend {
    fn default() -> Self {
        Self::detect()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({})", self.name())
    }
}
