//! Linear layers whose weights are packed as the right factors of products.

use std::ops::Range;

use rayon::prelude::*;

use super::Result;
use super::batch_norm::FoldedNorm;
use super::columns::ColumnGroups;
use super::int8::{Int8Weights, outliers};
use super::loader::Loader;
use super::matrix::Matrix;
use super::workspace::Ctx;
use crate::encoder::Precision;
use crate::simd::{Activation, Backend, Blocked, BlockedMut, Epilogue, Lanes, LayerNorm, WIDTH};

/// The number of multiplications that make another thread worthwhile.
const MIN_WORK_PER_THREAD: usize = 1 << 19;
/// Sums of this many 8-bit products cannot overflow.
const MAX_INT8_INPUTS: usize = 1 << 16;
/// With fewer rows than this, rows are not shared between threads.
const MIN_SHARED_ROWS: usize = 128;
/// Tasks per thread, so that a late thread does not keep the others waiting.
const TASKS_PER_THREAD: usize = 3;

/// `activation(x W^T + b)`.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    blocks: usize,
    weights: PackedWeights,
    bias: Option<Vec<Lanes>>,
    activation: Option<Activation>,
}

#[derive(Debug)]
enum PackedWeights {
    /// Shape `(outputs / 16, inputs, 16)`.
    F32(Vec<Lanes>),
    Int8(Int8Weights),
}

/// The location of a linear layer in a checkpoint, and its shape.
#[derive(Debug, Clone)]
pub(super) struct LinearSpec {
    /// The names of the layer's parts. All parts have the same inputs, and their outputs are
    /// concatenated.
    pub(super) parts: Vec<String>,
    pub(super) bias: Bias,
    pub(super) inputs: ColumnGroups,
    /// The outputs of each part.
    pub(super) outputs: ColumnGroups,
    pub(super) activation: Option<Activation>,
}

/// The bias of a linear layer.
#[derive(Debug, Clone)]
pub(super) enum Bias {
    None,
    /// Each part has its own bias.
    Own,
    /// There is no bias. A batch norm with this name follows, and is folded into weights and bias.
    BatchNorm(String),
}

impl Linear {
    /// Reads and packs the layer.
    pub(super) fn load(
        loader: &Loader<'_>,
        spec: &LinearSpec,
        inputs_from: Option<&LayerNorm>,
    ) -> Result<Self> {
        let LinearSpec { inputs, outputs, .. } = *spec;
        let columns = inputs.count * inputs.width;
        let blocks = spec.parts.len() * outputs.count * outputs.blocks_per_group();
        let mut packed = match loader.precision {
            Precision::Int8 if inputs.padded() <= MAX_INT8_INPUTS => {
                let outliers = inputs_from.map_or(Vec::new(), outliers);
                PackedWeights::Int8(Int8Weights::new(blocks, inputs.padded(), outliers))
            }
            _ => PackedWeights::F32(Vec::with_capacity(blocks * inputs.padded())),
        };
        let norm = match &spec.bias {
            Bias::BatchNorm(at) => Some(FoldedNorm::load(loader, at, outputs.width)?),
            Bias::None | Bias::Own => None,
        };
        let mut bias = Vec::with_capacity(blocks);
        let (mut bytes, mut values, mut block) = (Vec::new(), Vec::new(), Vec::new());
        for part in &spec.parts {
            let name = format!("{part}.weight");
            let weight = loader.weights.tensor(&name)?;
            for rows in outputs.blocks() {
                let range = rows.start * columns..rows.end * columns;
                weight.read(range, &mut bytes, &mut values)?;
                if let Some(norm) = &norm {
                    norm.fold(&mut values, rows);
                }
                let lines = match &mut packed {
                    PackedWeights::F32(lines) => lines,
                    PackedWeights::Int8(_) => {
                        block.clear();
                        &mut block
                    }
                };
                for group in 0..inputs.count {
                    let from = group * inputs.width;
                    pack(&values, columns, from..from + inputs.width, lines);
                    let filled = lines.len() + inputs.padded() / inputs.count - inputs.width;
                    lines.resize(filled, Lanes::ZERO);
                }
                if let PackedWeights::Int8(integers) = &mut packed {
                    integers.push(&mut block);
                }
            }
            match (&spec.bias, &norm) {
                (Bias::Own, _) => bias.extend(loader.lines(&format!("{part}.bias"), outputs)?),
                (_, Some(norm)) => bias.extend(norm.shift()),
                (_, None) => {}
            }
        }
        Ok(Self {
            inputs: inputs.padded(),
            blocks,
            weights: packed,
            bias: Some(bias).filter(|bias| !bias.is_empty()),
            activation: spec.activation,
        })
    }

    /// Returns the number of blocks of outputs.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Returns the number of outputs, including those that pad their blocks.
    pub(super) fn columns(&self) -> usize {
        self.blocks * WIDTH
    }

