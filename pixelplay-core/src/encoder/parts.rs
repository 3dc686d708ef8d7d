//! The parts of a checkpoint, independent of its source and layout.

use std::path::{Path, PathBuf};

use super::checkpoint::{Config, Weights};
use super::error::EncodeError;
use super::files;
use super::image::Settings;
use super::text::Definition;

/// Everything that an encoder is built from.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) settings: Settings,
    pub(super) settings_path: PathBuf,
    pub(super) tokenizer: Definition,
    pub(super) weights: Weights,
}

/// The layout of a checkpoint's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The layout of transformers' `CLIPModel`.
    ClipModel,
    /// OpenCLIP's `open_clip_config.json`.
    OpenClip,
}

/// A folder with a checkpoint.
pub(super) struct Folder<'a> {
    dir: &'a Path,
    layout: Layout,
}

impl<'a> Folder<'a> {
    /// Creates the folder. If it contains the files of both layouts, it is read as a `CLIPModel`.
    pub(super) fn new(dir: &'a Path) -> Self {
        let has = |file: &str| dir.join(file).exists();
        let layout = match !has(files::CONFIG) && has(files::OPEN_CLIP_CONFIG) {
            true => Layout::OpenClip,
            false => Layout::ClipModel,
        };
        Self { dir, layout }
    }

    /// Reads all parts.
    pub(super) fn parts(&self, name: String) -> Result<Parts, EncodeError> {
        let config = self.config()?;
        let (settings_path, settings) = match self.layout {
            Layout::ClipModel => Settings::open(self.dir)?,
            Layout::OpenClip => self.open_clip_settings(&config)?,
        };
        Ok(Parts {
            name,
            settings,
            settings_path,
            tokenizer: self.tokenizer()?,
            weights: self.weights()?,
            config,
        })
    }

    pub(super) fn config(&self) -> Result<Config, EncodeError> {
        let (path, json) = self.config_json()?;
        match self.layout {
            Layout::ClipModel => Config::parse_clip_model(&path, &json),
            Layout::OpenClip => Config::parse_open_clip(&path, &json),
        }
    }

    /// Reads the preprocessing settings and the path of their file. Returns `None` if they depend
    /// on the configuration and it is missing.
    pub(super) fn settings(
        &self,
        config: Option<&Config>,
    ) -> Option<Result<(PathBuf, Settings), EncodeError>> {
        match self.layout {
            Layout::ClipModel => Some(Settings::open(self.dir)),
            Layout::OpenClip => config.map(|config| self.open_clip_settings(config)),
        }
    }

    pub(super) fn tokenizer(&self) -> Result<Definition, EncodeError> {
        Definition::open(self.dir)
    }

    pub(super) fn weights(&self) -> Result<Weights, EncodeError> {
        let names = match self.layout {
            Layout::ClipModel => &files::CLIP_MODEL,
            Layout::OpenClip => &files::OPEN_CLIP,
        };
        Weights::open(self.dir, names)
    }

    fn config_json(&self) -> Result<(PathBuf, Vec<u8>), EncodeError> {
        let file = match self.layout {
            Layout::ClipModel => files::CONFIG,
            Layout::OpenClip => files::OPEN_CLIP_CONFIG,
        };
        let path = self.dir.join(file);
        match std::fs::read(&path) {
            Ok(json) => Ok((path, json)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && self.dir.is_dir() => {
                Err(EncodeError::MissingFile { dir: self.dir.to_owned(), file })
            }
            Err(e) => Err(EncodeError::io(&path)(e)),
        }
    }

    fn open_clip_settings(&self, config: &Config) -> Result<(PathBuf, Settings), EncodeError> {
        let (path, json) = self.config_json()?;
        let settings = Settings::parse_open_clip(&path, &json, config.vision.image_size())?;
        Ok((path, settings))
    }
}

#[cfg(feature = "mini")]
impl Parts {
    /// Returns the parts of a checkpoint that is embedded in the program.
    pub(super) fn embedded(
        checkpoint: &pixelplay_models::EmbeddedCheckpoint,
    ) -> Result<Self, EncodeError> {
        use pixelplay_models::Layout;

        let path = |file: &str| PathBuf::from(format!("(embedded) {}/{file}", checkpoint.name));
        let (config, settings, settings_path, weights) = match checkpoint.layout {
            Layout::ClipModel { preprocessor_config_json } => {
                let settings_path = path(files::PREPROCESSOR);
                let settings = Settings::parse(&settings_path, preprocessor_config_json, None)?;
                let config =
                    Config::parse_clip_model(&path(files::CONFIG), checkpoint.config_json)?;
                (config, settings, settings_path, files::WEIGHTS)
            }
            Layout::OpenClip => {
                let (json, path) = (checkpoint.config_json, path(files::OPEN_CLIP_CONFIG));
                let config = Config::parse_open_clip(&path, json)?;
                let settings = Settings::parse_open_clip(&path, json, config.vision.image_size())?;
                (config, settings, path, files::OPEN_CLIP_WEIGHTS)
            }
        };
        Ok(Self {
            name: checkpoint.name.to_owned(),
            config,
            settings,
            settings_path,
            tokenizer: Definition::parse(path(files::TOKENIZER), checkpoint.tokenizer_json)?,
            weights: Weights::embedded(path(weights), checkpoint.model_safetensors)?,
        })
    }
}

#[cfg(all(test, feature = "mini"))]
mod tests {
    use pixelplay_models::EmbeddedCheckpoint;

    use super::*;
    use crate::Encoder;
    use crate::encoder::checkpoint::made;

