//! `describe`, `why`, `templates` and `Sentence`.

use std::path::PathBuf;

use pixelplay_core::SongId;
use pixelplay_core::catalog::{self as core, CatalogError, Templates};
use pixelplay_core::song::Song;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::array;
use crate::call;
use crate::catalog;
use crate::embedding::quoted;
use crate::encoder::{PyEncoder, or_mini};
use crate::song::PySong;

/// A sentence that describes a song; ``str(sentence)`` is its text.
#[pyclass(frozen, eq, name = "Sentence", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PySentence {
    sentence: core::Sentence,
    score: Option<f64>,
}

impl From<core::Sentence> for PySentence {
    fn from(sentence: core::Sentence) -> Self {
        Self { sentence, score: None }
    }
}

#[pymethods]
impl PySentence {
    /// The sentence. It could be the caption of a photograph.
    #[getter]
    fn text(&self) -> &str {
        &self.sentence.text
    }

    /// The source of the sentence: ``"genre"``, ``"mood"``, ``"trait"``, ``"description"``, ``"title"``, ``"tags"``
    /// or ``"lyrics"``.
    #[getter]
    fn source(&self) -> &'static str {
        self.sentence.source.name()
    }

    /// The source in words, such as ``"its title"``.
    #[getter]
    fn source_words(&self) -> String {
        self.sentence.source.to_string()
    }

    /// The cosine with the query of ``why``; ``None`` for sentences from ``describe``.
    #[getter]
    fn score(&self) -> Option<f64> {
        self.score
    }

    fn __str__(&self) -> &str {
        &self.sentence.text
    }

    fn __repr__(&self) -> String {
        let text = quoted(Some(self.sentence.text.clone()));
        format!("Sentence({text}, source='{}')", self.sentence.source.name())
    }
}

/// Describes a song in sentences that could be captions of photographs.
///
/// First come scenes and moods from its features, genre and decade (or the lines of its own ``description``), then its
/// title, tags and lyrics. Each sentence says what it was made from.
///
/// ``song`` is a ``Song`` or a mapping from column to cell with an ``id``, because the choice of phrases depends on the
/// id. ``templates`` is the path of a TOML file of phrases to use instead of the embedded ones, which ``templates()``
/// returns.
#[pyfunction]
#[pyo3(signature = (song, templates = None))]
pub(crate) fn describe(
    py: Python<'_>,
    song: &Bound<'_, PyAny>,
    templates: Option<PathBuf>,
) -> PyResult<Vec<PySentence>> {
    let song = any_song(song)?;
    call::short(py, || {
        let templates = templates.map_or_else(|| Ok(Templates::default()), Templates::open)?;
        let told = core::describe(&song, &templates);
        Ok::<_, CatalogError>(told.into_iter().map(PySentence::from).collect())
    })
}

/// Explains why a song was found: returns its sentences, the best reason first, each with its cosine with ``query`` as
/// ``score``. A title, tags and lyrics count by how visible the things they name are, as in the song's vector.
///
/// ``query`` is the ``Embedding`` of a picture or words, and ``encoder`` is the encoder that made it (by default the
/// embedded checkpoint). If the index was built with your own phrases, ``templates`` is the path of their TOML file.
#[pyfunction]
#[pyo3(signature = (song, query, encoder = None, *, templates = None))]
pub(crate) fn why(
    py: Python<'_>,
    song: &Bound<'_, PyAny>,
    query: &Bound<'_, PyAny>,
    encoder: Option<&Bound<'_, PyEncoder>>,
    templates: Option<PathBuf>,
) -> PyResult<Vec<PySentence>> {
    let song = any_song(song)?;
    let query = array::embedding(query)?;
    let encoder = or_mini(py, encoder)?;
    call::short(py, || {
        let templates = templates.map_or_else(|| Ok(Templates::default()), Templates::open)?;
        let reasons = core::why(&song, &query, &encoder, &templates)?;
        let score = |reason: core::Reason| {
            let score = Some(reason.score);
            PySentence { score, ..reason.sentence.into() }
        };
        Ok::<_, CatalogError>(reasons.into_iter().map(score).collect())
    })
}

/// Returns a song from a ``Song`` or a mapping with an id.
fn any_song(song: &Bound<'_, PyAny>) -> PyResult<Song> {
    if let Ok(song) = song.cast::<PySong>() {
        return Ok(song.get().0.clone());
    }
    let id = song.cast::<PyMapping>().ok().map(|song| song.get_item("id"));
    let id = id.and_then(Result::ok).and_then(|id| id.extract().ok());
    let id: String = id.unwrap_or_default();
    let id = SongId::new(id).ok_or_else(|| {
        PyValueError::new_err("a song needs an `id`, because the choice of phrases depends on it")
    })?;
    catalog::song(song, &id)
}

/// Returns the phrases used to describe songs: a commented TOML file, as a starting point for your own.
#[pyfunction]
pub(crate) fn templates() -> &'static str {
    Templates::EMBEDDED
}
