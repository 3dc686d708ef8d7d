//! From a table of songs as people publish it to songs that can be trusted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use super::CatalogError;
use super::cell::{self, Cell, UNIT_FEATURES};
use super::lines::{Lines, Unclosed};
use super::merge::merge;
use super::report::{CleanReport, DropReason};
use super::scale::rescale;
use super::schema::{self, Mapping, Target};
use super::source::read_text;
use crate::progress::{OnProgress, Progress, ignore};
use crate::song::{COLUMNS, Kind, Song, SongId, Value};

/// How to read a table of songs.
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// What stands between two cells; `None` finds out whether it is a comma, a tab or a semicolon.
    pub delimiter: Option<u8>,
    /// Which header is which column of a song, where the names do not tell: `title` -> `Werk`.
    pub columns: BTreeMap<String, String>,
    /// The most text to read, decompressed. A file with more is refused.
    pub max_bytes: u64,
    /// The longest cell. A longer one is nearly always a quote that was never closed.
    pub max_cell_bytes: usize,
}

impl Default for CleanOptions {
    /// Finds the delimiter, trusts the header, reads at most 4 GiB, in cells of at most 1 MiB.
    fn default() -> Self {
        Self {
            delimiter: None,
            columns: BTreeMap::new(),
            max_bytes: 4 << 30,
            max_cell_bytes: 1 << 20,
        }
    }
}

/// Songs, and how they came out of their table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cleaned {
    /// In the order of their first rows; ids are unique.
    pub songs: Vec<Song>,
    /// What was kept, dropped and changed, and why.
    pub report: CleanReport,
}

/// Reads a CSV or TSV file, plain or gzipped; [`clean_reader`] with the file's name and no progress.
///
/// # Errors
/// As [`clean_reader`], and [`CatalogError::Read`] where there is no such file.
pub fn clean(path: impl AsRef<Path>, options: &CleanOptions) -> Result<Cleaned, CatalogError> {
    clean_file(path.as_ref(), options, &mut ignore)
}

