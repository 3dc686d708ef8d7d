//! `SongIndex`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pixelplay_core::index::{By, EditOptions, QueryBank, SearchOptions, SongIndexEditor};
use pixelplay_core::{Embedding, Fingerprint, SongId, SongIndex, SongIndexError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyDict, PyList, PyString};

use crate::call::Report;
use crate::embedding::PyEmbedding;
use crate::hits::PyHits;
use crate::report::PyReport;
use crate::song::PySong;
use crate::table::PyArrowTable;
use crate::{array, call, filter};

/// A scan of fewer bytes ends before signals are first checked, so it does not need a separate thread.
const SHORT_SCAN: usize = 32 << 20;

/// Songs and their unit vectors, in a file or a folder of files. Searches are exact and take no lock.
///
/// It cannot be pickled: open it in each process. Processes that map the same file share its memory.
#[pyclass(frozen, name = "SongIndex", module = "pixelplay")]
pub(crate) struct PySongIndex {
    pub(crate) inner: SongIndex,
    /// Created on first use.
    ids: PyOnceLock<Py<PyAny>>,
}

impl From<SongIndex> for PySongIndex {
    fn from(index: SongIndex) -> Self {
        Self { inner: index, ids: PyOnceLock::new() }
    }
}

/// Maps an index into memory, under the contract that `SongIndex.open` documents.
pub(crate) fn open_mapped(path: &Path) -> Result<SongIndex, SongIndexError> {
    #[expect(
        unsafe_code,
        reason = "mapping requires that the file is not changed in place, which `mmap=` documents"
    )]
    // SAFETY: PixelPlay only ever replaces a whole index, by renaming a finished file over it. The
    // documentation of `mmap` passes the rest of the contract on to the caller.
    unsafe {
        SongIndex::open_mmap(path)
    }
}

#[pymethods]
impl PySongIndex {
    /// Opens an index, by mapping it into memory or, with ``mmap=False``, by reading it.
    ///
    /// While it is mapped, no other program may truncate the file or write into it. Replacing it by renaming another
    /// file over it is fine, and is all that pixelplay does. Opening checks the structure; ``verify`` checks every
    /// byte.
    ///
    /// Raises ``SongIndexError``; also ``FileNotFoundError``, ``PermissionError``, ... if the file cannot be read.
    #[staticmethod]
    #[pyo3(signature = (path, mmap = true))]
    fn open(py: Python<'_>, path: PathBuf, mmap: bool) -> PyResult<Self> {
        call::long(py, None, move |_| if mmap { open_mapped(&path) } else { SongIndex::open(path) })
            .map(Self::from)
    }

    /// The length of the vectors.
    #[getter]
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    /// The name of the vectors' space, or ``None`` if the file does not name it.
    #[getter]
    fn fingerprint(&self) -> Option<&str> {
        self.inner.fingerprint().map(Fingerprint::as_str)
    }

    /// How the songs were described, as JSON: version, templates, and the weights of titles, tags and lyrics.
    /// ``None`` if the vectors were not made from descriptions, or if the file was written by a version that did not
    /// record this.
    #[getter]
    fn recipe(&self) -> Option<&str> {
        self.inner.recipe()
    }

    /// The file or folder that was opened.
    #[getter]
    fn path(&self) -> PathBuf {
        self.inner.path().to_owned()
    }

