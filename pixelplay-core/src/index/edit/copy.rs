//! Writes the files that an edit rewrites.
//!
//! Every batch is compared with its checksum before it is copied, since the copy gets a new
//! checksum.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use arrow_buffer::ScalarBuffer;

use super::cells::Changes;
use super::publish::Draft;
use crate::index::error::SongIndexError;
use crate::index::file::{BatchWriter, Cells, FileSchema, Stamp};
use crate::index::hubness::{QueryBank, common_bank};
use crate::index::shard::{BatchAt, Shard};
use crate::index::song_index::SongIndex;
use crate::progress::Progress;
use crate::song::{Kind, Value};

/// The number of rows between two progress reports.
const ROWS_A_REPORT: usize = 1024;

/// Shards to copy, without some of their rows and with changes to cells.
pub(super) struct Part<'a> {
    pub(super) index: &'a SongIndex,
    pub(super) shards: Range<usize>,
    pub(super) without: &'a HashSet<usize>,
    pub(super) changes: Option<&'a Changes>,
}

impl<'a> Part<'a> {
    pub(super) fn shards(&self) -> impl Iterator<Item = &'a Shard> {
        let shards = self.index.opened.shards.iter().enumerate();
        let wanted = self.shards.clone();
        shards.filter(move |(at, _)| wanted.contains(at)).map(|(_, shard)| shard)
    }
}

/// Copies rows into new files, and reports progress.
pub(super) struct RowCopier<'a> {
    batch_rows: usize,
    /// The query bank that the copies get new biases from. Without one, the rows keep their biases
    /// if all of them have biases from the same bank.
    bank: Option<&'a QueryBank>,
    done: u64,
    total: u64,
    progress: &'a mut dyn Progress,
}

