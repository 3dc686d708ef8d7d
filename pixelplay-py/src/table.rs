//! Tables in and out through Arrow's PyCapsule interface, without a copy and without pyarrow.

use std::ffi::CStr;
use std::io::Cursor;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pixelplay_core::catalog::{self, CatalogError};
use pixelplay_core::index::ArrowTable;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyString};

use crate::array;

const STREAM: &CStr = c"arrow_array_stream";

/// A table of songs in any form that Python users have.
pub(crate) enum Input {
    Path(PathBuf),
    Csv(Vec<u8>),
    Arrow(RecordBatchStreamReader),
}

impl Input {
    pub(crate) fn new(table: &Bound<'_, PyAny>) -> PyResult<Self> {
        static TABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let told = TABLE.import(table.py(), "pixelplay._inputs", "table")?.call1((table,))?;
        if told.is_instance_of::<PyString>() {
            return Ok(Self::Path(told.extract()?));
        }
        if let Ok(bytes) = told.cast::<PyBytes>() {
            return Ok(Self::Csv(bytes.as_bytes().to_vec()));
        }
        let Ok(capsule) = told.cast::<PyCapsule>() else {
            return Err(PyTypeError::new_err("__arrow_c_stream__ did not return a capsule"));
        };
        Ok(Self::Arrow(reader(capsule)?))
    }

    /// Opens the table.
    pub(crate) fn open(self) -> Result<catalog::SongTable<'static>, CatalogError> {
        match self {
            Self::Path(path) => catalog::SongTable::open(path),
            Self::Csv(bytes) => Ok(catalog::SongTable::from_reader(Cursor::new(bytes), UNNAMED)),
            Self::Arrow(batches) => Ok(catalog::SongTable::from_batches(batches, UNNAMED)),
        }
    }
}

/// The name, in reports and errors, of a table without a path.
const UNNAMED: &str = "the table given";

/// Moves the stream out of its capsule.
fn reader(capsule: &Bound<'_, PyCapsule>) -> PyResult<RecordBatchStreamReader> {
    let stream = capsule.pointer_checked(Some(STREAM))?;
    #[expect(
        unsafe_code,
        reason = "Arrow's C stream interface is a pointer; arrow-rs has no safe way to take one"
    )]
    // SAFETY: according to Arrow's PyCapsule interface, a capsule with this name points to an
    // ArrowArrayStream, and its producer is responsible for the content. It stays alive during the
    // call, which moves the stream out and marks it as released.
    let taken = unsafe { RecordBatchStreamReader::from_raw(stream.as_ptr().cast()) };
    taken.map_err(|error| PyValueError::new_err(format!("the table cannot be read: {error}")))
}

/// A table of songs in Arrow's memory layout.
///
/// ``pyarrow.table(t)``, ``polars.DataFrame(t)`` and others accept it without a copy. Nothing else in pixelplay needs
/// pyarrow.
#[pyclass(frozen, name = "ArrowTable", module = "pixelplay")]
pub(crate) struct PyArrowTable(pub(crate) ArrowTable);

#[pymethods]
impl PyArrowTable {
    /// The number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// The number of columns.
    #[getter]
    fn num_columns(&self) -> usize {
        self.0.schema().fields().len()
    }

    /// The names of the columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.0.schema().fields().iter().map(|field| field.name().as_str()).collect()
    }

    #[pyo3(signature = (requested_schema = None))]
    pub(crate) fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a producer to return its own schema if it cannot provide the
        // requested one.
        let _ = requested_schema;
        let stream = FFI_ArrowArrayStream::new(Box::new(self.0.reader()));
        PyCapsule::new_with_value(py, stream, STREAM)
    }

    /// Returns a dict from column to a list of its cells. Vectors are arrays of shape ``(dim,)``.
    fn to_pydict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        for (at, field) in self.0.schema().fields().iter().enumerate() {
            let cells = PyList::empty(py);
            for batch in self.0.batches() {
                py.check_signals()?;
                append(&cells, batch.column(at))?;
            }
            columns.set_item(field.name(), cells)?;
        }
        Ok(columns)
    }

    /// Returns a list with one dict per row.
    fn to_pylist<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let columns = self.to_pydict(py)?;
        let rows: Vec<_> = (0..self.0.num_rows()).map(|_| PyDict::new(py)).collect();
        for (name, cells) in columns {
            for (row, cell) in rows.iter().zip(cells.try_iter()?) {
                row.set_item(&name, cell?)?;
            }
        }
        Ok(rows)
    }

    /// Returns a ``pandas.DataFrame``; needs pandas.
    pub(crate) fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let columns = self.to_pydict(py)?;
        py.import("pandas")?.call_method1("DataFrame", (columns,))
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("ArrowTable(rows={}, columns={:?})", self.num_rows(), self.column_names())
    }
}

/// Appends the cells of a column. Song columns have only these types, whatever the index was made from.
fn append(list: &Bound<'_, PyList>, array: &ArrayRef) -> PyResult<()> {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().try_for_each(|cell| list.append(cell)),
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().try_for_each(|cell| list.append(cell))
        }
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().iter().try_for_each(|cell| list.append(cell))
        }
        DataType::Boolean => array.as_boolean().iter().try_for_each(|cell| list.append(cell)),
        DataType::FixedSizeList(..) => append_vectors(list, array),
        other => Err(PyTypeError::new_err(format!("cannot convert a column of type {other}"))),
    }
}

fn append_vectors(list: &Bound<'_, PyList>, array: &ArrayRef) -> PyResult<()> {
    let vectors = array.as_fixed_size_list();
    for row in 0..vectors.len() {
        let values = vectors.value(row);
        let values = values.as_primitive::<Float32Type>().values();
        list.append(array::vector(list.py(), values)?)?;
    }
    Ok(())
}
