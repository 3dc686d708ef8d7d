//! Converts pixels to the vision tower's input, according to the checkpoint's settings.
//!
//! The reference is Pillow, as used by transformers' `CLIPImageProcessorPil` and torchvision's
//! transforms: resize, centre crop, rescale, normalise.

use std::path::Path;

use super::pixels::Image;
use super::resample::{Axis, Filter, resample};
use super::settings::{Borders, Settings, Size};
use crate::encoder::error::EncodeError;

/// Converts pictures to the vision tower's input.
pub(in crate::encoder) struct Preprocess {
    settings: Settings,
    side: usize,
    /// The rescaled and normalised value of each level of each channel.
    levels: [[f32; 256]; 3],
}

impl Preprocess {
    /// Checks that the settings produce the vision tower's input: squares of `side` pixels.
    pub(in crate::encoder) fn new(
        path: &Path,
        settings: Settings,
        side: usize,
    ) -> Result<Self, EncodeError> {
        let refuse = |key: &str, value: String| {
            let supported = format!("the vision tower needs {side}x{side} pixels");
            EncodeError::unsupported(path, key, value, supported)
        };
        match (&settings.center_crop, &settings.resize) {
            (Some(crop), _) if *crop != [side, side] => {
                return Err(refuse("crop_size", format!("{crop:?}")));
            }
            (Some(_), _) => {}
            (None, Some((Size::Exact(size), _))) if *size == [side, side] => {}
            (None, Some((size, _))) => return Err(refuse("size", format!("{size:?}"))),
            (None, None) => return Err(refuse("do_resize", "false".to_owned())),
        }
        Ok(Self { levels: levels(&settings), settings, side })
    }

    pub(in crate::encoder) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the input of the vision tower, shape `(3, side, side)`.
    pub(in crate::encoder) fn run(&self, image: &Image) -> Vec<f32> {
        let (height, width) = (image.height() as usize, image.width() as usize);
        let (resized, filter) = match self.settings.resize {
            None => ([height, width], Filter::Bicubic),
            Some((Size::Exact(size), filter)) => (size, filter),
            Some((Size::ShortestEdge(edge), filter)) => {
                (shortest_edge(height, width, edge), filter)
            }
            Some((Size::LongestEdge(edge), filter)) => (longest_edge(height, width, edge), filter),
        };
        let borders = self.settings.borders;
        let (rows, top) = center(height, resized[0], self.side, borders);
        let (columns, left) = center(width, resized[1], self.side, borders);
        let kept = resample(image.as_rgb8(), &rows, &columns, filter);

        let plane = self.side * self.side;
        // Padding is added before normalising.
        let fill = match borders {
            Borders::Transformers => 0,
            Borders::Torchvision { fill } => usize::from(fill),
        };
        let mut out = Vec::with_capacity(3 * plane);
        for levels in &self.levels {
            out.resize(out.len() + plane, levels[fill]);
        }
        for (y, row) in kept.chunks_exact(columns.wanted.len() * 3).enumerate() {
            let start = (top + y) * self.side + left;
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                for (channel, &level) in pixel.iter().enumerate() {
                    out[channel * plane + start + x] = self.levels[channel][usize::from(level)];
                }
            }
        }
        out
    }
}

/// Follows the arithmetic of the reference, including its types: pixels are rescaled in `f64` and
/// normalised in `f32`.
#[expect(clippy::cast_possible_truncation, reason = "the reference rounds to f32 at these places")]
fn levels(settings: &Settings) -> [[f32; 256]; 3] {
    std::array::from_fn(|channel| {
        std::array::from_fn(|level| {
            let mut value = level as f64;
            if let Some(factor) = settings.rescale {
                value *= factor;
            }
            let value = value as f32;
            match &settings.normalize {
                Some((mean, std)) => (value - mean[channel] as f32) / std[channel] as f32,
                None => value,
            }
        })
    })
}

/// Returns height and width after resizing the shorter side to `edge`; the longer one is rounded
/// down.
fn shortest_edge(height: usize, width: usize, edge: usize) -> [usize; 2] {
    let (short, long) = (height.min(width), height.max(width));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the reference divides floats and truncates; a product of sides is far below 2^53"
    )]
    let long = ((edge * long) as f64 / short as f64) as usize;
    if width <= height { [long, edge] } else { [edge, long] }
}

/// Returns height and width after resizing the longer side to `edge`; halves are rounded to even
/// numbers.
fn longest_edge(height: usize, width: usize, edge: usize) -> [usize; 2] {
    let ratio = height.max(width) as f64 / edge as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the reference divides floats and rounds; sides are far below 2^53"
    )]
    let resized = |side: usize| (side as f64 / ratio).round_ties_even() as usize;
    // In the reference, a side of 0 is an error.
    [resized(height).max(1), resized(width).max(1)]
}

/// Returns the part of a resized side that the centre crop keeps, and its position in the result.
fn center(source: usize, resized: usize, side: usize, borders: Borders) -> (Axis, usize) {
    let (left_over, missing) = (resized.saturating_sub(side), side.saturating_sub(resized));
    let (start, before) = match borders {
        Borders::Transformers => (left_over / 2, missing.div_ceil(2)),
        Borders::Torchvision { .. } => {
            // Halves are rounded to even numbers.
            let half = left_over / 2;
            (if left_over % 2 == 1 { half + half % 2 } else { half }, missing / 2)
        }
    };
    (Axis { source, resized, wanted: start..start + resized.min(side) }, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_are_cut_and_filled_up_by_the_rules_of_each_reference() {
        // Python's results for `(n - 8) // 2` and `round((n - 8) / 2)`, and for padding.
        let torchvision = Borders::Torchvision { fill: 0 };
        for (resized, of_transformers, of_torchvision) in
            [(8, 0, 0), (9, 0, 0), (10, 1, 1), (11, 1, 2), (12, 2, 2), (13, 2, 2), (15, 3, 4)]
        {
            let start = |borders| center(100, resized, 8, borders).0.wanted.start;
            assert_eq!(start(Borders::Transformers), of_transformers, "{resized}");
            assert_eq!(start(torchvision), of_torchvision, "{resized}");
        }
        assert_eq!(center(5, 5, 8, Borders::Transformers).1, 2);
        assert_eq!(center(5, 5, 8, torchvision).1, 1);
    }

    #[test]
    fn the_longer_side_is_rounded_as_python_rounds() {
        assert_eq!(longest_edge(100, 50, 64), [64, 32]);
        assert_eq!(longest_edge(50, 100, 64), [32, 64]);
        // 62.5 and 61.5.
        assert_eq!(longest_edge(128, 125, 64), [64, 62]);
        assert_eq!(longest_edge(128, 123, 64), [64, 62]);
        assert_eq!(longest_edge(1000, 1, 64), [64, 1]);
    }
}
