//! Looks up covers, previews, links and other missing song data on the web.
//!
//! Only this module and the download of checkpoints need a network; everything else in this crate
//! works without one.
//!
//! * [`enrich`](enrich()) writes an enriched copy of an index; vectors, ids and order stay the
//!   same. [`enrich_songs`] fills songs in memory.
//! * [`plan`] and [`plan_songs`] report beforehand what would be requested, and how long this would
//!   take.
//! * A [`Provider`] is a service in which songs are looked up: [`ITunes`], [`MusicBrainz`], or your
//!   own. Follow its terms, which are documented for each type.
//!
//! A song is matched by artist, title and length, with a confidence from 0 to 1. Covers, karaoke,
//! DJ mixes, live recordings and remixes are rejected unless the song itself is one. Only empty
//! cells are filled unless [`EnrichOptions::overwrite`] is set. The columns of [`PROVENANCE`]
//! record where values came from, and why a song was not found.
//!
//! Requests keep the pace of the provider (iTunes: 20 per minute, so 1,000 songs take 50 minutes).
//! Every answer, hit or miss, is written to the cache, one SQLite file, before the next request is
//! sent. If a run is stopped or killed, or gives up, start it again: it continues where it stopped
//! and requests nothing twice. Several processes may share a cache; together they keep the pace.
//!
//! ```no_run
//! use pixelplay_core::SongIndex;
//! use pixelplay_core::enrich::{EnrichOptions, ITunes, enrich, plan};
//!
//! let index = SongIndex::open("songs.arrow")?;
//! let (provider, options) = (ITunes::new("US")?, EnrichOptions::new("itunes.db"));
//! println!("{}", plan(&index, &provider, &options, &mut ())?);
//! println!("{}", enrich(&index, "songs.enriched.arrow", &provider, &options, &mut ())?);
//! # Ok::<(), pixelplay_core::Error>(())
//! ```
//!
//! Internally, `lookup` decides when to make which request, and `providers` build the addresses and
//! read the answers. `request` makes one request, and `cache` stores answers and turns. `matching`
//! decides which recording is the song (among the `candidate`s, which are cleaned first), and
//! `write_back` decides which cells change. `options` and `report` are input and output; `clock` is
//! the source of time, which tests can replace.

mod cache;
mod candidate;
mod clock;
mod error;
mod lookup;
mod matching;
mod options;
mod provider;
mod providers;
mod report;
mod request;
mod write_back;

use std::collections::HashSet;
use std::path::Path;
use std::time::SystemTime;

pub use candidate::Candidate;
pub use clock::Clock;
pub use error::{CacheProblem, EnrichError};
pub use matching::{Match, Wanted};
pub use options::EnrichOptions;
pub use provider::Provider;
pub use providers::{ITunes, MusicBrainz, ProviderSettings, provider_named};
pub use report::{EnrichPlan, EnrichReport, Examples, Refusal};
pub use write_back::PROVENANCE;

use crate::index::{Changes, SongIndex};
use crate::progress::Progress;
use crate::song::{Song, Value};
use lookup::{Lookup, Outcome, Table};

/// Looks up the songs of an index, and writes an enriched index to `out`, which may be the same
/// file.
///
/// Vectors, ids, order and the other columns are copied unchanged. `out` is replaced in one step at
/// the end. Until then, and if this fails, an existing file at `out` is not changed. This takes
/// disk space for a copy of the index, about 1 KB of memory per song found, and one request per
/// song that is not in the cache.
///
/// # Errors
/// See [`EnrichError`]. The error is
/// [`SongIndexError::Changed`](crate::index::SongIndexError::Changed) if `out` is the index's own
/// file and has changed since it was opened: open it and run this again. Answers received before an
/// error are in the cache.
pub fn enrich(
    index: &SongIndex,
    out: impl AsRef<Path>,
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichReport, EnrichError> {
    let mut changes = Changes::new(&PROVENANCE);
    let mut set = |row: usize, column: &'static str, cell: Option<Value>| {
        changes.set(row, column, cell);
    };
    let report = run(Table::Index(index), provider, options, progress, &mut set)?;
    index.write_changed(out.as_ref(), &changes, progress)?;
    Ok(report)
}

