//! `Embedding` and `Embeddings`.

use std::sync::OnceLock;

use pixelplay_core::{Embedding, EmbeddingError, Fingerprint};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PySlice, PyTuple};

use crate::array;
use crate::error::Raise;

/// A vector of length 1, with the name of its space.
///
/// ``np.asarray(embedding)`` is a read-only ``(dim,)`` float32 array that shares its memory. It can be pickled.
///
/// The vector ``values`` must have length 1 (within 1e-3), or pass ``normalize=True`` to scale it.
///
/// Raises ``EmbeddingError`` (a ``ValueError``) for NaN, infinities, zeros or another length, and ``TypeError`` for
/// values that are not real numbers.
#[pyclass(frozen, eq, name = "Embedding", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyEmbedding(pub(crate) Embedding);

pub(crate) fn fingerprint(py: Python<'_>, name: Option<&str>) -> PyResult<Option<Fingerprint>> {
    name.map(Fingerprint::new).transpose().map_err(|error| error.raise(py))
}

#[pymethods]
impl PyEmbedding {
    #[new]
    #[pyo3(signature = (values, fingerprint = None, *, normalize = false))]
    fn new(
        values: &Bound<'_, PyAny>,
        fingerprint: Option<&str>,
        normalize: bool,
    ) -> PyResult<Self> {
        let py = values.py();
        let space = self::fingerprint(py, fingerprint)?;
        let (_, _, bytes) = array::floats(values, 1)?;
        let values = array::numbers(&bytes);
        let made = if normalize {
            Embedding::normalize(values, space)
        } else {
            Embedding::new(values, space)
        };
        Ok(Self(made.map_err(|error: EmbeddingError| error.raise(py))?))
    }

    /// The number of dimensions.
    #[getter]
    fn dim(&self) -> usize {
        self.0.dim()
    }

    /// The name of the space, or ``None`` if it is unknown. Vectors from different spaces cannot be compared.
    #[getter]
    fn fingerprint(&self) -> Option<&str> {
        self.0.fingerprint().map(Fingerprint::as_str)
    }

    /// Returns the cosine of the angle to another embedding, from -1 to 1, summed in float64.
    fn dot(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<f64> {
        let other = array::embedding(other)?;
        self.0.dot(&other).map_err(|error| error.raise(py))
    }

    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        array::interface(py, self.0.as_slice(), &[self.0.dim()])
    }

    fn __len__(&self) -> usize {
        self.0.dim()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let values = array::as_array(slf.as_any())?.call_method0("copy")?;
        let arguments = (values, slf.get().fingerprint()).into_pyobject(py)?;
        Ok((py.get_type::<Self>().into_any(), arguments))
    }

    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __repr__(&self) -> String {
        let space = self.0.fingerprint().map(short_name);
        format!("Embedding(dim={}, fingerprint={})", self.0.dim(), quoted(space))
    }
}

/// Returns enough of a fingerprint to distinguish two at a glance.
fn short_name(fingerprint: &Fingerprint) -> String {
    let name = fingerprint.as_str();
    match name.char_indices().nth(16) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

pub(crate) fn quoted(text: Option<String>) -> String {
    text.map_or("None".to_owned(), |text| format!("'{text}'"))
}

/// The function that pickle calls to rebuild embeddings, and its arguments.
type Remade<'py> = (Bound<'py, PyAny>, (Bound<'py, PyList>, usize, Option<String>));

/// Embeddings in one space: a sequence of ``Embedding``. ``np.asarray`` returns ``(n, dim)`` float32, read-only.
#[pyclass(frozen, sequence, name = "Embeddings", module = "pixelplay")]
pub(crate) struct PyEmbeddings {
    embeddings: Vec<Embedding>,
    dim: usize,
    fingerprint: Option<Fingerprint>,
    /// All embeddings in one block, joined when an array is first requested.
    joined: OnceLock<Vec<f32>>,
}

impl PyEmbeddings {
    pub(crate) fn new(
        embeddings: Vec<Embedding>,
        dim: usize,
        fingerprint: Option<&Fingerprint>,
    ) -> Self {
        Self { embeddings, dim, fingerprint: fingerprint.cloned(), joined: OnceLock::new() }
    }

    pub(crate) fn all(&self) -> &[Embedding] {
        &self.embeddings
    }
}

#[pymethods]
impl PyEmbeddings {
    /// The number of dimensions.
    #[getter]
    fn dim(&self) -> usize {
        self.dim
    }

    /// The name of the space.
    #[getter]
    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_ref().map(Fingerprint::as_str)
    }

    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let joined = self.joined.get_or_init(|| {
            let rows = self.embeddings.iter().flat_map(Embedding::as_slice);
            rows.copied().collect()
        });
        array::interface(py, joined, &[self.embeddings.len(), self.dim])
    }

    fn __len__(&self) -> usize {
        self.embeddings.len()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        at: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match places(at, self.embeddings.len())? {
            Places::One(at) => {
                Ok(Bound::new(py, PyEmbedding(self.embeddings[at].clone()))?.into_any())
            }
            Places::Some(places) => {
                let some = places.iter().map(|&at| self.embeddings[at].clone());
                let some = Self::new(some.collect(), self.dim, self.fingerprint.as_ref());
                Ok(Bound::new(py, some)?.into_any())
            }
        }
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let embeddings = self.embeddings.iter().cloned().map(PyEmbedding);
        let embeddings = embeddings.map(|embedding| Bound::new(py, embedding));
        PyList::new(py, embeddings.collect::<PyResult<Vec<_>>>()?)?.try_iter()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Remade<'py>> {
        let py = slf.py();
        let own = slf.get();
        let embeddings = own.embeddings.iter().cloned().map(PyEmbedding);
        let embeddings = embeddings.map(|embedding| Bound::new(py, embedding));
        let items = PyList::new(py, embeddings.collect::<PyResult<Vec<_>>>()?)?;
        let space = own.fingerprint().map(str::to_owned);
        Ok((py.get_type::<Self>().getattr("_from")?, (items, own.dim, space)))
    }

    /// Used by pickle.
    #[staticmethod]
    fn _from(
        py: Python<'_>,
        items: Vec<Bound<'_, PyEmbedding>>,
        dim: usize,
        fingerprint: Option<&str>,
    ) -> PyResult<Self> {
        let space = self::fingerprint(py, fingerprint)?;
        let embeddings = items.iter().map(|item| item.get().0.clone()).collect();
        Ok(Self::new(embeddings, dim, space.as_ref()))
    }

    fn __repr__(&self) -> String {
        let space = self.fingerprint.as_ref().map(short_name);
        format!(
            "Embeddings(n={}, dim={}, fingerprint={})",
            self.embeddings.len(),
            self.dim,
            quoted(space)
        )
    }
}

/// Resolves an index or a slice of a sequence.
pub(crate) enum Places {
    One(usize),
    Some(Vec<usize>),
}

pub(crate) fn places(at: &Bound<'_, PyAny>, len: usize) -> PyResult<Places> {
    let signed = isize::try_from(len)?;
    if let Ok(slice) = at.cast::<PySlice>() {
        let slice = slice.indices(signed)?;
        let places = (0..slice.slicelength)
            .map(|step| slice.start + slice.step * step as isize)
            .map(usize::try_from);
        return Ok(Places::Some(places.collect::<Result<_, _>>()?));
    }
    let at: isize = at.extract()?;
    let place = if at < 0 { at.saturating_add(signed) } else { at };
    match usize::try_from(place) {
        Ok(place) if place < len => Ok(Places::One(place)),
        _ => Err(PyIndexError::new_err(format!("index {at} is out of range for length {len}"))),
    }
}
