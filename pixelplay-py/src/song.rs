//! `Song`.

use pixelplay_core::mood::mood_words;
use pixelplay_core::radar::{RadarOptions, Series, radar_svg};
use pixelplay_core::song::{COLUMNS, Song, Value};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use crate::embedding::quoted;

/// A song in an index: a mapping from column to cell. A cell is ``None`` if its value is unknown.
///
/// Other columns are included as text if the song has a value in them, so use ``get``.
///
/// Audio features follow Spotify's definitions, from 0 to 1; ``tempo`` is in beats per minute, ``loudness`` in dB,
/// ``duration_ms`` in milliseconds.
#[pyclass(frozen, eq, mapping, name = "Song", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PySong(pub(crate) Song);

impl PySong {
    /// Every defined column is present, even if its cell is unknown; other columns are present only if the song has a
    /// value.
    fn names(&self) -> impl Iterator<Item = &str> {
        let known = COLUMNS.iter().map(|&(name, _)| name);
        let extra = self.0.extra.keys().map(String::as_str);
        std::iter::once("id").chain(known).chain(extra)
    }

    fn has(&self, column: &str) -> bool {
        self.names().any(|name| name == column)
    }
}

pub(crate) fn cell(py: Python<'_>, value: Option<Value>) -> PyResult<Bound<'_, PyAny>> {
    match value {
        None => Ok(py.None().into_bound(py)),
        Some(Value::Text(text)) => text.into_bound_py_any(py),
        Some(Value::Integer(number)) => number.into_bound_py_any(py),
        Some(Value::Real(number)) => number.into_bound_py_any(py),
        Some(Value::Flag(flag)) => flag.into_bound_py_any(py),
    }
}

#[pymethods]
impl PySong {
    /// The id of the song in its index.
    #[getter]
    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// At most three words for its mood, derived from its features.
    #[getter]
    fn words(&self) -> Vec<&'static str> {
        mood_words(&self.0)
    }

    /// Returns its features as an SVG chart; see ``radar_svg``.
    #[pyo3(signature = (*, width = 360))]
    fn radar(&self, width: u32) -> String {
        let name = self.0.title.as_deref().unwrap_or(self.0.id.as_str());
        let options = RadarOptions { width, ..RadarOptions::default() };
        radar_svg(&[Series::of_song(name, &self.0)], &options)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, column: &str) -> PyResult<Bound<'py, PyAny>> {
        if !self.has(column) {
            return Err(PyKeyError::new_err(column.to_owned()));
        }
        cell(py, self.0.get(column))
    }

    /// Returns the cell in a column, or ``default`` if the song has no such column.
    #[pyo3(signature = (column, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        column: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.has(column) {
            return cell(py, self.0.get(column));
        }
        Ok(default.unwrap_or_else(|| py.None().into_bound(py)))
    }

    /// Returns ``id``, every column that PixelPlay defines, and every other column in which the song has a value.
    fn keys(&self) -> Vec<&str> {
        self.names().collect()
    }

    /// Returns the cells, in the order of the columns.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.names().map(|name| cell(py, self.0.get(name))).collect()
    }

    /// Returns pairs of column and cell.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&str, Bound<'py, PyAny>)>> {
        self.names().map(|name| Ok((name, cell(py, self.0.get(name))?))).collect()
    }

    fn __contains__(&self, column: &Bound<'_, PyAny>) -> bool {
        column.extract::<String>().is_ok_and(|column| self.has(&column))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.keys())?.try_iter()
    }

    fn __len__(&self) -> usize {
        self.names().count()
    }

    fn __repr__(&self) -> String {
        format!(
            "Song(id={:?}, title={}, artist={})",
            self.0.id.as_str(),
            quoted(self.0.title.clone()),
            quoted(self.0.artist.clone())
        )
    }
}
