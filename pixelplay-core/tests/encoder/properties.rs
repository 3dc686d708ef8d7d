//! Properties that hold for any checkpoint and any input.

use std::ops::ControlFlow;
use std::path::Path;

use pixelplay_core::embedding::norm;
use pixelplay_core::progress::Update;
use pixelplay_core::{Embedding, EncodeError, EncodeOptions, Encoder, Image, ImageSource};
use proptest::prelude::*;

use crate::checkpoints::{Checkpoint, picture};
use crate::picture_file;

/// Only the order of summation depends on the shape of a batch.
const BATCH_TOLERANCE: f32 = 1e-5;

fn assert_near(a: &Embedding, b: &Embedding) {
    for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((a - b).abs() <= BATCH_TOLERANCE, "{a} and {b}");
    }
}

fn assert_unit(embedding: &Embedding, encoder: &Encoder) {
    assert_eq!(embedding.dim(), encoder.dim());
    assert_eq!(embedding.fingerprint(), Some(encoder.fingerprint()));
    assert!((norm(embedding.as_slice()).unwrap() - 1.0).abs() < 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_text_has_the_same_vector_alone_and_in_any_batch(
        texts in prop::collection::vec(prop::collection::vec(0..80_u32, 0..20), 1..12),
        batch_size in 0..9_usize,
    ) {
        thread_local!(static ENCODER: Encoder = Checkpoint::small().open());
        ENCODER.with(|encoder| {
            let texts: Vec<String> = texts
                .iter()
                .map(|ids| ids.iter().map(|id| format!("w{id} ")).collect())
                .collect();
            let options = EncodeOptions { batch_size };
            let together = encoder.encode_texts(&texts, options, &mut ()).unwrap();
            assert_eq!(together.len(), texts.len());
            for (text, embedding) in texts.iter().zip(&together) {
                assert_unit(embedding, encoder);
                assert_near(embedding, &encoder.encode_text(text).unwrap());
            }
        });
    }

    #[test]
    fn an_image_has_the_same_vector_alone_and_in_any_batch(
        sizes in prop::collection::vec((1..90_u32, 1..90_u32), 1..6),
        batch_size in 1..4_usize,
    ) {
        thread_local!(static ENCODER: Encoder = Checkpoint::small().open());
        ENCODER.with(|encoder| {
            let pictures: Vec<Image> = sizes
                .iter()
                .map(|&(width, height)| picture("batch", width, height, "noise"))
                .collect();
            let sources: Vec<ImageSource<'_>> = pictures.iter().map(Into::into).collect();
            let options = EncodeOptions { batch_size };
            let together = encoder.encode_images(&sources, options, &mut ()).unwrap();
            assert_eq!(together.len(), pictures.len());
            for (picture, embedding) in pictures.iter().zip(&together) {
                assert_unit(embedding, encoder);
                assert_near(embedding, &encoder.encode_image(picture).unwrap());
            }
        });
    }
}

#[test]
fn texts_of_the_same_tokens_have_identical_vectors() {
    let encoder = Checkpoint::small().open();
    let texts = ["w1 w2", "w3", "W1  w2", "", "w1 w2", "w9 w9 w9 w9"];
    let options = EncodeOptions { batch_size: 2 };
    let found = encoder.encode_texts(&texts, options, &mut ()).unwrap();
    assert_eq!(found[0], found[2]);
    assert_eq!(found[0], found[4]);
    assert_ne!(found[0], found[1]);
    assert_ne!(found[3], found[5]);
}

#[test]
fn what_follows_the_end_token_does_not_matter() {
    let encoder = Checkpoint::small().open();
    let texts = [
        vec![62, 4, 9, 63],
        vec![62, 4, 9, 63, 63, 63],
        vec![62, 4, 9, 63, 0, 0, 0, 0],
        [vec![62, 4, 9, 63], vec![17; 100]].concat(),
    ];
    let found = encoder.encode_token_ids(&texts).unwrap();
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    assert_near(&found[0], &encoder.encode_text("w4 w9").unwrap());
}

#[test]
fn an_image_is_the_same_from_a_path_from_bytes_and_from_pixels() {
    let encoder = Checkpoint::small().open();
    let path = picture_file("orientation-6.jpg");
    let bytes = std::fs::read(&path).unwrap();
    let picture = Image::decode(&bytes).unwrap();
    let expected = encoder.encode_image(&picture).unwrap();
    assert_eq!(expected, encoder.encode_image(&path).unwrap());
    assert_eq!(expected, encoder.encode_image(path.as_path()).unwrap());
    assert_eq!(expected, encoder.encode_image(path.to_str().unwrap()).unwrap());
    assert_eq!(expected, encoder.encode_image(&bytes).unwrap());
    assert_eq!(expected, encoder.encode_image(bytes.as_slice()).unwrap());
    let pixels = encoder.preprocess(&picture);
    assert_eq!([expected], *encoder.encode_pixels(&pixels).unwrap());
}

#[test]
fn every_orientation_has_the_vector_of_the_upright_picture() {
    let encoder = Checkpoint::small().open();
    let upright = encoder.encode_image(&picture_file("orientation-6.png")).unwrap();
    let stored = encoder.encode_image(&picture_file("orientation-1.png")).unwrap();
    assert!(upright.dot(&stored).unwrap() < 0.99);
    let turned = Image::open(picture_file("orientation-6.png")).unwrap();
    let turned = Image::from_rgb8(turned.width(), turned.height(), turned.as_rgb8().to_vec());
    assert_eq!(encoder.encode_image(&turned.unwrap()).unwrap(), upright);
    let webp = encoder.encode_image(&picture_file("orientation-6.webp")).unwrap();
    assert_eq!(webp, upright);
}

#[test]
fn the_same_content_has_the_same_fingerprint_and_other_content_another() {
    let base = Checkpoint::small();
    let expected = base.open().fingerprint().clone();
    assert!(expected.as_str().starts_with("clip:"));
    assert_eq!(&expected, base.open().fingerprint());

    // The order of tensors, the layout of the JSON and unused settings do not matter.
    let mut same = base.clone();
    same.tensors.reverse();
    same.config["text_config"]["attention_dropout"] = 0.5.into();
    same.preprocessor["resample"] = 3.into();
    same.tokenizer["truncation"] = serde_json::Value::Null;
    assert_eq!(&expected, same.open().fingerprint());

    let changes: [fn(&mut Checkpoint); 5] = [
        |c| c.tensor("visual_projection.weight")[3] += 1e-3,
        |c| c.config["vision_config"]["hidden_act"] = "gelu".into(),
        |c| c.preprocessor["resample"] = 2.into(),
        |c| c.tokenizer["normalizer"] = serde_json::Value::Null,
        |c| c.dtype = safetensors::Dtype::BF16,
    ];
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        assert_ne!(&expected, other.open().fingerprint());
    }
}

