//! A table that has not been read yet: a file, a reader, or record batches.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

#[cfg(feature = "arrow")]
use arrow_array::RecordBatchReader;

#[cfg(feature = "arrow")]
use super::arrow_batches::BatchText;
use crate::catalog::CatalogError;

/// A table that has been opened but not yet read.
pub(crate) struct Input<'a> {
    /// The path of its file, or its name in errors and in the report.
    pub(crate) name: PathBuf,
    pub(crate) reader: Box<dyn Read + 'a>,
    /// The delimiter of its cells, if it is known.
    pub(crate) delimiter: Option<u8>,
    /// Columns that were left out when the table was converted to text.
    pub(crate) left_out: Vec<String>,
    is_file: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn open(path: &Path) -> Result<Self, CatalogError> {
        let file = open_file(path)?;
        Ok(Self { is_file: true, ..Self::from_reader(file, path) })
    }

    pub(crate) fn from_reader(reader: impl Read + 'a, name: &Path) -> Self {
        Self {
            name: name.to_owned(),
            reader: Box::new(reader),
            delimiter: None,
            left_out: Vec::new(),
            is_file: false,
        }
    }

    #[cfg(feature = "arrow")]
    pub(crate) fn from_batches(batches: impl RecordBatchReader + 'a, name: &Path) -> Self {
        let text = BatchText::new(batches);
        let left_out = text.left_out().to_vec();
        Self { delimiter: Some(b','), left_out, ..Self::from_reader(text, name) }
    }

    /// Returns an error if `out` is the file of the table.
    pub(crate) fn refuse_as_output(&self, out: &Path) -> Result<(), CatalogError> {
        if self.is_file { refuse_same_file(&self.name, out) } else { Ok(()) }
    }
}

/// Opens a regular file. Pipes and devices are rejected, because reading them could block forever.
fn open_file(path: &Path) -> Result<File, CatalogError> {
    let failed = |source| CatalogError::Read { path: path.to_owned(), source };
    // This is checked before opening, because even opening a pipe waits for its other end.
    let kind = path.metadata().map_err(failed)?.file_type();
    if !kind.is_file() {
        return Err(CatalogError::NotAFile {
            path: path.to_owned(),
            found: if kind.is_dir() { "a folder" } else { "a pipe or a device" },
        });
    }
    File::open(path).map_err(failed)
}

/// Returns an error if `out` is the table itself, even under another name.
pub(crate) fn refuse_same_file(table: &Path, out: &Path) -> Result<(), CatalogError> {
    if let (Ok(table), Ok(same)) = (table.canonicalize(), out.canonicalize())
        && table == same
    {
        return Err(CatalogError::OutIsTable { path: out.to_owned() });
    }
    Ok(())
}
