//! What can go wrong between a song table and an index.

use std::path::PathBuf;

/// Why a song table could not be read, or no index could be made of it.
///
/// A bad row is no error: it is counted, with its reason, in the
/// [`CleanReport`](super::CleanReport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The file cannot be opened or read to its end, or its compressed data is damaged.
    #[error("cannot read the song table {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is not a single character in the file.
    #[error("the song table {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is no text.
    #[error(
        "{} is {found}, not a table of text; save it as CSV or TSV, plain or gzipped{}",
        path.display(),
        if *found == PARQUET { " (in Python: pandas.read_parquet(...).to_csv(..., index=False))" } else { "" }
    )]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// The file, decompressed, is larger than [`CleanOptions::max_bytes`](super::CleanOptions::max_bytes).
    #[error(
        "{} holds more than {limit} bytes of text; split it, or raise the limit",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A cell is longer than [`CleanOptions::max_cell_bytes`](super::CleanOptions::max_cell_bytes).
    #[error(
        "{}, line {line}: a cell of {len} bytes, more than the limit of {limit}; \
         is a quote opened there and never closed?",
        path.display()
    )]
    CellTooLong {
        /// The file.
        path: PathBuf,
        /// The line in which the row begins, from 1.
        line: u64,
        /// The length of the cell in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The first line names no column for the title or for the artist.
    #[error(
        "{} has no column for the {}; its header reads: {}; \
         rename a column (title, artist, id, ...), or say which column is which",
        path.display(),
        missing.join(" and the "),
        shown(found)
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The columns that are needed and were not found.
        missing: Vec<&'static str>,
        /// The header as it was found.
        found: Vec<String>,
    },
    /// [`CleanOptions::columns`](super::CleanOptions::columns) names a column that is not there.
    #[error(
        "{} cannot be told to be the column {column:?}: {problem}; the header of {} reads: {}",
        header.as_deref().map_or_else(|| "nothing".to_owned(), |h| format!("{h:?}")),
        path.display(),
        shown(found)
    )]
    BadMapping {
        /// The file.
        path: PathBuf,
        /// The column of a song.
        column: String,
        /// The header that was to be it.
        header: Option<String>,
        /// What is wrong.
        problem: &'static str,
        /// The header as it was found.
        found: Vec<String>,
    },
    /// A row of a table whose rows must all be kept cannot be read.
    #[error("{}, line {line}: {what}", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line in which the row begins, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// A table and the vectors of its songs are not of the same number.
    #[error(
        "{} has {rows} rows below its header, but there are {vectors} vectors; each row must belong to one vector",
        table.display()
    )]
    RowsDiffer {
        /// The table.
        table: PathBuf,
        /// Its rows.
        rows: usize,
        /// The vectors.
        vectors: usize,
    },
    /// A file or folder does not hold vectors as they can be imported.
    #[error("cannot import vectors from {}: {what}", path.display())]
    BadVectors {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do about it.
        what: String,
    },
    /// Description templates do not have the form of the embedded ones.
    #[error("the description templates are not usable")]
    BadTemplates {
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// No song is left that could go into an index.
    #[error(
        "there is no song to put into {}{}",
        out.display(),
        match left_out {
            0 => String::new(),
            n => format!("; of {n} nothing is known to describe them by (energy, valence, genre, ...)"),
        }
    )]
    NoSongs {
        /// The index that was not written.
        out: PathBuf,
        /// How many songs cannot be described.
        left_out: usize,
    },
    /// The index would be written over the table it is made of.
    #[error("{} is the song table itself; write the index to another file", path.display())]
    OutIsTable {
        /// The file.
        path: PathBuf,
    },
    /// The sentences cannot be encoded.
    #[cfg(feature = "encoder")]
    #[error(transparent)]
    Encode(crate::encoder::EncodeError),
    /// The index cannot be written or opened.
    #[error(transparent)]
    Index(crate::index::SongIndexError),
    /// The sentences of a song cancel each other out, so that it has no vector.
    #[error(transparent)]
    Embedding(#[from] crate::embedding::EmbeddingError),
    /// There is no folder for the starter index, or it cannot be used.
    #[error(
        "the starter index cannot be kept in {}; set PIXELPLAY_CACHE to a folder that can be written to",
        path.display()
    )]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The caller's progress callback asked to stop; nothing was left behind.
    #[error("stopped on request; nothing was written")]
    Cancelled,
}

#[cfg(feature = "encoder")]
impl From<crate::encoder::EncodeError> for CatalogError {
    fn from(error: crate::encoder::EncodeError) -> Self {
        match error {
            crate::encoder::EncodeError::Cancelled => Self::Cancelled,
            other => Self::Encode(other),
        }
    }
}

impl From<crate::index::SongIndexError> for CatalogError {
    fn from(error: crate::index::SongIndexError) -> Self {
        match error {
            crate::index::SongIndexError::Cancelled => Self::Cancelled,
            other => Self::Index(other),
        }
    }
}

/// What a Parquet file is called.
pub(super) const PARQUET: &str = "a Parquet file";

/// A header for an error message: quoted, and cut where it is long.
fn shown(header: &[String]) -> String {
    const MOST: usize = 40;
    let mut names: Vec<_> = header
        .iter()
        .take(MOST)
        .map(|name| format!("{:?}", name.chars().take(60).collect::<String>()))
        .collect();
    if header.len() > MOST {
        names.push(format!("and {} more", header.len() - MOST));
    }
    names.join(", ")
}
