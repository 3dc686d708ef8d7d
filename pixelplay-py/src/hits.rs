//! `Hits` and `SongHit`.

use pixelplay_core::index::{Hits, SongHit};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator};

use crate::call;
use crate::embedding::{Places, places};
use crate::song::PySong;
use crate::table::PyArrowTable;

/// A song found by a search.
#[pyclass(frozen, name = "SongHit", module = "pixelplay")]
pub(crate) struct PyHit(SongHit);

#[pymethods]
impl PyHit {
    /// Its row in the index.
    #[getter]
    fn row(&self) -> usize {
        self.0.row
    }

    /// Its id.
    #[getter]
    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// The cosine between its vector and the query; higher is closer.
    #[getter]
    fn score(&self) -> f64 {
        self.0.score
    }

    /// The score that songs are ranked by: ``score`` minus the hubness correction of the search.
    #[getter]
    fn corrected_score(&self) -> f64 {
        self.0.corrected_score
    }

    /// How well it matches compared with the rest of the catalogue, 0 to 100; 50 is the average song.
    #[getter]
    fn match_percent(&self) -> f64 {
        self.0.match_percent
    }

    /// The song with all its columns, read from the index.
    #[getter]
    fn song(&self, py: Python<'_>) -> PyResult<PySong> {
        call::short(py, || self.0.song()).map(PySong)
    }

    fn __repr__(&self) -> String {
        format!(
            "SongHit(id={:?}, score={:.4}, match_percent={:.1})",
            self.0.id.as_str(),
            self.0.score,
            self.0.match_percent
        )
    }
}

/// Ranked songs, best first: a sequence of ``SongHit``, shown as a table in notebooks.
#[pyclass(frozen, sequence, name = "Hits", module = "pixelplay")]
pub(crate) struct PyHits(pub(crate) Hits);

#[pymethods]
impl PyHits {
    /// The ids, in order.
    #[getter]
    fn ids(&self) -> Vec<&str> {
        self.0.iter().map(|hit| hit.id.as_str()).collect()
    }

    /// The cosines, in order.
    #[getter]
    fn scores(&self) -> Vec<f64> {
        self.0.iter().map(|hit| hit.score).collect()
    }

    /// Returns the hits with ``score``, ``match_percent`` and the columns of their index.
    fn to_arrow(&self, py: Python<'_>) -> PyResult<PyArrowTable> {
        call::short(py, || self.0.to_table()).map(PyArrowTable)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.to_arrow(py)?.__arrow_c_stream__(py, requested_schema)
    }

    /// Returns the same as a ``pandas.DataFrame``; needs pandas.
    fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_arrow(py)?.to_pandas(py)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        at: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match places(at, self.0.len())? {
            Places::One(at) => Ok(Bound::new(py, PyHit(self.0[at].clone()))?.into_any()),
            Places::Some(places) => Ok(Bound::new(py, Self(self.0.pick(&places)))?.into_any()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        const SHOWN: usize = 20;
        let first: Vec<usize> = (0..self.0.len().min(SHOWN)).collect();
        let songs = py.detach(|| self.0.pick(&first).to_string());
        let end = if songs.is_empty() { "" } else { "\n" };
        let more = if self.0.len() > SHOWN { "\n..." } else { "" };
        format!("Hits(n={}){end}{songs}{more}", self.0.len())
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let html = slf.py().import("pixelplay._html")?;
        html.call_method1("hits", (slf,))
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        let hits = (0..slf.len()?).map(|at| slf.get_item(at));
        let hits = hits.collect::<PyResult<Vec<_>>>()?;
        pyo3::types::PyList::new(slf.py(), hits)?.try_iter()
    }
}
