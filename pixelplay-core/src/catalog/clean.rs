//! From a table of songs as people publish it to songs that can be trusted.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::CatalogError;
use super::merge::{Merged, Songs};
use super::report::{CleanReport, DropReason, Tally};
use super::row::read_song;
use super::scale::Scales;
use super::schema::{self, Mapping, Target, Unit};
use super::source::{self, Source};
use super::table::{Row, Table};
use crate::progress::Progress;
use crate::song::Song;

/// How to read a table of songs, and how much of it at most.
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// What stands between two cells, one ASCII character; `None` finds out whether it is a comma,
    /// a tab, a semicolon or a pipe.
    pub delimiter: Option<u8>,
    /// Which header is which column of a song, where the names do not tell: `title` -> `Werk`.
    pub columns: BTreeMap<String, String>,
    /// The most text to read, decompressed.
    pub max_bytes: u64,
    /// The most rows to read.
    pub max_rows: u64,
    /// The most memory for the songs that are kept, in bytes, as a rough count: about 700 bytes
    /// each, and 150 more for every cell of an unknown column.
    pub max_memory: usize,
    /// The most cells in a row.
    pub max_columns: usize,
    /// Whether rows of one recording are one song although their ids differ: the same title by the
    /// same artists, be it remastered, in another edition, or with its guests named elsewhere. Live
    /// recordings, remixes and other versions stay songs of their own.
    pub merge_recordings: bool,
    /// The longest cell; a row may be sixteen times as long. A longer one is nearly always a quote
    /// that was never closed.
    pub max_cell_bytes: usize,
}

