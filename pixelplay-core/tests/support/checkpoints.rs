//! Checkpoints written from a formula.

use std::path::Path;

use half::{bf16, f16};
use pixelplay_core::{Encoder, Image};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// `count` numbers in [-1, 1); the counterpart of `uniform` in `../parity/formula.py`.
pub(crate) fn uniform(name: &str, count: usize) -> Vec<f32> {
    let seed = name
        .bytes()
        .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..count as u32)
        .map(|i| {
            let mut x = i.wrapping_mul(0x9E37_79B1).wrapping_add(seed);
            x ^= x >> 16;
            x = x.wrapping_mul(0x7FEB_352D);
            x ^= x >> 15;
            x = x.wrapping_mul(0x846C_A68B);
            x ^= x >> 16;
            (x >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// `count` bytes; the counterpart of `level`.
pub(crate) fn level(name: &str, count: usize) -> Vec<u8> {
    uniform(name, count).into_iter().map(|u| ((u + 1.0) * 128.0).floor() as u8).collect()
}

/// The counterpart of `weight`.
fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let (scale, offset) = if name.ends_with("bias") {
        (0.2, 0.0)
    } else if name.contains("norm") {
        (0.2, 1.0)
    } else if name.contains("embedding") && !name.contains("patch") {
        (1.0, 0.0)
    } else {
        (2.0 / (shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0)
    };
    uniform(name, shape.iter().product()).into_iter().map(|u| u * scale as f32 + offset).collect()
}

/// A picture; the counterpart of `picture` in `../parity/make_fixtures.py`.
pub(crate) fn picture(name: &str, width: u32, height: u32, pattern: &str) -> Image {
    let noise = level(name, (width * height * 3) as usize);
    let mut rgb = Vec::with_capacity(noise.len());
    for y in 0..height {
        for x in 0..width {
            for (channel, (a, b)) in [(11, 4), (2, 17), (7, 9)].into_iter().enumerate() {
                let noise = noise[rgb.len()];
                debug_assert_eq!(rgb.len() % 3, channel);
                rgb.push(match pattern {
                    "noise" => noise,
                    "checks" => ((x / 3 + y / 2) % 2 * 255) as u8,
                    _ => {
                        let wave = ((x * a + y * b) % 480).abs_diff(240);
                        (wave + u32::from(noise % 16)) as u8
                    }
                });
            }
        }
    }
    Image::from_rgb8(width, height, rgb).unwrap()
}

/// The contents of a checkpoint directory; tests change them before [`Checkpoint::write`].
#[derive(Clone)]
pub(crate) struct Checkpoint {
    pub(crate) config: Value,
    pub(crate) preprocessor: Value,
    pub(crate) tokenizer: Value,
    pub(crate) tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    pub(crate) dtype: Dtype,
}

impl Checkpoint {
    /// Creates the checkpoint that `config` describes, with weights derived from `seed`.
    pub(crate) fn new(seed: &str, config: &Value, dtype: Dtype) -> Self {
        let pick = |tower: &str| {
            let old = &config[format!("{tower}_config_dict")];
            let new = &config[format!("{tower}_config")];
            if old.is_null() { new } else { old }.clone()
        };
        let (text, vision) = (pick("text"), pick("vision"));
        let side = vision["image_size"].as_u64().unwrap();
        let tensors = tensors(&text, &vision, size(config, "projection_dim"))
            .into_iter()
            .map(|(name, shape)| {
                let values = weight(&format!("{seed}/{name}"), &shape);
                (name, shape, values)
            })
            .collect();
        Self {
            config: config.clone(),
            preprocessor: json!({
                "image_processor_type": "CLIPImageProcessor",
                "size": {"shortest_edge": side},
                "crop_size": {"height": side, "width": side},
            }),
            tokenizer: words(size(&text, "vocab_size")),
            tensors,
            dtype,
        }
    }

    /// A small checkpoint, for tests that do not depend on its shape.
    pub(crate) fn small() -> Self {
        let tower = json!({
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4,
        });
        let mut text = tower.clone();
        text["vocab_size"] = 64.into();
        text["max_position_embeddings"] = 16.into();
        text["eos_token_id"] = 63.into();
        let mut vision = tower;
        vision["image_size"] = 48.into();
        vision["patch_size"] = 16.into();
        let config = json!({
            "model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": 24,
            "text_config": text, "vision_config": vision,
        });
        Self::new("small", &config, Dtype::F32)
    }

    pub(crate) fn weights(&self) -> Vec<u8> {
        safetensors_of(&self.tensors, self.dtype)
    }

    pub(crate) fn write(&self) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        self.write_to(dir.path());
        dir
    }

    pub(crate) fn write_to(&self, dir: &Path) {
        for (file, json) in [
            ("config.json", &self.config),
            ("preprocessor_config.json", &self.preprocessor),
            ("tokenizer.json", &self.tokenizer),
        ] {
            std::fs::write(dir.join(file), json.to_string()).unwrap();
        }
        std::fs::write(dir.join("model.safetensors"), self.weights()).unwrap();
    }

    pub(crate) fn open(&self) -> Encoder {
        Encoder::open(self.write().path()).unwrap()
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut Vec<f32> {
        let found = self.tensors.iter_mut().find(|(n, _, _)| n == name);
        &mut found.unwrap_or_else(|| panic!("no tensor {name}")).2
    }
}

/// Writes tensors as a safetensors file.
pub(crate) fn safetensors_of(tensors: &[(String, Vec<usize>, Vec<f32>)], dtype: Dtype) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, _, values)| encode(values, dtype)).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(dtype, tensor.1.clone(), bytes).unwrap();
        (tensor.0.as_str(), view)
    });
    serialize(views, None).unwrap()
}

