//! The file names of checkpoints: those of a Hugging Face `CLIPModel` directory, and those of
//! OpenCLIP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cause::Cause;

pub(super) const CONFIG: &str = "config.json";
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";
/// The file that newer transformers versions write instead of [`PREPROCESSOR`].
pub(super) const PROCESSOR: &str = "processor_config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// Together with [`MERGES`], the alternative to [`TOKENIZER`].
pub(super) const VOCABULARY: &str = "vocab.json";
pub(super) const MERGES: &str = "merges.txt";
pub(super) const WEIGHTS: &str = "model.safetensors";
/// The file that lists the shards, if the weights are in several files.
pub(super) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// Files of pickled weights. They could run any code, so they are never read.
pub(super) const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// OpenCLIP's configuration of the model and its pre-processing.
pub(super) const OPEN_CLIP_CONFIG: &str = "open_clip_config.json";
pub(super) const OPEN_CLIP_WEIGHTS: &str = "open_clip_model.safetensors";
/// Like [`PICKLES`], for OpenCLIP.
pub(super) const OPEN_CLIP_PICKLES: [&str; 2] =
    ["open_clip_pytorch_model.bin", "open_clip_model.pt"];

/// The weights files of one layout.
pub(super) struct WeightFiles {
    pub(super) whole: &'static str,
    /// The list of shards, if the layout can have several.
    pub(super) index: Option<&'static str>,
    pub(super) pickles: &'static [&'static str],
}

pub(super) const CLIP_MODEL: WeightFiles =
    WeightFiles { whole: WEIGHTS, index: Some(WEIGHTS_INDEX), pickles: &PICKLES };
pub(super) const OPEN_CLIP: WeightFiles =
    WeightFiles { whole: OPEN_CLIP_WEIGHTS, index: None, pickles: &OPEN_CLIP_PICKLES };

/// Returns the files that the contents of a [`WEIGHTS_INDEX`] list, each once.
pub(super) fn shards_in(index: &[u8]) -> Result<BTreeSet<String>, Cause> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index)?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    // A shard must be next to its index; anything else could name any file on this machine.
    if let Some(outside) = shards.iter().find(|s| Path::new(s).file_name() != Some(s.as_ref())) {
        return Err(format!("the shard {outside:?} is not a plain file name").into());
    }
    if shards.is_empty() {
        return Err("it lists no shards".into());
    }
    Ok(shards)
}
