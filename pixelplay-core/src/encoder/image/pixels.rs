//! A decoded picture.

use crate::encoder::error::EncodeError;

/// A decoded picture: 8-bit RGB, upright.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Image {
    /// Creates a picture from decoded pixels: row by row from the top, three bytes per pixel.
    ///
    /// # Errors
    /// If `rgb` does not have `width * height * 3` bytes, or a side is 0.
    pub fn from_rgb8(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, EncodeError> {
        let expected = u128::from(width) * u128::from(height) * 3;
        if expected == 0 || rgb.len() as u128 != expected {
            return Err(EncodeError::BadPixels { width, height, len: rgb.len() });
        }
        Ok(Self { width, height, rgb })
    }

    /// Creates a picture from decoded pixels with transparency, four bytes each. They are
    /// composited onto white, as in [`Image::decode`].
    ///
    /// # Errors
    /// If `rgba` does not have `width * height * 4` bytes, or a side is 0.
    pub fn from_rgba8(width: u32, height: u32, rgba: Vec<u8>) -> Result<Self, EncodeError> {
        let len = rgba.len();
        if len as u128 != u128::from(width) * u128::from(height) * 4 {
            return Err(EncodeError::BadPixels { width, height, len });
        }
        Self::from_rgb8(width, height, on_white(rgba))
    }

    /// Returns the width in pixels, which is never 0.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels, which is never 0.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the pixels, shape `(height, width, 3)`.
    #[must_use]
    pub fn as_rgb8(&self) -> &[u8] {
        &self.rgb
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{})", self.width, self.height)
    }
}

/// Composites RGBA pixels onto white, like Pillow's `Image.alpha_composite` over an opaque
/// background, which amounts to rounding `(value * alpha + 255 * (255 - alpha)) / 255`.
pub(super) fn on_white(mut pixels: Vec<u8>) -> Vec<u8> {
    // This works in place, since a picture can take hundreds of megabytes.
    let count = pixels.len() / 4;
    for at in 0..count {
        let alpha = u32::from(pixels[at * 4 + 3]);
        for channel in 0..3 {
            let value = u32::from(pixels[at * 4 + channel]);
            #[expect(clippy::cast_possible_truncation, reason = "a mean of two bytes is a byte")]
            let on_white = ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            pixels[at * 3 + channel] = on_white;
        }
    }
    pixels.truncate(count * 3);
    pixels.shrink_to_fit();
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_colour_of_any_alpha_is_laid_on_white_as_exactly_as_a_byte_can_say() {
        for alpha in 0..=255_u8 {
            let row: Vec<u8> = (0..=255).flat_map(|value| [value, 0, 255, alpha]).collect();
            let share = f64::from(alpha) / 255.0;
            let laid = |value: f64| (value * share + 255.0 * (1.0 - share)).round();
            for (value, rgb) in (0..=255_u8).zip(on_white(row).as_chunks::<3>().0) {
                let expected = [laid(value.into()), laid(0.0), 255.0];
                assert_eq!(rgb.map(f64::from), expected, "{value} of {alpha}");
            }
        }
    }

    #[test]
    fn transparent_pixels_show_the_white_below_them() {
        let picture = Image::from_rgba8(2, 1, vec![9, 9, 9, 0, 1, 2, 3, 255]).unwrap();
        assert_eq!(picture.as_rgb8(), [255, 255, 255, 1, 2, 3]);
        for (width, len) in [(2, 7), (2, 9), (0, 0)] {
            assert!(Image::from_rgba8(width, 1, vec![0; len]).is_err());
        }
    }
}
