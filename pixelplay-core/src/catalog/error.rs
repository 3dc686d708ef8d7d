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
    /// A folder, a pipe or a device was named as the table.
    #[error(
        "{} is {found}, not a file; save the table to a file (or give a reader to `SongTable::from_reader`)",
        path.display()
    )]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file is no text.
    #[error("{} is {found}, not a table in CSV or TSV{advice}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
        /// What helps, as the end of the sentence; may be empty.
        advice: &'static str,
    },
    /// The file, decompressed, is larger than
    /// [`CleanOptions::max_bytes`](super::CleanOptions::max_bytes).
    #[error(
        "{} holds more than {limit} bytes of text; split it, or raise max_bytes",
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
    /// The songs of the table need more than
    /// [`CleanOptions::max_memory`](super::CleanOptions::max_memory).
    #[error(
        "{}: the songs up to line {line} take more than {limit} bytes of memory; \
         split the table, leave columns out, or raise max_memory",
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
    /// More songs than an index can have.
    #[error("there are more than {} songs; split the table", u32::MAX)]
    TooManySongs,
    /// Songs that wait for the end of their table cannot be put away.
    #[error("cannot keep songs for later in a file in {}", folder.display())]
    Spool {
        /// The folder of the file, which has no name of its own.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row has more cells than [`CleanOptions::max_columns`](super::CleanOptions::max_columns).
    #[error(
        "{}, line {line}: a row of more than {limit} cells; \
         is the delimiter the right one? otherwise raise max_columns",
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
        "{}, line {line}: a cell of more than {limit} bytes, or a row of 16 times that; \
         is a quote opened there and never closed? otherwise raise max_cell_bytes",
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
    /// [`CleanOptions::delimiter`](super::CleanOptions::delimiter) cannot be one.
    #[error(
        "the byte {delimiter:#04x} cannot stand between cells; \
         a delimiter is one ASCII character, but no quote, line end or NUL"
    )]
    BadDelimiter {
        /// The byte.
        delimiter: u8,
    },
    /// The first line names no column for the title or for the artist.
    #[error(
        "{} has no column for the {}; its first line reads: {}; \
         name the columns there (title, artist, id, ...), or say which is which (--column title=NAME, or the option `columns`)",
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
        "{header:?} cannot be the column {column:?}: {problem}; the header of {} reads: {}",
        path.display(),
        shown(found)
    )]
    BadMapping {
        /// The file.
        path: PathBuf,
        /// The column of a song.
        column: String,
        /// The header that was to be it.
        header: String,
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
    /// A file of description templates cannot be read.
    #[error("cannot read the description templates {}", path.display())]
    ReadTemplates {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Description templates do not have the form of the embedded ones.
    #[error(
        "the description templates{} are not usable",
        path.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()))
    )]
    BadTemplates {
        /// The file, if they are in one.
        path: Option<PathBuf>,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// A caller's own way of describing songs failed.
    #[error("song {id:?} cannot be described")]
    Describe {
        /// The id of the song.
        id: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One of the [`WordWeights`](super::WordWeights) cannot be one.
    #[cfg(feature = "encoder")]
    #[error("the weight of the {words} is {weight}; it must be 0 (left out) or more, and finite")]
    BadWordWeight {
        /// `title`, `tags` or `lyrics`.
        words: &'static str,
        /// The weight.
        weight: f64,
    },
    /// Songs cannot be described as those of the index were that they are to be added to.
    #[cfg(feature = "encoder")]
    #[error("the songs cannot be described as those of {} were: {what}", index.display())]
    OtherRecipe {
        /// The index.
        index: PathBuf,
        /// What differs, and what to do about it.
        what: String,
    },
    /// No song is left that could go into an index.
    #[error(
        "there is no song to put into {}{}",
        out.display(),
        match left_out {
            0 => String::new(),
            n => format!("; of {n} nothing is known to describe them by (title, energy, valence, genre, ...)"),
        }
    )]
    NoSongs {
        /// The index that was not written.
        out: PathBuf,
        /// How many songs cannot be described.
        left_out: usize,
    },
    /// The index, or the cleaned table, would be written over the table or the vectors it is made
    /// of.
    #[error("{} is what it would be made of; write to another file", path.display())]
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
