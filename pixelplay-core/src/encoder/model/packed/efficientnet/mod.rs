//! The convolutional vision tower.
//!
//! Activations are blocked matrices with one row for each pixel: all pixels of the first picture in
//! reading order, then those of the next picture. So a convolution with a kernel of one pixel is a
//! matrix product. A block stores 16 channels, and within it the pixels of a picture are adjacent,
//! as a depthwise convolution needs them.
//!
//! * [`block`] has the blocks of the tower, [`kernel`] the convolutions that are not matrix
//!   products.

mod block;
mod kernel;

use rayon::prelude::*;

use self::block::{BlockLayers, block_specs};
use self::kernel::{KernelSpec, PackedKernel};
use super::Result;
use super::columns::ColumnGroups;
use super::groups::{groups_of, run_groups};
use super::linear::{Bias, Linear, LinearSpec};
use super::loader::Loader;
use super::matrix::Matrix;
use super::workspace::{Ctx, Workspaces};
use crate::encoder::Precision;
use crate::encoder::checkpoint::{ConvNames, EfficientNetConfig, HEAD, STEM, Weights};
use crate::simd::{Activation, Lanes};

/// Blocks with more output pixels than this are run picture by picture, so that their output stays
/// in the cache. With fewer pixels, several pictures are run together, so that the weights are read
/// from memory once for all of them.
const MAX_SHARED_PIXELS: usize = 256;

/// Converts pictures to vectors.
pub(in crate::encoder) struct EfficientNet {
    image_size: usize,
    stem: PackedKernel,
    /// Blocks that are run picture by picture.
    large: Vec<BlockLayers>,
    /// Blocks that are run for a group of pictures at once, and the side of their input in pixels.
    small: Vec<BlockLayers>,
    small_side: usize,
    head: Linear,
    projection: Vec<Linear>,
    dim: usize,
    workspaces: Workspaces<Space>,
}

/// The intermediate results of a pass.
#[derive(Debug, Default)]
struct Space {
    ctx: Ctx,
    x: Matrix,
    /// The output of the block whose input is `x`.
    next: Matrix,
    /// The convolved channels of a block.
    convolved: Matrix,
    /// The expanded channels, a few blocks for each task.
    expanded: Vec<Vec<Lanes>>,
    /// The input of the small blocks.
    joined: Matrix,
}

impl EfficientNet {
    /// Reads and packs the tower, always in `f32`.
    pub(in crate::encoder::model) fn load(
        weights: &Weights,
        config: &EfficientNetConfig,
        dim: usize,
        threads: usize,
    ) -> Result<Self> {
        let loader = &Loader { weights, precision: Precision::F32, threads };
        let blocks = config.model.blocks();
        let last = blocks.last().map_or(STEM, |block| block.outputs);
        // All matrix products, read and packed in parallel.
        let mut specs: Vec<LinearSpec> = blocks.iter().flat_map(block_specs).collect();
        specs.push(pointwise(ConvNames::head(), last, HEAD, Some(Activation::Relu6)));
        specs.extend(config.head.layers(dim).iter().enumerate().map(|(at, layer)| LinearSpec {
            parts: vec![layer.at.to_owned()],
            bias: if layer.has_bias { Bias::Own } else { Bias::None },
            inputs: ColumnGroups::single(layer.inputs),
            outputs: ColumnGroups::single(layer.outputs),
            // If there are two layers, the activation is between them.
            activation: (at + 1 < config.head.layers(dim).len()).then_some(Activation::Gelu),
        }));
        let linears = loader.parallel(&specs, |spec| Linear::load(loader, spec, None))?;
        let mut linears = linears.into_iter();

        let stem = KernelSpec { planes: 3, channels: STEM, kernel: 3, stride: 2 };
        let stem = PackedKernel::load(loader, &ConvNames::stem(), stem, config.image_size)?;
        let mut side = stem.outputs();
        let (mut large, mut small) = (Vec::new(), Vec::new());
        let mut small_side = side;
        for block in &blocks {
            let layers = BlockLayers::load(loader, block, side, &mut linears)?;
            side = layers.outputs();
            if small.is_empty() && side * side > MAX_SHARED_PIXELS {
                small_side = side;
                large.push(layers);
            } else {
                small.push(layers);
            }
        }
        let head = linears.next().ok_or_else(block::missing)?;
        Ok(Self {
            image_size: config.image_size,
            stem,
            large,
            small,
            small_side,
            head,
            projection: linears.collect(),
            dim,
            workspaces: Workspaces::default(),
        })
    }

    /// See [`VisionTower::forward`](super::super::VisionTower::forward).
    pub(in crate::encoder::model) fn forward(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        let each = 3 * self.image_size.pow(2);
        let rows = self.small.first().map_or(self.small_side, BlockLayers::outputs).pow(2);
        run_groups(&groups_of(pixels.len() / each, rows), |group| {
            let pixels = &pixels[group.start * each..group.end * each];
            self.workspaces.with(|space| {
                self.pass(pixels, space);
                let x = &space.x;
                Ok((0..x.rows).map(|row| x.row(row, self.dim)).collect())
            })
        })
    }

