//! The two towers: packed for the CPU, or on candle tensors for other devices and as the reference.

mod candle;
mod packed;

use super::checkpoint::{Config, VisionConfig, Weights};
use super::error::EncodeError;
use super::{Device, EncoderOptions};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// Converts texts to vectors.
#[expect(clippy::large_enum_variant, reason = "an encoder has one of each")]
pub(super) enum TextTower {
    Packed(packed::TextTower),
    Candle(candle::TextTower),
}

/// Converts pictures to vectors.
#[expect(clippy::large_enum_variant, reason = "an encoder has one of each")]
pub(super) enum VisionTower {
    Packed(packed::VisionTower),
    PackedEfficientNet(packed::EfficientNet),
    Candle(candle::VisionTower),
    CandleEfficientNet(candle::EfficientNet),
}

impl TextTower {
    /// Loads the tower, using this many new threads.
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

    /// Returns one vector for each text, `projection_dim` long and not normalised.
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
    /// Loads the tower, using this many new threads.
    pub(super) fn load(
        weights: &Weights,
        config: &Config,
        options: &EncoderOptions,
        threads: usize,
    ) -> Result<Self> {
        let (dim, precision) = (config.projection_dim, options.precision);
        Ok(match (&config.vision, options.device) {
            (VisionConfig::Vit(vit), Device::Cpu) => {
                Self::Packed(packed::VisionTower::load(weights, vit, dim, precision, threads)?)
            }
            (VisionConfig::Vit(vit), other) => {
                Self::Candle(candle::VisionTower::load(weights, vit, other)?)
            }
            (VisionConfig::EfficientNet(net), Device::Cpu) => {
                Self::PackedEfficientNet(packed::EfficientNet::load(weights, net, dim, threads)?)
            }
            (VisionConfig::EfficientNet(net), other) => {
                Self::CandleEfficientNet(candle::EfficientNet::load(weights, net, dim, other)?)
            }
        })
    }

    /// Returns one vector for each image, `projection_dim` long and not normalised.
    ///
    /// `pixels` has shape `(n, 3, image_size, image_size)`.
    pub(super) fn forward(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        self.run(pixels, usize::MAX)
    }

    /// Like [`forward`](Self::forward), but for the self-test, which must be fast: a tower with
    /// patches reads only the first `patches` patches of each image.
    pub(super) fn forward_some(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        self.run(pixels, patches)
    }

    fn run(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::Packed(tower) => tower.forward(pixels, patches),
            Self::PackedEfficientNet(tower) => tower.forward(pixels),
            Self::Candle(tower) => tower.forward(pixels, patches),
            Self::CandleEfficientNet(tower) => tower.forward(pixels),
        }
    }
}
