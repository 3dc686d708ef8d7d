//! The committed sample pictures are what the example `scenes` draws today.

#![allow(clippy::expect_used, reason = "a helper that fails fails its test")]

#[path = "../examples/scenes/canvas.rs"]
mod canvas;
#[path = "../examples/scenes/random.rs"]
mod random;
#[path = "../examples/scenes/scene/mod.rs"]
mod scene;
#[path = "../examples/scenes/shape.rs"]
mod shape;

use image::RgbImage;
use pixelplay_data::SAMPLE_IMAGES;

fn decode(jpeg: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg)
        .expect("a JPEG file")
        .into_rgb8()
}

/// Mean absolute difference of two pictures of one size, in levels of 255.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

fn drawn(scene: &scene::Scene, seed: u64) -> RgbImage {
    decode(&scene.render(seed).to_jpeg().expect("encoding in memory"))
}

// Both sides are decoded: another platform's sine may differ in the last bit, and a JPEG's bytes
// then differ wholly while the picture does not.
#[test]
fn samples_are_the_scenes_of_the_committed_seed() {
    assert_eq!(SAMPLE_IMAGES.len(), scene::SCENES.len());
    for (sample, scene) in SAMPLE_IMAGES.iter().zip(scene::SCENES) {
        assert_eq!((sample.name, sample.caption), (scene.name, scene.caption));
        let committed = decode(sample.jpeg);
        assert_eq!(committed.dimensions(), (640, 480), "{}", sample.name);
        let apart = difference(&committed, &drawn(scene, scene::SAMPLE_SEED));
        assert!(
            apart < 0.1,
            "{} differs by {apart} levels: draw it again with the example `scenes`",
            sample.name
        );
    }
}

#[test]
fn another_seed_draws_another_picture() {
    for (sample, scene) in SAMPLE_IMAGES.iter().zip(scene::SCENES) {
        let apart = difference(&decode(sample.jpeg), &drawn(scene, scene::SAMPLE_SEED + 1));
        assert!(apart > 0.5, "{} ignores its seed: {apart} levels", scene.name);
    }
}

#[test]
fn samples_are_small() {
    for sample in SAMPLE_IMAGES {
        let bytes = sample.jpeg.len();
        assert!(bytes < 150 * 1024, "{} has {bytes} bytes", sample.name);
    }
}
