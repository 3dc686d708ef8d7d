//! Tests `encoder::check` on broken checkpoints of each kind, and its comparison with published
//! values.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use pixelplay_core::encoder::check::{CheckOptions, CheckpointReport, Outcome, VisionTower, check};
use pixelplay_core::progress::Update;
use pixelplay_core::{EncodeError, Encoder, Image};
use serde_json::{Value, json};

use crate::checkpoints::Checkpoint;

fn report(dir: &Path) -> CheckpointReport {
    check(dir, &CheckOptions::default(), &mut ()).unwrap()
}

/// The problems reported for a good checkpoint after `change` was applied to its folder.
fn problems(change: impl FnOnce(&Path)) -> Vec<String> {
    let dir = Checkpoint::small().write();
    change(dir.path());
    let report = report(dir.path());
    assert_eq!(report.usable, report.problems.is_empty());
    assert!(report.to_string().contains("not usable"));
    report.problems
}

fn problems_of(change: impl FnOnce(&mut Checkpoint)) -> Vec<String> {
    let mut checkpoint = Checkpoint::small();
    change(&mut checkpoint);
    problems(|dir| checkpoint.write_to(dir))
}

#[track_caller]
fn assert_only(problems: &[String], expected: &str) {
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(expected), "{problems:?}");
}

#[test]
fn a_good_checkpoint_has_no_problems() {
    let dir = Checkpoint::small().write();
    let report = report(dir.path());
    assert!(report.usable && report.problems.is_empty(), "{report}");
    let encoder = Encoder::open(dir.path()).unwrap();
    assert_eq!(report.fingerprint.as_deref(), Some(encoder.fingerprint().as_str()));
    let architecture = report.architecture.unwrap();
    assert_eq!(architecture.dim, 24);
    assert_eq!(architecture.image_size, 48);
    let VisionTower::Transformer { patch_size, tower, .. } = &architecture.vision else {
        panic!("{:?}", architecture.vision)
    };
    assert_eq!((*patch_size, architecture.text.layers, tower.heads), (16, 2, 4));
    assert_eq!(architecture.text.activation, "quick_gelu");
    assert_eq!(report.vocabulary, Some(64));
    assert_eq!(report.working_towers, ["vision", "text"]);
    assert_eq!(report.files.len(), 4);
    let weights = &report.files[1];
    assert_eq!(weights.name, "model.safetensors");
    assert_eq!(weights.bytes, Checkpoint::small().weights().len() as u64);
}

#[test]
fn each_missing_file_is_named_and_so_are_all_of_them() {
    for file in ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"] {
        let found = problems(|dir| fs::remove_file(dir.join(file)).unwrap());
        assert_only(&found, &format!("has no {file}"));
    }
    let empty = tempfile::tempdir().unwrap();
    let report = report(empty.path());
    assert_eq!(report.problems.len(), 4, "{report}");
    assert!(report.files.is_empty());
    assert!(report.to_string().contains("self-test       not run"));
}

#[test]
fn what_is_no_directory_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("model.safetensors");
    assert_only(&report(&file).problems, "cannot read");
    fs::write(&file, "x").unwrap();
    assert_only(&report(&file).problems, "it is a file");
}

