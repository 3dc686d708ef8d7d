//! Loads tensors of a checkpoint onto a device, and the layers that consist of little more.

use candle_core::{D, DType, Tensor};
use safetensors::Dtype;

use super::Result;
use crate::encoder::Device;
use crate::encoder::checkpoint::{TransformerConfig, Weights};
use crate::encoder::error::EncodeError;

/// Reads tensors onto a device, as `f32`.
pub(super) struct Load<'a> {
    weights: &'a Weights,
    pub(super) device: candle_core::Device,
}

impl<'a> Load<'a> {
    pub(super) fn new(weights: &'a Weights, device: Device) -> Result<Self> {
        Ok(Self { weights, device: device.open()? })
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Tensor> {
        let raw = self.weights.read(name)?;
        let dtype = match raw.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            // `Weights::check` has rejected everything else.
            other => return Err(EncodeError::forward(format!("{name} has type {other:?}"))),
        };
        // Converted on the CPU, since not every device can convert every type.
        Tensor::from_raw_buffer(&raw.bytes, dtype, &raw.shape, &candle_core::Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32))
            .and_then(|tensor| tensor.to_device(&self.device))
            .map_err(EncodeError::forward)
    }

    pub(super) fn norm(&self, at: &str, config: &TransformerConfig) -> Result<LayerNorm> {
        Ok(LayerNorm {
            weight: self.tensor(&format!("{at}.weight"))?,
            bias: self.tensor(&format!("{at}.bias"))?,
            eps: config.layer_norm_eps as f32,
        })
    }

    pub(super) fn linear(&self, at: &str) -> Result<Linear> {
        Ok(Linear {
            weight: self.tensor(&format!("{at}.weight"))?,
            bias: self.tensor(&format!("{at}.bias"))?,
        })
    }
}

/// `x W^T + b`.
pub(super) struct Linear {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl Linear {
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// Centred first: candle's kernel computes the variance as `E[x^2] - E[x]^2`, which cancels if
    /// the mean is large.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        candle_nn::ops::layer_norm(&centred, &self.weight, &self.bias, self.eps)
    }
}
