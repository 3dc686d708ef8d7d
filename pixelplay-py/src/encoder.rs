//! `Encoder`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use pixelplay_core::encoder::Precision;
use pixelplay_core::{EncodeOptions, Encoder, EncoderOptions, HubOptions};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::call::{self, Report};
use crate::embedding::{PyEmbedding, PyEmbeddings};
use crate::image::Input;
use crate::mood::PyMood;

/// Turns pictures and texts into embeddings in one space, with any Hugging Face ``CLIPModel``.
///
/// A tower is loaded when it is first used, so encoding pictures never loads the text tower. Calls may run in several
/// threads; they release the GIL. It cannot be pickled: open it in each process.
///
/// ``path`` is a ``CLIPModel`` directory, or an OpenCLIP one whose vision tower is an EfficientNet-Lite. Without it,
/// the embedded checkpoint pixelplay-mini is used.
///
/// ``threads`` is the number of threads; ``None`` uses all cores. The vectors are bitwise the same for any number.
/// ``precision`` is ``"f32"`` or ``"int8"``. With ``"int8"`` the encoder takes a quarter of the memory and is faster on
/// processors with AVX-512 VNNI; its vectors are in the same space, but slightly less accurate.
///
/// Raises ``EncodeError``. If a file is missing or cannot be read, the error is also the matching ``OSError``.
#[pyclass(frozen, name = "Encoder", module = "pixelplay")]
pub(crate) struct PyEncoder(pub(crate) Encoder);

/// Returns the given encoder, or the embedded one.
pub(crate) fn or_mini(py: Python<'_>, encoder: Option<&Bound<'_, PyEncoder>>) -> PyResult<Encoder> {
    match encoder {
        Some(encoder) => Ok(encoder.get().0.clone()),
        None => call::long(py, None, |_| Encoder::mini()),
    }
}

fn options(threads: Option<usize>, precision: &str) -> PyResult<EncoderOptions> {
    let threads = threads
        .map(|threads| {
            NonZeroUsize::new(threads).ok_or_else(|| {
                PyValueError::new_err("threads must be at least 1, or None for all cores")
            })
        })
        .transpose()?;
    let precision = match precision {
        "f32" => Precision::F32,
        "int8" => Precision::Int8,
        other => {
            return Err(PyValueError::new_err(format!(
                "precision must be \"f32\" or \"int8\", not {other:?}"
            )));
        }
    };
    Ok(EncoderOptions { threads, precision, ..EncoderOptions::default() })
}

