//! The two towers: packed for the CPU, or on candle's tensors for other devices and as the
//! reference.

mod candle;
mod packed;

use super::checkpoint::{Config, Weights};
use super::error::EncodeError;
use super::{Device, EncoderOptions};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// Text to vectors.
#[expect(clippy::large_enum_variant, reason = "an encoder has one of each")]
pub(super) enum TextTower {
    Packed(packed::TextTower),
    Candle(candle::TextTower),
}

/// Pictures to vectors.
#[expect(clippy::large_enum_variant, reason = "an encoder has one of each")]
pub(super) enum VisionTower {
    Packed(packed::VisionTower),
    Candle(candle::VisionTower),
}

impl TextTower {
    /// Loads it, on so many threads of its own.
    pub(super) fn load(
        weights: &Weights,
        config: &Config,
        options: &EncoderOptions,
        threads: usize,
    ) -> Result<Self> {
        let precision = options.precision;
        Ok(match options.device {
            Device::Cpu => {
                Self::Packed(packed::TextTower::load(weights, config, precision, threads)?)
            }
            other => Self::Candle(candle::TextTower::load(weights, config, other)?),
        })
    }

    /// One vector for each text, `projection_dim` long and not normalised.
    ///
    /// Every text ends with its end token, where it is pooled.
    pub(super) fn forward(&self, weights: &Weights, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::Packed(tower) => tower.forward(weights, texts),
            Self::Candle(tower) => tower.forward(texts),
        }
    }
}

impl VisionTower {
    /// Loads it, on so many threads of its own.
    pub(super) fn load(
        weights: &Weights,
        config: &Config,
        options: &EncoderOptions,
        threads: usize,
    ) -> Result<Self> {
        let precision = options.precision;
        Ok(match options.device {
            Device::Cpu => {
                Self::Packed(packed::VisionTower::load(weights, config, precision, threads)?)
            }
            other => Self::Candle(candle::VisionTower::load(weights, config, other)?),
        })
    }

    /// One vector for each image, `projection_dim` long and not normalised.
    ///
    /// `pixels` has shape `(n, 3, image_size, image_size)`. Only the first `patches` patches of
    /// each image are read: all of them, but for the self-test.
    pub(super) fn forward(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::Packed(tower) => tower.forward(pixels, patches),
            Self::Candle(tower) => tower.forward(pixels, patches),
        }
    }
}