    /// The columns other than ``id`` and the vector.
    #[getter]
    fn columns(&self) -> Vec<&str> {
        self.inner.columns().iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The ids in row order, as a read-only ``(n,)`` array of strings, so that ``index.ids[rows]`` works. Created on
    /// first use.
    #[getter]
    fn ids(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        const SIGNALS_EVERY: usize = 1 << 16;
        let ids = self.ids.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            let list = PyList::empty(py);
            for (row, id) in self.inner.ids().enumerate() {
                if row.is_multiple_of(SIGNALS_EVERY) {
                    py.check_signals()?;
                }
                list.append(id)?;
            }
            let ids = py.import("numpy")?.call_method1("array", (list, "object"))?;
            ids.getattr("flags")?.setattr("writeable", false)?;
            Ok(ids.unbind())
        })?;
        Ok(ids.clone_ref(py))
    }

    /// The name of the queries that ``correct_hubness`` derived the songs' biases from; ``None`` if there are no
    /// biases.
    #[getter]
    fn query_bank(&self) -> Option<&str> {
        self.inner.query_bank()
    }

    /// All vectors as a read-only ``(n, dim)`` array, without a copy. The array keeps the file mapped.
    ///
    /// Raises ``ValueError`` if the file has several batches; use ``vector_chunks``.
    #[getter]
    fn vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let batches = self.inner.vector_chunks().len();
        if batches > 1 {
            return Err(PyValueError::new_err(format!(
                "the index has its vectors in {batches} batches, so they are not one array in memory; \
                 use vector_chunks, or write the index again in one batch"
            )));
        }
        self.chunk(py, 0)
    }

    /// The vectors of each batch as read-only ``(rows, dim)`` arrays, without a copy.
    #[getter]
    fn vector_chunks<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let batches = self.inner.vector_chunks().len();
        (0..batches).map(|batch| self.chunk(py, batch)).collect()
    }

    /// Returns a song with all its columns. Raises ``UnknownSong`` (a ``KeyError``).
    fn song(&self, py: Python<'_>, id: &str) -> PyResult<PySong> {
        call::short(py, || self.inner.song_by_id(id)).map(PySong)
    }

    /// Returns the vector of a song. Raises ``UnknownSong`` (a ``KeyError``).
    fn embedding(&self, py: Python<'_>, id: &str) -> PyResult<PyEmbedding> {
        call::short(py, || match self.inner.row(id) {
            Some(row) => self.inner.embedding(row),
            None => Err(SongIndexError::UnknownId { id: id.to_owned() }),
        })
        .map(PyEmbedding)
    }

    /// Returns the ``k`` songs with the highest cosine, best first. The result is exact: ids and scores equal those
    /// of a float64 brute-force search.
    ///
    /// ``where`` is a filter that songs must match, ``exclude`` leaves songs out by id, and ``min_score`` is the lowest
    /// cosine, or corrected score, to return. ``hubness_correction``, 0 to 1, is the share of each song's bias that is
    /// subtracted before ranking; see ``correct_hubness``. A search takes one pass over the vectors.
    ///
    /// Raises ``EmbeddingError`` for a query that does not fit the index, and ``FilterError`` for an unknown column,
    /// with a list of the columns.
    #[pyo3(signature = (query, k = 10, r#where = None, *, exclude = None, min_score = None, hubness_correction = 0.0, threads = None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn search(
        &self,
        py: Python<'_>,
        query: &Bound<'_, PyAny>,
        k: usize,
        r#where: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        min_score: Option<f64>,
        hubness_correction: f64,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<PyHits> {
        let query = array::embedding(query)?;
        let options = options(k, r#where, exclude, min_score, hubness_correction, threads)?;
        let hits = self.run(py, 1, move |index| index.search(&query, &options))?;
        Ok(PyHits(hits))
    }

    /// Measures how evenly the queries use the catalogue: how many songs are among the ``k`` best for any query, how
    /// unevenly songs are shown (skewness and Gini coefficient, 0 if all are shown equally often), and the songs shown
    /// most often.
    #[pyo3(signature = (queries, k = 50, r#where = None, *, hubness_correction = 0.0))]
    fn hubness(
        &self,
        py: Python<'_>,
        queries: &Bound<'_, PyAny>,
        k: usize,
        r#where: Option<&Bound<'_, PyAny>>,
        hubness_correction: f64,
    ) -> PyResult<PyReport> {
        let queries: Vec<Embedding> = array::embeddings(queries)?;
        let options = options(k, r#where, None, None, hubness_correction, None)?;
        let found = self.run(py, queries.len(), move |index| {
            index.hubness(&queries, &options)?.report(index)
        })?;
        PyReport::new(py, &found)
    }

    /// Searches for several queries in one pass: returns rows and scores, both of shape ``(queries, min(k,
    /// len(index)))``.
    ///
    /// Rows are positions in ``ids``. If a filter leaves fewer songs, the remaining cells hold -1 and NaN.
    #[pyo3(signature = (queries, k = 10, r#where = None, *, exclude = None, min_score = None, hubness_correction = 0.0, threads = None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn search_many<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        k: usize,
        r#where: Option<&Bound<'py, PyAny>>,
        exclude: Option<&Bound<'py, PyAny>>,
        min_score: Option<f64>,
        hubness_correction: f64,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let queries: Vec<Embedding> = array::embeddings(queries)?;
        let options = options(k, r#where, exclude, min_score, hubness_correction, threads)?;
        let shape = (queries.len(), k.min(self.inner.len()));
        let (rows, scores) = self.run(py, queries.len(), move |index| {
            let (mut rows, mut scores) = (Vec::new(), Vec::new());
            for hits in index.search_many(&queries, &options)? {
                // Missing hits are -1 and NaN, so that the arrays keep their shape.
                for at in 0..shape.1 {
                    let (row, score) = match hits.get(at) {
                        Some(hit) => (hit.row as i64, hit.score),
                        None => (-1, f64::NAN),
                    };
                    rows.extend(row.to_ne_bytes());
                    scores.extend(score.to_ne_bytes());
                }
            }
            Ok::<_, SongIndexError>((rows, scores))
        })?;
        Ok((
            array::matrix(py, &rows, "int64", shape)?,
            array::matrix(py, &scores, "float64", shape)?,
        ))
    }

    /// Returns the songs most similar to a song, by their vectors or by the cosine of standardised audio features.
    /// The song itself is left out.
    ///
    /// Raises ``UnknownSong`` (a ``KeyError``), and ``SongIndexError`` for a song without audio features.
    #[pyo3(signature = (id, k = 10, by = "description", r#where = None, *, exclude = None, min_score = None, hubness_correction = 0.0))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn similar(
        &self,
        py: Python<'_>,
        id: String,
        k: usize,
        by: &str,
        r#where: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        min_score: Option<f64>,
        hubness_correction: f64,
    ) -> PyResult<PyHits> {
        let by = match by {
            "description" => By::Description,
            "audio" => By::Audio,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "by must be \"description\" or \"audio\", not {by:?}"
                )));
            }
        };
        let options = options(k, r#where, exclude, min_score, hubness_correction, None)?;
        let hits = self.run(py, 1, move |index| index.similar(&id, by, &options))?;
        Ok(PyHits(hits))
    }

    /// Returns the whole index as a table, including ``embedding``, without a copy.
    fn to_arrow(&self, py: Python<'_>) -> PyResult<PyArrowTable> {
        let index = self.inner.clone();
        call::long(py, None, move |_| index.to_table()).map(PyArrowTable)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.to_arrow(py)?.__arrow_c_stream__(py, requested_schema)
    }

    /// Compares every byte with the file's checksums. Raises ``SongIndexError`` at the first difference.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        let index = self.inner.clone();
        call::long(py, None, move |_| index.verify())
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __bool__(&self) -> bool {
        !self.inner.is_empty()
    }

    fn __contains__(&self, py: Python<'_>, id: &Bound<'_, PyAny>) -> bool {
        let Ok(id) = id.extract::<String>() else {
            return false;
        };
        // The first lookup builds a table of ids.
        py.detach(|| self.inner.row(&id)).is_some()
    }

    fn __repr__(&self) -> String {
        format!(
            "SongIndex(path={:?}, songs={}, dim={})",
            self.inner.path(),
            self.inner.len(),
            self.inner.dim()
        )
    }
}

