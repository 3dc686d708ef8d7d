//! Dot products by the instructions that the processor has.

#![allow(
    unsafe_code,
    reason = "a function compiled for an instruction set may only be called where the processor has it"
)]

mod kernel;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

use self::kernel::F64_LANES;

/// A set of instructions to compute with. Holding one proves that the processor has it.
///
/// All give the same search results. The default is the fastest; the others exist for tests and measurements.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Backend(Isa);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Isa {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Backend {
    /// What this processor can do, slowest first; never empty, since the portable one runs anywhere.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self(Isa::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Isa::Avx2));
            }
            if is_x86_feature_detected!("avx512f") {
                found.push(Self(Isa::Avx512));
            }
        }
        found
    }

    /// The fastest one that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self(Isa::Portable))
    }

    /// `portable`, `avx2` or `avx512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Isa::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
        }
    }

    /// The dot products of rows and queries in `f32`, within rounding of any order of summation.
    ///
    /// `rows` has shape `(n, dim)` and `queries` `(m, dim)`. `out[j * c + i]` becomes the product of query `j` and the
    /// `i`-th of the `c` rows: of those picked, or of all.
    ///
    /// # Panics
    /// If a length is not a multiple of `dim`, `out` does not have `m * c` values, or a picked row is not there.
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
            // SAFETY: only `available` makes an `Avx2`, after it has seen that the processor has AVX2 and FMA.
            Isa::Avx2 => unsafe { x86::dots_avx2(dim, rows, picked, queries, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes an `Avx512`, after it has seen that the processor has AVX-512F.
            Isa::Avx512 => unsafe { x86::dots_avx512(dim, rows, picked, queries, out) },
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
            Isa::Avx512 => unsafe { x86::dots_f64_avx512(dim, rows, picked, queries, out) },
        }
    }

    /// The dot product in `f64`, summed in a fixed order (see [`kernel::Sums`]): the same bits on every backend.
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
            Isa::Avx512 => unsafe { x86::dot_f64_avx512(a, b) },
        }
    }
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