    const CONFIG: &[u8] = br#"{
        "model_cfg": {
            "embed_dim": 8,
            "vision_cfg": {"timm_model_name": "tf_efficientnet_lite0", "image_size": 32},
            "text_cfg": {
                "vocab_size": 8, "context_length": 4, "width": 16, "heads": 2, "layers": 1
            }
        },
        "preprocess_cfg": {"resize_mode": "squash"}
    }"#;
    const TOKENIZER: &[u8] = br#"{
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
        "post_processor": {
            "type": "RobertaProcessing", "sep": ["e", 7], "cls": ["s", 6],
            "trim_offsets": false, "add_prefix_space": false
        },
        "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "b": 1, "s": 6, "e": 7}}
    }"#;

    #[test]
    fn an_embedded_checkpoint_of_open_clip_is_the_one_in_a_folder() {
        let config = Config::parse_open_clip(Path::new("config"), CONFIG).unwrap();
        let weights = made::weights(&config);
        let embedded = EmbeddedCheckpoint {
            name: "test",
            layout: pixelplay_models::Layout::OpenClip,
            config_json: CONFIG,
            tokenizer_json: TOKENIZER,
            model_safetensors: weights,
        };
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in embedded.files() {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let options = crate::EncoderOptions::default();
        let embedded = Encoder::assemble(Parts::embedded(&embedded).unwrap(), options).unwrap();
        let folder = Encoder::open(dir.path()).unwrap();
        assert_eq!(embedded.fingerprint(), folder.fingerprint());
        let texts = [&embedded, &folder].map(|encoder| encoder.encode_text("a b").unwrap());
        assert_eq!(texts[0].as_slice(), texts[1].as_slice());
        let pixels = vec![0.5; 3 * 32 * 32];
        let images = [&embedded, &folder].map(|encoder| encoder.encode_pixels(&pixels).unwrap());
        assert_eq!(images[0][0].as_slice(), images[1][0].as_slice());
    }

    /// Returns the weights of a configuration twice: with tensors of two or more axes stored in
    /// eight bits, and with the same numbers as floats.
    #[allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
    fn in_eight_bits_and_as_floats(config: &Config) -> [Vec<u8>; 2] {
        use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

        let whole = SafeTensors::deserialize(made::weights(config)).unwrap();
        let (mut packed, mut floats) = (Vec::new(), Vec::new());
        for (name, tensor) in whole.tensors() {
            let shape = tensor.shape().to_vec();
            if shape.len() < 2 {
                for list in [&mut packed, &mut floats] {
                    list.push((name.clone(), Dtype::F16, shape.clone(), tensor.data().to_vec()));
                }
                continue;
            }
            let bytes: Vec<i8> = (0..shape.iter().product::<usize>())
                .map(|at| ((at * 37 + name.len()) % 255) as i8)
                .collect();
            let scales: Vec<f32> = (0..shape[0]).map(|row| 0.001 + row as f32 * 1e-5).collect();
            let row = bytes.len() / shape[0];
            let values = bytes.iter().enumerate().map(|(at, &v)| f32::from(v) * scales[at / row]);
            let little_endian =
                |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect();
            let expanded = little_endian(&mut values.into_iter());
            floats.push((name.clone(), Dtype::F32, shape.clone(), expanded));
            let scales_of = (format!("{name}.scale"), Dtype::F32, vec![shape[0]]);
            let scales = little_endian(&mut scales.iter().copied());
            packed.push((scales_of.0, scales_of.1, scales_of.2, scales));
            packed.push((
                name,
                Dtype::I8,
                shape,
                bytes.iter().map(|v| v.cast_unsigned()).collect(),
            ));
        }
        [packed, floats].map(|list| {
            let views = list.iter().map(|(name, dtype, shape, bytes)| {
                (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
            });
            serialize(views, None).unwrap()
        })
    }

    #[test]
    fn eight_bits_are_the_floats_they_stand_for() {
        let config = Config::parse_open_clip(Path::new("config"), CONFIG).unwrap();
        let weights = in_eight_bits_and_as_floats(&config);
        assert!(weights[0].len() * 2 < weights[1].len());
        let found = weights.map(|weights| {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(files::OPEN_CLIP_CONFIG), CONFIG).unwrap();
            std::fs::write(dir.path().join(files::TOKENIZER), TOKENIZER).unwrap();
            std::fs::write(dir.path().join(files::OPEN_CLIP_WEIGHTS), weights).unwrap();
            let encoder = Encoder::open(dir.path()).unwrap();
            let image = encoder.encode_pixels(&vec![0.5; 3 * 32 * 32]).unwrap();
            let text = encoder.encode_text("a b").unwrap();
            (encoder.fingerprint().clone(), image[0].as_slice().to_vec(), text.as_slice().to_vec())
        });
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn scales_that_do_not_fit_are_refused_by_name() {
        use safetensors::tensor::{Dtype, TensorView, serialize};

        let scales = [0; 12];
        let views = [
            ("matrix", TensorView::new(Dtype::I8, vec![2, 2], &[1; 4]).unwrap()),
            ("matrix.scale", TensorView::new(Dtype::F32, vec![3], &scales).unwrap()),
        ];
        let dir = tempfile::tempdir().unwrap();
        let weights = serialize(views, None).unwrap();
        std::fs::write(dir.path().join(files::OPEN_CLIP_WEIGHTS), weights).unwrap();
        let Err(refused) = Weights::open(dir.path(), &files::OPEN_CLIP) else {
            panic!("three scales for two rows")
        };
        assert!(refused.to_string().contains("matrix.scale"), "{refused}");
    }
}
