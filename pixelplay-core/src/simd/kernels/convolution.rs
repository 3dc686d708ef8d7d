//! Convolutions that compute one block of 16 channels, followed by `ReLU6`, generic over
//! [`Vector`]: depthwise convolutions, where each channel reads only itself, and the first
//! convolution of a network, where all channels read the three planes of a picture.
//!
//! A tile consists of adjacent pixels of one row of the result, whose sums stay in registers while
//! the kernel moves over them. Every pixel is summed in a fixed order, row by row of the kernel, no
//! matter which other pixels are computed with it.

use super::activation::{self, Activation};
use crate::simd::vector::{Lanes, Vector};
use crate::simd::{Backend, dispatch};

/// Which pixels of a square input a convolution reads. Pixels outside are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Height and width of the kernel.
    pub(crate) kernel: usize,
    /// How far the kernel moves from one pixel of the result to the next: 1 or 2.
    pub(crate) stride: usize,
    /// Height and width of the input, in pixels.
    pub(crate) side: usize,
    /// Height and width of the result.
    pub(crate) outputs: usize,
    /// The padding before the first pixel, which is how far outside the input the kernel starts.
    pub(crate) before: usize,
}

/// The weights of one block of channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockWeights<'a> {
    /// Shape `(planes, kernel, kernel, 16)`.
    pub(crate) weights: &'a [Lanes],
    pub(crate) bias: Lanes,
}

impl Backend {
    /// Computes rows of the result of a depthwise convolution, starting at `first`. `input`
    /// contains the lines of all pixels of a block, row by row.
    ///
    /// # Panics
    /// If the lengths do not fit, the rows do not exist, or the stride is neither 1 nor 2.
    #[track_caller]
    pub(crate) fn convolve_channels(
        self,
        shape: &Convolution,
        input: &[Lanes],
        weights: BlockWeights<'_>,
        first: usize,
        out: &mut [Lanes],
    ) {
        shape.check(1, input.len(), weights, first, out);
        // SAFETY: as in `Backend::gemm`.
        unsafe { dispatch!(self, convolve_channels(shape, input, weights, first, out)) }
    }

    /// Computes rows of the result of a convolution over planes of single values, starting at
    /// `first`. The planes are stored one after another.
    ///
    /// # Panics
    /// If the lengths do not fit, the rows do not exist, or the stride is neither 1 nor 2.
    #[track_caller]
    pub(crate) fn convolve_planes(
        self,
        shape: &Convolution,
        input: &[f32],
        weights: BlockWeights<'_>,
        first: usize,
        out: &mut [Lanes],
    ) {
        let planes = weights.weights.len() / (shape.kernel * shape.kernel).max(1);
        shape.check(planes, input.len(), weights, first, out);
        // SAFETY: as above.
        unsafe { dispatch!(self, convolve_planes(shape, input, weights, first, out)) }
    }
}

impl Convolution {
    #[track_caller]
    fn check(
        &self,
        planes: usize,
        input: usize,
        weights: BlockWeights<'_>,
        first: usize,
        out: &[Lanes],
    ) {
        let square = |side: usize| side.checked_mul(side);
        assert!(self.stride == 1 || self.stride == 2);
        assert!(self.outputs > 0 && out.len().is_multiple_of(self.outputs));
        assert!(first + out.len() / self.outputs <= self.outputs);
        assert_eq!(square(self.side).and_then(|s| s.checked_mul(planes)), Some(input));
        let places = square(self.kernel).and_then(|s| s.checked_mul(planes));
        assert_eq!(places, Some(weights.weights.len()));
    }
}

/// The values that a convolution reads at one pixel.
pub(in crate::simd) trait Pixel: Copy {
    /// Loads the pixel as the values that the 16 channels read.
    ///
    /// # Safety
    /// See [`Vector`]; `from` must point to a pixel.
    unsafe fn load<V: Vector>(from: *const Self) -> V;
    /// The value of pixels outside the input.
    const ZERO: Self;
}

impl Pixel for Lanes {
    const ZERO: Self = Self::ZERO;

    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const Self) -> V {
        // SAFETY: guaranteed by our caller.
        unsafe { V::load(&*from) }
    }
}

impl Pixel for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const Self) -> V {
        // SAFETY: guaranteed by our caller.
        unsafe { V::splat(*from) }
    }
}

