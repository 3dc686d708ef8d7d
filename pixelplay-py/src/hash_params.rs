//! `HashParams`.

use std::time::Duration;

use pixelplay_core::UserError;
use pixelplay_core::users::HashParams;
use pyo3::prelude::*;

use crate::call;
use crate::error::Raise;

/// The cost of a new password hash: the settings of Argon2id, version 1.3. It can be pickled.
///
/// The default is the first choice of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Change it
/// rarely: until all users have logged in again, every failed log-in computes one hash for each set of settings in use.
///
/// Raises ``UserError`` (a ``ValueError``) for settings weaker than those in OWASP's table, and for settings that could
/// overload the machine: more than 1 GiB, 64 passes or 16 lanes, or more than 1 GiB in total over all passes.
#[pyclass(frozen, eq, name = "HashParams", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyHashParams(pub(crate) HashParams);

#[pymethods]
impl PyHashParams {
    #[new]
    #[pyo3(signature = (memory_kib = 19456, passes = 2, lanes = 1))]
    fn new(py: Python<'_>, memory_kib: u32, passes: u32, lanes: u32) -> PyResult<Self> {
        HashParams::new(memory_kib, passes, lanes)
            .map(Self)
            .map_err(|problem| UserError::from(problem).raise(py))
    }

    /// Returns settings that take about ``target`` (250 ms) per hash on this machine, but never less than the
    /// default settings.
    ///
    /// It computes six hashes. Run it once, on the slowest machine that serves the users, and keep the result.
    #[staticmethod]
    #[pyo3(signature = (target = None))]
    fn tune(py: Python<'_>, target: Option<Duration>) -> PyResult<Self> {
        let target = target.unwrap_or(HashParams::TUNE_TARGET);
        call::long(py, None, move |_| Ok::<_, UserError>(HashParams::tune(target))).map(Self)
    }

    /// The memory of one hash, in KiB.
    #[getter]
    fn memory_kib(&self) -> u32 {
        self.0.memory_kib()
    }

    /// The number of passes over the memory.
    #[getter]
    fn passes(&self) -> u32 {
        self.0.passes()
    }

    /// The number of lanes that the memory is divided into.
    #[getter]
    fn lanes(&self) -> u32 {
        self.0.lanes()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (u32, u32, u32)) {
        let own = slf.get();
        let settings = (own.memory_kib(), own.passes(), own.lanes());
        (slf.py().get_type::<Self>().into_any(), settings)
    }

    fn __repr__(&self) -> String {
        format!(
            "HashParams(memory_kib={}, passes={}, lanes={})",
            self.memory_kib(),
            self.passes(),
            self.lanes()
        )
    }
}
