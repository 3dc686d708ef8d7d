//! Finds the rows that may be among the best, using their 8-bit dot products and a bound on the
//! error.

use std::ops::Range;

use super::dot_i8::LANES;
use crate::simd::{Backend, dispatch};

impl Backend {
    /// Runs [`screen`] for the queries of a panel: appends positions in `dots` with their lanes.
    ///
    /// # Panics
    /// As [`screen`].
    pub(crate) fn screen_panel(
        self,
        dots: &[[i32; LANES]],
        row_errors: &RowErrors<'_>,
        picked: Option<&[u32]>,
        thresholds: &Thresholds<LANES>,
        passed: &mut Vec<(usize, usize)>,
    ) {
        // SAFETY: there are no other requirements; out-of-range accesses panic.
        unsafe { dispatch!(self, screen_panel(dots, row_errors, picked, thresholds, passed)) }
    }
}

/// The precision of the codes of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowErrors<'a> {
    pub(crate) scales: &'a [f32],
    pub(crate) errors: &'a [f32],
    pub(crate) lengths: &'a [f32],
}

/// The thresholds that rows must reach for several queries:
/// `scale * (dot + bias) + error * error_weight + length * length_weight` must not be below
/// `least`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds<const N: usize> {
    pub(crate) bias: [i32; N],
    pub(crate) error_weight: [f32; N],
    pub(crate) length_weight: [f32; N],
    pub(crate) least: [f32; N],
}

impl<const N: usize> Thresholds<N> {
    /// Thresholds that no row reaches.
    pub(crate) const NEVER: Self = Self {
        bias: [0; N],
        error_weight: [0.0; N],
        length_weight: [0.0; N],
        least: [f32::INFINITY; N],
    };

    #[inline(always)]
    #[expect(clippy::cast_precision_loss, reason = "covered by the margin of the threshold")]
    fn falls_short(&self, n: usize, dot: i32, [scale, error, length]: [f32; 3]) -> bool {
        let score = (dot + self.bias[n]) as f32 * scale;
        // NaN, from a damaged file, is not below the threshold: the row is examined, and detected.
        score + (error * self.error_weight[n] + length * self.length_weight[n]) < self.least[n]
    }
}

impl RowErrors<'_> {
    /// Returns the errors of a range of the rows.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        Self {
            scales: &self.scales[range.clone()],
            errors: &self.errors[range.clone()],
            lengths: &self.lengths[range],
        }
    }

    #[inline(always)]
    fn of(&self, picked: Option<&[u32]>, at: usize) -> [f32; 3] {
        let at = picked.map_or(at, |picked| picked[at] as usize);
        [self.scales[at], self.errors[at], self.lengths[at]]
    }
}

/// Appends the positions in `dots` of the rows that reach the threshold to `passed`.
///
/// # Panics
/// If there are fewer row errors than dot products, or a picked row has none.
pub(crate) fn screen(
    dots: &[i32],
    row_errors: &RowErrors<'_>,
    picked: Option<&[u32]>,
    thresholds: &Thresholds<1>,
    passed: &mut Vec<usize>,
) {
    for (chunk, dots) in dots.chunks(LANES).enumerate() {
        let first = chunk * LANES;
        // Nearly always, all rows of a chunk are below the threshold, and the compiler compares
        // several rows at once.
        let mut short = true;
        if let (None, Ok(dots)) = (picked, <&[i32; LANES]>::try_from(dots)) {
            let row_errors = [row_errors.scales, row_errors.errors, row_errors.lengths]
                .map(|all| all[first..].first_chunk::<LANES>());
            if let [Some(scales), Some(errors), Some(lengths)] = row_errors {
                for i in 0..LANES {
                    short &= thresholds.falls_short(0, dots[i], [scales[i], errors[i], lengths[i]]);
                }
                if short {
                    continue;
                }
            }
        }
        passed.extend((first..).zip(dots).filter_map(|(at, &dot)| {
            let short = thresholds.falls_short(0, dot, row_errors.of(picked, at));
            (!short).then_some(at)
        }));
    }
}

/// See [`Backend::screen_panel`].
#[inline(always)]
pub(in crate::simd) fn screen_panel(
    dots: &[[i32; LANES]],
    row_errors: &RowErrors<'_>,
    picked: Option<&[u32]>,
    thresholds: &Thresholds<LANES>,
    passed: &mut Vec<(usize, usize)>,
) {
    for (at, dots) in dots.iter().enumerate() {
        let of_row = row_errors.of(picked, at);
        let mut short = true;
        for (lane, &dot) in dots.iter().enumerate() {
            short &= thresholds.falls_short(lane, dot, of_row);
        }
        if !short {
            passed.extend((0..LANES).filter_map(|lane| {
                (!thresholds.falls_short(lane, dots[lane], of_row)).then_some((at, lane))
            }));
        }
    }
}
