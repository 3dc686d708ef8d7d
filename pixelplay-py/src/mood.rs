//! `Mood` and `radar_svg`.

use pixelplay_core::Mood;
use pixelplay_core::radar::{AXES, RadarOptions, Series};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyMapping};

use crate::song::PySong;

/// The mood of a picture: a mapping from ``energy``, ``valence``, ``danceability``, ``acousticness`` to values from
/// 0 to 1.
#[pyclass(frozen, eq, mapping, name = "Mood", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyMood(pub(crate) Mood);

#[pymethods]
impl PyMood {
    /// The words that contributed most, strongest first.
    #[getter]
    fn words(&self) -> Vec<&'static str> {
        self.0.words.clone()
    }

    fn __getitem__(&self, axis: &str) -> PyResult<f64> {
        self.0.get(axis).ok_or_else(|| PyKeyError::new_err(axis.to_owned()))
    }

    /// Returns the value on an axis, or ``default`` if the mood has no such axis.
    #[pyo3(signature = (axis, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        axis: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.0.get(axis) {
            Some(value) => Ok(value.into_pyobject(py)?.into_any()),
            None => Ok(default.unwrap_or_else(|| py.None().into_bound(py))),
        }
    }

    /// Returns the axes.
    fn keys(&self) -> Vec<&'static str> {
        Mood::AXES.to_vec()
    }

    /// Returns the values, in the order of the axes.
    fn values(&self) -> Vec<f64> {
        Mood::AXES.iter().filter_map(|axis| self.0.get(axis)).collect()
    }

    /// Returns pairs of axis and value.
    fn items(&self) -> Vec<(&'static str, f64)> {
        self.keys().into_iter().zip(self.values()).collect()
    }

    fn __contains__(&self, axis: &Bound<'_, PyAny>) -> bool {
        axis.extract::<String>().is_ok_and(|axis| self.0.get(&axis).is_some())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, Mood::AXES)?.try_iter()
    }

    fn __len__(&self) -> usize {
        Mood::AXES.len()
    }

    /// Returns the mood as an SVG chart; see ``radar_svg``.
    #[pyo3(signature = (*, width = 360))]
    fn radar(&self, width: u32) -> String {
        let options = RadarOptions { width, ..RadarOptions::default() };
        pixelplay_core::radar::radar_svg(&[Series::of_mood("Picture", &self.0)], &options)
    }

    fn __repr__(&self) -> String {
        let values = self.items().into_iter().map(|(axis, value)| format!("{axis}={value:.2}"));
        format!("Mood({}, words={:?})", values.collect::<Vec<_>>().join(", "), self.0.words)
    }
}

/// Draws songs and moods on top of each other as an SVG radar chart with a legend; ``text=False`` draws only the
/// shape.
///
/// The axes are energy, valence, danceability, acousticness, instrumentalness and liveness, 0 to 1. The chart is
/// readable on light and dark backgrounds. Names are escaped.
#[pyfunction]
#[pyo3(signature = (series, *, width = 360, text = true))]
pub(crate) fn radar_svg(series: &Bound<'_, PyMapping>, width: u32, text: bool) -> PyResult<String> {
    let mut drawn = Vec::new();
    for item in series.items()? {
        let (name, values): (String, Bound<'_, PyAny>) = item.extract()?;
        drawn.push(one_series(name, &values)?);
    }
    let options = RadarOptions { width, text };
    Ok(pixelplay_core::radar::radar_svg(&drawn, &options))
}

fn one_series(name: String, values: &Bound<'_, PyAny>) -> PyResult<Series> {
    if let Ok(song) = values.cast::<PySong>() {
        return Ok(Series::of_song(name, &song.get().0));
    }
    if let Ok(mood) = values.cast::<PyMood>() {
        return Ok(Series::of_mood(name, &mood.get().0));
    }
    let Ok(values) = values.cast::<PyMapping>() else {
        return Err(PyTypeError::new_err(format!(
            "a series is a Song, a Mood or a mapping from axis to value, not {}",
            values.get_type().name()?
        )));
    };
    let mut series = Series { name, values: [None; AXES.len()] };
    for (axis, value) in AXES.into_iter().zip(&mut series.values) {
        if values.contains(axis)? {
            *value = values.get_item(axis)?.extract()?;
        }
    }
    Ok(series)
}
