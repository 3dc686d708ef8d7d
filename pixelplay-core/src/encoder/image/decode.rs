//! Decodes picture files to RGB pixels.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::format::Format;
use super::pixels::{Image, on_white};
use super::validate::{self, Flaw};
use super::{orient, parallel_jpeg};
use crate::cause::Cause;
use crate::encoder::error::EncodeError;

impl Image {
    /// The maximum number of pixels, the same at which Pillow assumes a decompression bomb.
    pub const MAX_PIXELS: u64 = 178_956_970;
    /// The maximum size of a file, in bytes.
    pub const MAX_FILE_BYTES: u64 = 1 << 29;
    /// The maximum size of decoded pixels, in bytes: RGBA of [`Image::MAX_PIXELS`], or 16-bit RGBA
    /// of 100 megapixels.
    const MAX_DECODED_BYTES: u64 = 3 << 28;
    /// The maximum memory, in bytes, that a decoder may use in addition to the pixels and the file
    /// data it reads: for colour profiles, tables and texts.
    const MAX_DECODER_BYTES: u64 = 1 << 26;

    /// Reads and decodes a picture file; see [`Image::decode`].
    ///
    /// # Errors
    /// If this is not a regular file, or if it cannot be read or decoded, or is too large.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncodeError> {
        Self::open_on(rayon::current_num_threads(), path.as_ref())
    }

    pub(super) fn open_on(threads: usize, path: &Path) -> Result<Self, EncodeError> {
        let kind = std::fs::metadata(path).map_err(EncodeError::io(path))?;
        // Opening a pipe would wait for its writer, and a device may never end.
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

    /// Decodes the bytes of a BMP, GIF, JPEG, PNG, TIFF or WebP file. The format is detected from
    /// the content.
    ///
    /// The picture is rotated according to its EXIF orientation; unreadable EXIF data is ignored.
    /// If there are several frames or pages, the first one is used. Grey, palette and CMYK pictures
    /// are converted to RGB. Transparent pictures are composited onto white, as in transformers 5
    /// (earlier versions, and openai/CLIP, drop the transparency and show the colour below it).
    /// 16-bit samples are scaled to 8 bits (Pillow clips 16-bit grey instead). Colour profiles are
    /// ignored, as in Pillow.
    ///
    /// A JPEG of more than a megapixel is decoded by several rayon threads if it is of the usual
    /// kind: in colour, not progressive, without restart markers. The resulting pixels are the
    /// same.
    ///
    /// Costs 3 bytes of memory per pixel, and up to 11 while decoding: a picture of
    /// [`Image::MAX_PIXELS`] takes at most 2 GiB in addition to its file, which may be only a few
    /// hundred bytes long.
    ///
    /// # Errors
    /// If the bytes are not a complete picture in a known format, or if it has more than
    /// [`Image::MAX_PIXELS`] pixels.
    pub fn decode(bytes: &[u8]) -> Result<Self, EncodeError> {
        Self::decode_from(rayon::current_num_threads(), bytes, None)
    }

    /// `path` is used only in errors.
    pub(super) fn decode_from(
        threads: usize,
        bytes: &[u8],
        path: Option<&Path>,
    ) -> Result<Self, EncodeError> {
        let bad = |source: Cause| EncodeError::BadImage { path: path.map(Path::to_owned), source };
        let too_large = |size: String, limit: String| EncodeError::ImageTooLarge {
            path: path.map(Path::to_owned),
            size,
            limit,
        };
        if bytes.len() as u64 > Self::MAX_FILE_BYTES {
            let limit = mebibytes(Self::MAX_FILE_BYTES);
            // At most this many bytes are read from a file.
            return Err(too_large(format!("a file of more than {limit}"), limit));
        }
        let format = Format::of(bytes).map_err(|found| bad(found.into()))?;
        let name = format.name;
        let because = |error: ImageError| bad(explain(name, &error).into());
        validate::check(format.image, bytes).map_err(|flaw| {
            let what = match flaw {
                Flaw::Truncated => "is truncated".to_owned(),
                Flaw::TooManyScans => {
                    format!("has more than {} scans", validate::MAX_JPEG_SCANS)
                }
                Flaw::UnknownCoding => {
                    "has lossless or arithmetic coding, which is not supported: save it again as a regular JPEG"
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
        // The TIFF decoder reads whole strips, and one strip may be the whole file.
        limits.max_alloc = Some(decoded + bytes.len() as u64 + Self::MAX_DECODER_BYTES);
        decoder.set_limits(limits).map_err(because)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let strips =
            (format.image == ImageFormat::Jpeg).then(|| parallel_jpeg::decode(bytes, threads));
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
        let ([width, height], rgb) = orient::upright([width, height], rgb, orientation);
        Self::from_rgb8(width, height, rgb)
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Formats a decoder's error in one line without repetition: the decoders' errors include their
/// sources in their own text.
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
            format!("this kind of {format} is not supported, save it as PNG: {said}")
        }
        ImageError::Limits(_) => {
            format!("the {format} file asks for more memory than a picture of its size needs")
        }
        _ => format!("the {format} file is damaged: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