#[test]
fn shards_are_one_checkpoint() {
    let checkpoint = Checkpoint::small();
    let whole = checkpoint.open();
    let dir = checkpoint.write();
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    let (mut first, mut second) = (checkpoint.clone(), checkpoint.clone());
    first.tensors.truncate(10);
    second.tensors.drain(..10);
    let mut map = serde_json::Map::new();
    for (shard, part) in [("a.safetensors", &first), ("b.safetensors", &second)] {
        std::fs::write(dir.path().join(shard), part.weights()).unwrap();
        map.extend(part.tensors.iter().map(|(name, _, _)| (name.clone(), shard.into())));
    }
    let index = serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map});
    std::fs::write(dir.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    let sharded = Encoder::open(dir.path()).unwrap();
    assert_eq!(whole.fingerprint(), sharded.fingerprint());
    assert_eq!(whole.encode_text("w1").unwrap(), sharded.encode_text("w1").unwrap());
}

#[test]
fn progress_is_reported_and_stopping_stops() {
    let encoder = Checkpoint::small().open();
    let pictures: Vec<Image> = (1..6).map(|at| picture("p", at, 9, "noise")).collect();
    let sources: Vec<ImageSource<'_>> = pictures.iter().map(Into::into).collect();
    let options = EncodeOptions { batch_size: 2 };
    let mut seen = Vec::new();
    encoder
        .encode_images(&sources, options.clone(), &mut |progress: Update| {
            seen.push((progress.stage, progress.done, progress.total));
            ControlFlow::Continue(())
        })
        .unwrap();
    let at = |done| ("encoding images", done, Some(5));
    assert_eq!(seen, [at(0), at(2), at(4), at(5)]);

    let stopped = encoder.encode_images(&sources, options.clone(), &mut |progress: Update| {
        assert!(progress.done <= 2);
        if progress.done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(EncodeError::Cancelled)));
    let stopped = encoder.encode_texts(&["w1"], options, &mut |_: Update| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(EncodeError::Cancelled)));
}

#[test]
fn nothing_is_an_answer_to_nothing() {
    let encoder = Checkpoint::small().open();
    let options = EncodeOptions::default;
    assert!(encoder.encode_images(&[], options(), &mut ()).unwrap().is_empty());
    let none: [&str; 0] = [];
    assert!(encoder.encode_texts(&none, options(), &mut ()).unwrap().is_empty());
    assert!(encoder.encode_pixels(&[]).unwrap().is_empty());
    assert!(encoder.encode_token_ids(&[]).unwrap().is_empty());
}

#[test]
fn an_encoder_is_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone + 'static>(_: &T) {}
    let encoder = Checkpoint::small().open();
    shareable(&encoder);
    let expected = Checkpoint::small().open().encode_text("w1 w2").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let clone = encoder.clone();
            let expected = &expected;
            scope.spawn(move || assert_eq!(&clone.encode_text("w1 w2").unwrap(), expected));
        }
    });
}

#[test]
fn a_checkpoint_is_named_for_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = dir.path().join("my-clip");
    std::fs::create_dir(&checkpoint).unwrap();
    Checkpoint::small().write_to(&checkpoint);
    assert_eq!(Encoder::open(&checkpoint).unwrap().name(), "my-clip");
    let roundabout = checkpoint.join(Path::new("../my-clip/."));
    assert_eq!(Encoder::open(roundabout).unwrap().name(), "my-clip");
}

#[cfg(feature = "mini")]
#[test]
fn the_embedded_checkpoint_encodes_pictures_and_words() {
    let encoder = Encoder::mini().unwrap();
    assert_eq!(encoder.name(), "pixelplay-mini");
    assert_eq!(encoder.fingerprint(), Encoder::mini().unwrap().fingerprint());
    let texts = ["", "rainy night drive", "a sunny beach", &"so many words ".repeat(99)];
    let texts = encoder.encode_texts(&texts, EncodeOptions::default(), &mut ()).unwrap();
    let images =
        ["rgba.png", "palette.png"].map(|name| encoder.encode_image(&picture_file(name)).unwrap());
    for embedding in texts.iter().chain(&images) {
        assert_unit(embedding, &encoder);
    }
    assert_ne!(texts[1], texts[2]);
    assert_ne!(images[0], images[1]);
}
