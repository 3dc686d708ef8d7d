//! Linear layers whose weights are packed as the right factors of products.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::encoder::error::EncodeError;
use crate::encoder::weights::Weights;
use crate::simd::{Backend, Blocked, BlockedMut, Curve, Finish, Lanes, WIDTH};

/// So many multiplications are worth another thread's while.
const WORTH_A_THREAD: usize = 1 << 19;
/// Shares of the work for each thread, so that one that is late does not keep the others waiting.
const SHARES: usize = 3;

/// `x W^T + b`.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    /// Shape `(outputs / 16, inputs, 16)`.
    lines: Vec<Lanes>,
    bias: Option<Vec<Lanes>>,
}

/// Where a linear layer lies in a checkpoint.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The names of its parts, which share their inputs; their outputs follow each other.
    pub(super) parts: Vec<String>,
    pub(super) has_bias: bool,
    pub(super) inputs: Heads,
    /// Of each part.
    pub(super) outputs: Heads,
}

/// Columns in groups, each of which begins a new block: those of each head, or just one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub(super) count: usize,
    pub(super) width: usize,
}

impl Heads {
    pub(super) fn one(width: usize) -> Self {
        Self { count: 1, width }
    }

    /// The blocks of one head.
    pub(super) fn blocks_each(self) -> usize {
        self.width.div_ceil(WIDTH)
    }

    /// The columns of all heads, with those that only fill up their blocks. A single group is not filled up.
    fn padded(self) -> usize {
        match self.count {
            1 => self.width,
            count => count * self.blocks_each() * WIDTH,
        }
    }

    /// The columns that share a block, for each block.
    fn blocks(self) -> impl Iterator<Item = Range<usize>> {
        let of_head = move |head: usize| {
            let starts = (0..self.width).step_by(WIDTH);
            starts.map(move |at| {
                head * self.width + at..head * self.width + (at + WIDTH).min(self.width)
            })
        };
        (0..self.count).flat_map(of_head)
    }
}

impl Linear {
    /// Reads and packs it.
    pub(super) fn load(weights: &Weights, source: &Source) -> Result<Self, EncodeError> {
        let Source {
            inputs, outputs, ..
        } = *source;
        let columns = inputs.count * inputs.width;
        let blocks = source.parts.len() * outputs.count * outputs.blocks_each();
        let mut lines = Vec::with_capacity(blocks * inputs.padded());
        let mut bias = Vec::with_capacity(blocks);
        let (mut bytes, mut values) = (Vec::new(), Vec::new());
        for part in &source.parts {
            let name = format!("{part}.weight");
            let weight = weights.tensor(&name)?;
            for rows in outputs.blocks() {
                weight.read(
                    rows.start * columns..rows.end * columns,
                    &mut bytes,
                    &mut values,
                )?;
                for head in 0..inputs.count {
                    let from = head * inputs.width;
                    pack(&values, columns, from..from + inputs.width, &mut lines);
                    let filled = lines.len() + inputs.padded() / inputs.count - inputs.width;
                    lines.resize(filled, Lanes::ZERO);
                }
            }
            if source.has_bias {
                bias.extend(lines_of(weights, &format!("{part}.bias"), outputs)?);
            }
        }
        Ok(Self {
            inputs: inputs.padded(),
            lines,
            bias: source.has_bias.then_some(bias),
        })
    }

    /// How many blocks of outputs there are.
    pub(super) fn blocks(&self) -> usize {
        self.lines.len() / self.inputs
    }

    /// How many outputs there are, with those that only fill up their blocks.
    pub(super) fn columns(&self) -> usize {
        self.blocks() * WIDTH
    }

    /// Applies some blocks of it to all rows of `x`; `out` has room for exactly these.
    pub(super) fn apply(
        &self,
        backend: Backend,
        x: &Matrix,
        blocks: Range<usize>,
        curve: Option<Curve>,
        add: bool,
        out: &mut [Lanes],
    ) {
        let rows = x.rows;
        let work = rows * self.inputs * blocks.len() * WIDTH;
        let threads = rayon::current_num_threads().min(work.div_ceil(WORTH_A_THREAD));
        // An even number, since they are computed in pairs.
        let share = match threads {
            0 | 1 => blocks.len(),
            _ => blocks
                .len()
                .div_ceil(threads * SHARES)
                .next_multiple_of(2),
        };
        let one = |(index, out): (usize, &mut [Lanes])| {
            let first = blocks.start + index * share;
            let right = Blocked {
                lines: &self.lines[first * self.inputs..],
                stride: self.inputs,
                first: 0,
            };
            let finish = Finish {
                bias: self.bias.as_ref().map(|bias| &bias[first..]),
                curve,
                add,
            };
            let out = BlockedMut {
                lines: out,
                stride: rows,
                first: 0,
            };
            backend.product(rows, self.inputs, x.view(), right, out, finish);
        };
        if share >= blocks.len() {
            one((0, out));
        } else {
            out.par_chunks_mut(share * rows).enumerate().for_each(one);
        }
    }
}

/// Appends a line for each of some columns of at most 16 rows.
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

/// A vector as lines, one for each block.
pub(super) fn lines_of(
    weights: &Weights,
    name: &str,
    columns: Heads,
) -> Result<Vec<Lanes>, EncodeError> {
    let (mut bytes, mut values) = (Vec::new(), Vec::new());
    let whole = 0..columns.count * columns.width;
    weights.tensor(name)?.read(whole, &mut bytes, &mut values)?;
    let line = |block: Range<usize>| {
        let mut line = Lanes::ZERO;
        line.0[..block.len()].copy_from_slice(&values[block]);
        line
    };
    Ok(columns.blocks().map(line).collect())
}
