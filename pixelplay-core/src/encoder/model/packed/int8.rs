//! 8-bit linear layers: integer weights with a step for each output, and inputs that are quantized
//! row by row. A few outlier inputs stay `f32`.

use super::matrix::Matrix;
use crate::simd::{
    Backend, Blocked, BlockedMut, Codes, Dequantization, Epilogue, Lanes, LayerNorm, RowScale,
    WIDTH,
};

/// Integers from -127 to 127, with a separate step for each output.
#[derive(Debug)]
pub(super) struct Int8Weights {
    /// Shape `(outputs / 16, 1 + quads, 16, 4)`; the first line of a block contains the sums of its
    /// columns.
    lines: Vec<Codes>,
    quads: usize,
    steps: Vec<Lanes>,
    column_sums: Vec<Lanes>,
    /// 1 for each input that is quantized; outliers have the integer 0.
    mask: Vec<Lanes>,
    /// The outliers, as columns of the left factor.
    outliers: Vec<usize>,
    /// The weights of the outliers, shape `(outputs / 16, outliers, 16)`.
    outlier_weights: Vec<Lanes>,
}

impl Int8Weights {
    pub(super) fn new(blocks: usize, inputs: usize, outliers: Vec<usize>) -> Self {
        let quads = inputs.div_ceil(4);
        let mut mask = vec![Lanes([1.0; WIDTH]); inputs.div_ceil(WIDTH)];
        for &column in &outliers {
            mask[column / WIDTH].0[column % WIDTH] = 0.0;
        }
        Self {
            lines: Vec::with_capacity(blocks * (quads + 1)),
            quads,
            steps: Vec::with_capacity(blocks),
            column_sums: Vec::with_capacity(blocks),
            mask,
            outlier_weights: Vec::with_capacity(blocks * outliers.len()),
            outliers,
        }
    }

    /// Appends a block given as lines of `f32`.
    pub(super) fn push(&mut self, block: &mut [Lanes]) {
        for &column in &self.outliers {
            self.outlier_weights.push(std::mem::replace(&mut block[column], Lanes::ZERO));
        }
        let mut greatest = [0.0_f32; WIDTH];
        for line in block.iter() {
            for (greatest, value) in greatest.iter_mut().zip(line.0) {
                // Keeps NaN, so that a broken weight is not hidden.
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
        self.column_sums.push(Lanes(sums.map(|sum| sum as f32)));
    }
}

/// The quantized inputs of a layer, in reusable memory.
#[derive(Debug, Default)]
pub(super) struct QuantizedInput {
    lines: Vec<Codes>,
    scales: Vec<RowScale>,
    /// The columns that stay `f32`.
    outliers: Matrix,
}

impl QuantizedInput {
    /// Quantizes the inputs of a layer.
    pub(super) fn quantize(&mut self, backend: Backend, x: &Matrix, weights: &Int8Weights) {
        self.scales.resize(x.rows, RowScale::default());
        self.lines.resize(weights.mask.len().div_ceil(4) * x.rows, Codes::ZERO);
        let scales = &mut self.scales;
        backend.quantize(x.rows, &x.lines, &weights.mask, &mut self.lines, scales);
        self.outliers.reshape(x.rows, weights.outliers.len());
        for row in 0..x.rows {
            for (at, column) in weights.outliers.iter().enumerate() {
                self.outliers.set(row, at, &[x.at(row, *column)]);
            }
        }
    }

    /// Computes the product with the blocks from `first` on.
    pub(super) fn gemm(
        &self,
        backend: Backend,
        weights: &Int8Weights,
        first: usize,
        mut out: BlockedMut<'_>,
        mut epilogue: Epilogue<'_>,
    ) {
        let outliers = weights.outliers.len();
        if outliers > 0 {
            let right = Blocked::whole(&weights.outlier_weights[first * outliers..], outliers);
            let plain = Epilogue { accumulate: epilogue.accumulate, ..Epilogue::default() };
            backend.gemm(self.outliers.view(), right, out.reborrow(), plain);
            epilogue.accumulate = true;
        }
        let left = Blocked::whole(&self.lines, self.scales.len());
        let stride = weights.quads + 1;
        let right = Blocked::whole(&weights.lines[first * stride..], stride);
        let scales = Dequantization {
            rows: &self.scales,
            steps: &weights.steps[first..],
            column_sums: &weights.column_sums[first..],
        };
        backend.gemm_i8(left, right, scales, out, epilogue);
    }
}

/// Returns the columns that a layer norm scales or shifts far more than the others: in 8 bits they
/// would leave no steps for the rest.
pub(super) fn outliers(norm: &LayerNorm) -> Vec<usize> {
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
    // Sizes are compared with the median, which a few outliers do not change.
    let mut sorted = sizes.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let typical = sorted[sorted.len() / 2];
    (0..sizes.len()).filter(|&column| sizes[column] > FAR * typical).collect()
}
