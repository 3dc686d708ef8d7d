//! The fingerprint of a checkpoint, which names its vector space.

use rayon::prelude::*;
use serde_json::Value;

use super::config::Config;
use super::expected_tensors::TensorSpec;
use super::weights::Weights;
use crate::embedding::Fingerprint;
use crate::encoder::error::EncodeError;
use crate::encoder::image::Settings;

/// Increase this when the code produces different pixels or tokens from the same input, for example
/// when the arithmetic of resizing, the handling of transparency or the truncation of long texts
/// changes.
const REVISION: &str = "pixelplay encoder fingerprint v2";

/// Hashes exactly those parts of a checkpoint that affect a vector.
///
/// Two checkpoints that differ only in file names, sharding, JSON formatting or irrelevant keys
/// have the same fingerprint. The same weights in a different type (`f16` instead of `f32`) give
/// different vectors, and so a different fingerprint.
pub(in crate::encoder) fn fingerprint(
    config: &Config,
    specs: &[TensorSpec],
    settings: &Settings,
    tokenizer: &Value,
    weights: &Weights,
) -> Result<Fingerprint, EncodeError> {
    let mut hasher = blake3::Hasher::new_derive_key(REVISION);
    let mut text = String::new();
    let json = |value: serde_json::Result<Value>| value.map_err(EncodeError::forward);
    canonical(&json(serde_json::to_value(config))?, &mut text);
    canonical(&json(serde_json::to_value(settings))?, &mut text);
    for key in ["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "model"] {
        canonical(tokenizer.get(key).unwrap_or(&Value::Null), &mut text);
    }
    hasher.update(text.as_bytes());
    let mut names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    names.sort_unstable();
    // Hashed in parallel, since hashing is most of the cost of opening a checkpoint.
    let hashes: Vec<_> = names.par_iter().map(|name| weights.hash(name)).collect();
    for hash in hashes {
        hasher.update(hash?.as_bytes());
    }
    // With 128 bits, accidental collisions do not occur.
    let hex = hasher.finalize().to_hex();
    Fingerprint::new(format!("clip:{}", &hex[..32])).map_err(EncodeError::forward)
}

/// Writes JSON with sorted keys, regardless of the order for which serde_json's map was compiled.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in entries {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for value in list {
                canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_that_of_lists_does() {
        let text = |json: &str| {
            let mut out = String::new();
            canonical(&serde_json::from_str(json).unwrap(), &mut out);
            out
        };
        assert_eq!(
            text(r#"{"b": [1, null], "a": {"x\n": "y"}}"#),
            text(r#"{"a":{"x\n":"y"},"b":[1,null]}"#)
        );
        assert_ne!(text("[1, 2]"), text("[2, 1]"));
        assert_ne!(text(r#"["1"]"#), text("[1]"));
    }
}
