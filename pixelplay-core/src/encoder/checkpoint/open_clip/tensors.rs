//! The tensors of OpenCLIP's text tower.

use crate::encoder::checkpoint::config::TextConfig;
use crate::encoder::checkpoint::expected_tensors::Add;

/// Adds every tensor; `before` is the prefix of each name.
pub(in crate::encoder::checkpoint) fn add_text(
    text: &TextConfig,
    before: &str,
    dim: usize,
    add: &mut Add<'_>,
) {
    let (width, mlp) = (text.transformer.width, text.transformer.mlp_width);
    let mut add = |name: &str, shape: &[usize]| add(&format!("{before}{name}"), shape);
    add("token_embedding.weight", &[text.vocab_size, width]);
    add("positional_embedding", &[text.max_positions, width]);
    // This is a matrix that the features are multiplied by, not a linear layer.
    add("text_projection", &[width, dim]);
    let mut add_pair = |at: &str, shape: &[usize]| {
        add(&format!("{at}weight"), shape);
        add(&format!("{at}bias"), &shape[..1]);
    };
    add_pair("ln_final.", &[width]);
    for layer in 0..text.transformer.layers {
        let at = format!("transformer.resblocks.{layer}");
        add_pair(&format!("{at}.ln_1."), &[width]);
        add_pair(&format!("{at}.ln_2."), &[width]);
        add_pair(&format!("{at}.attn.in_proj_"), &[3 * width, width]);
        add_pair(&format!("{at}.attn.out_proj."), &[width, width]);
        add_pair(&format!("{at}.mlp.c_fc."), &[mlp, width]);
        add_pair(&format!("{at}.mlp.c_proj."), &[width, mlp]);
    }
}
