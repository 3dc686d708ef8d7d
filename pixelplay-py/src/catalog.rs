//! `clean`, `build_index`, `write_index`, `starter_index`.

use std::path::PathBuf;

use pixelplay_core::catalog::{
    self, BuildOptions, CatalogError, CleanOptions, Cleaned, Describer, Sentence, Templates,
    WordWeights,
};
use pixelplay_core::index::{ArrowTable, WriterOptions, write_index_with};
use pixelplay_core::song::{COLUMNS, Kind, Song, Value};
use pixelplay_core::{EncodeOptions, SongId};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};

use crate::call::{self, Report};
use crate::encoder::{PyEncoder, or_mini};
use crate::index::PySongIndex;
use crate::report::PyReport;
use crate::song::PySong;
use crate::table::{Input, PyArrowTable};
use crate::{array, embedding};

/// The headers of columns, and the delimiter of cells.
fn clean_options(
    columns: Option<&Bound<'_, PyDict>>,
    delimiter: Option<&str>,
    merge_recordings: bool,
) -> PyResult<CleanOptions> {
    let mut options = CleanOptions { merge_recordings, ..CleanOptions::default() };
    if let Some(columns) = columns {
        options.columns = columns.extract()?;
    }
    if let Some(delimiter) = delimiter {
        let &[byte] = delimiter.as_bytes() else {
            return Err(PyValueError::new_err("delimiter must be one ASCII character"));
        };
        options.delimiter = Some(byte);
    }
    Ok(options)
}

/// Cleans a published table of songs. Returns the songs, and a report of what was kept, dropped and changed, with
/// reasons.
///
/// ``songs`` is the path of a CSV or TSV file (gzipped or not), its bytes, a binary file, or a table with Arrow's
/// PyCapsule interface (pandas, polars, pyarrow, ...), which is read as if it were saved as CSV. ``columns`` maps
/// columns to headers that are not recognised: ``{"title": "Werk"}``. ``merge_recordings`` merges rows of the same
/// recording even if their ids differ: remasters, other editions, guests credited in a different place.
///
/// Raises ``CatalogError`` if it is not a table of songs; also ``FileNotFoundError``, ... for a path.
#[pyfunction]
#[pyo3(signature = (songs, *, columns = None, delimiter = None, merge_recordings = true, progress = None))]
pub(crate) fn clean(
    py: Python<'_>,
    songs: &Bound<'_, PyAny>,
    columns: Option<&Bound<'_, PyDict>>,
    delimiter: Option<&str>,
    merge_recordings: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(PyArrowTable, PyReport)> {
    let report = Report::new(progress)?;
    let input = Input::new(songs)?;
    let options = clean_options(columns, delimiter, merge_recordings)?;
    let (table, cleaned) = call::long(py, report.as_ref(), move |on_progress| {
        let table = input.open()?.options(options);
        let Cleaned { songs, report, .. } = table.clean(on_progress)?;
        Ok::<_, CatalogError>((ArrowTable::new(&songs)?, report))
    })?;
    Ok((PyArrowTable(table), PyReport::new(py, &cleaned)?))
}

/// How songs are described: with the embedded templates, those in a file, or a callable.
fn describer(describe: Option<&Bound<'_, PyAny>>) -> PyResult<Describer> {
    let Some(describe) = describe else {
        return Ok(Describer::default());
    };
    if !describe.is_callable() {
        let path: PathBuf = describe.extract()?;
        let templates = call::short(describe.py(), || Templates::open(path))?;
        return Ok(templates.into());
    }
    let describe = describe.clone().unbind();
    Ok(Describer::new(move |song| {
        let told = Python::attach(|py| {
            let told = describe.bind(py).call1((PySong(song.clone()),))?;
            match told.extract::<String>() {
                Ok(sentence) => Ok(vec![sentence]),
                Err(_) => told.try_iter()?.map(|text| text?.extract()).collect(),
            }
        });
        match told {
            Ok(told) => Ok(told.into_iter().map(Sentence::from).collect()),
            Err(error) => Err(error.into()),
        }
    }))
}

/// The weight of a kind of words: a bool or a number.
#[derive(FromPyObject)]
pub(crate) enum Words {
    Wanted(bool),
    Weight(f64),
}

impl Words {
    fn weight(&self, default: f64) -> f64 {
        match *self {
            Self::Wanted(true) => default,
            Self::Wanted(false) => 0.0,
            Self::Weight(weight) => weight,
        }
    }
}

/// Cleans a table, describes each song in words, encodes the words, and writes the index ``out``.
///
/// Returns two reports, of cleaning and of building. ``encoder`` is the embedded checkpoint by default. A song's own
/// ``description`` replaces the generated sentences. ``describe`` changes how they are generated: it is a callable that
/// takes a ``Song`` and returns one or several sentences, or the path of a TOML file of phrases (see ``templates``).
///
/// ``titles``, ``tags`` and ``lyrics`` set the weights of a song's own words, relative to 1 for its scenes and moods
/// together. ``True`` is the recommended weight, ``False`` is no weight, and a number sets the weight. Guests and
/// versions are removed from titles, a column ``title_en`` can hold translations, and titles that name nothing visible
/// ("Untitled 4") get little weight.
///
/// The file has batches of ``batch_rows`` rows, by default 16,384; only an index with a single batch has ``vectors``.
/// An existing file at ``out`` stays until the new one is complete. Finished batches are kept next to it: if the
/// process is killed, the next call reuses those whose songs have not changed.
#[pyfunction]
#[pyo3(
    signature = (
        songs, out, *, encoder = None, describe = None, titles = Words::Wanted(true), tags = Words::Wanted(true),
        lyrics = Words::Wanted(true), batch_size = 32, batch_rows = None, columns = None, delimiter = None,
        merge_recordings = true, progress = None
    ),
    // The defaults in Python syntax.
    text_signature = "(songs, out, *, encoder=None, describe=None, titles=True, tags=True, lyrics=True, batch_size=32, \
                      batch_rows=None, columns=None, delimiter=None, merge_recordings=True, progress=None)"
)]
#[expect(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn build_index(
    py: Python<'_>,
    songs: &Bound<'_, PyAny>,
    out: PathBuf,
    encoder: Option<&Bound<'_, PyEncoder>>,
    describe: Option<&Bound<'_, PyAny>>,
    titles: Words,
    tags: Words,
    lyrics: Words,
    batch_size: usize,
    batch_rows: Option<usize>,
    columns: Option<&Bound<'_, PyDict>>,
    delimiter: Option<&str>,
    merge_recordings: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(PyReport, PyReport)> {
    let report = Report::new(progress)?;
    let input = Input::new(songs)?;
    let clean = clean_options(columns, delimiter, merge_recordings)?;
    let encoder = or_mini(py, encoder)?;
    let default = BuildOptions::default();
    let build = BuildOptions {
        describer: describer(describe)?,
        words: WordWeights {
            title: titles.weight(default.words.title),
            tags: tags.weight(default.words.tags),
            lyrics: lyrics.weight(default.words.lyrics),
        },
        encode: EncodeOptions { batch_size },
        batch_rows: batch_rows.unwrap_or(default.batch_rows),
    };
    let (cleaned, built) = call::long(py, report.as_ref(), move |on_progress| {
        let table = input.open()?.options(clean).build_options(build);
        table.build_index(&encoder, out, on_progress)
    })?;
    Ok((PyReport::new(py, &cleaned)?, PyReport::new(py, &built)?))
}