#[pymethods]
impl PyEncoder {
    #[new]
    #[pyo3(signature = (path = None, *, threads = None, precision = "f32"))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        threads: Option<usize>,
        precision: &str,
    ) -> PyResult<Self> {
        let options = options(threads, precision)?;
        call::long(py, None, move |_| match path {
            Some(path) => Encoder::open_with(path, options),
            None => Encoder::mini_with(options),
        })
        .map(Self)
    }

    /// Opens a checkpoint from the Hugging Face Hub. Files are downloaded once, to the cache that all clients of the
    /// hub share.
    ///
    /// ``HF_HOME``, ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and ``HF_ENDPOINT`` mean what they mean to ``huggingface_hub``.
    /// ``revision`` is a branch, tag, commit or ``refs/pr/NUMBER``.
    #[classmethod]
    #[pyo3(signature = (repo, revision = None, *, progress = None, threads = None, precision = "f32"))]
    fn from_hub(
        class: &Bound<'_, PyType>,
        repo: String,
        revision: Option<String>,
        progress: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
        precision: &str,
    ) -> PyResult<Self> {
        let options = options(threads, precision)?;
        let report = Report::new(progress)?;
        call::long(class.py(), report.as_ref(), move |on_progress| {
            let hub = HubOptions { revision, ..HubOptions::default() };
            Encoder::from_hub_with(&repo, &hub, options, on_progress)
        })
        .map(Self)
    }

    /// The number of dimensions of the embeddings.
    #[getter]
    fn dim(&self) -> usize {
        self.0.dim()
    }

    /// The name of the space: a hash of weights, configuration, pre-processing and tokenizer.
    #[getter]
    fn fingerprint(&self) -> &str {
        self.0.fingerprint().as_str()
    }

    /// The name of the directory, or ``repo@commit``.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Encodes one picture.
    ///
    /// A picture is a path, the bytes of a JPEG, PNG, WebP, GIF, TIFF or BMP file, a binary file object, a Pillow
    /// image, or a uint8 array of shape ``(height, width, 3)``, ``(height, width, 4)`` or ``(height, width)`` in any
    /// memory layout. Files and Pillow images are rotated upright by their EXIF data; transparent parts are laid on
    /// white.
    ///
    /// Raises ``EncodeError`` (and ``FileNotFoundError``, ... for a path), ``TypeError`` for another dtype or kind of
    /// object, ``ValueError`` for another shape.
    fn encode_image(&self, py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<PyEmbedding> {
        let (encoder, image) = (self.0.clone(), Input::new(image)?);
        call::long(py, None, move |_| encoder.encode_image(image.source())).map(PyEmbedding)
    }

    /// Encodes pictures, in order. Files are read and decoded one batch at a time, on all cores.
    ///
    /// ``progress=True`` shows a bar (with tqdm if it is installed). It may also be a callable of ``(stage, done,
    /// total)``; an exception raised in it stops the work. If a picture fails, the error says which one.
    #[pyo3(signature = (images, batch_size = 32, progress = None))]
    fn encode_images(
        &self,
        py: Python<'_>,
        images: &Bound<'_, PyAny>,
        batch_size: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyEmbeddings> {
        let report = Report::new(progress)?;
        let mut inputs = Vec::new();
        for image in images.try_iter()? {
            inputs.push(Input::new(&image?)?);
            // A generator may be slow.
            py.check_signals()?;
        }
        let encoder = self.0.clone();
        let encoded = call::long(py, report.as_ref(), move |on_progress| {
            let sources: Vec<_> = inputs.iter().map(Input::source).collect();
            encoder.encode_images(&sources, EncodeOptions { batch_size }, on_progress)
        })?;
        Ok(self.embeddings(encoded))
    }

    /// Encodes one text. Only its first 77 tokens are used.
    fn encode_text(&self, py: Python<'_>, text: String) -> PyResult<PyEmbedding> {
        let encoder = self.0.clone();
        call::long(py, None, move |_| encoder.encode_text(&text)).map(PyEmbedding)
    }

    /// Encodes texts, in order. Equal texts are encoded once.
    #[pyo3(signature = (texts, batch_size = 32, progress = None))]
    fn encode_texts(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        batch_size: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyEmbeddings> {
        let report = Report::new(progress)?;
        if texts.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "texts must be a sequence of strings, not a single string; use encode_text, or pass a list",
            ));
        }
        let texts = texts
            .try_iter()?
            .map(|text| text?.extract::<String>())
            .collect::<PyResult<Vec<_>>>()?;
        let encoder = self.0.clone();
        let encoded = call::long(py, report.as_ref(), move |on_progress| {
            encoder.encode_texts(&texts, EncodeOptions { batch_size }, on_progress)
        })?;
        Ok(self.embeddings(encoded))
    }

    /// Estimates the energy, valence, danceability and acousticness of a picture, from 0 to 1, and the words that
    /// contributed most.
    ///
    /// This is zero-shot: the picture is compared with pairs of opposite sentences. The first call encodes those
    /// sentences.
    fn mood(&self, py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<PyMood> {
        let encoder = self.0.clone();
        if let Ok(image) = image.cast::<PyEmbedding>() {
            let image = image.get().0.clone();
            return call::long(py, None, move |_| encoder.mood_of(&image)).map(PyMood);
        }
        let image = Input::new(image)?;
        call::long(py, None, move |_| encoder.mood(image.source())).map(PyMood)
    }

    fn __repr__(&self) -> String {
        format!(
            "Encoder(name={:?}, dim={}, fingerprint={:?})",
            self.0.name(),
            self.0.dim(),
            self.0.fingerprint().as_str()
        )
    }
}

impl PyEncoder {
    fn embeddings(&self, encoded: Vec<pixelplay_core::Embedding>) -> PyEmbeddings {
        PyEmbeddings::new(encoded, self.0.dim(), Some(self.0.fingerprint()))
    }
}
