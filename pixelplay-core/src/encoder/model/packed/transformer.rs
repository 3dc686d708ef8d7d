//! A stack of pre-norm layers, of whose result only some rows are wanted.

use super::attention::{Attention, Sequence};
use super::linear::{Coded, Heads, Linear, Source, Then};
use super::matrix::{Matrix, Workspace};
use super::{load_norm, parallel};
use crate::encoder::Precision;
use crate::encoder::checkpoint::{Activation, TransformerConfig, Weights};
use crate::encoder::error::EncodeError;
use crate::simd::{Backend, Curve, Norm};

#[derive(Debug)]
pub(super) struct Transformer {
    layers: Vec<Layer>,
    attention: Attention,
    curve: Curve,
    width: usize,
    mlp_width: usize,
}

#[derive(Debug)]
struct Layer {
    norm1: Norm,
    /// Queries, keys and values at once.
    project: Linear,
    out: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
}

impl Transformer {
    pub(super) fn load(
        weights: &Weights,
        tower: &str,
        config: &TransformerConfig,
        causal: bool,
        precision: Precision,
        threads: usize,
    ) -> Result<Self, EncodeError> {
        let heads = Heads { count: config.heads, width: config.width / config.heads };
        let (width, mlp) = (Heads::one(config.width), Heads::one(config.mlp_width));
        let linear =
            |parts: Vec<String>, inputs, outputs| Source { parts, has_bias: true, inputs, outputs };
        let of_layer = |layer: usize| {
            let at = format!("{tower}.encoder.layers.{layer}");
            let projections = ["q_proj", "k_proj", "v_proj"].map(|p| format!("{at}.self_attn.{p}"));
            [
                linear(projections.to_vec(), width, heads),
                linear(vec![format!("{at}.self_attn.out_proj")], heads, width),
                linear(vec![format!("{at}.mlp.fc1")], width, mlp),
                linear(vec![format!("{at}.mlp.fc2")], mlp, width),
            ]
        };
        let sources: Vec<Source> = (0..config.layers).flat_map(of_layer).collect();
        let norm = |layer: usize, name: &str| {
            load_norm(weights, &format!("{tower}.encoder.layers.{layer}.{name}"), config)
        };
        let norms = (0..config.layers)
            .map(|layer| Ok([norm(layer, "layer_norm1")?, norm(layer, "layer_norm2")?]))
            .collect::<Result<Vec<_>, EncodeError>>()?;
        // Of each layer, what its four linear layers read: the norms' results, attention's and the
        // hidden values.
        let reads = norms.iter().flat_map(|[a, b]| [Some(a), None, Some(b), None]);
        let sources: Vec<_> = sources.into_iter().zip(reads).collect();
        let packed = parallel(&sources, threads, |(source, norm)| {
            Linear::load(weights, source, precision, *norm)
        })?;
        drop(sources);
        let mut packed = packed.into_iter();
        let mut layers = Vec::with_capacity(config.layers);
        for [norm1, norm2] in norms {
            if let (Some(project), Some(out), Some(fc1), Some(fc2)) =
                (packed.next(), packed.next(), packed.next(), packed.next())
            {
                layers.push(Layer { norm1, project, out, norm2, fc1, fc2 });
            }
        }
        Ok(Self {
            layers,
            attention: Attention { backend: Backend::detect(), heads, causal },
            curve: match config.activation {
                Activation::QuickGelu => Curve::QuickGelu,
                Activation::Gelu => Curve::Gelu,
                Activation::GeluTanh => Curve::GeluTanh,
            },
            width: config.width,
            mlp_width: config.mlp_width,
        })
    }
}

impl Transformer {
    /// Runs all layers on `space.x`. What becomes of the pooled rows is then in `space.pooled`, one
    /// row for each sequence.
    pub(super) fn forward(&self, sequences: &[Sequence], space: &mut Workspace) {
        let Workspace { x, normed, projected, queries, attended, hidden, pooled, scratch, coded } =
            space;
        let (rows, backend) = (x.rows, self.attention.backend);
        let Some((last, others)) = self.layers.split_last() else {
            return;
        };
        // Of each head of the queries, keys and values.
        let padded = last.project.columns() / 3;
        projected.reshape(rows, last.project.columns());
        for layer in others {
            self.norm(&layer.norm1, x, normed);
            let all = 0..layer.project.blocks();
            layer.project.apply(backend, normed, all, Then::Store, coded, &mut projected.lines);
            attended.reshape(rows, padded);
            self.attention.run(sequences, false, projected, projected, attended, scratch);
            self.after_attention(layer, x, attended, normed, hidden, coded);
        }

        // In the last layer only the pooled rows are computed, once they know the keys and values
        // of the others.
        let wanted = sequences.iter().map(|s| s.rows.start + s.pooled);
        self.norm(&last.norm1, x, normed);
        let blocks = last.project.blocks();
        let keys_and_values = &mut projected.lines[rows * blocks / 3..];
        last.project.apply(
            backend,
            normed,
            blocks / 3..blocks,
            Then::Store,
            coded,
            keys_and_values,
        );
        hidden.gather(normed, wanted.clone());
        queries.reshape(sequences.len(), padded);
        last.project.apply(backend, hidden, 0..blocks / 3, Then::Store, coded, &mut queries.lines);
        attended.reshape(sequences.len(), padded);
        self.attention.run(sequences, true, queries, projected, attended, scratch);
        pooled.gather(x, wanted);
        self.after_attention(last, pooled, attended, normed, hidden, coded);
    }

    fn after_attention(
        &self,
        layer: &Layer,
        x: &mut Matrix,
        attended: &Matrix,
        normed: &mut Matrix,
        hidden: &mut Matrix,
        coded: &mut Coded,
    ) {
        let backend = self.attention.backend;
        let all = |linear: &Linear| 0..linear.blocks();
        layer.out.apply(backend, attended, all(&layer.out), Then::Add, coded, &mut x.lines);
        self.norm(&layer.norm2, x, normed);
        hidden.reshape(x.rows, self.mlp_width);
        let curve = Then::Bend(self.curve);
        layer.fc1.apply(backend, normed, all(&layer.fc1), curve, coded, &mut hidden.lines);
        layer.fc2.apply(backend, hidden, all(&layer.fc2), Then::Add, coded, &mut x.lines);
    }

    fn norm(&self, norm: &Norm, x: &Matrix, normed: &mut Matrix) {
        normed.reshape(x.rows, self.width);
        self.attention.backend.layer_norm(x.rows, norm, x.view(), normed.view_mut());
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
