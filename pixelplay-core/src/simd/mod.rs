//! Kernels, each compiled for the instruction sets that a processor may have.
//!
//! * [`Backend`] is an instruction set that this processor has, and the entry point to all kernels.
//!   Its methods check lengths, then run the kernel compiled for that instruction set.
//! * `kernels/` contains the arithmetic, one file per kernel, generic over accumulators
//!   ([`kernels::dot`]), [`vector::Vector`] (`f32`) or [`kernels::gemm_i8::IntVector`] (8 bits).
//!   The same files contain the methods of [`Backend`] and the tests against `f64`.
//! * [`portable`] and `x86/{avx2,avx512,vnni}` are tables with the same names: every kernel for one
//!   instruction set. The macros of `instantiate` fill in the generic kernels.
//! * [`vector`] defines lines of 16 values, and [`blocked`] the layout of matrices (with a
//!   drawing).

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

pub(crate) use self::kernels::{
    dot_i8::{LANES, Panel},
    screen::{RowErrors, Thresholds, screen},
};
#[cfg(feature = "encoder")]
pub(crate) use self::{
    blocked::{Blocked, BlockedMut},
    kernels::{
        activation::Activation,
        convolution::{BlockWeights, Convolution},
        epilogue::Epilogue,
        gemm_i8::Dequantization,
        layer_norm::LayerNorm,
        quantize::RowScale,
        resample::{FRACTION_BITS, Taps},
    },
    vector::{Codes, Lanes, WIDTH},
};

/// An instruction set to compute with. A value of this type proves that the processor supports it.
///
/// All backends return the same search results. The default is the fastest one; the others exist
/// for tests and measurements.
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
    /// Returns the backends that this processor supports, slowest first. The list is never empty,
    /// since the portable backend runs anywhere.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self(Isa::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Isa::Avx2));
            }
            // Processors with AVX-512 also have AVX2, which is used for integer products if VNNI is
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

    /// Returns the fastest backend that this processor supports.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self(Isa::Portable))
    }

    /// Returns the name: `portable`, `avx2`, `avx512` or `avx512-vnni`.
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
}

/// Runs a kernel from the table of a backend's instruction set.
///
/// The processor is known to have the instructions, since only [`Backend::available`] creates
/// backends, after it has detected all features that the functions of a table are compiled for. It
/// is still `unsafe`: the caller must have checked the other requirements of the kernel, which are
/// mostly lengths.
macro_rules! dispatch {
    ($backend:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $backend.0 {
            $crate::simd::Isa::Portable => $crate::simd::portable::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx2 => $crate::simd::x86::avx2::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx512 => $crate::simd::x86::avx512::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx512Vnni => $crate::simd::x86::avx512_vnni::$kernel($($argument),*),
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
