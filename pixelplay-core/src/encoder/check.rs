//! Whether a checkpoint can be used, and everything that is wrong with it.

mod reference;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use reference::{Comparison, Outcome};

use super::checkpoint::{Activation, Config, TransformerConfig};
use super::error::{EncodeError, Explained};
use super::preprocess::Settings;
use super::tokenize::Definition;
use super::weights::Weights;
use super::{Encoder, EncoderOptions, Parts};
use crate::progress::{Progress, Stage};

/// How to check a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// A folder with `reference_values.json`, published values to compare with, and the pictures
    /// they are of.
    pub reference: Option<PathBuf>,
    /// Where the model runs.
    pub encoder: EncoderOptions,
}

/// What [`check`] found. `Display` writes it for people.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// The directory.
    pub path: String,
    /// Whether an [`Encoder`] opens it, both towers work, and nothing differs from the reference.
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

/// Checks a Hugging Face `CLIPModel` directory: every file, every tensor, every value for being a
/// number, both towers with the self-test, and the published values of a reference if one is given.
///
/// It does not stop at the first problem. It costs reading the weights a few times and a forward
/// pass of each tower, and of each text and picture of the reference.
///
/// ```
/// use pixelplay_core::encoder::check::{CheckOptions, check};
///
/// let report = check("no-such-folder", &CheckOptions::default(), &mut ())?;
/// assert!(!report.usable);
/// println!("{report}");
/// # Ok::<(), pixelplay_core::Error>(())
/// ```
///
/// # Errors
/// [`EncodeError::Cancelled`] if `progress` asks to stop, and [`EncodeError::BadJson`] if the
/// reference is damaged. Whatever is wrong with the checkpoint is in the report.
pub fn check(
    dir: impl AsRef<Path>,
    options: &CheckOptions,
    progress: &mut dyn Progress,
) -> Result<CheckpointReport, EncodeError> {
    let dir = dir.as_ref();
    let mut report = CheckpointReport {
        path: dir.display().to_string(),
        usable: false,
        problems: Vec::new(),
        files: Vec::new(),
        architecture: None,
        tensors: None,
        tensor_types: Vec::new(),
        preprocessing: None,
        vocabulary: None,
        fingerprint: None,
        working_towers: Vec::new(),
        comparisons: None,
    };
    match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => {
            if let Some(encoder) = report.inspect(dir, options, progress)? {
                report.run(&encoder, options, progress)?;
            }
        }
        Ok(_) => report.problems.push("it is a file; a checkpoint is a directory".to_owned()),
        Err(error) => report.problem(&EncodeError::io(dir)(error)),
    }
    report.usable = report.problems.is_empty();
    Ok(report)
}

impl CheckpointReport {
    fn problem(&mut self, error: &dyn std::error::Error) {
        self.problems.push(Explained(error).to_string());
    }

    fn noted<T>(&mut self, result: Result<T, EncodeError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            // All of them; the error itself shows the first few.
            Err(EncodeError::TensorMismatch { problems, .. }) => {
                self.problems.extend(problems);
                None
            }
            Err(error) => {
                self.problem(&error);
                None
            }
        }
    }

    /// Looks at each file on its own, and opens the encoder if all of them are right.
    fn inspect(
        &mut self,
        dir: &Path,
        options: &CheckOptions,
        progress: &mut dyn Progress,
    ) -> Result<Option<Encoder>, EncodeError> {
        self.files = files(dir);
        let config = self.noted(Encoder::read_config(dir));
        self.architecture = config.as_ref().map(Architecture::from);
        let settings = self.noted(Settings::open(dir));
        self.preprocessing = settings.as_ref().map(|(_, settings)| settings.to_string());
        let tokenizer = self.noted(Definition::open(dir));
        let weights = self.noted(Weights::open(dir));
        if let Some(weights) = &weights {
            self.tensors = Some(weights.names().len());
            self.tensor_types = weights.types();
            let mut fits = true;
            if let Some(config) = &config {
                fits = self.noted(weights.check(&config.tensors())).is_some();
            }
            if fits {
                self.check_values(weights, progress)?;
            }
        }
        // Only what is wrong between files that are right by themselves is still to be found.
        let (Some(config), Some((settings_path, settings)), Some(tokenizer), Some(weights), true) =
            (config, settings, tokenizer, weights, self.problems.is_empty())
        else {
            return Ok(None);
        };
        let parts =
            Parts { name: self.path.clone(), config, settings, settings_path, tokenizer, weights };
        Ok(self.noted(Encoder::assemble(parts, options.encoder.clone())))
    }

    fn check_values(
        &mut self,
        weights: &Weights,
        progress: &mut dyn Progress,
    ) -> Result<(), EncodeError> {
        let mut progress = Stage::of(progress, "checking tensors", weights.names().len());
        for (at, name) in weights.names().enumerate() {
            progress.at(at as u64)?;
            match weights.non_finite(name) {
                Ok(0) => {}
                Ok(count) => self
                    .problems
                    .push(format!("{name} has {count} values that are NaN or infinite")),
                Err(error) => {
                    self.problem(&error);
                    // The file cannot be read; the other tensors would say the same.
                    return Ok(());
                }
            }
        }
        Ok(progress.at(weights.names().len() as u64)?)
    }

    fn run(
        &mut self,
        encoder: &Encoder,
        options: &CheckOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), EncodeError> {
        self.fingerprint = Some(encoder.fingerprint().as_str().to_owned());
        self.vocabulary = Some(encoder.inner.tokenize.vocabulary());
        let mut stage = Stage::of(progress, "testing towers", 2);
        stage.at(0)?;
        if self.noted(encoder.vision().map(|_| ())).is_some() {
            self.working_towers.push("vision");
        }
        stage.at(1)?;
        if self.noted(encoder.text().map(|_| ())).is_some() {
            self.working_towers.push("text");
        }
        stage.at(2)?;
        let Some(folder) = options.reference.as_ref().filter(|_| self.problems.is_empty()) else {
            return Ok(());
        };
        let comparisons = reference::compare(encoder, folder, progress)?;
        for comparison in &comparisons {
            if comparison.outcome == Outcome::Differs {
                let Comparison { what, detail, .. } = comparison;
                self.problems.push(format!("{what} differs from the reference: {detail}"));
            }
        }
        self.comparisons = Some(comparisons);
        Ok(())
    }
}

/// The files of a directory that an encoder reads, pickles included: that they are there explains
/// much.
fn files(dir: &Path) -> Vec<CheckpointFile> {
    let is_read = |name: &str| {
        let known = [
            "config.json",
            "preprocessor_config.json",
            "processor_config.json",
            "tokenizer.json",
            "vocab.json",
            "merges.txt",
            "model.safetensors.index.json",
        ];
        known.contains(&name)
            || name.ends_with(".safetensors")
            || name.starts_with("pytorch_model") && name.ends_with(".bin")
    };
    let mut files: Vec<CheckpointFile> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // Of what a link leads to: in the hub's cache every file is one.
            let metadata = std::fs::metadata(entry.path()).ok()?;
            (metadata.is_file() && is_read(&name))
                .then_some(CheckpointFile { name, bytes: metadata.len() })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
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
