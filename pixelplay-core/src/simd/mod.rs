//! Kernels, each compiled for the instruction sets that a processor may have.
//!
//! * [`Backend`] is an instruction set that this processor has, and the door to all kernels: its
//!   methods check lengths, then run the instance compiled for it.
//! * `kernels/` has the arithmetic, one file for each kernel, written once: over accumulators
//!   ([`kernels::dot`]), over [`vector::Vector`] (`f32`) or over [`kernels::gemm_i8::IntVector`]
//!   (8 bits). The methods of [`Backend`] and the tests against `f64` stand beside it.
//! * [`portable`] and `x86/{avx2,avx512,vnni}` are tables of the same names: every kernel for one
//!   instruction set. The macros of `instantiate` make what is written once.
//! * [`vector`] has lines of 16 values, [`blocked`] the layout of matrices (with a drawing).

#![allow(
    unsafe_code,
    reason = "a function compiled for an instruction set may only be called where the processor has it"
)]

#[cfg(feature = "encoder")]
mod blocked;
mod instantiate;
mod kernels;
mod portable;
#[cfg(feature = "encoder")]
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

<<<<<<< HEAD
pub(crate) use self::kernels::{
    bounds::{RowErrors, Thresholds, screen as screen_int8},
    dot_i8::{LANES, Panel},
};
=======
pub(crate) use self::int8::{LANES, Panel, RowErrors, Thresholds, screen as screen_int8};
use self::kernel::F64_LANES;
>>>>>>> index
#[cfg(feature = "encoder")]
pub(crate) use self::{
    blocked::{Blocked, BlockedMut},
    kernels::{
        activation::Activation,
        epilogue::Epilogue,
        gemm_i8::Dequantization,
        layer_norm::LayerNorm,
        quantize::RowScale,
        resample::{FRACTION_BITS, Taps},
    },
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
<<<<<<< HEAD
=======

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
        row_errors: &RowErrors<'_>,
        picked: Option<&[u32]>,
        thresholds: &Thresholds<LANES>,
        passed: &mut Vec<(usize, usize)>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `dots_int8`.
            Isa::Avx512Vnni => unsafe {
                x86_int8::screen_panel_avx512(dots, row_errors, picked, thresholds, passed);
            },
            _ => int8::screen_panel(dots, row_errors, picked, thresholds, passed),
        }
    }
>>>>>>> index
}

/// Runs a kernel from the table of a backend's instruction set.
///
/// It is `unsafe`: that the processor has the instructions is known, since only
/// [`Backend::available`] makes backends, after it has seen all that the functions of a table are
/// compiled for. What else a kernel asks, which is mostly lengths, the caller must have checked.
macro_rules! dispatch {
    ($backend:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $backend.0 {
            $crate::simd::Isa::Portable => $crate::simd::portable::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx2 => $crate::simd::x86::avx2::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx512 => $crate::simd::x86::avx512::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx512Vnni => $crate::simd::x86::vnni::$kernel($($argument),*),
        }
    };
}
use dispatch;

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
