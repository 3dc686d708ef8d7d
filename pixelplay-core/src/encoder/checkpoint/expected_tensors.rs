//! Which tensors a configuration calls for.

use super::config::{Config, TransformerConfig, VisionConfig};

/// A tensor that a configuration calls for.
pub(in crate::encoder) struct TensorSpec {
    pub(in crate::encoder) name: String,
    pub(in crate::encoder) shape: Vec<usize>,
}

impl Config {
    /// Every tensor of both towers, as transformers names them.
    pub(in crate::encoder) fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = Vec::new();
        let mut add = |name: &str, shape: &[usize]| {
            specs.push(TensorSpec { name: name.to_owned(), shape: shape.to_vec() });
        };

        let (text, width) = (&self.text, self.text.transformer.width);
        let at = "text_model";
        add(&format!("{at}.embeddings.token_embedding.weight"), &[text.vocab_size, width]);
        add(&format!("{at}.embeddings.position_embedding.weight"), &[text.max_positions, width]);
        text.transformer.add_layers(at, &mut add);
        add(&format!("{at}.final_layer_norm.weight"), &[width]);
        add(&format!("{at}.final_layer_norm.bias"), &[width]);
        add("text_projection.weight", &[self.projection_dim, width]);

        let (vision, width) = (&self.vision, self.vision.transformer.width);
        let at = "vision_model";
        add(&format!("{at}.embeddings.class_embedding"), &[width]);
        add(
            &format!("{at}.embeddings.patch_embedding.weight"),
            &[width, 3, vision.patch_size, vision.patch_size],
        );
        add(&format!("{at}.embeddings.position_embedding.weight"), &[vision.patches() + 1, width]);
        for norm in ["pre_layrnorm", "post_layernorm"] {
            add(&format!("{at}.{norm}.weight"), &[width]);
            add(&format!("{at}.{norm}.bias"), &[width]);
        }
        vision.transformer.add_layers(at, &mut add);
        add("visual_projection.weight", &[self.projection_dim, width]);
        specs
    }
}

impl VisionConfig {
    /// How many patches a picture is cut into.
    pub(in crate::encoder) fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }
}

impl TransformerConfig {
    fn add_layers(&self, tower: &str, add: &mut impl FnMut(&str, &[usize])) {
        let (width, mlp) = (self.width, self.mlp_width);
        for layer in 0..self.layers {
            let at = format!("{tower}.encoder.layers.{layer}");
            for norm in ["layer_norm1", "layer_norm2"] {
                add(&format!("{at}.{norm}.weight"), &[width]);
                add(&format!("{at}.{norm}.bias"), &[width]);
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
}
