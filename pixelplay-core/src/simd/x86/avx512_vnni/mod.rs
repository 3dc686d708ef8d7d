//! The kernels for AVX-512F and BW with dot products of bytes (VNNI). The floating-point kernels
//! are those for AVX-512.

mod dot_i8;
#[cfg(feature = "encoder")]
mod gemm_i8;

pub(in crate::simd) use self::dot_i8::{dots_i8, panel_i8, panels_i8, screen_panel};
#[cfg(feature = "encoder")]
pub(in crate::simd) use self::gemm_i8::{gemm_i8, quantize};
#[cfg(feature = "encoder")]
pub(in crate::simd) use super::avx512::{
    convolve_channels, convolve_planes, convolve_vertical, gemm, layer_norm, softmax,
};
pub(in crate::simd) use super::avx512::{dot_f64, dots, dots_f64};