/// Looks up songs and fills their empty fields. The columns of [`PROVENANCE`] go into
/// [`Song::extra`].
///
/// # Errors
/// See [`EnrichError`]. If an error occurs, the songs are not changed, and answers received before
/// it are in the cache.
pub fn enrich_songs(
    songs: &mut [Song],
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichReport, EnrichError> {
    let mut changes = Vec::new();
    let mut set = |row, column, cell| changes.push((row, column, cell));
    let report = run(Table::Songs(songs), provider, options, progress, &mut set)?;
    for (row, column, cell) in changes {
        let (song, is_extra): (&mut Song, _) =
            (&mut songs[row], PROVENANCE.iter().any(|(name, _)| *name == column));
        match cell {
            Some(Value::Real(number)) if is_extra => {
                song.set(column, Value::Text(number.to_string()));
            }
            Some(value) => {
                song.set(column, value);
            }
            None => {
                song.extra.remove(column);
            }
        }
    }
    Ok(report)
}

/// Returns what [`enrich`](enrich()) would request, and how long it would take. Makes no request.
///
/// # Errors
/// If the cache or the index cannot be read; the errors are those of [`enrich`](enrich()).
pub fn plan(
    index: &SongIndex,
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichPlan, EnrichError> {
    planned(Table::Index(index), provider, options, progress)
}

/// Like [`plan`], for songs in memory.
///
/// # Errors
/// If the cache cannot be read; the errors are those of [`enrich_songs`].
pub fn plan_songs(
    songs: &[Song],
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichPlan, EnrichError> {
    planned(Table::Songs(songs), provider, options, progress)
}

fn planned(
    songs: Table<'_>,
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichPlan, EnrichError> {
    const MOST_URLS: usize = 5;
    let mut options = options.clone();
    // Planning must not create a cache file.
    let nowhere = tempfile::tempdir().map_err(|error| EnrichError::Cache {
        path: options.cache.clone(),
        problem: CacheProblem::Io(error),
    })?;
    if !options.cache.exists() {
        options.cache = nowhere.path().join("empty.db");
    }
    let mut lookup = Lookup::open(provider, &options)?;
    let (outcomes, open) = lookup.known(songs, progress)?;
    let mut plan = EnrichPlan {
        provider: provider.name().to_owned(),
        songs: songs.len() as u64,
        from_cache: lookup.from_cache,
        to_ask: open.len() as u64,
        ..EnrichPlan::default()
    };
    for (row, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Complete => plan.complete += 1,
            Outcome::Unnamed => plan.unnamed.add(songs.song(row)?.id.as_str()),
            _ => {}
        }
    }
    let mut queries = HashSet::new();
    for row in open {
        let song = songs.song(row)?;
        if let Some(wanted) = Wanted::new(&song)
            && queries.insert(lookup.query(&wanted))
            && plan.first_urls.len() < MOST_URLS
        {
            plan.first_urls.push(provider.search_url(&wanted));
        }
    }
    let requests = queries.len() as u64;
    plan.requests = options.max_requests.map_or(requests, |most| requests.min(most));
    let gaps = u32::try_from(plan.requests.saturating_sub(1)).unwrap_or(u32::MAX);
    plan.time = options.interval.unwrap_or(provider.interval()).saturating_mul(gaps);
    Ok(plan)
}

/// Looks up songs, passes the cells to set to a callback, by row and column, and returns a report.
fn run(
    songs: Table<'_>,
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
    set: &mut dyn FnMut(usize, &'static str, Option<Value>),
) -> Result<EnrichReport, EnrichError> {
    let start: SystemTime = options.clock.now();
    let mut lookup = Lookup::open(provider, options)?;
    let outcomes = lookup.all(songs, progress)?;
    let mut report = EnrichReport {
        provider: provider.name().to_owned(),
        songs: songs.len() as u64,
        requests: lookup.requests,
        failed_requests: lookup.failed_requests,
        from_cache: lookup.from_cache,
        ..EnrichReport::default()
    };
    for (row, outcome) in outcomes.into_iter().enumerate() {
        let song = songs.song(row)?;
        let id = song.id.as_str();
        match &outcome {
            Outcome::Complete => report.complete += 1,
            Outcome::Unnamed => report.unnamed.add(id),
            Outcome::Found(_) => report.matched += 1,
            Outcome::NotFound(refusal) => report.unmatched.entry(*refusal).or_default().add(id),
            Outcome::Failed(fault) => {
                report.failed.add(id);
                report.last_failure = Some(fault.clone());
            }
            Outcome::NotAsked => report.not_asked += 1,
        }
        for (column, cell) in write_back::cells(&song, &outcome, provider, options.overwrite) {
            if PROVENANCE.iter().all(|(name, _)| *name != column) {
                *report.filled.entry(column.to_owned()).or_default() += 1;
            }
            set(row, column, cell);
        }
    }
    report.took = options.clock.now().duration_since(start).unwrap_or_default();
    Ok(report)
}
