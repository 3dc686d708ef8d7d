//! The check itself.

use std::path::{Path, PathBuf};

use super::reference::{self, Comparison, Outcome};
use super::report::{Architecture, CheckpointFile, CheckpointReport};
use crate::encoder::checkpoint::Weights;
use crate::encoder::encoder::Encoder;
use crate::encoder::error::{EncodeError, Explained};
use crate::encoder::files;
use crate::encoder::options::EncoderOptions;
use crate::encoder::parts::{Folder, Parts};
use crate::progress::{Progress, Stage};

/// Options for checking a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// A folder with `reference_values.json`, the published values to compare with, and the
    /// pictures that they belong to.
    pub reference: Option<PathBuf>,
    /// Options for opening the encoder.
    pub encoder: EncoderOptions,
}

/// Checks a checkpoint directory for use with [`Encoder::open`](crate::Encoder::open). Checks every
/// file and every tensor, whether every value is finite, both towers with the self-test, and, if a
/// reference is given, its published values.
///
/// Does not stop at the first problem. Reads the weights a few times, and runs one forward pass per
/// tower and one for each text and picture of the reference.
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
/// [`EncodeError::Cancelled`] if `progress` cancels, and [`EncodeError::BadJson`] if the reference
/// is damaged. Problems with the checkpoint are not errors; they are part of the report.
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
            // List all of them; the error itself shows only the first few.
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

    /// Checks each file separately, and opens the encoder if all files are valid.
    fn inspect(
        &mut self,
        dir: &Path,
        options: &CheckOptions,
        progress: &mut dyn Progress,
    ) -> Result<Option<Encoder>, EncodeError> {
        self.files = files_of(dir);
        let folder = Folder::new(dir);
        let config = self.noted(folder.config());
        self.architecture = config.as_ref().map(Architecture::from);
        let settings = folder.settings(config.as_ref()).and_then(|found| self.noted(found));
        self.preprocessing = settings.as_ref().map(|(_, settings)| settings.to_string());
        let tokenizer = self.noted(folder.tokenizer());
        let weights = self.noted(folder.weights());
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
        // Each file is valid by itself, so opening can only find inconsistencies between them.
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
                    // The file cannot be read; the other tensors would fail in the same way.
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

/// Lists the files of a directory that an encoder reads. Also lists pickles, since their presence
/// explains many problems.
fn files_of(dir: &Path) -> Vec<CheckpointFile> {
    let is_read = |name: &str| {
        let known = [
            files::CONFIG,
            files::PREPROCESSOR,
            files::PROCESSOR,
            files::TOKENIZER,
            files::VOCABULARY,
            files::MERGES,
            files::WEIGHTS_INDEX,
            files::OPEN_CLIP_CONFIG,
        ];
        known.contains(&name)
            || name.ends_with(".safetensors")
            || name.starts_with("pytorch_model") && name.ends_with(".bin")
            || files::OPEN_CLIP_PICKLES.contains(&name)
    };
    let mut files: Vec<CheckpointFile> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // Follows links, because every file in the hub's cache is a link.
            let metadata = std::fs::metadata(entry.path()).ok()?;
            (metadata.is_file() && is_read(&name))
                .then_some(CheckpointFile { name, bytes: metadata.len() })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}
