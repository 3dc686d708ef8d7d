//! Checkpoints in OpenCLIP's layout, generated from a formula.

use std::path::Path;

use pixelplay_core::Encoder;
use safetensors::Dtype;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::checkpoints::{safetensors_of, uniform, words};

/// The contents of an OpenCLIP directory; tests change them before [`OpenClip::write`].
#[derive(Clone)]
pub(crate) struct OpenClip {
    pub(crate) config: Value,
    pub(crate) tokenizer: Value,
    pub(crate) tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    pub(crate) dtype: Dtype,
}

impl OpenClip {
    /// Creates the checkpoint that `model_cfg` describes, with weights derived from `seed`.
    pub(crate) fn new(seed: &str, model_cfg: &Value, dtype: Dtype) -> Self {
        let tensors = tensors(model_cfg)
            .into_iter()
            .map(|(name, shape)| {
                let values = weight(&format!("{seed}/{name}"), &shape);
                (name, shape, values)
            })
            .collect();
        Self {
            config: json!({"model_cfg": model_cfg, "preprocess_cfg": {
                "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
            }}),
            tokenizer: words(size(&model_cfg["text_cfg"], "vocab_size", 49408)),
            tensors,
            dtype,
        }
    }

    /// One of the five vision networks, with a small text tower.
    pub(crate) fn lite(name: &str, image_size: usize, projection: &str) -> Self {
        let model_cfg = json!({
            "embed_dim": 24,
            "vision_cfg": {
                "timm_model_name": name, "timm_pool": "", "timm_proj": projection,
                "image_size": image_size,
            },
            "text_cfg": {
                "context_length": 16, "vocab_size": 64, "width": 32, "heads": 4, "layers": 2,
                "hf_tokenizer_name": "somebody/words",
            },
        });
        Self::new(&format!("{name}/{image_size}"), &model_cfg, Dtype::F32)
    }

    /// A small checkpoint, for tests that do not depend on its shape.
    pub(crate) fn small() -> Self {
        Self::lite("tf_efficientnet_lite0", 32, "linear")
    }

    pub(crate) fn write(&self) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        self.write_to(dir.path());
        dir
    }

    pub(crate) fn write_to(&self, dir: &Path) {
        std::fs::write(dir.join("open_clip_config.json"), self.config.to_string()).unwrap();
        std::fs::write(dir.join("tokenizer.json"), self.tokenizer.to_string()).unwrap();
        let weights = safetensors_of(&self.tensors, self.dtype);
        std::fs::write(dir.join("open_clip_model.safetensors"), weights).unwrap();
    }

    pub(crate) fn open(&self) -> Encoder {
        Encoder::open(self.write().path()).unwrap()
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut Vec<f32> {
        let found = self.tensors.iter_mut().find(|(n, _, _)| n == name);
        &mut found.unwrap_or_else(|| panic!("no tensor {name}")).2
    }
}

/// The counterpart of `open_clip_weight` in `../parity/formula.py`.
fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let (scale, offset) = if name.ends_with("bias") || name.ends_with("running_mean") {
        (0.2, 0.0)
    } else if name.ends_with("running_var") {
        (0.5, 1.0)
    } else if shape.len() == 1 {
        (0.2, 1.0)
    } else if name.ends_with("token_embedding.weight") || name.ends_with("positional_embedding") {
        (1.0, 0.0)
    } else {
        (2.0 / (shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0)
    };
    uniform(name, shape.iter().product()).into_iter().map(|u| u * scale as f32 + offset).collect()
}

fn size(config: &Value, key: &str, default: usize) -> usize {
    config[key].as_u64().map_or(default, |size| size as usize)
}

type Shapes = Vec<(String, Vec<usize>)>;

fn tensors(model: &Value) -> Shapes {
    let dim = size(model, "embed_dim", 0);
    let mut all = text_tensors(&model["text_cfg"], dim);
    if model["custom_text"] == true {
        for (name, _) in &mut all {
            name.insert_str(0, "text.");
        }
    }
    all.extend(vision_tensors(&model["vision_cfg"], dim));
    all
}

