//! The two towers on candle tensors, for devices other than the CPU, and as the CPU reference that
//! the packed towers are tested against. No other module uses candle.
//!
//! The CLIP of `candle-transformers` is not used: it fixes the layer norm's epsilon, knows only
//! `quick_gelu`, and pools a text at the highest id (`argmax`), which is wrong if the padding is
//! the end token or the end token is not the highest id. The definition below takes all of these
//! from the checkpoint, and pools at the known position of the end token.
//!
//! * This file has the transformer towers, `transformer` has their layers; `efficientnet` is the
//!   convolutional tower. `load` reads their tensors.

mod efficientnet;
mod load;
mod transformer;

use candle_core::{IndexOp, Tensor};

pub(super) use self::efficientnet::EfficientNet;
use self::load::{LayerNorm, Load};
use self::transformer::{Transformer, causal_mask};
use crate::encoder::Device;
use crate::encoder::checkpoint::{Config, TextConfig, VitConfig, Weights};
use crate::encoder::error::EncodeError;

type Result<T, E = EncodeError> = std::result::Result<T, E>;

impl Device {
    fn open(self) -> Result<candle_core::Device> {
        match self {
            Self::Cpu | Self::CpuReference => Ok(candle_core::Device::Cpu),
            Self::Cuda(ordinal) => candle_core::Device::new_cuda(ordinal),
            Self::Metal(ordinal) => candle_core::Device::new_metal(ordinal),
        }
        .map_err(|source| EncodeError::Device { device: self, source: source.into() })
    }
}

/// Converts texts to vectors.
pub(in crate::encoder) struct TextTower {
    token_embedding: Tensor,
    position_embedding: Tensor,
    transformer: Transformer,
    final_norm: LayerNorm,
    projection: Tensor,
    device: candle_core::Device,
}

/// Converts pictures to vectors.
pub(in crate::encoder) struct VisionTower {
    patch_size: usize,
    image_size: usize,
    class_embedding: Tensor,
    /// Shape `(width, 3 * patch_size * patch_size)`.
    patch_embedding: Tensor,
    position_embedding: Tensor,
    pre_norm: LayerNorm,
    transformer: Transformer,
    post_norm: LayerNorm,
    projection: Tensor,
    device: candle_core::Device,
}

impl TextTower {
    pub(super) fn load(weights: &Weights, config: &Config, device: Device) -> Result<Self> {
        let TextConfig { transformer, .. } = &config.text;
        let load = Load::new(weights, device)?;
        Ok(Self {
            token_embedding: load.tensor("text_model.embeddings.token_embedding.weight")?,
            position_embedding: load.tensor("text_model.embeddings.position_embedding.weight")?,
            final_norm: load.norm("text_model.final_layer_norm", transformer)?,
            projection: load.tensor("text_projection.weight")?,
            transformer: Transformer::load(&load, "text_model", transformer)?,
            device: load.device,
        })
    }

    /// Returns one vector for each text, shape `(n, projection_dim)`, not normalised.
    ///
    /// Every text ends with its end token, where it is pooled. The tower is causal, so the padding
    /// of shorter texts cannot affect their end token.
    pub(super) fn forward(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        self.run(texts).map_err(EncodeError::forward)
    }

    fn run(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let longest = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * longest);
        let mut ends = Vec::with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            ids.extend_from_slice(text);
            ids.resize((row + 1) * longest, 0);
            ends.push((row * longest + text.len() - 1) as u32);
        }
        let count = texts.len();
        let ids = Tensor::from_vec(ids, count * longest, &self.device)?;
        let x = self
            .token_embedding
            .index_select(&ids, 0)?
            .reshape((count, longest, ()))?
            .broadcast_add(&self.position_embedding.i(..longest)?)?;
        let mask = causal_mask(longest, &self.device)?;
        let x = self.transformer.forward(&x, Some(&mask))?;
        let ends = Tensor::from_vec(ends, count, &self.device)?;
        let pooled = x.flatten(0, 1)?.index_select(&ends, 0)?;
        self.final_norm.forward(&pooled)?.matmul(&self.projection.t()?)?.to_vec2()
    }
}

impl VisionTower {
    pub(super) fn load(weights: &Weights, config: &VitConfig, device: Device) -> Result<Self> {
        let VitConfig { transformer, image_size, patch_size } = config;
        let load = Load::new(weights, device)?;
        Ok(Self {
            patch_size: *patch_size,
            image_size: *image_size,
            class_embedding: load.tensor("vision_model.embeddings.class_embedding")?,
            patch_embedding: load
                .tensor("vision_model.embeddings.patch_embedding.weight")?
                .flatten_from(1)
                .map_err(EncodeError::forward)?,
            position_embedding: load.tensor("vision_model.embeddings.position_embedding.weight")?,
            pre_norm: load.norm("vision_model.pre_layrnorm", transformer)?,
            post_norm: load.norm("vision_model.post_layernorm", transformer)?,
            projection: load.tensor("visual_projection.weight")?,
            transformer: Transformer::load(&load, "vision_model", transformer)?,
            device: load.device,
        })
    }

    /// Returns one vector for each image, shape `(n, projection_dim)`, not normalised.
    ///
    /// `pixels` has shape `(n, 3, image_size, image_size)`. Only the first `patches` patches of
    /// each image are read, or all if there are fewer.
    pub(super) fn forward(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        self.run(pixels, patches).map_err(EncodeError::forward)
    }

    fn run(&self, pixels: &[f32], patches: usize) -> candle_core::Result<Vec<Vec<f32>>> {
        let (size, side) = (self.patch_size, self.image_size / self.patch_size);
        let patches = patches.min(side * side);
        let count = pixels.len() / (3 * self.image_size * self.image_size);
        // A convolution whose stride equals its kernel size is one matrix product over the patches.
        let rows = Tensor::from_slice(pixels, (count, 3, side, size, side * size), &self.device)?
            .reshape(vec![count, 3, side, size, side, size])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((count, side * side, 3 * size * size))?
            .narrow(1, 0, patches)?
            .flatten(0, 1)?;
        let x = rows.matmul(&self.patch_embedding.t()?)?.reshape((count, patches, ()))?;
        let class = self.class_embedding.expand((count, 1, self.class_embedding.elem_count()))?;
        let x = Tensor::cat(&[&class, &x], 1)?
            .broadcast_add(&self.position_embedding.i(..=patches)?)?;
        let x = self.transformer.forward(&self.pre_norm.forward(&x)?, None)?;
        let pooled = x.i((.., 0))?.contiguous()?;
        self.post_norm.forward(&pooled)?.matmul(&self.projection.t()?)?.to_vec2()
    }
}
