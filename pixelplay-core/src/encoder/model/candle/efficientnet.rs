//! The convolutional vision tower, step by step as in its definition: batch norms are not folded,
//! and nothing is fused.

use candle_core::Tensor;

use super::Result;
use super::load::Load;
use crate::encoder::Device;
use crate::encoder::checkpoint::{Block, ConvNames, EfficientNetConfig, NORM_EPS, Same, Weights};
use crate::encoder::error::EncodeError;

/// Converts pictures to vectors.
pub(in crate::encoder) struct EfficientNet {
    image_size: usize,
    stem: Convolution,
    blocks: Vec<(Block, BlockLayers)>,
    head: Convolution,
    projection: Vec<HeadLayer>,
    device: candle_core::Device,
}

/// A convolution and the batch norm after it.
struct Convolution {
    /// Shape `(outputs, inputs, kernel, kernel)`.
    weight: Tensor,
    /// Mean, variance, scale and shift, each of shape `(outputs, 1, 1)`.
    norm: [Tensor; 4],
}

struct BlockLayers {
    expansion: Option<Convolution>,
    depthwise: Convolution,
    projection: Convolution,
}

struct HeadLayer {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl EfficientNet {
    pub(in crate::encoder::model) fn load(
        weights: &Weights,
        config: &EfficientNetConfig,
        dim: usize,
        device: Device,
    ) -> Result<Self> {
        let load = Load::new(weights, device)?;
        let conv = |names: &ConvNames| Convolution::load(&load, names);
        let blocks = config.model.blocks().into_iter().map(|block| {
            let layers = BlockLayers {
                expansion: block.expansion().map(|names| conv(&names)).transpose()?,
                depthwise: conv(&block.depthwise())?,
                projection: conv(&block.projection())?,
            };
            Ok((block, layers))
        });
        let projection = config.head.layers(dim).into_iter().map(|layer| {
            let bias = layer.has_bias.then(|| load.tensor(&format!("{}.bias", layer.at)));
            Ok(HeadLayer {
                weight: load.tensor(&format!("{}.weight", layer.at))?,
                bias: bias.transpose()?,
            })
        });
        Ok(Self {
            image_size: config.image_size,
            stem: conv(&ConvNames::stem())?,
            blocks: blocks.collect::<Result<_>>()?,
            head: conv(&ConvNames::head())?,
            projection: projection.collect::<Result<_>>()?,
            device: load.device,
        })
    }

    /// Returns one vector for each image, shape `(n, dim)`, not normalised. `pixels` has shape
    /// `(n, 3, image_size, image_size)`.
    pub(in crate::encoder::model) fn forward(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        self.run(pixels).map_err(EncodeError::forward)
    }

    fn run(&self, pixels: &[f32]) -> candle_core::Result<Vec<Vec<f32>>> {
        let side = self.image_size;
        let shape = (pixels.len() / (3 * side * side), 3, side, side);
        let x = Tensor::from_slice(pixels, shape, &self.device)?;
        let x = pad(&x, 3, 2)?.conv2d(&self.stem.weight, 0, 2, 1, 1)?;
        let mut x = relu6(&self.stem.normed(&x)?)?;
        for (block, layers) in &self.blocks {
            let mut inner = x.clone();
            if let Some(expansion) = &layers.expansion {
                inner = relu6(&expansion.normed(&expansion.pointwise(&inner)?)?)?;
            }
            let depthwise = &layers.depthwise;
            let convolved = depthwise.depthwise(&inner, block.kernel, block.stride)?;
            inner = relu6(&depthwise.normed(&convolved)?)?;
            let projected = layers.projection.normed(&layers.projection.pointwise(&inner)?)?;
            x = if block.has_skip() { (x + projected)? } else { projected };
        }
        let x = relu6(&self.head.normed(&self.head.pointwise(&x)?)?)?;
        let mut x = x.mean((2, 3))?;
        for (at, layer) in self.projection.iter().enumerate() {
            if at > 0 {
                x = x.gelu_erf()?;
            }
            x = x.matmul(&layer.weight.t()?)?;
            if let Some(bias) = &layer.bias {
                x = x.broadcast_add(bias)?;
            }
        }
        x.to_vec2()
    }
}

impl Convolution {
    fn load(load: &Load<'_>, names: &ConvNames) -> Result<Self> {
        let part = |part: &str| {
            let tensor = load.tensor(&format!("{}.{part}", names.norm))?;
            tensor.reshape(((), 1, 1)).map_err(EncodeError::forward)
        };
        Ok(Self {
            weight: load.tensor(&format!("{}.weight", names.conv))?,
            norm: [part("running_mean")?, part("running_var")?, part("weight")?, part("bias")?],
        })
    }

    fn normed(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let [mean, variance, scale, shift] = &self.norm;
        let deviation = (variance + NORM_EPS)?.sqrt()?;
        x.broadcast_sub(mean)?.broadcast_div(&deviation)?.broadcast_mul(scale)?.broadcast_add(shift)
    }

    /// Applies a convolution with a kernel of one pixel, which is one matrix product over all
    /// pixels.
    fn pointwise(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (count, _, height, width) = x.dims4()?;
        let weight = self.weight.flatten_from(1)?;
        let outputs = weight.dim(0)?;
        weight.broadcast_matmul(&x.flatten_from(2)?)?.reshape((count, outputs, height, width))
    }

    /// Convolves each channel separately, as a sum over the positions of the kernel: candle would
    /// convolve the groups, of which there are hundreds, one after the other.
    fn depthwise(&self, x: &Tensor, kernel: usize, stride: usize) -> candle_core::Result<Tensor> {
        let (height, width) = (x.dim(2)?, x.dim(3)?);
        let outputs = |inputs| Same::new(inputs, kernel, stride).outputs;
        let padded = pad(x, kernel, stride)?;
        let mut sum: Option<Tensor> = None;
        for row in 0..kernel {
            for column in 0..kernel {
                let seen = every(&padded, 2, row, outputs(height), stride)?;
                let seen = every(&seen, 3, column, outputs(width), stride)?;
                let weight = self.weight.narrow(2, row, 1)?.narrow(3, column, 1)?;
                let product = seen.broadcast_mul(&weight.flatten(0, 1)?)?;
                sum = Some(match sum {
                    Some(sum) => (sum + product)?,
                    None => product,
                });
            }
        }
        sum.ok_or_else(|| candle_core::Error::Msg("the kernel has no pixels".to_owned()))
    }
}

/// Pads height and width with zeros, as TensorFlow's "same" padding does.
fn pad(x: &Tensor, kernel: usize, stride: usize) -> candle_core::Result<Tensor> {
    let mut x = x.clone();
    for axis in [2, 3] {
        let same = Same::new(x.dim(axis)?, kernel, stride);
        x = x.pad_with_zeros(axis, same.before, same.after)?;
    }
    Ok(x)
}

/// Returns `count` values along an axis, starting at `first`, `stride` apart.
fn every(
    x: &Tensor,
    axis: usize,
    first: usize,
    count: usize,
    stride: usize,
) -> candle_core::Result<Tensor> {
    if stride == 1 {
        return x.narrow(axis, first, count);
    }
    let indices: Vec<u32> = (0..count).map(|at| (first + at * stride) as u32).collect();
    x.contiguous()?.index_select(&Tensor::new(indices, x.device())?, axis)
}

fn relu6(x: &Tensor) -> candle_core::Result<Tensor> {
    x.clamp(0.0, 6.0)
}
