//! Measures encoding pictures and texts with three checkpoints: the embedded one, one with the
//! shape of CLIP ViT-B/32, and an OpenCLIP one whose vision tower is an EfficientNet-Lite0 for 192
//! pixels.
//!
//!     cargo bench -p pixelplay-benches --bench encode
//!
//! The large checkpoint (151 million weights, 300 MB as bfloat16) and the convolutional one have
//! random weights and are created on the fly: the values do not affect the time.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use pixelplay_core::encoder::Precision;
use pixelplay_core::{EncodeOptions, Encoder, EncoderOptions, Image, ImageSource};
use serde_json::{Map, Value, json};

fn encoders() -> Vec<(&'static str, Encoder)> {
    let (dir, lite0) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_b32(dir.path()).unwrap();
    write_lite0(lite0.path()).unwrap();
    // The file stays open, so the folder may be removed.
    let open = |precision| {
        let options = EncoderOptions { precision, ..EncoderOptions::default() };
        Encoder::open_with(dir.path(), options).unwrap()
    };
    vec![
        ("mini", Encoder::mini().unwrap()),
        ("lite0", Encoder::open(lite0.path()).unwrap()),
        ("b32", open(Precision::F32)),
        ("b32-int8", open(Precision::Int8)),
    ]
}

/// Returns different photo-sized pictures of waves.
fn pictures(count: u32) -> Vec<Image> {
    let (width, height) = (500, 400);
    let pixel = |seed: u32, at: u32| {
        let (x, y) = (at % width, at / width);
        [x * 3 + y + seed * 40, x + y * 2, x * y / 64 + seed].map(|level| (level % 256) as u8)
    };
    (0..count)
        .map(|seed| {
            let rgb = (0..width * height).flat_map(|at| pixel(seed, at)).collect();
            Image::from_rgb8(width, height, rgb).unwrap()
        })
        .collect()
}

fn images(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode_images");
    for (name, encoder) in encoders() {
        for batch in [1, 8, 32] {
            let pictures = pictures(batch);
            let sources: Vec<ImageSource<'_>> = pictures.iter().map(Into::into).collect();
            group.throughput(Throughput::Elements(u64::from(batch)));
            group.bench_function(BenchmarkId::new(name, batch), |b| {
                b.iter(|| {
                    encoder
                        .encode_images(black_box(&sources), EncodeOptions::default(), &mut ())
                        .unwrap()
                });
            });
        }
    }
}

fn texts(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode_texts");
    for (name, encoder) in encoders() {
        for batch in [1, 32] {
            // The texts are about as long as the description of a song, and all differ.
            let texts: Vec<String> = (0..batch)
                .map(|at| format!("{at:>4}a quiet evening by the sea, slow piano and soft rain"))
                .collect();
            group.throughput(Throughput::Elements(batch));
            group.bench_function(BenchmarkId::new(name, batch), |b| {
                b.iter(|| {
                    encoder
                        .encode_texts(black_box(&texts), EncodeOptions::default(), &mut ())
                        .unwrap()
                });
            });
        }
    }
}

/// Measures what happens to a picture before the model encodes it.
fn preprocess(c: &mut Criterion) {
    let encoder = Encoder::mini().unwrap();
    let mut group = c.benchmark_group("preprocess");
    for (width, height) in [(500, 400), (4000, 3000)] {
        let rgb = (0..width * height * 3).map(|at| (at * 7 % 251) as u8).collect();
        let picture = Image::from_rgb8(width, height, rgb).unwrap();
        group.bench_function(format!("{width}x{height}"), |b| {
            b.iter(|| encoder.preprocess(black_box(&picture)));
        });
    }
}

/// Measures decoding JPEG files to upright pixels: files that need no rotation, and files from a
/// camera held upright.
fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for (width, height) in [(500, 400), (4000, 3000)] {
        let jpeg = jpeg(width, height);
        // After the start marker: EXIF with one entry, the orientation, in big endian.
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
        for (name, jpeg) in [("", jpeg), (" turned", turned)] {
            group.bench_function(format!("{width}x{height}{name}"), |b| {
                b.iter(|| Image::decode(black_box(&jpeg)).unwrap());
            });
        }
    }
}

