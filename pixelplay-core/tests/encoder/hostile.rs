//! Broken, foreign and hostile checkpoints and pictures give a clear error, never a panic.

use std::path::Path;

use pixelplay_core::{EncodeError, EncodeOptions, Encoder, Image, ImageSource};
use serde_json::{Value, json};

use crate::checkpoints::{Checkpoint, level};
use crate::explain::explain;
use crate::picture_file;

fn open_error(dir: &Path) -> String {
    explain(&Encoder::open(dir).unwrap_err())
}

fn refused(change: impl FnOnce(&mut Checkpoint)) -> String {
    let mut checkpoint = Checkpoint::small();
    change(&mut checkpoint);
    open_error(checkpoint.write().path())
}

#[test]
fn a_missing_file_is_named_and_so_is_what_belongs_there() {
    for file in ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"] {
        let dir = Checkpoint::small().write();
        std::fs::remove_file(dir.path().join(file)).unwrap();
        let error = Encoder::open(dir.path()).unwrap_err();
        assert!(
            matches!(&error, EncodeError::MissingFile { file: named, .. } if *named == file),
            "{error}"
        );
        assert!(error.to_string().contains("a CLIPModel directory holds"));
    }
    let error = Encoder::open("no/such/directory").unwrap_err();
    assert!(matches!(error, EncodeError::Io { .. }), "{error}");
}

#[test]
fn a_pickle_is_not_read_and_the_error_says_how_to_convert_it() {
    let dir = Checkpoint::small().write();
    let path = dir.path();
    std::fs::rename(path.join("model.safetensors"), path.join("pytorch_model.bin")).unwrap();
    let error = open_error(path);
    assert!(error.contains("pickle") && error.contains("save_pretrained"), "{error}");
}

#[test]
fn settings_that_cannot_be_run_are_refused_by_name() {
    let text = |key: &'static str, value: Value| refused(|c| c.config["text_config"][key] = value);
    let vision =
        |key: &'static str, value: Value| refused(|c| c.config["vision_config"][key] = value);
    let top = |key: &'static str, value: Value| refused(|c| c.config[key] = value);
    let prepare = |key: &'static str, value: Value| refused(|c| c.preprocessor[key] = value);
    for (error, expected) in [
        (top("model_type", json!("siglip")), "model_type = \"siglip\""),
        (top("model_type", Value::Null), "model_type = null"),
        (top("architectures", json!(["CLIPForImageClassification"])), "CLIPForImageClassification"),
        (top("projection_dim", json!(0)), "projection_dim = 0"),
        (top("projection_dim", json!(1_u64 << 60)), "projection_dim = "),
        (text("hidden_act", json!("swiglu")), "text_config.hidden_act = \"swiglu\""),
        (text("num_attention_heads", json!(5)), "text_config.num_attention_heads = 5"),
        (text("eos_token_id", json!([62, 63])), "text_config.eos_token_id = [62,63]"),
        (text("max_position_embeddings", json!(1)), "max_position_embeddings = 1"),
        (text("num_hidden_layers", json!(u64::MAX)), "num_hidden_layers"),
        (text("layer_norm_eps", json!(-1)), "layer_norm_eps = -1"),
        (text("vocab_size", json!(-3)), "is damaged"),
        (text("vocab_size", json!(2)), "text_config.vocab_size = 2"),
        (vision("hidden_act", json!("relu")), "vision_config.hidden_act = \"relu\""),
        (vision("patch_size", json!(15)), "vision_config.patch_size = 15"),
        (vision("patch_size", json!([16, 16])), "vision_config.patch_size = [16,16]"),
        (vision("image_size", json!(1_000_000)), "vision_config.image_size = 1000000"),
        (vision("num_channels", json!(4)), "vision_config.num_channels = 4"),
        (prepare("resample", json!(0)), "resample = 0"),
        (prepare("size", json!({"longest_edge": 48})), "size = {\"longest_edge\":48}"),
        (prepare("size", json!(0)), "size = 0"),
        (prepare("crop_size", json!(47)), "crop_size = [47, 47]"),
        (prepare("do_center_crop", json!(false)), "size = ShortestEdge(48)"),
        (prepare("do_pad", json!(true)), "do_pad = true"),
        (prepare("do_rescale", json!("yes")), "do_rescale = \"yes\""),
        (prepare("image_std", json!([1, 0, 1])), "image_std = [1,0,1]"),
        (prepare("image_mean", json!([1, 2])), "image_mean = [1,2]"),
        (prepare("image_processor_type", json!("ViTImageProcessor")), "ViTImageProcessor"),
    ] {
        assert!(error.contains(expected), "{expected} is not in: {error}");
    }
}

