//! Compares full-size checkpoints with the original libraries; the other half is
//! `../parity/live.py`.

use std::path::Path;

use pixelplay_core::{Encoder, Image};
use serde::Deserialize;

use crate::parity::assert_close;

#[derive(Deserialize)]
struct Reference {
    name: String,
    token_ids: Vec<Vec<u32>>,
    text_embeds: Vec<Vec<f32>>,
    image_embeds: Vec<Vec<f32>>,
    /// The standard deviation by which pre-processing divides each channel.
    image_std: [f32; 3],
    photos: Vec<Photo>,
    tokenized: Vec<Tokenized>,
}

#[derive(Deserialize)]
struct Photo {
    width: u32,
    height: u32,
    /// Decoded RGB bytes.
    rgb: String,
}

#[derive(Deserialize)]
struct Tokenized {
    text: String,
    ids: Vec<u32>,
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let words = bytes.chunks_exact(4);
    words.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn a_full_size_checkpoint_agrees_with_its_library() {
    let Some(dir) = std::env::var_os("PIXELPLAY_LIVE_PARITY") else {
        eprintln!("skipped: PIXELPLAY_LIVE_PARITY is not set (cargo xtask parity sets it)");
        return;
    };
    let dir = Path::new(&dir);
    let json = std::fs::read(dir.join("reference.json")).unwrap();
    let reference: Reference = serde_json::from_slice(&json).unwrap();
    let name = &reference.name;
    let encoder = Encoder::open(dir).unwrap();

    let pixels = floats(&dir.join("pixel_values.f32"));
    let each = pixels.len() / reference.photos.len();
    let mut worst = 0.0_f32;
    for (photo, expected) in reference.photos.iter().zip(pixels.chunks_exact(each)) {
        let rgb = std::fs::read(dir.join(&photo.rgb)).unwrap();
        let picture = Image::from_rgb8(photo.width, photo.height, rgb).unwrap();
        let found = encoder.preprocess(&picture);
        assert_eq!(found.len(), each);
        for (at, (a, b)) in found.iter().zip(expected).enumerate() {
            let level = (a - b).abs() * reference.image_std[at / (each / 3)] * 255.0;
            worst = worst.max(level);
        }
    }
    eprintln!("{name}, pre-processing: {worst:.3} levels");
    assert!(worst <= 1.001, "{worst} levels");

    let images = encoder.encode_pixels(&pixels).unwrap();
    assert_close(&format!("{name}, images"), &images, &reference.image_embeds);
    let texts = encoder.encode_token_ids(&reference.token_ids).unwrap();
    assert_close(&format!("{name}, texts"), &texts, &reference.text_embeds);

    for Tokenized { text, ids } in &reference.tokenized {
        assert_eq!(&encoder.tokenize(text).unwrap(), ids, "{text:?}");
    }
    eprintln!("{name}, tokenizer: {} texts are equal", reference.tokenized.len());
}
