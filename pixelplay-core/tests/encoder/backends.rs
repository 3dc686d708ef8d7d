//! Compares the packed towers with the reference on candle, at shapes that do not fill a block, and
//! checks what must not change a vector.

use std::num::NonZeroUsize;

use pixelplay_core::encoder::{Device, Precision};
use pixelplay_core::{Embedding, EncodeOptions, Encoder, EncoderOptions};
use safetensors::Dtype;
use serde_json::{Value, json};

use crate::checkpoints::{Checkpoint, uniform};

fn tower(width: usize, heads: usize, mlp: usize, layers: usize, activation: &str) -> Value {
    json!({
        "hidden_size": width, "num_attention_heads": heads, "intermediate_size": mlp,
        "num_hidden_layers": layers, "hidden_act": activation,
    })
}

fn checkpoint(
    name: &str,
    mut text: Value,
    mut vision: Value,
    image: [usize; 2],
    dim: usize,
) -> Checkpoint {
    text["vocab_size"] = 40.into();
    text["max_position_embeddings"] = 90.into();
    text["eos_token_id"] = 39.into();
    vision["image_size"] = image[0].into();
    vision["patch_size"] = image[1].into();
    let config = json!({
        "model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": dim,
        "text_config": text, "vision_config": vision,
    });
    Checkpoint::new(name, &config, Dtype::F32)
}

fn checkpoints() -> Vec<(&'static str, Checkpoint, usize)> {
    let make = |name, text, vision, image: [usize; 2], dim| {
        (name, checkpoint(name, text, vision, image, dim), image[0])
    };
    vec![
        make(
            "heads of 5 and 11",
            tower(20, 4, 7, 3, "gelu"),
            tower(33, 3, 70, 2, "quick_gelu"),
            [30, 5],
            9,
        ),
        make(
            "heads of 16 and 18",
            tower(48, 3, 192, 1, "gelu_new"),
            tower(36, 2, 17, 4, "gelu"),
            [32, 16],
            40,
        ),
        make(
            "heads of 1 and one head",
            tower(6, 6, 1, 2, "quick_gelu"),
            tower(50, 1, 33, 1, "gelu_new"),
            [63, 7],
            3,
        ),
        // More patches than attention processes at once, and more texts than a group has rows.
        make(
            "many patches",
            tower(32, 2, 64, 2, "quick_gelu"),
            tower(32, 4, 64, 2, "quick_gelu"),
            [36, 2],
            16,
        ),
    ]
}

fn pixels(count: usize, side: usize) -> Vec<f32> {
    uniform("backends", count * 3 * side * side)
}

/// Texts of all lengths, in no particular order.
fn texts() -> Vec<Vec<u32>> {
    (0..40_usize)
        .map(|at| {
            let len = at * 37 % 88;
            let words = (0..len).map(|word| ((at * 5 + word * 3) % 38) as u32);
            [38].into_iter().chain(words).chain([39]).collect()
        })
        .collect()
}

fn bits(embeddings: &[Embedding]) -> Vec<Vec<u32>> {
    let bits = |e: &Embedding| e.as_slice().iter().map(|v| v.to_bits()).collect();
    embeddings.iter().map(bits).collect()
}

fn assert_alike(what: &str, found: &[Embedding], expected: &[Embedding]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        for (a, b) in found.as_slice().iter().zip(expected.as_slice()) {
            assert!((a - b).abs() < 2e-5, "{what}: {a}, expected {b}");
        }
    }
}

#[test]
fn packed_towers_equal_the_reference() {
    for (name, checkpoint, side) in checkpoints() {
        let dir = checkpoint.write();
        let open = |device| {
            let options = EncoderOptions { device, ..EncoderOptions::default() };
            Encoder::open_with(dir.path(), options).unwrap()
        };
        let (packed, reference) = (open(Device::Cpu), open(Device::CpuReference));
        assert_eq!(packed.fingerprint(), reference.fingerprint());
        let pixels = pixels(5, side);
        let images = [&packed, &reference].map(|e| e.encode_pixels(&pixels).unwrap());
        assert_alike(name, &images[0], &images[1]);
        let texts = [&packed, &reference].map(|e| e.encode_token_ids(&texts()).unwrap());
        assert_alike(name, &texts[0], &texts[1]);
    }
}

#[test]
fn vectors_are_the_same_bits_in_any_batch_and_with_any_number_of_threads() {
    for (name, checkpoint, side) in checkpoints() {
        let encoder = checkpoint.open();
        let (pixels, texts) = (pixels(7, side), texts());
        let images = bits(&encoder.encode_pixels(&pixels).unwrap());
        let words = bits(&encoder.encode_token_ids(&texts).unwrap());
        for threads in [1, 2, 3, 5] {
            let encoder = encoder.with_threads(NonZeroUsize::new(threads)).unwrap();
            assert_eq!(bits(&encoder.encode_pixels(&pixels).unwrap()), images, "{name}");
            assert_eq!(bits(&encoder.encode_token_ids(&texts).unwrap()), words, "{name}");
            for (pixels, image) in pixels.chunks_exact(3 * side * side).zip(&images) {
                assert_eq!(&bits(&encoder.encode_pixels(pixels).unwrap())[0], image, "{name}");
            }
        }
        for (text, word) in texts.iter().zip(&words) {
            let alone = encoder.encode_token_ids(std::slice::from_ref(text)).unwrap();
            assert_eq!(&bits(&alone)[0], word, "{name}");
        }
    }
}