#[test]
fn json_that_is_none_is_told_from_json_that_is_wrong() {
    for file in ["config.json", "preprocessor_config.json", "tokenizer.json"] {
        for garbage in [&b""[..], b"{", b"\xff\xfe", b"[1, 2", b"null", b"[]", b"\"CLIP\""] {
            let dir = Checkpoint::small().write();
            std::fs::write(dir.path().join(file), garbage).unwrap();
            let error = open_error(dir.path());
            assert!(error.contains(file), "{error}");
        }
        // Nested too deep for a parser that recurses.
        let dir = Checkpoint::small().write();
        std::fs::write(dir.path().join(file), "[".repeat(200_000)).unwrap();
        assert!(open_error(dir.path()).contains(file));
    }
}

#[test]
fn every_tensor_that_does_not_fit_is_named() {
    let error = refused(|c| {
        c.tensors.retain(|(name, _, _)| name != "text_projection.weight");
        c.tensors[0].1 = vec![32, 64];
        c.tensors.push(("adapter.weight".to_owned(), vec![1], vec![0.0]));
    });
    for expected in [
        "text_projection.weight is missing",
        "text_model.embeddings.token_embedding.weight has shape [32, 64], expected [64, 32]",
        "adapter.weight is unknown",
    ] {
        assert!(error.contains(expected), "{expected} is not in: {error}");
    }
    // One layer more than configured: 16 extra tensors, of which the error names some.
    let error = refused(|c| c.config["text_config"]["num_hidden_layers"] = 1.into());
    assert!(error.contains("and 10 more"), "{error}");
    // Extra tensors that older versions of transformers wrote are ignored.
    let mut old = Checkpoint::small();
    for name in ["logit_scale", "text_model.embeddings.position_ids"] {
        old.tensors.push((name.to_owned(), vec![1], vec![2.0]));
    }
    old.open().encode_text("w1").unwrap();
}

/// Opens a checkpoint whose weights file was modified.
fn with_weights(change: impl FnOnce(&mut Vec<u8>)) -> Result<Encoder, EncodeError> {
    let checkpoint = Checkpoint::small();
    let dir = checkpoint.write();
    let mut bytes = checkpoint.weights();
    change(&mut bytes);
    std::fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
    Encoder::open(dir.path())
}

#[test]
fn a_truncated_or_foreign_file_of_weights_is_refused() {
    let whole = Checkpoint::small().weights().len();
    for keep in [0, 1, 7, 8, 9, 100, whole / 2, whole - 1] {
        let error = with_weights(|bytes| bytes.truncate(keep)).unwrap_err();
        assert!(matches!(error, EncodeError::BadWeights { .. }), "{keep}: {error}");
    }
    let attacks: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.push(0),
        |bytes| bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes()),
        |bytes| bytes[..8].copy_from_slice(&99_000_000_u64.to_le_bytes()),
        |bytes| *bytes = b"PK\x03\x04 a PyTorch archive".to_vec(),
    ];
    for attack in attacks {
        let error = with_weights(attack).unwrap_err();
        assert!(matches!(error, EncodeError::BadWeights { .. }), "{error}");
    }
}

