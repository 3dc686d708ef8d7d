//! A stack of pre-norm layers. Only some rows of its result are needed.

use super::Result;
use super::attention::{Attention, Queries, Sequence};
use super::columns::ColumnGroups;
use super::linear::{Bias, Linear, LinearSpec};
use super::loader::Loader;
use super::matrix::Matrix;
use super::workspace::{Ctx, Workspace};
use crate::encoder::checkpoint::{self, TransformerConfig};
use crate::simd::{Activation, LayerNorm};

#[derive(Debug)]
pub(super) struct Transformer {
    layers: Vec<Layer>,
    attention: Attention,
}

#[derive(Debug)]
struct Layer {
    norm1: LayerNorm,
    /// The projection to queries, keys and values.
    project: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Transformer {
    pub(super) fn load(
        loader: &Loader<'_>,
        tower: &str,
        config: &TransformerConfig,
        causal: bool,
    ) -> Result<Self> {
        let heads = ColumnGroups { count: config.heads, width: config.width / config.heads };
        let (width, mlp) =
            (ColumnGroups::single(config.width), ColumnGroups::single(config.mlp_width));
        let activation = match config.activation {
            checkpoint::Activation::QuickGelu => Activation::QuickGelu,
            checkpoint::Activation::Gelu => Activation::Gelu,
            checkpoint::Activation::GeluTanh => Activation::GeluTanh,
        };
        let linear = |parts: Vec<String>, inputs, outputs, activation| LinearSpec {
            parts,
            bias: Bias::Own,
            inputs,
            outputs,
            activation,
        };
        let of_layer = |layer: usize| {
            let at = format!("{tower}.encoder.layers.{layer}");
            let projections = ["q_proj", "k_proj", "v_proj"].map(|p| format!("{at}.self_attn.{p}"));
            [
                linear(projections.to_vec(), width, heads, None),
                linear(vec![format!("{at}.self_attn.out_proj")], heads, width, None),
                linear(vec![format!("{at}.mlp.fc1")], width, mlp, Some(activation)),
                linear(vec![format!("{at}.mlp.fc2")], mlp, width, None),
            ]
        };
        let specs: Vec<LinearSpec> = (0..config.layers).flat_map(of_layer).collect();
        let norm = |layer: usize, name: &str| {
            loader.layer_norm(&format!("{tower}.encoder.layers.{layer}.{name}"), config)
        };
        let norms = (0..config.layers)
            .map(|layer| Ok([norm(layer, "layer_norm1")?, norm(layer, "layer_norm2")?]))
            .collect::<Result<Vec<_>>>()?;
        // The norms before the four linear layers of each transformer layer. Two of them have none:
        // their inputs are the result of attention and the hidden values of the MLP.
        let reads = norms.iter().flat_map(|[a, b]| [Some(a), None, Some(b), None]);
        let specs: Vec<_> = specs.into_iter().zip(reads).collect();
        let packed = loader.parallel(&specs, |(spec, norm)| Linear::load(loader, spec, *norm))?;
        drop(specs);
        let mut packed = packed.into_iter();
        let mut layers = Vec::with_capacity(config.layers);
        for [norm1, norm2] in norms {
            if let (Some(project), Some(out), Some(fc1), Some(fc2)) =
                (packed.next(), packed.next(), packed.next(), packed.next())
            {
                layers.push(Layer { norm1, project, out, norm2, fc1, fc2 });
            }
        }
        Ok(Self { layers, attention: Attention { heads, causal } })
    }

    /// Runs all layers on `space.x`. The results for the pooled rows are then in `space.pooled`,
    /// one row for each sequence.
    pub(super) fn forward(&self, sequences: &[Sequence], space: &mut Workspace) {
        let Workspace { ctx, x, normed, projected, queries, attended, hidden, pooled } = space;
        let Some((last, others)) = self.layers.split_last() else {
            return;
        };
        // The padded columns of the queries, the keys and the values.
        let padded = last.project.columns() / 3;
        for layer in others {
            ctx.layer_norm(&layer.norm1, x, normed);
            layer.project.apply(ctx, normed, projected);
            attended.reshape(x.rows, padded);
            self.attention.run(ctx, sequences, Queries::All, projected, attended);
            layer.after_attention(ctx, x, attended, normed, hidden);
        }

        // In the last layer, only the pooled rows are computed, using the keys and values of all
        // rows.
        let wanted = sequences.iter().map(|s| s.rows.start + s.pooled);
        ctx.layer_norm(&last.norm1, x, normed);
        let blocks = last.project.blocks();
        projected.reshape(x.rows, last.project.columns());
        let keys_and_values = &mut projected.lines[x.rows * blocks / 3..];
        last.project.apply_blocks(ctx, normed, blocks / 3..blocks, keys_and_values);
        hidden.gather(normed, wanted.clone());
        queries.reshape(sequences.len(), padded);
        last.project.apply_blocks(ctx, hidden, 0..blocks / 3, &mut queries.lines);
        attended.reshape(sequences.len(), padded);
        self.attention.run(ctx, sequences, Queries::Pooled(queries), projected, attended);
        pooled.gather(x, wanted);
        last.after_attention(ctx, pooled, attended, normed, hidden);
    }
}

impl Layer {
    fn after_attention(
        &self,
        ctx: &mut Ctx,
        x: &mut Matrix,
        attended: &Matrix,
        normed: &mut Matrix,
        hidden: &mut Matrix,
    ) {
        self.out.add_to(ctx, attended, x);
        ctx.layer_norm(&self.norm2, x, normed);
        self.fc1.apply(ctx, normed, hidden);
        self.fc2.add_to(ctx, hidden, x);
    }
}

#[cfg(all(test, feature = "mini"))]
impl Transformer {
    pub(super) fn len(&self) -> usize {
        self.layers.len()
    }

    pub(super) fn swap_layer(&mut self, other: &mut Self, layer: usize) {
        std::mem::swap(&mut self.layers[layer], &mut other.layers[layer]);
    }
}
