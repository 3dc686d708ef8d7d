//! `HybridQuery`.

use std::num::NonZeroUsize;

use pixelplay_core::index::SearchOptions;
use pixelplay_core::query::{
    DEFAULT_TASTE_WEIGHT, DEFAULT_TEXT_WEIGHT, HybridQuery, QueryOptions, Reference,
};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::embedding::PyEmbedding;
use crate::hits::PyHits;
use crate::index::PySongIndex;
use crate::{array, call, filter};

// The signature below repeats the default as a number, so that Python can show it.
const _: () = assert!(DEFAULT_TEXT_WEIGHT == 0.3 && DEFAULT_TASTE_WEIGHT == 0.2);

/// A weighted blend of a picture, words and songs, searched as one vector in one pass.
///
/// Picture and words are blended as ``(1 - text_weight) * image + text_weight * text``; either may be left out. Songs
/// that are named in the query are not among its results.
#[pyclass(frozen, name = "HybridQuery", module = "pixelplay")]
pub(crate) struct PyHybridQuery(HybridQuery);

#[pymethods]
impl PyHybridQuery {
    #[new]
    #[pyo3(signature = (image = None, text = None, text_weight = 0.3))]
    fn new(
        image: Option<&Bound<'_, PyAny>>,
        text: Option<&Bound<'_, PyAny>>,
        text_weight: f64,
    ) -> PyResult<Self> {
        let mut query = HybridQuery::new().text_weight(text_weight);
        if let Some(image) = image {
            query = query.image(array::embedding(image)?);
        }
        if let Some(text) = text {
            query = query.text(array::embedding(text)?);
        }
        Ok(Self(query))
    }

    /// Returns a query that is moved towards a song of the index, given by its id, or towards an embedding.
    #[pyo3(signature = (reference, weight = 1.0))]
    fn like(&self, reference: &Bound<'_, PyAny>, weight: f64) -> PyResult<Self> {
        Ok(Self(self.0.clone().like(self::reference(reference)?, weight)))
    }

    /// Returns a query that is moved away from a song or an embedding.
    #[pyo3(signature = (reference, weight = 0.3))]
    fn unlike(&self, reference: &Bound<'_, PyAny>, weight: f64) -> PyResult<Self> {
        Ok(Self(self.0.clone().unlike(self::reference(reference)?, weight)))
    }

    /// Returns a query that leans towards a taste: song ids with weights, as ``UserStore.taste`` returns them.
    ///
    /// ``weight`` is the total weight of the songs, however many there are. Ids that are not in the index are ignored.
    /// Unlike the songs of ``like``, these may be among the results.
    #[pyo3(signature = (weights, weight = 0.2))]
    fn lean_towards(&self, weights: &Bound<'_, PyMapping>, weight: f64) -> PyResult<Self> {
        let weights: Vec<(String, f64)> = weights.items()?.extract()?;
        Ok(Self(self.0.clone().lean_towards(weights, weight)))
    }

    /// Returns the vector to search with. Raises ``QueryError`` (a ``ValueError``) if the query has none.
    fn blend(&self, py: Python<'_>, index: &Bound<'_, PySongIndex>) -> PyResult<PyEmbedding> {
        let index = index.get().inner.clone();
        call::short(py, || self.0.blend(&index)).map(PyEmbedding)
    }

    /// Returns the ``k`` best songs, best first.
    ///
    /// ``diversity``, 0 to 1, prefers songs unlike each other (maximal marginal relevance). ``distinct_songs`` keeps
    /// only one recording of each song, so that no live recording or remix appears next to it.
    ///
    /// Raises ``QueryError`` for weights out of range and for parts that cancel each other out, and whatever
    /// ``SongIndex.search`` raises.
    #[pyo3(signature = (
        index, k = 10, r#where = None, *, max_per_artist = None, distinct_songs = false, diversity = 0.0, min_score = None,
        hubness_correction = 0.0, threads = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn search(
        &self,
        py: Python<'_>,
        index: &Bound<'_, PySongIndex>,
        k: usize,
        r#where: Option<&Bound<'_, PyAny>>,
        max_per_artist: Option<NonZeroUsize>,
        distinct_songs: bool,
        diversity: f64,
        min_score: Option<f64>,
        hubness_correction: f64,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<PyHits> {
        let search = SearchOptions {
            filter: filter::filter(r#where)?,
            min_score,
            hubness_correction,
            threads,
            ..SearchOptions::top(k)
        };
        let options = QueryOptions { search, max_per_artist, distinct_songs, diversity };
        let (query, songs) = (self.0.clone(), index.get().inner.clone());
        let hits = call::long(py, None, move |on_progress| {
            query.search_with(&songs, &options, on_progress)
        })?;
        Ok(PyHits(hits))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A song of the index, by its id, or an embedding.
fn reference(given: &Bound<'_, PyAny>) -> PyResult<Reference> {
    if let Ok(id) = given.extract::<String>() {
        return Ok(Reference::Song(id));
    }
    array::embedding(given).map(Reference::Embedding)
}