#[test]
fn offsets_that_overlap_or_leave_the_file_are_refused() {
    for header in [
        json!({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
               "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}),
        json!({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, u64::MAX]}}),
        json!({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}),
        json!({"a": {"dtype": "F32", "shape": [1_u64 << 62, 1_u64 << 62], "data_offsets": [0, 16]}}),
        json!({"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}),
    ] {
        let error = with_weights(|bytes| {
            let header = header.to_string();
            *bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.as_bytes());
            bytes.extend([0; 16]);
        })
        .unwrap_err();
        assert!(matches!(error, EncodeError::BadWeights { .. }), "{error}");
    }
}

#[test]
fn flipped_bytes_anywhere_in_the_header_never_panic() {
    let checkpoint = Checkpoint::small();
    let dir = checkpoint.write();
    let path = dir.path().join("model.safetensors");
    let whole = checkpoint.weights();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize + 8;
    for (at, noise) in (0..header).step_by(61).zip(level("flips", header)) {
        let mut bytes = whole.clone();
        bytes[at] ^= noise | 1;
        std::fs::write(&path, bytes).unwrap();
        // Most flips are rejected, but a flip inside the free-form metadata may be harmless.
        let _ = Encoder::open(dir.path());
    }
}

#[test]
fn a_shard_outside_the_directory_is_not_opened() {
    for shard in ["../model.safetensors", "/etc/passwd", "", ".."] {
        let dir = Checkpoint::small().write();
        std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
        let index = json!({"weight_map": {"logit_scale": shard}});
        let path = dir.path().join("model.safetensors.index.json");
        std::fs::write(path, index.to_string()).unwrap();
        let error = open_error(dir.path());
        assert!(error.contains("is not a plain file name"), "{error}");
    }
}

#[test]
fn a_broken_tower_is_found_out_at_first_use_and_the_other_still_works() {
    let broken = |name: &str, value: Option<f32>| {
        let mut checkpoint = Checkpoint::small();
        let tensor = checkpoint.tensor(name);
        match value {
            Some(value) => tensor.fill(value),
            None => tensor[5] = f32::NAN,
        }
        checkpoint.open()
    };
    let photo = picture_file("rgba.png");
    let tower = |error: EncodeError| match error {
        EncodeError::BrokenCheckpoint { tower, problem, .. } => (tower, problem),
        other => panic!("{other}"),
    };

    // All token embeddings are equal: a collapsed text tower.
    let mut collapsed = Checkpoint::small();
    collapsed.tensor("text_model.embeddings.token_embedding.weight").fill(0.5);
    let collapsed = collapsed.open();
    let (which, problem) = tower(collapsed.encode_text("w1").unwrap_err());
    assert_eq!(which, "text");
    assert!(problem.contains("collapsed"), "{problem}");
    collapsed.encode_image(&photo).unwrap();
    // A second call fails in the same way.
    tower(collapsed.encode_text("w1").unwrap_err());

    let error = broken("text_model.encoder.layers.1.mlp.fc1.weight", None).encode_text("w1");
    assert!(tower(error.unwrap_err()).1.contains("NaN"));
    let error = broken("text_projection.weight", Some(0.0)).encode_text("w1");
    assert!(tower(error.unwrap_err()).1.contains("zeros"));

    let flat = broken("vision_model.embeddings.patch_embedding.weight", Some(0.0));
    assert_eq!(tower(flat.encode_image(&photo).unwrap_err()).0, "vision");
    flat.encode_text("w1").unwrap();
    let error = broken("vision_model.encoder.layers.0.self_attn.q_proj.bias", None)
        .encode_image(&photo)
        .unwrap_err();
    assert_eq!(tower(error).0, "vision");
    // The self-test does not cover every position, but a NaN that it misses still gives no vector.
    let mut checkpoint = Checkpoint::small();
    let positions = checkpoint.tensor("vision_model.embeddings.position_embedding.weight");
    *positions.last_mut().unwrap() = f32::NAN;
    let error = checkpoint.open().encode_image(&photo).unwrap_err();
    assert!(matches!(error, EncodeError::BadVector { .. }), "{error}");
}

pub(crate) fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk[4..]);
    chunk.extend(crc.sum().to_be_bytes());
    chunk
}

/// A PNG that claims `width` x `height` RGB pixels, with some chunks before the pixel data.
pub(crate) fn png(width: u32, height: u32, chunks: &[Vec<u8>], deflated: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &header),
        chunks.concat(),
        png_chunk(b"IDAT", deflated),
        png_chunk(b"IEND", b""),
    ]
    .concat()
}

