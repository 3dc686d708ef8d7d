//! Opening: from the files of a checkpoint to an encoder.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::checkpoint::{Config, Weights, fingerprint};
use super::encoder::{Encoder, Inner, own_pool};
use super::error::EncodeError;
use super::files;
use super::image::{Preprocess, Settings};
use super::lazy::Lazy;
use super::options::{Device, EncoderOptions, Precision};
use super::text::{Definition, Tokenize};

/// What a checkpoint consists of, wherever it came from.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) settings: Settings,
    pub(super) settings_path: PathBuf,
    pub(super) tokenizer: Definition,
    pub(super) weights: Weights,
}

impl Encoder {
    /// The checkpoint pixelplay-mini, which is embedded in the program: no files, no network.
    ///
    /// # Errors
    /// None that the embedded checkpoint, which is tested, can cause.
    #[cfg(feature = "mini")]
    pub fn mini() -> Result<Self, EncodeError> {
        Self::mini_with(EncoderOptions::default())
    }

    /// [`Encoder::mini`] with options.
    ///
    /// # Errors
    /// If the device cannot be used, or the threads cannot be started.
    #[cfg(feature = "mini")]
    pub fn mini_with(options: EncoderOptions) -> Result<Self, EncodeError> {
        let mini = &pixelplay_models::PIXELPLAY_MINI;
        let path = |file: &str| PathBuf::from(format!("(embedded) {}/{file}", mini.name));
        let settings_path = path(files::PREPROCESSOR);
        Self::assemble(
            Parts {
                name: mini.name.to_owned(),
                config: Config::parse(&path(files::CONFIG), mini.config_json)?,
                settings: Settings::parse(&settings_path, mini.preprocessor_config_json, None)?,
                settings_path,
                tokenizer: Definition::parse(path(files::TOKENIZER), mini.tokenizer_json)?,
                weights: Weights::embedded(path(files::WEIGHTS), mini.model_safetensors)?,
            },
            options,
        )
    }

    /// Opens a Hugging Face `CLIPModel` directory on the CPU; see [`Encoder::open_with`].
    ///
    /// # Errors
    /// See [`Encoder::open_with`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, EncodeError> {
        Self::open_with(dir, EncoderOptions::default())
    }

    /// Opens a Hugging Face `CLIPModel` directory: `config.json`, `model.safetensors` (or shards
    /// and their index), `tokenizer.json` (or `vocab.json` and `merges.txt`) and
    /// `preprocessor_config.json`. Weights may be `f32`, `f16` or `bf16`; the model runs in `f32`.
    ///
    /// # Errors
    /// If a file is missing, damaged, or asks for something this encoder does not do: it is refused
    /// by name and never run wrongly. A checkpoint whose weights are broken is found out when a
    /// tower is first used.
    pub fn open_with(dir: impl AsRef<Path>, options: EncoderOptions) -> Result<Self, EncodeError> {
        let dir = dir.as_ref();
        // `models/.` and `models/` have a name too, but only once they are resolved.
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
        let config = Self::read_config(dir)?;
        let (settings_path, settings) = Settings::open(dir)?;
        Self::assemble(
            Parts {
                name,
                config,
                settings,
                settings_path,
                tokenizer: Definition::open(dir)?,
                weights: Weights::open(dir)?,
            },
            options,
        )
    }

    pub(super) fn read_config(dir: &Path) -> Result<Config, EncodeError> {
        let config_path = dir.join(files::CONFIG);
        let config_json = match std::fs::read(&config_path) {
            Ok(json) => json,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: files::CONFIG });
            }
            Err(e) => return Err(EncodeError::io(&config_path)(e)),
        };
        Config::parse(&config_path, &config_json)
    }

    pub(super) fn assemble(parts: Parts, options: EncoderOptions) -> Result<Self, EncodeError> {
        let Parts { name, config, settings, settings_path, tokenizer, weights } = parts;
        if options.precision != Precision::F32 && options.device != Device::Cpu {
            return Err(EncodeError::Device {
                device: options.device,
                source: "it computes in f32 alone; 8-bit integers are for the CPU".into(),
            });
        }
        let specs = config.tensors();
        weights.check(&specs)?;
        let preprocess = Preprocess::new(&settings_path, settings, config.vision.image_size)?;
        // The two slow parts: hundreds of megabytes to hash, and a vocabulary to build.
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