/// Writes an index from your own vectors: ids, ``(n, dim)`` vectors, and optionally data about the songs in the same
/// order.
///
/// Vectors must have length 1 within 1e-3, or pass ``normalize=True`` to scale them. ``songs`` is a sequence of
/// mappings from column to cell, or a table as for ``clean``; no row of a table is dropped, and a report of it is
/// returned. The file is replaced completely or not at all.
///
/// With ``quantized=False`` the file is a fifth smaller, but searches read four times as many bytes for the same
/// results.
///
/// Raises ``SongError`` (a ``ValueError``) that says which row cannot be written and why.
#[pyfunction]
#[pyo3(signature = (
    path, ids, vectors, songs = None, fingerprint = None, normalize = false, *, columns = None, quantized = true,
    progress = None
))]
#[expect(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn write_index(
    py: Python<'_>,
    path: PathBuf,
    ids: &Bound<'_, PyAny>,
    vectors: &Bound<'_, PyAny>,
    songs: Option<&Bound<'_, PyAny>>,
    fingerprint: Option<&str>,
    normalize: bool,
    columns: Option<&Bound<'_, PyDict>>,
    quantized: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<PyReport>> {
    let report = Report::new(progress)?;
    let ids = self::ids(ids)?;
    let (mut songs, read) = match songs {
        None => (ids.iter().cloned().map(Song::new).collect(), None),
        Some(songs) => rows(songs, &ids, columns, report.as_ref())?,
    };
    if songs.len() != ids.len() {
        return Err(PyValueError::new_err(format!(
            "{} ids, but {} songs; row i of each belongs to vector i",
            ids.len(),
            songs.len()
        )));
    }
    for (song, id) in songs.iter_mut().zip(ids) {
        song.id = id;
    }

    // Embeddings from our encoder carry the name of their space.
    let space = match fingerprint {
        Some(name) => embedding::fingerprint(py, Some(name))?,
        None => array::space(vectors)?,
    };
    let (count, dim, bytes) = array::floats(vectors, 2)?;
    if count != songs.len() {
        return Err(PyValueError::new_err(format!(
            "{} ids, but {count} vectors; id i belongs to vector i",
            songs.len()
        )));
    }
    let options =
        WriterOptions { fingerprint: space, normalize, quantized, ..WriterOptions::new(dim) };
    let values = array::numbers(&bytes);
    call::long(py, report.as_ref(), move |on_progress| {
        write_index_with(path, &songs, &values, options, on_progress)
    })?;
    read.map(|read| PyReport::new(py, &read)).transpose()
}

