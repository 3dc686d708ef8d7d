//! Turns rows of text into songs that can be trusted.
//!
//! * `read`: reads a table from its header to its last row. `delimiter` and `encodings` detect its
//!   form; `report` records what was done.
//! * `schema`: maps the columns of the table to the fields of a song.
//! * `row`: reads one row as a song; `cell`, `number` and `time` read its values.
//! * `unit_scale`: decides from a whole column whether a feature is on 0-1 or in percent.
//! * `merge`: merges rows of one song; `spool`: stores the songs in a file until the whole table
//!   has been read.

mod cell;
mod delimiter;
mod encodings;
mod merge;
mod number;
mod read;
mod report;
mod row;
mod schema;
mod spool;
mod time;
mod unit_scale;

use std::path::Path;

pub(super) use merge::Merged;
#[cfg(feature = "encoder")]
pub(super) use report::counted;
pub use report::{CleanReport, Cleared, Conversion, DropReason, Tally};
#[cfg(feature = "encoder")]
pub(super) use spool::bytes as song_bytes;

use super::CatalogError;
use super::table::{CleanOptions, Input, Keep};
use crate::progress::Progress;
use crate::song::Song;
use merge::Songs;
use read::read_table;

/// The songs of a table, and the report of how it was cleaned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cleaned {
    /// The songs, in the order of their first rows; ids are unique.
    pub songs: Vec<Song>,
    /// What was kept, dropped and changed, and why.
    pub report: CleanReport,
}

/// Reads a table into memory.
pub(super) fn clean(
    input: Input<'_>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let songs = Songs::in_memory(options.merge_recordings);
    let (merged, report) = read_table(input, options, Keep::Songs, songs, progress)?;
    Ok(Cleaned { songs: merged.into_vec()?, report })
}

/// Reads a table and stores its songs in a file in `folder`, to be taken out one by one.
pub(super) fn clean_spooled(
    input: Input<'_>,
    options: &CleanOptions,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(Merged, CleanReport), CatalogError> {
    let songs = Songs::in_file(folder, options.merge_recordings)?;
    read_table(input, options, Keep::Songs, songs, progress)
}

/// Reads a table whose rows must all be kept.
pub(super) fn read_aligned(
    input: Input<'_>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let path = input.name.clone();
    let songs = Songs::in_memory(false);
    let (merged, report) = read_table(input, options, Keep::EveryRow, songs, progress)?;
    let dropped = report.dropped.iter();
    let dropped =
        dropped.map(|(reason, rows)| (rows, format!("{reason}; every row must be kept here")));
    let repeats = (report.merged.count > 0).then(|| {
        let what = "duplicate id; ids must be unique".to_owned();
        (&report.merged, what)
    });
    let first =
        dropped.chain(repeats).filter_map(|(rows, what)| Some((*rows.lines.first()?, what))).min();
    match first {
        None => Ok(Cleaned { songs: merged.into_vec()?, report }),
        Some((line, what)) => Err(CatalogError::BadRow { path, line, what }),
    }
}
