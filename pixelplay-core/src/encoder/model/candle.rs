//! The two towers on candle tensors, the only file that names candle: for devices other than the
//! CPU, and on it the reference that the packed towers are tested against.
//!
//! `candle-transformers` has a CLIP, and it is not used here: it fixes the layer norm's epsilon,
//! knows only `quick_gelu`, and pools a text at the highest id (`argmax`), which is wrong wherever
//! the padding is the end token or the end token is not the highest. The definition below takes all
//! of it from the checkpoint, and pools at the end token's known position.

use candle_core::{D, DType, IndexOp, Tensor};
use safetensors::Dtype;

use crate::encoder::Device;
use crate::encoder::checkpoint::{
    Activation, Config, TextConfig, TransformerConfig, VisionConfig, Weights,
};
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

/// Text to vectors.
pub(in crate::encoder) struct TextTower {
    token_embedding: Tensor,
    position_embedding: Tensor,
    transformer: Transformer,
    final_norm: LayerNorm,
    projection: Tensor,
    device: candle_core::Device,
}

/// Pictures to vectors.
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
            transformer: load.transformer("text_model", transformer)?,
            device: load.device,
        })
    }

    /// One vector for each text, shape `(n, projection_dim)`, not normalised.
    ///
    /// Every text ends with its end token, where it is pooled. The tower is causal, so what a
    /// shorter text is padded with cannot reach its end token.
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
    pub(super) fn load(weights: &Weights, config: &Config, device: Device) -> Result<Self> {
        let VisionConfig { transformer, image_size, patch_size } = &config.vision;
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
            transformer: load.transformer("vision_model", transformer)?,
            device: load.device,
        })
    }

    /// One vector for each image, shape `(n, projection_dim)`, not normalised.
    ///
    /// `pixels` has shape `(n, 3, image_size, image_size)`. Only the first `patches` patches of
    /// each image are read: all of them, but for the self-test.
    pub(super) fn forward(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        self.run(pixels, patches).map_err(EncodeError::forward)
    }

    fn run(&self, pixels: &[f32], patches: usize) -> candle_core::Result<Vec<Vec<f32>>> {
        let (size, side) = (self.patch_size, self.image_size / self.patch_size);
        let count = pixels.len() / (3 * self.image_size * self.image_size);
        // A convolution whose stride is its kernel size is one matrix product over the patches.
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

/// Reads tensors onto a device, in `f32`.
struct Load<'a> {
    weights: &'a Weights,
    device: candle_core::Device,
}

impl<'a> Load<'a> {
    fn new(weights: &'a Weights, device: Device) -> Result<Self> {
        Ok(Self { weights, device: device.open()? })
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        let raw = self.weights.read(name)?;
        let dtype = match raw.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            // `Weights::check` has refused everything else.
            other => return Err(EncodeError::forward(format!("{name} has type {other:?}"))),
        };
        // Converted on the CPU: not every device converts every type.
        Tensor::from_raw_buffer(&raw.bytes, dtype, &raw.shape, &candle_core::Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32))
            .and_then(|tensor| tensor.to_device(&self.device))
            .map_err(EncodeError::forward)
    }

    fn norm(&self, at: &str, config: &TransformerConfig) -> Result<LayerNorm> {
        Ok(LayerNorm {
            weight: self.tensor(&format!("{at}.weight"))?,
            bias: self.tensor(&format!("{at}.bias"))?,
            eps: config.layer_norm_eps as f32,
        })
    }

    fn linear(&self, at: &str) -> Result<Linear> {
        Ok(Linear {
            weight: self.tensor(&format!("{at}.weight"))?,
            bias: self.tensor(&format!("{at}.bias"))?,
        })
    }

    fn transformer(&self, tower: &str, config: &TransformerConfig) -> Result<Transformer> {
        let layer = |index| {
            let at = format!("{tower}.encoder.layers.{index}");
            Ok(Layer {
                norm1: self.norm(&format!("{at}.layer_norm1"), config)?,
                query: self.linear(&format!("{at}.self_attn.q_proj"))?,
                key: self.linear(&format!("{at}.self_attn.k_proj"))?,
                value: self.linear(&format!("{at}.self_attn.v_proj"))?,
                out: self.linear(&format!("{at}.self_attn.out_proj"))?,
                norm2: self.norm(&format!("{at}.layer_norm2"), config)?,
                fc1: self.linear(&format!("{at}.mlp.fc1"))?,
                fc2: self.linear(&format!("{at}.mlp.fc2"))?,
            })
        };
        Ok(Transformer {
            layers: (0..config.layers).map(layer).collect::<Result<_>>()?,
            heads: config.heads,
            activation: config.activation,
        })
    }
}

/// A stack of pre-norm layers.
struct Transformer {
    layers: Vec<Layer>,
    heads: usize,
    activation: Activation,
}

struct Layer {
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Transformer {
    /// `x` has shape `(batch, length, width)`, and so has the result.
    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        // Two-dimensional between the attentions: one large product beats a batch of small ones.
        let mut x = x.flatten(0, 1)?;
        for layer in &self.layers {
            let normed = layer.norm1.forward(&x)?;
            let split = |linear: &Linear| {
                linear
                    .forward(&normed)?
                    .reshape((batch, length, self.heads, width / self.heads))?
                    .transpose(1, 2)?
                    .contiguous()
            };
            let scale = ((width / self.heads) as f64).powf(-0.5);
            let query = (split(&layer.query)? * scale)?;
            let mut scores = query.matmul(&split(&layer.key)?.t()?)?;
            if let Some(mask) = mask {
                scores = scores.broadcast_add(mask)?;
            }
            let attended = candle_nn::ops::softmax_last_dim(&scores)?
                .matmul(&split(&layer.value)?)?
                .transpose(1, 2)?
                .reshape((batch * length, width))?;
            x = (x + layer.out.forward(&attended)?)?;

            let hidden = layer.fc1.forward(&layer.norm2.forward(&x)?)?;
            let hidden = match self.activation {
                Activation::QuickGelu => (&hidden * candle_nn::ops::sigmoid(&(&hidden * 1.702)?)?)?,
                Activation::Gelu => hidden.gelu_erf()?,
                Activation::GeluTanh => hidden.gelu()?,
            };
            x = (x + layer.fc2.forward(&hidden)?)?;
        }
        x.reshape((batch, length, width))
    }
}

struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// Centred first: candle's kernel takes the variance as `E[x^2] - E[x]^2`, which cancels where
    /// the mean is large.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        candle_nn::ops::layer_norm(&centred, &self.weight, &self.bias, self.eps)
    }
}

/// Shape `(length, length)`: 0 where a token may look, negative infinity at what comes after it.
fn causal_mask(length: usize, device: &candle_core::Device) -> candle_core::Result<Tensor> {
    let mask: Vec<f32> = (0..length * length)
        .map(|at| match at % length > at / length {
            true => f32::NEG_INFINITY,
            false => 0.0,
        })
        .collect();
    Tensor::from_vec(mask, (length, length), device)
}