/// Opens the embedded catalogue of some 1,470 songs, in the space of ``encoder``. The first call builds it into the
/// user's cache.
///
/// ``PIXELPLAY_CACHE`` sets another folder for it.
#[pyfunction]
#[pyo3(signature = (encoder = None, *, progress = None))]
pub(crate) fn starter_index(
    py: Python<'_>,
    encoder: Option<&Bound<'_, PyEncoder>>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<PySongIndex> {
    let report = Report::new(progress)?;
    let encoder = or_mini(py, encoder)?;
    call::long(py, report.as_ref(), move |on_progress| {
        catalog::starter_index(&encoder, on_progress)
    })
    .map(PySongIndex::from)
}

fn ids(given: &Bound<'_, PyAny>) -> PyResult<Vec<SongId>> {
    if given.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(
            "ids must be a sequence with one id per vector, not a single string",
        ));
    }
    let mut ids = Vec::new();
    for (row, id) in given.try_iter()?.enumerate() {
        let id = id?;
        // pyarrow's scalars are not `str` objects.
        let id = match id.extract::<String>() {
            Ok(id) => id,
            Err(_) if id.hasattr("as_py")? => id.call_method0("as_py")?.extract()?,
            Err(error) => return Err(error),
        };
        ids.push(
            SongId::new(id)
                .ok_or_else(|| PyValueError::new_err(format!("the id of row {row} is empty")))?,
        );
    }
    Ok(ids)
}

type Rows = (Vec<Song>, Option<pixelplay_core::catalog::CleanReport>);

/// Returns one song for each vector, from a sequence of mappings or a table.
fn rows(
    songs: &Bound<'_, PyAny>,
    ids: &[SongId],
    columns: Option<&Bound<'_, PyDict>>,
    report: Option<&Report>,
) -> PyResult<Rows> {
    if songs.is_instance_of::<PyList>() || songs.is_instance_of::<PyTuple>() {
        let items = songs.try_iter()?.zip(ids);
        let rows = items.map(|(song, id)| self::song(&song?, id)).collect::<PyResult<_>>()?;
        // Compare the counts, because `zip` stops at the shorter one.
        let (rows, count): (Vec<Song>, usize) = (rows, songs.len()?);
        if count != ids.len() {
            return Err(PyValueError::new_err(format!(
                "{} ids, but {count} songs; row i of each belongs to vector i",
                ids.len()
            )));
        }
        return Ok((rows, None));
    }
    let (input, options) = (Input::new(songs)?, clean_options(columns, None, false)?);
    let cleaned = call::long(songs.py(), report, move |on_progress| {
        input.open()?.options(options).read_aligned(on_progress)
    })?;
    Ok((cleaned.songs, Some(cleaned.report)))
}

pub(crate) fn song(given: &Bound<'_, PyAny>, id: &SongId) -> PyResult<Song> {
    let mapping = given.cast::<PyMapping>().map_err(|_| {
        PyTypeError::new_err(
            "a song is a mapping from column to cell, such as {\"title\": \"Rain\"}",
        )
    })?;
    let mut song = Song::new(id.clone());
    for item in mapping.items()? {
        let (column, cell): (String, Bound<'_, PyAny>) = item.extract()?;
        if column == "id" || cell.is_none() {
            continue;
        }
        let kind = COLUMNS.iter().find(|(name, _)| *name == column).map(|&(_, kind)| kind);
        let value = match kind {
            Some(Kind::Text) | None => cell.extract().map(Value::Text),
            Some(Kind::Integer) => cell.extract().map(Value::Integer),
            Some(Kind::Real) => cell.extract().map(Value::Real),
            Some(Kind::Flag) => cell.extract().map(Value::Flag),
        };
        let wrong = |_| {
            PyTypeError::new_err(format!(
                "column {column:?} of song {:?} cannot hold {}",
                id.as_str(),
                cell.repr().map_or_else(|_| "this".to_owned(), |repr| repr.to_string())
            ))
        };
        let value = value.map_err(wrong)?;
        song.set(&column, value);
    }
    Ok(song)
}
