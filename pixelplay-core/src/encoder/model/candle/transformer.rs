//! The transformer of both towers.

use candle_core::Tensor;

use super::Result;
use super::load::{LayerNorm, Linear, Load};
use crate::encoder::checkpoint::{Activation, TransformerConfig};

/// A stack of pre-norm layers.
pub(super) struct Transformer {
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
    pub(super) fn load(load: &Load<'_>, tower: &str, config: &TransformerConfig) -> Result<Self> {
        let layer = |index| {
            let at = format!("{tower}.encoder.layers.{index}");
            Ok(Layer {
                norm1: load.norm(&format!("{at}.layer_norm1"), config)?,
                query: load.linear(&format!("{at}.self_attn.q_proj"))?,
                key: load.linear(&format!("{at}.self_attn.k_proj"))?,
                value: load.linear(&format!("{at}.self_attn.v_proj"))?,
                out: load.linear(&format!("{at}.self_attn.out_proj"))?,
                norm2: load.norm(&format!("{at}.layer_norm2"), config)?,
                fc1: load.linear(&format!("{at}.mlp.fc1"))?,
                fc2: load.linear(&format!("{at}.mlp.fc2"))?,
            })
        };
        Ok(Self {
            layers: (0..config.layers).map(layer).collect::<Result<_>>()?,
            heads: config.heads,
            activation: config.activation,
        })
    }

    /// `x` has shape `(batch, length, width)`, and so has the result.
    pub(super) fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        // The tensor is two-dimensional between attention layers, because one large product is
        // faster than a batch of small ones.
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

/// Returns the mask, shape `(length, length)`: 0 where a token may attend, negative infinity at
/// later tokens.
pub(super) fn causal_mask(
    length: usize,
    device: &candle_core::Device,
) -> candle_core::Result<Tensor> {
    let mask: Vec<f32> = (0..length * length)
        .map(|at| match at % length > at / length {
            true => f32::NEG_INFINITY,
            false => 0.0,
        })
        .collect();
    Tensor::from_vec(mask, (length, length), device)
}
