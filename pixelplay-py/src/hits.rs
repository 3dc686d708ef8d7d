//! `Hits` and `SongHit`.

use std::fmt::Write;
use std::sync::Arc;

use pixelplay_core::SongIndex;
use pixelplay_core::index::SongHit;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator};

use crate::call;
use crate::embedding::{Places, places};
use crate::song::PySong;
use crate::table::PySongTable;

/// A song found by a search.
#[pyclass(frozen, name = "SongHit", module = "pixelplay")]
pub(crate) struct PyHit {
    index: Arc<SongIndex>,
    hit: SongHit,
}

#[pymethods]
impl PyHit {
    /// Its row in the index.
    #[getter]
    fn row(&self) -> usize {
        self.hit.row
    }

    /// Its id.
    #[getter]
    fn id(&self) -> &str {
        self.hit.id.as_str()
    }

    /// The cosine between its vector and the query: greater is closer.
    #[getter]
    fn score(&self) -> f64 {
        self.hit.score
    }

    /// What songs are ranked by: the score less the hubness correction that was asked for.
    #[getter]
    fn corrected_score(&self) -> f64 {
        self.hit.corrected_score
    }

    /// How well it matches compared with the rest of the catalogue, 0 to 100; 50 is the average song.
    #[getter]
    fn match_percent(&self) -> f64 {
        self.hit.match_percent
    }

    /// All that is known of it, read from the index.
    #[getter]
    fn song(&self, py: Python<'_>) -> PyResult<PySong> {
        call::short(py, || self.index.song(self.hit.row)).map(PySong)
    }

    fn __repr__(&self) -> String {
        format!(
            "SongHit(id={:?}, score={:.4}, match_percent={:.1})",
            self.hit.id.as_str(),
            self.hit.score,
            self.hit.match_percent
        )
    }
}

/// Ranked songs, best first: a sequence of ``SongHit``, shown as a table in notebooks.
#[pyclass(frozen, sequence, name = "Hits", module = "pixelplay")]
pub(crate) struct PyHits {
    pub(crate) index: Arc<SongIndex>,
    pub(crate) hits: Vec<SongHit>,
}

#[pymethods]
impl PyHits {
    /// The ids, in order.
    #[getter]
    fn ids(&self) -> Vec<&str> {
        self.hits.iter().map(|hit| hit.id.as_str()).collect()
    }

    /// The cosines, in order.
    #[getter]
    fn scores(&self) -> Vec<f64> {
        self.hits.iter().map(|hit| hit.score).collect()
    }

    /// The hits with ``score``, ``match_percent`` and the columns of their index.
    fn to_arrow(&self, py: Python<'_>) -> PyResult<PySongTable> {
        call::short(py, || self.index.hits_to_table(&self.hits)).map(PySongTable)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.to_arrow(py)?.__arrow_c_stream__(py, requested_schema)
    }

    /// The same as a ``pandas.DataFrame``; needs pandas.
    fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_arrow(py)?.to_pandas(py)
    }

    fn __len__(&self) -> usize {
        self.hits.len()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        at: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let index = self.index.clone();
        match places(at, self.hits.len())? {
            Places::One(at) => {
                let hit = self.hits[at].clone();
                Ok(Bound::new(py, PyHit { index, hit })?.into_any())
            }
            Places::Some(places) => {
                let hits = places.iter().map(|&at| self.hits[at].clone()).collect();
                Ok(Bound::new(py, Self { index, hits })?.into_any())
            }
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        const SHOWN: usize = 20;
        let mut text = format!("Hits(n={})", self.hits.len());
        for (at, hit) in self.hits.iter().take(SHOWN).enumerate() {
            let song = call::short(py, || self.index.song(hit.row))?;
            let title = song.title.as_deref().unwrap_or(hit.id.as_str());
            let by = song.artist.map(|artist| format!(", {artist}")).unwrap_or_default();
            let line = format!("{:3}  {:3.0}%  {title}{by}", at + 1, hit.match_percent);
            // Anybody may have written the index; nothing in it may steer a terminal.
            let line = line.replace(char::is_control, "\u{fffd}");
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{line}");
        }
        if self.hits.len() > SHOWN {
            text.push_str("\n...");
        }
        Ok(text)
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