fn text_tensors(text: &Value, dim: usize) -> Shapes {
    let width = size(text, "width", 512);
    let mlp = (width as f64 * text["mlp_ratio"].as_f64().unwrap_or(4.0)) as usize;
    let mut all: Shapes = vec![
        ("token_embedding.weight".to_owned(), vec![size(text, "vocab_size", 49408), width]),
        ("positional_embedding".to_owned(), vec![size(text, "context_length", 77), width]),
        ("text_projection".to_owned(), vec![width, dim]),
        ("ln_final.weight".to_owned(), vec![width]),
        ("ln_final.bias".to_owned(), vec![width]),
    ];
    for layer in 0..size(text, "layers", 12) {
        for (part, shape) in [
            ("ln_1.", vec![width]),
            ("ln_2.", vec![width]),
            ("attn.in_proj_", vec![3 * width, width]),
            ("attn.out_proj.", vec![width, width]),
            ("mlp.c_fc.", vec![mlp, width]),
            ("mlp.c_proj.", vec![width, mlp]),
        ] {
            let at = format!("transformer.resblocks.{layer}.{part}");
            all.push((format!("{at}bias"), vec![shape[0]]));
            all.push((format!("{at}weight"), shape));
        }
    }
    all
}

/// A block of a network as timm builds it, from `../parity/make_open_clip.py`: name, input, inner
/// and output channels, kernel, stride, and whether the input is added.
type TimmBlock = (String, usize, usize, usize, usize, usize, bool);

fn vision_tensors(vision: &Value, dim: usize) -> Shapes {
    let json = std::fs::read(crate::fixture("efficientnet_lite.json")).unwrap();
    let lites: Value = serde_json::from_slice(&json).unwrap();
    let lite = &lites[vision["timm_model_name"].as_str().unwrap()];
    let blocks: Vec<TimmBlock> = serde_json::from_value(lite["blocks"].clone()).unwrap();
    let mut all = Shapes::new();
    let mut add = |at: &str, conv: &str, norm: &str, shape: [usize; 4]| {
        all.push((format!("visual.trunk.{at}{conv}.weight"), shape.to_vec()));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            all.push((format!("visual.trunk.{at}{norm}.{part}"), vec![shape[0]]));
        }
    };
    add("", "conv_stem", "bn1", [32, 3, 3, 3]);
    let mut last = 0;
    for (at, inputs, inside, outputs, kernel, _, _) in blocks {
        let at = format!("{at}.");
        if at.starts_with("blocks.0.") {
            add(&at, "conv_dw", "bn1", [inside, 1, kernel, kernel]);
            add(&at, "conv_pw", "bn2", [outputs, inside, 1, 1]);
        } else {
            add(&at, "conv_pw", "bn1", [inside, inputs, 1, 1]);
            add(&at, "conv_dw", "bn2", [inside, 1, kernel, kernel]);
            add(&at, "conv_pwl", "bn3", [outputs, inside, 1, 1]);
        }
        last = outputs;
    }
    add("", "conv_head", "bn2", [1280, last, 1, 1]);
    let mut linear = |at: &str, outputs: usize, inputs: usize, has_bias: bool| {
        all.push((format!("visual.{at}.weight"), vec![outputs, inputs]));
        if has_bias {
            all.push((format!("visual.{at}.bias"), vec![outputs]));
        }
    };
    let bias = vision["timm_proj_bias"] == true;
    match vision["timm_proj"].as_str() {
        Some("") => linear("trunk.classifier", dim, 1280, true),
        Some("mlp") => {
            linear("head.mlp.fc1", 2 * dim, 1280, true);
            linear("head.mlp.fc2", dim, 2 * dim, bias);
        }
        _ => linear("head.proj", dim, 1280, bias),
    }
    all
}
