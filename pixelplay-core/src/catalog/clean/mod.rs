//! From rows of text to songs that can be trusted.
//!
//! * `read`: a table from its header to its last row, with the `delimiter` and the `encodings` that
//!   are found out on the way, and the `report` on it all.
//! * `schema`: which column is which.
//! * `row`: one row as a song; a `cell`, a `number`, a `time` as what its column holds.
//! * `unit_scale`: whether a feature is on 0-1 or in percent, which a whole column tells.
//! * `merge`: rows that are one song; `spool`: songs that wait in a file meanwhile.

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

/// Songs, and how they came out of their table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cleaned {
    /// In the order of their first rows; ids are unique.
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

/// Reads a table whose songs wait in a file in `folder`, to be taken out one by one.
pub(super) fn clean_spooled(
    input: Input<'_>,
    options: &CleanOptions,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(Merged, CleanReport), CatalogError> {
    let songs = Songs::in_file(folder, options.merge_recordings)?;
    read_table(input, options, Keep::Songs, songs, progress)
}

/// Reads a table of which no row may be left out.
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
        dropped.map(|(reason, rows)| (rows, format!("{reason}; every row is needed here")));
    let repeats = (report.merged.count > 0).then(|| {
        let what = "its id stands in an earlier row already; ids must be unique".to_owned();
        (&report.merged, what)
    });
    let first =
        dropped.chain(repeats).filter_map(|(rows, what)| Some((*rows.lines.first()?, what))).min();
    match first {
        None => Ok(Cleaned { songs: merged.into_vec()?, report }),
        Some((line, what)) => Err(CatalogError::BadRow { path, line, what }),
    }
}
