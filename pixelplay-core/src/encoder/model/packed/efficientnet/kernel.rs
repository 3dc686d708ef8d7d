//! Convolutions that are not matrix products: their weights, packed block by block.

use super::super::Result;
use super::super::batch_norm::FoldedNorm;
use super::super::loader::Loader;
use crate::encoder::checkpoint::{ConvNames, Same};
use crate::simd::{BlockWeights, Convolution, Lanes, WIDTH};

/// The shape of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelSpec {
    /// The number of planes that each channel reads: all planes of a picture, or only its own in a
    /// depthwise convolution.
    pub(super) planes: usize,
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// A convolution with the following batch norm folded in.
#[derive(Debug)]
pub(super) struct PackedKernel {
    pub(super) shape: Convolution,
    /// Shape `(channels / 16, planes, kernel, kernel, 16)`.
    weights: Vec<Lanes>,
    bias: Vec<Lanes>,
}

impl PackedKernel {
    /// Reads and packs a convolution for pictures with sides of this many pixels.
    pub(super) fn load(
        loader: &Loader<'_>,
        names: &ConvNames,
        spec: KernelSpec,
        side: usize,
    ) -> Result<Self> {
        let KernelSpec { planes, channels, kernel, stride } = spec;
        let places = planes * kernel * kernel;
        let norm = FoldedNorm::load(loader, &names.norm, channels)?;
        let mut values = loader.values(&format!("{}.weight", names.conv), channels * places)?;
        norm.fold(&mut values, 0..channels);
        let mut weights = vec![Lanes::ZERO; channels.div_ceil(WIDTH) * places];
        for (at, value) in values.into_iter().enumerate() {
            let (channel, place) = (at / places, at % places);
            weights[channel / WIDTH * places + place].0[channel % WIDTH] = value;
        }
        let same = Same::new(side, kernel, stride);
        let shape =
            Convolution { kernel, stride, side, outputs: same.outputs, before: same.before };
        Ok(Self { shape, weights, bias: norm.shift().collect() })
    }

    /// Returns height and width of the output, in pixels.
    pub(super) fn outputs(&self) -> usize {
        self.shape.outputs
    }

    /// Returns the weights of one block of channels.
    pub(super) fn weights(&self, block: usize) -> BlockWeights<'_> {
        let places = self.weights.len() / self.bias.len();
        BlockWeights { weights: &self.weights[block * places..][..places], bias: self.bias[block] }
    }
}