impl<'a> RowCopier<'a> {
    pub(super) fn new<'p>(
        batch_rows: usize,
        parts: impl IntoIterator<Item = &'p Part<'p>>,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let rows = parts.into_iter().flat_map(Part::shards).flat_map(Shard::batch_rows);
        Self { batch_rows, bank: None, done: 0, total: rows.sum::<usize>() as u64, progress }
    }

    /// Gives the copies biases from this bank.
    pub(super) fn with_biases_of(mut self, bank: Option<&'a QueryBank>) -> Self {
        self.bank = bank;
        self
    }

    fn report(&mut self) -> Result<(), SongIndexError> {
        Ok(self.progress.at("writing songs", self.done, Some(self.total))?)
    }

    pub(super) fn write(
        &mut self,
        path: &Path,
        parts: &[Part<'_>],
    ) -> Result<Draft, SongIndexError> {
        let mut target = self.begin(path, parts)?;
        for part in parts {
            self.copy_part(part, &mut target)?;
        }
        self.report()?;
        target.table.finish()
    }

    /// Starts a file for the rows of all these parts.
    fn begin(&self, path: &Path, parts: &[Part<'_>]) -> Result<Target, SongIndexError> {
        let first = parts[0].index;
        let columns = joint_columns(parts)?;
        let query_bank = match self.bank {
            Some(bank) => Some(bank.id()),
            None => {
                let banks = parts.iter().map(|part| part.index.query_bank());
                common_bank(banks).map(str::to_owned)
            }
        };
        let with_biases = query_bank.is_some();
        let layout = FileSchema {
            dim: first.dim(),
            fingerprint: first.fingerprint().cloned(),
            recipe: first.recipe().map(str::to_owned),
            columns: columns.clone(),
            batch_rows: self.batch_rows,
            quantized: parts.iter().flat_map(Part::shards).any(Shard::is_quantized),
            query_bank,
        };
        Ok(Target { table: BatchWriter::create(path, layout)?, columns, with_biases })
    }

    fn copy_part(&mut self, part: &Part<'_>, target: &mut Target) -> Result<(), SongIndexError> {
        let columns = &target.columns;
        let place = |(name, _): &(String, Kind)| {
            let mut ours = part.index.columns().iter();
            ours.position(|(ours, _)| ours == name)
        };
        let places: Vec<Option<usize>> = columns.iter().map(place).collect();
        let changes = part.changes.map(|changes| {
            let place =
                |(name, _): &(String, Kind)| columns.iter().position(|(column, _)| column == name);
            let places = changes.columns().iter().map(place).collect();
            (changes, places)
        });
        for at in &part.index.opened.batches {
            if part.shards.contains(&at.shard) {
                self.copy_batch(
                    part,
                    *at,
                    &places,
                    target.with_biases,
                    changes.as_ref(),
                    &mut target.table,
                )?;
            }
        }
        Ok(())
    }

    fn copy_batch(
        &mut self,
        part: &Part<'_>,
        at: BatchAt,
        places: &[Option<usize>],
        with_biases: bool,
        changes: Option<&(&Changes, Vec<Option<usize>>)>,
        table: &mut BatchWriter,
    ) -> Result<(), SongIndexError> {
        let (shard, batch) = part.index.batch(at);
        shard.segment.check_batch(at.batch, &mut || self.report())?;
        let cells = places
            .iter()
            .map(|place| match place {
                Some(column) => part.index.cells(shard, batch, *column),
                None => Ok(Cells::Missing),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let biases = match self.bank {
            Some(bank) => Some(ScalarBuffer::from(bank.biases(&batch.vectors, part.index.dim()))),
            None => batch.biases.clone().filter(|_| with_biases),
        };
        for row in 0..batch.rows {
            if row % ROWS_A_REPORT == 0 {
                self.report()?;
            }
            self.done += 1;
            if part.without.contains(&(at.first_row + row)) {
                continue;
            }
            let id = batch.ids.value(row);
            let mut text: usize = cells.iter().map(|cells| cells.text_len(row)).sum();
            let mut changed = HashMap::new();
            if let Some((changes, places)) = changes {
                for (place, cell) in changes.of_row(at.first_row + row) {
                    if let Some(Value::Text(cell)) = cell {
                        text += cell.len();
                    }
                    if let Some(column) = places[*place] {
                        changed.insert(column, cell);
                    }
                }
            }
            table.push(
                id,
                part.index.vector(at.first_row + row),
                biases.as_ref().map(|biases| biases[row]),
                id.len() + text,
                |column, builder| match changed.get(&column) {
                    Some(cell) => builder.append_changed((*cell).clone()),
                    None => builder.append_from(&cells[column], row),
                },
            )?;
        }
        Ok(())
    }
}

/// A file into which rows are copied.
struct Target {
    table: BatchWriter,
    columns: Vec<(String, Kind)>,
    with_biases: bool,
}

/// Concatenates index files of one layout, with `songs` songs in total, into a new file. Only one
/// of them is in memory at a time.
#[cfg(all(feature = "catalog", feature = "encoder"))]
pub(crate) fn join(
    files: &[std::path::PathBuf],
    path: &Path,
    batch_rows: usize,
    songs: usize,
    progress: &mut dyn Progress,
) -> Result<(), SongIndexError> {
    let none = HashSet::new();
    let mut copy = RowCopier { batch_rows, bank: None, done: 0, total: songs as u64, progress };
    let mut target = None;
    for file in files {
        let index = SongIndex::open(file)?;
        let parts = [Part { index: &index, shards: 0..usize::MAX, without: &none, changes: None }];
        let target = match &mut target {
            Some(target) => target,
            None => target.insert(copy.begin(path, &parts)?),
        };
        copy.copy_part(&parts[0], target)?;
    }
    copy.report()?;
    match target {
        Some(target) => target.table.finish()?.publish_alone(),
        None => Ok(()),
    }
}

#[cfg_attr(not(feature = "enrich"), allow(dead_code, reason = "only enriching changes cells"))]
impl SongIndex {
    /// Atomically writes a copy with changed cells to `out`, which may be this index's own file.
    /// Ids, vectors and order stay the same; batches are as large as the largest batch of this
    /// index.
    ///
    /// [`SongIndexError::Changed`] if `out` is this index's own file and has changed since it was
    /// opened.
    pub(crate) fn write_changed(
        &self,
        out: &Path,
        changes: &Changes,
        progress: &mut dyn Progress,
    ) -> Result<(), SongIndexError> {
        let without = HashSet::new();
        let parts = [Part {
            index: self,
            shards: 0..usize::MAX,
            without: &without,
            changes: Some(changes),
        }];
        let batches = self.opened.shards.iter().flat_map(Shard::batch_rows);
        let batch_rows = batches.max().unwrap_or(0).max(1);
        let mut copy = RowCopier::new(batch_rows, &parts, progress);
        copy.write(out, &parts)?.publish_alone_if(|real| self.check_unchanged(real))
    }

    /// Checks that this file, if it is one of the index's own, is still the one that was opened.
    fn check_unchanged(&self, real: &Path) -> Result<(), SongIndexError> {
        let changed = self.opened.shards.iter().any(|Shard { segment, .. }| {
            fs::canonicalize(&segment.path).is_ok_and(|own| own == real)
                && Stamp::of(fs::metadata(real)) != segment.stamp
        });
        if changed {
            return Err(SongIndexError::Changed { path: self.opened.path.clone() });
        }
        Ok(())
    }
}

/// Returns the union of the columns of the parts, in the order of first appearance.
fn joint_columns(parts: &[Part<'_>]) -> Result<Vec<(String, Kind)>, SongIndexError> {
    let mut columns = Vec::new();
    let mut names = HashSet::new();
    for part in parts {
        for shard in part.shards() {
            if let Some(name) = shard.segment.foreign_column() {
                return Err(SongIndexError::CannotJoin {
                    path: shard.segment.path.clone(),
                    what: format!(
                        "column {name:?} has a type other than text, number or boolean, so it \
                         would be lost; convert it or leave it out"
                    ),
                });
            }
        }
        for (at, (name, kind)) in part.index.columns().iter().enumerate() {
            let is_there = part.shards().any(|shard| shard.columns[at].is_some());
            if is_there && names.insert(name) {
                columns.push((name.clone(), *kind));
            }
        }
    }
    for changes in parts.iter().filter_map(|part| part.changes) {
        for column in changes.columns() {
            if names.insert(&column.0) {
                columns.push(column.clone());
            }
        }
    }
    Ok(columns)
}