impl PySongIndex {
    /// Runs a search for `queries` vectors.
    fn run<T, E>(
        &self,
        py: Python<'_>,
        queries: usize,
        work: impl FnOnce(&SongIndex) -> Result<T, E> + Send + 'static,
    ) -> PyResult<T>
    where
        T: Send + 'static,
        E: crate::error::Raise + Send + 'static,
    {
        let index = self.inner.clone();
        let bytes = [self.inner.dim(), size_of::<f32>(), queries]
            .iter()
            .fold(self.inner.len(), |product, &factor| product.saturating_mul(factor));
        if bytes <= SHORT_SCAN {
            call::short(py, || work(&index))
        } else {
            call::long(py, None, move |_| work(&index))
        }
    }

    fn chunk<'py>(&self, py: Python<'py>, batch: usize) -> PyResult<Bound<'py, PyAny>> {
        let view = VectorView { index: self.inner.clone(), batch };
        array::as_array(Bound::new(py, view)?.as_any())
    }
}

/// The object that numpy keeps alive while an array of vectors exists, and with it the index and
/// its mapping.
#[pyclass(frozen, module = "pixelplay")]
struct VectorView {
    index: SongIndex,
    batch: usize,
}

#[pymethods]
impl VectorView {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dim = self.index.dim();
        // An index without songs has no batches.
        let vectors = self.index.vector_chunks().nth(self.batch).unwrap_or_default();
        array::interface(py, vectors, &[vectors.len() / dim, dim])
    }
}

