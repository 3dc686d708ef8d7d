//! Tests `model check` as users run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use pixelplay_models::PIXELPLAY_MINI;
use serde_json::Value;
use tempfile::TempDir;

fn checkpoint() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, bytes) in PIXELPLAY_MINI.files() {
        fs::write(dir.path().join(file), bytes).unwrap();
    }
    dir
}

/// Returns the exit code, standard output and standard error.
fn check(dir: &Path, more: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pixelplay"))
        .args(["model", "check"])
        .arg(dir)
        .args(more)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_good_checkpoint_is_described() {
    let dir = checkpoint();
    let (code, text, complaints) = check(dir.path(), &[]);
    assert_eq!((code, &*complaints), (0, ""), "{text}");
    let encoder = pixelplay_core::Encoder::open(dir.path()).unwrap();
    for expected in [
        "model.safetensors",
        &PIXELPLAY_MINI.model_safetensors.len().to_string(),
        &format!("{} dimensions", encoder.dim()),
        "tf_efficientnet_lite1",
        encoder.fingerprint().as_str(),
        "passed by: vision and text",
        "not compared with published values",
        "centre crop",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.trim_end().ends_with("usable") && !text.contains("not usable"), "{text}");

    let (code, json, _) = check(dir.path(), &["--json"]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["usable"], true);
    assert_eq!(report["problems"], Value::Array(Vec::new()));
    assert_eq!(report["architecture"]["dim"], encoder.dim());
    assert_eq!(report["comparisons"], Value::Null);
}

#[test]
fn a_bad_one_is_refused_with_its_problems() {
    let dir = checkpoint();
    fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    fs::write(dir.path().join("open_clip_config.json"), r#"{"model_cfg": {"bert": 1}}"#).unwrap();
    let (code, text, complaints) = check(dir.path(), &[]);
    assert_eq!(code, 1);
    assert!(complaints.contains("not usable"), "{complaints}");
    assert!(text.contains("has no tokenizer.json") && text.contains("bert"), "{text}");
    let (code, json, _) = check(dir.path(), &["--json"]);
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["usable"], false);
    assert_eq!(report["problems"].as_array().unwrap().len(), 2, "{report}");

    let (code, text, _) = check(Path::new("no-such-folder"), &[]);
    assert_eq!(code, 1);
    assert!(text.contains("no-such-folder"), "{text}");
}

#[test]
fn a_reference_is_compared_or_said_to_be_skipped() {
    let dir = checkpoint();
    let reference = tempfile::tempdir().unwrap();
    let folder = reference.path().to_str().unwrap();
    let (code, text, _) = check(dir.path(), &["--reference", folder]);
    assert_eq!(code, 0);
    assert!(text.contains("skipped: cannot read"), "{text}");

    let ids = pixelplay_core::Encoder::mini().unwrap().tokenize("rain").unwrap();
    let write = |ids: &[u32]| {
        let section = serde_json::json!({
            "notebook": {"text": "rain", "ids_then_zero_padded_to_77": ids, "source": "a test"}
        });
        fs::write(reference.path().join("reference_values.json"), section.to_string()).unwrap();
    };
    write(&ids);
    let (code, text, _) = check(dir.path(), &["--reference", folder]);
    assert_eq!(code, 0);
    assert!(text.contains("tokens of \"rain\" agrees") && text.contains("[a test]"), "{text}");
    write(&[1, 2]);
    let (code, text, _) = check(dir.path(), &["--reference", folder]);
    assert_eq!(code, 1);
    assert!(text.contains("differs from the reference"), "{text}");
}
