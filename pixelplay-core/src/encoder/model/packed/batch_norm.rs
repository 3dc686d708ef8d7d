//! Batch norms, folded into the preceding layer when a tower is loaded.

use std::ops::Range;

use super::Result;
use super::loader::Loader;
use crate::encoder::checkpoint::NORM_EPS;
use crate::simd::{Lanes, WIDTH};

/// The effect of a batch norm on each channel: `x * scale + shift`.
#[derive(Debug)]
pub(super) struct FoldedNorm {
    scale: Vec<f64>,
    shift: Vec<f32>,
}

impl FoldedNorm {
    #[expect(clippy::cast_possible_truncation, reason = "the tower computes in f32")]
    pub(super) fn load(loader: &Loader<'_>, at: &str, channels: usize) -> Result<Self> {
        let part = |name: &str| loader.values(&format!("{at}.{name}"), channels);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let (weight, bias) = (part("weight")?, part("bias")?);
        let scale: Vec<f64> = weight
            .iter()
            .zip(&variance)
            .map(|(&weight, &variance)| f64::from(weight) / (f64::from(variance) + NORM_EPS).sqrt())
            .collect();
        let shift = (0..channels)
            .map(|at| (f64::from(bias[at]) - f64::from(mean[at]) * scale[at]) as f32)
            .collect();
        Ok(Self { scale, shift })
    }

    /// Scales the weights of several outputs, all with the same number of weights.
    #[expect(clippy::cast_possible_truncation, reason = "as above")]
    pub(super) fn fold(&self, weights: &mut [f32], outputs: Range<usize>) {
        let each = weights.len() / outputs.len().max(1);
        for (weights, output) in weights.chunks_exact_mut(each.max(1)).zip(outputs) {
            for weight in weights {
                *weight = (f64::from(*weight) * self.scale[output]) as f32;
            }
        }
    }

    /// Returns the shifts as lines.
    pub(super) fn shift(&self) -> impl Iterator<Item = Lanes> {
        self.shift.chunks(WIDTH).map(|values| {
            let mut line = Lanes::ZERO;
            line.0[..values.len()].copy_from_slice(values);
            line
        })
    }
}