#[test]
fn another_model_is_told_and_the_rest_is_still_looked_at() {
    let found = problems(|dir| {
        fs::write(dir.join("config.json"), r#"{"model_type": "bert"}"#).unwrap();
        fs::write(dir.join("tokenizer.json"), "{").unwrap();
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("\"bert\"") && found[1].contains("damaged"), "{found:?}");
}

#[test]
fn damaged_weights_are_told_by_what_is_wrong_with_them() {
    let weights = Checkpoint::small().weights();
    for cut in [0, 7, 100, weights.len() - 1] {
        let found = problems(|dir| {
            fs::write(dir.join("model.safetensors"), &weights[..cut]).unwrap();
        });
        assert_only(&found, "not a complete safetensors file");
    }
    let found = problems(|dir| {
        fs::rename(dir.join("model.safetensors"), dir.join("pytorch_model.bin")).unwrap();
    });
    assert_only(&found, "Python pickle");
}

#[test]
fn every_tensor_that_does_not_fit_is_a_problem_of_its_own() {
    let found = problems_of(|checkpoint| {
        for tensor in checkpoint.tensors.iter_mut().take(9) {
            tensor.0 += ".other";
        }
    });
    assert_eq!(found.len(), 18, "9 are missing and 9 unknown: {found:?}");
}

#[test]
fn values_that_are_no_numbers_are_found_wherever_they_are() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        // The row of a token that the self-test does not use.
        let found = problems_of(|checkpoint| {
            let embedding = checkpoint.tensor("text_model.embeddings.token_embedding.weight");
            embedding[40 * 32] = bad;
            embedding[40 * 32 + 1] = bad;
        });
        assert_only(&found, "token_embedding.weight has 2 values that are NaN or infinite");
    }
    for dtype in [safetensors::Dtype::F16, safetensors::Dtype::BF16] {
        let found = problems_of(|checkpoint| {
            checkpoint.dtype = dtype;
            checkpoint.tensor("visual_projection.weight")[5] = f32::NAN;
        });
        assert_only(&found, "visual_projection.weight has 1 values");
        let mut whole = Checkpoint::small();
        whole.dtype = dtype;
        assert!(report(whole.write().path()).usable, "{dtype:?}");
    }
}

#[test]
fn a_collapsed_tower_is_found_and_the_other_named_as_working() {
    let mut checkpoint = Checkpoint::small();
    checkpoint.tensor("text_model.final_layer_norm.weight").fill(0.0);
    let report = report(checkpoint.write().path());
    assert_only(&report.problems, "its text tower gives the same vector");
    assert_eq!(report.working_towers, ["vision"]);
    assert!(report.fingerprint.is_some());
}

