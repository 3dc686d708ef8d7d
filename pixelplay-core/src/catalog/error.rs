//! The errors of the catalogue, from reading a song table to building an index.

use std::path::PathBuf;

/// An error that occurs when a song table is read or an index is built from it.
///
/// A bad row is not an error: it is dropped and counted by reason in the
/// [`CleanReport`](super::CleanReport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The file cannot be opened or read to its end, or its compressed data is damaged.
    #[error("cannot read the song table {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("the song table {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The path of the table is a folder, a pipe or a device.
    #[error(
        "{} is {found}, not a file; save the table to a file (or pass a reader to `SongTable::from_reader`)",
        path.display()
    )]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// The kind of thing found there.
        found: &'static str,
    },
    /// The file is not text.
    #[error("{} is {found}, not a CSV or TSV table{advice}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The kind of file found.
        found: &'static str,
        /// Advice that ends the sentence; may be empty.
        advice: &'static str,
    },
    /// The file, decompressed, is larger than
    /// [`CleanOptions::max_bytes`](super::CleanOptions::max_bytes).
    #[error(
        "{} contains more than {limit} bytes of text; split it, or raise max_bytes",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The table has more rows than [`CleanOptions::max_rows`](super::CleanOptions::max_rows).
    #[error("{} has more than {limit} rows; split it, or raise max_rows", path.display())]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The songs of the table need more memory than
    /// [`CleanOptions::max_memory`](super::CleanOptions::max_memory).
    #[error(
        "{}: the songs up to line {line} take more than {limit} bytes of memory; \
         split the table, remove columns, or raise max_memory",
        path.display()
    )]
    TooMuchMemory {
        /// The file.
        path: PathBuf,
        /// The line at which the limit was reached, from 1.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// There are more songs than an index can hold.
    #[error("there are more than {} songs; split the table", u32::MAX)]
    TooManySongs,
    /// The temporary file that holds the songs while a table is read cannot be written.
    #[error("cannot write temporary data in {}", folder.display())]
    Spool {
        /// The folder of the file. The file itself has no name.
        folder: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// A row has more cells than [`CleanOptions::max_columns`](super::CleanOptions::max_columns).
    #[error(
        "{}, line {line}: the row has more than {limit} cells; \
         check the delimiter, or raise max_columns",
        path.display()
    )]
    TooManyColumns {
        /// The file.
        path: PathBuf,
        /// The line in which the row begins, from 1.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// A cell is longer than [`CleanOptions::max_cell_bytes`](super::CleanOptions::max_cell_bytes),
    /// or a row longer than sixteen such cells.
    #[error(
        "{}, line {line}: a cell is longer than {limit} bytes, or the row is longer than 16 times that; \
         check for a quote that is never closed, or raise max_cell_bytes",
        path.display()
    )]
    CellTooLong {
        /// The file.
        path: PathBuf,
        /// The line in which the row begins, from 1.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// [`CleanOptions::delimiter`](super::CleanOptions::delimiter) is not a valid delimiter.
    #[error(
        "the byte {delimiter:#04x} cannot be the delimiter; \
         use one ASCII character other than a quote, a line end or NUL"
    )]
    BadDelimiter {
        /// The byte.
        delimiter: u8,
    },
    /// The header has no column for the title or for the artist.
    #[error(
        "{} has no column for the {}; its first line reads: {}; \
         rename the columns (title, artist, id, ...), or map them with `--column title=NAME` or the option `columns`",
        path.display(),
        missing.join(" and the "),
        shown(found)
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The required columns that were not found.
        missing: Vec<&'static str>,
        /// The header as it was found.
        found: Vec<String>,
    },
    /// [`CleanOptions::columns`](super::CleanOptions::columns) names a column that does not exist.
    #[error(
        "{header:?} cannot be the column {column:?}: {problem}; the header of {} reads: {}",
        path.display(),
        shown(found)
    )]
    BadMapping {
        /// The file.
        path: PathBuf,
        /// The column of a song.
        column: String,
        /// The header that was mapped to it.
        header: String,
        /// The problem.
        problem: &'static str,
        /// The header as it was found.
        found: Vec<String>,
    },
    /// A row cannot be read in a table whose rows must all be kept.
    #[error("{}, line {line}: {what}", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line in which the row begins, from 1.
        line: u64,
        /// The problem.
        what: String,
    },
    /// The number of rows in a table differs from the number of vectors.
    #[error(
        "{} has {rows} rows below its header, but there are {vectors} vectors; row i must belong to vector i",
        table.display()
    )]
    RowsDiffer {
        /// The table.
        table: PathBuf,
        /// The number of its rows.
        rows: usize,
        /// The number of vectors.
        vectors: usize,
    },
    /// A file or folder does not contain vectors that can be imported.
    #[error("cannot import vectors from {}: {what}", path.display())]
    BadVectors {
        /// The file or folder.
        path: PathBuf,
        /// The problem, and what to do about it.
        what: String,
    },
    /// A file of description templates cannot be read.
    #[error("cannot read the description templates {}", path.display())]
    ReadTemplates {
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// Description templates do not have the same form as the embedded ones.
    #[error(
        "the description templates{} are not usable",
        path.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()))
    )]
    BadTemplates {
        /// The file from which the templates were read, if any.
        path: Option<PathBuf>,
        /// The problem and its position.
        source: Box<toml::de::Error>,
    },
    /// A custom describer failed.
    #[error("song {id:?} cannot be described")]
    Describe {
        /// The id of the song.
        id: String,
        /// The cause of the failure.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One of the [`WordWeights`](super::WordWeights) is negative or not finite.
    #[cfg(feature = "encoder")]
    #[error("the weight of the {words} is {weight}; it must be 0 (left out) or more, and finite")]
    BadWordWeight {
        /// `title`, `tags` or `lyrics`.
        words: &'static str,
        /// The weight.
        weight: f64,
    },
    /// Songs cannot be described in the same way as those of the index that they are to be added
    /// to.
    #[cfg(feature = "encoder")]
    #[error("cannot describe the songs like those of {}: {what}", index.display())]
    OtherRecipe {
        /// The index.
        index: PathBuf,
        /// The difference, and what to do about it.
        what: String,
    },
    /// There are no songs to write to an index.
    #[error(
        "there are no songs to write to {}{}",
        out.display(),
        match left_out {
            0 => String::new(),
            n => format!("; {n} left out because nothing describes them (title, energy, valence, genre, ...)"),
        }
    )]
    NoSongs {
        /// The index that was not written.
        out: PathBuf,
        /// The number of songs left out because they cannot be described.
        left_out: usize,
    },
    /// The index or the cleaned table would overwrite its own input: the table or the vectors.
    #[error("{} is the input itself; write to another file", path.display())]
    OutIsTable {
        /// The file.
        path: PathBuf,
    },
    /// The sentences cannot be encoded.
    #[cfg(feature = "encoder")]
    #[error(transparent)]
    Encode(crate::encoder::EncodeError),
    /// The index, or a table, cannot be written or opened.
    #[error(transparent)]
    Index(crate::index::SongIndexError),
    /// A song has no vector because its sentences cancel each other out.
    #[error(transparent)]
    Embedding(#[from] crate::embedding::EmbeddingError),
    /// There is no folder for the starter index, or it cannot be used.
    #[error(
        "cannot store the starter index in {}; set PIXELPLAY_CACHE to a writable folder",
        path.display()
    )]
    Cache {
        /// The folder.
        path: PathBuf,
        /// The cause of the failure.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The caller's progress callback asked to stop; nothing was written.
    #[error("stopped on request; nothing was written")]
    Cancelled,
}

impl From<crate::progress::Cancelled> for CatalogError {
    fn from(_: crate::progress::Cancelled) -> Self {
        Self::Cancelled
    }
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

/// Formats a header for an error message: quoted, and shortened if it is long.
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
