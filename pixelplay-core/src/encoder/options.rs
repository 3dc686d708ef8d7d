//! How an encoder is opened, and how it encodes.

use std::fmt;
use std::num::NonZeroUsize;

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The processor, by kernels made for it.
    #[default]
    Cpu,
    /// The processor, by candle's general kernels: slower, and there to compare with.
    CpuReference,
    /// The CUDA device of this number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device of this number; needs the feature `metal`.
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

/// In what the weights of the transformers are kept, and multiplied. A convolutional vision tower
/// is in `f32` with either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats: what the checkpoint says.
    #[default]
    F32,
    /// 8-bit integers, each output with a step of its own and each token with a range of its own: a
    /// quarter of the memory, and faster where the processor multiplies such integers (AVX-512 with
    /// VNNI). Only on [`Device::Cpu`].
    ///
    /// The vectors stray a little, and stay in the same space: an index built in `f32` may be
    /// searched with them.
    Int8,
}

/// How to open an [`Encoder`](crate::Encoder).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Where the model runs.
    pub device: Device,
    /// How many threads compute, beside the caller's, which waits. `None`: those of the rayon pool
    /// that the caller is in, which is the global one unless it made its own, so that nothing
    /// competes with it. The vectors are the same bits with any number.
    pub threads: Option<NonZeroUsize>,
    /// In what it is computed.
    pub precision: Precision,
}

/// How to encode many images or texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// How many go through the model at once; 0 counts as 1. Larger batches are faster up to a
    /// point and take more memory. Progress is reported after each batch.
    pub batch_size: usize,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self { batch_size: 32 }
    }
}
