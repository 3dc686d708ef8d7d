//! The native half of the Python package `pixelplay`: frozen newtypes around `pixelplay-core`, without any logic.
//!
//! * `call` makes every call into the core: it releases the GIL, handles Ctrl-C and maps errors with `error`;
//! * `array`, `image`, `secret` and `table` carry data in and out; what can be written in Python is
//!   in `python/pixelplay/`;
//! * each of the other files holds one class or a few functions.
//!
//! The public API is documented in `python/pixelplay/_native.pyi`.

mod array;
mod call;
mod catalog;
mod describe;
mod embedding;
mod encoder;
mod enrich;
mod error;
mod filter;
mod hash_params;
mod hits;
mod image;
mod index;
mod limit;
mod mood;
mod query;
mod report;
mod secret;
mod session;
mod song;
mod table;
mod users;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::catalog::{build_index, clean, starter_index, write_index};
    #[pymodule_export]
    use super::describe::{PySentence, describe, templates, why};
    #[pymodule_export]
    use super::embedding::{PyEmbedding, PyEmbeddings};
    #[pymodule_export]
    use super::encoder::PyEncoder;
    #[pymodule_export]
    use super::enrich::enrich_index;
    #[pymodule_export]
    use super::filter::{PyColumn, PyFilter, col};
    #[pymodule_export]
    use super::hash_params::PyHashParams;
    #[pymodule_export]
    use super::hits::{PyHit, PyHits};
    #[pymodule_export]
    use super::index::{PySongIndex, correct_hubness};
    #[pymodule_export]
    use super::limit::PyLimit;
    #[pymodule_export]
    use super::mood::{PyMood, radar_svg};
    #[pymodule_export]
    use super::query::PyHybridQuery;
    #[pymodule_export]
    use super::report::PyReport;
    #[pymodule_export]
    use super::session::{PyAccount, PyListen, PyNewSession, PySession};
    #[pymodule_export]
    use super::song::PySong;
    #[pymodule_export]
    use super::table::PyArrowTable;
    #[pymodule_export]
    use super::users::PyUserStore;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