impl Default for CleanOptions {
    /// Finds the delimiter, trusts the header and merges recordings; reads at most 4 GiB, 10
    /// million rows, 10,000 columns, and cells of 1 MiB, into at most 4 GiB of memory. Where there
    /// is more, the table is refused.
    fn default() -> Self {
        Self {
            delimiter: None,
            columns: BTreeMap::new(),
            max_bytes: 4 << 30,
            max_rows: 10_000_000,
            max_memory: usize::try_from(4_u64 << 30).unwrap_or(usize::MAX),
            max_columns: 10_000,
            max_cell_bytes: 1 << 20,
            merge_recordings: true,
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

/// Reads a CSV or TSV file, plain or gzipped; [`clean_with`] without progress.
///
/// # Errors
/// As [`clean_with`].
pub fn clean(path: impl AsRef<Path>, options: &CleanOptions) -> Result<Cleaned, CatalogError> {
    clean_with(path, options, &mut ())
}

/// Reads a CSV or TSV file, plain or gzipped; [`clean_reader`] with the file's name.
///
/// # Errors
/// As [`clean_reader`], [`CatalogError::Read`] where there is no such file, and
/// [`CatalogError::NotAFile`] for a folder, a pipe or a device.
pub fn clean_with(
    path: impl AsRef<Path>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let path = path.as_ref();
    clean_reader(source::open_file(path)?, path, options, progress)
}

/// Reads a table of songs; `name` is what errors and the report call it.
///
/// * **The file** may be gzipped, in UTF-8, Windows-1252 or a mixture, or, with a byte order mark,
///   in UTF-16; lines may end in any way. A first line `sep=;` names the delimiter, as in Excel.
/// * **Columns** are found by the header, whatever its case and separators, under the names of the
///   public Spotify tables or plain ones (`id`, `title` or `name`, `artist`, ...). Unknown columns
///   go into [`Song::extra`]. A table without an id column gets ids made from artist and title, the
///   same each time.
/// * **Rows** are dropped that have no id, title or artist, or not as many cells as the header;
///   blank cells beyond it do no harm.
/// * **Missing** is what is empty or says `NA`, `N/A`, `NaN`, `null`, `None`, `-` and the like. In
///   text only the spellings of programs count, so that a song may be called `Na`, `none` or `-`;
///   one called `NA` or `None` cannot be told from a missing one, and its row is dropped.
/// * **Numbers** may have a decimal comma, thousands and a percent sign, durations the form `3:45`,
///   or another unit that the header names, and a year may be in a date. A column of 0-1 features
///   that holds 0 to 100 all through, or says `%` in its header, is divided by 100.
/// * **Cells** that cannot be right are emptied: text where a number should be, an energy of 3.
/// * **Repeats**, rows with an id that was there before, or of the same recording under another id
///   (see [`CleanOptions::merge_recordings`]), fill what the first row left empty. Where they bring
///   other genres, the song keeps the first as `genre` and gets all of them, `pop; rock`, in the
///   extra column `genres`; so does a song of which one cell lists several.
///
/// Each of these is counted in the [`CleanReport`], with lines to look at.
///
/// Rows are merged as they are read: memory follows the distinct songs, not the rows or the size of
/// the file. A million songs take about 0.7 GB, and 1.5 GB with five unknown columns.
///
/// ```
/// use pixelplay_core::catalog::{CleanOptions, clean_reader};
///
/// let csv = "track_id,track_name,artist,energy\n1,Holiday,Ana,0.9\n2,NA,Ben,0.2\n3,Rain,Cem,7\n";
/// let cleaned = clean_reader(csv.as_bytes(), "songs.csv", &CleanOptions::default(), &mut ())?;
/// assert_eq!(cleaned.songs[0].title.as_deref(), Some("Holiday"));
/// assert_eq!(cleaned.songs[1].energy, None); // 7 is no energy
/// assert_eq!((cleaned.report.rows_read, cleaned.report.kept), (3, 2));
/// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
/// ```
///
/// # Errors
/// Where this is no table of songs: unreadable, empty, not text, without a column for the title or
/// the artist, or beyond one of the limits in [`CleanOptions`]; and [`CatalogError::Cancelled`].
pub fn clean_reader(
    reader: impl Read,
    name: impl AsRef<Path>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let songs = Songs::in_memory(options.merge_recordings);
    let (merged, report) =
        read_table(reader, name.as_ref(), options, Keep::Songs, songs, progress)?;
    let songs = merged.into_vec()?;
    Ok(Cleaned { songs, report })
}

/// [`clean_reader`] whose songs wait in a file in `folder`, to be taken out one by one.
pub(super) fn clean_spooled(
    reader: impl Read,
    path: &Path,
    options: &CleanOptions,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(Merged, CleanReport), CatalogError> {
    let songs = Songs::in_file(folder, options.merge_recordings)?;
    read_table(reader, path, options, Keep::Songs, songs, progress)
}

/// Reads a CSV or TSV file, plain or gzipped, of which no row may be left out; [`every_row_reader`]
/// with the file's name.
///
/// # Errors
/// As [`every_row_reader`], [`CatalogError::Read`] where there is no such file, and
/// [`CatalogError::NotAFile`] for a folder, a pipe or a device.
pub fn every_row(
    path: impl AsRef<Path>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let path = path.as_ref();
    every_row_reader(source::open_file(path)?, path, options, progress)
}

/// Reads a table of which no row may be left out, since something else counts on their order: song
/// `i` comes from row `i`. A row has an id, that of the table or its own number from 0; nothing
/// else is needed. Cells are read as by [`clean_reader`].
///
/// ```
/// use pixelplay_core::catalog::{CleanOptions, every_row_reader};
///
/// let csv = "title,energy\nHoliday,0.9\n,\n,0.2\n";
/// let songs = every_row_reader(csv.as_bytes(), "songs.csv", &CleanOptions::default(), &mut ())?.songs;
/// assert_eq!((songs[2].id.as_str(), songs[2].energy), ("2", Some(0.2)));
/// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
/// ```
///
/// # Errors
/// [`CatalogError::BadRow`] for a row that cannot be read or whose id an earlier one has; otherwise
/// as [`clean_reader`].
pub fn every_row_reader(
    reader: impl Read,
    name: impl AsRef<Path>,
    options: &CleanOptions,
    progress: &mut dyn Progress,
) -> Result<Cleaned, CatalogError> {
    let path = name.as_ref();
    let songs = Songs::in_memory(false);
    let (merged, report) = read_table(reader, path, options, Keep::EveryRow, songs, progress)?;
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
        Some((line, what)) => Err(CatalogError::BadRow { path: path.to_owned(), line, what }),
    }
}

/// Which rows of a table are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Those that are a song by title and artist.
    Songs,
    /// Each that has as many cells as the header, and an id where there is a column of ids.
    EveryRow,
}

fn read_table(
    reader: impl Read,
    path: &Path,
    options: &CleanOptions,
    keep: Keep,
    mut songs: Songs,
    progress: &mut dyn Progress,
) -> Result<(Merged, CleanReport), CatalogError> {
    let source = source::open(reader, path, options)?;
    let (delimiter, is_named) = find_delimiter(&source.head, path, options)?;
    let mut report = start_report(path, &source, delimiter);
    let mut table = Table::new(source.reader, delimiter, path, options);
    if is_named {
        table.next()?;
    }
    let mut letters = Letters::default();
    let header = read_header(&mut table, &mut letters, path)?;
    let needed: &[_] = match keep {
        Keep::Songs => &["title", "artist"],
        Keep::EveryRow => &[],
    };
    let mapping = schema::recognise(&header, &options.columns, needed, path)?;
    report_mapping(&mut report, &mapping, &header, keep);

    let mut scales = Scales::default();
    let mut unclosed = 0;
    // Columns without a name at the end of the header are a habit of some writers; so rows without
    // them.
    let named = header.iter().rposition(|name| !name.is_empty()).unwrap_or(0) + 1;
    while let Some(row) = table.next()? {
        if (report.rows_read + report.blank_rows.count).is_multiple_of(4096) {
            progress.at("reading songs", report.rows_read, None)?;
        }
        if keep == Keep::Songs && row.is_blank_from(0) {
            report.blank_rows.add(row.line);
            continue;
        }
        if report.rows_read == options.max_rows {
            return Err(CatalogError::TooManyRows {
                path: path.to_owned(),
                limit: options.max_rows,
            });
        }
        let number = report.rows_read;
        report.rows_read += 1;
        letters.see(row);
        let is_ragged = row.len() < named || !row.is_blank_from(header.len());
        if row.last_line > row.line && (is_ragged || row.bad_quotes) {
            unclosed += 1;
            note_unclosed(row, unclosed, &mut report);
        }
        if is_ragged {
            report.drop_row(DropReason::Ragged, row.line);
            continue;
        }
        match read_song(row, number, &mapping, keep, &mut scales, &mut report) {
            Ok(song) => songs.add(row, song, &mut report)?,
            Err(reason) => report.drop_row(reason, row.line),
        }
        if songs.bytes > options.max_memory {
            return Err(CatalogError::TooMuchMemory {
                path: path.to_owned(),
                line: row.line,
                limit: options.max_memory,
            });
        }
    }
    letters.tell(&mut report);
    let merged = songs.finish(scales, &mut report);
    let read = report.rows_read;
    progress.at("reading songs", read, Some(read))?;
    Ok((merged, report))
}

/// The first row with something in it.
fn read_header<R: std::io::BufRead>(
    table: &mut Table<'_, R>,
    letters: &mut Letters,
    path: &Path,
) -> Result<Vec<String>, CatalogError> {
    while let Some(row) = table.next()? {
        if !row.is_blank_from(0) {
            letters.see(row);
            return Ok(row.cells().map(|name| name.trim().to_owned()).collect());
        }
    }
    Err(CatalogError::Empty { path: path.to_owned() })
}

/// What stands between cells, and whether the first line does nothing but say so: `sep=;`.
///
/// Otherwise it is what makes the most of the header; a comma where nothing does.
fn find_delimiter(
    head: &[u8],
    path: &Path,
    options: &CleanOptions,
) -> Result<(u8, bool), CatalogError> {
    let named = match head {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, b'\r' | b'\n', ..] => {
            Some(*delimiter)
        }
        _ => None,
    };
    let delimiter = match options.delimiter.or(named) {
        Some(delimiter) => delimiter,
        None => likely_delimiter(head, path, options),
    };
    if !delimiter.is_ascii() || matches!(delimiter, 0 | b'"' | b'\r' | b'\n') {
        return Err(CatalogError::BadDelimiter { delimiter });
    }
    Ok((delimiter, named.is_some()))
}

fn likely_delimiter(head: &[u8], path: &Path, options: &CleanOptions) -> u8 {
    let mut best = (b',', 0);
    for delimiter in [b',', b'\t', b';', b'|'] {
        // Building a parser costs more than most headers do.
        if !head.contains(&delimiter) {
            continue;
        }
        // A header with a cell beyond measure is refused when it is read.
        let found = match Table::new(head, delimiter, path, options).next() {
            Ok(Some(header)) => schema::known_headers(header.cells(), &options.columns),
            _ => 0,
        };
        if found > best.1 {
            best = (delimiter, found);
        }
    }
    best.0
}

/// Which encodings the rows were in.
#[derive(Default)]
struct Letters {
    utf8: bool,
    windows_1252: Tally,
    lost: Tally,
}

impl Letters {
    fn see(&mut self, row: &Row) {
        self.utf8 |= row.utf8;
        if row.windows_1252 {
            self.windows_1252.add(row.line);
        }
        if row.lost_characters {
            self.lost.add(row.line);
        }
    }

