//! The reason why an encoder cannot be opened, or cannot encode.

use std::fmt;
use std::path::{Path, PathBuf};

use super::files;
#[cfg(feature = "hub")]
use super::hub::HubError;
use super::options::Device;
use crate::cause::Cause;

/// The reason why an encoder cannot be opened, or cannot encode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// A checkpoint directory lacks a file.
    #[error(
        "`{}` has no {file}; a CLIPModel directory holds config.json, model.safetensors, \
         tokenizer.json (or vocab.json and merges.txt) and preprocessor_config.json; an OpenCLIP \
         directory holds open_clip_config.json, open_clip_model.safetensors and tokenizer.json",
        dir.display()
    )]
    MissingFile {
        /// The directory.
        dir: PathBuf,
        /// The file looked for.
        file: &'static str,
    },
    /// The weights exist only as a Python pickle, which is not read because it can run any code.
    #[error(
        "`{}` has its weights only as a Python pickle ({file}); convert them with {}",
        dir.display(),
        Conversion(file)
    )]
    PickledWeights {
        /// The directory.
        dir: PathBuf,
        /// The pickle found.
        file: &'static str,
    },
    /// A JSON file of the checkpoint is not valid.
    #[error("`{}` is damaged", path.display())]
    BadJson {
        /// The file.
        path: PathBuf,
        /// The error from the parser.
        source: Cause,
    },
    /// The checkpoint needs something that this encoder does not support.
    #[error("`{}` has {key} = {value}, which is not supported: {supported}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The setting, as a dotted path.
        key: String,
        /// Its value, as JSON.
        value: String,
        /// The supported values.
        supported: String,
    },
    /// The weights file is truncated, damaged or of another format.
    #[error("`{}` is not a complete safetensors file", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// The error from the parser.
        source: Cause,
    },
    /// The tensors in the weights file do not match the configuration.
    #[error(
        "the tensors of `{}` do not fit its configuration: {}",
        path.display(),
        Shortened(problems)
    )]
    TensorMismatch {
        /// The file.
        path: PathBuf,
        /// One line per tensor that is missing, has a different shape or type, or is unknown.
        problems: Vec<String>,
    },
    /// The checkpoint's tokenizer cannot be used.
    #[error("`{}` does not contain a usable tokenizer", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Cause,
    },
    /// The self-test that runs when a tower is first loaded failed.
    #[error("the checkpoint `{}` is broken: its {tower} tower {problem}", path.display())]
    BrokenCheckpoint {
        /// The checkpoint.
        path: PathBuf,
        /// `text` or `vision`.
        tower: &'static str,
        /// The problem with the results of the tower.
        problem: String,
    },
    /// The checkpoint cannot be obtained from the hub.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The device cannot be used.
    #[error("cannot use the device {device}")]
    Device {
        /// The device asked for.
        device: Device,
        /// The cause.
        source: Cause,
    },
    /// The requested threads cannot be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// The number of threads.
        threads: std::num::NonZeroUsize,
        /// The cause.
        source: Cause,
    },
    /// A picture cannot be decoded.
    #[error("cannot decode the picture{}", At(path.as_deref()))]
    BadImage {
        /// The file of the picture, if any.
        path: Option<PathBuf>,
        /// The cause.
        source: Cause,
    },
    /// A picture has too many pixels, or its file too many bytes.
    #[error(
        "the picture{} is too large: {size}; at most {limit} are supported",
        At(path.as_deref())
    )]
    ImageTooLarge {
        /// The file of the picture, if any.
        path: Option<PathBuf>,
        /// The size found, with its unit.
        size: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// The number of bytes is not `width * height * 3` (RGBA: `* 4`), or a side is 0.
    #[error(
        "{len} bytes are not a picture of {width}x{height} pixels; \
         a picture has at least one pixel, and three bytes (RGB) or four bytes (RGBA) for each"
    )]
    BadPixels {
        /// The width given.
        width: u32,
        /// The height given.
        height: u32,
        /// The number of bytes given.
        len: usize,
    },
    /// Preprocessed input has the wrong shape.
    #[error("the input does not fit the encoder: {problem}")]
    BadInput {
        /// The problem.
        problem: String,
    },
    /// One image of several failed.
    #[error("image {index} failed")]
    ImageAt {
        /// The position in the list given, from 0.
        index: usize,
        /// The cause.
        source: Box<EncodeError>,
    },
    /// A text cannot be tokenized.
    #[error("text {index} cannot be tokenized")]
    TextAt {
        /// The position in the list given, from 0.
        index: usize,
        /// The cause.
        source: Cause,
    },
    /// The forward pass failed, for example because the device is out of memory.
    #[error("the forward pass failed")]
    Forward {
        /// The cause.
        source: Cause,
    },
    /// The model returned a vector that is not an embedding.
    #[error("the model returned a vector that is not an embedding")]
    BadVector {
        /// The cause.
        source: crate::EmbeddingError,
    },
    /// The progress callback asked to stop.
    #[error("encoding was cancelled")]
    Cancelled,
}

impl From<crate::progress::Cancelled> for EncodeError {
    fn from(_: crate::progress::Cancelled) -> Self {
        Self::Cancelled
    }
}

impl EncodeError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn bad_json<E: Into<Cause>>(path: &Path) -> impl Fn(E) -> Self {
        move |source| Self::BadJson { path: path.to_owned(), source: source.into() }
    }

    pub(super) fn unsupported(
        path: &Path,
        key: impl Into<String>,
        value: String,
        supported: impl Into<String>,
    ) -> Self {
        let (key, supported) = (key.into(), supported.into());
        Self::Unsupported { path: path.to_owned(), key, value, supported }
    }

    pub(super) fn forward(source: impl Into<Cause>) -> Self {
        Self::Forward { source: source.into() }
    }
}

struct At<'a>(Option<&'a Path>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, " (`{}`)", path.display()),
            None => Ok(()),
        }
    }
}

/// How to convert a pickle into a file that can be read.
struct Conversion(&'static str);

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match files::OPEN_CLIP_PICKLES.contains(&self.0) {
            true => "open_clip: `open_clip.push_to_hf_hub.save_for_hf(model, tokenizer, ...)`",
            false => {
                "transformers: `CLIPModel.from_pretrained(\"DIR\").save_pretrained(\"DIR\", \
                 safe_serialization=True)`"
            }
        })
    }
}

/// Formats only the first few problems, because a checkpoint of another architecture has hundreds.
struct Shortened<'a>(&'a [String]);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        for (i, problem) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "; " })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// An error with its causes, on one line.
pub(super) struct Explained<'a>(pub(super) &'a dyn std::error::Error);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}
