//! Picture files to RGB pixels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::error::{Cause, EncodeError};

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
    /// The most memory a decoder may take, in bytes.
    const MAX_DECODER_BYTES: u64 = 1 << 30;

    /// Reads and decodes a JPEG, PNG or WebP file; see [`Picture::decode`].
    ///
    /// # Errors
    /// If the file cannot be read or decoded, or is too large.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncodeError> {
        let path = path.as_ref();
        let io = EncodeError::io(path);
        let mut bytes = Vec::new();
        match File::open(path)
            .and_then(|file| file.take(Self::MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        {
            Ok(_) => Self::decode_from(&bytes, Some(path)),
            Err(e) => Err(io(e)),
        }
    }

    /// Decodes the bytes of a JPEG, PNG or WebP file.
    ///
    /// The picture is turned upright by its EXIF orientation. Grey and palette pictures become RGB;
    /// what is transparent is laid on white, as transformers 5 does (earlier versions, and openai/CLIP,
    /// drop transparency and show whatever colour lies below it). 16-bit samples are scaled to 8 bits
    /// (Pillow clips 16-bit grey instead). Colour profiles are ignored, as Pillow does.
    ///
    /// # Errors
    /// If the bytes are no whole picture of a known format, or one of more than
    /// [`Picture::MAX_PIXELS`] pixels.
    pub fn decode(bytes: &[u8]) -> Result<Self, EncodeError> {
        Self::decode_from(bytes, None)
    }

    /// `path` is for the errors.
    fn decode_from(bytes: &[u8], path: Option<&Path>) -> Result<Self, EncodeError> {
        let because = |source: Cause| EncodeError::BadPicture {
            path: path.map(Path::to_owned),
            source,
        };
        let bad = |error: image::ImageError| because(error.into());
        let too_large = |size: String, limit: String| EncodeError::PictureTooLarge {
            path: path.map(Path::to_owned),
            size,
            limit,
        };
        if bytes.len() as u64 > Self::MAX_FILE_BYTES {
            return Err(too_large(
                // No more than that is read of a file.
                format!("more than {} bytes", Self::MAX_FILE_BYTES),
                format!("{} bytes", Self::MAX_FILE_BYTES),
            ));
        }
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| bad(e.into()))?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(Self::MAX_DECODER_BYTES);
        reader.limits(limits.clone());
        let format = reader.format();
        let mut decoder = reader.into_decoder().map_err(bad)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > Self::MAX_PIXELS {
            return Err(too_large(
                format!("{width}x{height} pixels"),
                format!("{} pixels", Self::MAX_PIXELS),
            ));
        }
        if format == Some(ImageFormat::Jpeg) && !jpeg_is_whole(bytes) {
            return Err(because("the JPEG file is truncated".into()));
        }
        // The decoder's limits do not count the pixels that it gives out: 16-bit RGBA takes 8 bytes each.
        limits.reserve(decoder.total_bytes()).map_err(|_| {
            too_large(
                format!("{} bytes of decoded pixels", decoder.total_bytes()),
                format!("{} bytes", Self::MAX_DECODER_BYTES),
            )
        })?;
        let orientation = decoder.orientation().map_err(bad)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(bad)?;
        image.apply_orientation(orientation);
        let (width, height) = (image.width(), image.height());
        let rgb = if image.color().has_alpha() {
            on_white(image.into_rgba8().as_raw())
        } else {
            image.into_rgb8().into_raw()
        };
        Self::from_rgb8(width, height, rgb)
    }

    /// Takes pixels that are decoded already: row by row from the top, three bytes each.
    ///
    /// # Errors
    /// If `rgb` does not have `width * height * 3` bytes, or a side is 0.
    pub fn from_rgb8(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, EncodeError> {
        let expected = u128::from(width) * u128::from(height) * 3;
        if expected == 0 || rgb.len() as u128 != expected {
            return Err(EncodeError::BadPixels {
                width,
                height,
                len: rgb.len(),
            });
        }
        Ok(Self { width, height, rgb })
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

/// Lays RGBA pixels on white: `Image.alpha_composite` of Pillow over an opaque background, which comes
/// down to rounding `(value * alpha + 255 * (255 - alpha)) / 255`.
fn on_white(rgba: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for &[red, green, blue, alpha] in rgba.as_chunks::<4>().0 {
        let (alpha, rest) = (u32::from(alpha), 255 * (255 - u32::from(alpha)));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a mean of two bytes is a byte"
        )]
        let on_white = |value| ((u32::from(value) * alpha + rest + 127) / 255) as u8;
        rgb.extend([red, green, blue].map(on_white));
    }
    rgb
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// Whether a JPEG file goes on to its end marker.
///
/// The decoder fills what is missing with grey and says nothing; Pillow refuses, and so do we.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    // What begins with a marker and its length, from the start marker on.
    let mut at = 2;
    loop {
        // Between segments may lie padding and, after a scan, its data, in which 0xFF is followed by
        // 0 or a restart marker.
        let Some(found) = bytes.get(at..).and_then(|rest| {
            rest.windows(2)
                .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF))
        }) else {
            return false;
        };
        let marker = at + found;
        if bytes[marker + 1] == 0xD9 {
            return true;
        }
        let Some(len) = bytes.get(marker + 2..marker + 4) else {
            return false;
        };
        at = marker + 2 + usize::from(u16::from_be_bytes([len[0], len[1]]));
    }
}

/// Where an image comes from: a file, the bytes of a file, or decoded pixels.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ImageSource<'a> {
    /// A JPEG, PNG or WebP file.
    Path(&'a Path),
    /// The bytes of such a file.
    Bytes(&'a [u8]),
    /// A decoded picture.
    Picture(&'a Picture),
}

impl<'a> ImageSource<'a> {
    /// Decodes the image and hands it to `visit`; a [`Picture`] is not copied.
    pub(super) fn with_picture<T>(
        self,
        visit: impl FnOnce(&Picture) -> T,
    ) -> Result<T, EncodeError> {
        Ok(match self {
            Self::Path(path) => visit(&Picture::open(path)?),
            Self::Bytes(bytes) => visit(&Picture::decode(bytes)?),
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