pub(super) fn clean_file(
    path: &Path,
    options: &CleanOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<Cleaned, CatalogError> {
    clean_reader(open(path)?, path, options, on_progress)
}

fn open(path: &Path) -> Result<File, CatalogError> {
    File::open(path).map_err(|source| CatalogError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a table of songs; `name` is what errors and the report call it.
///
/// * **Columns** are found by the header, whatever its case and separators, under the names of the
///   public Spotify tables or plain ones (`id`, `title` or `name`, `artist`, ...). Unknown columns
///   go into [`Song::extra`]. A table without an id column gets ids made from artist and title, the
///   same each time.
/// * **Rows** are dropped that have no id, title or artist, or not as many cells as the header.
/// * **Cells** that cannot be right are emptied: text where a number should be, an energy of 3.
///   A column of 0-1 features that holds 0 to 100 all through is divided by 100.
/// * **Repeats**, rows with an id that was there before, fill what the first row left empty. Where
///   they bring other genres, the song keeps the first as `genre` and gets all of them, `pop; rock`,
///   in the extra column `genres`.
///
/// Each of these is counted in the [`CleanReport`], with lines to look at.
///
/// The whole text is held in memory, and all rows: about 1 KB a row.
///
/// ```
/// use pixelplay_core::catalog::{CleanOptions, clean_reader};
/// use pixelplay_core::progress::ignore;
///
/// let csv = "track_id,track_name,artist,energy\n1,Holiday,Ana,0.9\n2,NA,Ben,0.2\n3,Rain,Cem,7\n";
/// let cleaned = clean_reader(csv.as_bytes(), "songs.csv", &CleanOptions::default(), &mut ignore)?;
/// assert_eq!(cleaned.songs[0].title.as_deref(), Some("Holiday"));
/// assert_eq!(cleaned.songs[1].energy, None); // 7 is no energy
/// assert_eq!((cleaned.report.rows_read, cleaned.report.kept), (3, 2));
/// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
/// ```
///
/// # Errors
/// Where this is no table of songs: unreadable, empty, not text, too large, without a column for
/// the title or the artist, or with a cell beyond all measure; and [`CatalogError::Cancelled`].
pub fn clean_reader(
    reader: impl Read,
    name: impl AsRef<Path>,
    options: &CleanOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<Cleaned, CatalogError> {
    let (mut rows, mut report) =
        read_table(reader, name.as_ref(), options, Keep::Songs, on_progress)?;
    rescale(&mut rows, &mut report);
    let songs = merge(rows, &mut report);
    report.kept = songs.len() as u64;
    Ok(Cleaned { songs, report })
}

/// Reads a table of which no row may be dropped, since something else counts on their order. A row has an id, that of
/// the table or its own number; nothing else is needed.
pub(super) fn numbered_rows(
    path: &Path,
    options: &CleanOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<(Vec<(u64, Song)>, CleanReport), CatalogError> {
    let file = open(path)?;
    let (mut rows, mut report) = read_table(file, path, options, Keep::EveryRow, on_progress)?;
    rescale(&mut rows, &mut report);
    report.kept = rows.len() as u64;
    Ok((rows, report))
}

/// Which rows of a table are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Those that are a song; others are counted.
    Songs,
    /// Each, or none.
    EveryRow,
}

/// The rows of a table, each with its line.
fn read_table(
    reader: impl Read,
    path: &Path,
    options: &CleanOptions,
    keep: Keep,
    on_progress: &mut OnProgress<'_>,
) -> Result<(Vec<(u64, Song)>, CleanReport), CatalogError> {
    let source = read_text(reader, path, options.max_bytes)?;
    let text = source.text.as_str();

    let delimiter = options.delimiter.unwrap_or_else(|| find_delimiter(text));
    let mut table = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = Lines::new(text);
    let mut record = csv::StringRecord::new();
    read_record(&mut table, &mut record, path)?;
    let header: Vec<_> = record.iter().map(str::to_owned).collect();
    let needed: &[_] = match keep {
        Keep::Songs => &["title", "artist"],
        Keep::EveryRow => &[],
    };
    let mapping = schema::recognise(&header, &options.columns, needed, path)?;

    let mut report = start_report(path, &mapping, &header, delimiter, keep);
    report.encoding = source.encoding;
    report.notes.extend(source.note);

    let mut rows = Vec::new();
    let mut unclosed = Unclosed::default();
    while read_record(&mut table, &mut record, path)? {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let line = lines.at(start);
        unclosed.judge(text, start, line - 1, &mut report);
        if record.iter().any(|cell| cell.contains('\n')) {
            unclosed.suspect = Some((start, line, record.len() != header.len()));
        }
        if let Some(long) = record.iter().find(|c| c.len() > options.max_cell_bytes) {
            return Err(CatalogError::CellTooLong {
                path: path.to_owned(),
                line,
                len: long.len(),
                limit: options.max_cell_bytes,
            });
        }
        if report.rows_read.is_multiple_of(4096) {
            step(on_progress, "reading songs", report.rows_read, None)?;
        }
        let number = report.rows_read;
        report.rows_read += 1;
        let row = if record.len() == header.len() {
            begin_song(&record, &mapping, keep, number)
        } else {
            Err(DropReason::Ragged)
        };
        match row {
            Ok(mut song) => {
                fill_song(&mut song, &record, &mapping, line, &mut report);
                rows.push((line, song));
            }
            Err(reason) if keep == Keep::EveryRow => {
                return Err(CatalogError::BadRow {
                    path: path.to_owned(),
                    line,
                    what: format!("{reason}; every row is needed here"),
                });
            }
            Err(reason) => report.dropped.entry(reason).or_default().add(line),
        }
    }
    let last = lines.at(text.trim_end().len().saturating_sub(1));
    unclosed.judge(text, text.len(), last, &mut report);
    step(
        on_progress,
        "reading songs",
        report.rows_read,
        Some(report.rows_read),
    )?;
    Ok((rows, report))
}

pub(super) fn step(
    on_progress: &mut OnProgress<'_>,
    stage: &'static str,
    done: u64,
    total: Option<u64>,
) -> Result<(), CatalogError> {
    match on_progress(Progress { stage, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CatalogError::Cancelled),
    }
}

fn read_record(
    table: &mut csv::Reader<&[u8]>,
    record: &mut csv::StringRecord,
    path: &Path,
) -> Result<bool, CatalogError> {
    // The text is UTF-8 in memory and rows may be ragged, so there is nothing left to fail.
    table
        .read_record(record)
        .map_err(|error| CatalogError::Read {
            path: path.to_owned(),
            source: error.into(),
        })
}

/// The delimiter that makes the most of the header; a comma where none does.
fn find_delimiter(text: &str) -> u8 {
    let known = |delimiter: u8| {
        let mut record = csv::StringRecord::new();
        let mut table = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .from_reader(text.as_bytes());
        match table.read_record(&mut record) {
            Ok(true) => schema::known_headers(&record),
            _ => 0,
        }
    };
    let mut best = (b',', known(b','));
    for delimiter in [b'\t', b';'] {
        let found = known(delimiter);
        if found > best.1 {
            best = (delimiter, found);
        }
    }
    best.0
}

fn start_report(
    path: &Path,
    mapping: &Mapping,
    header: &[String],
    delimiter: u8,
    keep: Keep,
) -> CleanReport {
    let mut report = CleanReport {
        source: path.display().to_string(),
        schema: mapping.schema.to_owned(),
        delimiter: match delimiter {
            b',' => "comma".to_owned(),
            b'\t' => "tab".to_owned(),
            b';' => "semicolon".to_owned(),
            other => char::from(other).to_string(),
        },
        ..CleanReport::default()
    };
    for (target, name) in mapping.targets.iter().zip(header) {
        let name = name.trim();
        match target {
            Target::Known(column) => {
                report.columns.insert((*column).to_owned(), name.to_owned());
            }
            Target::Extra(name) => report.extra.push(name.clone()),
            Target::Ignored if name.is_empty() => report.ignored.push("(unnamed)".to_owned()),
            Target::Ignored => report.ignored.push(name.to_owned()),
        }
    }
    if !mapping.has_id {
        let made = match keep {
            Keep::Songs => "made from artist and title, the same each time",
            Keep::EveryRow => "the numbers of the rows, from 0",
        };
        report
            .notes
            .push(format!("there is no id column: ids are {made}"));
    }
    report
}

/// A song with what names it, or why the row is none.
fn begin_song(
    record: &csv::StringRecord,
    mapping: &Mapping,
    keep: Keep,
    number: u64,
) -> Result<Song, DropReason> {
    let cell = |column: &'static str| {
        let at = mapping
            .targets
            .iter()
            .position(|target| *target == Target::Known(column))?;
        record.get(at)
    };
    let given = cell("id").and_then(cell::id);
    if mapping.has_id && given.is_none() {
        return Err(DropReason::MissingId);
    }
    let title = cell("title").and_then(cell::text);
    let artist = cell("artist").and_then(|text| cell::artist(text, mapping.artists));
    let id = match (keep, given) {
        (_, Some(id)) => id,
        (Keep::EveryRow, None) => number.to_string(),
        (Keep::Songs, None) => made_id(
            artist.as_deref().unwrap_or_default(),
            title.as_deref().unwrap_or_default(),
        ),
    };
    if keep == Keep::Songs && title.is_none() {
        return Err(DropReason::MissingTitle);
    }
    if keep == Keep::Songs && artist.is_none() {
        return Err(DropReason::MissingArtist);
    }
    let mut song = Song::new(SongId::new(id).ok_or(DropReason::MissingId)?);
    song.title = title;
    song.artist = artist;
    Ok(song)
}

/// Fills the other cells. Features from 0 to 1 are not yet checked: their scale shows in the whole column.
fn fill_song(
    song: &mut Song,
    record: &csv::StringRecord,
    mapping: &Mapping,
    line: u64,
    report: &mut CleanReport,
) {
    for (target, cell) in mapping.targets.iter().zip(record) {
        match target {
            Target::Ignored | Target::Known("id" | "title" | "artist") => {}
            Target::Extra(name) => {
                if let Some(text) = cell::text(cell) {
                    song.extra.insert(name.clone(), text);
                }
            }
            Target::Known(column) => match read_cell(column, cell) {
                Cell::Missing => {}
                Cell::Known(value) => {
                    song.set(column, value);
                }
                Cell::Unreadable => report.cleared(column).unreadable.add(line),
                Cell::OutOfRange => report.cleared(column).out_of_range.add(line),
            },
        }
    }
}

fn read_cell(column: &str, cell: &str) -> Cell {
    let read = match column {
        "year" => cell::year(cell),
        "key" => cell::key(cell),
        "mode" => cell::mode(cell),
        "description" => {
            cell::lines(cell).map_or(Cell::Missing, |text| Cell::Known(Value::Text(text)))
        }
        _ => match kind(column) {
            Kind::Text => {
                cell::text(cell).map_or(Cell::Missing, |text| Cell::Known(Value::Text(text)))
            }
            Kind::Integer => cell::integer(cell),
            Kind::Real => cell::real(cell),
            Kind::Flag => cell::flag(cell),
        },
    };
    let number = match read {
        Cell::Known(Value::Real(number)) => number,
        #[expect(
            clippy::cast_precision_loss,
            reason = "at most 1e15, see cell::integer"
        )]
        Cell::Known(Value::Integer(number)) => number as f64,
        other => return other,
    };
    match cell::range(column) {
        Some((low, high))
            if !UNIT_FEATURES.contains(&column) && !(low..=high).contains(&number) =>
        {
            Cell::OutOfRange
        }
        _ => read,
    }
}

fn kind(column: &str) -> Kind {
    COLUMNS
        .iter()
        .find(|(name, _)| *name == column)
        .map_or(Kind::Text, |&(_, kind)| kind)
}

/// An id for a song that has none: 32 hexadecimal digits of the BLAKE3 hash of artist and title.
fn made_id(artist: &str, title: &str) -> String {
    let name = format!("{}\0{}", artist.to_lowercase(), title.to_lowercase());
    let hash = blake3::hash(name.as_bytes()).to_hex();
    hash[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_never_change() {
        // `blake3.blake3(b"abba\0sos").hexdigest()[:32]` of the Python package blake3; another value
        // here would orphan every favourite that anybody saved.
        assert_eq!(made_id("ABBA", "SOS"), "96272e0501501841913c6c61e095a105");
        assert_ne!(made_id("ABBA S", "OS"), made_id("ABBA", "SOS"));
    }
}
