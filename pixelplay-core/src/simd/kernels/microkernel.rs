//! One tile of a product of blocked matrices: several rows of one or two blocks of columns, whose
//! sums stay in registers until they are complete.

use super::epilogue::Epilogue;
use crate::simd::vector::{Lanes, Vector, WIDTH};

/// A way to compute a tile of a product.
pub(in crate::simd) trait Microkernel {
    /// A line of either factor.
    type Line;
    /// 16 sums.
    type Sums: Copy;
    const ZERO: Self::Sums;

    /// Computes `R` rows of `P` blocks of columns, in a function compiled only for this.
    ///
    /// # Safety
    /// See [`gemm`](super::gemm::gemm).
    unsafe fn tile<const R: usize, const P: usize>(
        from: Operands<Self::Line>,
        out: &mut Tile<Self::Sums>,
    );
}

/// A vector type for which the matrix product kernels are compiled, each as a separate function, so
/// that no other code competes for its registers.
pub(in crate::simd) trait Instantiate: Vector {
    /// [`microkernel`], compiled for this type.
    ///
    /// # Safety
    /// See [`gemm`](super::gemm::gemm).
    unsafe fn tile<const R: usize, const P: usize>(from: Operands<Lanes>, out: &mut Tile<Lanes>);

    /// [`epilogue::apply`](super::epilogue::apply), compiled for this type.
    ///
    /// # Safety
    /// See [`Vector`].
    unsafe fn epilogue(
        sums: &[Lanes],
        bias: Option<&Lanes>,
        epilogue: Epilogue<'_>,
        out: &mut [Lanes],
    );
}

impl<V: Instantiate> Microkernel for V {
    type Line = Lanes;
    type Sums = Lanes;
    const ZERO: Lanes = Lanes::ZERO;

    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(from: Operands<Lanes>, out: &mut Tile<Lanes>) {
        // SAFETY: guaranteed by our caller.
        unsafe { <V as Instantiate>::tile::<R, P>(from, out) }
    }
}

/// The maximum number of rows of a tile.
pub(in crate::simd) const MAX_ROWS: usize = 14;
/// The maximum number of blocks of a tile.
pub(in crate::simd) const MAX_BLOCKS: usize = 2;

/// A tile of a product: at most [`MAX_BLOCKS`] blocks of [`MAX_ROWS`] lines.
pub(in crate::simd) type Tile<S> = [[S; MAX_ROWS]; MAX_BLOCKS];

/// The locations of the values of a tile.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Operands<L> {
    /// The first line of the first row.
    pub(in crate::simd) left: *const L,
    /// The distance from one block to the next, in lines.
    pub(in crate::simd) left_stride: usize,
    /// The first line of the first block.
    pub(in crate::simd) right: *const L,
    pub(in crate::simd) right_stride: usize,
    pub(in crate::simd) k: usize,
    /// The distance, in lines, from each line of the right factor to one that will be read soon. In
    /// the last tile of a group of blocks these are the lines of the next blocks, which may not be
    /// cached yet.
    pub(in crate::simd) ahead: usize,
}

/// Prefetches a line. Does nothing if the address is invalid.
#[inline(always)]
pub(in crate::simd) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch does not read, and any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

macro_rules! tile_of {
    ($($rows:literal)*) => {
        /// Computes a tile of this many rows.
        ///
        /// # Safety
        /// See [`gemm`](super::gemm::gemm).
        #[inline(always)]
        pub(in crate::simd) unsafe fn tile_of<M: Microkernel, const R: usize, const P: usize>(
            rows: usize,
            from: Operands<M::Line>,
            out: &mut Tile<M::Sums>,
        ) {
            match rows {
                // SAFETY: guaranteed by our caller.
                $($rows if $rows <= R => unsafe { M::tile::<$rows, P>(from, out) },)*
                _ => {}
            }
        }
    };
}
tile_of!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);

/// Computes `R` rows of `P` blocks of columns, in registers until they are complete. It is
/// instantiated for each type as a separate function, so that no other code competes for its
/// registers.
///
/// # Safety
/// See [`gemm`](super::gemm::gemm).
#[expect(clippy::needless_range_loop, reason = "registers are indexed, see `dot::Accumulator`")]
#[inline(always)]
pub(in crate::simd) unsafe fn microkernel<V: Vector, const R: usize, const P: usize>(
    from: Operands<Lanes>,
    out: &mut Tile<Lanes>,
) {
    // SAFETY: our caller guarantees that the processor has the instructions, and that both factors
    // contain all of these rows, columns and `k`.
    unsafe {
        let mut a = from.left.cast::<f32>();
        let mut b = from.right;
        let mut sums = [[V::splat(0.0); P]; R];
        let mut left_over = from.k;
        while left_over > 0 {
            let count = left_over.min(WIDTH);
            // The hardware prefetcher does not find the lines of the next columns, because they are
            // elsewhere.
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
