//! Options for opening an encoder, and for encoding.

use std::fmt;
use std::num::NonZeroUsize;

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The CPU, with optimised kernels.
    #[default]
    Cpu,
    /// The CPU, with candle's general kernels: slower, for comparison.
    CpuReference,
    /// The CUDA device with this number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device with this number; needs the feature `metal`.
    Metal(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::CpuReference => f.write_str("cpu (reference)"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
            Self::Metal(ordinal) => write!(f, "metal:{ordinal}"),
        }
    }
}

/// The numeric precision of the transformers' weights and products. A convolutional vision tower
/// always uses `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats: the exact weights of the checkpoint.
    #[default]
    F32,
    /// 8-bit integers, with a separate step for each output and a separate range for each token: a
    /// quarter of the memory, and faster if the processor can multiply such integers (AVX-512 with
    /// VNNI). Only on [`Device::Cpu`].
    ///
    /// The vectors differ slightly but stay in the same space: an index built in `f32` can be
    /// searched with them.
    Int8,
}

/// Options for opening an [`Encoder`](crate::Encoder).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Where the model runs.
    pub device: Device,
    /// The number of computing threads. The calling thread only waits for them. `None` uses the
    /// threads of the caller's rayon pool (the global pool unless the caller created one), so that
    /// no other threads compete with it. The vectors are bit-identical with any number of threads.
    pub threads: Option<NonZeroUsize>,
    /// Numeric precision.
    pub precision: Precision,
}

/// Options for encoding many images or texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// The number of inputs per batch; 0 counts as 1. Larger batches are faster up to a point and
    /// take more memory. Progress is reported after each batch.
    pub batch_size: usize,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self { batch_size: 32 }
    }
}
