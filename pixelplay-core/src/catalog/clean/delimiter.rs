//! Detects the delimiter of a table.

use std::path::Path;

use super::schema;
use crate::catalog::CatalogError;
use crate::catalog::table::{CleanOptions, RowReader};

/// Returns the delimiter, and whether the first line only names it: `sep=;`.
///
/// Without such a line, chooses the delimiter that yields the most known columns in the header, or
/// a comma if no column is known.
pub(super) fn find_delimiter(
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
        // Building a parser costs more than parsing most headers.
        if !head.contains(&delimiter) {
            continue;
        }
        // A header with an overlong cell is rejected later, when it is read.
        let found = match RowReader::new(head, delimiter, path, options).next() {
            Ok(Some(header)) => schema::known_headers(header.cells(), &options.columns),
            _ => 0,
        };
        if found > best.1 {
            best = (delimiter, found);
        }
    }
    best.0
}
