//! The tensors of a `CLIPModel`, as transformers names them.

use crate::encoder::checkpoint::config::{TextConfig, TransformerConfig, VitConfig};
use crate::encoder::checkpoint::expected_tensors::Add;

/// Adds the tensors of the text tower.
pub(in crate::encoder::checkpoint) fn add_text(text: &TextConfig, dim: usize, add: &mut Add<'_>) {
    let (at, width) = ("text_model", text.transformer.width);
    add(&format!("{at}.embeddings.token_embedding.weight"), &[text.vocab_size, width]);
    add(&format!("{at}.embeddings.position_embedding.weight"), &[text.max_positions, width]);
    add_layers(&text.transformer, at, add);
    add_norm(&format!("{at}.final_layer_norm"), width, add);
    add("text_projection.weight", &[dim, width]);
}

/// Adds the tensors of the vision tower.
pub(in crate::encoder::checkpoint) fn add_vision(
    vision: &VitConfig,
    dim: usize,
    add: &mut Add<'_>,
) {
    let (at, width) = ("vision_model", vision.transformer.width);
    add(&format!("{at}.embeddings.class_embedding"), &[width]);
    add(
        &format!("{at}.embeddings.patch_embedding.weight"),
        &[width, 3, vision.patch_size, vision.patch_size],
    );
    add(&format!("{at}.embeddings.position_embedding.weight"), &[vision.patches() + 1, width]);
    for norm in ["pre_layrnorm", "post_layernorm"] {
        add_norm(&format!("{at}.{norm}"), width, add);
    }
    add_layers(&vision.transformer, at, add);
    add("visual_projection.weight", &[dim, width]);
}

fn add_norm(at: &str, width: usize, add: &mut Add<'_>) {
    add(&format!("{at}.weight"), &[width]);
    add(&format!("{at}.bias"), &[width]);
}

fn add_layers(transformer: &TransformerConfig, tower: &str, add: &mut Add<'_>) {
    let (width, mlp) = (transformer.width, transformer.mlp_width);
    for layer in 0..transformer.layers {
        let at = format!("{tower}.encoder.layers.{layer}");
        for norm in ["layer_norm1", "layer_norm2"] {
            add_norm(&format!("{at}.{norm}"), width, add);
        }
        for (linear, outputs, inputs) in [
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", width, width),
            ("self_attn.v_proj", width, width),
            ("self_attn.out_proj", width, width),
            ("mlp.fc1", mlp, width),
            ("mlp.fc2", width, mlp),
        ] {
            add(&format!("{at}.{linear}.weight"), &[outputs, inputs]);
            add(&format!("{at}.{linear}.bias"), &[outputs]);
        }
    }
}
