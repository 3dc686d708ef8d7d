//! Matrix products over blocked matrices, written once over [`Vector`].
//!
//! A blocked matrix keeps 16 neighbouring columns of a row in one cache line, and the lines of all
//! rows of such a block one below the other: value `(r, c)` is lane `c % 16` of line
//! `c / 16 * stride + r`. What lies so serves as either factor: as the left one its values are read
//! one by one at a fixed distance, as the right one whole lines are read in order; and what the
//! registers hold at the end of a product are such lines. So nothing is ever re-ordered between
//! products.
//!
//! Every value of a product is summed over `k` in one order. It does not depend on how many rows or
//! columns are computed beside it, nor by how many threads: the same bits in any batch.

use super::curve::{self, Curve};
use super::vector::{Lanes, Vector, WIDTH};

/// Some rows of a blocked matrix, from row `first` on; a line holds 16 values, or 16 times 4 bytes.
#[derive(Debug)]
pub(crate) struct Blocked<'a, L = Lanes> {
    pub(crate) lines: &'a [L],
    /// How many lines a block has.
    pub(crate) stride: usize,
    pub(crate) first: usize,
}

impl<L> Clone for Blocked<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Blocked<'_, L> {}

/// As [`Blocked`], to be written.
#[derive(Debug)]
pub(crate) struct BlockedMut<'a> {
    pub(crate) lines: &'a mut [Lanes],
    pub(crate) stride: usize,
    pub(crate) first: usize,
}

/// What is done to a product before it is stored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// One line for each block of columns.
    pub(crate) bias: Option<&'a [Lanes]>,
    /// Adds to what is there instead of replacing it.
    pub(crate) add: bool,
    /// Comes last.
    pub(crate) curve: Option<Curve>,
}

impl Finish<'_> {
    /// The bias of a block.
    #[inline(always)]
    pub(super) fn of(&self, block: usize) -> Option<&Lanes> {
        self.bias.map(|bias| &bias[block])
    }
}

/// How many bytes of the left factor are used against all of the right one before the next are:
/// what fits into a processor's own cache beside two blocks of the right factor.
const CHUNK: usize = 384 << 10;

/// How a piece of a product is computed.
pub(super) trait Multiply {
    /// A line of either factor.
    type Line;
    /// 16 sums.
    type Sums: Copy;
    const ZERO: Self::Sums;

    /// Computes `R` rows of `P` blocks of columns, in a function that is compiled for nothing else.
    ///
    /// # Safety
    /// See [`product`].
    unsafe fn piece<const R: usize, const P: usize>(
        from: Source<Self::Line>,
        out: &mut Piece<Self::Sums>,
    );
}

/// See [`super::Backend::product`]. `P` blocks of columns at a time, and at most `R` rows. `finish`
/// gets the sums of some rows of a block with the numbers of the block and of the first row, and
/// the lines where they go.
///
/// # Safety
/// The processor must have the instructions of `M`; all of `rows`, `k` and the blocks of `out` must
/// lie in the factors.
#[inline(always)]
pub(super) unsafe fn product<M: Multiply, const R: usize, const P: usize>(
    rows: usize,
    k: usize,
    left: Blocked<'_, M::Line>,
    right: Blocked<'_, M::Line>,
    out: BlockedMut<'_>,
    finish: impl Fn(&[M::Sums], usize, usize, &mut [Lanes]),
) {
    let blocks = out.lines.len() / out.stride;
    let chunks = (rows * k * size_of::<f32>()).div_ceil(CHUNK).clamp(1, rows.div_ceil(R));
    let mut sums = [[M::ZERO; MOST_ROWS]; MOST_BLOCKS];
    for chunk in 0..chunks {
        let (start, end) = (rows * chunk / chunks, rows * (chunk + 1) / chunks);
        let pieces = (end - start).div_ceil(R);
        let mut block = 0;
        while block < blocks {
            let wide = block + P <= blocks;
            for piece in 0..pieces {
                let top = start + (end - start) * piece / pieces;
                let bottom = start + (end - start) * (piece + 1) / pieces;
                let from = Source {
                    // SAFETY: our caller promises that the factors have these lines.
                    left: unsafe { left.lines.as_ptr().add(left.first + top) },
                    left_stride: left.stride,
                    // SAFETY: as above.
                    right: unsafe { right.lines.as_ptr().add(block * right.stride + right.first) },
                    right_stride: right.stride,
                    k,
                    ahead: match piece + 1 == pieces && block + P < blocks {
                        true => P * right.stride,
                        false => 0,
                    },
                };
                // SAFETY: our caller promises all that is asked.
                unsafe {
                    match wide {
                        true => sized::<M, R, P>(bottom - top, from, &mut sums),
                        false => sized::<M, R, 1>(bottom - top, from, &mut sums),
                    }
                }
                for (p, sums) in sums[..if wide { P } else { 1 }].iter().enumerate() {
                    let at = (block + p) * out.stride + out.first + top;
                    let lines = &mut out.lines[at..at + bottom - top];
                    finish(&sums[..lines.len()], block + p, top, lines);
                }
            }
            block += if wide { P } else { 1 };
        }
    }
}

