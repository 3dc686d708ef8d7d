//! One block: it expands the channels, convolves each channel, and projects.

use rayon::prelude::*;

use super::super::Result;
use super::super::linear::{Linear, LinearSpec};
use super::super::loader::Loader;
use super::super::matrix::Matrix;
use super::kernel::{KernelSpec, PackedKernel};
use super::{Space, pointwise};
use crate::encoder::checkpoint::Block;
use crate::encoder::error::EncodeError;
use crate::simd::{Activation, Backend, Lanes, WIDTH};

/// The number of blocks of channels that are expanded at once: as many as a matrix product computes
/// at a time.
const TOGETHER: usize = 2;
/// Tasks per thread, so that a late thread does not keep the others waiting.
const TASKS_PER_THREAD: usize = 3;

/// The layers of a block.
#[derive(Debug)]
pub(super) struct BlockLayers {
    /// `None` in the first block.
    expansion: Option<Linear>,
    depthwise: PackedKernel,
    projection: Linear,
    /// The number of blocks of 16 channels that are convolved.
    width: usize,
    has_skip: bool,
}

/// Returns its matrix products, in the order of [`BlockLayers::load`].
pub(super) fn block_specs(block: &Block) -> Vec<LinearSpec> {
    let Block { inputs, width, outputs, .. } = *block;
    let expansion = block.expansion();
    let expansion = expansion.map(|names| pointwise(names, inputs, width, Some(Activation::Relu6)));
    expansion.into_iter().chain([pointwise(block.projection(), width, outputs, None)]).collect()
}

/// The error for a missing layer. It would be a bug, because all requested layers are packed.
pub(super) fn missing() -> EncodeError {
    EncodeError::forward("a layer was not packed")
}

impl BlockLayers {
    /// Takes the block's linear layers from the packed ones, and packs the rest. `side` is the
    /// height and width of the input.
    pub(super) fn load(
        loader: &Loader<'_>,
        block: &Block,
        side: usize,
        linears: &mut impl Iterator<Item = Linear>,
    ) -> Result<Self> {
        let Block { width, kernel, stride, .. } = *block;
        let expansion = match block.expansion() {
            Some(_) => Some(linears.next().ok_or_else(missing)?),
            None => None,
        };
        let spec = KernelSpec { planes: 1, channels: width, kernel, stride };
        Ok(Self {
            expansion,
            depthwise: PackedKernel::load(loader, &block.depthwise(), spec, side)?,
            projection: linears.next().ok_or_else(missing)?,
            width: width.div_ceil(WIDTH),
            has_skip: block.has_skip(),
        })
    }

    /// Returns height and width of the output, in pixels.
    pub(super) fn outputs(&self) -> usize {
        self.depthwise.outputs()
    }

    /// Runs `space.x`, all pixels of several pictures, through the block.
    pub(super) fn forward(&self, pictures: usize, space: &mut Space) {
        let Space { ctx, x, next, convolved, expanded, .. } = space;
        let rows = pictures * self.outputs().pow(2);
        convolved.reshape(rows, self.width * WIDTH);
        let threads = rayon::current_num_threads();
        // Multiples of the number of blocks expanded at once.
        let share = match threads {
            1 => self.width,
            _ => self.width.div_ceil(threads * TASKS_PER_THREAD).next_multiple_of(TOGETHER),
        };
        let tasks = self.width.div_ceil(share);
        if expanded.len() < tasks {
            expanded.resize_with(tasks, Vec::new);
        }
        let backend = ctx.backend;
        let one = |(task, (out, scratch)): (usize, (&mut [Lanes], &mut Vec<Lanes>))| {
            self.convolve(backend, x, task * share, rows, scratch, out);
        };
        let shares = (&mut convolved.lines[..], &mut expanded[..tasks]);
        if tasks == 1 {
            one((0, (shares.0, &mut shares.1[0])));
        } else {
            shares.0.par_chunks_mut(share * rows).zip(shares.1).enumerate().for_each(one);
        }
        if self.has_skip {
            self.projection.add_to(ctx, convolved, x);
        } else {
            self.projection.apply(ctx, convolved, next);
            std::mem::swap(x, next);
        }
    }

    /// Expands and convolves the channels of several blocks, starting at `first`. `out` has exactly
    /// their lines, `rows` for each. Works on a few blocks at a time, so that expanded channels are
    /// still in the cache when they are convolved.
    fn convolve(
        &self,
        backend: Backend,
        x: &Matrix,
        first: usize,
        rows: usize,
        scratch: &mut Vec<Lanes>,
        out: &mut [Lanes],
    ) {
        let shape = &self.depthwise.shape;
        let (seen, given) = (shape.side.pow(2), shape.outputs.pow(2));
        for (index, out) in out.chunks_mut(TOGETHER * rows).enumerate() {
            let first = first + index * TOGETHER;
            let blocks = first..first + out.len() / rows;
            let planes = match &self.expansion {
                Some(expansion) => {
                    let lines = blocks.len() * x.rows;
                    // The buffer never shrinks, because growing it again would fill it with zeros.
                    if scratch.len() < lines {
                        scratch.resize(lines, Lanes::ZERO);
                    }
                    let scratch = &mut scratch[..lines];
                    expansion.apply_alone(backend, x.view(), blocks.clone(), scratch);
                    &scratch[..]
                }
                None => &x.lines[blocks.start * x.rows..blocks.end * x.rows],
            };
            // Block by block, and within each block picture by picture.
            for ((out, seen), at) in
                out.chunks_exact_mut(given).zip(planes.chunks_exact(seen)).zip(0..)
            {
                let block = blocks.start + at / (rows / given);
                backend.convolve_channels(shape, seen, self.depthwise.weights(block), 0, out);
            }
        }
    }
}
