//! Why an encoder cannot be opened, or cannot encode.

use std::fmt;
use std::path::{Path, PathBuf};

use super::files;
#[cfg(feature = "hub")]
use super::hub::HubError;
use super::options::Device;
use crate::cause::Cause;

/// Why an encoder cannot be opened, or cannot encode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A checkpoint directory lacks a file.
    #[error(
        "`{}` holds no {file}; a CLIPModel directory holds config.json, model.safetensors, \
         tokenizer.json (or vocab.json and merges.txt) and preprocessor_config.json, one of \
         OpenCLIP's open_clip_config.json, open_clip_model.safetensors and tokenizer.json",
        dir.display()
    )]
    MissingFile {
        /// The directory.
        dir: PathBuf,
        /// The file looked for.
        file: &'static str,
    },
    /// The weights come only as a Python pickle, which can run any code and so is not read.
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
    /// A JSON file of the checkpoint is not what it should be.
    #[error("`{}` is damaged", path.display())]
    BadJson {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: Cause,
    },
    /// The checkpoint asks for something this encoder does not do.
    #[error("`{}` has {key} = {value}, which cannot be run: {supported}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The setting, as a dotted path.
        key: String,
        /// Its value, as JSON.
        value: String,
        /// What can be run.
        supported: String,
    },
    /// The file of weights is truncated, foreign or damaged.
    #[error("`{}` is no whole safetensors file", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: Cause,
    },
    /// The tensors in the file of weights are not the ones the configuration describes.
    #[error(
        "the tensors of `{}` do not fit its configuration: {}",
        path.display(),
        Shortened(problems)
    )]
    TensorMismatch {
        /// The file.
        path: PathBuf,
        /// One line for every tensor that is missing, has another shape or type, or is unknown.
        problems: Vec<String>,
    },
    /// The tokenizer cannot be used.
    #[error("`{}` holds no tokenizer that can be used", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// The self-test that runs when a tower is first loaded failed.
    #[error("the checkpoint `{}` is broken: its {tower} tower {problem}", path.display())]
    BrokenCheckpoint {
        /// The checkpoint.
        path: PathBuf,
        /// `text` or `vision`.
        tower: &'static str,
        /// What it does that no working tower does.
        problem: String,
    },
    /// The checkpoint cannot be had from the hub.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The device cannot be used.
    #[error("cannot use the device {device}")]
    Device {
        /// The device asked for.
        device: Device,
        /// Why not.
        source: Cause,
    },
    /// The threads asked for cannot be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many.
        threads: std::num::NonZeroUsize,
        /// Why not.
        source: Cause,
    },
    /// A picture cannot be decoded.
    #[error("cannot decode the picture{}", At(path.as_deref()))]
    BadImage {
        /// Its file, if it came from one.
        path: Option<PathBuf>,
        /// Why not.
        source: Cause,
    },
    /// A picture has more pixels, or its file more bytes, than are decoded.
    #[error(
        "the picture{} is too large: {size}, at most {limit} are decoded",
        At(path.as_deref())
    )]
    ImageTooLarge {
        /// Its file, if it came from one.
        path: Option<PathBuf>,
        /// What was found, with its unit.
        size: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// The number of bytes is not `width * height * 3` (RGBA: `* 4`), or a side is 0.
    #[error(
        "{len} bytes are no picture of {width}x{height} pixels; \
         it has at least one pixel, and three bytes for each (RGB) or four (RGBA)"
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
        /// What is wrong with it.
        problem: String,
    },
    /// One image of several failed.
    #[error("image {index} failed")]
    ImageAt {
        /// The position in the list given, from 0.
        index: usize,
        /// Why.
        source: Box<EncodeError>,
    },
    /// A text cannot be cut into tokens.
    #[error("text {index} cannot be cut into tokens")]
    TextAt {
        /// The position in the list given, from 0.
        index: usize,
        /// Why.
        source: Cause,
    },
    /// The forward pass failed, for example because the device is out of memory.
    #[error("the forward pass failed")]
    Forward {
        /// Why.
        source: Cause,
    },
    /// A vector that came out of the model is no embedding.
    #[error("the model gave a vector that is no embedding")]
    BadVector {
        /// Why not.
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

/// How a pickle becomes a file that is read.
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

/// The first few of many problems: a checkpoint of another architecture has hundreds.
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
