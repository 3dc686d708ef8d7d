//! Pixels to what the vision tower reads, as `preprocessor_config.json` says.
//!
//! The reference is Pillow, behind transformers' `CLIPImageProcessorPil`: resize, centre crop,
//! rescale, normalise.

use std::path::Path;

use super::pixels::Image;
use super::resample::{Axis, Filter, resample};
use super::settings::{Settings, Size};
use crate::encoder::error::EncodeError;

/// Turns pictures into the vision tower's input.
pub(in crate::encoder) struct Preprocess {
    settings: Settings,
    side: usize,
    /// What rescaling and normalising make of each level of each channel.
    levels: [[f32; 256]; 3],
}

impl Preprocess {
    /// Checks that the settings give what the vision tower reads: squares of `side` pixels.
    pub(in crate::encoder) fn new(
        path: &Path,
        settings: Settings,
        side: usize,
    ) -> Result<Self, EncodeError> {
        let refuse = |key: &str, value: String| {
            let supported = format!("the vision tower reads {side}x{side} pixels");
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

    /// The input of the vision tower, shape `(3, side, side)`.
    pub(in crate::encoder) fn run(&self, image: &Image) -> Vec<f32> {
        let (height, width) = (image.height() as usize, image.width() as usize);
        let (resized, filter) = match self.settings.resize {
            None => ([height, width], Filter::Bicubic),
            Some((Size::Exact(size), filter)) => (size, filter),
            Some((Size::ShortestEdge(edge), filter)) => {
                (shortest_edge(height, width, edge), filter)
            }
        };
        let (rows, top) = center(height, resized[0], self.side);
        let (columns, left) = center(width, resized[1], self.side);
        let kept = resample(image.as_rgb8(), &rows, &columns, filter);

        let plane = self.side * self.side;
        // Padding is black before it is normalised.
        let mut out = Vec::with_capacity(3 * plane);
        for levels in &self.levels {
            out.resize(out.len() + plane, levels[0]);
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

/// The arithmetic of the reference, types included: rescaled in `f64`, normalised in `f32`.
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

/// Height and width after the shorter side has become `edge`; the longer one is rounded down.
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

/// The part of a resized side that survives the centre crop, and where it goes.
fn center(source: usize, resized: usize, side: usize) -> (Axis, usize) {
    let start = resized.saturating_sub(side) / 2;
    let axis = Axis { source, resized, wanted: start..start + resized.min(side) };
    // Padded where the picture is smaller.
    (axis, side.saturating_sub(resized).div_ceil(2))
}
