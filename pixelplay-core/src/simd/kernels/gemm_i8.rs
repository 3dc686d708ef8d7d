//! Products of matrices in 8 bits: rows of codes from 0 to 255 times columns of integers from -127
//! to 127, exactly.
//!
//! They lie as those of [`super::product`] do, with 4 neighbouring bytes of `k` where those have
//! one value. Each block of the right factor begins with a line of its own: the sums of its
//! columns, which is what codes that all are 1 give.

use super::product::{Multiply, Piece, Source, prefetch};
use super::vector::{Codes, Lanes, Vector, WIDTH};

/// How a row was turned into codes: a value is about `least + code * step`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowScale {
    pub(crate) least: f32,
    pub(crate) step: f32,
}

/// What turns the sums of a block back into values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnScales<'a> {
    pub(crate) rows: &'a [RowScale],
    /// A line for each block: what 1 stands for in each column.
    pub(crate) steps: &'a [Lanes],
    /// A line for each block: the sums of the integers of each column.
    pub(crate) sums: &'a [Lanes],
}

/// 16 sums in registers of some instruction set.
///
/// # Safety
/// Of all functions here: the processor must have the instructions of the implementing type.
pub(super) trait Integers: Copy {
    unsafe fn zero() -> Self;
    /// Four codes, 16 times.
    unsafe fn left(codes: [u8; 4]) -> Self;
    unsafe fn right(integers: &Codes) -> Self;
    unsafe fn add_products(self, left: Self, right: Self) -> Self;
    /// `column_sums` is the first line of the block.
    unsafe fn store(self, column_sums: &Codes, to: &mut [i32; WIDTH]);
}

/// In plain code: the four bytes of a lane, widened.
#[derive(Clone, Copy)]
pub(super) struct Plain([[i32; 4]; WIDTH]);

impl Integers for Plain {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([[0; 4]; WIDTH])
    }

    #[inline(always)]
    unsafe fn left(codes: [u8; 4]) -> Self {
        Self([codes.map(i32::from); WIDTH])
    }

    #[inline(always)]
    unsafe fn right(integers: &Codes) -> Self {
        Self(integers.0.map(|quad| quad.map(|v| i32::from(v.cast_signed()))))
    }

    #[inline(always)]
    unsafe fn add_products(mut self, left: Self, right: Self) -> Self {
        for (sums, (left, right)) in self.0.iter_mut().zip(left.0.iter().zip(&right.0)) {
            for i in 0..4 {
                sums[i] += left[i] * right[i];
            }
        }
        self
    }

    #[inline(always)]
    unsafe fn store(self, _: &Codes, to: &mut [i32; WIDTH]) {
        *to = self.0.map(|sums| sums.iter().sum());
    }
}

/// As [`super::product::piece`].
///
/// # Safety
/// See [`super::product::product`].
#[expect(
    clippy::needless_range_loop,
    reason = "what is in registers is walked by number, see `kernel::Sums`"
)]
#[inline(always)]
pub(super) unsafe fn piece<I: Integers, const R: usize, const P: usize>(
    from: Source<Codes>,
    out: &mut Piece<[i32; WIDTH]>,
) {
    // SAFETY: our caller promises that the processor has the instructions, and that both factors
    // hold all of these rows, columns and `k`.
    unsafe {
        let mut a = from.left.cast::<[u8; 4]>();
        let mut b = from.right;
        let mut sums = [[I::zero(); P]; R];
        b = b.add(1);
        let mut left_over = from.k;
        while left_over > 0 {
            let count = left_over.min(WIDTH);
            let next = a.wrapping_add(from.left_stride * WIDTH);
            for r in 0..R {
                prefetch(next.wrapping_add(r * WIDTH));
            }
            for i in 0..count {
                let mut values = [I::zero(); P];
                for p in 0..P {
                    let line = b.add(p * from.right_stride);
                    prefetch(line.wrapping_add(from.ahead));
                    values[p] = I::right(&*line);
                }
                b = b.add(1);
                for r in 0..R {
                    let codes = I::left(*a.add(r * WIDTH + i));
                    for p in 0..P {
                        sums[r][p] = sums[r][p].add_products(codes, values[p]);
                    }
                }
            }
            left_over -= count;
            a = a.wrapping_add(from.left_stride * WIDTH);
        }
        for p in 0..P {
            for r in 0..R {
                sums[r][p].store(&*from.right.add(p * from.right_stride), &mut out[p][r]);
            }
        }
    }
}

impl Multiply for Plain {
    type Line = Codes;
    type Sums = [i32; WIDTH];
    const ZERO: [i32; WIDTH] = [0; WIDTH];

    #[inline(never)]
    unsafe fn piece<const R: usize, const P: usize>(
        from: Source<Codes>,
        out: &mut Piece<[i32; WIDTH]>,
    ) {
        // SAFETY: as our caller promises.
        unsafe { piece::<Self, R, P>(from, out) }
    }
}

impl ColumnScales<'_> {
    /// The values that some sums stand for: of rows from `first` on, in one block.
    #[inline(always)]
    pub(super) fn values(
        &self,
        sums: &[[i32; WIDTH]],
        block: usize,
        first: usize,
        out: &mut [Lanes],
    ) {
        let (steps, column_sums) = (&self.steps[block].0, &self.sums[block].0);
        for ((sums, row), out) in sums.iter().zip(&self.rows[first..]).zip(out) {
            for lane in 0..WIDTH {
                let value = sums[lane] as f32 * row.step + column_sums[lane] * row.least;
                out.0[lane] = value * steps[lane];
            }
        }
    }
}

/// See [`super::Backend::quantize`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(super) unsafe fn quantize<V: Vector>(
    rows: usize,
    input: &[Lanes],
    coded: &[Lanes],
    out: &mut [Codes],
    scales: &mut [RowScale],
) {
    let blocks = input.len() / rows;
    for row in 0..rows {
        // SAFETY: our caller promises that the processor has the instructions.
        unsafe {
            let mut greatest = V::splat(f32::MIN);
            let mut least = V::splat(f32::MAX);
            // 0 unless something is not finite, which no code can say.
            let mut poison = V::splat(0.0);
            for block in 0..blocks {
                let values = V::load(&input[block * rows + row]).mul(V::load(&coded[block]));
                greatest = greatest.max(values);
                least = least.min(values);
                poison = values.mul_add(V::splat(0.0), poison);
            }
            let (mut high, mut low, mut sum) = (Lanes::ZERO, Lanes::ZERO, Lanes::ZERO);
            greatest.store(&mut high);
            least.store(&mut low);
            poison.store(&mut sum);
            let poison: f32 = sum.0.iter().sum();
            let greatest = high.0.into_iter().fold(f32::MIN, f32::max);
            let least = low.0.into_iter().fold(f32::MAX, f32::min);
            let step = (greatest - least) / 255.0;
            let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
            scales[row] = RowScale { least: least + poison, step };
            for (group, line) in (0..blocks).step_by(4).zip(out[row..].iter_mut().step_by(rows)) {
                let bytes = line.0.as_flattened_mut();
                for (block, bytes) in (group..).zip(bytes.as_chunks_mut::<WIDTH>().0) {
                    if block >= blocks {
                        *bytes = [0; WIDTH];
                        continue;
                    }
                    let values = V::load(&input[block * rows + row]).mul(V::load(&coded[block]));
                    let above = values.sub(V::splat(least));
                    let codes = above.mul(V::splat(inverse)).add(V::splat(0.5));
                    *bytes = codes.min(V::splat(255.0)).to_bytes();
                }
            }
        }
    }
}
