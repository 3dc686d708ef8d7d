//! What a check finds, and how people read it.

use std::fmt;

use serde::Serialize;

use super::reference::Comparison;
use crate::encoder::checkpoint::{Activation, Config, TransformerConfig};

/// What [`check`](super::check()) found. `Display` writes it for people.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// The directory.
    pub path: String,
    /// Whether an [`Encoder`](crate::Encoder) opens it, both towers work, and nothing differs from
    /// the reference.
    pub usable: bool,
    /// Everything that is wrong; empty if and only if it is usable.
    pub problems: Vec<String>,
    /// The files an encoder would read.
    pub files: Vec<CheckpointFile>,
    /// What `config.json` describes.
    pub architecture: Option<Architecture>,
    /// How many tensors the weights have.
    pub tensors: Option<usize>,
    /// Their types, each once.
    pub tensor_types: Vec<String>,
    /// What is done to a picture, in words.
    pub preprocessing: Option<String>,
    /// How many tokens the tokenizer knows.
    pub vocabulary: Option<usize>,
    /// The name of the space.
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
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// The shape of a model.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Architecture {
    /// The number of dimensions of the embeddings.
    pub dim: usize,
    /// Height and width that the vision tower reads, in pixels.
    pub image_size: usize,
    /// Height and width of a patch, in pixels.
    pub patch_size: usize,
    /// The vision tower.
    pub vision: Tower,
    /// The longest text, in tokens.
    pub context: usize,
    /// The number of rows of the token embedding.
    pub vocabulary: usize,
    /// The text tower.
    pub text: Tower,
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
    /// The number of attention heads in each.
    pub heads: usize,
    /// The activation in the MLPs, as `hidden_act` names it.
    pub activation: &'static str,
}

impl From<&Config> for Architecture {
    fn from(config: &Config) -> Self {
        Self {
            dim: config.projection_dim,
            image_size: config.vision.image_size,
            patch_size: config.vision.patch_size,
            vision: (&config.vision.transformer).into(),
            context: config.text.max_positions,
            vocabulary: config.text.vocab_size,
            text: (&config.text.transformer).into(),
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
        let Self { dim, image_size, patch_size, context, vocabulary, .. } = self;
        let (vision, text) = (&self.vision, &self.text);
        write!(
            f,
            "{dim} dimensions; vision: {image_size}x{image_size} pixels in patches of \
             {patch_size}x{patch_size}, {vision}; text: {context} of {vocabulary} tokens, {text}"
        )
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
            let value = value.unwrap_or_else(|| "not found out".to_owned());
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