    /// Computes all outputs of all rows of `x`.
    pub(super) fn apply(&self, ctx: &mut Ctx, x: &Matrix, out: &mut Matrix) {
        out.reshape(x.rows, self.columns());
        self.run(ctx, x, 0..self.blocks, false, &mut out.lines);
    }

    /// Computes all outputs and adds them to the contents of `out`.
    pub(super) fn add_to(&self, ctx: &mut Ctx, x: &Matrix, out: &mut Matrix) {
        self.run(ctx, x, 0..self.blocks, true, &mut out.lines);
    }

    /// Computes several blocks of outputs. `out` has exactly their lines.
    pub(super) fn apply_blocks(
        &self,
        ctx: &mut Ctx,
        x: &Matrix,
        blocks: Range<usize>,
        out: &mut [Lanes],
    ) {
        self.run(ctx, x, blocks, false, out);
    }

    /// Computes several blocks of outputs on this thread only, in `f32` only.
    pub(super) fn apply_alone(
        &self,
        backend: Backend,
        x: Blocked<'_>,
        blocks: Range<usize>,
        out: &mut [Lanes],
    ) {
        if let PackedWeights::F32(lines) = &self.weights {
            let right = Blocked::whole(&lines[blocks.start * self.inputs..], self.inputs);
            let out = BlockedMut::whole(out, x.rows());
            backend.gemm(x, right, out, self.epilogue(blocks.start, false));
        }
    }

    fn epilogue(&self, first: usize, accumulate: bool) -> Epilogue<'_> {
        Epilogue {
            bias: self.bias.as_ref().map(|bias| &bias[first..]),
            accumulate,
            activation: self.activation,
        }
    }

    fn run(
        &self,
        ctx: &mut Ctx,
        x: &Matrix,
        blocks: Range<usize>,
        accumulate: bool,
        out: &mut [Lanes],
    ) {
        let (rows, backend) = (x.rows, ctx.backend);
        if let PackedWeights::Int8(weights) = &self.weights {
            ctx.quantized.quantize(backend, x, weights);
        }
        let quantized = &ctx.quantized;
        let work = rows * self.inputs * blocks.len() * WIDTH;
        let threads = rayon::current_num_threads().min(work.div_ceil(MIN_WORK_PER_THREAD));
        // An even number, since blocks are computed in pairs.
        let share = match threads {
            0 | 1 => blocks.len(),
            _ => blocks.len().div_ceil(threads * TASKS_PER_THREAD).next_multiple_of(2),
        };
        let one = |(index, out): (usize, &mut [Lanes])| {
            let first = blocks.start + index * share;
            let epilogue = self.epilogue(first, accumulate);
            let out = BlockedMut::whole(out, rows);
            match &self.weights {
                PackedWeights::F32(lines) => {
                    let right = Blocked::whole(&lines[first * self.inputs..], self.inputs);
                    backend.gemm(x.view(), right, out, epilogue);
                }
                PackedWeights::Int8(weights) => {
                    quantized.gemm(backend, weights, first, out, epilogue);
                }
            }
        };
        if let PackedWeights::F32(lines) = &self.weights
            && threads > 1
            && rows >= MIN_SHARED_ROWS
            && blocks.len() < TASKS_PER_THREAD * threads
        {
            // There are too few blocks for all threads, so each block is split by its rows.
            let share = rows.div_ceil(threads * TASKS_PER_THREAD);
            out.par_chunks_mut(rows).zip(blocks).for_each(|(out, block)| {
                out.par_chunks_mut(share).enumerate().for_each(|(index, out)| {
                    let part = index * share..index * share + out.len();
                    let right = Blocked::whole(&lines[block * self.inputs..], self.inputs);
                    let (left, len) = (x.view().slice(part), out.len());
                    let out = BlockedMut::whole(out, len);
                    backend.gemm(left, right, out, self.epilogue(block, accumulate));
                });
            });
        } else if share >= blocks.len() {
            one((0, out));
        } else {
            out.par_chunks_mut(share * rows).enumerate().for_each(one);
        }
    }
}

/// Appends one line for each picked column of `rows`, which has at most 16 rows.
fn pack(rows: &[f32], columns: usize, picked: Range<usize>, lines: &mut Vec<Lanes>) {
    if rows.len() == columns * WIDTH {
        lines.extend(picked.map(|column| {
            let mut line = Lanes::ZERO;
            for (lane, value) in line.0.iter_mut().enumerate() {
                *value = rows[lane * columns + column];
            }
            line
        }));
        return;
    }
    lines.extend(picked.map(|column| {
        let mut line = Lanes::ZERO;
        for (value, row) in line.0.iter_mut().zip(rows.chunks_exact(columns)) {
            *value = row[column];
        }
        line
    }));
}
