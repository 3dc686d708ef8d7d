//! Linear layers whose weights are packed as the right factors of products.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::encoder::Precision;
use crate::encoder::checkpoint::Weights;
use crate::encoder::error::EncodeError;
use crate::simd::{
    Backend, Blocked, BlockedMut, Codes, ColumnScales, Curve, Finish, Lanes, Norm, RowScale, WIDTH,
};

/// So many multiplications are worth another thread's while.
const WORTH_A_THREAD: usize = 1 << 19;
/// Sums of so many products of 8 bits cannot overflow.
const MOST_CODES: usize = 1 << 16;
/// Shares of the work for each thread, so that one that is late does not keep the others waiting.
const SHARES: usize = 3;

/// `x W^T + b`.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    blocks: usize,
    weights: Packed,
    bias: Option<Vec<Lanes>>,
}

#[derive(Debug)]
enum Packed {
    /// Shape `(outputs / 16, inputs, 16)`.
    F32(Vec<Lanes>),
    Int8(Int8),
}

/// Integers from -127 to 127, with a step of its own for each output.
#[derive(Debug)]
struct Int8 {
    /// Shape `(outputs / 16, 1 + quads, 16, 4)`; the first line of a block has the sums of its
    /// columns.
    lines: Vec<Codes>,
    quads: usize,
    steps: Vec<Lanes>,
    sums: Vec<Lanes>,
    /// 1 for each input that is coded; the others have the integer 0.
    coded: Vec<Lanes>,
    /// The inputs that are not coded, as columns of the left factor.
    outliers: Vec<usize>,
    /// Their weights, shape `(outputs / 16, outliers, 16)`.
    kept: Vec<Lanes>,
}

/// The inputs of a layer in 8 bits; room that is used again.
#[derive(Debug, Default)]
pub(super) struct Coded {
    lines: Vec<Codes>,
    scales: Vec<RowScale>,
    /// Those that are outliers.
    kept: Matrix,
}

/// What is done with the outputs of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Store,
    Bend(Curve),
    /// To what is there.
    Add,
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

    /// The columns of all heads, with those that only fill up their blocks. A single group is not
    /// filled up.
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
    pub(super) fn load(
        weights: &Weights,
        source: &Source,
        precision: Precision,
        inputs_from: Option<&Norm>,
    ) -> Result<Self, EncodeError> {
        let Source { inputs, outputs, .. } = *source;
        let columns = inputs.count * inputs.width;
        let blocks = source.parts.len() * outputs.count * outputs.blocks_each();
        let mut packed = match precision {
            Precision::Int8 if inputs.padded() <= MOST_CODES => {
                let outliers = inputs_from.map_or(Vec::new(), outliers);
                Packed::Int8(Int8::new(blocks, inputs.padded(), outliers))
            }
            _ => Packed::F32(Vec::with_capacity(blocks * inputs.padded())),
        };
        let mut bias = Vec::with_capacity(blocks);
        let (mut bytes, mut values, mut block) = (Vec::new(), Vec::new(), Vec::new());
        for part in &source.parts {
            let name = format!("{part}.weight");
            let weight = weights.tensor(&name)?;
            for rows in outputs.blocks() {
                let rows = rows.start * columns..rows.end * columns;
                weight.read(rows, &mut bytes, &mut values)?;
                let lines = match &mut packed {
                    Packed::F32(lines) => lines,
                    Packed::Int8(_) => {
                        block.clear();
                        &mut block
                    }
                };
                for head in 0..inputs.count {
                    let from = head * inputs.width;
                    pack(&values, columns, from..from + inputs.width, lines);
                    let filled = lines.len() + inputs.padded() / inputs.count - inputs.width;
                    lines.resize(filled, Lanes::ZERO);
                }
                if let Packed::Int8(integers) = &mut packed {
                    integers.push(&mut block);
                }
            }
            if source.has_bias {
                bias.extend(lines_of(weights, &format!("{part}.bias"), outputs)?);
            }
        }
        Ok(Self {
            inputs: inputs.padded(),
            blocks,
            weights: packed,
            bias: source.has_bias.then_some(bias),
        })
    }

    /// How many blocks of outputs there are.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// How many outputs there are, with those that only fill up their blocks.
    pub(super) fn columns(&self) -> usize {
        self.blocks * WIDTH
    }

    /// Applies some blocks of it to all rows of `x`; `out` has room for exactly these.
    pub(super) fn apply(
        &self,
        backend: Backend,
        x: &Matrix,
        blocks: Range<usize>,
        then: Then,
        coded: &mut Coded,
        out: &mut [Lanes],
    ) {
        let rows = x.rows;
        if let Packed::Int8(integers) = &self.weights {
            coded.take(backend, x, integers);
        }
        let coded = &*coded;
        let work = rows * self.inputs * blocks.len() * WIDTH;
        let threads = rayon::current_num_threads().min(work.div_ceil(WORTH_A_THREAD));
        // An even number, since they are computed in pairs.
        let share = match threads {
            0 | 1 => blocks.len(),
            _ => blocks.len().div_ceil(threads * SHARES).next_multiple_of(2),
        };
        let one = |(index, out): (usize, &mut [Lanes])| {
            let first = blocks.start + index * share;
            let finish = Finish {
                bias: self.bias.as_ref().map(|bias| &bias[first..]),
                curve: match then {
                    Then::Bend(curve) => Some(curve),
                    Then::Store | Then::Add => None,
                },
                add: then == Then::Add,
            };
            let out = BlockedMut { lines: out, stride: rows, first: 0 };
            match &self.weights {
                Packed::F32(lines) => {
                    let right = Blocked {
                        lines: &lines[first * self.inputs..],
                        stride: self.inputs,
                        first: 0,
                    };
                    backend.product(rows, self.inputs, x.view(), right, out, finish);
                }
                Packed::Int8(integers) => {
                    coded.product(backend, integers, first, out, finish);
                }
            }
        };
        if share >= blocks.len() {
            one((0, out));
        } else {
            out.par_chunks_mut(share * rows).enumerate().for_each(one);
        }
    }
}

