//! Picture files to RGB pixels.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::error::{Cause, EncodeError};
use super::picture_format::Format;
use super::picture_whole::{self, Flaw};
use super::{picture_strips, picture_turn};

/// A decoded picture: 8-bit RGB, upright.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// The most pixels decoded: where Pillow, too, takes a picture for a decompression bomb.
    pub const MAX_PIXELS: u64 = 178_956_970;
    /// The most bytes read from a file.
    pub const MAX_FILE_BYTES: u64 = 1 << 29;
    /// The most bytes of decoded pixels: RGBA of [`Picture::MAX_PIXELS`], or 16-bit RGBA of 100
    /// megapixels.
    const MAX_DECODED_BYTES: u64 = 3 << 28;
    /// The most memory, in bytes, that a decoder may take beside the pixels and what it reads of
    /// the file: for colour profiles, tables and texts.
    const MAX_DECODER_BYTES: u64 = 1 << 26;

    /// Reads and decodes a picture file; see [`Picture::decode`].
    ///
    /// # Errors
    /// If the file is no regular file, cannot be read or decoded, or is too large.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncodeError> {
        Self::open_on(rayon::current_num_threads(), path.as_ref())
    }

    fn open_on(threads: usize, path: &Path) -> Result<Self, EncodeError> {
        let kind = std::fs::metadata(path).map_err(EncodeError::io(path))?;
        // Opening a pipe waits for its writer, and a device may never end.
        let refused = if kind.is_dir() {
            Some((ErrorKind::IsADirectory, "it is a folder, not a picture"))
        } else if kind.is_file() {
            None
        } else {
            let what = "it is a pipe, device or socket; save the picture in a file first";
            Some((ErrorKind::InvalidInput, what))
        };
        if let Some((kind, what)) = refused {
            return Err(EncodeError::io(path)(std::io::Error::new(kind, what)));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(Self::MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(EncodeError::io(path))?;
        Self::decode_from(threads, &bytes, Some(path))
    }

    /// Decodes the bytes of a BMP, GIF, JPEG, PNG, TIFF or WebP file; their content says which it
    /// is.
    ///
    /// The picture is turned upright by its EXIF orientation; EXIF that cannot be read is ignored.
    /// Of several frames or pages the first counts. Grey, palette and CMYK pictures become RGB;
    /// what is transparent is laid on white, as transformers 5 does (earlier versions, and
    /// openai/CLIP, drop transparency and show whatever colour lies below it). 16-bit samples are
    /// scaled to 8 bits (Pillow clips 16-bit grey instead). Colour profiles are ignored, as Pillow
    /// does.
    ///
    /// A JPEG of more than a megapixel is decoded by several threads, those of rayon, if it is of
    /// the usual kind: in colour, not progressive, without restart markers. The pixels are the
    /// same.
    ///
    /// It costs 3 bytes of memory for each pixel and, while decoding, up to 11: a picture of
    /// [`Picture::MAX_PIXELS`] takes 2 GiB at most beside its file, which may have a few hundred
    /// bytes.
    ///
    /// # Errors
    /// If the bytes are no whole picture of a known format, or one of more than
    /// [`Picture::MAX_PIXELS`] pixels.
    pub fn decode(bytes: &[u8]) -> Result<Self, EncodeError> {
        Self::decode_from(rayon::current_num_threads(), bytes, None)
    }

    /// `path` is for the errors.
    fn decode_from(threads: usize, bytes: &[u8], path: Option<&Path>) -> Result<Self, EncodeError> {
        let bad =
            |source: Cause| EncodeError::BadPicture { path: path.map(Path::to_owned), source };
        let too_large = |size: String, limit: String| EncodeError::PictureTooLarge {
            path: path.map(Path::to_owned),
            size,
            limit,
        };
        if bytes.len() as u64 > Self::MAX_FILE_BYTES {
            let limit = mebibytes(Self::MAX_FILE_BYTES);
            // No more than that is read of a file.
            return Err(too_large(format!("a file of more than {limit}"), limit));
        }
        let format = Format::of(bytes).map_err(|found| bad(found.into()))?;
        let name = format.name;
        let because = |error: ImageError| bad(explain(name, &error).into());
        picture_whole::check(format.image, bytes).map_err(|flaw| {
            let what = match flaw {
                Flaw::Truncated => "is truncated".to_owned(),
                Flaw::TooManyScans => {
                    format!("has more than {} scans", picture_whole::MAX_JPEG_SCANS)
                }
                Flaw::UnknownCoding => {
                    "has lossless or arithmetic coding, which is not decoded: save it anew"
                        .to_owned()
                }
            };
            bad(format!("the {name} file {what}").into())
        })?;

        let mut reader = ImageReader::with_format(Cursor::new(bytes), format.image);
        let mut limits = Limits::default();
        limits.max_alloc = Some(Self::MAX_DECODER_BYTES);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder().map_err(because)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > Self::MAX_PIXELS {
            return Err(too_large(
                format!("{width}x{height} pixels, {} megapixels", pixels / 1_000_000),
                format!("{} megapixels", Self::MAX_PIXELS / 1_000_000),
            ));
        }
        if pixels == 0 {
            return Err(bad(format!("the {name} file is damaged: {width}x{height} pixels").into()));
        }
        let decoded = decoder.total_bytes();
        if decoded > Self::MAX_DECODED_BYTES {
            return Err(too_large(
                format!("{} of decoded pixels", mebibytes(decoded)),
                mebibytes(Self::MAX_DECODED_BYTES),
            ));
        }
        // A TIFF decoder reads a whole strip, which may be all of the file.
        limits.max_alloc = Some(decoded + bytes.len() as u64 + Self::MAX_DECODER_BYTES);
        decoder.set_limits(limits).map_err(because)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let strips =
            (format.image == ImageFormat::Jpeg).then(|| picture_strips::decode(bytes, threads));
        let in_strips = strips.flatten().and_then(|rgb| RgbImage::from_raw(width, height, rgb));
        let image = match in_strips {
            Some(image) => image.into(),
            None => DynamicImage::from_decoder(decoder).map_err(because)?,
        };
        let rgb = if image.color().has_alpha() {
            on_white(image.into_rgba8().into_raw())
        } else {
            image.into_rgb8().into_raw()
        };
        let ([width, height], rgb) = picture_turn::upright([width, height], rgb, orientation);
        Self::from_rgb8(width, height, rgb)
    }

    /// Takes pixels that are decoded already: row by row from the top, three bytes each.
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

    /// Takes decoded pixels with transparency, four bytes each; what is transparent is laid on
    /// white, as by [`Picture::decode`].
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

    /// The width in pixels; never 0.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels; never 0.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, shape `(height, width, 3)`.
    #[must_use]
    pub fn as_rgb8(&self) -> &[u8] {
        &self.rgb
    }
}

/// Lays RGBA pixels on white: `Image.alpha_composite` of Pillow over an opaque background, which
/// comes down to rounding `(value * alpha + 255 * (255 - alpha)) / 255`.
fn on_white(mut pixels: Vec<u8>) -> Vec<u8> {
    // In place: a picture may have hundreds of megabytes.
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

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// What a decoder says, in one line without repetition: the decoders' errors name their sources in
/// their own text as well.
fn explain(format: &str, error: &ImageError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let ended = |e: &std::io::Error| e.kind() == ErrorKind::UnexpectedEof;
    let truncated = match error {
        ImageError::IoError(error) => ended(error),
        _ => cause.downcast_ref().is_some_and(ended),
    };
    let said = match error {
        ImageError::Unsupported(error) => match error.kind() {
            UnsupportedErrorKind::GenericFeature(feature) => feature.clone(),
            _ => cause.to_string(),
        },
        _ => cause.to_string(),
    };
    let said = said.trim();
    match error {
        _ if truncated => format!("the {format} file is truncated"),
        ImageError::Unsupported(_) => {
            format!("this kind of {format} is not decoded, save it as PNG: {said}")
        }
        ImageError::Limits(_) => {
            format!("the {format} file asks for more memory than a picture of its size needs")
        }
        _ => format!("the {format} file is damaged: {said}"),
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// Where an image comes from: a file, the bytes of a file, or decoded pixels.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ImageSource<'a> {
    /// A picture file; [`Picture::decode`] says which.
    Path(&'a Path),
    /// The bytes of such a file.
    Bytes(&'a [u8]),
    /// A decoded picture.
    Picture(&'a Picture),
}

impl<'a> ImageSource<'a> {
    /// Decodes the image, which has so many threads, and hands it to `visit`; a [`Picture`] is not
    /// copied.
    pub(super) fn with_picture<T>(
        self,
        threads: usize,
        visit: impl FnOnce(&Picture) -> T,
    ) -> Result<T, EncodeError> {
        Ok(match self {
            Self::Path(path) => visit(&Picture::open_on(threads, path)?),
            Self::Bytes(bytes) => visit(&Picture::decode_from(threads, bytes, None)?),
            Self::Picture(picture) => visit(picture),
        })
    }
}

impl<'a> From<&'a Path> for ImageSource<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Path(path)
    }
}

impl<'a> From<&'a PathBuf> for ImageSource<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::Path(path)
    }
}

/// A path, never the bytes of a file.
impl<'a> From<&'a str> for ImageSource<'a> {
    fn from(path: &'a str) -> Self {
        Self::Path(Path::new(path))
    }
}

impl<'a> From<&'a [u8]> for ImageSource<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for ImageSource<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Picture> for ImageSource<'a> {
    fn from(picture: &'a Picture) -> Self {
        Self::Picture(picture)
    }
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
        let picture = Picture::from_rgba8(2, 1, vec![9, 9, 9, 0, 1, 2, 3, 255]).unwrap();
        assert_eq!(picture.as_rgb8(), [255, 255, 255, 1, 2, 3]);
        for (width, len) in [(2, 7), (2, 9), (0, 0)] {
            assert!(Picture::from_rgba8(width, 1, vec![0; len]).is_err());
        }
    }

    #[test]
    fn what_a_decoder_says_is_said_once() {
        let ended = std::io::Error::from(ErrorKind::UnexpectedEof);
        assert_eq!(explain("BMP", &ended.into()), "the BMP file is truncated");
        let said = image::error::DecodingError::new(
            image::ImageFormat::Jpeg.into(),
            "Huffman table 3 is missing\n",
        );
        assert_eq!(
            explain("JPEG", &ImageError::Decoding(said)),
            "the JPEG file is damaged: Huffman table 3 is missing"
        );
    }
}
