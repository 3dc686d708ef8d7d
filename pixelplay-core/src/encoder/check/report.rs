//! The results of a check, and their text form.

use std::fmt;

use serde::Serialize;

use super::reference::Comparison;
use crate::encoder::checkpoint::{Activation, Config, Head, TransformerConfig, VisionConfig};

/// The results of [`check`](super::check()). `Display` formats them for people.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// The directory.
    pub path: String,
    /// Whether an [`Encoder`](crate::Encoder) can open the checkpoint, both towers work, and all
    /// values match the reference.
    pub usable: bool,
    /// All problems; empty if and only if the checkpoint is usable.
    pub problems: Vec<String>,
    /// The files that an encoder would read.
    pub files: Vec<CheckpointFile>,
    /// The architecture that the configuration describes.
    pub architecture: Option<Architecture>,
    /// The number of tensors in the weights.
    pub tensors: Option<usize>,
    /// The tensor types, each listed once.
    pub tensor_types: Vec<String>,
    /// A description of the preprocessing of pictures.
    pub preprocessing: Option<String>,
    /// The number of tokens that the tokenizer knows.
    pub vocabulary: Option<usize>,
    /// The fingerprint of the vector space.
    pub fingerprint: Option<String>,
    /// The towers that passed the self-test.
    pub working_towers: Vec<&'static str>,
    /// The comparisons with published values; `None` if no reference was given or there was no
    /// encoder to compare.
    pub comparisons: Option<Vec<Comparison>>,
}

/// A file of a checkpoint.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckpointFile {
    /// The file name.
    pub name: String,
    /// The size in bytes.
    pub bytes: u64,
}

/// The shape of a model.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Architecture {
    /// The number of dimensions of the embeddings.
    pub dim: usize,
    /// Height and width of the vision tower's input, in pixels.
    pub image_size: usize,
    /// The vision tower.
    pub vision: VisionTower,
    /// The maximum length of a text, in tokens.
    pub context: usize,
    /// The number of rows of the token embedding.
    pub vocabulary: usize,
    /// The text tower.
    pub text: Tower,
}

/// The shape of a vision tower.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum VisionTower {
    /// A transformer over patches.
    #[non_exhaustive]
    Transformer {
        /// Height and width of a patch, in pixels.
        patch_size: usize,
        /// The transformer.
        #[serde(flatten)]
        tower: Tower,
    },
    /// A convolutional network.
    #[non_exhaustive]
    Convolutional {
        /// The name of the network in timm.
        timm_model_name: &'static str,
        /// The number of blocks between stem and head.
        blocks: usize,
        /// The projection of the pooled features, as `timm_proj` names it.
        projection: &'static str,
    },
}

/// The shape of one transformer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Tower {
    /// The width between the layers.
    pub width: usize,
    /// The width inside the MLPs.
    pub mlp_width: usize,
    /// The number of layers.
    pub layers: usize,
    /// The number of attention heads per layer.
    pub heads: usize,
    /// The activation in the MLPs, as `hidden_act` names it.
    pub activation: &'static str,
}

impl From<&Config> for Architecture {
    fn from(config: &Config) -> Self {
        Self {
            dim: config.projection_dim,
            image_size: config.vision.image_size(),
            vision: (&config.vision).into(),
            context: config.text.max_positions,
            vocabulary: config.text.vocab_size,
            text: (&config.text.transformer).into(),
        }
    }
}

impl From<&VisionConfig> for VisionTower {
    fn from(config: &VisionConfig) -> Self {
        match config {
            VisionConfig::Vit(vit) => {
                Self::Transformer { patch_size: vit.patch_size, tower: (&vit.transformer).into() }
            }
            VisionConfig::EfficientNet(net) => Self::Convolutional {
                timm_model_name: net.model.name(),
                blocks: net.model.blocks().len(),
                projection: match net.head {
                    Head::Classifier => "",
                    Head::Linear { .. } => "linear",
                    Head::Mlp { .. } => "mlp",
                },
            },
        }
    }
}

impl From<&TransformerConfig> for Tower {
    fn from(config: &TransformerConfig) -> Self {
        Self {
            width: config.width,
            mlp_width: config.mlp_width,
            layers: config.layers,
            heads: config.heads,
            activation: match config.activation {
                Activation::QuickGelu => "quick_gelu",
                Activation::Gelu => "gelu",
                Activation::GeluTanh => "gelu_pytorch_tanh",
            },
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dim, image_size, vision, context, vocabulary, text, .. } = self;
        write!(
            f,
            "{dim} dimensions; vision: {image_size}x{image_size} pixels {vision}; text: {context} \
             of {vocabulary} tokens, {text}"
        )
    }
}

impl fmt::Display for VisionTower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transformer { patch_size, tower } => {
                write!(f, "in patches of {patch_size}x{patch_size}, {tower}")
            }
            Self::Convolutional { timm_model_name, blocks, projection } => {
                let projection = if projection.is_empty() { "classifier" } else { projection };
                write!(f, "through {timm_model_name}, {blocks} blocks, projection {projection}")
            }
        }
    }
}

impl fmt::Display for Tower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, mlp_width, layers, heads, activation } = self;
        write!(f, "{layers} layers of width {width} ({mlp_width}), {heads} heads, {activation}")
    }
}

impl fmt::Display for CheckpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.path)?;
        for file in &self.files {
            writeln!(f, "  {:<30}{:>13} bytes", file.name, file.bytes)?;
        }
        let mut line = |what: &str, value: Option<String>| {
            let value = value.unwrap_or_else(|| "unknown".to_owned());
            writeln!(f, "{what:<16}{value}")
        };
        line("architecture", self.architecture.as_ref().map(|a| a.to_string()))?;
        let types = self.tensor_types.join(", ");
        line("weights", self.tensors.map(|n| format!("{n} tensors of {types}")))?;
        line("pre-processing", self.preprocessing.clone())?;
        line("tokenizer", self.vocabulary.map(|n| format!("{n} tokens")))?;
        line("fingerprint", self.fingerprint.clone())?;
        let towers = match &*self.working_towers.join(" and ") {
            "" if self.fingerprint.is_none() => "not run".to_owned(),
            "" => "no tower passed".to_owned(),
            towers => format!("passed by: {towers}"),
        };
        line("self-test", Some(towers))?;
        match &self.comparisons {
            None => line("reference", Some("not compared with published values".to_owned()))?,
            Some(comparisons) => {
                for Comparison { what, outcome, detail, source } in comparisons {
                    let text = format!("{what} {outcome}: {detail} [{source}]");
                    line("reference", Some(text))?;
                }
            }
        }
        for problem in &self.problems {
            line("problem", Some(problem.clone()))?;
        }
        line("result", Some(if self.usable { "usable" } else { "not usable" }.to_owned()))
    }
}
