//! The kinds of pictures that an encoder accepts.

use std::path::{Path, PathBuf};

use super::pixels::Image;
use crate::encoder::error::EncodeError;

/// Where an image comes from: a file, the bytes of a file, or decoded pixels.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ImageSource<'a> {
    /// A picture file; see [`Image::decode`] for the formats.
    Path(&'a Path),
    /// The bytes of such a file.
    Bytes(&'a [u8]),
    /// A decoded picture.
    Image(&'a Image),
}

impl<'a> ImageSource<'a> {
    /// Decodes the image on this many threads, and passes it to `visit`. An [`Image`] is not
    /// copied.
    pub(in crate::encoder) fn with_image<T>(
        self,
        threads: usize,
        visit: impl FnOnce(&Image) -> T,
    ) -> Result<T, EncodeError> {
        Ok(match self {
            Self::Path(path) => visit(&Image::open_on(threads, path)?),
            Self::Bytes(bytes) => visit(&Image::decode_from(threads, bytes, None)?),
            Self::Image(image) => visit(image),
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

/// Converts a path, never the bytes of a file.
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

impl<'a> From<&'a Image> for ImageSource<'a> {
    fn from(image: &'a Image) -> Self {
        Self::Image(image)
    }
}
