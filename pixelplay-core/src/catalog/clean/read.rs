//! Reads a table from its header to its last row.

use std::io::BufRead;
use std::path::Path;

use super::delimiter::find_delimiter;
use super::encodings::Encodings;
use super::merge::{Merged, Songs};
use super::report::{CleanReport, DropReason};
use super::row::read_song;
use super::schema::{self, Mapping, Target, Unit};
use super::unit_scale::UnitScaleStats;
use crate::catalog::CatalogError;
use crate::catalog::table::{CleanOptions, Input, Keep, Row, RowReader, Source, open_source};
use crate::progress::Progress;

/// Reads a table from its header to its last row into `songs`.
pub(super) fn read_table(
    input: Input<'_>,
    options: &CleanOptions,
    keep: Keep,
    mut songs: Songs,
    progress: &mut dyn Progress,
) -> Result<(Merged, CleanReport), CatalogError> {
    let Input { name, reader, delimiter, left_out, .. } = input;
    let path = name.as_path();
    let options = &CleanOptions { delimiter: delimiter.or(options.delimiter), ..options.clone() };
    let source = open_source(reader, path, options)?;
    let (delimiter, is_named) = find_delimiter(&source.head, path, options)?;
    let mut report = start_report(path, &source, delimiter);
    let mut table = RowReader::new(source.reader, delimiter, path, options);
    if is_named {
        table.next()?;
    }
    let mut encodings = Encodings::default();
    let header = read_header(&mut table, &mut encodings, path)?;
    let needed: &[_] = match keep {
        Keep::Songs => &["title", "artist"],
        Keep::EveryRow => &[],
    };
    let mapping = schema::recognise(&header, &options.columns, needed, path)?;
    report_mapping(&mut report, &mapping, &header, keep);
    report.ignored.extend(left_out);

    let mut scales = UnitScaleStats::default();
    let mut unclosed = 0;
    // Some programs write unnamed columns at the end of the header but leave them out of the rows.
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
        encodings.add(row);
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
    encodings.report_to(&mut report);
    let merged = songs.finish(scales, &mut report);
    let read = report.rows_read;
    progress.at("reading songs", read, Some(read))?;
    Ok((merged, report))
}

/// Returns the first row that is not blank.
fn read_header<R: BufRead>(
    table: &mut RowReader<'_, R>,
    encodings: &mut Encodings,
    path: &Path,
) -> Result<Vec<String>, CatalogError> {
    while let Some(row) = table.next()? {
        if !row.is_blank_from(0) {
            encodings.add(row);
            return Ok(row.cells().map(|name| name.trim().to_owned()).collect());
        }
    }
    Err(CatalogError::Empty { path: path.to_owned() })
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
            Keep::Songs => "made from artist and title, so they are the same every time",
            Keep::EveryRow => "row numbers, from 0",
        };
        report.notes.push(format!("there is no id column: ids are {made}"));
    }
}

/// Adds a note about an unclosed quote, because the rows it swallows would otherwise go unnoticed.
fn note_unclosed(row: &Row, count: u32, report: &mut CleanReport) {
    const MOST: u32 = 3;
    if count <= MOST {
        report.notes.push(format!(
            "the row in line {} runs to line {}; check for a quote that is never closed",
            row.line, row.last_line
        ));
    }
}