#[test]
fn equal_texts_and_other_batch_sizes_change_nothing() {
    let encoder = Checkpoint::small().open();
    let texts = ["w1 w2 w3", "", "w1 w2 w3", "w9", "w4 w4 w4 w4 w4 w4", "w9 w8", "w9"];
    let encode = |batch_size| {
        let options = EncodeOptions { batch_size };
        bits(&encoder.encode_texts(&texts, options, &mut ()).unwrap())
    };
    let expected: Vec<Vec<u32>> =
        texts.iter().map(|text| bits(&[encoder.encode_text(text).unwrap()])[0].clone()).collect();
    for batch_size in [0, 1, 2, 3, 32] {
        assert_eq!(encode(batch_size), expected);
    }
}

#[test]
fn the_threads_asked_for_do_the_work_and_share_the_weights() {
    let encoder = Checkpoint::small().open();
    let two = encoder.with_threads(NonZeroUsize::new(2)).unwrap();
    let pixels = pixels(1, 48);
    let image = two.encode_pixels(&pixels).unwrap();
    // Call it from within another pool, and from several threads at once.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| assert_eq!(encoder.encode_pixels(&pixels).unwrap(), image));
    pool.install(|| assert_eq!(two.encode_pixels(&pixels).unwrap(), image));
    std::thread::scope(|scope| {
        for encoder in [&encoder, &two, &encoder, &two] {
            scope.spawn(|| assert_eq!(encoder.encode_pixels(&pixels).unwrap(), image));
        }
    });
}

fn open_int8(checkpoint: &Checkpoint) -> Result<Encoder, pixelplay_core::EncodeError> {
    let options = EncoderOptions { precision: Precision::Int8, ..EncoderOptions::default() };
    Encoder::open_with(checkpoint.write().path(), options)
}

/// The lowest cosine between the 8-bit and `f32` vectors of images and texts.
fn worst_in_int8(checkpoint: &Checkpoint, side: usize) -> f64 {
    let (int8, f32) = (open_int8(checkpoint).unwrap(), checkpoint.open());
    assert_eq!(int8.fingerprint(), f32.fingerprint());
    let encode = |encoder: &Encoder| {
        let mut all = encoder.encode_pixels(&pixels(5, side)).unwrap();
        all.extend(encoder.encode_token_ids(&texts()).unwrap());
        all
    };
    let (found, expected) = (encode(&int8), encode(&f32));
    assert_ne!(bits(&found), bits(&expected), "int8 was not used");
    let pairs = found.iter().zip(&expected);
    pairs.map(|(a, b)| a.dot(b).unwrap()).fold(1.0, f64::min)
}

#[test]
fn int8_stays_near_and_does_not_depend_on_batch_or_threads() {
    for (name, checkpoint, side) in checkpoints() {
        let worst = worst_in_int8(&checkpoint, side);
        assert!(worst > 0.999, "{name}: {worst}");
        let encoder = open_int8(&checkpoint).unwrap();
        let pixels = pixels(3, side);
        let images = bits(&encoder.encode_pixels(&pixels).unwrap());
        let three = encoder.with_threads(NonZeroUsize::new(3)).unwrap();
        assert_eq!(bits(&three.encode_pixels(&pixels).unwrap()), images, "{name}");
        let one = &pixels[..pixels.len() / 3];
        assert_eq!(bits(&three.encode_pixels(one).unwrap())[0], images[0], "{name}");
    }
}

#[test]
fn inputs_that_stick_out_stay_in_f32() {
    let shape = || tower(128, 4, 256, 3, "quick_gelu");
    let mut checkpoint = checkpoint("outliers", shape(), shape(), [32, 8], 32);
    let norms = [".layer_norm1.weight", ".layer_norm2.weight"];
    for (name, _, values) in &mut checkpoint.tensors {
        if norms.iter().any(|norm| name.ends_with(norm)) {
            for column in [3, 77] {
                values[column] *= 100.0;
            }
        }
    }
    let worst = worst_in_int8(&checkpoint, 32);
    // It would be 0.70 if these inputs were quantized too.
    assert!(worst > 0.99, "{worst}");
}

#[test]
fn int8_is_for_the_cpu_alone_and_hides_no_broken_weight() {
    let options = EncoderOptions {
        device: Device::CpuReference,
        precision: Precision::Int8,
        ..EncoderOptions::default()
    };
    let error = Encoder::open_with(Checkpoint::small().write().path(), options).unwrap_err();
    assert!(error.to_string().contains("cpu (reference)"), "{error}");

    let mut broken = Checkpoint::small();
    broken.tensor("vision_model.encoder.layers.0.mlp.fc1.weight")[70] = f32::NAN;
    let error = open_int8(&broken).unwrap().encode_pixels(&pixels(1, 48)).unwrap_err();
    assert!(error.to_string().contains("vision tower"), "{error}");
}
