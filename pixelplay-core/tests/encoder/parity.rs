//! Compares the towers with transformers' `CLIPModel` on the same pixels and token ids.

use pixelplay_core::Embedding;
use safetensors::Dtype;
use serde::Deserialize;
use serde_json::Value;

use crate::checkpoints::{Checkpoint, uniform};
use crate::fixture;

/// The maximum difference of two unit vectors in any component.
const MAX_DIFFERENCE: f64 = 1e-4;
const MIN_COSINE: f64 = 0.999_99;

#[derive(Deserialize)]
struct Case {
    name: String,
    dtype: String,
    config: Value,
    token_ids: Vec<Vec<u32>>,
    images: usize,
    text_embeds: Vec<Vec<f32>>,
    image_embeds: Vec<Vec<f32>>,
}

/// Returns the lowest cosine and the greatest difference of all rows.
pub(crate) fn worst(found: &[Embedding], expected: &[Vec<f32>]) -> (f64, f64) {
    assert_eq!(found.len(), expected.len());
    let mut worst = (1.0_f64, 0.0_f64);
    for (found, expected) in found.iter().zip(expected) {
        let reference = Embedding::normalize(expected.clone(), None).unwrap();
        worst.0 = worst.0.min(found.dot(&reference).unwrap());
        for (a, b) in found.as_slice().iter().zip(reference.as_slice()) {
            worst.1 = worst.1.max(f64::from((a - b).abs()));
        }
    }
    worst
}

pub(crate) fn assert_close(what: &str, found: &[Embedding], expected: &[Vec<f32>]) {
    let (cosine, difference) = worst(found, expected);
    eprintln!("{what}: 1 - cosine {:.1e}, difference {difference:.1e}", 1.0 - cosine);
    assert!(
        cosine >= MIN_COSINE && difference <= MAX_DIFFERENCE,
        "{what}: cosine {cosine}, difference {difference}"
    );
}

#[test]
fn both_towers_agree_with_transformers() {
    let json = std::fs::read(fixture("towers.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&json).unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let dtype = match case.dtype.as_str() {
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::BF16,
            other => panic!("{other}"),
        };
        let encoder = Checkpoint::new(&case.name, &case.config, dtype).open();
        let side = case.config["vision_config"]["image_size"].as_u64().unwrap() as usize;
        let pixels: Vec<f32> =
            uniform(&format!("{}/pixels", case.name), case.images * 3 * side * side)
                .into_iter()
                .map(|u| u * 2.0)
                .collect();
        let images = encoder.encode_pixels(&pixels).unwrap();
        assert_close(&format!("{}, images", case.name), &images, &case.image_embeds);
        let texts = encoder.encode_token_ids(&case.token_ids).unwrap();
        assert_close(&format!("{}, texts", case.name), &texts, &case.text_embeds);
        // The inputs differ, so constant vectors could not pass.
        assert!(images[0].dot(&images[1]).unwrap() < 0.999);
        assert!(texts[0].dot(&texts[2]).unwrap() < 0.999);
    }
}
