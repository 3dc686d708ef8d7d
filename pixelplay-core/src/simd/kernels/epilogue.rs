//! Processes the sums of a tile while they are still in registers or cache.

use super::activation::{self, Activation};
use crate::simd::vector::{Lanes, Vector};

/// The operations on a product before it is stored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// The bias: one line per block of columns.
    pub(crate) bias: Option<&'a [Lanes]>,
    /// Whether to add to the contents of the output instead of replacing them.
    pub(crate) accumulate: bool,
    /// The activation, which is applied last.
    pub(crate) activation: Option<Activation>,
}

impl Epilogue<'_> {
    /// Returns the bias of a block.
    #[inline(always)]
    pub(in crate::simd) fn bias_of(&self, block: usize) -> Option<&Lanes> {
        self.bias.map(|bias| &bias[block])
    }
}

/// Applies the epilogue to the sums of a block, and stores the lines.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn apply<V: Vector>(
    sums: &[Lanes],
    bias: Option<&Lanes>,
    epilogue: Epilogue<'_>,
    out: &mut [Lanes],
) {
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe {
        let bias = match bias {
            Some(bias) => V::load(bias),
            None => V::splat(0.0),
        };
        for (sum, out) in sums.iter().zip(out) {
            let mut value = V::load(sum).add(bias);
            if epilogue.accumulate {
                value = value.add(V::load(out));
            }
            if let Some(activation) = epilogue.activation {
                value = activation::apply(activation, value);
            }
            value.store(out);
        }
    }
}
