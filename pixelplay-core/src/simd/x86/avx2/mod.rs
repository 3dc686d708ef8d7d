//! AVX2 with FMA.

mod dot;
mod dot_i8;
#[cfg(feature = "encoder")]
mod gemm_i8;
#[cfg(feature = "encoder")]
mod resample;
#[cfg(feature = "encoder")]
mod vector;

pub(in crate::simd) use self::dot::{dot_f64, dots, dots_f64};
pub(in crate::simd) use self::dot_i8::{dots_i8, panel_i8};
#[cfg(feature = "encoder")]
pub(in crate::simd) use self::{
    gemm_i8::{gemm_i8, quantize},
    resample::{convolve_rows, convolve_vertical},
    vector::{convolve_channels, convolve_planes, gemm, layer_norm, softmax},
};
pub(in crate::simd) use crate::simd::portable::screen_panel;