/// The most rows of a piece.
pub(super) const MOST_ROWS: usize = 14;
/// The most blocks of a piece.
pub(super) const MOST_BLOCKS: usize = 2;

/// A piece of a product: at most [`MOST_BLOCKS`] blocks of [`MOST_ROWS`] lines.
pub(super) type Piece<S> = [[S; MOST_ROWS]; MOST_BLOCKS];

/// Where the values of a piece come from.
#[derive(Clone, Copy)]
pub(super) struct Source<L> {
    /// The first row's first line.
    pub(super) left: *const L,
    /// From one block to the next, in lines.
    pub(super) left_stride: usize,
    /// The first block's first line.
    pub(super) right: *const L,
    pub(super) right_stride: usize,
    pub(super) k: usize,
    /// How many lines behind each line of the right factor is one that will be read soon: in the
    /// last piece of some blocks the lines of the next ones, which may still be far away in memory.
    pub(super) ahead: usize,
}

/// Has a line brought near. If there is none, nothing happens.
#[inline(always)]
pub(super) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it reads nothing, and any address will do.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

macro_rules! sized {
    ($($rows:literal)*) => {
        /// Computes a piece of as many rows.
        ///
        /// # Safety
        /// See [`product`].
        #[inline(always)]
        unsafe fn sized<M: Multiply, const R: usize, const P: usize>(
            rows: usize,
            from: Source<M::Line>,
            out: &mut Piece<M::Sums>,
        ) {
            match rows {
                // SAFETY: as our caller promises.
                $($rows if $rows <= R => unsafe { M::piece::<$rows, P>(from, out) },)*
                _ => {}
            }
        }
    };
}
sized!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);

/// `R` rows of `P` blocks of columns, in registers until they are complete. Each type instantiates
/// it in a function of its own, so that nothing else wants its registers.
///
/// # Safety
/// See [`product`].
#[expect(
    clippy::needless_range_loop,
    reason = "what is in registers is walked by number, see `kernel::Sums`"
)]
#[inline(always)]
pub(super) unsafe fn piece<V: Vector, const R: usize, const P: usize>(
    from: Source<Lanes>,
    out: &mut Piece<Lanes>,
) {
    // SAFETY: our caller promises that the processor has the instructions, and that both factors
    // hold all of these rows, columns and `k`.
    unsafe {
        let mut a = from.left.cast::<f32>();
        let mut b = from.right;
        let mut sums = [[V::splat(0.0); P]; R];
        let mut left_over = from.k;
        while left_over > 0 {
            let count = left_over.min(WIDTH);
            // The lines of the next columns lie elsewhere, which the processor does not foresee.
            let next = a.wrapping_add(from.left_stride * WIDTH);
            for r in 0..R {
                prefetch(next.wrapping_add(r * WIDTH));
            }
            for i in 0..count {
                let mut values = [V::splat(0.0); P];
                for p in 0..P {
                    let line = b.add(p * from.right_stride);
                    prefetch(line.wrapping_add(from.ahead));
                    values[p] = V::load(&*line);
                }
                b = b.add(1);
                for r in 0..R {
                    let value = V::splat(*a.add(r * WIDTH + i));
                    for p in 0..P {
                        sums[r][p] = value.mul_add(values[p], sums[r][p]);
                    }
                }
            }
            left_over -= count;
            a = a.wrapping_add(from.left_stride * WIDTH);
        }
        for p in 0..P {
            for r in 0..R {
                sums[r][p].store(&mut out[p][r]);
            }
        }
    }
}

/// What is done to the lines of a block, and where they go.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(super) unsafe fn finish<V: Vector>(
    sums: &[Lanes],
    bias: Option<&Lanes>,
    finish: Finish<'_>,
    out: &mut [Lanes],
) {
    // SAFETY: our caller promises that the processor has the instructions.
    unsafe {
        let bias = match bias {
            Some(bias) => V::load(bias),
            None => V::splat(0.0),
        };
        for (sum, out) in sums.iter().zip(out) {
            let mut value = V::load(sum).add(bias);
            if finish.add {
                value = value.add(V::load(out));
            }
            if let Some(curve) = finish.curve {
                value = curve::apply(curve, value);
            }
            value.store(out);
        }
    }
}
