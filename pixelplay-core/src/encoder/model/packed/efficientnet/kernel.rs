//! Convolutions that are no products of matrices: their weights, packed block by block.

use super::super::Result;
use super::super::batch_norm::FoldedNorm;
use super::super::loader::Loader;
use crate::encoder::checkpoint::{ConvNames, Same};
use crate::simd::{BlockWeights, Convolution, Lanes, WIDTH};

/// What a convolution is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelSpec {
    /// How many planes each channel sees: all of a picture's, or of a depthwise convolution its own.
    pub(super) planes: usize,
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// A convolution with the batch norm behind it folded in.
#[derive(Debug)]
pub(super) struct PackedKernel {
    pub(super) shape: Convolution,
    /// Shape `(channels / 16, planes, kernel, kernel, 16)`.
    weights: Vec<Lanes>,
    bias: Vec<Lanes>,
}

impl PackedKernel {
    /// Reads and packs it, for pictures of so many pixels a side.
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

    /// Height and width of what it gives, in pixels.
    pub(super) fn outputs(&self) -> usize {
        self.shape.outputs
    }

    /// The weights of one block of channels.
    pub(super) fn weights(&self, block: usize) -> BlockWeights<'_> {
        let places = self.weights.len() / self.bias.len();
        BlockWeights { weights: &self.weights[block * places..][..places], bias: self.bias[block] }
    }
}
