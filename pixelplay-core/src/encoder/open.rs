//! Opens encoders from the files of a checkpoint.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::checkpoint::{add_clip_names, fingerprint};
use super::encoder::{Encoder, Inner, own_pool};
use super::error::EncodeError;
use super::image::Preprocess;
use super::lazy::Lazy;
use super::options::{Device, EncoderOptions, Precision};
use super::parts::{Folder, Parts};
use super::text::Tokenize;

impl Encoder {
    /// Opens the checkpoint pixelplay-mini, which is embedded in the program and needs no files and
    /// no network.
    ///
    /// # Errors
    /// The embedded checkpoint is tested and causes no errors.
    #[cfg(feature = "mini")]
    pub fn mini() -> Result<Self, EncodeError> {
        Self::mini_with(EncoderOptions::default())
    }

    /// Like [`Encoder::mini`], with options.
    ///
    /// # Errors
    /// If the device cannot be used, or the threads cannot be started.
    #[cfg(feature = "mini")]
    pub fn mini_with(options: EncoderOptions) -> Result<Self, EncodeError> {
        Self::assemble(Parts::embedded(&pixelplay_models::PIXELPLAY_MINI)?, options)
    }

    /// Opens a checkpoint directory on the CPU; see [`Encoder::open_with`].
    ///
    /// # Errors
    /// See [`Encoder::open_with`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, EncodeError> {
        Self::open_with(dir, EncoderOptions::default())
    }

    /// Opens a Hugging Face `CLIPModel` directory: `config.json`, `model.safetensors` (or shards
    /// and their index), `tokenizer.json` (or `vocab.json` and `merges.txt`) and
    /// `preprocessor_config.json`. Also opens an OpenCLIP directory whose vision tower is timm's
    /// `tf_efficientnet_lite0` to `lite4`: `open_clip_config.json`, `open_clip_model.safetensors`
    /// and `tokenizer.json`. If the files of both layouts are present, the directory is opened as a
    /// `CLIPModel`. Weights may be `f32`, `f16` or `bf16`; the model runs in `f32`.
    ///
    /// # Errors
    /// If a file is missing, damaged, or needs something that this encoder does not support: the
    /// error names it, and the model is never run incorrectly. Broken weights are detected when a
    /// tower is first used.
    pub fn open_with(dir: impl AsRef<Path>, options: EncoderOptions) -> Result<Self, EncodeError> {
        let dir = dir.as_ref();
        // The path is resolved first, so that `models/.` and `models/` also yield a name.
        let name = dir
            .canonicalize()
            .ok()
            .and_then(|dir| Some(dir.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| dir.display().to_string());
        Self::open_named(dir, name, options)
    }

    pub(super) fn open_named(
        dir: &Path,
        name: String,
        options: EncoderOptions,
    ) -> Result<Self, EncodeError> {
        Self::assemble(Folder::new(dir).parts(name)?, options)
    }

    pub(super) fn assemble(parts: Parts, options: EncoderOptions) -> Result<Self, EncodeError> {
        let Parts { name, config, settings, settings_path, tokenizer, mut weights } = parts;
        if options.precision != Precision::F32 && options.device != Device::Cpu {
            return Err(EncodeError::Device {
                device: options.device,
                source: "only f32 is supported on it; 8-bit integers need the CPU".into(),
            });
        }
        let specs = config.tensors();
        weights.check(&specs)?;
        add_clip_names(&mut weights, &config)?;
        let preprocess = Preprocess::new(&settings_path, settings, config.vision.image_size())?;
        // These are the two slow parts: building a vocabulary, and hashing hundreds of megabytes.
        let (tokenize, fingerprint) = rayon::join(
            || Tokenize::new(&tokenizer, &config.text),
            || {
                let settings = preprocess.settings();
                fingerprint(&config, &specs, settings, &tokenizer.json, &weights)
            },
        );
        Ok(Self {
            pool: own_pool(options.threads)?,
            inner: Arc::new(Inner {
                name,
                config,
                fingerprint: fingerprint?,
                preprocess,
                tokenize: tokenize?,
                weights,
                options,
                vision: Lazy::default(),
                text: Lazy::default(),
                anchors: OnceLock::new(),
            }),
        })
    }
}
