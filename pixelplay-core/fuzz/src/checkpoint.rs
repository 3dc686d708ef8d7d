//! Fuzzes checkpoints, from their files to an embedding.

use std::cell::LazyCell;
use std::fs;

use pixelplay_core::{Encoder, Image};
use safetensors::Dtype;
use serde_json::json;

use crate::Seeds;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tests' own maker of checkpoints, of which this needs a part"
)]
#[path = "../../tests/support/checkpoints.rs"]
mod checkpoints;

/// The files of a `CLIPModel`, in the order in which an input contains their lengths and bytes.
const FILES: [&str; 4] =
    ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"];
/// The files of OpenCLIP's layout, which is used if the configuration contains `model_cfg`.
const OPEN_CLIP_FILES: [&str; 4] =
    ["open_clip_config.json", "unused.json", "tokenizer.json", "open_clip_model.safetensors"];

thread_local! {
    static FOLDER: LazyCell<tempfile::TempDir> = LazyCell::new(crate::scratch);
}

/// Opens a checkpoint and encodes with it. The results must be unit vectors.
pub fn read_checkpoint(mut data: &[u8]) {
    FOLDER.with(|folder| {
        let is_open_clip = data.windows(9).take(1 << 10).any(|part| part == b"model_cfg");
        let (files, others) = match is_open_clip {
            true => (OPEN_CLIP_FILES, FILES),
            false => (FILES, OPEN_CLIP_FILES),
        };
        for other in others {
            let _ = fs::remove_file(folder.path().join(other));
        }
        for name in files {
            let path = folder.path().join(name);
            if let Some((len, rest)) = data.split_first_chunk() {
                let len = rest.len().min(u32::from_le_bytes(*len) as usize);
                fs::write(path, &rest[..len]).unwrap();
                data = &rest[len..];
            } else {
                let _ = fs::remove_file(path);
            }
        }
        let Ok(encoder) = Encoder::open(folder.path()) else {
            return;
        };
        let picture = Image::from_rgb8(5, 3, (0..45).collect()).unwrap();
        let image = encoder.encode_image(&picture);
        let text = encoder.encode_text("w1 w2 a b\u{301} 123 \u{1f600}");
        for embedding in [image, text].into_iter().flatten() {
            assert_eq!(embedding.dim(), encoder.dim());
            let length: f32 = embedding.as_slice().iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-3);
        }
    });
}

/// Returns the smallest checkpoints of each kind.
pub(crate) fn seeds() -> Seeds {
    let mut all = Seeds::new();
    for (name, activation, dtype) in [
        ("quick_gelu", "quick_gelu", Dtype::F32),
        ("gelu", "gelu", Dtype::F16),
        ("bf16", "quick_gelu", Dtype::BF16),
    ] {
        let tower = json!({
            "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
            "hidden_act": activation,
        });
        let (mut text, mut vision) = (tower.clone(), tower);
        text["vocab_size"] = 8.into();
        text["max_position_embeddings"] = 5.into();
        text["eos_token_id"] = 7.into();
        vision["image_size"] = 4.into();
        vision["patch_size"] = 2.into();
        let config = json!({
            "model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": 3,
            "text_config": text, "vision_config": vision,
        });
        let folder = checkpoints::Checkpoint::new(name, &config, dtype).write();
        let bytes = FILES.map(|file| fs::read(folder.path().join(file)).unwrap());
        // An OpenCLIP configuration with the same tokenizer and weights. The tensors do not match
        // it, because those of its smallest network would take megabytes.
        let open_clip = json!({
            "model_cfg": {
                "embed_dim": 3,
                "vision_cfg": {"timm_model_name": "tf_efficientnet_lite0", "image_size": [9, 9]},
                "text_cfg": {"vocab_size": 8, "context_length": 5, "width": 4, "heads": 2},
            },
            "preprocess_cfg": {"mean": 0.5, "std": [0.5, 0.5, 0.5], "resize_mode": "longest"},
        });
        let mut of_open_clip = bytes.clone();
        of_open_clip[0] = open_clip.to_string().into_bytes();
        all.push((name.to_owned(), joined(&bytes)));
        all.push((format!("open_clip {name}"), joined(&of_open_clip)));
    }
    all
}

/// Joins files in the format of an input.
fn joined(files: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |file: &Vec<u8>| [&(file.len() as u32).to_le_bytes(), &file[..]].concat();
    files.iter().flat_map(with_length).collect()
}
