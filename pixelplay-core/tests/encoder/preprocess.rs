//! Compares pre-processing with Pillow.

use pixelplay_core::{Encoder, Image};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::checkpoints::{Checkpoint, picture};
use crate::pillow::{self, Pixels};
use crate::{fixture, shared};

/// An encoder for `side` x `side` pixels whose pre-processing follows `settings` and leaves values
/// between 0 and 255.
fn encoder(side: usize, mut settings: Value) -> Encoder {
    let mut config = Checkpoint::small().config;
    config["vision_config"]["image_size"] = side.into();
    let mut checkpoint = Checkpoint::new("small", &config, safetensors::Dtype::F32);
    settings["do_rescale"] = false.into();
    settings["do_normalize"] = false.into();
    checkpoint.preprocessor = settings;
    checkpoint.open()
}

/// Returns the input of the vision tower as 8-bit RGB.
fn preprocess(encoder: &Encoder, picture: &Image) -> Vec<u8> {
    let planes = encoder.preprocess(picture);
    let plane = planes.len() / 3;
    (0..planes.len())
        .map(|at| {
            let value = planes[at % 3 * plane + at / 3];
            assert_eq!(value, value.trunc());
            value as u8
        })
        .collect()
}

/// Returns the greatest and the mean difference, in levels.
fn differences(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let each = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (each().max().unwrap_or(0), each().map(f64::from).sum::<f64>() / a.len() as f64)
}

#[derive(Deserialize)]
struct Resize {
    width: u32,
    height: u32,
    pattern: String,
    settings: Value,
}

/// Returns each case with its picture and the pixels that Pillow returns for it.
fn resizes() -> Vec<(Resize, Image, Vec<u8>)> {
    let json = std::fs::read(fixture("resizes.json")).unwrap();
    let cases: Vec<Resize> = serde_json::from_slice(&json).unwrap();
    let sheet = Image::open(fixture("resizes.png")).unwrap();
    let answers = sheet.as_rgb8().chunks_exact(48 * 48 * 3);
    assert_eq!(answers.len(), cases.len());
    cases
        .into_iter()
        .enumerate()
        .zip(answers)
        .map(|((at, case), answer)| {
            let name = format!("resize/{at}");
            let picture = picture(&name, case.width, case.height, &case.pattern);
            (case, picture, answer.to_vec())
        })
        .collect()
}

#[test]
fn the_reference_in_these_tests_is_pillow_bit_for_bit() {
    for (case, picture, answer) in resizes() {
        let settings = &case.settings;
        let (width, height) = (case.width as usize, case.height as usize);
        let size = &settings["size"];
        let edge = size.as_u64().or(size["shortest_edge"].as_u64());
        let (width, height) = match edge.map(|edge| edge as usize) {
            _ if settings["do_resize"] == false => (width, height),
            None => (48, 48),
            Some(edge) if width <= height => (edge, edge * height / width),
            Some(edge) => (edge * width / height, edge),
        };
        let resample = settings["resample"].as_u64().unwrap_or(3);
        let resized = pillow::resize(&Pixels::from(&picture), width, height, resample);
        let cropped = pillow::center_crop(&resized, 48);
        assert!(
            cropped.rgb == answer,
            "{}x{} {} {settings}: {:?}",
            case.width,
            case.height,
            case.pattern,
            differences(&cropped.rgb, &answer)
        );
    }
}

#[test]
fn synthetic_pictures_come_out_as_from_pillow() {
    for (case, picture, answer) in resizes() {
        let encoder = encoder(48, case.settings.clone());
        let (max, mean) = differences(&preprocess(&encoder, &picture), &answer);
        let Resize { width, height, pattern, settings } = case;
        assert_eq!(max, 0, "{width}x{height} {pattern} {settings}: mean {mean}");
    }
}

#[test]
fn real_photos_come_out_as_from_pillow() {
    let Some(photos) = shared("photos") else {
        return;
    };
    let encoder = encoder(224, json!({}));
    let (mut worst, mut sum, mut count) = (0, 0.0, 0);
    for folder in ["oasis", "skimage"] {
        for entry in std::fs::read_dir(photos.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "jpg" && e != "png") {
                continue;
            }
            let picture = Image::open(&path).unwrap();
            let (width, height) = (picture.width() as usize, picture.height() as usize);
            let (width, height) = if width <= height {
                (224, 224 * height / width)
            } else {
                (224 * width / height, 224)
            };
            let reference = pillow::resize(&Pixels::from(&picture), width, height, 3);
            let reference = pillow::center_crop(&reference, 224);
            let (max, mean) = differences(&preprocess(&encoder, &picture), &reference.rgb);
            assert_eq!(max, 0, "{}", path.display());
            (worst, sum, count) = (worst.max(max), sum + mean, count + 1);
        }
    }
    assert!(count >= 182, "only {count} photos");
    eprintln!("{count} photos: greatest {worst}, mean {:.5} levels", sum / f64::from(count));
}

