//! The files of a checkpoint: what a Hugging Face `CLIPModel` directory holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cause::Cause;

pub(super) const CONFIG: &str = "config.json";
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";
/// What newer transformers write in place of [`PREPROCESSOR`].
pub(super) const PROCESSOR: &str = "processor_config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// With [`MERGES`], what stands for [`TOKENIZER`].
pub(super) const VOCABULARY: &str = "vocab.json";
pub(super) const MERGES: &str = "merges.txt";
pub(super) const WEIGHTS: &str = "model.safetensors";
/// Names the shards, where the weights are in several files.
pub(super) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// Weights that could run any code, and so are never read.
pub(super) const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// The files that the content of a [`WEIGHTS_INDEX`] lists, each once.
pub(super) fn shards_in(index: &[u8]) -> Result<BTreeSet<String>, Cause> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index)?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    // A shard lies beside its index; anything else could name any file of this machine.
    if let Some(outside) = shards.iter().find(|s| Path::new(s).file_name() != Some(s.as_ref())) {
        return Err(format!("the shard {outside:?} is no plain file name").into());
    }
    if shards.is_empty() {
        return Err("it lists no shards".into());
    }
    Ok(shards)
}