/// Draws waves with some noise, which takes as many bits as the noise of a photo.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let (wide, high) = (usize::from(width), usize::from(height));
    let level = |at: usize| {
        let (x, y) = (at / 3 % wide, at / 3 / wide);
        (x / 4 + y / 8 * (1 + at % 3) + at * 40_503 % 31) as u8
    };
    let rgb: Vec<u8> = (0..wide * high * 3).map(level).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80)
        .encode(&rgb, width.into(), height.into(), ExtendedColorType::Rgb8)
        .unwrap();
    jpeg
}

/// Writes a checkpoint directory with the shape of CLIP ViT-B/32.
fn write_b32(dir: &Path) -> std::io::Result<()> {
    let config = json!({"model_type": "clip", "architectures": ["CLIPModel"]});
    std::fs::write(dir.join("config.json"), config.to_string())?;
    std::fs::write(dir.join("preprocessor_config.json"), "{}")?;
    std::fs::write(dir.join("tokenizer.json"), tokenizer().to_string())?;

    write_weights(&dir.join("model.safetensors"), &b32_tensors(), |name| {
        // Norms are identities, and all other weights are small: about 1/40 with random signs.
        match name.contains("norm") && name.ends_with("weight") {
            true => 0x3F80,
            false => 0x3C80,
        }
    })
}

/// Writes random weights as bfloat16. `size` returns the bits of the magnitude for a tensor's name.
fn write_weights(
    path: &Path,
    tensors: &[(String, Vec<usize>)],
    size: impl Fn(&str) -> u16,
) -> std::io::Result<()> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        let entry = json!({"dtype": "BF16", "shape": shape, "data_offsets": [start, end]});
        header.insert(name.clone(), entry);
    }
    let header = Value::from(header).to_string();
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    let mut state = 1_u32;
    for (name, shape) in tensors {
        let size = size(name);
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Random sign and some random bits of the mantissa, except for weights of 1.
            let noise = if size == 0x3F80 { 0 } else { (state >> 16) as u16 & 0x807F };
            file.write_all(&(size | noise).to_le_bytes())?;
        }
    }
    file.flush()
}

/// Writes an OpenCLIP checkpoint directory with an EfficientNet-Lite0.
fn write_lite0(dir: &Path) -> std::io::Result<()> {
    let config = json!({
        "model_cfg": {
            "embed_dim": 512,
            "vision_cfg": {
                "timm_model_name": "tf_efficientnet_lite0", "timm_pool": "", "timm_proj": "mlp",
                "image_size": 192,
            },
            "text_cfg": {"width": 384, "heads": 6, "layers": 6},
        },
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    });
    std::fs::write(dir.join("open_clip_config.json"), config.to_string())?;
    std::fs::write(dir.join("tokenizer.json"), tokenizer().to_string())?;
    write_weights(&dir.join("open_clip_model.safetensors"), &lite0_tensors(), |name| {
        let is_norm = name.contains("bn") || name.contains("ln_");
        match is_norm && (name.ends_with("weight") || name.ends_with("running_var")) {
            true => 0x3F80,
            // Weights are about 1/8 before batch norms, and about 1/40 elsewhere.
            false if name.contains("conv") => 0x3E00,
            false => 0x3C80,
        }
    })
}