/// Written by `../parity/pillow_reference.py` for `cargo xtask test`.
#[derive(Deserialize)]
struct Photo {
    path: String,
    width: u32,
    height: u32,
    decoded: String,
    cropped: String,
}

#[test]
fn real_photos_come_out_as_from_the_pillow_of_this_machine() {
    let Some(dir) = std::env::var_os("PIXELPLAY_PILLOW_REFERENCE") else {
        eprintln!("skipped: PIXELPLAY_PILLOW_REFERENCE is not set (cargo xtask test sets it)");
        return;
    };
    let dir = std::path::PathBuf::from(dir);
    let json = std::fs::read(dir.join("photos.json")).unwrap();
    let photos: Vec<Photo> = serde_json::from_slice(&json).unwrap();
    assert!(!photos.is_empty());
    let encoder = encoder(224, json!({}));
    let (mut worst, mut worst_file_mean) = (0, 0.0_f64);
    for photo in &photos {
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        let reference = read(&photo.cropped);
        // Start from the same decoded pixels.
        let decoded = Image::from_rgb8(photo.width, photo.height, read(&photo.decoded)).unwrap();
        let (max, _) = differences(&preprocess(&encoder, &decoded), &reference);
        assert!(max <= 1, "{}: {max} levels", photo.path);
        // Start from the file, with our own decoders.
        let ours = Image::open(&photo.path).unwrap();
        assert_eq!((ours.width(), ours.height()), (photo.width, photo.height));
        let (_, mean) = differences(&preprocess(&encoder, &ours), &reference);
        assert!(mean <= 1.0, "{}: {mean} levels on average", photo.path);
        (worst, worst_file_mean) = (worst.max(max), worst_file_mean.max(mean));
    }
    eprintln!(
        "{} photos: same pixels within {worst} level, from the file within {worst_file_mean:.3} on average",
        photos.len()
    );
}

#[test]
fn levels_are_rescaled_and_normalised_as_the_settings_say() {
    let mut checkpoint = Checkpoint::small();
    let (mean, std) = ([0.5, 0.25, 0.125], [0.5, 2.0, 0.25]);
    checkpoint.preprocessor["image_mean"] = json!(mean);
    checkpoint.preprocessor["image_std"] = json!(std);
    checkpoint.preprocessor["rescale_factor"] = json!(0.5);
    let white = Image::from_rgb8(48, 48, [200, 100, 51].repeat(48 * 48)).unwrap();
    let planes = checkpoint.open().preprocess(&white);
    for (channel, level) in [200.0, 100.0, 51.0].into_iter().enumerate() {
        let expected = (level * 0.5 - mean[channel]) / std[channel];
        for &value in &planes[channel * 48 * 48..][..48 * 48] {
            assert_eq!(f64::from(value), expected);
        }
    }
    // The defaults are OpenAI's: a factor of 1/255, and the mean and standard deviation of their
    // pictures.
    let black = Image::from_rgb8(1, 1, vec![0; 3]).unwrap();
    let planes = Checkpoint::small().open().preprocess(&black);
    assert!((planes[0] - -0.481_454_7 / 0.268_629_5).abs() < 1e-6);
    assert!((planes[48 * 48 * 3 - 1] - -0.408_210_7 / 0.275_777_1).abs() < 1e-6);
}

#[test]
fn old_and_new_ways_to_write_the_settings_mean_the_same() {
    let photo = picture("settings", 60, 90, "noise");
    let mut expected = None;
    for settings in [
        json!({"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}}),
        json!({"size": 48, "crop_size": 48, "feature_extractor_type": "CLIPFeatureExtractor"}),
        json!({
            "size": {"shortest_edge": 48, "longest_edge": null, "height": null, "width": null},
            "crop_size": {"height": 48, "width": 48, "shortest_edge": null},
            "image_processor_type": "CLIPImageProcessorFast", "do_pad": null, "resample": 3,
        }),
    ] {
        let mut checkpoint = Checkpoint::small();
        checkpoint.preprocessor = settings;
        let found = checkpoint.open().preprocess(&photo);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found);
    }
    // transformers 5 saves the whole processor in one file.
    let checkpoint = Checkpoint::small();
    let dir = checkpoint.write();
    std::fs::remove_file(dir.path().join("preprocessor_config.json")).unwrap();
    let joint =
        json!({"processor_class": "CLIPProcessor", "image_processor": checkpoint.preprocessor});
    std::fs::write(dir.path().join("processor_config.json"), joint.to_string()).unwrap();
    let found = Encoder::open(dir.path()).unwrap().preprocess(&photo);

    assert_eq!(expected, Some(found));
}