/// See [`Backend::convolve_channels`] and [`Backend::convolve_planes`]. Computes `R` pixels at a
/// time.
///
/// # Safety
/// See [`Vector`]; the lengths must pass [`Convolution::check`].
#[inline(always)]
pub(in crate::simd) unsafe fn convolve<V: Vector, P: Pixel, const R: usize>(
    shape: &Convolution,
    input: &[P],
    weights: BlockWeights<'_>,
    first: usize,
    out: &mut [Lanes],
) {
    const { assert!(R <= 8, "tiles have at most 8 pixels") };
    let Convolution { kernel, stride, side, outputs, before } = *shape;
    let tiles = outputs.div_ceil(R);
    for (row, out) in out.chunks_exact_mut(outputs).enumerate() {
        let top = (first + row) * stride;
        // The rows of the kernel that lie inside the input.
        let rows = (before.saturating_sub(top), (side + before).saturating_sub(top).min(kernel));
        for tile in 0..tiles {
            let (start, end) = (outputs * tile / tiles, outputs * (tile + 1) / tiles);
            let from = Seen { shape, input, weights, top, rows, start };
            let inside = start * stride >= before && (end - 1) * stride + kernel <= side + before;
            // SAFETY: guaranteed by our caller; `INSIDE` is set only if all pixels of the tile are
            // inside.
            unsafe {
                match (stride, inside) {
                    (1, true) => tile_of::<V, P, R, 1, true>(&from, &mut out[start..end]),
                    (1, false) => tile_of::<V, P, R, 1, false>(&from, &mut out[start..end]),
                    (_, true) => tile_of::<V, P, R, 2, true>(&from, &mut out[start..end]),
                    (_, false) => tile_of::<V, P, R, 2, false>(&from, &mut out[start..end]),
                }
            }
        }
    }
}

/// The input of a tile.
struct Seen<'a, P> {
    shape: &'a Convolution,
    input: &'a [P],
    weights: BlockWeights<'a>,
    /// The position of the kernel's first row, counted from `before` rows above the input.
    top: usize,
    /// The rows of the kernel that lie inside the input: the first one and the one after the last.
    rows: (usize, usize),
    /// The tile's first pixel.
    start: usize,
}

macro_rules! tile_of {
    ($($width:literal)*) => {
        /// Computes a tile of as many pixels as `out` has.
        ///
        /// # Safety
        /// See [`tile`].
        #[inline(always)]
        unsafe fn tile_of<V: Vector, P: Pixel, const R: usize, const S: usize, const INSIDE: bool>(
            from: &Seen<'_, P>,
            out: &mut [Lanes],
        ) {
            match out.len() {
                // SAFETY: guaranteed by our caller.
                $($width if $width <= R => unsafe { tile::<V, P, $width, S, INSIDE>(from, out) },)*
                _ => {}
            }
        }
    };
}
tile_of!(1 2 3 4 5 6 7 8);