#[test]
fn decompression_bombs_are_refused_before_memory_is_taken() {
    for (width, height) in [(1 << 30, 1 << 30), (60_000, 60_000), (20_000, 10_000)] {
        let error =
            Image::decode(&png(width, height, &[], b"\x78\x9c\x03\0\0\0\0\x01")).unwrap_err();
        let text = explain(&error);
        assert!(
            matches!(error, EncodeError::ImageTooLarge { .. }) || text.contains("more memory"),
            "{text}"
        );
    }
}

#[test]
fn thin_pictures_do_not_blow_up() {
    let encoder = Checkpoint::small().open();
    for (width, height) in [(100_000, 1), (1, 100_000), (50_000, 3)] {
        let thin = Image::from_rgb8(width, height, vec![77; (width * height * 3) as usize]);
        encoder.encode_image(&thin.unwrap()).unwrap();
    }
    // Squash into a square. This takes gigabytes unless the shrinking pass comes first.
    let mut squash = Checkpoint::small();
    squash.preprocessor["size"] = json!({"height": 48, "width": 48});
    let squash = squash.open();
    for (width, height) in [(1, 30_000_000), (30_000_000, 1)] {
        let thin = Image::from_rgb8(width, height, vec![9; 90_000_000]).unwrap();
        squash.encode_image(&thin).unwrap();
    }
}

#[test]
fn the_image_that_failed_is_named() {
    let encoder = Checkpoint::small().open();
    let (good, missing) = (picture_file("rgba.png"), picture_file("no-such.png"));
    let sources: Vec<ImageSource<'_>> = vec![(&good).into(), (&good).into(), (&missing).into()];
    let options = EncodeOptions { batch_size: 2 };
    let error = encoder.encode_images(&sources, options, &mut ()).unwrap_err();
    assert!(matches!(&error, EncodeError::ImageAt { index: 2, .. }));
    let text = explain(&error);
    assert!(
        text.starts_with("image 2 failed: cannot read `") && text.contains("no-such.png"),
        "{text}"
    );
    let sources = [ImageSource::from(&b"nothing"[..])];
    let error = encoder.encode_images(&sources, EncodeOptions::default(), &mut ());
    assert!(matches!(error, Err(EncodeError::ImageAt { index: 0, .. })));
}

#[test]
fn input_of_the_wrong_shape_is_refused() {
    let encoder = Checkpoint::small().open();
    let bad = |error: EncodeError| match error {
        EncodeError::BadInput { problem } => problem,
        other => panic!("{other}"),
    };
    let problem = bad(encoder.encode_pixels(&[0.0; 100]).unwrap_err());
    assert!(problem.contains("(3, 48, 48)"), "{problem}");
    let nan = vec![f32::NAN; 3 * 48 * 48];
    let error = encoder.encode_pixels(&nan).unwrap_err();
    assert!(matches!(error, EncodeError::BadVector { .. }), "{error}");
    for ids in [vec![], vec![62], vec![62, 4, 4], [vec![5; 20], vec![63]].concat()] {
        let problem = bad(encoder.encode_token_ids(&[ids]).unwrap_err());
        assert!(problem.contains("no end token (63)"), "{problem}");
    }
    let problem = bad(encoder.encode_token_ids(&[vec![62, 64, 63]]).unwrap_err());
    assert!(problem.contains("token 64"), "{problem}");
    for (width, height, len) in [(0, 5, 0), (5, 0, 0), (2, 2, 11), (u32::MAX, u32::MAX, 3)] {
        let error = Image::from_rgb8(width, height, vec![0; len]).unwrap_err();
        assert!(matches!(error, EncodeError::BadPixels { .. }), "{error}");
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    use pixelplay_core::encoder::{Device, EncoderOptions};
    let dir = Checkpoint::small().write();
    let options = EncoderOptions { device: Device::Cuda(99), ..EncoderOptions::default() };
    let opened = Encoder::open_with(dir.path(), options).unwrap();
    let error = opened.encode_text("w1").unwrap_err();
    assert!(matches!(error, EncodeError::Device { .. }), "{error}");
    assert!(error.to_string().contains("cuda:99"));
}
