//! The sample photographs.

#![allow(clippy::expect_used, reason = "a helper that fails fails its test")]

use pixelplay_data::SAMPLE_IMAGES;

#[test]
fn samples_are_small_pictures_that_can_be_told_apart() {
    let mut names = Vec::new();
    for sample in SAMPLE_IMAGES {
        let image = image::load_from_memory_with_format(sample.jpeg, image::ImageFormat::Jpeg)
            .expect("a JPEG file");
        assert!(image.width().max(image.height()) <= 640, "{}", sample.name);
        assert_eq!(image.color(), image::ColorType::Rgb8, "{}", sample.name);
        assert!(sample.jpeg.len() <= 120 * 1024, "{} has {} bytes", sample.name, sample.jpeg.len());
        names.push(sample.name);
    }
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), SAMPLE_IMAGES.len());
}

#[test]
fn every_sample_is_credited() {
    let readme = include_str!("../README.md");
    for sample in SAMPLE_IMAGES {
        assert!(readme.contains(&format!("| `{}` |", sample.name)), "{}", sample.name);
    }
}
