//! The files of a repository that make up a checkpoint.

use std::path::PathBuf;

use super::error::HubError;
use crate::encoder::files;

/// What a missing shard is called in errors.
pub(super) const SHARD: &str = "shard that model.safetensors.index.json lists";

/// Gets the files of a checkpoint, small ones first. `get` returns `None` for a file that does not
/// exist. If required files are missing, returns the first of them.
pub(super) fn collect(
    get: &mut dyn FnMut(&str) -> Result<Option<PathBuf>, HubError>,
) -> Result<Option<&'static str>, HubError> {
    if get(files::CONFIG)?.is_none() {
        return Ok(Some(files::CONFIG));
    }
    if get(files::PREPROCESSOR)?.is_none() && get(files::PROCESSOR)?.is_none() {
        return Ok(Some(files::PREPROCESSOR));
    }
    if get(files::TOKENIZER)?.is_none()
        && (get(files::VOCABULARY)?.is_none() || get(files::MERGES)?.is_none())
    {
        return Ok(Some(files::TOKENIZER));
    }
    if get(files::WEIGHTS)?.is_some() {
        return Ok(None);
    }
    let Some(index) = get(files::WEIGHTS_INDEX)? else {
        return Ok(Some(files::WEIGHTS));
    };
    let json = std::fs::read(&index).map_err(HubError::read(&index))?;
    let shards = files::shards_in(&json)
        .map_err(|source| HubError::BadJson { path: index.clone(), source })?;
    for shard in shards {
        if get(&shard)?.is_none() {
            return Ok(Some(SHARD));
        }
    }
    Ok(None)
}
