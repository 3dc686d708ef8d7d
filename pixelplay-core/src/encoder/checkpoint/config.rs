//! The configuration of a checkpoint, independent of its layout.

use std::path::Path;

use serde::Serialize;

use super::efficientnet::EfficientNetConfig;
use crate::encoder::error::EncodeError;

/// Everything in a configuration that affects what the model computes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct Config {
    pub(in crate::encoder) text: TextConfig,
    pub(in crate::encoder) vision: VisionConfig,
    pub(in crate::encoder) projection_dim: usize,
    /// This field is not hashed, but the fingerprint includes the names of the tensors.
    #[serde(skip)]
    pub(in crate::encoder) layout: Layout,
}

/// The naming scheme of the text tower's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encoder) enum Layout {
    /// As in transformers' `CLIPModel`.
    ClipModel,
    /// As in OpenCLIP. `text` is the prefix of each name: empty, or `text.` if the tower is a
    /// separate module (`CustomTextCLIP`).
    OpenClip { text: &'static str },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct TextConfig {
    pub(in crate::encoder) transformer: TransformerConfig,
    pub(in crate::encoder) vocab_size: usize,
    pub(in crate::encoder) max_positions: usize,
    /// This id is only compared with the tokenizer's end token, which is the one that is used. So
    /// it is not part of the fingerprint, and a legacy id can be corrected without rebuilding
    /// indexes.
    #[serde(skip)]
    pub(in crate::encoder) eos_token_id: u32,
}

/// The vision tower.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::encoder) enum VisionConfig {
    Vit(VitConfig),
    EfficientNet(EfficientNetConfig),
}

/// A vision transformer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct VitConfig {
    pub(in crate::encoder) transformer: TransformerConfig,
    pub(in crate::encoder) image_size: usize,
    pub(in crate::encoder) patch_size: usize,
}

/// A transformer, as used by both towers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct TransformerConfig {
    pub(in crate::encoder) width: usize,
    pub(in crate::encoder) mlp_width: usize,
    pub(in crate::encoder) layers: usize,
    pub(in crate::encoder) heads: usize,
    pub(in crate::encoder) activation: Activation,
    pub(in crate::encoder) layer_norm_eps: f64,
}

/// The activation between the two layers of the MLP, by the names that `hidden_act` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::encoder) enum Activation {
    /// `x * sigmoid(1.702 x)`: `quick_gelu`.
    QuickGelu,
    /// `x * (1 + erf(x / sqrt 2)) / 2`: `gelu`.
    Gelu,
    /// The approximation by tanh: `gelu_new`, `gelu_pytorch_tanh`.
    GeluTanh,
}

/// OpenAI's first configs say `eos_token_id: 2`, which transformers interprets as "the highest id".
/// OpenCLIP always uses the highest id.
pub(in crate::encoder) const LEGACY_EOS: u32 = 2;

// These limits are far above any existing CLIP. They keep products of sizes in range and lists of
// names short.
pub(super) const MAX_WIDTH: usize = 1 << 16;
pub(super) const MAX_LAYERS: usize = 1 << 10;
pub(super) const MAX_VOCABULARY: usize = 1 << 24;
pub(super) const MAX_POSITIONS: usize = 1 << 14;
pub(super) const MAX_IMAGE_SIZE: usize = 1 << 13;

impl VisionConfig {
    /// Returns height and width of the tower's input, in pixels.
    pub(in crate::encoder) fn image_size(&self) -> usize {
        match self {
            Self::Vit(vit) => vit.image_size,
            Self::EfficientNet(net) => net.image_size,
        }
    }
}

impl VitConfig {
    /// Returns the number of patches of a picture.
    pub(in crate::encoder) fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }
}

/// Creates "unsupported" errors that name the file and the key.
pub(super) struct Refuse<'a> {
    pub(super) path: &'a Path,
    pub(super) section: &'static str,
}

impl Refuse<'_> {
    pub(super) fn because(&self, key: &str, value: impl Serialize, supported: &str) -> EncodeError {
        let value = serde_json::to_string(&value).unwrap_or_default();
        EncodeError::unsupported(self.path, format!("{}{key}", self.section), value, supported)
    }

    pub(super) fn size(&self, key: &str, value: usize, max: usize) -> Result<usize, EncodeError> {
        self.between(key, value, 1, max)
    }

    pub(super) fn between(
        &self,
        key: &str,
        value: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, EncodeError> {
        if !(min..=max).contains(&value) {
            let supported = format!("it must be between {min} and {max}");
            return Err(self.because(key, value, &supported));
        }
        Ok(value)
    }
}
