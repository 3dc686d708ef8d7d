//! `col`, `Column` and `Filter`.

use pixelplay_core::index::{self, Column, Filter};
use pixelplay_core::song::Value;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use crate::error::Raise;

/// Returns a column for a filter: ``(col("energy") >= 0.5) & col("genre").is_in(["pop", "rock"])``.
#[pyfunction]
pub(crate) fn col(name: String) -> PyColumn {
    PyColumn(name)
}

/// A column in a filter, made by ``col``. Compare it with text, numbers or bools.
#[pyclass(frozen, name = "Column", module = "pixelplay")]
pub(crate) struct PyColumn(String);

impl PyColumn {
    fn column(&self) -> Column {
        index::col(self.0.as_str())
    }
}

#[pymethods]
impl PyColumn {
    /// The name of the column.
    #[getter]
    fn name(&self) -> &str {
        &self.0
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, comparison: CompareOp) -> PyResult<PyFilter> {
        let (column, value) = (self.column(), value(other)?);
        Ok(PyFilter(match comparison {
            CompareOp::Eq => column.eq(value),
            CompareOp::Ne => column.ne(value),
            CompareOp::Lt => column.lt(value),
            CompareOp::Le => column.le(value),
            CompareOp::Gt => column.gt(value),
            CompareOp::Ge => column.ge(value),
        }))
    }

    /// Matches songs whose cell is at least ``low`` and at most ``high``.
    fn between(&self, low: &Bound<'_, PyAny>, high: &Bound<'_, PyAny>) -> PyResult<PyFilter> {
        Ok(PyFilter(self.column().between(value(low)?, value(high)?)))
    }

    /// Matches songs whose cell equals one of the values.
    fn is_in(&self, values: &Bound<'_, PyAny>) -> PyResult<PyFilter> {
        if values.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "is_in takes several values, not a single string; compare with ==, or pass a list",
            ));
        }
        let values = values.try_iter()?.map(|item| value(&item?));
        let values = values.collect::<PyResult<Vec<_>>>()?;
        Ok(PyFilter(self.column().is_in(values)))
    }

    /// Matches songs whose cell is unknown. No other condition matches an unknown cell, and neither does its
    /// negation.
    fn is_null(&self) -> PyFilter {
        PyFilter(self.column().is_null())
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(no_truth("a column"))
    }

    fn __repr__(&self) -> String {
        format!("col({:?})", self.0)
    }
}

/// A condition on the columns of songs. Combine filters with ``&``, ``|`` and ``~``. It can be pickled.
#[pyclass(frozen, eq, name = "Filter", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyFilter(pub(crate) Filter);

#[pymethods]
impl PyFilter {
    /// Parses a text such as ``energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990``.
    ///
    /// Raises ``FilterError`` (a ``ValueError``) that says where the mistake is.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        Filter::parse(text).map(Self).map_err(|error| error.raise(py))
    }

    fn __and__(&self, other: &Bound<'_, Self>) -> Self {
        Self(self.0.clone() & other.get().0.clone())
    }

    fn __or__(&self, other: &Bound<'_, Self>) -> Self {
        Self(self.0.clone() | other.get().0.clone())
    }

    fn __invert__(&self) -> Self {
        Self(!self.0.clone())
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(no_truth("a filter"))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let parse = slf.py().get_type::<Self>().getattr("parse")?;
        Ok((parse, (slf.get().0.to_string(),)))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Filter({:?})", self.0.to_string())
    }
}

fn no_truth(what: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{what} is neither true nor false before a search; combine filters with &, | and ~, not with and, or and not, \
         and use between instead of a < b < c"
    ))
}

/// Converts the argument `where=`: a filter, or its text form.
pub(crate) fn filter(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Filter>> {
    let Some(given) = given else { return Ok(None) };
    if let Ok(filter) = given.cast::<PyFilter>() {
        return Ok(Some(filter.get().0.clone()));
    }
    if let Ok(text) = given.extract::<String>() {
        return PyFilter::parse(given.py(), &text).map(|filter| Some(filter.0));
    }
    Err(PyTypeError::new_err(format!(
        "where must be a filter, such as pixelplay.col(\"year\") >= 1990, or a filter as text, not {}",
        given.get_type().name()?
    )))
}

fn value(given: &Bound<'_, PyAny>) -> PyResult<Value> {
    // In Python a bool is also an int, so it is checked first.
    if let Ok(flag) = given.cast::<PyBool>() {
        return Ok(Value::Flag(flag.is_true()));
    }
    if let Ok(text) = given.extract::<String>() {
        return Ok(Value::Text(text));
    }
    if given.is_instance_of::<PyInt>() {
        return given.extract().map(Value::Integer).map_err(|_| {
            PyValueError::new_err("an int in a filter must fit into 64 bits, including its sign")
        });
    }
    if let Ok(real) = given.cast::<PyFloat>() {
        return Ok(Value::Real(real.value()));
    }
    // numpy's scalars can convert themselves to Python's.
    if let Ok(plain) = given.call_method0("item")
        && !plain.get_type().is(given.get_type())
    {
        return value(&plain);
    }
    let advice = if given.is_none() { "; use is_null()" } else { "" };
    Err(PyTypeError::new_err(format!(
        "a column is compared with text, numbers or bools, not {}{advice}",
        given.get_type().name()?
    )))
}
