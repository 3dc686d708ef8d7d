//! Every kernel in plain code. It runs on any processor, and the other instruction sets are tested
//! against it.
//!
//! All functions of the table are `unsafe`, because they are interchangeable in `dispatch!` with
//! those of the other instruction sets. They need no special instructions.

use std::array::from_fn;

use super::instantiate::dot_kernels;
#[cfg(feature = "encoder")]
use super::instantiate::{int_kernels, vector_kernels};
use super::kernels::dot::{Accumulator, F64_LANES, reduce_f32, reduce_f64};
use super::kernels::dot_i8::{self, LANES, Panel};
use super::kernels::screen::{self, RowErrors, Thresholds};
#[cfg(feature = "encoder")]
use super::kernels::{gemm_i8::IntVector, resample};
#[cfg(feature = "encoder")]
use super::vector::{Codes, Lanes, Vector, WIDTH};

dot_kernels! {
    #[inline(always)]
    f32: [f32; 4], lanes 4, tile 2 x 2;
    f64: [f64; F64_LANES], tile 1 x 1;
}
#[cfg(feature = "encoder")]
vector_kernels! { [f32; WIDTH], tile 2 x 1, pixels 2 }
#[cfg(feature = "encoder")]
int_kernels! { PlainInts, [f32; WIDTH], tile 2 x 1 }

pub(super) unsafe fn dots_i8(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    dot_i8::dots(rows, picked, query, out);
}

pub(super) unsafe fn panel_i8(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panel: &Panel,
    out: &mut [[i32; LANES]],
) {
    dot_i8::panel(dim, rows, picked, panel, out);
}

pub(super) unsafe fn screen_panel(
    dots: &[[i32; LANES]],
    row_errors: &RowErrors<'_>,
    picked: Option<&[u32]>,
    thresholds: &Thresholds<LANES>,
    passed: &mut Vec<(usize, usize)>,
) {
    screen::screen_panel(dots, row_errors, picked, thresholds, passed);
}

#[cfg(feature = "encoder")]
pub(super) unsafe fn convolve_vertical<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    weights: &[i32],
    sums: &mut [i32],
    out: &mut [u8],
) {
    resample::convolve_vertical(rows, weights, sums, out);
}

/// `f32` sums, fast and in no particular order.
impl<const L: usize> Accumulator<L> for [f32; L] {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; L]
    }

    #[inline(always)]
    unsafe fn accumulate(self, a: &[f32; L], b: &[f32; L]) -> Self {
        from_fn(|i| self[i] + a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f32 {
        reduce_f32(self, a_tail, b_tail)
    }
}

/// `f64` sums in the order that [`F64_LANES`] defines.
impl Accumulator<F64_LANES> for [f64; F64_LANES] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; F64_LANES]
    }

    #[inline(always)]
    unsafe fn accumulate(self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
        from_fn(|i| self[i] + f64::from(a[i]) * f64::from(b[i]))
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f64 {
        reduce_f64(self, a_tail, b_tail)
    }
}

#[cfg(feature = "encoder")]
impl Vector for [f32; WIDTH] {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(from: &Lanes) -> Self {
        from.0
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut Lanes) {
        to.0 = self;
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        from_fn(|i| self[i] - other[i])
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        from_fn(|i| self[i] * other[i])
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        from_fn(|i| self[i] / other[i])
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        from_fn(|i| self[i] * factor[i] + addend[i])
    }

    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        from_fn(|i| addend[i] - self[i] * factor[i])
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        from_fn(|i| if self[i] > other[i] { self[i] } else { other[i] })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        from_fn(|i| if self[i] < other[i] { self[i] } else { other[i] })
    }

    #[inline(always)]
    unsafe fn to_exponent(self) -> Self {
        from_fn(|i| f32::from_bits(self[i].to_bits() << 23))
    }

    #[inline(always)]
    unsafe fn to_bytes(self) -> [u8; WIDTH] {
        from_fn(|i| self[i] as u8)
    }
}

/// 16 sums of products of bytes. The four bytes of a lane are widened first.
#[cfg(feature = "encoder")]
#[derive(Clone, Copy)]
pub(super) struct PlainInts([[i32; 4]; WIDTH]);

#[cfg(feature = "encoder")]
impl IntVector for PlainInts {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([[0; 4]; WIDTH])
    }

    #[inline(always)]
    unsafe fn splat_codes(codes: [u8; 4]) -> Self {
        Self([codes.map(i32::from); WIDTH])
    }

    #[inline(always)]
    unsafe fn load_weights(weights: &Codes) -> Self {
        Self(weights.0.map(|quad| quad.map(|v| i32::from(v.cast_signed()))))
    }

    #[inline(always)]
    unsafe fn dot_add(mut self, codes: Self, weights: Self) -> Self {
        for (sums, (codes, weights)) in self.0.iter_mut().zip(codes.0.iter().zip(&weights.0)) {
            for i in 0..4 {
                sums[i] += codes[i] * weights[i];
            }
        }
        self
    }

    #[inline(always)]
    unsafe fn store(self, _: &Codes, to: &mut [i32; WIDTH]) {
        *to = self.0.map(|sums| sums.iter().sum());
    }
}
