//! Pillow's resize, bit for bit: two passes of a filter that widens when the picture shrinks.
//!
//! Checkpoints were trained on Pillow's results, and no other library reproduces them:
//! `fast_image_resize` and `image` differ by up to 6 levels when both axes are resized at once, and
//! `fast_image_resize` still differs by 2 with separate passes. So the arithmetic is Pillow's:
//! weights in `f64`, then as multiples of 2^-22; integer sums, rounded and clipped to 8 bits after
//! each pass.

use std::f64::consts::PI;
use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use crate::simd::{Backend, FRACTION_BITS, Taps};

/// The number of rows per task of the horizontal pass.
const ROWS: usize = 4 * Backend::ROWS;

/// Pillow's antialiasing filters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) enum Filter {
    Lanczos,
    Bilinear,
    Bicubic,
    Box,
    Hamming,
}

/// One axis of a picture: its length before and after resizing, and the part of the result that is
/// needed.
///
/// Only that part is computed. Otherwise a picture of 100,000 x 1 pixels would become one of
/// 22,400,000 x 224 before its centre is cropped.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) source: usize,
    pub(super) resized: usize,
    pub(super) wanted: Range<usize>,
}

/// Returns the needed part of the resized picture. `rgb` and the result are stored row by row, with
/// three bytes per pixel.
pub(super) fn resample(rgb: &[u8], rows: &Axis, columns: &Axis, filter: Filter) -> Vec<u8> {
    resample_with(Backend::detect(), rgb, rows, columns, filter)
}

fn resample_with(
    backend: Backend,
    rgb: &[u8],
    rows: &Axis,
    columns: &Axis,
    filter: Filter,
) -> Vec<u8> {
    // Since version 13, Pillow begins with the vertical pass if the height shrinks by more than
    // twice as many pixels as the width. The order matters, since each pass rounds.
    let shrinks = |axis: &Axis| axis.source as i128 - axis.resized as i128;
    let vertical_first = shrinks(rows) > 0 && shrinks(rows) > 2 * shrinks(columns);

    let (vertical, band_rows) = rows.taps(filter);
    let (horizontal, band_columns) = columns.taps(filter);
    if vertical_first {
        let (width, start) = (band_columns.len(), band_columns.start);
        let between = convolve_vertical(backend, rgb, columns.source, band_columns, &vertical, 0);
        convolve_horizontal(backend, &between, width, &horizontal, start)
    } else {
        let band = &rgb[band_rows.start * columns.source * 3..band_rows.end * columns.source * 3];
        let between = convolve_horizontal(backend, band, columns.source, &horizontal, 0);
        let width = horizontal.len();
        let start = band_rows.start;
        convolve_vertical(backend, &between, width, 0..width, &vertical, start)
    }
}

/// Runs the horizontal pass. Pixel 0 of each row of `rgb` is pixel `offset` of the source.
fn convolve_horizontal(
    backend: Backend,
    rgb: &[u8],
    width: usize,
    taps: &[Taps],
    offset: usize,
) -> Vec<u8> {
    let mut out = vec![0; rgb.len() / width * taps.len()];
    out.par_chunks_mut(taps.len() * 3 * ROWS)
        .zip(rgb.par_chunks(width * 3 * ROWS))
        .for_each(|(out, rows)| backend.convolve_horizontal(rows, width, offset, taps, out));
    out
}

/// Runs the vertical pass over the columns `kept`. Row 0 of `rgb` is row `offset` of the source.
fn convolve_vertical(
    backend: Backend,
    rgb: &[u8],
    width: usize,
    kept: Range<usize>,
    taps: &[Taps],
    offset: usize,
) -> Vec<u8> {
    let row_len = kept.len() * 3;
    let mut out = vec![0; row_len * taps.len()];
    out.par_chunks_exact_mut(row_len).zip(taps).for_each_init(
        || vec![0; row_len],
        |sums, (out, taps)| {
            let rows = (taps.first() - offset..taps.end() - offset)
                .map(|y| &rgb[(y * width + kept.start) * 3..][..row_len]);
            backend.convolve_vertical(rows, taps.weights(), sums, out);
        },
    );
    out
}

impl Axis {
    /// Returns the taps of each needed pixel, and the range of source pixels that they reach.
    fn taps(&self, filter: Filter) -> (Vec<Taps>, Range<usize>) {
        let taps: Vec<Taps> = if self.resized == self.source {
            let identity = |first| Taps::new(first, vec![1 << FRACTION_BITS]);
            self.wanted.clone().map(identity).collect()
        } else {
            self.wanted.clone().map(|at| self.tap(at, filter)).collect()
        };
        // Both ends of a tap grow with its position.
        let start = taps.first().map_or(0, Taps::first);
        let end = taps.last().map_or(0, Taps::end);
        (taps, start..end)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "truncated as Pillow does; sides are far below 2^53 and weights below 2^23"
    )]
    fn tap(&self, at: usize, filter: Filter) -> Taps {
        let scale = self.source as f64 / self.resized as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let center = (at as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(self.source);
        let narrow = 1.0 / stretch;
        let weights: Vec<f64> =
            (first..end).map(|x| filter.weight((x as f64 - center + 0.5) * narrow)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| {
            let share = if sum == 0.0 { weight } else { weight / sum };
            let scaled = share * f64::from(1 << FRACTION_BITS);
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Taps::new(first, weights.into_iter().map(fixed).collect())
    }
}

impl Filter {
    /// Returns how far the filter reaches, in pixels of the smaller picture.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bicubic => 2.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Box => 0.5,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| {
            if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
        };
        let distance = x.abs();
        match self {
            Self::Lanczos if distance < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Bilinear if distance < 1.0 => 1.0 - distance,
            // The cubic with a = -0.5 (Keys 1981); torch and OpenCV use -0.75.
            Self::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Self::Bicubic if distance < 2.0 => {
                (((distance - 5.0) * distance + 8.0) * distance - 4.0) * -0.5
            }
            // Half open, so that a pixel on an edge counts once.
            Self::Box if x > -0.5 && x <= 0.5 => 1.0,
            Self::Hamming if distance < 1.0 => sinc(x) * (0.54 + 0.46 * (x * PI).cos()),
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every backend reads rows of any length up to their last byte, and no further.
    #[test]
    fn every_backend_gives_the_same_pixels() {
        let axis =
            |source: usize, resized: usize| Axis { source, resized, wanted: resized / 5..resized };
        let filters = [Filter::Lanczos, Filter::Bicubic, Filter::Box];
        let sources = [1, 2, 5, 6, 7, 16, 33, 61, 200];
        for (at, (&height, &width)) in sources
            .iter()
            .flat_map(|height| sources.iter().map(move |width| (height, width)))
            .enumerate()
        {
            // Levels at both ends, where sums are clipped, and in between.
            let rgb: Vec<u8> = (0..height * width * 3)
                .map(|at| match at * 40_503 % 7 {
                    0 => 0,
                    1 => 255,
                    _ => (at * 37 % 251) as u8,
                })
                .collect();
            for [rows, columns] in [[7, 9], [48, 3], [1, 40], [height, width]] {
                let (rows, columns) = (axis(height, rows), axis(width, columns));
                let of = |backend| {
                    resample_with(backend, &rgb, &rows, &columns, filters[at % filters.len()])
                };
                let mut backends = Backend::available().into_iter();
                let oracle = backends.next().map(of);
                for backend in backends {
                    assert_eq!(Some(of(backend)), oracle, "{backend} {rows:?} {columns:?}");
                }
            }
        }
    }
}
