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

/// Turns pictures and texts into embeddings of one space, with any Hugging Face ``CLIPModel``.
///
/// Towers load when first used, so that a picture never pays for the text tower. Calls may run in several threads; they
/// release the GIL. It cannot be pickled: open it in each process.
///
/// Opens a ``CLIPModel`` directory, one of OpenCLIP's whose vision tower is an EfficientNet-Lite, or without a path the
/// embedded checkpoint pixelplay-mini.
///
/// ``threads`` is how many compute, all cores where it is ``None``; the vectors are the same bits with any number.
/// ``precision`` is ``"f32"``, or ``"int8"``, which takes a quarter of the memory, is faster on processors with AVX-512
/// VNNI, and gives vectors that stray a little in the same space.
///
/// Raises ``EncodeError``; where a file is missing or cannot be read it is also the ``OSError`` that says so.
#[pyclass(frozen, name = "Encoder", module = "pixelplay")]
pub(crate) struct PyEncoder(pub(crate) Encoder);

/// The encoder given, or else the embedded one.
pub(crate) fn or_mini(py: Python<'_>, encoder: Option<&Bound<'_, PyEncoder>>) -> PyResult<Encoder> {
    match encoder {
        Some(encoder) => Ok(encoder.get().0.clone()),
        None => call::long(py, None, |_| Encoder::mini()),
    }
}

fn options(threads: Option<usize>, precision: &str) -> PyResult<EncoderOptions> {
    let threads = threads
        .map(|threads| {
            NonZeroUsize::new(threads)
                .ok_or_else(|| PyValueError::new_err("threads must be at least 1, or None for all"))
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

    /// Opens a checkpoint of the Hugging Face Hub, from the cache that all its clients share or by downloading it.
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

    /// The number of dimensions of its embeddings.
    #[getter]
    fn dim(&self) -> usize {
        self.0.dim()
    }

    /// The name of its space: a hash of weights, configuration, pre-processing and tokenizer.
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
    /// A picture is a path, the bytes of a JPEG, PNG, WebP, GIF, TIFF or BMP file, a binary file object, a Pillow image,
    /// or a uint8 array of shape ``(height, width, 3)``, ``(height, width, 4)`` or ``(height, width)`` in any memory
    /// layout. Files and Pillow images are turned upright by EXIF; what is transparent is laid on white.
    ///
    /// Raises ``EncodeError`` (and ``FileNotFoundError``, ... for a path), ``TypeError`` for another dtype or kind of
    /// object, ``ValueError`` for another shape.
    fn encode_image(&self, py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<PyEmbedding> {
        let (encoder, image) = (self.0.clone(), Input::new(image)?);
        call::long(py, None, move |_| encoder.encode_image(image.source())).map(PyEmbedding)
    }

    /// Encodes pictures, in their order; files are read and decoded a batch at a time, on all cores.
    ///
    /// ``progress`` is ``True`` for a bar (tqdm where it is installed), or a callable of ``(stage, done, total)``; an
    /// exception raised in it stops the work. The error of a picture says which one it was.
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
            // A generator may take its time.
            py.check_signals()?;
        }
        let encoder = self.0.clone();
        let encoded = call::long(py, report.as_ref(), move |on_progress| {
            let sources: Vec<_> = inputs.iter().map(Input::source).collect();
            encoder.encode_images(&sources, EncodeOptions { batch_size }, on_progress)
        })?;
        Ok(self.embeddings(encoded))
    }

    /// Encodes one text, of which the first 77 tokens count.
    fn encode_text(&self, py: Python<'_>, text: String) -> PyResult<PyEmbedding> {
        let encoder = self.0.clone();
        call::long(py, None, move |_| encoder.encode_text(&text)).map(PyEmbedding)
    }

    /// Encodes texts, in their order; equal texts are encoded once.
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
                "texts is one text, expected several; use encode_text, or put it into a list",
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

    /// Estimates energy, valence, danceability and acousticness of a picture, 0 to 1 each, and the words that decided.
    ///
    /// Zero-shot, by the picture's likeness to opposite sentences; the first call encodes those.
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