fn encode(values: &[f32], dtype: Dtype) -> Vec<u8> {
    let each = |to_bytes: fn(f32) -> Vec<u8>| values.iter().flat_map(|&v| to_bytes(v)).collect();
    match dtype {
        Dtype::F32 => each(|v| v.to_le_bytes().to_vec()),
        Dtype::F16 => each(|v| f16::from_f32(v).to_le_bytes().to_vec()),
        Dtype::BF16 => each(|v| bf16::from_f32(v).to_le_bytes().to_vec()),
        other => panic!("{other:?}"),
    }
}

fn size(config: &Value, key: &str) -> usize {
    config[key].as_u64().unwrap() as usize
}

/// The tensors of a `CLIPModel`, as transformers names them.
fn tensors(text: &Value, vision: &Value, dim: usize) -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    for (tower, config) in [("text", text), ("vision", vision)] {
        let (width, mlp) = (size(config, "hidden_size"), size(config, "intermediate_size"));
        let mut add = |name: String, shape: &[usize]| all.push((name, shape.to_vec()));
        let pair = |at: String, outputs: usize, inputs: &[usize]| {
            let weight: Vec<usize> = [&[outputs], inputs].concat();
            [(format!("{at}.weight"), weight), (format!("{at}.bias"), vec![outputs])]
        };
        let at = format!("{tower}_model");
        let positions = if tower == "text" {
            let tokens = size(config, "vocab_size");
            add(format!("{at}.embeddings.token_embedding.weight"), &[tokens, width]);
            size(config, "max_position_embeddings")
        } else {
            let patch = size(config, "patch_size");
            add(format!("{at}.embeddings.class_embedding"), &[width]);
            add(format!("{at}.embeddings.patch_embedding.weight"), &[width, 3, patch, patch]);
            (size(config, "image_size") / patch).pow(2) + 1
        };
        add(format!("{at}.embeddings.position_embedding.weight"), &[positions, width]);
        let norms: &[&str] = match tower {
            "text" => &["final_layer_norm"],
            _ => &["pre_layrnorm", "post_layernorm"],
        };
        let projection = if tower == "text" { "text" } else { "visual" };
        add(format!("{projection}_projection.weight"), &[dim, width]);
        for norm in norms {
            all.extend(pair(format!("{at}.{norm}"), width, &[]));
        }
        for layer in 0..size(config, "num_hidden_layers") {
            let at = format!("{at}.encoder.layers.{layer}");
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                all.extend(pair(format!("{at}.self_attn.{part}"), width, &[width]));
            }
            all.extend(pair(format!("{at}.mlp.fc1"), mlp, &[width]));
            all.extend(pair(format!("{at}.mlp.fc2"), width, &[mlp]));
            all.extend(pair(format!("{at}.layer_norm1"), width, &[]));
            all.extend(pair(format!("{at}.layer_norm2"), width, &[]));
        }
    }
    all
}

/// A tokenizer whose words are `w0`, `w1`, ...; the last two ids are the start and the end token.
pub(crate) fn words(vocab_size: usize) -> Value {
    let (start, end) = (vocab_size - 2, vocab_size - 1);
    let mut vocab: serde_json::Map<String, Value> =
        (0..start).map(|id| (format!("w{id}"), Value::from(id))).collect();
    vocab.insert("<start>".to_owned(), start.into());
    vocab.insert("<end>".to_owned(), end.into());
    let added = |id: usize, content: &str| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    };
    json!({
        "version": "1.0",
        // Settings that must be ignored: they would cut off the end token and pad.
        "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {
            "strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "w0",
        },
        "added_tokens": [added(start, "<start>"), added(end, "<end>")],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "RobertaProcessing", "sep": ["<end>", end], "cls": ["<start>", start],
            "trim_offsets": false, "add_prefix_space": false,
        },
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "w0"},
    })
}