/// Rewrites an index with a bias for each song, so that searches can demote songs that are found for nearly every
/// query.
///
/// Returns the name of the query bank. ``queries``, of shape ``(n, dim)``, should be a few hundred pictures of the kind
/// that users will search with. A song's bias is the mean of its cosines with the ``nearest`` queries that are nearest
/// to it (nearest neighbour normalisation, NNN). A search subtracts the share ``hubness_correction`` of the bias;
/// searches without that argument do not change. Songs that are added later have no bias: run this again.
///
/// Raises ``EmbeddingError`` for queries from another encoder or of another dimension, ``SongIndexError``, ``OSError``.
#[pyfunction]
#[pyo3(signature = (path, queries, *, nearest = 10, progress = None))]
pub(crate) fn correct_hubness(
    py: Python<'_>,
    path: PathBuf,
    queries: &Bound<'_, PyAny>,
    nearest: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let report = Report::new(progress)?;
    let queries = array::embeddings(queries)?;
    call::long(py, report.as_ref(), move |on_progress| {
        let bank = QueryBank::new(queries, nearest)?;
        #[expect(unsafe_code, reason = "mapping requires that the file is not changed in place")]
        // SAFETY: PixelPlay only ever replaces a whole index, by renaming a finished file over it, and the editor's
        // lock keeps other editors out in the meantime.
        let editor =
            unsafe { SongIndexEditor::open_mmap(path, EditOptions::default(), on_progress)? };
        editor.correct_hubness(&bank, on_progress)?;
        Ok::<_, SongIndexError>(bank.id())
    })
}

fn options(
    k: usize,
    r#where: Option<&Bound<'_, PyAny>>,
    exclude: Option<&Bound<'_, PyAny>>,
    min_score: Option<f64>,
    hubness_correction: f64,
    threads: Option<NonZeroUsize>,
) -> PyResult<SearchOptions> {
    if min_score.is_some_and(f64::is_nan) {
        return Err(PyValueError::new_err("min_score must not be NaN"));
    }
    Ok(SearchOptions {
        k,
        filter: filter::filter(r#where)?,
        exclude: exclude.map(ids).transpose()?.unwrap_or_default(),
        min_score,
        hubness_correction,
        threads,
        ..SearchOptions::default()
    })
}

fn ids(given: &Bound<'_, PyAny>) -> PyResult<Vec<SongId>> {
    if given.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(
            "exclude takes several ids, not a single string; pass a list",
        ));
    }
    let ids = given.try_iter()?.map(|id| id?.extract::<String>());
    // No song has an empty id, so an empty one excludes nothing.
    Ok(ids.collect::<PyResult<Vec<_>>>()?.into_iter().filter_map(SongId::new).collect())
}
