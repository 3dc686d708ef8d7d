//! Compares the packed convolutional vision towers with the reference on candle, and checks what
//! must not change a vector.

use std::num::NonZeroUsize;

use pixelplay_core::encoder::{Device, Precision};
use pixelplay_core::{Embedding, EncodeError, Encoder, EncoderOptions};

use crate::checkpoints::uniform;
use crate::open_clip_checkpoints::OpenClip;

/// Image sizes that halve evenly, that do not, that end at one pixel, and that start at one pixel.
fn checkpoints() -> Vec<(&'static str, OpenClip, usize)> {
    [
        ("tf_efficientnet_lite0", 96, "mlp"),
        ("tf_efficientnet_lite0", 75, "linear"),
        ("tf_efficientnet_lite2", 52, "mlp"),
        ("tf_efficientnet_lite4", 32, "linear"),
        ("tf_efficientnet_lite0", 7, "mlp"),
        ("tf_efficientnet_lite0", 1, "linear"),
    ]
    .into_iter()
    .map(|(name, side, projection)| (name, OpenClip::lite(name, side, projection), side))
    .collect()
}

fn pixels(count: usize, side: usize) -> Vec<f32> {
    uniform("efficientnet", count * 3 * side * side).into_iter().map(|u| u * 2.0).collect()
}

fn bits(embeddings: &[Embedding]) -> Vec<Vec<u32>> {
    let bits = |e: &Embedding| e.as_slice().iter().map(|v| v.to_bits()).collect();
    embeddings.iter().map(bits).collect()
}

fn open_with(checkpoint: &OpenClip, options: EncoderOptions) -> Encoder {
    Encoder::open_with(checkpoint.write().path(), options).unwrap()
}

#[test]
fn packed_towers_equal_the_reference() {
    for (name, checkpoint, side) in checkpoints() {
        let reference = open_with(
            &checkpoint,
            EncoderOptions { device: Device::CpuReference, ..EncoderOptions::default() },
        );
        let packed = checkpoint.open();
        assert_eq!(packed.fingerprint(), reference.fingerprint());
        let pixels = pixels(3, side);
        let [found, expected] = [&packed, &reference].map(|e| e.encode_pixels(&pixels).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            let cosine = found.dot(expected).unwrap();
            assert!(cosine >= 0.999_999, "{name}, {side}: {cosine}");
            for (a, b) in found.as_slice().iter().zip(expected.as_slice()) {
                assert!((a - b).abs() < 5e-5, "{name}, {side}: {a}, expected {b}");
            }
        }
        // The pictures differ, so constant vectors could not pass; tiny pictures hardly differ.
        let cosine = found[0].dot(&found[1]).unwrap();
        assert!(side < 32 || cosine < 0.999, "{name}, {side}: {cosine}");
    }
}

#[test]
fn vectors_are_the_same_bits_in_any_batch_and_with_any_number_of_threads() {
    for (name, checkpoint, side) in checkpoints() {
        let encoder = checkpoint.open();
        let pixels = pixels(9, side);
        let images = bits(&encoder.encode_pixels(&pixels).unwrap());
        for threads in [1, 2, 3, 5] {
            let encoder = encoder.with_threads(NonZeroUsize::new(threads)).unwrap();
            assert_eq!(bits(&encoder.encode_pixels(&pixels).unwrap()), images, "{name}");
            for (pixels, image) in pixels.chunks_exact(3 * side * side).zip(&images) {
                assert_eq!(&bits(&encoder.encode_pixels(pixels).unwrap())[0], image, "{name}");
            }
            let two = &pixels[..2 * 3 * side * side];
            assert_eq!(bits(&encoder.encode_pixels(two).unwrap()), images[..2], "{name}");
        }
    }
}

#[test]
fn int8_is_for_the_text_tower_alone() {
    let checkpoint = OpenClip::small();
    let options = EncoderOptions { precision: Precision::Int8, ..EncoderOptions::default() };
    let (int8, f32) = (open_with(&checkpoint, options), checkpoint.open());
    let pixels = pixels(2, 32);
    let images = [&int8, &f32].map(|e| bits(&e.encode_pixels(&pixels).unwrap()));
    assert_eq!(images[0], images[1]);
    let texts = [&int8, &f32].map(|e| e.encode_text("w1 w2 w3").unwrap());
    assert_ne!(bits(&texts[..1]), bits(&texts[1..]), "int8 was not used");
    assert!(texts[0].dot(&texts[1]).unwrap() > 0.999);
}

#[test]
fn a_broken_tower_is_found_out_at_first_use() {
    for (tensor, value) in [
        ("visual.trunk.conv_stem.weight", f32::NAN),
        ("visual.trunk.blocks.3.1.bn2.running_var", -5.0),
        ("visual.trunk.bn2.running_mean", f32::NAN),
        ("visual.head.proj.weight", f32::NAN),
    ] {
        let mut broken = OpenClip::small();
        broken.tensor(tensor)[7] = value;
        let error = broken.open().encode_pixels(&pixels(1, 32)).unwrap_err();
        let EncodeError::BrokenCheckpoint { tower, .. } = error else { panic!("{error}") };
        assert_eq!(tower, "vision", "{tensor}");
    }
    // This tower gives all pictures the same vector.
    let mut blind = OpenClip::small();
    blind.tensor("visual.trunk.conv_stem.weight").fill(0.0);
    let error = blind.open().encode_pixels(&pixels(1, 32)).unwrap_err();
    assert!(error.to_string().contains("collapsed"), "{error}");
    blind.open().encode_text("w1").unwrap();
}
