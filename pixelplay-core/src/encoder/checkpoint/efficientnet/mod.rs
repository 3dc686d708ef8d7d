//! The shapes of EfficientNet-Lite, the convolutional vision towers, and their tensors as timm and
//! OpenCLIP name them.
//!
//! The network has a stem, seven stages of blocks and a head, and every convolution is followed by
//! batch norm. A block expands each pixel to six times as many channels, convolves each channel
//! separately, and projects back; if the shape and the number of channels stay the same, the input
//! is added to the output. "Lite" means that there is no squeeze-and-excitation and that all
//! activations are `ReLU6`.
//!
//! * This file contains what all five networks share, and lists the tensors; `lite` defines the
//!   blocks, and `same` the padding of the convolutions.

mod lite;
mod same;

use serde::Serialize;

use super::expected_tensors::Add;
pub(in crate::encoder) use lite::{Block, Lite};
pub(in crate::encoder) use same::Same;

/// An EfficientNet-Lite from pixels to an embedding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct EfficientNetConfig {
    pub(in crate::encoder) model: Lite,
    pub(in crate::encoder) image_size: usize,
    pub(in crate::encoder) head: Head,
}

/// The head that turns the pooled features into an embedding, as OpenCLIP's `timm_proj` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::encoder) enum Head {
    /// `""`: the network's own classifier, which has a bias.
    Classifier,
    /// `linear`.
    Linear { bias: bool },
    /// `mlp`: a layer with twice as many outputs as the embedding has dimensions, the exact GELU,
    /// and a layer down to the embedding. The first layer always has a bias.
    Mlp { bias: bool },
}

/// The number of output channels of the stem, in every model.
pub(in crate::encoder) const STEM: usize = 32;
/// The number of channels that are pooled, in every model.
pub(in crate::encoder) const HEAD: usize = 1280;
/// The epsilon of batch norms in TensorFlow, and so in timm's `tf_` models.
pub(in crate::encoder) const NORM_EPS: f64 = 1e-3;

/// The names of a convolution and of the batch norm after it in the checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::encoder) struct ConvNames {
    pub(in crate::encoder) conv: String,
    pub(in crate::encoder) norm: String,
}

/// The prefix of the network's tensors in a checkpoint.
const TRUNK: &str = "visual.trunk";

impl ConvNames {
    fn of(at: &str, conv: &str, norm: &str) -> Self {
        Self { conv: format!("{TRUNK}.{at}{conv}"), norm: format!("{TRUNK}.{at}{norm}") }
    }

    pub(in crate::encoder) fn stem() -> Self {
        Self::of("", "conv_stem", "bn1")
    }

    pub(in crate::encoder) fn head() -> Self {
        Self::of("", "conv_head", "bn2")
    }

    fn add_tensors(&self, outputs: usize, inputs: usize, kernel: usize, add: &mut Add<'_>) {
        add(&format!("{}.weight", self.conv), &[outputs, inputs, kernel, kernel]);
        for part in ["weight", "bias", "running_mean", "running_var"] {
            add(&format!("{}.{part}", self.norm), &[outputs]);
        }
    }
}

impl EfficientNetConfig {
    /// Adds the tensors of the tower, with a head to `dim` dimensions.
    pub(super) fn add_tensors(&self, dim: usize, add: &mut Add<'_>) {
        ConvNames::stem().add_tensors(STEM, 3, 3, add);
        let mut last = STEM;
        for block in self.model.blocks() {
            if let Some(expansion) = block.expansion() {
                expansion.add_tensors(block.width, block.inputs, 1, add);
            }
            block.depthwise().add_tensors(block.width, 1, block.kernel, add);
            block.projection().add_tensors(block.outputs, block.width, 1, add);
            last = block.outputs;
        }
        ConvNames::head().add_tensors(HEAD, last, 1, add);
        for layer in self.head.layers(dim) {
            add(&format!("{}.weight", layer.at), &[layer.outputs, layer.inputs]);
            if layer.has_bias {
                add(&format!("{}.bias", layer.at), &[layer.outputs]);
            }
        }
    }
}

/// One linear layer of the head. If there are two, the exact GELU is between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::encoder) struct HeadLayer {
    pub(in crate::encoder) at: &'static str,
    pub(in crate::encoder) inputs: usize,
    pub(in crate::encoder) outputs: usize,
    pub(in crate::encoder) has_bias: bool,
}

impl Head {
    /// Returns the linear layers of the head.
    pub(in crate::encoder) fn layers(self, dim: usize) -> Vec<HeadLayer> {
        let layer = |at, inputs, outputs, has_bias| HeadLayer { at, inputs, outputs, has_bias };
        match self {
            Self::Classifier => vec![layer("visual.trunk.classifier", HEAD, dim, true)],
            Self::Linear { bias } => vec![layer("visual.head.proj", HEAD, dim, bias)],
            Self::Mlp { bias } => vec![
                layer("visual.head.mlp.fc1", HEAD, 2 * dim, true),
                layer("visual.head.mlp.fc2", 2 * dim, dim, bias),
            ],
        }
    }
}
