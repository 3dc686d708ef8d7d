//! Checkpoints, from their files to an embedding.

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

/// In the order in which their lengths and bytes follow each other in an input.
const FILES: [&str; 4] =
    ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"];

thread_local! {
    static FOLDER: LazyCell<tempfile::TempDir> = LazyCell::new(crate::scratch);
}

/// Opens a checkpoint and encodes with it; what comes out is a unit vector.
pub fn read_checkpoint(mut data: &[u8]) {
    FOLDER.with(|folder| {
        for name in FILES {
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

/// The smallest checkpoints of each kind.
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
        let mut seed = Vec::new();
        for file in FILES {
            let bytes = fs::read(folder.path().join(file)).unwrap();
            seed.extend((bytes.len() as u32).to_le_bytes());
            seed.extend(bytes);
        }
        all.push((name.to_owned(), seed));
    }
    all
}
