//! The five EfficientNet-Lite networks, block by block.
//!
//! Follows Google's `lite` directory in `tensorflow/tpu` and timm's `_gen_efficientnet_lite`.

use serde::Serialize;

use super::{ConvNames, STEM};

/// One of the five networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::encoder) enum Lite {
    #[serde(rename = "tf_efficientnet_lite0")]
    Lite0,
    #[serde(rename = "tf_efficientnet_lite1")]
    Lite1,
    #[serde(rename = "tf_efficientnet_lite2")]
    Lite2,
    #[serde(rename = "tf_efficientnet_lite3")]
    Lite3,
    #[serde(rename = "tf_efficientnet_lite4")]
    Lite4,
}

/// The factor by which a block expands its input channels.
const EXPANSION: usize = 6;

/// A stage before scaling by the multipliers: the number of blocks, the side of the kernel, the
/// stride of the first block, and the number of output channels.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, channels: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, channels: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, channels: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, channels: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, channels: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, channels: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, channels: 320 },
];

/// One block: an expansion, a convolution of each channel, and a projection.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::encoder) struct Block {
    /// The path of the block in the trunk: `blocks.STAGE.INDEX`.
    at: String,
    /// Input channels.
    pub(in crate::encoder) inputs: usize,
    /// The number of expanded channels, which are convolved.
    pub(in crate::encoder) width: usize,
    /// Output channels.
    pub(in crate::encoder) outputs: usize,
    /// The side of the kernel.
    pub(in crate::encoder) kernel: usize,
    pub(in crate::encoder) stride: usize,
}

impl Block {
    /// Returns whether the input is added to the output.
    pub(in crate::encoder) fn has_skip(&self) -> bool {
        self.stride == 1 && self.inputs == self.outputs
    }

    fn names(&self, conv: &str, norm: &str) -> ConvNames {
        ConvNames::of(&format!("{}.", self.at), conv, norm)
    }

    fn expands(&self) -> bool {
        self.width != self.inputs
    }

    /// Returns the tensor names of the expansion, if the block has one.
    pub(in crate::encoder) fn expansion(&self) -> Option<ConvNames> {
        self.expands().then(|| self.names("conv_pw", "bn1"))
    }

    pub(in crate::encoder) fn depthwise(&self) -> ConvNames {
        self.names("conv_dw", if self.expands() { "bn2" } else { "bn1" })
    }

    pub(in crate::encoder) fn projection(&self) -> ConvNames {
        match self.expands() {
            true => self.names("conv_pwl", "bn3"),
            false => self.names("conv_pw", "bn2"),
        }
    }
}

impl Lite {
    pub(in crate::encoder) const ALL: [Self; 5] =
        [Self::Lite0, Self::Lite1, Self::Lite2, Self::Lite3, Self::Lite4];

    /// Returns the name of the network in timm.
    pub(in crate::encoder) fn name(self) -> &'static str {
        match self {
            Self::Lite0 => "tf_efficientnet_lite0",
            Self::Lite1 => "tf_efficientnet_lite1",
            Self::Lite2 => "tf_efficientnet_lite2",
            Self::Lite3 => "tf_efficientnet_lite3",
            Self::Lite4 => "tf_efficientnet_lite4",
        }
    }

    /// Finds a network by its name in timm, which may have a tag of pretrained weights (`.in1k`).
    pub(in crate::encoder::checkpoint) fn named(name: &str) -> Option<Self> {
        let (name, _) = name.split_once('.').unwrap_or((name, ""));
        Self::ALL.into_iter().find(|lite| lite.name() == name)
    }

    /// Returns the multipliers of the channels of all stages, and of the repeats of all stages
    /// except the first and the last.
    fn multipliers(self) -> (f64, f64) {
        match self {
            Self::Lite0 => (1.0, 1.0),
            Self::Lite1 => (1.0, 1.1),
            Self::Lite2 => (1.1, 1.2),
            Self::Lite3 => (1.2, 1.4),
            Self::Lite4 => (1.4, 1.8),
        }
    }

    /// Returns all blocks, in order.
    pub(in crate::encoder) fn blocks(self) -> Vec<Block> {
        let (wider, deeper) = self.multipliers();
        let mut blocks = Vec::new();
        let mut inputs = STEM;
        for (stage, of) in STAGES.iter().enumerate() {
            let ends = stage == 0 || stage + 1 == STAGES.len();
            let outputs = multiply_channels(of.channels, wider);
            for index in 0..if ends { of.repeats } else { multiply_repeats(of.repeats, deeper) } {
                blocks.push(Block {
                    at: format!("blocks.{stage}.{index}"),
                    inputs,
                    // The blocks of the first stage have no expansion.
                    width: if stage == 0 { inputs } else { inputs * EXPANSION },
                    outputs,
                    kernel: of.kernel,
                    stride: if index == 0 { of.stride } else { 1 },
                });
                inputs = outputs;
            }
        }
        blocks
    }
}

/// Rounds to the nearest multiple of 8, or up if rounding down would lose more than a tenth.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few hundred, rounded as the reference does"
)]
fn multiply_channels(channels: usize, factor: f64) -> usize {
    const DIVISOR: usize = 8;
    let exact = channels as f64 * factor;
    let near = ((exact + DIVISOR as f64 / 2.0) as usize / DIVISOR * DIVISOR).max(DIVISOR);
    if (near as f64) < 0.9 * exact { near + DIVISOR } else { near }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 8")]
fn multiply_repeats(repeats: usize, factor: f64) -> usize {
    (repeats as f64 * factor).ceil() as usize
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::encoder::checkpoint::efficientnet::{EfficientNetConfig, Head};

    /// The networks as timm builds them, recorded by `tests/parity/make_open_clip.py`.
    const TIMM: &str = include_str!("../../../../tests/fixtures/encoder/efficientnet_lite.json");

    #[test]
    fn the_five_networks_are_those_of_timm() {
        let timm: Value = serde_json::from_str(TIMM).unwrap();
        for lite in Lite::ALL {
            let expected = &timm[lite.name()];
            assert_eq!(
                (expected["stem"].as_u64(), expected["head"].as_u64()),
                (Some(32), Some(1280))
            );
            let blocks: Vec<Value> = lite
                .blocks()
                .into_iter()
                .map(|b| {
                    let skip = b.has_skip();
                    (b.at, b.inputs, b.width, b.outputs, b.kernel, b.stride, skip)
                })
                .map(|block| serde_json::to_value(block).unwrap())
                .collect();
            assert_eq!(Some(&blocks), expected["blocks"].as_array(), "{}", lite.name());

            let net = EfficientNetConfig {
                model: lite,
                image_size: 32,
                head: Head::Linear { bias: false },
            };
            let mut parameters = 0;
            net.add_tensors(1, &mut |name, shape| {
                // Batch norm statistics are not parameters, and the head is not part of the timm
                // model.
                if !name.contains(".running_") && name.starts_with("visual.trunk.") {
                    parameters += shape.iter().product::<usize>();
                }
            });
            assert_eq!(Some(parameters as u64), expected["parameters"].as_u64(), "{}", lite.name());
        }
    }

    #[test]
    fn names_are_those_of_timm_with_or_without_a_tag() {
        assert_eq!(Lite::named("tf_efficientnet_lite3"), Some(Lite::Lite3));
        assert_eq!(Lite::named("tf_efficientnet_lite3.in1k"), Some(Lite::Lite3));
        for other in ["", "efficientnet_lite3", "tf_efficientnet_lite5", "tf_efficientnet_b0"] {
            assert_eq!(Lite::named(other), None, "{other}");
        }
    }
}