fn lite0_tensors() -> Vec<(String, Vec<usize>)> {
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("token_embedding.weight".to_owned(), vec![49_408, 384]),
        ("positional_embedding".to_owned(), vec![77, 384]),
        ("text_projection".to_owned(), vec![384, 512]),
        ("visual.head.mlp.fc2.weight".to_owned(), vec![512, 1024]),
    ];
    let mut pair = |at: String, shape: &[usize]| {
        tensors.push((format!("{at}weight"), shape.to_vec()));
        tensors.push((format!("{at}bias"), shape[..1].to_vec()));
    };
    pair("visual.head.mlp.fc1.".to_owned(), &[1024, 1280]);
    pair("ln_final.".to_owned(), &[384]);
    for layer in 0..6 {
        let at = format!("transformer.resblocks.{layer}");
        pair(format!("{at}.ln_1."), &[384]);
        pair(format!("{at}.ln_2."), &[384]);
        pair(format!("{at}.attn.in_proj_"), &[1152, 384]);
        pair(format!("{at}.attn.out_proj."), &[384, 384]);
        pair(format!("{at}.mlp.c_fc."), &[1536, 384]);
        pair(format!("{at}.mlp.c_proj."), &[384, 1536]);
    }
    let mut conv = |at: &str, conv: &str, norm: &str, shape: [usize; 4]| {
        let at = format!("visual.trunk.{at}");
        tensors.push((format!("{at}{conv}.weight"), shape.to_vec()));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            tensors.push((format!("{at}{norm}.{part}"), vec![shape[0]]));
        }
    };
    conv("", "conv_stem", "bn1", [32, 3, 3, 3]);
    conv("blocks.0.0.", "conv_dw", "bn1", [32, 1, 3, 3]);
    conv("blocks.0.0.", "conv_pw", "bn2", [16, 32, 1, 1]);
    let mut inputs = 16;
    for (stage, (repeats, kernel, outputs)) in
        [(2, 3, 24), (2, 5, 40), (3, 3, 80), (3, 5, 112), (4, 5, 192), (1, 3, 320)]
            .into_iter()
            .enumerate()
    {
        for index in 0..repeats {
            let (at, width) = (format!("blocks.{}.{index}.", stage + 1), inputs * 6);
            conv(&at, "conv_pw", "bn1", [width, inputs, 1, 1]);
            conv(&at, "conv_dw", "bn2", [width, 1, kernel, kernel]);
            conv(&at, "conv_pwl", "bn3", [outputs, width, 1, 1]);
            inputs = outputs;
        }
    }
    conv("", "conv_head", "bn2", [1280, inputs, 1, 1]);
    tensors
}

fn b32_tensors() -> Vec<(String, Vec<usize>)> {
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    for (tower, width) in [("text", 512), ("vision", 768)] {
        let mut add = |name: String, shape: &[usize]| tensors.push((name, shape.to_vec()));
        let at = format!("{tower}_model");
        if tower == "text" {
            add(format!("{at}.embeddings.token_embedding.weight"), &[49_408, width]);
            add(format!("{at}.embeddings.position_embedding.weight"), &[77, width]);
            add("text_projection.weight".to_owned(), &[512, width]);
        } else {
            add(format!("{at}.embeddings.class_embedding"), &[width]);
            add(format!("{at}.embeddings.patch_embedding.weight"), &[width, 3, 32, 32]);
            add(format!("{at}.embeddings.position_embedding.weight"), &[50, width]);
            add("visual_projection.weight".to_owned(), &[512, width]);
        }
        let mut pair = |name: String, shape: &[usize]| {
            add(format!("{name}.weight"), shape);
            add(format!("{name}.bias"), &shape[..1]);
        };
        let norms: &[&str] = match tower {
            "text" => &["final_layer_norm"],
            _ => &["pre_layrnorm", "post_layernorm"],
        };
        for norm in norms {
            pair(format!("{at}.{norm}"), &[width]);
        }
        for layer in 0..12 {
            let at = format!("{at}.encoder.layers.{layer}");
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                pair(format!("{at}.self_attn.{part}"), &[width, width]);
            }
            pair(format!("{at}.mlp.fc1"), &[4 * width, width]);
            pair(format!("{at}.mlp.fc2"), &[width, 4 * width]);
            pair(format!("{at}.layer_norm1"), &[width]);
            pair(format!("{at}.layer_norm2"), &[width]);
        }
    }
    tensors
}

/// Four letters are one token, so the texts above have about as many tokens as with CLIP's
/// vocabulary. This vocabulary is small: all other tokens are the same unknown one, except for
/// digits, which keep texts distinct.
fn tokenizer() -> Value {
    let digits = (0..100).map(|at| format!("{at:>4}"));
    let filler = (100..49_406).map(|at| format!("<unused {at}>"));
    let special = ["<start>", "<end>"].map(str::to_owned);
    let vocabulary: Map<String, Value> = digits
        .chain(filler)
        .chain(special)
        .enumerate()
        .map(|(id, token)| (token, id.into()))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "decoder": null,
        "pre_tokenizer": {
            "type": "Split", "pattern": {"Regex": ".{1,4}"}, "behavior": "Removed", "invert": true,
        },
        "post_processor": {
            "type": "RobertaProcessing", "sep": ["<end>", 49_407], "cls": ["<start>", 49_406],
            "trim_offsets": false, "add_prefix_space": false,
        },
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "   0"},
    })
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = images, texts, preprocess, decode
}
criterion_main!(benches);
