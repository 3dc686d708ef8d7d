//! Compares checkpoints in OpenCLIP's layout with OpenCLIP and timm, and checks which ones are
//! rejected.

use pixelplay_core::encoder::check::{CheckOptions, VisionTower, check};
use pixelplay_core::{EncodeError, Encoder, Image};
use safetensors::Dtype;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::checkpoints::{Checkpoint, picture, uniform};
use crate::explain::explain;
use crate::fixture;
use crate::open_clip_checkpoints::OpenClip;
use crate::parity::{assert_close, worst};

#[derive(Deserialize)]
struct Case {
    name: String,
    dtype: String,
    model_cfg: Value,
    token_ids: Vec<Vec<u32>>,
    images: usize,
    text_embeds: Vec<Vec<f32>>,
    image_embeds: Vec<Vec<f32>>,
}

#[test]
fn both_towers_agree_with_open_clip() {
    let json = std::fs::read(fixture("open_clip.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&json).unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let dtype = if case.dtype == "F16" { Dtype::F16 } else { Dtype::F32 };
        let encoder = OpenClip::new(&case.name, &case.model_cfg, dtype).open();
        let side = case.model_cfg["vision_cfg"]["image_size"].as_u64().unwrap() as usize;
        let pixels: Vec<f32> =
            uniform(&format!("{}/pixels", case.name), case.images * 3 * side * side)
                .into_iter()
                .map(|u| u * 2.0)
                .collect();
        let images = encoder.encode_pixels(&pixels).unwrap();
        assert_close(&format!("{}, images", case.name), &images, &case.image_embeds);
        let texts = encoder.encode_token_ids(&case.token_ids).unwrap();
        assert_close(&format!("{}, texts", case.name), &texts, &case.text_embeds);
        assert!(images[0].dot(&images[1]).unwrap() < 0.9999, "{}", case.name);
        assert!(texts[0].dot(&texts[2]).unwrap() < 0.999, "{}", case.name);
    }
}

#[cfg(feature = "mini")]
#[derive(Deserialize)]
struct Embedded {
    /// Name, width, height, pattern, vector.
    drawn: Vec<(String, u32, u32, String, Vec<f32>)>,
    photos: std::collections::BTreeMap<String, Vec<f32>>,
    texts: Vec<(String, Vec<f32>)>,
}

/// Compares pictures including resizing, and texts including tokenization, with the OpenCLIP
/// vectors from `make_embedded.py`.
#[cfg(feature = "mini")]
#[test]
fn the_embedded_checkpoint_agrees_with_open_clip() {
    use std::path::Path;

    use pixelplay_core::EncoderOptions;
    use pixelplay_core::encoder::Device;

    let json = std::fs::read(fixture("embedded.json")).unwrap();
    let expected: Embedded = serde_json::from_slice(&json).unwrap();
    assert!(expected.drawn.len() >= 3 && expected.photos.len() >= 5 && expected.texts.len() >= 5);
    for device in [Device::Cpu, Device::CpuReference] {
        let options = EncoderOptions { device, ..EncoderOptions::default() };
        let encoder = Encoder::mini_with(options).unwrap();
        for (name, width, height, pattern, vector) in &expected.drawn {
            let image = encoder.encode_image(&picture(name, *width, *height, pattern)).unwrap();
            assert_close(name, &[image], std::slice::from_ref(vector));
        }
        for (text, vector) in &expected.texts {
            let found = encoder.encode_text(text).unwrap();
            assert_close(text, &[found], std::slice::from_ref(vector));
        }
        // JPEG decoders differ in the last bits of the cosine transform.
        for (name, vector) in &expected.photos {
            let path = format!("{}/../data/samples/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
            let image = encoder.encode_image(Path::new(&path)).unwrap();
            let (cosine, _) = worst(&[image], std::slice::from_ref(vector));
            assert!(cosine > 0.999, "{name}: {cosine}");
        }
    }
}

#[derive(Deserialize)]
struct Resize {
    width: u32,
    height: u32,
    pattern: String,
    settings: Value,
}

#[test]
fn pictures_are_prepared_as_open_clip_does() {
    let json = std::fs::read(fixture("open_clip_resizes.json")).unwrap();
    let cases: Vec<Resize> = serde_json::from_slice(&json).unwrap();
    let sheet = Image::open(fixture("open_clip_resizes.png")).unwrap();
    let answers = sheet.as_rgb8().chunks_exact(48 * 48 * 3);
    assert_eq!(answers.len(), cases.len());
    for ((at, case), answer) in cases.into_iter().enumerate().zip(answers) {
        let mut checkpoint = OpenClip::lite("tf_efficientnet_lite0", 48, "linear");
        checkpoint.config["preprocess_cfg"] = case.settings.clone();
        let found = checkpoint.open().preprocess(&picture(
            &format!("open_clip/{at}"),
            case.width,
            case.height,
            &case.pattern,
        ));
        let channel = |key: &str, default: [f64; 3]| -> Vec<f32> {
            let given = case.settings[key].as_array().cloned().unwrap_or_default();
            let given: Vec<f64> = given.iter().filter_map(Value::as_f64).collect();
            let used = if given.is_empty() { &default[..] } else { &given };
            used.iter().map(|&value| value as f32).collect()
        };
        let mean = channel("mean", [0.481_454_66, 0.457_827_5, 0.408_210_73]);
        let std = channel("std", [0.268_629_54, 0.261_302_58, 0.275_777_11]);
        for (at, &level) in answer.iter().enumerate() {
            let (pixel, channel) = (at / 3, at % 3);
            // torchvision's arithmetic, in `f32`.
            let expected = (f32::from(level) / 255.0 - mean[channel]) / std[channel];
            let found = found[channel * 48 * 48 + pixel];
            assert_eq!(found.to_bits(), expected.to_bits(), "{:?}, {at}", case.settings);
        }
    }
}

#[test]
fn either_form_of_the_text_tower_gives_the_same_texts() {
    let joint = OpenClip::small();
    let mut apart = joint.clone();
    apart.config["model_cfg"]["custom_text"] = true.into();
    for (name, _, _) in &mut apart.tensors {
        if !name.starts_with("visual.") {
            name.insert_str(0, "text.");
        }
    }
    let text = "w5 w6 w7";
    let [a, b] = [joint.open(), apart.open()].map(|e| e.encode_text(text).unwrap());
    assert_eq!(a.as_slice(), b.as_slice());
    // A mixture of the two layouts is rejected.
    apart.config["model_cfg"]["custom_text"] = false.into();
    let error = Encoder::open(apart.write().path()).unwrap_err();
    let EncodeError::TensorMismatch { problems, .. } = error else { panic!("{error}") };
    assert!(problems.iter().any(|p| p == "token_embedding.weight is missing"), "{problems:?}");
    assert!(problems.iter().any(|p| p == "text.ln_final.bias is unknown"), "{problems:?}");
}

#[test]
fn what_changes_a_vector_changes_the_fingerprint_and_nothing_else_does() {
    type Change = fn(&mut OpenClip);
    let fingerprint = |change: Change| {
        let mut checkpoint = OpenClip::small();
        change(&mut checkpoint);
        checkpoint.open().fingerprint().clone()
    };
    let original = fingerprint(|_| {});
    let without_effect: [(&str, Change); 6] = [
        ("a tag", |c| vision(c, "timm_model_name", json!("tf_efficientnet_lite0.in1k"))),
        ("dropout", |c| vision(c, "timm_drop", json!(0.2))),
        ("a pair of sides", |c| vision(c, "image_size", json!([32, 32]))),
        ("defaults", |c| c.config["preprocess_cfg"]["resize_mode"] = "shortest".into()),
        ("the temperature", |c| c.tensors.push(("logit_scale".to_owned(), vec![], vec![4.6]))),
        ("a statistic of training", |c| {
            c.tensors.push(("visual.trunk.bn1.num_batches_tracked".to_owned(), vec![], vec![7.0]));
        }),
    ];
    for (what, change) in without_effect {
        assert_eq!(fingerprint(change), original, "{what}");
    }
    let with_effect: [(&str, Change); 5] = [
        ("pre-processing", |c| c.config["preprocess_cfg"]["resize_mode"] = "squash".into()),
        ("the activation", |c| c.config["model_cfg"]["quick_gelu"] = true.into()),
        ("the size", |c| vision(c, "image_size", json!(33))),
        ("a statistic", |c| c.tensor("visual.trunk.bn1.running_mean")[0] += 0.1),
        ("a weight", |c| c.tensor("transformer.resblocks.1.attn.in_proj_weight")[9] += 0.1),
    ];
    for (what, change) in with_effect {
        assert_ne!(fingerprint(change), original, "{what}");
    }
}

fn vision(checkpoint: &mut OpenClip, key: &str, value: Value) {
    checkpoint.config["model_cfg"]["vision_cfg"][key] = value;
}

fn refused(change: impl FnOnce(&mut OpenClip)) -> String {
    let mut checkpoint = OpenClip::small();
    change(&mut checkpoint);
    explain(&Encoder::open(checkpoint.write().path()).unwrap_err())
}

#[test]
fn settings_that_cannot_be_run_are_refused_by_name() {
    let top = |key: &'static str, value: Value| refused(|c| c.config["model_cfg"][key] = value);
    let vision = |key: &'static str, value: Value| refused(|c| vision(c, key, value));
    let text = |key: &'static str, value: Value| {
        refused(|c| c.config["model_cfg"]["text_cfg"][key] = value)
    };
    let prepare =
        |key: &'static str, value: Value| refused(|c| c.config["preprocess_cfg"][key] = value);
    for (error, expected) in [
        (refused(|c| c.config = json!({})), "no object model_cfg"),
        (refused(|c| c.config = json!([])), "damaged"),
        (top("vision_cfg", Value::Null), "no object vision_cfg"),
        (top("text_cfg", json!(5)), "no object text_cfg"),
        (top("embed_dim", Value::Null), "model_cfg.embed_dim = null"),
        (top("embed_dim", json!(0)), "model_cfg.embed_dim = 0"),
        (top("embed_dim", json!(1_u64 << 60)), "model_cfg.embed_dim = "),
        (top("quick_gelu", json!("yes")), "model_cfg.quick_gelu = \"yes\""),
        (top("multimodal_cfg", json!({"width": 5})), "model_cfg.multimodal_cfg"),
        (top("new_thing", json!(true)), "model_cfg.new_thing = true"),
        (vision("timm_model_name", json!("vit_base_patch32_224")), "tf_efficientnet_lite4"),
        (vision("timm_model_name", Value::Null), "timm_model_name = null"),
        (vision("timm_model_name", json!("efficientnet_lite0")), "timm_model_name"),
        (vision("timm_pool", json!("abs_attn")), "vision_cfg.timm_pool = \"abs_attn\""),
        (vision("timm_proj", json!("none")), "vision_cfg.timm_proj = \"none\""),
        // The classifier requires pooling.
        (vision("timm_proj", json!("")), "vision_cfg.timm_pool = \"\""),
        (vision("image_size", json!(0)), "vision_cfg.image_size = 0"),
        (vision("image_size", json!(5000)), "vision_cfg.image_size = 5000"),
        (vision("image_size", json!([32, 64])), "vision_cfg.image_size = [32,64]"),
        (vision("image_size", json!([32, 32, 32])), "vision_cfg.image_size"),
        (vision("image_size", json!(-3)), "vision_cfg.image_size = -3"),
        (vision("patch_dropout", json!(0.5)), "vision_cfg.patch_dropout = 0.5"),
        (vision("what", json!(1)), "vision_cfg.what = 1"),
        (text("hf_model_name", json!("roberta-base")), "text_cfg.hf_model_name"),
        (text("pool_type", json!("last")), "it must be \"argmax\""),
        (text("proj_type", json!("none")), "it must be \"linear\""),
        (text("no_causal_mask", json!(true)), "text_cfg.no_causal_mask = true"),
        (text("embed_cls", json!(true)), "text_cfg.embed_cls = true"),
        (text("ls_init_value", json!(1e-5)), "text_cfg.ls_init_value"),
        (text("tokenizer_kwargs", json!({"clean": "lower"})), "text_cfg.tokenizer_kwargs"),
        (text("heads", json!(5)), "text_cfg.heads = 5"),
        (text("mlp_ratio", json!(-1.0)), "text_cfg.mlp_ratio = -1.0"),
        (text("mlp_ratio", json!(1e300)), "text_cfg.mlp_ratio"),
        (text("layers", json!(1_000_000)), "text_cfg.layers = 1000000"),
        (text("context_length", json!(2)), "text_cfg.context_length = 2"),
        (text("vocab_size", json!(63)), "token_embedding.weight has shape [64, 32]"),
        (prepare("mode", json!("L")), "preprocess_cfg.mode = \"L\""),
        (prepare("interpolation", json!("nearest")), "preprocess_cfg.interpolation"),
        (prepare("resize_mode", json!("stretch")), "preprocess_cfg.resize_mode"),
        (prepare("mean", json!([0.5, 0.5])), "preprocess_cfg.mean"),
        (prepare("std", json!([0.5, 0.0, 0.5])), "preprocess_cfg.std"),
        (prepare("fill_color", json!(300)), "preprocess_cfg.fill_color = 300"),
    ] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_end_token_must_be_the_highest_since_texts_are_pooled_there() {
    let error = refused(|c| {
        c.tokenizer["post_processor"]["sep"] = json!(["<start>", 62]);
        c.tokenizer["post_processor"]["cls"] = json!(["<end>", 63]);
    });
    assert!(error.contains("texts are pooled at the highest one, 63"), "{error}");
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let other = refused(|c| {
        c.config["model_cfg"]["vision_cfg"]["timm_model_name"] = "tf_efficientnet_lite2".into();
    });
    assert!(other.contains("do not fit its configuration"), "{other}");
    for name in [
        "visual.trunk.blocks.6.0.conv_pwl.weight",
        "visual.trunk.bn1.running_var",
        "visual.head.proj.weight",
        "transformer.resblocks.0.attn.in_proj_bias",
        "text_projection",
    ] {
        let missing = refused(|c| c.tensors.retain(|(n, _, _)| n != name));
        assert!(missing.contains(&format!("{name} is missing")), "{missing}");
        let twice = refused(|c| {
            let tensor = c.tensors.iter_mut().find(|(n, _, _)| n == name).unwrap();
            tensor.1[0] *= 2;
            tensor.2 = tensor.2.repeat(2);
        });
        assert!(twice.contains(&format!("{name} has shape")), "{twice}");
    }
    let more = refused(|c| {
        c.tensors.push(("visual.trunk.blocks.1.0.se.weight".to_owned(), vec![1], vec![0.0]));
    });
    assert!(more.contains("visual.trunk.blocks.1.0.se.weight is unknown"), "{more}");
}

#[test]
fn missing_files_and_pickles_are_named() {
    for file in ["open_clip_model.safetensors", "tokenizer.json"] {
        let dir = OpenClip::small().write();
        std::fs::remove_file(dir.path().join(file)).unwrap();
        let error = Encoder::open(dir.path()).unwrap_err();
        assert!(
            matches!(&error, EncodeError::MissingFile { file: named, .. } if *named == file),
            "{error}"
        );
    }
    let dir = OpenClip::small().write();
    let [from, to] = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
        .map(|file| dir.path().join(file));
    std::fs::rename(from, to).unwrap();
    let error = Encoder::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("pickle") && error.contains("open_clip"), "{error}");
}

#[test]
fn a_folder_with_the_files_of_both_is_a_clip_model() {
    let dir = Checkpoint::small().write();
    OpenClip::small().write_to(dir.path());
    Checkpoint::small().write_to(dir.path());
    let found = Encoder::open(dir.path()).unwrap();
    assert_eq!(found.fingerprint(), Checkpoint::small().open().fingerprint());
}

#[test]
fn a_check_describes_it() {
    let dir = OpenClip::small().write();
    let report = check(dir.path(), &CheckOptions::default(), &mut ()).unwrap();
    assert!(report.usable, "{report}");
    assert_eq!(report.working_towers, ["vision", "text"]);
    let files: Vec<&str> = report.files.iter().map(|file| &*file.name).collect();
    assert_eq!(files, ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"]);
    let architecture = report.architecture.as_ref().unwrap();
    assert!(
        matches!(
            architecture.vision,
            VisionTower::Convolutional {
                timm_model_name: "tf_efficientnet_lite0",
                blocks: 16,
                projection: "linear",
                ..
            }
        ),
        "{report}"
    );
    assert!(report.to_string().contains("through tf_efficientnet_lite0, 16 blocks"), "{report}");

    let mut broken = OpenClip::small();
    broken.tensor("visual.trunk.blocks.2.0.bn1.weight")[3] = f32::NAN;
    let report = check(broken.write().path(), &CheckOptions::default(), &mut ()).unwrap();
    let expected = "visual.trunk.blocks.2.0.bn1.weight has 1 values that are NaN or infinite";
    assert!(report.problems.iter().any(|p| p == expected), "{report}");
    // If the configuration is rejected, its problem is the only one reported.
    broken.config["model_cfg"]["vision_cfg"]["timm_model_name"] = "resnet50".into();
    let report = check(broken.write().path(), &CheckOptions::default(), &mut ()).unwrap();
    assert!(report.problems[0].contains("resnet50"), "{report}");
}
