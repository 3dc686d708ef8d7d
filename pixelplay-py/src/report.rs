//! `Report`: the result of an operation, as numbers and as text.

use std::fmt::Display;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;

/// The result of an operation on songs. ``str(report)`` is text for people; the mapping holds the numbers for
/// programs.
#[pyclass(frozen, mapping, name = "Report", module = "pixelplay")]
pub(crate) struct PyReport {
    text: String,
    fields: Py<PyDict>,
}

impl PyReport {
    pub(crate) fn new(py: Python<'_>, report: &(impl Display + Serialize)) -> PyResult<Self> {
        let json = serde_json::to_string(report)
            .map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))?;
        let fields = py.import("json")?.call_method1("loads", (json,))?;
        Ok(Self { text: report.to_string(), fields: fields.cast_into::<PyDict>()?.unbind() })
    }
}

#[pymethods]
impl PyReport {
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.fields.bind(py).as_any().get_item(name)
    }

    /// Returns a copy of all fields.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("copy")?.call_method1("deepcopy", (&self.fields,))
    }

    /// Returns the names of its fields.
    fn keys<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
        self.fields.bind(py).keys().iter().collect()
    }

    fn __contains__(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.fields.bind(py).contains(name)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyIterator>> {
        self.fields.bind(py).keys().try_iter()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.fields.bind(py).len()
    }

    fn __str__(&self) -> &str {
        self.text.trim_end()
    }

    fn __repr__(&self) -> String {
        format!("<Report\n{}>", self.text.trim_end())
    }
}
