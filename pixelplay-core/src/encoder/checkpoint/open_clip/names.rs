//! Maps OpenCLIP's text tower to the names of a `CLIPModel`.
//!
//! The two are the same network. OpenCLIP stores the rows of queries, keys and values one after
//! another in one tensor, and the projection as a matrix to multiply by instead of a linear layer.

use crate::encoder::checkpoint::config::{Config, Layout};
use crate::encoder::checkpoint::weights::Weights;
use crate::encoder::error::EncodeError;

/// Makes the weights of an OpenCLIP checkpoint available under the names that the text tower uses.
/// Does not change weights of other checkpoints. The weights must have been checked against the
/// configuration.
///
/// Only the projection is copied, because it is transposed.
pub(in crate::encoder) fn add_clip_names(
    weights: &mut Weights,
    config: &Config,
) -> Result<(), EncodeError> {
    let Layout::OpenClip { text } = config.layout else {
        return Ok(());
    };
    let width = config.text.transformer.width;
    let from = |name: &str| format!("{text}{name}");
    let whole = [
        ("token_embedding.weight", "embeddings.token_embedding.weight"),
        ("positional_embedding", "embeddings.position_embedding.weight"),
        ("ln_final.weight", "final_layer_norm.weight"),
        ("ln_final.bias", "final_layer_norm.bias"),
    ];
    for (theirs, ours) in whole {
        weights.add_name(&from(theirs), format!("text_model.{ours}"))?;
    }
    for layer in 0..config.text.transformer.layers {
        let theirs = from(&format!("transformer.resblocks.{layer}"));
        let ours = format!("text_model.encoder.layers.{layer}");
        for part in ["weight", "bias"] {
            let joint = format!("{theirs}.attn.in_proj_{part}");
            for (at, name) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
                let name = format!("{ours}.self_attn.{name}.{part}");
                weights.add_rows(&joint, at * width..(at + 1) * width, name)?;
            }
            for (from, to) in [
                ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"),
                ("attn.out_proj", "self_attn.out_proj"),
                ("mlp.c_fc", "mlp.fc1"),
                ("mlp.c_proj", "mlp.fc2"),
            ] {
                weights
                    .add_name(&format!("{theirs}.{from}.{part}"), format!("{ours}.{to}.{part}"))?;
            }
        }
    }
    weights.add_transposed(&from("text_projection"), "text_projection.weight".to_owned())
}
