//! Weighted sums of adjacent pixels, the core of resizing.
//!
//! The arithmetic is Pillow's: weights are multiples of 2^-22, sums are integers, rounded and
//! clipped to 8 bits. So every kernel returns the same bytes.

use crate::simd::{Backend, dispatch};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Isa, x86};

/// Weights are multiples of 2^-22: the largest sum, 255 times the weights of a filter that
/// overshoots, stays within an `i32`.
pub(crate) const FRACTION_BITS: u32 = 22;
/// A weight is also kept as `high * 2^11 + low`, which fits the 16-bit products of SIMD.
#[cfg(target_arch = "x86_64")]
pub(in crate::simd) const LOW_BITS: u32 = 11;

impl Backend {
    /// The best number of rows to pass to [`convolve_horizontal`](Self::convolve_horizontal) at
    /// once.
    pub(crate) const ROWS: usize = 4;

    /// Runs the horizontal pass over rows of RGB pixels, `width` each. Pixel 0 of a row is pixel
    /// `offset` of the source. A row of `out` has as many pixels as there are `taps`. The result is
    /// the same on every backend.
    ///
    /// # Panics
    /// If `out` has a different number of rows, or if a tap reaches outside a row.
    #[track_caller]
    pub(crate) fn convolve_horizontal(
        self,
        rows: &[u8],
        width: usize,
        offset: usize,
        taps: &[Taps],
        out: &mut [u8],
    ) {
        assert!(width > 0 && rows.len().is_multiple_of(width * 3));
        assert_eq!(out.len(), rows.len() / width * taps.len());
        for taps in taps {
            assert!(offset <= taps.first() && taps.end() <= offset + width);
        }
        if taps.is_empty() {
            return;
        }
        let mut rows = rows.chunks_exact(width * 3);
        let mut outs = out.chunks_exact_mut(taps.len() * 3);
        #[cfg(target_arch = "x86_64")]
        if self.0 != Isa::Portable && taps.iter().all(Taps::has_quads) {
            while rows.len() >= Self::ROWS {
                let rows: [_; Self::ROWS] =
                    std::array::from_fn(|_| rows.next().unwrap_or_default());
                let outs: [_; Self::ROWS] =
                    std::array::from_fn(|_| outs.next().unwrap_or_default());
                // SAFETY: only `available` creates backends other than the portable one, after it
                // has detected AVX2.
                unsafe { x86::avx2::convolve_rows::<{ Self::ROWS }>(rows, offset, taps, outs) };
            }
            for (row, out) in rows.by_ref().zip(outs.by_ref()) {
                // SAFETY: as above.
                unsafe { x86::avx2::convolve_rows([row], offset, taps, [out]) };
            }
        }
        for (row, out) in rows.zip(outs) {
            convolve_row(row, offset, taps, out);
        }
    }

    /// Computes one row of the vertical pass: the weighted sum of `rows`, each as long as `out`.
    /// `sums` is scratch space of the same length. The result is the same on every backend.
    pub(crate) fn convolve_vertical<'a>(
        self,
        rows: impl Iterator<Item = &'a [u8]>,
        weights: &[i32],
        sums: &mut [i32],
        out: &mut [u8],
    ) {
        // SAFETY: there are no other requirements; missing values are left out.
        unsafe { dispatch!(self, convolve_vertical(rows, weights, sums, out)) }
    }
}

/// The source of a pixel of the result: the first source pixel, and the weights of that pixel and
/// the following ones.
pub(crate) struct Taps {
    first: usize,
    weights: Vec<i32>,
    /// Groups of four weights: their high parts, then their low parts. The last group is padded
    /// with zeros. Empty if a high part does not fit, which does not happen with the filters of
    /// whole pictures.
    #[cfg(target_arch = "x86_64")]
    quads: Vec<[i16; 8]>,
}

impl Taps {
    pub(crate) fn new(first: usize, weights: Vec<i32>) -> Self {
        Self {
            first,
            #[cfg(target_arch = "x86_64")]
            quads: quads(&weights).unwrap_or_default(),
            weights,
        }
    }

    /// Returns the first source pixel.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    pub(crate) fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// Returns the source pixel after the last one.
    pub(crate) fn end(&self) -> usize {
        self.first + self.weights.len()
    }

    #[cfg(target_arch = "x86_64")]
    pub(in crate::simd) fn quads(&self) -> &[[i16; 8]] {
        &self.quads
    }

    #[cfg(target_arch = "x86_64")]
    pub(in crate::simd) fn has_quads(&self) -> bool {
        self.quads.len() == self.weights.len().div_ceil(4)
    }
}

#[cfg(target_arch = "x86_64")]
fn quads(weights: &[i32]) -> Option<Vec<[i16; 8]>> {
    let quad = |four: &[i32]| {
        let mut quad = [0; 8];
        for (at, weight) in four.iter().enumerate() {
            quad[at] = i16::try_from(weight >> LOW_BITS).ok()?;
            quad[at + 4] = i16::try_from(weight & ((1 << LOW_BITS) - 1)).ok()?;
        }
        Some(quad)
    };
    weights.chunks(4).map(quad).collect()
}

/// Computes one row of the horizontal pass. Pixel 0 of `row` is pixel `offset` of the source.
pub(in crate::simd) fn convolve_row(row: &[u8], offset: usize, taps: &[Taps], out: &mut [u8]) {
    for (pixel, taps) in out.chunks_exact_mut(3).zip(taps) {
        let mut sums = [0; 3];
        let seen = row[(taps.first - offset) * 3..].chunks_exact(3);
        for (seen, weight) in seen.zip(&taps.weights) {
            for (sum, &level) in sums.iter_mut().zip(seen) {
                *sum += i32::from(level) * weight;
            }
        }
        for (level, sum) in pixel.iter_mut().zip(sums) {
            *level = round(sum);
        }
    }
}

/// Computes one row of the vertical pass: the weighted sum of `rows`, each as long as `out`.
#[inline(always)]
pub(in crate::simd) fn convolve_vertical<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    weights: &[i32],
    sums: &mut [i32],
    out: &mut [u8],
) {
    sums.fill(0);
    for (row, weight) in rows.zip(weights) {
        for (sum, &level) in sums.iter_mut().zip(row) {
            *sum += i32::from(level) * weight;
        }
    }
    for (level, &sum) in out.iter_mut().zip(sums.iter()) {
        *level = round(sum);
    }
}

#[inline(always)]
fn round(sum: i32) -> u8 {
    ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).clamp(0, 255) as u8
}
