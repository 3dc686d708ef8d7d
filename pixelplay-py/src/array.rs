//! Numbers to and from numpy through its array interface, which describes memory that a Python
//! object owns.
//!
//! The interface is a dict, so it needs neither `unsafe` nor numpy's headers. As long as an array refers to the memory,
//! numpy keeps its owner alive.

use pixelplay_core::{Embedding, EmbeddingError, Fingerprint};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict};

use crate::embedding::{PyEmbedding, PyEmbeddings};
use crate::error::Raise;

/// Returns `__array_interface__` for read-only float32 in C order; `values` must live as long as the object that
/// returns the interface.
pub(crate) fn interface<'py>(
    py: Python<'py>,
    values: &[f32],
    shape: &[usize],
) -> PyResult<Bound<'py, PyDict>> {
    let interface = PyDict::new(py);
    interface.set_item("version", 3)?;
    interface.set_item("typestr", float32())?;
    interface.set_item("shape", pyo3::types::PyTuple::new(py, shape)?)?;
    interface.set_item("data", (values.as_ptr().addr(), true))?;
    Ok(interface)
}

fn float32() -> &'static str {
    if cfg!(target_endian = "big") { ">f4" } else { "<f4" }
}

/// Calls `numpy.asarray` on one of our objects.
pub(crate) fn as_array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    object.py().import("numpy")?.call_method1("asarray", (object,))
}

/// Copies a vector into a writeable array.
pub(crate) fn vector<'py>(py: Python<'py>, values: &[f32]) -> PyResult<Bound<'py, PyAny>> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let numbers = PyByteArray::new(py, &bytes);
    py.import("numpy")?.call_method1("frombuffer", (numbers, float32()))
}

/// Returns a writeable array of eight-byte numbers.
pub(crate) fn matrix<'py>(
    py: Python<'py>,
    bytes: &[u8],
    dtype: &str,
    shape: (usize, usize),
) -> PyResult<Bound<'py, PyAny>> {
    let numpy = py.import("numpy")?;
    let numbers = PyByteArray::new(py, bytes);
    numpy.call_method1("frombuffer", (numbers, dtype))?.call_method1("reshape", (shape,))
}

/// An embedding argument: an `Embedding`, or anything that numpy accepts as a vector.
pub(crate) fn embedding(object: &Bound<'_, PyAny>) -> PyResult<Embedding> {
    if let Ok(embedding) = object.cast::<PyEmbedding>() {
        return Ok(embedding.get().0.clone());
    }
    let (_, _, bytes) = floats(object, 1)?;
    Embedding::new(numbers(&bytes), None).map_err(|error| error.raise(object.py()))
}

/// An argument of several embeddings: `Embeddings`, a sequence of `Embedding`, or anything that numpy accepts as a
/// matrix.
pub(crate) fn embeddings(object: &Bound<'_, PyAny>) -> PyResult<Vec<Embedding>> {
    if let Ok(embeddings) = object.cast::<PyEmbeddings>() {
        return Ok(embeddings.get().all().to_vec());
    }
    if let Ok(items) = object.extract::<Vec<Bound<'_, PyEmbedding>>>() {
        return Ok(items.iter().map(|item| item.get().0.clone()).collect());
    }
    let (rows, dim, bytes) = floats(object, 2)?;
    let values: Vec<f32> = numbers(&bytes);
    if dim == 0 && rows > 0 {
        return Err(EmbeddingError::Empty.raise(object.py()));
    }
    values
        .chunks_exact(dim.max(1))
        .map(|row| Embedding::new(row, None).map_err(|error| error.raise(object.py())))
        .collect()
}

/// Returns the space that all of these embeddings are in; `None` for plain numbers, which name no
/// space.
pub(crate) fn space(object: &Bound<'_, PyAny>) -> PyResult<Option<Fingerprint>> {
    if let Ok(embeddings) = object.cast::<PyEmbeddings>() {
        return one_space(embeddings.get().all());
    }
    match object.extract::<Vec<Bound<'_, PyEmbedding>>>() {
        Ok(items) => one_space(items.iter().map(|item| &item.get().0)),
        Err(_) => Ok(None),
    }
}

fn one_space<'a>(
    embeddings: impl IntoIterator<Item = &'a Embedding>,
) -> PyResult<Option<Fingerprint>> {
    let mut spaces = embeddings.into_iter().map(Embedding::fingerprint);
    let first = spaces.next().flatten();
    if let Some(row) = spaces.position(|space| space != first) {
        return Err(PyValueError::new_err(format!(
            "the embedding of row {} is not in the space of the first one; an index holds vectors from a single encoder",
            row + 1
        )));
    }
    Ok(first.cloned())
}

/// Converts an array-like with `axes` axes to float32 in C order. Returns rows, columns and bytes; one axis counts as
/// one row.
pub(crate) fn floats<'py>(
    object: &Bound<'py, PyAny>,
    axes: usize,
) -> PyResult<(usize, usize, Bound<'py, PyBytes>)> {
    static FLOATS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FLOATS.import(object.py(), "pixelplay._inputs", "floats")?.call1((object, axes))?.extract()
}

pub(crate) fn numbers(bytes: &Bound<'_, PyBytes>) -> Vec<f32> {
    let (numbers, _) = bytes.as_bytes().as_chunks::<4>();
    numbers.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect()
}