    fn tell(self, report: &mut CleanReport) {
        if self.windows_1252.count > 0 {
            let found = if self.utf8 { "UTF-8 and windows-1252" } else { "windows-1252" };
            report.encoding = report.encoding.replacen("UTF-8", found, 1);
        }
        report.windows_1252 = self.windows_1252;
        report.lost_characters = self.lost;
    }
}

fn start_report(path: &Path, source: &Source<'_>, delimiter: u8) -> CleanReport {
    CleanReport {
        source: path.display().to_string(),
        encoding: format!(
            "{}{}",
            source.encoding.unwrap_or("UTF-8"),
            if source.gzip { ", gzip" } else { "" }
        ),
        delimiter: match delimiter {
            b',' => "comma".to_owned(),
            b'\t' => "tab".to_owned(),
            b';' => "semicolon".to_owned(),
            b'|' => "pipe".to_owned(),
            other => char::from(other).to_string(),
        },
        ..CleanReport::default()
    }
}

fn report_mapping(report: &mut CleanReport, mapping: &Mapping, header: &[String], keep: Keep) {
    mapping.schema.clone_into(&mut report.schema);
    for (target, name) in mapping.targets.iter().zip(header) {
        match target {
            Target::Known(column, unit) => {
                report.columns.insert((*column).to_owned(), name.clone());
                if *unit == Unit::Percent {
                    report.rescaled.push((*column).to_owned());
                }
            }
            Target::Extra(name) => report.extra.push(name.clone()),
            Target::Ignored if name.is_empty() => report.ignored.push("(unnamed)".to_owned()),
            Target::Ignored => report.ignored.push(name.clone()),
        }
    }
    if mapping.id.is_none() {
        let made = match keep {
            Keep::Songs => "made from artist and title, the same each time",
            Keep::EveryRow => "the numbers of the rows, from 0",
        };
        report.notes.push(format!("there is no id column: ids are {made}"));
    }
}

/// Points at a quote that swallows rows which nobody would miss otherwise.
fn note_unclosed(row: &Row, count: u32, report: &mut CleanReport) {
    const MOST: u32 = 3;
    if count <= MOST {
        report.notes.push(format!(
            "the row in line {} runs to line {}: is a quote opened there and never closed?",
            row.line, row.last_line
        ));
    }
}
