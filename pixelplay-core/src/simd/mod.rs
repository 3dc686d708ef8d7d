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