/// Computes `R` pixels of the result, which are `S` apart in the input. If they are `INSIDE`, the
/// position of a pixel in its row is not checked.
///
/// # Safety
/// See [`Vector`]; and see [`convolve`].
#[expect(clippy::needless_range_loop, reason = "registers are indexed, see `dot::Accumulator`")]
#[inline(always)]
unsafe fn tile<V: Vector, P: Pixel, const R: usize, const S: usize, const INSIDE: bool>(
    from: &Seen<'_, P>,
    out: &mut [Lanes],
) {
    let Convolution { kernel, side, before, .. } = *from.shape;
    let planes = from.input.len() / (side * side);
    // SAFETY: our caller guarantees that the processor has the instructions, that all rows of the
    // kernel in `rows` are inside, and with `INSIDE` all columns.
    unsafe {
        let mut sums = [V::load(&from.weights.bias); R];
        for plane in 0..planes {
            for y in from.rows.0..from.rows.1 {
                let row = (plane * side + from.top + y - before) * side;
                let row = from.input.as_ptr().add(row);
                let weights = from.weights.weights.as_ptr().add((plane * kernel + y) * kernel);
                for x in 0..kernel {
                    let weight = V::load(&*weights.add(x));
                    let column = from.start * S + x;
                    for r in 0..R {
                        let column = (column + r * S).wrapping_sub(before);
                        let pixel = match INSIDE || column < side {
                            true => row.wrapping_add(column),
                            false => &P::ZERO,
                        };
                        sums[r] = P::load::<V>(pixel).mul_add(weight, sums[r]);
                    }
                }
            }
        }
        for r in 0..R {
            activation::apply(Activation::Relu6, sums[r]).store(&mut out[r]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::WIDTH;
    use crate::simd::kernels::oracle::{error_bound, uniform};

    /// Returns every kernel, stride and side, with the padding of "same" convolutions and with
    /// others.
    fn shapes() -> Vec<Convolution> {
        let mut shapes = Vec::new();
        for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2), (2, 2)] {
            for side in [1_usize, 2, 3, 4, 5, 6, 7, 11, 12, 13, 17, 24] {
                let outputs = side.div_ceil(stride);
                let missing = ((outputs - 1) * stride + kernel).saturating_sub(side);
                for before in [missing / 2, missing - missing / 2, kernel - 1] {
                    shapes.push(Convolution { kernel, stride, side, outputs, before });
                }
            }
        }
        shapes
    }

    fn lines(count: usize, seed: &mut u64) -> Vec<Lanes> {
        (0..count).map(|_| Lanes(std::array::from_fn(|_| 2.0 * uniform(seed)))).collect()
    }

    /// Returns the sum, and the sum of the absolute values, of the products of one channel of one
    /// pixel.
    fn exact(
        shape: &Convolution,
        planes: usize,
        value: impl Fn(usize, usize) -> f64,
        weight: impl Fn(usize) -> f64,
        [y, x]: [usize; 2],
    ) -> (f64, f64) {
        let Convolution { kernel, stride, side, before, .. } = *shape;
        let (mut sum, mut sizes) = (0.0, 0.0);
        for place in 0..planes * kernel * kernel {
            let (plane, row, column) =
                (place / (kernel * kernel), place / kernel % kernel, place % kernel);
            let row = (y * stride + row).checked_sub(before).filter(|&row| row < side);
            let column = (x * stride + column).checked_sub(before).filter(|&c| c < side);
            if let (Some(row), Some(column)) = (row, column) {
                let product = value(plane, row * side + column) * weight(place);
                sum += product;
                sizes += product.abs();
            }
        }
        (sum, sizes)
    }

    fn check(
        what: &str,
        shape: &Convolution,
        planes: usize,
        weights: BlockWeights<'_>,
        value: impl Fn(usize, usize, usize) -> f64,
        found: &[Lanes],
    ) {
        for (at, line) in found.iter().enumerate() {
            for (lane, &found) in line.0.iter().enumerate() {
                let bias = f64::from(weights.bias.0[lane]);
                let (sum, sizes) = exact(
                    shape,
                    planes,
                    |plane, pixel| value(plane, pixel, lane),
                    |place| f64::from(weights.weights[place].0[lane]),
                    [at / shape.outputs, at % shape.outputs],
                );
                let expected = (sum + bias).clamp(0.0, 6.0);
                let error = (f64::from(found) - expected).abs();
                let bound = error_bound(planes * shape.kernel.pow(2) + 1) * (sizes + bias.abs());
                assert!(error <= bound, "{what}, {shape:?}, {at}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn depthwise_convolutions_are_those_of_f64_and_rows_come_in_any_share() {
        let mut seed = 3;
        for shape in shapes() {
            let input = lines(shape.side * shape.side, &mut seed);
            let kernel = lines(shape.kernel * shape.kernel, &mut seed);
            let weights = BlockWeights { weights: &kernel, bias: lines(1, &mut seed)[0] };
            for backend in Backend::available() {
                let mut all = vec![Lanes::ZERO; shape.outputs * shape.outputs];
                backend.convolve_channels(&shape, &input, weights, 0, &mut all);
                let value = |_, pixel: usize, lane: usize| f64::from(input[pixel].0[lane]);
                check(backend.name(), &shape, 1, weights, value, &all);
                for (row, expected) in all.chunks_exact(shape.outputs).enumerate() {
                    let mut alone = vec![Lanes::ZERO; shape.outputs];
                    backend.convolve_channels(&shape, &input, weights, row, &mut alone);
                    assert_eq!(alone, expected, "{backend}, {shape:?}, row {row}");
                }
            }
        }
    }

    #[test]
    fn convolutions_over_planes_are_those_of_f64() {
        let mut seed = 4;
        for shape in shapes() {
            for planes in [1, 3] {
                let pixels = shape.side * shape.side;
                let input: Vec<f32> = (0..planes * pixels).map(|_| uniform(&mut seed)).collect();
                let kernel = lines(planes * shape.kernel * shape.kernel, &mut seed);
                let weights = BlockWeights { weights: &kernel, bias: lines(1, &mut seed)[0] };
                for backend in Backend::available() {
                    let mut out = vec![Lanes::ZERO; shape.outputs * shape.outputs];
                    backend.convolve_planes(&shape, &input, weights, 0, &mut out);
                    let value = |plane, pixel: usize, _| f64::from(input[plane * pixels + pixel]);
                    check(backend.name(), &shape, planes, weights, value, &out);
                }
            }
        }
    }

    #[test]
    fn not_a_number_is_not_hidden() {
        let shape = Convolution { kernel: 3, stride: 1, side: 4, outputs: 4, before: 1 };
        let kernel = [Lanes([0.5; WIDTH]); 9];
        let weights = BlockWeights { weights: &kernel, bias: Lanes::ZERO };
        let mut input = [Lanes([1.0; WIDTH]); 16];
        input[5].0[2] = f32::NAN;
        for backend in Backend::available() {
            let mut out = [Lanes::ZERO; 16];
            backend.convolve_channels(&shape, &input, weights, 0, &mut out);
            assert!(out[0].0[2].is_nan() && out[10].0[2].is_nan(), "{backend}");
            assert!(!out[0].0[1].is_nan() && !out[15].0[2].is_nan(), "{backend}");
        }
    }
}