#[test]
fn it_can_be_stopped_anywhere() {
    let dir = Checkpoint::small().write();
    let mut calls = 0;
    check(dir.path(), &CheckOptions::default(), &mut |_: Update| {
        calls += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    for stop_at in [0, calls / 2, calls - 1] {
        let mut left = stop_at;
        let stopped = check(dir.path(), &CheckOptions::default(), &mut |_: Update| match left {
            0 => ControlFlow::Break(()),
            _ => {
                left -= 1;
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(stopped, Err(EncodeError::Cancelled)), "{stop_at}");
    }
}

/// A checkpoint, and a reference in the form of published values that holds the checkpoint's own
/// results.
struct Compared {
    checkpoint: tempfile::TempDir,
    reference: tempfile::TempDir,
    values: Value,
}

impl Compared {
    fn new() -> Self {
        let mut checkpoint = Checkpoint::small();
        let scale = f32::ln(20.0);
        checkpoint.tensors.push(("logit_scale".to_owned(), vec![], vec![scale]));
        let checkpoint = checkpoint.write();
        let reference = tempfile::tempdir().unwrap();
        let picture = include_bytes!("../pictures/palette.png");
        fs::write(reference.path().join("cats.png"), picture).unwrap();

        let encoder = Encoder::open(checkpoint.path()).unwrap();
        let image = encoder.encode_image(&Image::decode(picture).unwrap()).unwrap();
        let text = |words: &str| encoder.encode_text(words).unwrap();
        let logits = ["w1", "w2 w3"].map(|words| image.dot(&text(words)).unwrap() * 20.0);
        let exps = logits.map(f64::exp);
        let values = json!({
            "tokenize": {
                "text": "w1 w2", "ids_then_zero_padded_to_77": [62, 1, 2, 63, 0, 0, 0], "source": "a",
            },
            "words": {"encode": {"w5": [5], "w6 w7": [6, 7]}},
            "logits": {
                "image": "reference/cats.png", "texts": ["w1", "w2 w3"],
                "logits_per_image": [logits], "rtol": 0.001, "atol": 0.001,
            },
            "softmax": {
                "image": "cats.png", "texts": ["w1", "w2 w3"],
                "softmax_probs": exps.map(|e| e / exps.iter().sum::<f64>()),
            },
            "embeddings": {
                "image": "cats.png", "image_embedding_first5": image.as_slice()[..5],
                "text": "w9", "text_embedding_first5": text("w9").as_slice()[..5],
            },
            "something else": {"note": "no values"},
        });
        Self { checkpoint, reference, values }
    }

    fn run(&self) -> CheckpointReport {
        let path = self.reference.path().join("reference_values.json");
        fs::write(path, self.values.to_string()).unwrap();
        self.check().unwrap()
    }

    fn check(&self) -> Result<CheckpointReport, EncodeError> {
        let options = CheckOptions {
            reference: Some(self.reference.path().to_owned()),
            ..CheckOptions::default()
        };
        check(self.checkpoint.path(), &options, &mut ())
    }
}

fn outcomes(report: &CheckpointReport) -> Vec<(&str, Outcome)> {
    let comparisons = report.comparisons.as_ref().unwrap();
    comparisons.iter().map(|c| (c.what.as_str(), c.outcome)).collect()
}

#[test]
fn published_values_are_compared_and_what_cannot_be_is_said() {
    let report = Compared::new().run();
    assert!(report.usable, "{report}");
    let mut found = outcomes(&report);
    found.sort_by_key(|(what, _)| *what);
    assert_eq!(
        found,
        [
            ("embeddings: picture embedding", Outcome::Agrees),
            ("embeddings: text embedding", Outcome::Agrees),
            ("logits: logits", Outcome::Agrees),
            ("softmax: probabilities", Outcome::Agrees),
            ("something else: everything", Outcome::Skipped),
            ("tokenize: tokens of \"w1 w2\"", Outcome::Agrees),
            ("words: tokens of \"w5\"", Outcome::Agrees),
            ("words: tokens of \"w6 w7\"", Outcome::Agrees),
        ]
    );
}

#[test]
fn a_wrong_value_of_each_kind_is_reported() {
    type Change = fn(&mut Value);
    let wrong: [(&str, Change); 7] = [
        ("tokenize: tokens", |v| v["tokenize"]["ids_then_zero_padded_to_77"][1] = 9.into()),
        ("words: tokens", |v| v["words"]["encode"]["w5"] = json!([6])),
        ("logits: logits", |v| {
            let logit = v["logits"]["logits_per_image"][0][1].as_f64().unwrap();
            v["logits"]["logits_per_image"][0][1] = (logit + 0.2).into();
        }),
        ("softmax: probabilities", |v| v["softmax"]["softmax_probs"] = json!([0.9, 0.1])),
        ("embeddings: picture embedding", |v| {
            v["embeddings"]["image_embedding_first5"][4] = 0.9.into();
        }),
        ("embeddings: text embedding", |v| {
            v["embeddings"]["text_embedding_first5"][0] = 0.9.into();
        }),
        ("logits: logits", |v| v["logits"]["logits_per_image"] = json!([[1.0]])),
    ];
    for (expected, change) in wrong {
        let mut compared = Compared::new();
        change(&mut compared.values);
        let report = compared.run();
        assert!(!report.usable);
        assert_only(&report.problems, expected);
        assert!(report.problems[0].contains("differs from the reference"), "{report}");
    }
}

#[test]
fn what_is_missing_is_skipped_and_says_so() {
    let compared = Compared::new();
    fs::remove_file(compared.reference.path().join("cats.png")).unwrap();
    let report = compared.run();
    assert!(report.usable);
    let skipped = outcomes(&report).into_iter().filter(|(_, o)| *o == Outcome::Skipped).count();
    assert_eq!(skipped, 4, "{report}");
    assert!(report.to_string().contains("cats.png"), "{report}");

    fs::remove_file(compared.reference.path().join("reference_values.json")).unwrap();
    let report = compared.check().unwrap();
    assert!(report.usable);
    assert_eq!(outcomes(&report), [("reference_values.json", Outcome::Skipped)]);

    fs::write(compared.reference.path().join("reference_values.json"), "{").unwrap();
    assert!(matches!(compared.check(), Err(EncodeError::BadJson { .. })));
}
