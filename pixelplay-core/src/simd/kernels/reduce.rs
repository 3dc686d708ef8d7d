//! Sums the lanes of a register.

use std::ops::AddAssign;

#[cfg(feature = "encoder")]
use crate::simd::vector::{Lanes, Vector};

/// Adds all lanes in pairs: the upper half to the lower half, until one is left.
#[inline(always)]
pub(in crate::simd) fn tree_sum<T: AddAssign + Copy, const L: usize>(sums: &mut [T; L]) -> T {
    let mut width = L / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Returns the [`tree_sum`] of a vector.
///
/// # Safety
/// See [`Vector`].
#[cfg(feature = "encoder")]
#[inline(always)]
pub(in crate::simd) unsafe fn sum_lanes<V: Vector>(vector: V) -> f32 {
    let mut line = Lanes::ZERO;
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe { vector.store(&mut line) };
    tree_sum(&mut line.0)
}
