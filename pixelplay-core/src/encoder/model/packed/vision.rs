//! The vision tower.

use super::Result;
use super::attention::Sequence;
use super::columns::ColumnGroups;
use super::groups::groups_of;
use super::head::ProjectionHead;
use super::linear::{Bias, Linear, LinearSpec};
use super::loader::Loader;
use super::matrix::Matrix;
use super::transformer::Transformer;
use super::workspace::Workspace;
use crate::encoder::Precision;
use crate::encoder::checkpoint::{VitConfig, Weights};
use crate::simd::{Lanes, LayerNorm};

/// Converts pictures to vectors.
pub(in crate::encoder) struct VisionTower {
    width: usize,
    patch_size: usize,
    image_size: usize,
    patch_embedding: Linear,
    /// The position embedding of the class token and the patches, shape
    /// `(width / 16, patches + 1, 16)`.
    positions: Matrix,
    pre_norm: LayerNorm,
    pub(super) transformer: Transformer,
    head: ProjectionHead,
}

impl VisionTower {
    pub(in crate::encoder::model) fn load(
        weights: &Weights,
        vision: &VitConfig,
        dim: usize,
        precision: Precision,
        threads: usize,
    ) -> Result<Self> {
        let loader = &Loader { weights, precision, threads };
        let (transformer, width) = (&vision.transformer, vision.transformer.width);
        let at = "vision_model.embeddings";
        let patch = LinearSpec {
            parts: vec![format!("{at}.patch_embedding")],
            bias: Bias::None,
            inputs: ColumnGroups::single(3 * vision.patch_size.pow(2)),
            outputs: ColumnGroups::single(width),
            activation: None,
        };
        let rows = vision.patches() + 1;
        let values = loader.values(&format!("{at}.position_embedding.weight"), rows * width)?;
        let class = loader.values(&format!("{at}.class_embedding"), width)?;
        let mut positions = Matrix::default();
        positions.reshape(rows, width);
        for (row, values) in values.chunks_exact(width).enumerate() {
            positions.set_row(row, values);
        }
        let first: Vec<f32> = class.iter().zip(&values).map(|(a, b)| a + b).collect();
        positions.set_row(0, &first);
        let head = ["vision_model.post_layernorm", "visual_projection"];
        Ok(Self {
            width,
            patch_size: vision.patch_size,
            image_size: vision.image_size,
            patch_embedding: Linear::load(&loader.in_f32(), &patch, None)?,
            positions,
            pre_norm: loader.layer_norm("vision_model.pre_layrnorm", transformer)?,
            transformer: Transformer::load(loader, "vision_model", transformer, false)?,
            head: ProjectionHead::load(loader, head, transformer, dim)?,
        })
    }

    /// See [`VisionTower::forward_some`](super::super::VisionTower::forward_some).
    pub(in crate::encoder::model) fn forward(
        &self,
        pixels: &[f32],
        patches: usize,
    ) -> Result<Vec<Vec<f32>>> {
        let each = 3 * self.image_size.pow(2);
        let count = pixels.len() / each;
        let patches = patches.min(self.positions.rows - 1);
        let rows = patches + 1;
        self.head.run_groups(&groups_of(count, rows), |group, space| {
            let count = group.len();
            let sequences: Vec<Sequence> = (0..count)
                .map(|image| Sequence { rows: image * rows..(image + 1) * rows, pooled: 0 })
                .collect();
            let Workspace { ctx, x, normed, hidden, .. } = &mut *space;
            let pixels = &pixels[group.start * each..group.end * each];
            // A convolution whose stride equals its kernel size is one matrix product over the
            // patches.
            self.patchify(pixels, patches, hidden);
            normed.reshape(count * rows, self.width);
            let blocks = normed.lines.chunks_exact_mut(count * rows);
            let positions = self.positions.lines.chunks_exact(self.positions.rows);
            for (block, positions) in blocks.zip(positions) {
                for lines in block.chunks_exact_mut(rows) {
                    lines.copy_from_slice(&positions[..rows]);
                }
            }
            self.patch_embedding.add_to(ctx, hidden, normed);
            ctx.layer_norm(&self.pre_norm, normed, x);
            self.transformer.forward(&sequences, space);
            Ok(())
        })
    }

    /// Writes the first patches of each image as rows of pixels, with a row of zeros in the place
    /// of the class token.
    fn patchify(&self, pixels: &[f32], patches: usize, out: &mut Matrix) {
        let (size, image_size) = (self.patch_size, self.image_size);
        let side = image_size / size;
        let count = pixels.len() / (3 * image_size.pow(2));
        out.reshape(count * (patches + 1), 3 * size * size);
        out.lines.fill(Lanes::ZERO);
        for (image, pixels) in pixels.chunks_exact(3 * image_size.pow(2)).enumerate() {
            for patch in 0..patches {
                let row = image * (patches + 1) + 1 + patch;
                let (top, left) = (patch / side * size, patch % side * size);
                for line in 0..3 * size {
                    let (channel, y) = (line / size, top + line % size);
                    let from = (channel * image_size + y) * image_size + left;
                    out.set(row, line * size, &pixels[from..from + size]);
                }
            }
        }
    }
}
