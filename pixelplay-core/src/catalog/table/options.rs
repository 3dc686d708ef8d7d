//! Options for reading a table: its form, its limits, and which rows are kept.

use std::collections::BTreeMap;

/// Options for reading a table of songs, including limits.
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// The delimiter between cells, one ASCII character. `None` detects a comma, a tab, a semicolon
    /// or a pipe.
    pub delimiter: Option<u8>,
    /// Maps columns of a song to headers that are not recognised by name: `title` -> `Werk`.
    pub columns: BTreeMap<String, String>,
    /// The maximum number of bytes of text to read, after decompression.
    pub max_bytes: u64,
    /// The maximum number of rows to read.
    pub max_rows: u64,
    /// The maximum memory for the kept songs, in bytes. Memory is estimated: about 700 bytes per
    /// song, and 150 more per cell of an unknown column.
    pub max_memory: usize,
    /// The maximum number of cells in a row.
    pub max_columns: usize,
    /// Whether rows for the same recording are merged even if their ids differ. A recording is the same
    /// title by the same artists, possibly remastered, in another edition, or with guests named in
    /// another place. Live recordings, remixes and other versions remain separate songs.
    pub merge_recordings: bool,
    /// The maximum length of a cell in bytes; a row may be sixteen times as long. A longer cell is
    /// nearly always caused by a quote that was never closed.
    pub max_cell_bytes: usize,
}

impl Default for CleanOptions {
    /// Detects the delimiter, trusts the header and merges recordings. Reads at most 4 GiB, 10
    /// million rows, 10,000 columns, and cells of 1 MiB, into at most 4 GiB of memory. Larger
    /// tables are rejected.
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

/// Which rows of a table are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Rows that have a title and an artist.
    Songs,
    /// Rows that have as many cells as the header, and an id if there is an id column.
    EveryRow,
}
