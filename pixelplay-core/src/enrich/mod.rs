//! Covers, previews, links and what else a table does not know of its songs, looked up on the web.
//!
//! This and downloading checkpoints are the only things that need a network; everything else in
//! this crate works without one.
//!
//! * [`enrich`](enrich()) makes an index of an index; vectors, ids and order stay. [`enrich_songs`]
//!   fills songs in memory.
//! * [`plan`] and [`plan_songs`] say beforehand what would be asked, and how long it takes.
//! * A [`Provider`] is where songs are looked up: [`ITunes`], [`MusicBrainz`], or one of your own.
//!   Mind their terms: each type says them.
//!
//! A song is matched by artist, title and length, with a confidence from 0 to 1. Covers, karaoke,
//! recordings cut into a DJ's set, live ones and remixes are refused unless the song is one itself.
//! Cells that are filled stay as they are unless [`EnrichOptions::overwrite`] is set; the columns
//! of [`PROVENANCE`] say what came from where, and why a song was not found.
//!
//! Requests keep the pace of the provider (iTunes: 20 a minute, so 1,000 songs take 50 minutes).
//! Every answer, hit or miss, is in the cache, one SQLite file, before the next request goes out: a
//! run that is stopped, killed or that gives up is gone on with by starting it again, and asks for
//! nothing twice. Several processes may share a cache; they keep the pace together.
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
//! Inside: `lookup` decides what is asked when, `providers` what to ask and how to read the answer,
//! `request` makes one request, `cache` keeps answers and turns, `matching` says which recording is
//! the song (of `candidate`s, which are cleaned first), and `write_back` which cells change. `options`
//! and `report` are what goes in and comes out; `clock` is the time, which tests set.

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

/// Looks up the songs of an index, and writes another index of them to `out`, which may be the file
/// itself.
///
/// Vectors, ids, order and the other columns are copied as they are; `out` is put in place in one
/// step when all is done. Until then, and whenever this fails, whatever was at `out` stays. Costs a
/// copy of the index, about 1 KB of memory for each song found, and a request for each song that
/// the cache does not know.
///
/// # Errors
/// See [`EnrichError`]; [`SongIndexError::Changed`](crate::index::SongIndexError::Changed) if `out`
/// is the index's own file and it was changed since it was opened: open it and run this again.
/// Answers got by then are in the cache.
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

/// Looks up songs and fills them; the columns of [`PROVENANCE`] go into [`Song::extra`].
///
/// # Errors
/// See [`EnrichError`]. The songs are then as they were, and answers got by then are in the cache.
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

/// Says what [`enrich`](enrich()) would ask, and for how long. No request is made.
///
/// # Errors
/// As [`enrich`](enrich()), where the cache or the index cannot be read.
pub fn plan(
    index: &SongIndex,
    provider: &dyn Provider,
    options: &EnrichOptions,
    progress: &mut dyn Progress,
) -> Result<EnrichPlan, EnrichError> {
    planned(Table::Index(index), provider, options, progress)
}

/// [`plan`] for songs in memory.
///
/// # Errors
/// As [`enrich_songs`], where the cache cannot be read.
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
    // A plan leaves no file behind.
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

/// Looks up songs, hands over what is to be set, by row and column, and reports.
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
