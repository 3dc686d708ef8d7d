//! `enrich`.

use std::path::PathBuf;
use std::time::Duration;

use pixelplay_core::SongIndex;
use pixelplay_core::enrich::{self, EnrichOptions, ProviderSettings, provider_named};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::call::{self, Report};
use crate::error::Raise;
use crate::index::{PySongIndex, open_mapped};
use crate::report::PyReport;

/// Looks up covers, previews, links, album, genre, year, length and whether a song is explicit, and writes the index
/// ``out``.
///
/// ``provider`` is ``"itunes"`` (the shop of ``country``) or ``"musicbrainz"``, which requires a ``contact``: your
/// e-mail or web address. A song is matched by artist, title and length; covers, karaoke, DJ mixes, live recordings and
/// remixes are refused unless the song is one itself. Only empty cells are filled unless ``overwrite`` is true. The
/// columns ``enriched_from``, ``enriched_id``, ``enriched_confidence``, ``enriched_at`` and ``enriched_columns`` record
/// what was filled and from where; ``enriched_note`` says why a song was not found.
///
/// iTunes gets 20 requests per minute, MusicBrainz one per second; ``interval`` sets another time between requests, in
/// seconds. Every answer is immediately written to the file ``cache``: after Ctrl-C, a crash or an error, the same call
/// continues from there. With ``max_requests=N`` the index is written after N requests, with the answers so far; 0 uses
/// only the cache. ``dry_run`` requests and writes nothing; it reports what would be requested and how long it would
/// take.
///
/// Apple allows the use of iTunes content only to promote its store, next to a badge that links to it.
///
/// Raises ``EnrichError``, a kind of ``CatalogError``; the answers so far are in the cache.
#[pyfunction]
#[pyo3(name = "enrich", signature = (
    index, out, *, provider = "itunes", cache, country = "US", contact = None, overwrite = false,
    min_confidence = 0.75, interval = None, max_requests = None, base_url = None, dry_run = false, progress = None
))]
#[expect(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn enrich_index(
    py: Python<'_>,
    index: &Bound<'_, PyAny>,
    out: PathBuf,
    provider: &str,
    cache: PathBuf,
    country: &str,
    contact: Option<String>,
    overwrite: bool,
    min_confidence: f64,
    interval: Option<f64>,
    max_requests: Option<u64>,
    base_url: Option<String>,
    dry_run: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<PyReport> {
    let report = Report::new(progress)?;
    let settings = ProviderSettings { country: country.to_owned(), contact, base_url };
    let provider = provider_named(provider, &settings).map_err(|error| error.raise(py))?;
    let interval = interval.map(Duration::try_from_secs_f64).transpose();
    let options = EnrichOptions {
        overwrite,
        min_confidence,
        interval: interval
            .map_err(|_| PyValueError::new_err("interval is a number of seconds, 0 or more"))?,
        max_requests,
        ..EnrichOptions::new(cache)
    };
    let (open, path) = match index.cast::<PySongIndex>() {
        Ok(index) => (Some(index.get().inner.clone()), PathBuf::new()),
        Err(_) => (None, index.extract()?),
    };
    let done = call::long(py, report.as_ref(), move |on_progress| {
        let mapped;
        let index: &SongIndex = match &open {
            Some(index) => index,
            None => {
                mapped = open_mapped(&path)?;
                &mapped
            }
        };
        if dry_run {
            return enrich::plan(index, &*provider, &options, on_progress).map(Ok);
        }
        enrich::enrich(index, out, &*provider, &options, on_progress).map(Err)
    })?;
    match done {
        Ok(plan) => PyReport::new(py, &plan),
        Err(report) => PyReport::new(py, &report),
    }
}
