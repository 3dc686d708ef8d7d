//! The kernels for AVX-512F. The 8-bit kernels are those for AVX2.

mod dot;
#[cfg(feature = "encoder")]
mod vector;

pub(in crate::simd) use self::dot::{dot_f64, dots, dots_f64};
#[cfg(feature = "encoder")]
pub(in crate::simd) use self::vector::{
    convolve_channels, convolve_planes, gemm, layer_norm, softmax,
};
#[cfg(feature = "encoder")]
pub(in crate::simd) use super::avx2::{convolve_vertical, gemm_i8, quantize};
pub(in crate::simd) use super::avx2::{dots_i8, panel_i8, screen_panel};