impl Coded {
    /// Takes the inputs of a layer.
    fn take(&mut self, backend: Backend, x: &Matrix, integers: &Int8) {
        self.scales.resize(x.rows, RowScale::default());
        self.lines.resize(integers.coded.len().div_ceil(4) * x.rows, Codes::ZERO);
        let scales = &mut self.scales;
        backend.quantize(x.rows, &x.lines, &integers.coded, &mut self.lines, scales);
        self.kept.reshape(x.rows, integers.outliers.len());
        for row in 0..x.rows {
            for (at, column) in integers.outliers.iter().enumerate() {
                self.kept.set(row, at, &[x.at(row, *column)]);
            }
        }
    }

    /// The product with the blocks from `first` on.
    fn product(
        &self,
        backend: Backend,
        integers: &Int8,
        first: usize,
        mut out: BlockedMut<'_>,
        mut finish: Finish<'_>,
    ) {
        let (rows, outliers) = (self.scales.len(), integers.outliers.len());
        if outliers > 0 {
            let right =
                Blocked { lines: &integers.kept[first * outliers..], stride: outliers, first: 0 };
            let plain = Finish { add: finish.add, ..Finish::default() };
            let target = BlockedMut { lines: &mut *out.lines, ..out };
            backend.product(rows, outliers, self.kept.view(), right, target, plain);
            finish.add = true;
            out.first = 0;
        }
        let left = Blocked { lines: &self.lines, stride: rows, first: 0 };
        let stride = integers.quads + 1;
        let right = Blocked { lines: &integers.lines[first * stride..], stride, first: 0 };
        let scales = ColumnScales {
            rows: &self.scales,
            steps: &integers.steps[first..],
            sums: &integers.sums[first..],
        };
        backend.product_codes(rows, left, right, scales, out, finish);
    }
}

/// The columns that a layer norm scales or shifts far more than the others: in 8 bits they would
/// take the room of all.
fn outliers(norm: &Norm) -> Vec<usize> {
    const FAR: f32 = 4.0;
    let sizes: Vec<f32> = norm
        .scale
        .iter()
        .zip(&norm.shift)
        .flat_map(|(scale, shift)| {
            std::array::from_fn::<_, WIDTH, _>(|i| scale.0[i].hypot(shift.0[i]))
        })
        .take(norm.width)
        .collect();
    // Of the middle one, which a few that stick out do not move.
    let mut sorted = sizes.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let typical = sorted[sorted.len() / 2];
    (0..sizes.len()).filter(|&column| sizes[column] > FAR * typical).collect()
}

impl Int8 {
    fn new(blocks: usize, inputs: usize, outliers: Vec<usize>) -> Self {
        let quads = inputs.div_ceil(4);
        let mut coded = vec![Lanes([1.0; WIDTH]); inputs.div_ceil(WIDTH)];
        for &column in &outliers {
            coded[column / WIDTH].0[column % WIDTH] = 0.0;
        }
        Self {
            lines: Vec::with_capacity(blocks * (quads + 1)),
            quads,
            steps: Vec::with_capacity(blocks),
            sums: Vec::with_capacity(blocks),
            coded,
            kept: Vec::with_capacity(blocks * outliers.len()),
            outliers,
        }
    }

    /// Appends a block that is given as lines of `f32`.
    fn push(&mut self, block: &mut [Lanes]) {
        for &column in &self.outliers {
            self.kept.push(std::mem::replace(&mut block[column], Lanes::ZERO));
        }
        let mut greatest = [0.0_f32; WIDTH];
        for line in block.iter() {
            for (greatest, value) in greatest.iter_mut().zip(line.0) {
                // NaN stays, so that a broken weight is not hidden.
                if value.is_nan() || value.abs() > *greatest {
                    *greatest = value.abs();
                }
            }
        }
        let steps = greatest.map(|greatest| greatest / 127.0);
        let inverse = steps.map(|step| if step > 0.0 { 1.0 / step } else { 0.0 });
        let mut sums = [0_i32; WIDTH];
        let at = self.lines.len();
        self.lines.push(Codes::ZERO);
        for quad in block.chunks(4) {
            let mut line = Codes::ZERO;
            for (byte, values) in quad.iter().enumerate() {
                for lane in 0..WIDTH {
                    let code = (values.0[lane] * inverse[lane]).round() as i8;
                    sums[lane] += i32::from(code);
                    line.0[lane][byte] = code.cast_unsigned();
                }
            }
            self.lines.push(line);
        }
        self.lines[at] = Codes(sums.map(i32::to_ne_bytes));
        self.steps.push(Lanes(steps));
        self.sums.push(Lanes(sums.map(|sum| sum as f32)));
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
