//! The arithmetic of each kernel, written once. The instruction set is chosen where the kernel is
//! instantiated (see [`super::instantiate`]).
//!
//! * Search: [`dot`] (`f32`, and `f64` in a fixed order), [`dot_i8`] (8 bits, exact), [`screen`]
//!   (finds the rows that may be among the best).
//! * Matrix products of the encoder: [`gemm`] iterates over tiles, [`microkernel`] computes one,
//!   [`epilogue`] adds the bias and applies the [`activation`]; [`gemm_i8`] and [`quantize`] do the
//!   same in 8 bits.
//! * The rest of a transformer: [`layer_norm`] and [`softmax`]. For convolutional networks:
//!   [`convolution`].
//! * Resizing of images: [`resample`].
//! * [`reduce`] adds the lanes of a register.

#[cfg(feature = "encoder")]
pub(super) mod activation;
#[cfg(feature = "encoder")]
pub(super) mod convolution;
pub(super) mod dot;
pub(super) mod dot_i8;
#[cfg(feature = "encoder")]
pub(super) mod epilogue;
#[cfg(feature = "encoder")]
pub(super) mod gemm;
#[cfg(feature = "encoder")]
pub(super) mod gemm_i8;
#[cfg(feature = "encoder")]
pub(super) mod layer_norm;
#[cfg(feature = "encoder")]
pub(super) mod microkernel;
#[cfg(all(test, feature = "encoder"))]
mod oracle;
#[cfg(feature = "encoder")]
pub(super) mod quantize;
mod reduce;
#[cfg(feature = "encoder")]
pub(super) mod resample;
pub(super) mod screen;
#[cfg(feature = "encoder")]
pub(super) mod softmax;
