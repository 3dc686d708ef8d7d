//! Pictures in any form that Python users have; `python/pixelplay/_inputs.py` converts the objects.

use std::path::PathBuf;

use pixelplay_core::{Image, ImageSource};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};

use crate::error::Raise;

/// A picture that does not depend on a Python object.
pub(crate) enum Input {
    Path(PathBuf),
    File(Vec<u8>),
    Pixels(Image),
}

impl Input {
    pub(crate) fn new(image: &Bound<'_, PyAny>) -> PyResult<Self> {
        static PICTURE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = image.py();
        let told = PICTURE.import(py, "pixelplay._inputs", "picture")?.call1((image,))?;
        if told.is_instance_of::<PyString>() {
            return Ok(Self::Path(told.extract()?));
        }
        if let Ok(bytes) = told.cast::<PyBytes>() {
            return Ok(Self::File(bytes.as_bytes().to_vec()));
        }
        let (width, height, channels, pixels): (u32, u32, u8, Bound<'_, PyBytes>) =
            told.extract()?;
        let pixels = pixels.as_bytes().to_vec();
        let picture = if channels == 4 {
            Image::from_rgba8(width, height, pixels)
        } else {
            Image::from_rgb8(width, height, pixels)
        };
        Ok(Self::Pixels(picture.map_err(|error| error.raise(py))?))
    }

    pub(crate) fn source(&self) -> ImageSource<'_> {
        match self {
            Self::Path(path) => path.into(),
            Self::File(bytes) => bytes.into(),
            Self::Pixels(picture) => picture.into(),
        }
    }
}