    /// Computes the vectors of several pictures, and leaves them in `space.x`.
    fn pass(&self, pixels: &[f32], space: &mut Space) {
        let each = 3 * self.image_size.pow(2);
        let count = pixels.len() / each;
        let plane = self.small_side.pow(2);
        for (picture, pixels) in pixels.chunks_exact(each).enumerate() {
            self.stem(pixels, space);
            for block in &self.large {
                block.forward(1, space);
            }
            if count > 1 {
                let Space { x, joined, .. } = &mut *space;
                let rows = count * plane;
                joined.rows = rows;
                joined.lines.resize(x.lines.len() * count, Lanes::ZERO);
                let blocks = joined.lines.chunks_exact_mut(rows);
                for (to, from) in blocks.zip(x.lines.chunks_exact(plane)) {
                    to[picture * plane..][..plane].copy_from_slice(from);
                }
            }
        }
        if count > 1 {
            std::mem::swap(&mut space.x, &mut space.joined);
        }
        for block in &self.small {
            block.forward(count, space);
        }
        let Space { ctx, x, next, .. } = space;
        self.head.apply(ctx, x, next);
        average(next, count, x);
        for layer in &self.projection {
            layer.apply(ctx, x, next);
            std::mem::swap(x, next);
        }
    }

    /// Runs the first convolution on the planes of a picture.
    fn stem(&self, pixels: &[f32], space: &mut Space) {
        let Space { ctx, x, .. } = space;
        let (side, backend) = (self.stem.outputs(), ctx.backend);
        x.reshape(side * side, STEM);
        let share = side.div_ceil(rayon::current_num_threads() * 3).max(8);
        x.lines.par_chunks_mut(side * side).enumerate().for_each(|(block, plane)| {
            plane.par_chunks_mut(share * side).enumerate().for_each(|(part, out)| {
                let weights = self.stem.weights(block);
                backend.convolve_planes(&self.stem.shape, pixels, weights, part * share, out);
            });
        });
    }
}

/// Returns a convolution with a kernel of one pixel, followed by a batch norm.
fn pointwise(
    names: ConvNames,
    inputs: usize,
    outputs: usize,
    activation: Option<Activation>,
) -> LinearSpec {
    LinearSpec {
        parts: vec![names.conv],
        bias: Bias::BatchNorm(names.norm),
        inputs: ColumnGroups::single(inputs),
        outputs: ColumnGroups::single(outputs),
        activation,
    }
}

/// Computes the mean of the pixels of each picture, in order.
fn average(x: &Matrix, pictures: usize, out: &mut Matrix) {
    let pixels = x.rows / pictures;
    out.rows = pictures;
    out.lines.clear();
    out.lines.extend(x.lines.chunks_exact(pixels).map(|pixels| {
        let mut sum = Lanes::ZERO;
        for line in pixels {
            for (sum, value) in sum.0.iter_mut().zip(line.0) {
                *sum += value;
            }
        }
        Lanes(sum.0.map(|sum| sum / pixels.len() as f32))
    }));
}

#[cfg(all(test, feature = "mini"))]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::encoder::checkpoint::{Config, VisionConfig, made};
    use crate::simd::Backend;

    const CONFIG: &[u8] = br#"{"model_cfg": {
        "embed_dim": 24,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite0", "timm_proj": "mlp", "image_size": 69
        },
        "text_cfg": {"vocab_size": 8, "context_length": 4, "width": 16, "heads": 2, "layers": 1}
    }}"#;

    #[test]
    fn every_backend_gives_nearly_the_same_vectors() {
        let config = Config::parse_open_clip(Path::new("config"), CONFIG).unwrap();
        let VisionConfig::EfficientNet(net) = &config.vision else { panic!("{config:?}") };
        let weights = Weights::embedded("weights".into(), made::weights(&config)).unwrap();
        let tower = EfficientNet::load(&weights, net, config.projection_dim, 1).unwrap();
        let pixels: Vec<f32> = (0..2 * 3 * 69 * 69)
            .map(|at| ((at * 7919 % 1009) as f32 / 504.0 - 1.0).sin())
            .collect();
        let vectors = |backend: Backend| -> Vec<Vec<f32>> {
            let mut space = Space::default();
            space.ctx.backend = backend;
            tower.pass(&pixels, &mut space);
            (0..2).map(|picture| space.x.row(picture, tower.dim)).collect()
        };
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let mut backends = Backend::available().into_iter();
        let expected = backends.next().map(vectors).unwrap();
        assert!(expected[0] != expected[1] && expected[0].iter().any(|&value| value != 0.0));
        for backend in backends {
            for (a, b) in vectors(backend).iter().zip(&expected) {
                let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                assert!(cosine > 0.999_999_9, "{backend}: {cosine}");
            }
        }
    }
}
